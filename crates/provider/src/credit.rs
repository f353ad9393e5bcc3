//! Who owes how much. An order is taken only if, at the worst, it stays within every limit; all of that is decided under
//! one lock, so no two orders can take the same room.

use api::exchange::{Refused, RefusedCode};
use ledger::{AccountId, Amount, ChannelId};
use std::collections::{HashMap, HashSet};

use crate::{
    channel::{Debt, Seen},
    error::refused,
};

/// Receipts of one channel that no voucher covers: each takes memory, even where it costs nothing.
const UNPAID_MAX: usize = 20_000;

/// How much is given on trust.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To one channel, and to all channels of one payer.
    pub payer: Amount,
    /// To all payers together that never settled.
    pub unproven: Amount,
}

/// All channels of a provider.
#[derive(Debug, Default)]
pub struct Credit {
    pub channels: HashMap<ChannelId, Seen>,
    /// Payers that a settlement proved.
    pub proven: HashSet<AccountId>,
    /// What payers left unpaid in channels that are gone.
    pub gone: HashMap<AccountId, Debt>,
}

impl Credit {
    /// Sets the worst case of an order aside, or refuses it.
    pub fn reserve(&mut self, id: ChannelId, worst: Amount, limits: &Limits, now: u64) -> Result<(), Refused> {
        let seen = self.channels.get(&id).ok_or_else(unknown)?;
        if seen.broken {
            return Err(refused(RefusedCode::Busy, "the provider cannot write its books; try another one"));
        }
        if seen.channel.closing.is_some() {
            return Err(refused(RefusedCode::ChannelUnknown, "the channel is closing; open another one"));
        }
        let payer = seen.channel.payer;
        let after = |sum: Amount| sum.plus(worst).unwrap_or(Amount(u128::MAX));
        if after(seen.exposure()) > seen.channel.free() {
            return Err(exceeded("what is left of the channel's deposit", "top the channel up"));
        }
        if seen.unpaid.len() >= UNPAID_MAX {
            return Err(exceeded("so many answers without a voucher are worth", "send the newest voucher"));
        }
        if after(self.owed_by(payer)) > limits.payer {
            return Err(exceeded("what this provider gives one payer on trust", "send the newest voucher"));
        }
        if !self.proven.contains(&payer) && after(self.owed_unproven(now)) > limits.unproven {
            return Err(exceeded(
                "what this provider gives new payers on trust",
                "send the newest voucher and wait for its settlement",
            ));
        }
        let seen = self.channels.get_mut(&id).ok_or_else(unknown)?;
        seen.reserved = after(seen.reserved);
        Ok(())
    }

    /// Undoes [`Self::reserve`].
    pub fn release(&mut self, id: ChannelId, worst: Amount) {
        if let Some(seen) = self.channels.get_mut(&id) {
            seen.reserved = seen.reserved.minus(worst).unwrap_or_default();
        }
    }

    /// What a payer owes in all its channels. What it refused to pay counts until it is gone.
    fn owed_by(&self, payer: AccountId) -> Amount {
        let of = self.channels.values().filter(|seen| seen.channel.payer == payer);
        let gone = self.gone.get(&payer).map_or(Amount::ZERO, |debt| debt.total);
        of.flat_map(|seen| [seen.exposure(), seen.refused.total]).chain([gone]).sum()
    }

    /// What all unproven payers owe together. What is older than a day leaves this sum, so that a few who never pay do not
    /// lock everybody out; they themselves stay refused.
    fn owed_unproven(&self, now: u64) -> Amount {
        let unproven = self.channels.values().filter(|seen| !self.proven.contains(&seen.channel.payer));
        let gone = self.gone.iter().filter(|(payer, _)| !self.proven.contains(payer)).map(|(_, debt)| debt.young(now));
        unproven.map(|seen| seen.young(now)).chain(gone).sum()
    }

    /// A payer is proven once something of its money was settled: a voucher that refuses everything proves nothing.
    pub fn prove(&mut self, payer: AccountId, spent: Amount) {
        if !spent.is_zero() {
            self.proven.insert(payer);
        }
    }

    /// A channel is gone from the ledger: what was not paid in it never will be, and its payer is held to that. Gives payer and
    /// debt, if there is one.
    pub fn remove(&mut self, id: ChannelId) -> Option<(AccountId, Debt)> {
        let seen = self.channels.remove(&id)?;
        let mut debt = seen.refused.clone();
        seen.unpaid.iter().for_each(|unpaid| debt.add(unpaid.lost()));
        if debt.total.is_zero() {
            return None;
        }
        self.gone.entry(seen.channel.payer).or_default().add_all(&debt);
        Some((seen.channel.payer, debt))
    }
}

fn unknown() -> Refused {
    refused(RefusedCode::ChannelUnknown, "there is no such channel with this provider")
}

fn exceeded(what: &str, remedy: &str) -> Refused {
    refused(
        RefusedCode::CreditExceeded,
        format!("at the worst this answer costs more than {what}; {remedy}, and try again"),
    )
}

#[cfg(test)]
mod tests;
