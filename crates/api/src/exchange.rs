//! Between a gateway and a provider: an order with its request in, frames and a receipt out, vouchers in return.
//!
//! | route | body | answer |
//! | --- | --- | --- |
//! | `POST /exchange/answers` | [`AnswerRequest`] | [`Frame`]s, one JSON object a line; or [`Refused`] |
//! | `POST /exchange/answers/{order}/cancel` | nothing | 204; the frames go on to the receipt |
//! | `POST /exchange/vouchers` | [`VoucherUpdate`] | 204, or [`Refused`] |
//! | `GET /exchange/channels/{channel}/receipts?from=N` | | [`Receipts`] from number N on, at most 1,000 |
//! | `GET /exchange/channels/{channel}/voucher?from=N` | | [`Vouched`] with the refusals after number N |
//! | `GET /exchange/channels/{channel}/orders/{order}` | | [`OrderState`] |
//!
//! An order that allows no tokens at all asks how many the input has: it is refused with the count, if its provider can count.
//! One that allows input and no output has its prompt read alone: measured, or made an embedding, which is the answer's text in
//! base64.

use ledger::{Order, OrderId, Receipt, Refusal, Signed, Voucher};
use serde::{Deserialize, Serialize};

use crate::text::Encoded;

/// The content type of an answer: one JSON object a line.
pub const FRAMES: &str = "application/x-ndjson";

/// An order and what is ordered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerRequest {
    /// Signed by the channel's gateway key.
    pub order: Encoded<Signed<Order>>,
    /// With which request and answer are digested; 32 bytes.
    pub salt: Encoded<[u8; 32]>,
    /// A [`crate::openai::ChatRequest`] as JSON text. The order's digest is over exactly these bytes.
    pub request: String,
    /// The newest voucher, if it is newer than the last one sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<VoucherUpdate>,
}

/// A newer voucher, and the refusals under its root that were not sent before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoucherUpdate {
    /// Signed by the channel's gateway key.
    pub voucher: Encoded<Signed<Voucher>>,
    /// In ascending order of number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Encoded<Signed<Refusal>>>,
}

/// One line of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "frames are read one by one and never kept in numbers")]
pub enum Frame {
    /// The order was taken; this is the true input.
    Accepted {
        /// Input tokens.
        input: u64,
    },
    /// The next tokens of the prompt, if they were to be measured.
    Prompt {
        /// True if nothing comes before the first of them: what is said of its probability says nothing.
        #[serde(default)]
        first: bool,
        /// The tokens.
        logprobs: Vec<crate::openai::TokenLogprob>,
    },
    /// More text.
    Delta {
        /// Whole UTF-8 characters; the answer is all of these, one after the other.
        text: String,
        /// Input tokens.
        input: u64,
        /// Output tokens up to and with this text.
        output: u64,
        /// Of the tokens of this text, if asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        logprobs: Vec<crate::openai::TokenLogprob>,
    },
    /// The end of a paid answer; nothing follows.
    Receipt {
        /// Signed by the channel's provider key.
        receipt: Encoded<Signed<Receipt>>,
        /// The text that ended the answer, of those that the request asked to end it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<String>,
    },
    /// The end of an answer that failed; it is billed for nothing, and nothing follows.
    Failed {
        /// What happened, for people.
        message: String,
    },
}

/// Receipts that a gateway asks for again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipts {
    /// In ascending order of number, without a gap.
    pub receipts: Vec<Encoded<Signed<Receipt>>>,
}

/// What a provider holds of a channel: a gateway whose books were lost asks for its own words again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vouched {
    /// The newest voucher, if there is one.
    pub voucher: Option<Encoded<Signed<Voucher>>>,
    /// Refusals under its root, in ascending order of number.
    pub refusals: Vec<Encoded<Signed<Refusal>>>,
}

/// What a provider knows of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "states are read one by one and never kept in numbers")]
pub enum OrderState {
    /// Never seen, or forgotten after its expiry.
    Unknown,
    /// Being answered.
    Running,
    /// Failed or refused: nothing is owed.
    Failed,
    /// Answered.
    Answered {
        /// The receipt.
        receipt: Encoded<Signed<Receipt>>,
    },
}

/// Why a provider does not take an order or voucher.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// For machines.
    pub code: RefusedCode,
    /// For people: what happened, and what to do.
    pub message: String,
    /// The true input, with [`RefusedCode::InputTooLong`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// The field of the request that is at fault, with [`RefusedCode::Malformed`], where it is not what is to be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCode {
    /// The message cannot be read, or the request does not match the order's digest.
    Malformed,
    /// The order or voucher is not signed by the channel's gateway key.
    BadSignature,
    /// There is no such channel with this provider, or it is closing.
    ChannelUnknown,
    /// The offer is not this provider's, is withdrawn, or its model cannot run now.
    OfferUnknown,
    /// The order expired.
    Expired,
    /// The order was taken before.
    Repeated,
    /// The input has more tokens than the order allows; `input` says how many.
    InputTooLong,
    /// The worst case does not fit into what is left of deposit or credit limit; pay or top up, and try again.
    CreditExceeded,
    /// The voucher is not good; the message says why.
    VoucherBad,
    /// Too much to do; try again.
    Busy,
    /// The provider failed.
    Failed,
}

impl RefusedCode {
    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::VoucherBad | Self::InputTooLong | Self::Expired => 400,
            Self::BadSignature => 401,
            Self::CreditExceeded => 402,
            Self::ChannelUnknown | Self::OfferUnknown => 404,
            Self::Repeated => 409,
            Self::Failed => 500,
            Self::Busy => 503,
        }
    }
}

/// The path that cancels an order.
pub fn cancel_path(order: OrderId) -> String {
    format!("/exchange/answers/{order}/cancel")
}
