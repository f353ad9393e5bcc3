//! The gateway itself: what it is started with, and what all of its parts share.

use api::{
    Ledger, Link,
    link::{Clients, read_body, reason},
};
use axum::Router;
use books::Books;
use ledger::{AccountId, Amount, Digest, Genesis, Operation, OrderId, Rates, Register, Usage};
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    artifacts::Library,
    catalog::Catalog,
    channels::Channels,
    dialects::Kept,
    error::Error,
    keys::Keys,
    limits::Limits,
    money::{Money, Reservation},
    records, routes,
    speed::Speeds,
};

/// The catalog is read again at least this often.
const REFRESH_EVERY: Duration = Duration::from_secs(5);
/// Old orders are forgotten this often.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);
/// The longest refusal that is read.
pub(crate) const REFUSAL_MAX: usize = 64 << 10;
/// The longest answer to a short question: a thousand receipts fit.
const ANSWER_MAX: usize = 8 << 20;
/// A provider answers short questions within this time.
const SHORT_ANSWER: Duration = Duration::from_secs(10);

/// What a gateway is started with.
#[derive(Clone)]
pub struct Config {
    /// Its books.
    pub books: PathBuf,
    /// Where artifacts are stored.
    pub store: Arc<blobs::Store>,
    /// The ledger it pays on.
    pub ledger: Arc<dyn Ledger>,
    /// The person's account: it owns the channels, and publishes.
    pub payer: wallet::Account,
    /// Signs orders, vouchers and refusals: the gateway key of the channels.
    pub signer: wallet::Account,
    /// Whoever sends this acts for the owner.
    pub owner_token: String,
    /// Where others reach its public routes; registered for the payer, so that what it published is found.
    pub address: Option<Link>,
    /// What the gateway asks for its own work; charged to the API key, in its books.
    pub fee: Rates,
    /// What it asks for a byte of a weight file that it serves, in pico-credits; charged likewise.
    pub file_fee: u64,
    /// A channel is opened with this much, and topped up by this much.
    pub channel_deposit: Amount,
    /// And topped up once less than this is free.
    pub top_up_below: Amount,
    /// The most that is put into channels in a day without asking the owner, unless the books say what the owner set.
    pub top_up_limit_per_day: Amount,
    /// How long orders and receipts are kept whole after their settlement.
    pub retention: Duration,
    /// The books come from a backup, and may be older than what others hold.
    pub restored: bool,
    /// A provider beside this gateway, and where it is reached: by the same messages as any other, but not the long way round
    /// over the address that it registered for others.
    pub beside: Option<(AccountId, String)>,
}

impl Config {
    /// The usual limits, no fee and no address. The accounts are the payer and the signer.
    pub fn new(
        books: PathBuf,
        store: Arc<blobs::Store>,
        ledger: Arc<dyn Ledger>,
        (payer, signer): (wallet::Account, wallet::Account),
        owner_token: String,
    ) -> Self {
        Self {
            books,
            store,
            ledger,
            payer,
            signer,
            owner_token,
            address: None,
            fee: Rates::ZERO,
            file_fee: 0,
            channel_deposit: Amount::credits(100),
            top_up_below: Amount::credits(50),
            top_up_limit_per_day: Amount::credits(10_000),
            retention: Duration::from_secs(30 * 24 * 60 * 60),
            restored: false,
            beside: None,
        }
    }
}

/// A running gateway.
pub struct Gateway(Arc<Buyer>, tokio::task::JoinHandle<()>);

/// What all parts share.
pub(crate) struct Buyer {
    pub config: Config,
    pub books: Books,
    pub money: Money,
    pub keys: Keys,
    pub catalog: Catalog,
    pub library: Library,
    /// Answers that clients may go on from.
    pub kept: Kept,
    /// Held while something is published.
    pub publishing: tokio::sync::Mutex<()>,
    pub genesis: Arc<Genesis>,
    pub channels: Channels,
    pub clients: Clients,
    /// Orders whose frames are being read: their receipts come with more knowledge than the books have.
    pub running: Mutex<HashSet<OrderId>>,
    /// What orders without an outcome hold whose frames nobody reads any more.
    pub held: Mutex<HashMap<OrderId, Reservation>>,
    pub topping_up: AtomicBool,
    pub speeds: Speeds,
    /// Requests that wanted the fastest.
    pub turns: AtomicU64,
    pub limits: RwLock<Limits>,
    /// Held while transfers are looked for: each is taken once.
    pub watching: tokio::sync::Mutex<()>,
    pub counts: Counts,
}

/// For `/metrics`.
#[derive(Default)]
pub(crate) struct Counts {
    pub requests: AtomicU64,
    pub without_money: AtomicU64,
    pub failed: AtomicU64,
    paid: AtomicU64,
    refused: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
}

impl Counts {
    /// A receipt was paid or refused.
    pub fn count(&self, paid: bool, usage: &Usage) {
        if !paid {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.paid.fetch_add(1, Ordering::Relaxed);
        self.input.fetch_add(usage.input, Ordering::Relaxed);
        self.output.fetch_add(usage.output, Ordering::Relaxed);
    }
}

impl Gateway {
    /// Opens the books, takes up channels, and asks providers for what an earlier run left open.
    ///
    /// # Errors
    /// If books or ledger fail. A provider that does not answer is no error.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let books = Books::open(&config.books, records::MIGRATIONS)?;
        let money = Money::default();
        let keys = Keys::load(&books, &money)?;
        // An order goes where its provider registered, and nowhere else.
        let clients = Clients::new(|client| client.redirect(reqwest::redirect::Policy::none()).no_proxy());
        let genesis = config.ledger.genesis().await?;
        let deposits = Limits::load(&books, &config)?;
        let buyer = Arc::new(Buyer {
            catalog: Catalog::new(Arc::clone(&config.ledger), config.beside.clone()),
            library: Library::new(Arc::clone(&config.ledger), Arc::clone(&config.store)),
            kept: Kept::default(),
            publishing: tokio::sync::Mutex::default(),
            books,
            money,
            keys,
            channels: Channels::new(genesis.limits),
            genesis,
            clients,
            running: Mutex::default(),
            held: Mutex::default(),
            topping_up: AtomicBool::new(false),
            speeds: Speeds::default(),
            turns: AtomicU64::new(0),
            limits: RwLock::new(deposits),
            watching: tokio::sync::Mutex::default(),
            counts: Counts::default(),
            config,
        });
        buyer.register().await?;
        buyer.catalog.refresh().await?;
        buyer.watch_transfers().await?;
        if buyer.config.restored {
            buyer.doubt_all().await?;
        }
        if let Err(problem) = buyer.list_published().await {
            tracing::warn!(reason = problem.detail.message, "what was published before could not be looked through");
        }
        buyer.hold_open_orders(&buyer.load_channels().await?).await?;
        let timer = tokio::spawn(tick(Arc::clone(&buyer)));
        Ok(Self(buyer, timer))
    }

    /// `/v1`, `/api/v1`, `/receipts`, `/artifacts`, and the owner's verbs.
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.0))
    }

    pub(crate) fn buyer(&self) -> &Buyer {
        &self.0
    }

    /// Sees what is offered now.
    ///
    /// # Errors
    /// If the ledger cannot be reached.
    pub async fn refresh(&self) -> Result<(), Error> {
        Ok(self.0.catalog.refresh().await?)
    }

    /// Pays what is delivered: sends the newest voucher of every channel.
    pub async fn close(&self) {
        self.1.abort();
        for paying in self.0.channels.all() {
            paying.cashier.flush().await;
        }
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        let counts = &self.0.counts;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let running = self.0.running().len();
        let free: Amount = self.0.money.lock().channels.values().map(crate::money::Purse::free).sum();
        format!(
            "# TYPE pumasi_gateway_requests_total counter\npumasi_gateway_requests_total {}\n\
             # TYPE pumasi_gateway_refusals_total counter\n\
             pumasi_gateway_refusals_total{{reason=\"money\"}} {}\n\
             pumasi_gateway_refusals_total{{reason=\"failed\"}} {}\n\
             # TYPE pumasi_gateway_receipts_total counter\n\
             pumasi_gateway_receipts_total{{outcome=\"paid\"}} {}\n\
             pumasi_gateway_receipts_total{{outcome=\"refused\"}} {}\n\
             # TYPE pumasi_gateway_tokens_total counter\n\
             pumasi_gateway_tokens_total{{direction=\"input\"}} {}\n\
             pumasi_gateway_tokens_total{{direction=\"output\"}} {}\n\
             # TYPE pumasi_gateway_running gauge\npumasi_gateway_running {running}\n\
             # TYPE pumasi_gateway_channel_free_credits gauge\npumasi_gateway_channel_free_credits {free}\n",
            count(&counts.requests),
            count(&counts.without_money),
            count(&counts.failed),
            count(&counts.paid),
            count(&counts.refused),
            count(&counts.input),
            count(&counts.output),
        )
    }
}

async fn tick(buyer: Arc<Buyer>) {
    let mut forgot: Option<Instant> = None;
    loop {
        if forgot.is_none_or(|at| at.elapsed() >= FORGET_EVERY) && buyer.forget().await {
            forgot = Some(Instant::now());
        }
        tokio::time::sleep(REFRESH_EVERY).await;
        buyer.finish_channels().await;
        if let Err(error) = buyer.watch_transfers().await {
            tracing::warn!(%error, "transfers were not looked for; it will be tried again");
        }
        if let Err(error) = buyer.catalog.refresh().await {
            tracing::warn!(%error, "the offers could not be read again");
        }
    }
}

impl Buyer {
    pub fn running(&self) -> std::sync::MutexGuard<'_, HashSet<OrderId>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn held(&self) -> std::sync::MutexGuard<'_, HashMap<OrderId, Reservation>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network that every signature is for.
    pub fn network(&self) -> Digest {
        self.config.signer.network()
    }

    /// Says on the ledger where what the payer published is found.
    async fn register(&self) -> Result<(), Error> {
        let Some(Link { address, pin }) = self.config.address.clone() else { return Ok(()) };
        let door = Register { address, tls_key: pin };
        let account = &self.config.payer;
        if self.config.ledger.account(account.id()).await?.door.as_deref() != Some(&door) {
            account.submit(Operation::Register(door)).await?;
        }
        Ok(())
    }

    /// A request to a provider's door, with the client that holds to its key.
    pub fn request(&self, method: Method, door: &Link, path: &str) -> Result<reqwest::RequestBuilder, String> {
        Ok(self.clients.to(door)?.request(method, format!("{}{path}", door.address)))
    }

    /// Asks a provider a short question.
    pub async fn ask_provider<T: DeserializeOwned>(&self, provider: AccountId, path: &str) -> Result<T, String> {
        let get = self.request(Method::GET, &self.catalog.door(provider).await?, path)?;
        let answer = get.timeout(SHORT_ANSWER).send().await.map_err(|error| reason(&error))?;
        if !answer.status().is_success() {
            return Err(format!("HTTP {}", answer.status()));
        }
        read_json(answer, ANSWER_MAX).await
    }

    /// Tells a provider something.
    pub async fn tell_provider<T: Serialize>(&self, provider: AccountId, path: &str, body: &T) -> Result<(), String> {
        let post = self.request(Method::POST, &self.catalog.door(provider).await?, path)?;
        let answer = post.timeout(SHORT_ANSWER).json(body).send().await.map_err(|error| reason(&error))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let status = answer.status();
        let refused = read_json::<api::exchange::Refused>(answer, REFUSAL_MAX).await;
        Err(refused.map_or_else(|_| format!("HTTP {status}"), |refused| refused.message))
    }
}

/// Reads a body as JSON, but never more than so many bytes.
pub(crate) async fn read_json<T: DeserializeOwned>(answer: reqwest::Response, bytes_max: usize) -> Result<T, String> {
    serde_json::from_slice(&read_body(answer, bytes_max).await?).map_err(|error| error.to_string())
}

/// Milliseconds since 1970, by this machine's clock.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
