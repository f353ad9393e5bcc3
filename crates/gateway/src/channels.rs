//! Channels: one per provider, opened when it is first needed, topped up within the owner's limit, replaced when it is full or
//! its provider released it, and finished once it was closed and its time is over.

use api::{Applied, LedgerError, List};
use ledger::{
    AccountId, Amount, ArtifactId, BillPayee, Channel, ChannelId, Effect, Key, Limits, OfferId, Operation, Price,
    PublicKey, Record, Reject, Tally, Time,
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    cashier::{self, Cashier},
    catalog::Offered,
    error::{Error, Problem},
    gateway::{Buyer, now},
    limits::DAY_MS,
    money::Purse,
    records::{self, Kept},
};

/// The channels of this gateway that are on the ledger.
pub struct Channels {
    limits: Limits,
    by_id: RwLock<HashMap<ChannelId, Arc<Paying>>>,
    /// Held while a channel is opened or topped up: one at a time, so that none is opened twice.
    turn: tokio::sync::Mutex<()>,
    doubted: Mutex<HashMap<ChannelId, Doubted>>,
}

/// A channel in doubt.
struct Doubted {
    provider: AccountId,
    /// True while it may come back soon: no other one is opened.
    hope: bool,
}

/// A channel that pays.
pub struct Paying {
    pub id: ChannelId,
    pub provider: AccountId,
    /// Whose signatures count in it.
    pub of: Of,
    pub cashier: Cashier,
    /// Nothing more is ordered through it; what was ordered is still paid.
    ended: AtomicBool,
    room: Mutex<Room>,
}

/// The keys that a channel was opened with; rotations do not change them.
#[derive(Clone)]
pub struct Of {
    pub channel: ChannelId,
    /// Signs its receipts.
    pub provider_key: PublicKey,
    /// Signs its orders, vouchers and refusals.
    pub signer: wallet::Signer,
}

/// What counts toward the limits of a voucher: each offer ordered through the channel, and the pots that it fills.
#[derive(Debug, Default)]
struct Room {
    offers: BTreeSet<OfferId>,
    pots: BTreeSet<ArtifactId>,
}

impl Room {
    /// Makes room for an offer. False if a voucher that names it would be too wide for the ledger.
    fn take(&mut self, offer: OfferId, price: &Price, limits: &Limits) -> bool {
        if self.offers.contains(&offer) {
            return true;
        }
        let pots = price.lines.iter().filter_map(|line| match line.payee {
            BillPayee::Artifact(id) if !line.rates.is_zero() => Some(id),
            _ => None,
        });
        let pots: BTreeSet<ArtifactId> = pots.chain(self.pots.iter().copied()).collect();
        let fits = |count: usize, most: u32| u32::try_from(count).is_ok_and(|count| count <= most);
        if !fits(self.offers.len() + 1, limits.voucher_offers) || !fits(pots.len(), limits.settlement_pots) {
            return false;
        }
        self.offers.insert(offer);
        self.pots = pots;
        true
    }
}

impl Paying {
    fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn takes(&self, offered: &Offered, limits: &Limits) -> bool {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).take(offered.id, &offered.price, limits)
    }
}

impl Channels {
    pub fn new(limits: Limits) -> Self {
        Self { limits, by_id: RwLock::default(), turn: tokio::sync::Mutex::default(), doubted: Mutex::default() }
    }

    fn doubted(&self) -> std::sync::MutexGuard<'_, HashMap<ChannelId, Doubted>> {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A channel in doubt will not come back soon.
    pub fn give_up(&self, id: ChannelId) {
        if let Some(doubted) = self.doubted().get_mut(&id) {
            doubted.hope = false;
        }
    }

    /// A channel is in doubt no more.
    pub fn clear(&self, id: ChannelId) {
        self.doubted().remove(&id);
    }

    pub fn get(&self, id: ChannelId) -> Option<Arc<Paying>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Paying>> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn with(&self, provider: AccountId) -> Option<Arc<Paying>> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        by_id.values().find(|paying| paying.provider == provider && !paying.has_ended()).cloned()
    }

    fn remove(&self, id: ChannelId) {
        self.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Buyer {
    /// Takes up the channels of the books, and those that an interrupted start opened on the ledger.
    /// Gives those of the books that are gone.
    pub async fn load_channels(self: &Arc<Self>) -> Result<HashSet<ChannelId>, Error> {
        let mut kept: HashMap<ChannelId, Kept> =
            records::channels(&self.books)?.into_iter().map(|kept| (kept.id, kept)).collect();
        let doubted = records::doubted(&self.books)?;
        for (id, channel) in self.channels_on_ledger().await? {
            let kept = kept.remove(&id);
            if doubted.contains(&id) {
                self.channels.doubted().insert(id, Doubted { provider: channel.provider, hope: true });
                tokio::spawn(Arc::clone(self).clear_doubt(id, channel, kept));
            } else {
                self.take_up(id, &channel, kept).await?;
            }
        }
        Ok(kept.into_keys().collect())
    }

    /// This gateway's channels on the ledger, closing ones included: what was delivered through them is still paid.
    pub async fn channels_on_ledger(&self) -> Result<Vec<(ChannelId, Channel)>, Error> {
        let payer = self.config.payer.id();
        let ours =
            |channel: &Channel| channel.payer == payer && self.config.signer.signer(channel.gateway_key).is_some();
        let all = self.config.ledger.list(List::Channels(payer)).await?.into_iter();
        Ok(all
            .filter_map(|(key, record)| match (key, record) {
                (Key::Channel(id), Record::Channel(channel)) if ours(&channel) => Some((id, *channel)),
                _ => None,
            })
            .collect())
    }

    pub async fn take_up(
        self: &Arc<Self>,
        id: ChannelId,
        channel: &Channel,
        kept: Option<Kept>,
    ) -> Result<Arc<Paying>, Error> {
        let signer = self.config.signer.signer(channel.gateway_key);
        let signer = signer.ok_or(Error::Damaged("a channel whose gateway key is gone"))?;
        let of = Of { channel: id, provider_key: channel.provider_key, signer };
        let (tally, voucher) = match kept {
            Some(kept) => (kept.tally, kept.voucher),
            None => {
                let (provider, tally) = (channel.provider, Tally::new(id));
                let first = tally.clone();
                self.books.write(move |books| records::put_channel(books, id, provider, &first)).await?;
                (tally, None)
            }
        };
        let (mut spent, mut room) = (Amount::ZERO, Room::default());
        for line in tally.voucher().usage {
            let price = self.catalog.price(line.offer).await?;
            spent = spent.plus(price.cost(line.usage).unwrap_or_default()).unwrap_or(spent);
            room.take(line.offer, &price, &self.channels.limits);
        }
        self.money.lock().channels.insert(id, Purse { total: channel.deposit, spent, ..Purse::default() });
        let cashier = cashier::start(self, of.clone(), channel, tally, voucher);
        let paying = Arc::new(Paying {
            id,
            provider: channel.provider,
            of,
            cashier,
            ended: AtomicBool::new(channel.closing.is_some()),
            room: Mutex::new(room),
        });
        self.channels.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&paying));
        Ok(paying)
    }

    /// The channel through which an offer is ordered; opened if there is none. A full one is closed and replaced.
    pub async fn channel_for(self: &Arc<Self>, offered: &Offered) -> Result<Arc<Paying>, Error> {
        let paying = self.channel_to(offered.record.provider).await?;
        if paying.takes(offered, &self.channels.limits) {
            return Ok(paying);
        }
        tracing::info!(channel = %paying.id, "a channel is full; another one is opened");
        paying.end();
        let (buyer, id) = (Arc::clone(self), paying.id);
        tokio::spawn(async move {
            if let Err(error) = buyer.close_channel(id).await {
                tracing::warn!(%error, channel = %id, "a full channel was not closed");
            }
        });
        let paying = self.channel_to(offered.record.provider).await?;
        paying.takes(offered, &self.channels.limits);
        Ok(paying)
    }

    async fn channel_to(self: &Arc<Self>, provider: AccountId) -> Result<Arc<Paying>, Error> {
        if let Some(paying) = self.channels.with(provider) {
            return Ok(paying);
        }
        let _turn = self.channels.turn.lock().await;
        if let Some(paying) = self.channels.with(provider) {
            return Ok(paying);
        }
        if self.channels.doubted().values().any(|doubted| doubted.provider == provider && doubted.hope) {
            return Err(Error::Doubted);
        }
        // One that was opened, and whose answer did not come back.
        for (id, channel) in self.channels_on_ledger().await? {
            let known = self.channels.get(id).is_some() || self.channels.doubted().contains_key(&id);
            if channel.provider == provider && channel.closing.is_none() && !known {
                return self.take_up(id, &channel, None).await;
            }
        }
        let deposit = self.limits().deposit;
        let open = Operation::Open { provider, gateway_key: self.config.signer.key(), deposit };
        let applied = self.deposit(deposit, open).await?;
        let Effect::Opened(id) = applied.outcome.effect else {
            return Err(Error::Damaged("a channel that became something else"));
        };
        let channel = self.config.ledger.channel(id).await?;
        self.take_up(id, &channel, None).await
    }

    /// A problem with a channel as a client sees it: an empty account is named, so that its owner knows what to ask for.
    pub fn explain(&self, error: Error) -> Problem {
        let poor = matches!(&error, Error::Wallet(wallet) if wallet.reject() == Some(Reject::BalanceTooLow));
        if !poor {
            return error.into();
        }
        let id = self.config.payer.id();
        let name = self.catalog.shelf().names.account(id);
        Problem::money(format!(
            "the gateway pays from the account {name} ({id}), which has not enough credits for this; ask the gateway's owner, \
             to whom anybody on this ledger can send some: pumasi wallet send {name} 1000"
        ))
    }

    /// Tops a channel up if little of its deposit is left. True if it was.
    pub async fn top_up(self: &Arc<Self>, id: ChannelId, need: Amount) -> Result<bool, Error> {
        let _turn = self.channels.turn.lock().await;
        let free = self.money.lock().channels.get(&id).map(Purse::free).unwrap_or_default();
        let limits = self.limits();
        if free >= need.max(limits.below) {
            return Ok(false);
        }
        let amount = limits.deposit.max(need);
        self.deposit(amount, Operation::TopUp { channel: id, amount }).await?;
        if let Some(purse) = self.money.lock().channels.get_mut(&id) {
            purse.total = purse.total.plus(amount).unwrap_or(purse.total);
        }
        Ok(true)
    }

    /// Tops up in the background once the deposit runs low.
    pub fn watch_deposit(self: &Arc<Self>, id: ChannelId) {
        let low = self.money.lock().channels.get(&id).is_some_and(|purse| purse.free() < self.limits().below);
        if low && !self.topping_up.swap(true, Ordering::Relaxed) {
            let buyer = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = buyer.top_up(id, Amount::ZERO).await {
                    tracing::warn!(%error, channel = %id, "the channel was not topped up");
                    // The owner's limit does not change by itself: ask again a little later.
                    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
                }
                buyer.topping_up.store(false, Ordering::Relaxed);
            });
        }
    }

    /// An empty account is told so here: asking the ledger would only leave refusals in its log.
    async fn has_credits(&self) -> Result<(), Error> {
        if self.config.ledger.account(self.config.payer.id()).await?.balance.is_zero() {
            let refused = LedgerError::Rejected { reject: Reject::BalanceTooLow, entry: None };
            return Err(Error::Wallet(refused.into()));
        }
        Ok(())
    }

    /// Makes a deposit, counted toward the owner's daily limit before it is made. One that the ledger refused does not count.
    async fn deposit(&self, amount: Amount, operation: Operation) -> Result<Applied, Error> {
        self.has_credits().await?;
        let row = self.count_top_up(amount).await?;
        let answer = self.config.payer.submit(operation).await;
        if answer.as_ref().is_err_and(|error| error.reject().is_some()) {
            self.books.write(move |books| records::remove_top_up(books, row)).await?;
        }
        Ok(answer?)
    }

    async fn count_top_up(&self, amount: Amount) -> Result<i64, Error> {
        let time = now();
        let (used, _) = records::topped_up(&self.books, time.saturating_sub(DAY_MS))?;
        let limit = self.limits().per_day;
        if used.plus(amount).is_none_or(|sum| sum > limit) {
            return Err(Error::TopUpLimit { used, limit });
        }
        Ok(self.books.write_synced(move |books| records::put_top_up(books, time, amount)).await?)
    }

    /// Begins to close a channel; nothing more is ordered through it. Answers that run are paid while it closes.
    pub async fn close_channel(&self, id: ChannelId) -> Result<(), Error> {
        if let Some(paying) = self.channels.get(id) {
            paying.end();
            paying.cashier.flush().await;
        }
        self.config.payer.submit(Operation::Close { channel: id }).await?;
        Ok(())
    }

    /// Whether a channel is closing or gone, by the ledger's word: its provider may release it at any time.
    pub async fn has_ended(&self, paying: &Paying) -> Result<bool, Error> {
        let record = self.config.ledger.get(&Key::Channel(paying.id)).await?;
        if !matches!(record, Some(Record::Channel(channel)) if channel.closing.is_none()) {
            paying.end();
        }
        Ok(paying.has_ended())
    }

    /// Fetches what is left in channels whose time to close is over, and forgets those that are gone.
    pub async fn finish_channels(&self) {
        for paying in self.channels.all().into_iter().filter(|paying| paying.has_ended()) {
            let id = paying.id;
            if let Err(error) = self.finish_channel(id).await {
                tracing::warn!(%error, channel = %id, "a closed channel was not finished; it will be tried again");
            }
        }
    }

    async fn finish_channel(&self, id: ChannelId) -> Result<(), Error> {
        match self.config.ledger.get(&Key::Channel(id)).await? {
            Some(Record::Channel(channel)) if channel.closing.is_some_and(|end| end < Time(now())) => {
                self.config.payer.submit(Operation::Finish { channel: id }).await?;
            }
            Some(_) => return Ok(()),
            None => {}
        }
        self.channels.remove(id);
        self.money.lock().channels.remove(&id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{PriceLine, Rates};

    #[test]
    fn a_channel_is_full_before_its_voucher_is_too_wide() {
        let limits = Limits { voucher_offers: 2, settlement_pots: 3, ..Limits::CEILING };
        let price = |works: &[u8]| {
            let line = |work: &u8| PriceLine {
                payee: BillPayee::Artifact(ledger::Digest([*work; 32])),
                rates: Rates { input: u64::from(*work), output: 0 },
            };
            Price { lines: works.iter().map(line).collect() }
        };
        let (offer, mut room) = (|place: u8| OfferId([place; 32]), Room::default());
        assert!(room.take(offer(1), &price(&[0, 1, 2]), &limits), "a work that asks nothing has no pot to fill");
        assert!(!room.take(offer(2), &price(&[3, 4]), &limits), "four pots");
        assert!(room.take(offer(3), &price(&[2, 3]), &limits));
        assert!(!room.take(offer(4), &price(&[1]), &limits), "three offers");
        assert!(room.take(offer(1), &price(&[1, 2]), &limits), "one that is there already");
    }
}
