//! The voucher: one signature that pays every answer of a channel up to now.

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{ChannelId, Digest, OfferId, Signable, Usage, log_tree::Frontier};

/// What the payer signs after answers: cumulative, so that the newest replaces all older ones.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Voucher {
    /// The channel.
    pub channel: ChannelId,
    /// How many receipts it covers: those numbered 1 to this.
    pub number: u64,
    /// Usage of each offer since the channel was opened, in ascending order of offer.
    pub usage: Vec<Line>,
    /// RFC 6962 root of leaves 1 to `number`; leaf i is the digest of signed receipt i, or of its signed refusal.
    pub root: Digest,
}

impl Signable for Voucher {
    const PURPOSE: &'static str = "pumasi/voucher/1";
}

/// Usage of one offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Line {
    /// The offer.
    pub offer: OfferId,
    /// Tokens so far.
    pub usage: Usage,
}

/// The running total of a channel, as both of its ends keep it: push each leaf in order, and ask for the voucher.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tally {
    channel: ChannelId,
    usage: Vec<Line>,
    leaves: Frontier,
}

impl Tally {
    /// A channel without a receipt.
    pub const fn new(channel: ChannelId) -> Self {
        Self { channel, usage: Vec::new(), leaves: Frontier::new() }
    }

    /// How many leaves there are; the next receipt has this number plus one.
    pub const fn number(&self) -> u64 {
        self.leaves.size()
    }

    /// Adds the digest of the next signed receipt and what it counts; `None` if the line would exceed its limit, and
    /// then nothing changed.
    pub fn push_receipt(&mut self, receipt: Digest, offer: OfferId, usage: Usage) -> Option<()> {
        match self.usage.binary_search_by_key(&offer, |line| line.offer) {
            Ok(at) => {
                let line = self.usage.get_mut(at)?;
                line.usage = line.usage.plus(usage)?;
            }
            Err(at) => {
                usage.within_line().then_some(())?;
                self.usage.insert(at, Line { offer, usage });
            }
        }
        self.leaves.push(receipt);
        Some(())
    }

    /// Adds the digest of the signed refusal of the next receipt, which counts nothing.
    pub fn push_refusal(&mut self, refusal: Digest) {
        self.leaves.push(refusal);
    }

    /// The voucher for everything so far, to be signed.
    pub fn voucher(&self) -> Voucher {
        Voucher { channel: self.channel, number: self.number(), usage: self.usage.clone(), root: self.leaves.root() }
    }
}
