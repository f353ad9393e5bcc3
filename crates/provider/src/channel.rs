//! One channel as its provider sees it: what was vouched for, what was answered since, what is being answered.

use ledger::{Amount, Channel, ChannelId, Digest, OfferId, Refusal, Signed, Tally, Usage, Voucher};
use std::collections::{HashMap, VecDeque};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A channel's state.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The channel as it will be once the newest voucher is settled.
    pub channel: Channel,
    /// What is settled of it on the ledger: number of the voucher.
    pub settled: u64,
    /// And what it spent there.
    pub settled_spent: Amount,
    /// The newest voucher.
    pub voucher: Option<Signed<Voucher>>,
    /// The leaves under it.
    pub tally: Tally,
    /// Receipts after it, in order of number without a gap.
    pub unpaid: VecDeque<Unpaid>,
    /// The sum of their costs.
    pub owed: Amount,
    /// The worst case of the orders that are being answered.
    pub reserved: Amount,
    /// What the payer refused to pay.
    pub refused: Debt,
    /// A receipt could not be written down: nothing more is taken until a restart.
    pub broken: bool,
}

/// What will not be paid any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Debt {
    /// Altogether.
    pub total: Amount,
    lately: VecDeque<Lost>,
}

/// One answer that will not be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// What it cost.
    pub cost: Amount,
    /// When it was given, in milliseconds since 1970.
    pub time: u64,
}

impl Lost {
    fn is_young(&self, now: u64) -> bool {
        self.time.saturating_add(DAY_MS) > now
    }
}

impl Debt {
    pub fn add(&mut self, lost: Lost) {
        if !lost.cost.is_zero() {
            self.total = self.total.plus(lost.cost).unwrap_or(self.total);
            self.lately.retain(|earlier| earlier.is_young(lost.time));
            self.lately.push_back(lost);
        }
    }

    /// Adds another one.
    pub fn add_all(&mut self, other: &Self) {
        self.total = self.total.plus(other.total).unwrap_or(self.total);
        self.lately.extend(&other.lately);
    }

    /// What of it is younger than a day.
    pub fn young(&self, now: u64) -> Amount {
        self.lately.iter().filter(|lost| lost.is_young(now)).map(|lost| lost.cost).sum()
    }
}

/// Where a voucher leads.
pub struct Reached {
    /// The tally that it must have.
    pub tally: Tally,
    /// The numbers of the receipts that are refused, and what they cost.
    pub lost: Vec<(u64, Lost)>,
}

/// A receipt that no voucher covers yet.
#[derive(Debug, Clone, Copy)]
pub struct Unpaid {
    /// Of the signed receipt.
    pub leaf: Digest,
    /// For which offer.
    pub offer: OfferId,
    /// What it counts.
    pub usage: Usage,
    /// What it costs.
    pub cost: Amount,
    /// When it was signed, in milliseconds since 1970.
    pub time: u64,
}

impl Unpaid {
    pub const fn lost(&self) -> Lost {
        Lost { cost: self.cost, time: self.time }
    }
}

impl Seen {
    pub fn new(id: ChannelId, channel: Channel) -> Self {
        Self {
            settled: channel.number,
            settled_spent: channel.spent,
            channel,
            voucher: None,
            tally: Tally::new(id),
            unpaid: VecDeque::new(),
            owed: Amount::ZERO,
            reserved: Amount::ZERO,
            refused: Debt::default(),
            broken: false,
        }
    }

    /// The number of the next receipt.
    pub fn next_number(&self) -> u64 {
        self.tally.number() + u64::try_from(self.unpaid.len()).unwrap_or(u64::MAX) + 1
    }

    /// What this payer could still cost us in this channel: answered and being answered, not vouched for.
    pub fn exposure(&self) -> Amount {
        self.owed.plus(self.reserved).unwrap_or(self.owed)
    }

    /// What is owed or refused and younger than a day, and what is being answered.
    pub fn young(&self, now: u64) -> Amount {
        let unpaid = self.unpaid.iter().map(Unpaid::lost).filter(|lost| lost.is_young(now)).map(|lost| lost.cost);
        unpaid.chain([self.reserved, self.refused.young(now)]).sum()
    }

    /// What is vouched for and not on the ledger.
    pub fn unsettled(&self) -> Amount {
        self.channel.spent.minus(self.settled_spent).unwrap_or_default()
    }

    pub fn push(&mut self, unpaid: Unpaid) {
        self.owed = self.owed.plus(unpaid.cost).unwrap_or(self.owed);
        self.unpaid.push_back(unpaid);
    }

    /// Where a voucher for the first `number` receipts leads, with refusals in the places that they name. `None` if that many
    /// were never answered.
    pub fn tally_to(&self, number: u64, refusals: &[Signed<Refusal>]) -> Option<Reached> {
        let (mut tally, mut lost) = (self.tally.clone(), Vec::new());
        let refusals: HashMap<(u64, Digest), &Signed<Refusal>> =
            refusals.iter().map(|refusal| ((refusal.body.number, refusal.body.receipt), refusal)).collect();
        for unpaid in &self.unpaid {
            if tally.number() == number {
                break;
            }
            let place = tally.number() + 1;
            match refusals.get(&(place, unpaid.leaf)) {
                Some(refusal) => {
                    tally.push_refusal(refusal.digest());
                    lost.push((place, unpaid.lost()));
                }
                None => tally.push_receipt(unpaid.leaf, unpaid.offer, unpaid.usage)?,
            }
        }
        (tally.number() == number).then_some(Reached { tally, lost })
    }

    /// Takes a voucher that was found good and written down.
    pub fn accept(&mut self, voucher: Signed<Voucher>, channel: Channel, reached: Reached) {
        for _ in self.tally.number()..reached.tally.number() {
            let paid = self.unpaid.pop_front().map_or(Amount::ZERO, |paid| paid.cost);
            self.owed = self.owed.minus(paid).unwrap_or_default();
        }
        self.tally = reached.tally;
        self.channel = Channel { deposit: self.channel.deposit, closing: self.channel.closing, ..channel };
        reached.lost.into_iter().for_each(|(_, lost)| self.refused.add(lost));
        self.voucher = Some(voucher);
    }
}

#[cfg(test)]
mod tests;
