//! One node: replica, wallet, provider and gateway of one data folder, wired together behind one address.

mod found;
mod models;
mod routes;

use anyhow::Context as _;
use ledger::Amount;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::net::TcpListener;

use crate::{
    home::{Home, Running},
    t,
};

pub use routes::WalletView;

/// What a node is started with.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// GGUF files to offer, beside what is offered already.
    pub models: Vec<PathBuf>,
    /// Threads for one model; none for as many as there are cores.
    pub threads: Option<u32>,
    /// The most tokens of one conversation.
    pub context: u32,
}

/// A running node.
pub struct Node {
    address: String,
    first_key: Option<String>,
    replica: replica::Replica,
    provider: Arc<provider::Provider>,
    gateway: Arc<gateway::Gateway>,
    server: tokio::task::JoinHandle<()>,
    stop: tokio::sync::watch::Sender<bool>,
    home: Home,
}

impl Node {
    /// Starts everything in the folder. The first time this founds a network of its own, whose credits are play credits.
    /// Interrupted at any point, the next start goes on.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn start(home: Home, config: Config) -> anyhow::Result<Self> {
        home.prepare()?;
        let keys = wallet::Keys::open(&home.path("keys"))?;
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            let listen = config.listen;
            t!("cannot listen on {listen}; choose another address with --listen", "{listen}에서 들을 수 없습니다. --listen으로 다른 주소를 고르세요")
        })?;
        let address = format!("http://{}", listener.local_addr()?);
        let replica = found::open_replica(&home, &keys).await?;
        let ledger: Arc<dyn api::Ledger> = Arc::new(replica.clone());
        let wallet = Arc::new(wallet::Wallet::open(keys, Arc::clone(&ledger), &home.path("wallet.db")).await?);
        found::prepare_accounts(&wallet, &ledger).await?;

        let store = Arc::new(blobs::Store::open(&home.path("blobs"))?);
        let provider = start_provider(&home, &wallet, &ledger, &store, &address).await?;
        let gateway = start_gateway(&home, &wallet, &ledger).await?;
        let routes = routes::Routes {
            replica: replica.clone(),
            provider: Arc::clone(&provider),
            gateway: Arc::clone(&gateway),
            wallet: Arc::clone(&wallet),
            ledger: Arc::clone(&ledger),
            owner_token: home.owner_token()?,
        };
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let router = routes.router();
        let server = tokio::spawn(async move {
            let wait = async move { drop(stopped.wait_for(|stop| *stop).await) };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(wait).await {
                tracing::error!(%error, "the server stopped");
            }
        });
        let models = models::Models { home: &home, wallet: &wallet, ledger: &ledger, store: &store, provider: &provider, config: &config };
        models.offer_all().await?;
        let first_key = routes::first_key(&home, &address).await?;
        home.write("run.json", &serde_json::to_string(&Running { address: address.clone(), pid: std::process::id() })?)?;
        Ok(Self { address, first_key, replica, provider, gateway, server, stop, home })
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The API key of `pumasi chat`, if this start made it.
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// Pays and settles what is open, lets running answers end for a few seconds, and stops.
    pub async fn stop(self) {
        drop(std::fs::remove_file(self.home.path("run.json")));
        self.stop.send_replace(true);
        drop(tokio::time::timeout(Duration::from_secs(5), self.server).await);
        self.gateway.close().await;
        self.provider.close().await;
        self.replica.close().await;
    }
}

async fn start_provider(
    home: &Home,
    wallet: &wallet::Wallet,
    ledger: &Arc<dyn api::Ledger>,
    store: &Arc<blobs::Store>,
    address: &str,
) -> anyhow::Result<Arc<provider::Provider>> {
    let config = provider::Config {
        books: home.path("provider.db"),
        ledger: Arc::clone(ledger),
        account: wallet.account("provider")?,
        store: Some(Arc::clone(store)),
        address: address.to_owned(),
        credit_limit: Amount::credits(10),
        unproven_limit: Amount::credits(10),
        ..Default::default()
    };
    Ok(Arc::new(provider::Provider::start(config).await?))
}

async fn start_gateway(
    home: &Home,
    wallet: &wallet::Wallet,
    ledger: &Arc<dyn api::Ledger>,
) -> anyhow::Result<Arc<gateway::Gateway>> {
    let config = gateway::Config {
        books: home.path("gateway.db"),
        ledger: Arc::clone(ledger),
        payer: wallet.account("payer")?,
        signer: wallet.account("gateway")?,
        owner_token: home.owner_token()?,
        fee: ledger::Rates::ZERO,
        channel_deposit: Amount::credits(100),
        top_up_below: Amount::credits(50),
        top_up_limit_per_day: Amount::credits(10_000),
        ..Default::default()
    };
    Ok(Arc::new(gateway::Gateway::start(config).await?))
}
