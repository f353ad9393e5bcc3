//! The provider itself: what it is started with, and what all of its parts share.

use api::Ledger;
use axum::Router;
use blobs::Store;
use books::Books;
use ledger::{
    Amount, ArtifactId, ChannelId, Digest, Genesis, Head, Key, OfferId, OrderId, Price, Record, Register, Time,
};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Notify;

use crate::{
    Backend, Error,
    channel::{Lost, Seen, Unpaid},
    credit::{Credit, Limits},
    offers::{Own, Tallies, Workers},
    records, routes,
};

/// What a provider is started with.
#[derive(Clone)]
pub struct Config {
    /// Its books.
    pub books: PathBuf,
    /// The ledger it is paid on.
    pub ledger: Arc<dyn Ledger>,
    /// Who is paid.
    pub account: wallet::Account,
    /// Where its routes are reached, as it will be registered.
    pub address: String,
    /// Where the files of what it runs are.
    pub store: Arc<Store>,
    /// Whoever sends this acts for the owner; nobody, if it is empty.
    pub owner_token: String,
    /// Digest of the key that answers there, if it is one of ours; registered, too.
    pub tls_key: Option<Digest>,
    /// The most that one payer may owe.
    pub credit_limit: Amount,
    /// The most that all payers together may owe that never settled.
    pub unproven_limit: Amount,
    /// A channel is settled when this much is vouched for and not settled.
    pub settle_at: Amount,
    /// And at least this often, if anything is.
    pub settle_every: Duration,
    /// Pots are emptied once they hold this much.
    pub payout_at: Amount,
    /// How long receipts are kept whole after their settlement.
    pub retention: Duration,
    /// The books come from a backup, and may be older than what others hold.
    pub restored: bool,
    /// The payer of the same folder: its books come from the same backup, so its channels go on.
    pub own_payer: Option<ledger::AccountId>,
}

impl Config {
    /// The usual limits, and no owner.
    pub fn new(
        books: PathBuf,
        ledger: Arc<dyn Ledger>,
        account: wallet::Account,
        address: String,
        store: Arc<Store>,
    ) -> Self {
        Self {
            books,
            ledger,
            account,
            address,
            store,
            owner_token: String::new(),
            tls_key: None,
            credit_limit: Amount::credits(10),
            unproven_limit: Amount::credits(10),
            settle_at: Amount::credits(1),
            settle_every: Duration::from_secs(60),
            payout_at: Amount(1_000_000_000),
            retention: Duration::from_secs(30 * 24 * 60 * 60),
            restored: false,
            own_payer: None,
        }
    }
}

/// A running provider.
pub struct Provider(pub(crate) Arc<Seller>, Mutex<Vec<tokio::task::JoinHandle<()>>>);

/// What all parts share.
pub(crate) struct Seller {
    pub config: Config,
    pub genesis: Arc<Genesis>,
    pub books: Books,
    pub credit: Mutex<Credit>,
    pub served: RwLock<HashMap<OfferId, Arc<Served>>>,
    /// What its owner sees of that.
    pub own: Mutex<Own>,
    /// Held while a model is loaded: one at a time.
    pub workers: tokio::sync::Mutex<Workers>,
    /// Held while an offer is made or taken back.
    pub changing: tokio::sync::Mutex<()>,
    /// Offers never change their price.
    pub prices: RwLock<HashMap<OfferId, Arc<Price>>>,
    /// The orders that are being answered, and how to stop them.
    pub running: Mutex<HashMap<OrderId, Arc<Notify>>>,
    pub head: RwLock<Head>,
    /// One voucher or settlement of a channel at a time.
    pub turns: Mutex<HashMap<ChannelId, Arc<tokio::sync::Mutex<()>>>>,
    pub counts: Counts,
}

/// An offer that is answered here.
#[derive(Clone)]
pub(crate) struct Served {
    pub backend: Backend,
    pub price: Arc<Price>,
    pub context: u32,
    /// The model that its worker loaded, where that is one of [`Seller::workers`].
    pub base: Option<ArtifactId>,
    pub tallies: Arc<Tallies>,
}

/// For `/metrics`.
#[derive(Default)]
pub(crate) struct Counts {
    pub answered: AtomicU64,
    pub failed: AtomicU64,
    pub refused: AtomicU64,
    pub input: AtomicU64,
    pub output: AtomicU64,
}

impl Provider {
    /// Opens the books, registers the address, takes up what was open, and begins to settle by a timer.
    ///
    /// # Errors
    /// If books or ledger fail.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let genesis = config.ledger.genesis().await?;
        let books = Books::open(&config.books, records::MIGRATIONS)?;
        let head = config.ledger.head().await?.head;
        let seller = Arc::new(Seller {
            genesis,
            books,
            credit: Mutex::default(),
            served: RwLock::default(),
            own: Mutex::default(),
            workers: tokio::sync::Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            prices: RwLock::default(),
            running: Mutex::default(),
            head: RwLock::new(head),
            turns: Mutex::default(),
            counts: Counts::default(),
            config,
        });
        seller.register().await?;
        for (payer, lost) in records::debts(&seller.books)? {
            seller.credit().gone.entry(payer).or_default().add(lost);
        }
        for id in records::channels(&seller.books)? {
            seller.load_channel(id).await?;
        }
        if seller.config.restored {
            seller.let_go().await?;
        }
        let timers =
            vec![tokio::spawn(Arc::clone(&seller).tick()), tokio::spawn(Arc::clone(&seller).retry_upstreams())];
        Ok(Self(seller, Mutex::new(timers)))
    }

    /// The routes of [`api::exchange`], and of [`api::offers`] for the owner.
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.0))
    }

    /// Stops the timers and settles what is vouched for. Answers that run go on until their connections end.
    pub async fn close(&self) {
        let timers = std::mem::take(&mut *self.1.lock().unwrap_or_else(PoisonError::into_inner));
        timers.iter().for_each(tokio::task::JoinHandle::abort);
        self.0.settle_all(Amount(1)).await;
    }

    /// How many orders are being answered.
    pub fn running(&self) -> usize {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Settles every channel that has a newer voucher, and empties the pots, now.
    pub async fn settle_now(&self) {
        self.0.settle_all(Amount(1)).await;
        self.0.pay_out(Amount(1)).await;
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        let counts = &self.0.counts;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let owed: Amount = self.0.credit().channels.values().map(|seen| seen.owed).sum();
        let running = self.running();
        format!(
            "# TYPE pumasi_provider_answers_total counter\n\
             pumasi_provider_answers_total{{outcome=\"answered\"}} {}\n\
             pumasi_provider_answers_total{{outcome=\"failed\"}} {}\n\
             pumasi_provider_answers_total{{outcome=\"refused\"}} {}\n\
             # TYPE pumasi_provider_tokens_total counter\n\
             pumasi_provider_tokens_total{{direction=\"input\"}} {}\n\
             pumasi_provider_tokens_total{{direction=\"output\"}} {}\n\
             # TYPE pumasi_provider_running gauge\npumasi_provider_running {running}\n\
             # TYPE pumasi_provider_owed_credits gauge\npumasi_provider_owed_credits {owed}\n",
            count(&counts.answered),
            count(&counts.failed),
            count(&counts.refused),
            count(&counts.input),
            count(&counts.output),
        )
    }
}

impl Seller {
    pub fn credit(&self) -> MutexGuard<'_, Credit> {
        self.credit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn limits(&self) -> Limits {
        Limits { payer: self.config.credit_limit, unproven: self.config.unproven_limit }
    }

    /// Says on the ledger where this door is, if it says something else.
    async fn register(&self) -> Result<(), Error> {
        let door = Register { address: self.config.address.clone(), tls_key: self.config.tls_key };
        let account = &self.config.account;
        if self.config.ledger.account(account.id()).await?.door.as_deref() != Some(&door) {
            account.submit(ledger::Operation::Register(door)).await?;
        }
        Ok(())
    }

    /// The price of an offer, kept for ever.
    pub async fn price(&self, offer: OfferId) -> Result<Arc<Price>, Error> {
        if let Some(price) = self.prices.read().unwrap_or_else(PoisonError::into_inner).get(&offer) {
            return Ok(Arc::clone(price));
        }
        let price = Arc::new(self.config.ledger.price(offer).await?);
        self.prices.write().unwrap_or_else(PoisonError::into_inner).insert(offer, Arc::clone(&price));
        Ok(price)
    }

    /// Takes up a channel from ledger and books, if it is with this provider. True if it is there now.
    pub async fn load_channel(&self, id: ChannelId) -> Result<bool, Error> {
        if self.credit().channels.contains_key(&id) {
            return Ok(true);
        }
        let Some(Record::Channel(channel)) = self.config.ledger.get(&Key::Channel(id)).await? else { return Ok(false) };
        let account = &self.config.account;
        if channel.provider != account.id() || account.signer(channel.provider_key).is_none() {
            return Ok(false);
        }
        let settled_spent = channel.spent;
        let mut seen = Seen::new(id, *channel);
        if let Some((tally, voucher)) = records::channel(&self.books, id)? {
            seen.tally = tally;
            if let Some(voucher) = voucher {
                seen.channel = self.as_if_settled(id, &seen, &voucher).await?;
                seen.voucher = Some(voucher);
            }
        }
        for receipt in records::refused(&self.books, id)? {
            let cost = self.price(receipt.body.order.body.offer).await?.cost(receipt.body.usage).unwrap_or_default();
            seen.refused.add(Lost { cost, time: receipt.body.time.0 });
        }
        loop {
            let next = seen.next_number();
            let receipts = records::receipts(&self.books, id, next, 1_000)?;
            if receipts.first().is_none_or(|receipt| receipt.body.number != next) {
                break;
            }
            for receipt in receipts {
                let (order, usage) = (&receipt.body.order.body, receipt.body.usage);
                let cost = self.price(order.offer).await?.cost(usage).unwrap_or_default();
                seen.push(Unpaid {
                    leaf: receipt.digest(),
                    offer: order.offer,
                    usage,
                    cost,
                    time: receipt.body.time.0,
                });
            }
        }
        let mut credit = self.credit();
        credit.prove(seen.channel.payer, settled_spent);
        credit.channels.entry(id).or_insert(seen);
        Ok(true)
    }

    /// The channel as it will be once the voucher is settled.
    async fn as_if_settled(
        &self,
        id: ChannelId,
        seen: &Seen,
        voucher: &ledger::Signed<ledger::Voucher>,
    ) -> Result<ledger::Channel, Error> {
        if voucher.body.number <= seen.channel.number {
            return Ok(seen.channel.clone());
        }
        let settlement = self.check_voucher(id, &seen.channel, voucher).await?;
        let settlement = settlement.map_err(|_| Error::Damaged("a voucher that is not good"))?;
        Ok(seen.channel.settled(&voucher.body, &settlement))
    }

    /// Sees what the payer did on the ledger: more deposit, or closing.
    pub async fn refresh_channel(&self, id: ChannelId) -> Result<(), Error> {
        let record = self.config.ledger.get(&Key::Channel(id)).await?;
        match record {
            Some(Record::Channel(now)) => {
                let mut credit = self.credit();
                credit.prove(now.payer, now.spent);
                if let Some(seen) = credit.channels.get_mut(&id) {
                    seen.settled = seen.settled.max(now.number);
                    seen.settled_spent = seen.settled_spent.max(now.spent);
                    seen.channel.deposit = now.deposit;
                    seen.channel.closing = now.closing;
                }
            }
            _ => {
                let debt = self.credit().remove(id);
                self.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                if let Some((payer, debt)) = debt {
                    let lost = Lost { cost: debt.total, time: now().0 };
                    self.books.write(move |books| records::put_debt(books, id, payer, lost)).await?;
                }
            }
        }
        Ok(())
    }

    pub fn turn(&self, id: ChannelId) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default())
    }
}

/// The time of this machine's clock.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
