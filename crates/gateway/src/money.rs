//! Budgets of API keys and deposits of channels. A request's worst case is set aside in both under one lock, so whatever
//! runs in parallel, neither is ever overdrawn.

use ledger::{Amount, ChannelId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// An API key's place in the books.
pub type KeyId = i64;

/// What is spent and set aside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Purse {
    /// A key's budget, or a channel's deposit.
    pub total: Amount,
    /// Spent for good.
    pub spent: Amount,
    /// What of that was spent on files; nothing for a channel.
    pub files: Amount,
    /// Set aside for requests that run.
    pub reserved: Amount,
}

impl Purse {
    pub fn free(&self) -> Amount {
        self.total.minus(self.spent).and_then(|left| left.minus(self.reserved)).unwrap_or_default()
    }
}

/// All purses.
#[derive(Debug, Clone, Default)]
pub struct Money(Arc<Mutex<Purses>>);

#[derive(Debug, Default)]
pub struct Purses {
    pub keys: HashMap<KeyId, Purse>,
    pub channels: HashMap<ChannelId, Purse>,
}

/// Which purse is too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// The key's budget, of which this much is free now.
    Key(Amount),
    /// The channel's deposit.
    Channel,
}

/// What a request costs at the worst: for the key, with the gateway's fee; for the channel, without.
#[derive(Debug, Clone, Copy, Default)]
pub struct Worst {
    pub key: Amount,
    pub channel: Amount,
}

/// Money set aside; released when dropped.
#[derive(Debug)]
pub struct Reservation {
    money: Money,
    key: Option<KeyId>,
    /// None for what is between the key and the gateway alone.
    channel: Option<ChannelId>,
    worst: Worst,
}

impl Money {
    pub fn lock(&self) -> MutexGuard<'_, Purses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the worst case aside in both purses, or in neither.
    pub fn reserve(&self, key: KeyId, channel: ChannelId, worst: Worst) -> Result<Reservation, Short> {
        let mut purses = self.lock();
        let free = purses.keys.get(&key).map_or(Amount::ZERO, Purse::free);
        if free < worst.key {
            return Err(Short::Key(free));
        }
        if purses.channels.get(&channel).is_none_or(|purse| purse.free() < worst.channel) {
            return Err(Short::Channel);
        }
        purses.hold(Some(key), Some(channel), worst);
        drop(purses);
        Ok(Reservation { money: self.clone(), key: Some(key), channel: Some(channel), worst })
    }

    /// Sets aside in a key's purse alone what a file costs. The error is what is free.
    pub fn reserve_for_file(&self, key: KeyId, cost: Amount) -> Result<Reservation, Amount> {
        let mut purses = self.lock();
        let free = purses.keys.get(&key).map_or(Amount::ZERO, Purse::free);
        if free < cost {
            return Err(free);
        }
        let worst = Worst { key: cost, channel: Amount::ZERO };
        purses.hold(Some(key), None, worst);
        drop(purses);
        Ok(Reservation { money: self.clone(), key: Some(key), channel: None, worst })
    }

    /// Raises a key's budget.
    pub fn raise(&self, key: KeyId, by: Amount) {
        if let Some(purse) = self.lock().keys.get_mut(&key) {
            purse.total = purse.total.plus(by).unwrap_or(purse.total);
        }
    }

    /// Sets aside again what an order of an earlier run holds, even if there is too little.
    pub fn hold(&self, key: Option<KeyId>, channel: ChannelId, worst: Worst) -> Reservation {
        self.lock().hold(key, Some(channel), worst);
        Reservation { money: self.clone(), key, channel: Some(channel), worst }
    }
}

impl Purses {
    fn hold(&mut self, key: Option<KeyId>, channel: Option<ChannelId>, worst: Worst) {
        let add =
            |purse: &mut Purse, amount: Amount| purse.reserved = purse.reserved.plus(amount).unwrap_or(purse.reserved);
        if let Some(purse) = key.and_then(|key| self.keys.get_mut(&key)) {
            add(purse, worst.key);
        }
        if let Some(purse) = channel.and_then(|channel| self.channels.get_mut(&channel)) {
            add(purse, worst.channel);
        }
    }

    /// Spends for good.
    pub fn spend(&mut self, key: Option<KeyId>, channel: ChannelId, cost: Worst) {
        let add = |purse: &mut Purse, amount: Amount| purse.spent = purse.spent.plus(amount).unwrap_or(purse.spent);
        if let Some(purse) = key.and_then(|key| self.keys.get_mut(&key)) {
            add(purse, cost.key);
        }
        if let Some(purse) = self.channels.get_mut(&channel) {
            add(purse, cost.channel);
        }
    }

    /// The same for a file.
    pub fn spend_for_file(&mut self, key: KeyId, cost: Amount) {
        if let Some(purse) = self.keys.get_mut(&key) {
            purse.spent = purse.spent.plus(cost).unwrap_or(purse.spent);
            purse.files = purse.files.plus(cost).unwrap_or(purse.files);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut purses = self.money.lock();
        let take =
            |purse: &mut Purse, amount: Amount| purse.reserved = purse.reserved.minus(amount).unwrap_or_default();
        if let Some(purse) = self.key.and_then(|key| purses.keys.get_mut(&key)) {
            take(purse, self.worst.key);
        }
        if let Some(purse) = self.channel.and_then(|channel| purses.channels.get_mut(&channel)) {
            take(purse, self.worst.channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_purse_is_ever_overdrawn() {
        let (money, channel) = (Money::default(), ChannelId([0; 32]));
        money.lock().keys.insert(1, Purse { total: Amount(100), ..Purse::default() });
        money.lock().channels.insert(channel, Purse { total: Amount(45), ..Purse::default() });
        let worst = Worst { key: Amount(30), channel: Amount(20) };
        let first = money.reserve(1, channel, worst).unwrap();
        let second = money.reserve(1, channel, worst).unwrap();
        assert_eq!(money.reserve(1, channel, worst).unwrap_err(), Short::Channel);
        assert_eq!(
            money.reserve(1, channel, Worst { key: Amount(41), channel: Amount(1) }).unwrap_err(),
            Short::Key(Amount(40))
        );
        drop(first);
        money.lock().spend(Some(1), channel, Worst { key: Amount(10), channel: Amount(5) });
        assert_eq!(money.lock().keys[&1].free(), Amount(60));
        drop(second);
        let purses = money.lock();
        assert_eq!((purses.keys[&1].free(), purses.channels[&channel].free()), (Amount(90), Amount(40)));
    }
}
