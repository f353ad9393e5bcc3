//! A whole exchange in a temporary folder.

use api::Ledger;
use axum::serve::ListenerExt as _;
use gateway::Gateway;
use ledger::{
    AccountId, Amount, ArtifactId, Bound, Deposits, Digest, Fees, Genesis, Kind, Limits, Offer, Operation, Payee,
    Publish, Rates, Time,
};
use provider::{Backend, Provider, Upstream};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use wallet::{Keys, Wallet};

use crate::upstream;

pub const OWNER: &str = "owner-token-of-the-tests";
/// The base model, and what was tuned from it.
pub const BASE: ArtifactId = Digest([0xba; 32]);
pub const TUNED: ArtifactId = Digest([0xf1; 32]);
pub const BASE_ROYALTY: Rates = Rates { input: 10, output: 20 };
pub const TUNED_ROYALTY: Rates = Rates { input: 5, output: 7 };
pub const FEE: Rates = Rates { input: 1_000, output: 2_000 };

/// What a token costs, everybody together.
pub const PRICE: Rates = Rates {
    input: BASE_ROYALTY.input + TUNED_ROYALTY.input + FEE.input,
    output: BASE_ROYALTY.output + TUNED_ROYALTY.output + FEE.output,
};

pub struct World {
    dir: tempfile::TempDir,
    pub ledger: Arc<dyn Ledger>,
    pub wallet: Wallet,
    pub http: reqwest::Client,
    upstream: String,
}

/// A provider that runs, and where.
pub struct Seller {
    pub provider: Arc<Provider>,
    server: JoinHandle<()>,
}

impl Seller {
    /// As if the process were killed: nothing is settled, connections break.
    pub fn kill(self) {
        self.server.abort();
    }
}

/// A gateway that runs, and where.
pub struct Buyer {
    pub gateway: Gateway,
    pub address: String,
    server: JoinHandle<()>,
    pub http: reqwest::Client,
}

impl World {
    pub async fn new() -> Self {
        Self::new_with(upstream::start().await).await
    }

    /// In front of another model's server.
    pub async fn new_with(upstream: String) -> Self {
        api::link::choose_cryptography();
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::open(&dir.path().join("keys")).unwrap();
        let (issuer, key) = (keys.pair("issuer").unwrap().public(), keys.pair("replica").unwrap());
        let genesis = Genesis {
            origin: "pumasi.test/exchange".into(),
            founded: Time(0),
            issuer: issuer.into(),
            replicas: vec![key.public()],
            beneficiary: issuer.into(),
            fees: Fees::default(),
            deposits: Deposits::default(),
            royalty_max: 1_000_000,
            dispute_window_ms: 3_600_000,
            limits: Limits::CEILING,
        };
        let config = replica::Config { dir: dir.path().join("ledger"), genesis: Some(genesis), key };
        let replica = replica::Replica::open(config).unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(replica);
        let wallet = Wallet::open(keys, Arc::clone(&ledger), &dir.path().join("wallet.db")).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let world = Self { dir, ledger, wallet, http, upstream };
        world.found().await;
        world
    }

    async fn found(&self) {
        let to = self.id("payer");
        self.submit("issuer", Operation::Issue { to, amount: Amount::credits(10_000_000), reference: Digest([0; 32]) })
            .await;
        for (role, name) in [("maker", "maker"), ("tuner", "tuner"), ("provider", "runner")] {
            self.submit(role, Operation::Name { name: name.into() }).await;
        }
        self.publish("maker", BASE, Vec::new(), BASE_ROYALTY).await;
        self.publish("tuner", TUNED, vec![BASE], TUNED_ROYALTY).await;
    }

    async fn publish(&self, role: &str, manifest: ArtifactId, parents: Vec<ArtifactId>, royalty: Rates) {
        let publish = Publish {
            manifest,
            kind: Kind::Model,
            parents,
            royalty,
            payees: vec![Payee { account: self.id(role), weight: 1 }],
            weights: Vec::new(),
            name: "model".into(),
            tag: "latest".into(),
        };
        self.submit(role, Operation::Publish(publish)).await;
    }

    pub fn id(&self, role: &str) -> AccountId {
        self.wallet.account(role).unwrap().id()
    }

    pub async fn submit(&self, role: &str, operation: Operation) {
        self.wallet.account(role).unwrap().submit(operation).await.unwrap();
    }

    pub async fn balance(&self, role: &str) -> Amount {
        self.ledger.account(self.id(role)).await.unwrap().balance
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A provider of TUNED under a role. `door` may put something between it and the world: it gets the true address and
    /// gives the one to register.
    pub async fn seller(&self, role: &str, fee: Rates, door: impl AsyncFnOnce(String) -> String) -> Seller {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = door(format!("http://{}", listener.local_addr().unwrap())).await;
        let backend = Backend::Upstream(Upstream::new(&self.upstream, "m".into()));
        self.seller_of(role, fee, backend, (listener, address)).await
    }

    /// A provider that answers TUNED by what it is given.
    pub async fn seller_of(&self, role: &str, fee: Rates, backend: Backend, at: (TcpListener, String)) -> Seller {
        let (listener, address) = at;
        self.seller_from(self.seller_config(role, address), fee, backend, listener).await
    }

    fn seller_config(&self, role: &str, address: String) -> provider::Config {
        let (account, books) = (self.wallet.account(role).unwrap(), self.path(&format!("{role}.db")));
        let store = Arc::new(blobs::Store::open(&self.path(&format!("{role}-blobs"))).unwrap());
        provider::Config::new(books, Arc::clone(&self.ledger), account, address, store)
    }

    /// The same provider as [`Self::honest_seller`], restored from a backup that was made before it answered anything.
    pub async fn restored_seller(&self) -> Seller {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let books = self.path("restored.db");
        let config = provider::Config { books, restored: true, ..self.seller_config("provider", address) };
        let backend = Backend::Upstream(Upstream::new(&self.upstream, "m".into()));
        self.seller_from(config, FEE, backend, listener).await
    }

    async fn seller_from(
        &self,
        config: provider::Config,
        fee: Rates,
        backend: Backend,
        listener: TcpListener,
    ) -> Seller {
        let provider = Arc::new(Provider::start(config).await.unwrap());
        let offer = provider.offer(terms(fee)).await.unwrap();
        provider.serve(offer, backend).await.unwrap();
        let router = provider.router();
        Seller { provider, server: serve(listener, router) }
    }

    pub async fn honest_seller(&self) -> Seller {
        self.seller("provider", FEE, async |address| address).await
    }

    pub async fn buyer(&self) -> Buyer {
        self.buyer_with(|_| {}).await
    }

    pub async fn buyer_with(&self, change: impl FnOnce(&mut gateway::Config)) -> Buyer {
        let (payer, signer) = (self.wallet.account("payer").unwrap(), self.wallet.account("gateway").unwrap());
        let store = Arc::new(blobs::Store::open(&self.path("blobs")).unwrap());
        let (books, ledger) = (self.path("gateway.db"), Arc::clone(&self.ledger));
        let mut config = gateway::Config::new(books, store, ledger, (payer, signer), OWNER.into());
        change(&mut config);
        let gateway = Gateway::start(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = gateway.router();
        Buyer { gateway, address, server: serve(listener, router), http: self.http.clone() }
    }

    /// Replays the whole log.
    pub async fn audit(&self) {
        let source = replica::audit::Source::Folder(self.path("ledger"));
        replica::audit(&source, None, |_| {}).await.unwrap();
    }
}

impl Buyer {
    /// Stops without a word to anybody, as far as that is possible within one process.
    pub async fn stop(self) {
        self.server.abort();
        drop(self.gateway);
    }

    pub async fn new_key(&self, budget: Amount) -> String {
        let body = json!({ "budget": budget.to_string() });
        let answer =
            self.http.post(format!("{}/keys", self.address)).bearer_auth(OWNER).json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned()
    }

    /// What the newest key has spent, and what is set aside for it.
    pub async fn spent(&self) -> (Amount, Amount) {
        let answer = self.http.get(format!("{}/keys", self.address)).bearer_auth(OWNER).send().await.unwrap();
        let keys: Value = answer.json().await.unwrap();
        let key = keys["data"].as_array().unwrap().last().unwrap();
        let amount = |field: &str| key[field].as_str().unwrap().parse().unwrap();
        (amount("spent"), amount("reserved"))
    }

    pub fn request(&self, key: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(format!("{}/v1/chat/completions", self.address)).bearer_auth(key).json(body)
    }

    /// Sends bytes as they are, and gives status, headers and what came back as JSON; `Null` if it is none.
    pub async fn send(&self, key: &str, path: &str, body: impl Into<reqwest::Body>) -> (u16, HeaderMap, Value) {
        let post = self.http.post(format!("{}{path}", self.address)).bearer_auth(key).body(body);
        let answer = post.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.json().await.unwrap_or_default())
    }

    /// Sends JSON and gives all of the answer as text.
    pub async fn stream(&self, key: &str, path: &str, body: &Value) -> String {
        let post = self.http.post(format!("{}{path}", self.address)).bearer_auth(key).json(body);
        post.send().await.unwrap().text().await.unwrap()
    }

    /// Asks without a body.
    pub async fn bare(&self, method: Method, key: &str, path: &str) -> (u16, HeaderMap, Value) {
        let asked = self.http.request(method, format!("{}{path}", self.address)).bearer_auth(key);
        let answer = asked.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.json().await.unwrap_or_default())
    }

    /// The channels, oldest first.
    pub async fn channels(&self) -> Vec<Value> {
        let answer = self.http.get(format!("{}/channels", self.address)).bearer_auth(OWNER).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["data"].as_array().unwrap().clone()
    }

    pub async fn close_channel(&self, id: &str) -> u16 {
        let post = self.http.post(format!("{}/channels/{id}/close", self.address)).bearer_auth(OWNER);
        post.send().await.unwrap().status().as_u16()
    }

    /// Asks, and gives status and body.
    pub async fn ask(&self, key: &str, text: &str, max_tokens: u32) -> (u16, Value) {
        let answer = self.request(key, &chat(text, max_tokens)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// What anybody reads.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn receipt(&self, id: &str, key: Option<&str>) -> (u16, Value) {
        let get = self.http.get(format!("{}/receipts/{id}", self.address));
        let get = match key {
            Some(key) => get.bearer_auth(key),
            None => get,
        };
        let answer = get.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// The terms of every offer here, but for the fee.
pub fn terms(fee: Rates) -> Offer {
    Offer {
        artifact: TUNED,
        fee,
        engine: "test".into(),
        quantization: "none".into(),
        context: 1_000,
        default_output: 100,
        bound: Bound { per_byte: 1, per_message: 8, constant: 0 },
    }
}

/// As the node serves: small pieces go out at once.
fn serve(listener: TcpListener, router: axum::Router) -> JoinHandle<()> {
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

pub fn chat(text: &str, max_tokens: u32) -> Value {
    json!({ "model": "tuner/model", "max_tokens": max_tokens, "messages": [{ "role": "user", "content": text }] })
}

/// What an answer with these tokens costs at [`PRICE`].
pub fn cost(input: u64, output: u64) -> Amount {
    PRICE.cost(ledger::Usage { input, output }).unwrap()
}

/// Waits until something is so, for half a minute at most: machines are busy.
pub async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..1_500 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came to this: {what}");
}
