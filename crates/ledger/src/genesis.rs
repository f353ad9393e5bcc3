//! What a network is founded on. Its digest is the network's name in every signature.

use alloc::{string::String, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{AccountId, Amount, Digest, PublicKey, Reject, Time, encode};

/// The founding document of a network; the first entry of its log.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// The log's origin as tree heads name it, such as `pumasi.example/main`. No blanks, no line breaks.
    pub origin: String,
    /// Starts time; no operation is earlier.
    pub founded: Time,
    /// May issue, redeem and lift.
    pub issuer: AccountId,
    /// The keys that may sign tree heads.
    pub replicas: Vec<PublicKey>,
    /// Receives the fees.
    pub beneficiary: AccountId,
    /// What an operation costs.
    pub fees: Fees,
    /// What is set aside while something stands.
    pub deposits: Deposits,
    /// No royalty may exceed this in either rate (pico-credits per token).
    pub royalty_max: u64,
    /// How long a closing channel waits for its provider.
    pub dispute_window_ms: u64,
    /// Sizes; each at most what [`Limits::CEILING`] says.
    pub limits: Limits,
}

/// What an operation costs its account. All zero on a play network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fees {
    /// For each operation.
    pub operation: Amount,
    /// For each byte of its signed encoding.
    pub byte: Amount,
    /// For each pot that a settlement or payout changes.
    pub pot: Amount,
}

/// Money set aside: a channel's returns at finish, an offer's at withdraw, a name's and an artifact's stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Deposits {
    /// For a name; stays.
    pub name: Amount,
    /// For an artifact; stays.
    pub artifact: Amount,
    /// For an offer; returns when it is withdrawn.
    pub offer: Amount,
    /// For a channel, beside the money in it; returns when it is finished.
    pub channel: Amount,
}

/// Sizes that keep every step bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Limits {
    /// Parents of one artifact.
    pub parents: u32,
    /// Weight files of one artifact.
    pub weights: u32,
    /// Works with a royalty in one lineage, the artifact itself included.
    pub priced_works: u32,
    /// Ancestors among which the first artifacts of weight files are looked for; none older than the oldest of these counts.
    pub lineage_walk: u32,
    /// Offers on one voucher.
    pub voucher_offers: u32,
    /// Pots that one settlement may change.
    pub settlement_pots: u32,
    /// Pots that one payout may empty.
    pub payout_pots: u32,
}

impl Limits {
    /// The highest limits for which no sum can reach 2¹²⁸: 257 rates × 2⁶⁴ × 2⁴⁸ tokens × 64 lines × 2. Raise none.
    pub const CEILING: Self = Self {
        parents: 64,
        weights: 256,
        priced_works: 256,
        lineage_walk: 65_536,
        voucher_offers: 64,
        settlement_pots: 1_024,
        payout_pots: 64,
    };

    fn within(&self, ceiling: &Self) -> bool {
        self.parents <= ceiling.parents
            && self.weights <= ceiling.weights
            && self.priced_works <= ceiling.priced_works
            && self.lineage_walk <= ceiling.lineage_walk
            && self.voucher_offers <= ceiling.voucher_offers
            && self.settlement_pots <= ceiling.settlement_pots
            && self.payout_pots <= ceiling.payout_pots
    }
}

impl Genesis {
    /// The network's name: SHA-256 of `pumasi/genesis/1` and the canonical encoding.
    pub fn network(&self) -> Digest {
        Digest::of(&encode(&(String::from("pumasi/genesis/1"), self)))
    }

    /// Checks that this can found a network.
    ///
    /// # Errors
    /// [`Reject::GenesisInvalid`] for an empty or blank-holding origin, no or repeated replicas, or a limit above the ceiling.
    pub fn check(&self) -> Result<(), Reject> {
        let origin_good = !self.origin.is_empty()
            && self.origin.len() <= 128
            && self.origin.bytes().all(|c| c.is_ascii_graphic() && c != b'+');
        let replicas_good =
            !self.replicas.is_empty() && self.replicas.len() <= 64 && self.replicas.is_sorted_by(|a, b| a < b);
        if origin_good && replicas_good && self.limits.within(&Limits::CEILING) {
            Ok(())
        } else {
            Err(Reject::GenesisInvalid)
        }
    }
}
