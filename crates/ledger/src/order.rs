//! What buyer and seller sign for one answer: the order before it, the receipt after it, or the refusal of a receipt.

use alloc::string::String;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{ChannelId, Digest, OfferId, OrderId, Signable, Signed, Time, Usage, encode};

/// What the payer signs before an answer. It ends in one recorded outcome: paid, refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Order {
    /// Who pays whom.
    pub channel: ChannelId,
    /// Random; the provider takes each only once.
    pub id: OrderId,
    /// At which terms.
    pub offer: OfferId,
    /// Of the request's bytes, see [`salted`].
    pub request: Digest,
    /// The most tokens that will be paid.
    pub limit: Usage,
    /// The provider must not begin after this time.
    pub expires: Time,
}

impl Signable for Order {
    const PURPOSE: &'static str = "pumasi/order/1";
}

/// What the provider signs after an answer.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// What was ordered, with the gateway's signature: a receipt is signed by both.
    pub order: Signed<Order>,
    /// Its number in the channel: 1, 2, 3 and so on without a gap.
    pub number: u64,
    /// Of the answer's text, see [`salted`].
    pub answer: Digest,
    /// Tokens read and written, within the order's limit.
    pub usage: Usage,
    /// Why the answer ended.
    pub finish: Finish,
    /// When.
    pub time: Time,
    /// The newest tree head its provider had seen.
    pub head: Head,
}

impl Signable for Receipt {
    const PURPOSE: &'static str = "pumasi/receipt/1";
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Finish {
    /// The model was done, or a stop text came.
    Stop,
    /// A token limit was reached.
    Length,
    /// The client went away.
    Cancelled,
    /// The model asks for tools.
    ToolCalls,
}

/// A tree head of the public log: how long it is, and the root of its RFC 6962 tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Head {
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// The payer's word that it will not pay a receipt. It takes the receipt's place under the voucher's root and counts
/// nothing, so that one false receipt never stops a channel.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Refusal {
    /// The channel.
    pub channel: ChannelId,
    /// The refused receipt's number.
    pub number: u64,
    /// The refused receipt's digest.
    pub receipt: Digest,
    /// The order it claims to answer.
    pub order: OrderId,
    /// Why.
    pub reason: RefusalReason,
}

impl Signable for Refusal {
    const PURPOSE: &'static str = "pumasi/refusal/1";
}

/// Why a receipt is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum RefusalReason {
    /// No such order was signed, or it was already answered.
    OrderUnknown,
    /// It counts more than the order allows.
    LimitExceeded,
    /// It counts more than was streamed.
    MoreThanStreamed,
    /// The answer's digest is not that of what was streamed.
    AnswerDiffers,
}

impl<T: Signable> Signed<T> {
    /// The digest of what was signed together with its signature. For receipts and refusals this is the data of a leaf
    /// under a voucher's root.
    pub fn digest(&self) -> Digest {
        Digest::of(&encode(self))
    }
}

/// The digest of private bytes: SHA-256 of `pumasi/salted/1`, a random salt of 32 bytes, and the bytes. Nobody without the
/// salt can test a guess of a short request or answer.
pub fn salted(salt: &[u8; 32], bytes: &[u8]) -> Digest {
    let purpose = encode(&String::from("pumasi/salted/1"));
    Digest::of_parts(&[&purpose, salt, bytes])
}
