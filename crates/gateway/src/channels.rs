//! Channels: one per provider, opened when it is first needed and topped up within the owner's limit.

use api::List;
use ledger::{AccountId, Amount, Channel, ChannelId, Effect, Key, Operation, PublicKey, Record, Tally};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    cashier::{self, Cashier},
    error::Error,
    gateway::{Buyer, now},
    money::Purse,
    records::{self, Kept},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The open channels of this gateway.
#[derive(Default)]
pub struct Channels {
    by_id: RwLock<HashMap<ChannelId, Arc<Paying>>>,
    /// Held while a channel is opened or topped up: one at a time, so that none is opened twice.
    turn: tokio::sync::Mutex<()>,
}

/// A channel that pays.
pub struct Paying {
    pub id: ChannelId,
    pub provider: AccountId,
    /// Signs its receipts.
    pub provider_key: PublicKey,
    pub cashier: Cashier,
}

impl Channels {
    pub fn get(&self, id: ChannelId) -> Option<Arc<Paying>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Paying>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn with(&self, provider: AccountId) -> Option<Arc<Paying>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).values().find(|paying| paying.provider == provider).cloned()
    }
}

impl Buyer {
    /// Takes up the channels of the books, and those that an interrupted start opened on the ledger.
    /// Gives those of the books that are gone.
    pub async fn load_channels(self: &Arc<Self>) -> Result<HashSet<ChannelId>, Error> {
        let mut kept: HashMap<ChannelId, Kept> =
            records::channels(&self.books)?.into_iter().map(|kept| (kept.id, kept)).collect();
        for (key, record) in self.config.ledger.list(List::Channels(self.config.payer.id())).await? {
            let (Key::Channel(id), Record::Channel(channel)) = (key, record) else { continue };
            let ours = channel.payer == self.config.payer.id() && channel.gateway_key == self.config.signer.key();
            if ours && channel.closing.is_none() {
                self.take_up(id, &channel, kept.remove(&id)).await?;
            }
        }
        Ok(kept.into_keys().collect())
    }

    async fn take_up(self: &Arc<Self>, id: ChannelId, channel: &Channel, kept: Option<Kept>) -> Result<Arc<Paying>, Error> {
        let (tally, voucher) = match kept {
            Some(kept) => (kept.tally, kept.voucher),
            None => {
                let (provider, tally) = (channel.provider, Tally::new(id));
                let first = tally.clone();
                self.books.write(move |books| records::put_channel(books, id, provider, &first)).await?;
                (tally, None)
            }
        };
        let mut spent = Amount::ZERO;
        for line in tally.voucher().usage {
            let cost = self.catalog.price(line.offer).await?.cost(line.usage).unwrap_or_default();
            spent = spent.plus(cost).unwrap_or(spent);
        }
        self.money.lock().channels.insert(id, Purse { total: channel.deposit, spent, reserved: Amount::ZERO });
        let cashier = cashier::start(self, id, channel, tally, voucher);
        let paying = Arc::new(Paying { id, provider: channel.provider, provider_key: channel.provider_key, cashier });
        self.channels.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&paying));
        Ok(paying)
    }

    /// The channel to a provider; opened if there is none.
    pub async fn channel_to(self: &Arc<Self>, provider: AccountId) -> Result<Arc<Paying>, Error> {
        if let Some(paying) = self.channels.with(provider) {
            return Ok(paying);
        }
        let _turn = self.channels.turn.lock().await;
        if let Some(paying) = self.channels.with(provider) {
            return Ok(paying);
        }
        let deposit = self.config.channel_deposit;
        self.count_top_up(deposit).await?;
        let open = Operation::Open { provider, gateway_key: self.config.signer.key(), deposit };
        let applied = self.config.payer.submit(open).await?;
        let Effect::Opened(id) = applied.outcome.effect else {
            return Err(Error::Damaged("a channel that became something else"));
        };
        let channel = self.config.ledger.channel(id).await?;
        self.take_up(id, &channel, None).await
    }

    /// Tops a channel up if little of its deposit is left. True if it was.
    pub async fn top_up(self: &Arc<Self>, id: ChannelId, need: Amount) -> Result<bool, Error> {
        let _turn = self.channels.turn.lock().await;
        let free = self.money.lock().channels.get(&id).map(Purse::free).unwrap_or_default();
        if free >= need.max(self.config.top_up_below) {
            return Ok(false);
        }
        let amount = self.config.channel_deposit.max(need);
        self.count_top_up(amount).await?;
        self.config.payer.submit(Operation::TopUp { channel: id, amount }).await?;
        if let Some(purse) = self.money.lock().channels.get_mut(&id) {
            purse.total = purse.total.plus(amount).unwrap_or(purse.total);
        }
        Ok(true)
    }

    /// Tops up in the background once the deposit runs low.
    pub fn watch_deposit(self: &Arc<Self>, id: ChannelId) {
        let low = self.money.lock().channels.get(&id).is_some_and(|purse| purse.free() < self.config.top_up_below);
        if low && !self.topping_up.swap(true, std::sync::atomic::Ordering::Relaxed) {
            let buyer = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = buyer.top_up(id, Amount::ZERO).await {
                    tracing::warn!(%error, channel = %id, "the channel was not topped up");
                    // The owner's limit does not change by itself: ask again a little later.
                    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
                }
                buyer.topping_up.store(false, std::sync::atomic::Ordering::Relaxed);
            });
        }
    }

    /// Counts a deposit toward the owner's daily limit, before it is made.
    async fn count_top_up(&self, amount: Amount) -> Result<(), Error> {
        let time = now();
        let today = records::topped_up(&self.books, time.saturating_sub(DAY_MS))?;
        if today.plus(amount).is_none_or(|sum| sum > self.config.top_up_limit_per_day) {
            return Err(Error::TopUpLimit);
        }
        self.books.write_synced(move |books| records::put_top_up(books, time, amount)).await?;
        Ok(())
    }

    /// Begins to close a channel; nothing more is ordered through it.
    pub async fn close_channel(&self, id: ChannelId) -> Result<(), Error> {
        let paying = self.channels.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(paying) = paying {
            paying.cashier.flush().await;
        }
        self.config.payer.submit(Operation::Close { channel: id }).await?;
        Ok(())
    }
}
