//! What can be asked here: the standing offers of the ledger, with prices, names and doors.

use api::{
    Ledger, LedgerError, Link, List,
    openai::{Endpoint, Endpoints, Model, ModelEndpoints, Models, Pricing},
    openrouter::{Architecture, EndpointFacts, ListLinks, ModelFacts},
    view::price_lines,
};
use ledger::{AccountId, Amount, Artifact, ArtifactId, Key, OfferId, OfferRecord, Price, Record, Usage};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use crate::{error::Problem, gateway::Buyer, names::Names};

/// How old the catalog may be before it is read again for a list, or for a model that it does not know.
const MISS_AGE: Duration = Duration::from_millis(500);
/// A provider that failed is passed over for this long.
const FAILED_FOR: Duration = Duration::from_secs(10);

/// By which the cheapest is found where no request is known.
const TOKEN: Usage = Usage { input: 1, output: 1 };

/// The catalog, read again from time to time.
pub struct Catalog {
    ledger: Arc<dyn Ledger>,
    now: RwLock<Arc<Shelf>>,
    read_at: tokio::sync::Mutex<Option<ReadAt>>,
    failed: Mutex<HashMap<AccountId, Instant>>,
    /// Offers never change their price.
    prices: Mutex<HashMap<OfferId, Arc<Price>>>,
    /// Where providers were reached when the ledger was last asked: a ledger that is away stops no payment.
    doors: Mutex<HashMap<AccountId, Link>>,
    /// A provider beside this gateway, and where it is reached.
    beside: Option<(AccountId, Link)>,
}

/// When the catalog was read, and how that ended.
struct ReadAt {
    time: Instant,
    /// The log's size then: the same log has the same offers.
    entries: Option<u64>,
    outcome: Result<(), LedgerError>,
}

/// The catalog as of one moment.
#[derive(Default)]
pub struct Shelf {
    pub names: Names,
    pub offers: HashMap<ArtifactId, Vec<Arc<Offered>>>,
    pub artifacts: HashMap<ArtifactId, Artifact>,
}

/// An offer that can be ordered.
pub struct Offered {
    pub id: OfferId,
    pub record: OfferRecord,
    pub price: Arc<Price>,
    /// Where its provider is reached.
    pub door: Link,
}

impl Catalog {
    pub fn new(ledger: Arc<dyn Ledger>, beside: Option<(AccountId, String)>) -> Self {
        Self {
            ledger,
            doors: Mutex::default(),
            beside: beside.map(|(account, address)| (account, Link { address, pin: None })),
            now: RwLock::default(),
            read_at: tokio::sync::Mutex::default(),
            failed: Mutex::default(),
            prices: Mutex::default(),
        }
    }

    /// The newest catalog that was read.
    pub fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the ledger again, unless nothing happened on it.
    pub async fn refresh(&self) -> Result<(), LedgerError> {
        self.refresh_locked(&mut *self.read_at.lock().await).await
    }

    async fn refresh_locked(&self, read_at: &mut Option<ReadAt>) -> Result<(), LedgerError> {
        let time = Instant::now();
        let before = read_at.as_ref().filter(|read| read.outcome.is_ok()).and_then(|read| read.entries);
        let (outcome, entries) = match self.read_newer(before).await {
            Ok(entries) => (Ok(()), Some(entries)),
            Err(error) => (Err(error), None),
        };
        *read_at = Some(ReadAt { time, entries, outcome: outcome.clone() });
        outcome
    }

    /// Reads the ledger again unless that was tried a moment ago; then that is the answer.
    pub async fn freshen(&self) -> Result<(), LedgerError> {
        let mut read_at = self.read_at.lock().await;
        match &*read_at {
            Some(read) if read.time.elapsed() <= MISS_AGE => read.outcome.clone(),
            _ => self.refresh_locked(&mut read_at).await,
        }
    }

    /// Sees what stands on the ledger now: for what is not in the catalog and may be newer than it. Whoever asks so again and
    /// again waits: the ledger is not asked more often than [`MISS_AGE`].
    pub async fn catch_up(&self) -> Result<(), LedgerError> {
        let asked = Instant::now();
        let mut read_at = self.read_at.lock().await;
        if let Some(read) = &*read_at {
            if read.time >= asked {
                return read.outcome.clone();
            }
            if let Some(early) = MISS_AGE.checked_sub(read.time.elapsed()) {
                tokio::time::sleep(early).await;
            }
        }
        self.refresh_locked(&mut read_at).await
    }

    /// Gives how long the log is.
    async fn read_newer(&self, before: Option<u64>) -> Result<u64, LedgerError> {
        // First the head: what comes after it is read again the next time.
        let entries = self.ledger.head().await?.head.size;
        if before != Some(entries) {
            let shelf = Arc::new(self.read().await?);
            *self.now.write().unwrap_or_else(PoisonError::into_inner) = shelf;
        }
        Ok(entries)
    }

    async fn read(&self) -> Result<Shelf, LedgerError> {
        let (ledger, old) = (&*self.ledger, self.shelf());
        let accounts = ledger.list(List::Accounts).await?;
        self.learn_doors(&accounts);
        let mut shelf = Shelf { names: Names::read(ledger, accounts).await?, ..Shelf::default() };
        for (key, record) in ledger.list(List::Offers).await? {
            let (Key::Offer(id), Record::Offer(record)) = (key, record) else { continue };
            if record.withdrawn {
                continue;
            }
            let Some(door) = self.known_door(record.provider) else { continue };
            let artifact = record.offer.artifact;
            if let Entry::Vacant(place) = shelf.artifacts.entry(artifact) {
                // What is looked at here never changes.
                let known = old.artifacts.get(&artifact).cloned();
                place.insert(match known {
                    Some(artifact) => artifact,
                    None => ledger.artifact(artifact).await?,
                });
            }
            let price = self.price(id).await?;
            shelf.offers.entry(artifact).or_default().push(Arc::new(Offered { id, record: *record, price, door }));
        }
        Ok(shelf)
    }

    fn learn_doors(&self, accounts: &[(Key, Record)]) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, record) in accounts {
            if let (Key::Account(id), Record::Account(ledger::Account { door: Some(door), .. })) = (key, record) {
                doors.insert(*id, Link::to_door(door));
            }
        }
    }

    fn known_door(&self, provider: AccountId) -> Option<Link> {
        match &self.beside {
            Some((beside, link)) if *beside == provider => Some(link.clone()),
            _ => self.doors.lock().unwrap_or_else(PoisonError::into_inner).get(&provider).cloned(),
        }
    }

    /// Where a provider is reached; the ledger is asked only about one that was never seen.
    pub async fn door(&self, provider: AccountId) -> Result<Link, String> {
        if let Some(door) = self.known_door(provider) {
            return Ok(door);
        }
        let account = self.ledger.account(provider).await.map_err(|error| error.to_string())?;
        let door = Link::to_door(account.door.as_deref().ok_or("it registered no address")?);
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).insert(provider, door.clone());
        Ok(door)
    }

    /// The price of an offer, withdrawn or not.
    pub async fn price(&self, offer: OfferId) -> Result<Arc<Price>, LedgerError> {
        if let Some(price) = self.prices.lock().unwrap_or_else(PoisonError::into_inner).get(&offer) {
            return Ok(Arc::clone(price));
        }
        let price = Arc::new(self.ledger.price(offer).await?);
        self.prices.lock().unwrap_or_else(PoisonError::into_inner).insert(offer, Arc::clone(&price));
        Ok(price)
    }

    /// The offers for what a request calls its model.
    pub async fn find(&self, model: &str) -> Result<Vec<Arc<Offered>>, Problem> {
        let mut found = self.shelf().find(model);
        if found.is_none() {
            self.catch_up().await?;
            found = self.shelf().find(model);
        }
        found.ok_or_else(|| self.unknown(model))
    }

    /// What to say of a model that nobody offers.
    pub fn unknown(&self, model: &str) -> Problem {
        let here: Vec<String> = self.models().data.into_iter().map(|model| model.id).take(5).collect();
        let here =
            if here.is_empty() { "nothing is offered now".into() } else { format!("offered are {}", here.join(", ")) };
        let shown: String = model.chars().take(100).collect();
        Problem::unknown(
            "model",
            "model_not_found",
            format!("there is no offer for the model {shown:?}; {here} (GET /v1/models)"),
        )
    }

    /// A provider did not answer.
    pub fn mark_failed(&self, provider: AccountId) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(provider, Instant::now());
    }

    /// True if a provider failed a moment ago.
    pub fn failed_lately(&self, provider: AccountId) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(&provider).is_some_and(|at| at.elapsed() < FAILED_FOR)
    }

    /// Everything that can be asked, by name.
    pub fn models(&self) -> Models {
        let shelf = self.shelf();
        let mut data: Vec<Model> = shelf.offers.keys().filter_map(|id| shelf.model(*id)).collect();
        data.sort_by(|a, b| a.id.cmp(&b.id));
        Models { object: "list".into(), total_count: data.len(), links: ListLinks::default(), data }
    }
}

impl Shelf {
    fn offered(&self) -> Vec<ArtifactId> {
        self.offers.keys().copied().collect()
    }

    fn find(&self, model: &str) -> Option<Vec<Arc<Offered>>> {
        self.resolve(model).and_then(|id| self.offers.get(&id).cloned())
    }

    /// What a model is, by any of its names.
    pub fn resolve(&self, model: &str) -> Option<ArtifactId> {
        self.names.resolve(model, &self.offered())
    }

    /// A model as it is listed: with its cheapest offer.
    pub fn model(&self, id: ArtifactId) -> Option<Model> {
        let (artifact, offers) = (self.artifacts.get(&id)?, self.offers.get(&id)?);
        let offer = offers.iter().min_by_key(|offer| offer.price.cost(TOKEN))?;
        Some(Model {
            id: self.names.artifact(id),
            name: self.names.artifact(id),
            object: "model".into(),
            created: artifact.time.0 / 1_000,
            owned_by: self.names.account(artifact.publisher),
            digest: id.to_string(),
            context_length: offer.record.offer.context,
            pricing: pricing(&offer.price),
            lines: price_lines(&offer.price, |payee| self.names.payee(payee)),
            facts: ModelFacts::of(&self.names.artifact(id), offer.record.offer.context),
        })
    }
}

/// A model and everybody who offers it, the cheapest first.
pub fn endpoints(buyer: &Buyer, id: ArtifactId) -> Option<Endpoints> {
    let shelf = buyer.catalog.shelf();
    let (model, mut offers) = (shelf.model(id)?, shelf.offers.get(&id)?.clone());
    offers.sort_by_key(|offer| (offer.price.cost(TOKEN), offer.id));
    let endpoint = |offered: &Arc<Offered>| {
        let (candidate, offer) = (buyer.candidate(offered), &offered.record.offer);
        Endpoint {
            name: format!("{} | {}", candidate.name, model.id),
            provider_name: candidate.name,
            tag: offered.id.to_string(),
            context_length: offer.context,
            max_completion_tokens: offer.context,
            quantization: offer.quantization.clone(),
            engine: offer.engine.clone(),
            pricing: pricing(&offered.price),
            lines: price_lines(&offered.price, |payee| shelf.names.payee(payee)),
            failed_lately: candidate.failed,
            latency_ms: candidate.speed.map(|speed| speed.first_ms),
            tokens_per_second: candidate.speed.and_then(|speed| speed.per_second),
            facts: EndpointFacts::of(&model.id, offer.context),
        }
    };
    let endpoints = offers.iter().map(endpoint).collect();
    Some(Endpoints {
        data: ModelEndpoints {
            id: model.id.clone(),
            name: model.id.clone(),
            created: model.created,
            description: String::new(),
            architecture: Architecture::text(),
            endpoints,
        },
    })
}

/// What a token costs.
fn pricing(price: &Price) -> Pricing {
    let rate = |usage: Usage| price.cost(usage).unwrap_or(Amount::ZERO).to_string();
    let (prompt, completion) = (rate(Usage { input: 1, output: 0 }), rate(Usage { input: 0, output: 1 }));
    Pricing { prompt, completion, request: Amount::ZERO.to_string(), image: Amount::ZERO.to_string() }
}
