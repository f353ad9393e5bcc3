//! Everything that can be asked of the ledger: a closed list.

use alloc::{string::String, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    AccountId, Amount, ArtifactId, ChannelId, Digest, OfferId, PublicKey, Rates, Signature, Signed, Time, Voucher,
};

/// One request to the ledger, signed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// The network it is meant for.
    pub network: Digest,
    /// Whose operation it is.
    pub account: AccountId,
    /// The account's current key, which signs.
    pub key: PublicKey,
    /// Exactly the account's next sequence, counted from 0.
    pub sequence: u64,
    /// Refused after this time.
    pub not_after: Time,
    /// What is asked.
    pub operation: Operation,
}

/// What can be asked. The order of the variants is part of the encoding.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Operation {
    /// Issuer: makes credits. Free of fees.
    Issue {
        /// Who receives them.
        to: AccountId,
        /// How much.
        amount: Amount,
        /// For the reader of the books.
        reference: Digest,
    },
    /// Issuer: burns its own credits.
    Redeem {
        /// How much.
        amount: Amount,
        /// For the reader of the books.
        reference: Digest,
    },
    /// Issuer: frees a weight file from the duty to name its first artifact as an ancestor.
    Lift {
        /// The weight file.
        weight: Digest,
    },
    /// Moves money.
    Transfer {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Amount,
        /// An invoice number's digest, or zeros.
        reference: Digest,
    },
    /// Takes a unique name, once and for good.
    Name {
        /// `[a-z0-9-]`, 2 to 39.
        name: String,
    },
    /// Replaces the account's key.
    Rotate {
        /// The new key.
        key: PublicKey,
        /// The new key's signature of [`crate::KeyProof`], so that nobody rotates to a key he does not hold.
        proof: Signature,
    },
    /// Publishes an artifact.
    Publish(Publish),
    /// Points a tag of the publisher at one of its artifacts.
    Tag {
        /// The artifact's name.
        name: String,
        /// The tag.
        tag: String,
        /// What it points at from now on.
        artifact: ArtifactId,
    },
    /// Publisher: no new children or offers of an artifact; what exists on it goes on.
    Retire {
        /// The artifact.
        artifact: ArtifactId,
    },
    /// Says where an account's door is reached.
    Register(Register),
    /// Provider: offers to run an artifact.
    Offer(Offer),
    /// Provider: takes an offer back. It still settles.
    Withdraw {
        /// The offer.
        offer: OfferId,
    },
    /// Payer: locks money toward one provider, to be spent through one gateway.
    Open {
        /// Who will be paid.
        provider: AccountId,
        /// Signs the channel's orders and vouchers, for the channel's life.
        gateway_key: PublicKey,
        /// How much.
        deposit: Amount,
    },
    /// Payer: locks more.
    TopUp {
        /// The channel.
        channel: ChannelId,
        /// How much more.
        amount: Amount,
    },
    /// Provider: puts the newest voucher on the ledger.
    Settle {
        /// The voucher, signed by the channel's gateway key.
        voucher: Signed<Voucher>,
    },
    /// Payer: begins to close a channel; its provider may settle for the dispute window.
    Close {
        /// The channel.
        channel: ChannelId,
    },
    /// Provider: lets a channel go at once.
    Release {
        /// The channel.
        channel: ChannelId,
    },
    /// Anyone: ends a closing channel after the window.
    Finish {
        /// The channel.
        channel: ChannelId,
    },
    /// Anyone: empties pots to their payees.
    Payout {
        /// Whose pots, in ascending order.
        artifacts: Vec<ArtifactId>,
    },
}

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Publish {
    /// Names the artifact.
    pub manifest: ArtifactId,
    /// What it is.
    pub kind: Kind,
    /// What it was made from, in ascending order. All must stand already, so a cycle is impossible.
    pub parents: Vec<ArtifactId>,
    /// Asked whenever it or anything built on it is used; fixed for ever.
    pub royalty: Rates,
    /// Who is paid, in ascending order of account; at most 16. May be empty where the royalty is zero.
    pub payees: Vec<Payee>,
    /// Digests of its weight files, in ascending order.
    pub weights: Vec<Digest>,
    /// Its name below the publisher's.
    pub name: String,
    /// Points at it from now on.
    pub tag: String,
}

/// What an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Kind {
    /// Weights that run on their own.
    Model,
    /// Weights that change a model.
    Adapter,
    /// Data.
    Dataset,
    /// Training or evaluation code.
    Recipe,
    /// Results of judging an artifact.
    Evaluation,
}

impl Kind {
    /// True if an offer can run it.
    pub const fn runs(self) -> bool {
        matches!(self, Self::Model | Self::Adapter)
    }
}

/// Who is paid from a pot, and how much of it compared with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Payee {
    /// Who.
    pub account: AccountId,
    /// Its weight, at least 1.
    pub weight: u32,
}

/// Where an account's door is reached.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Register {
    /// `http://` or `https://`, host and port, nothing behind it; at most 255 bytes.
    pub address: String,
    /// The key its TLS certificate must have; none for plain HTTP on one machine.
    pub tls_key: Option<Digest>,
}

/// A provider's terms for running one artifact. Immutable; another fee is another offer.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Offer {
    /// What is run.
    pub artifact: ArtifactId,
    /// What the provider asks for its work.
    pub fee: Rates,
    /// Name and version of the engine; at most 63 bytes.
    pub engine: String,
    /// Such as `Q4_0`; at most 31 bytes.
    pub quantization: String,
    /// The most tokens of input and output together.
    pub context: u32,
    /// Output tokens where a request names no limit.
    pub default_output: u32,
    /// How many tokens a request can be at most.
    pub bound: Bound,
}

/// Bounds input tokens without a tokenizer: `min(context, per_byte × bytes + per_message × messages + constant)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bound {
    /// Tokens per byte of text.
    pub per_byte: u16,
    /// Tokens per message, beside its text.
    pub per_message: u16,
    /// Tokens of every request.
    pub constant: u16,
}

impl Bound {
    /// The most input tokens a request of this size can have.
    pub fn input_max(&self, context: u32, bytes: u64, messages: u64) -> u64 {
        let text = bytes.saturating_mul(u64::from(self.per_byte));
        let frame = messages.saturating_mul(u64::from(self.per_message));
        text.saturating_add(frame).saturating_add(u64::from(self.constant)).min(u64::from(context))
    }
}
