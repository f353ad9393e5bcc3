//! One channel as its provider sees it: what was vouched for, what was answered since, what is being answered.

use ledger::{Amount, Channel, ChannelId, Digest, OfferId, Refusal, Signed, Tally, Usage, Voucher};
use std::collections::VecDeque;

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
    pub refused: Amount,
    /// A receipt could not be written down: nothing more is taken until a restart.
    pub broken: bool,
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
            refused: Amount::ZERO,
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

    /// What is vouched for and not on the ledger.
    pub fn unsettled(&self) -> Amount {
        self.channel.spent.minus(self.settled_spent).unwrap_or_default()
    }

    pub fn push(&mut self, unpaid: Unpaid) {
        self.owed = self.owed.plus(unpaid.cost).unwrap_or(self.owed);
        self.unpaid.push_back(unpaid);
    }

    /// The tally that a voucher for the first `number` receipts must have, with refusals in the places that they name, and
    /// what the refused receipts cost. `None` if that many were never answered.
    pub fn tally_to(&self, number: u64, refusals: &[Signed<Refusal>]) -> Option<(Tally, Amount)> {
        let (mut tally, mut refused) = (self.tally.clone(), Amount::ZERO);
        for unpaid in &self.unpaid {
            if tally.number() == number {
                break;
            }
            let place = tally.number() + 1;
            match refusals.iter().find(|refusal| refusal.body.number == place && refusal.body.receipt == unpaid.leaf) {
                Some(refusal) => {
                    tally.push_refusal(refusal.digest());
                    refused = refused.plus(unpaid.cost)?;
                }
                None => tally.push_receipt(unpaid.leaf, unpaid.offer, unpaid.usage)?,
            }
        }
        (tally.number() == number).then_some((tally, refused))
    }

    /// Takes a voucher that was found good and written down.
    pub fn accept(&mut self, voucher: Signed<Voucher>, channel: Channel, tally: Tally, refused: Amount) {
        for _ in self.tally.number()..tally.number() {
            let paid = self.unpaid.pop_front().map_or(Amount::ZERO, |paid| paid.cost);
            self.owed = self.owed.minus(paid).unwrap_or_default();
        }
        self.tally = tally;
        self.channel = Channel { deposit: self.channel.deposit, closing: self.channel.closing, ..channel };
        self.refused = self.refused.plus(refused).unwrap_or(self.refused);
        self.voucher = Some(voucher);
    }
}
