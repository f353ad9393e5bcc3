//! What came in: transfers to an account, and what its works and its machines earned.

use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{AccountId, Amount, ArtifactId, Digest, Time, Usage};

/// At most so many transfers are told at once.
pub const RECEIVED_MAX: usize = 1_000;

/// A transfer to an account.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Received {
    /// Its index in the public log.
    pub entry: u64,
    /// Its time.
    pub at: Time,
    /// Who sent it.
    pub from: AccountId,
    /// How much.
    pub amount: Amount,
    /// What for: a digest, or zeros.
    pub reference: Digest,
}

/// What an account earned by settlements. Days are counted from 1970-01-01 (UTC).
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Earnings {
    /// Royalties by artifact and day, newest day first.
    pub royalties: Vec<Royalty>,
    /// A provider's fees by day, newest first.
    pub fees: Vec<Fee>,
}

/// What an account earned by one artifact on one day.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Royalty {
    /// The artifact.
    pub artifact: ArtifactId,
    /// The day.
    pub day: u64,
    /// Tokens of answers that it ran itself; what was built on it is not counted.
    pub usage: Usage,
    /// The account's part of what the pot received, rounded down; a payout divides the pot's lifetime and loses nothing.
    pub amount: Amount,
}

/// What a provider earned on one day.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fee {
    /// The day.
    pub day: u64,
    /// Tokens of its answers.
    pub usage: Usage,
    /// Its fees.
    pub amount: Amount,
}
