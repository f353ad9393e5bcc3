//! What the ledger remembers: one record for each key, and the totals.

use alloc::{boxed::Box, string::String, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    AccountId, Amount, ArtifactId, ChannelId, Digest, Line, Offer, OfferId, PublicKey, Publish, Register, Time,
};

/// Names one record of the state. The order of the variants is part of the encoding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Key {
    /// The sums over everything.
    Totals,
    /// An account.
    Account(AccountId),
    /// Who has a name.
    Name(String),
    /// An artifact.
    Artifact(ArtifactId),
    /// What a publisher's `name:tag` points at.
    Tag(AccountId, String, String),
    /// Where a weight file was first published.
    Weight(Digest),
    /// The royalties of an artifact.
    Pot(ArtifactId),
    /// An offer.
    Offer(OfferId),
    /// A channel.
    Channel(ChannelId),
}

/// What stands under a key; the variant is the key's. Accounts are most of all, so the larger variants lie apart.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Record {
    /// Under [`Key::Totals`].
    Totals(Totals),
    /// Under [`Key::Account`].
    Account(Account),
    /// Under [`Key::Name`].
    Name(AccountId),
    /// Under [`Key::Artifact`].
    Artifact(Box<Artifact>),
    /// Under [`Key::Tag`].
    Tag(ArtifactId),
    /// Under [`Key::Weight`].
    Weight(Weight),
    /// Under [`Key::Pot`].
    Pot(Pot),
    /// Under [`Key::Offer`].
    Offer(Box<OfferRecord>),
    /// Under [`Key::Channel`].
    Channel(Box<Channel>),
}

/// Sums over everything. Always: issued − redeemed = balances + deposits + pots.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Totals {
    /// The time of the last operation.
    pub time: Time,
    /// Operations that left a trace, refused ones included.
    pub operations: u64,
    /// Credits ever made.
    pub issued: Amount,
    /// Credits ever burned.
    pub redeemed: Amount,
    /// In channels, and set aside for names, artifacts, offers and channels.
    pub deposits: Amount,
    /// Royalties not yet paid out.
    pub pots: Amount,
    /// Artifacts ever published.
    pub artifacts: u64,
}

/// An account. One that never did or received anything has no record and reads as [`Account::new`].
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Its current key.
    pub key: PublicKey,
    /// The sequence its next operation must have.
    pub sequence: u64,
    /// What it may spend.
    pub balance: Amount,
    /// Its name, if it took one.
    pub name: Option<String>,
    /// Where its door is reached, if it said so.
    pub door: Option<Box<Register>>,
}

impl Account {
    /// An account that did nothing yet: its id is its key.
    pub const fn new(id: AccountId) -> Self {
        Self { key: PublicKey(id.0), sequence: 0, balance: Amount::ZERO, name: None, door: None }
    }
}

/// An artifact.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Artifact {
    /// Who published it.
    pub publisher: AccountId,
    /// What was published.
    pub publish: Publish,
    /// When.
    pub time: Time,
    /// How many were published before it; greater than every parent's.
    pub ordinal: u64,
    /// The works of its lineage that ask a royalty, itself included, in ascending order.
    pub priced: Vec<ArtifactId>,
    /// True if it takes no new children and offers.
    pub retired: bool,
}

/// Where a weight file was first published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Weight {
    /// The artifact.
    pub first: ArtifactId,
    /// True once the issuer freed it.
    pub lifted: bool,
}

/// The royalties of an artifact.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pot {
    /// Everything it ever earned.
    pub lifetime: Amount,
    /// What each payee was paid of it, in the order of the artifact's payees.
    pub paid: Vec<Amount>,
}

/// An offer as it stands.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OfferRecord {
    /// Who offers.
    pub provider: AccountId,
    /// The terms.
    pub offer: Offer,
    /// True once taken back. It still settles.
    pub withdrawn: bool,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Channel {
    /// Who pays.
    pub payer: AccountId,
    /// Who is paid.
    pub provider: AccountId,
    /// Signs receipts: the provider's key when the channel was opened.
    pub provider_key: PublicKey,
    /// Signs orders, vouchers and refusals.
    pub gateway_key: PublicKey,
    /// Everything ever locked in it.
    pub deposit: Amount,
    /// What was settled of it.
    pub spent: Amount,
    /// The settled voucher's number; 0 before the first.
    pub number: u64,
    /// The settled voucher's usage.
    pub usage: Vec<Line>,
    /// The settled voucher's root.
    pub root: Digest,
    /// When it may be finished, if it is closing.
    pub closing: Option<Time>,
}
