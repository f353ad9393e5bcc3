//! One node: replica, wallet, provider and gateway of one data folder, wired together behind one address.

mod earlier;
mod found;
mod models;
mod owner;
mod publish;
mod routes;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use std::{
    future::IntoFuture as _,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    backup::RESTORED,
    home::{Home, Running},
    layout, print, t,
};

pub use owner::{AccountView, Earned, EarnedDay, Rotate, Transfer, TransferPreview, Transferred, WalletView};

/// How long running answers may go on once the node stops.
const ANSWERS_END: Duration = Duration::from_secs(5);
/// How long paying and settling may take then.
const PAYING_ENDS: Duration = Duration::from_secs(10);
/// How long connections may stay open after that.
const CONNECTIONS_END: Duration = Duration::from_secs(2);

/// What a node is started with.
#[derive(Debug)]
pub struct Config {
    /// Where to listen: host and port.
    pub listen: String,
    /// GGUF files to offer, beside what is offered already.
    pub models: Vec<PathBuf>,
    /// Threads for one model; none for what suits its size.
    pub threads: Option<u32>,
    /// The most tokens of one conversation; none for what each model had before, or else the usual.
    pub context: Option<u32>,
    /// Opens the keys, if they are sealed.
    pub passphrase: Option<wallet::Passphrase>,
}

/// A running node.
pub struct Node {
    address: String,
    notes: Vec<String>,
    replica: replica::Replica,
    provider: Arc<provider::Provider>,
    gateway: Arc<gateway::Gateway>,
    server: Server,
    home: Home,
}

/// The task that serves, and the two steps of stopping it.
struct Server {
    task: JoinHandle<()>,
    /// No new answers are begun.
    no_more: watch::Sender<bool>,
    /// No new connections are taken.
    close: watch::Sender<bool>,
}

impl Node {
    /// Starts everything in the folder. The first time this founds a network of its own, whose credits are play credits.
    /// Interrupted at any point, the next start goes on.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn start(home: Home, config: Config) -> anyhow::Result<Self> {
        let (folder, passphrase) = (home.clone(), config.passphrase.clone());
        let open = blocking(move || layout::open_keys(&folder, passphrase));
        let keys = print::waiting(t!("opening the keys", "키를 여는 중"), open).await?;
        let restored = home.path(RESTORED).exists();
        // Of a process that was killed.
        drop(std::fs::remove_file(home.path("run.json")));
        let listener = TcpListener::bind(&config.listen).await.map_err(|error| busy(&config.listen, &error))?;
        let address = address(listener.local_addr()?);
        let replica = found::open_replica(&home, &keys).await?;
        let ledger: Arc<dyn api::Ledger> = Arc::new(replica.clone());
        let wallet = Arc::new(wallet::Wallet::open(keys, Arc::clone(&ledger), &home.path("wallet.db")).await?);
        found::prepare_accounts(&wallet, &ledger).await?;

        let store = blobs::Store::open(&home.path("blobs")).map(Arc::new)?;
        let token = home.owner_token()?;
        let (payer, signer) = (wallet.account("payer")?, wallet.account("gateway")?);
        let seller = provider::Config {
            owner_token: token.clone(),
            restored,
            own_payer: Some(payer.id()),
            ..provider::Config::new(
                home.path("provider.db"),
                Arc::clone(&ledger),
                wallet.account("provider")?,
                address.clone(),
                Arc::clone(&store),
            )
        };
        let provider = Arc::new(provider::Provider::start(seller).await?);
        earlier::take_over(&home, &provider).await?;
        let books = home.path("gateway.db");
        let buyer = gateway::Config {
            restored,
            address: Some(address.clone()),
            ..gateway::Config::new(books, Arc::clone(&store), Arc::clone(&ledger), (payer, signer), token.clone())
        };
        let gateway = Arc::new(gateway::Gateway::start(buyer).await?);
        if restored {
            // Both doors have it in their books now.
            std::fs::remove_file(home.path(RESTORED))?;
        }
        let routes = routes::Routes {
            replica: replica.clone(),
            provider: Arc::clone(&provider),
            gateway: Arc::clone(&gateway),
            wallet: Arc::clone(&wallet),
            ledger: Arc::clone(&ledger),
            store: Arc::clone(&store),
            owner_token: token,
        };
        let server = serve(listener, routes);
        let models = models::Models { wallet: &wallet, ledger: &ledger, store: &store, provider: &provider };
        let notes = models.offer_all(&config).await?;
        gateway.refresh().await?;
        routes::first_key(&home, &address).await?;
        home.write(
            "run.json",
            &serde_json::to_string(&Running { address: address.clone(), pid: std::process::id() })?,
        )?;
        Ok(Self { address, notes, replica, provider, gateway, server, home })
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What its owner should know: models that no longer run.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Begins no more answers, lets the running ones end for a few seconds, pays and settles what is open, and stops. The
    /// gateway pays over the provider's routes, so these are served until it has.
    pub async fn stop(self) {
        drop(std::fs::remove_file(self.home.path("run.json")));
        self.server.no_more.send_replace(true);
        let idle = async {
            while self.provider.running() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        drop(tokio::time::timeout(ANSWERS_END, idle).await);
        if tokio::time::timeout(PAYING_ENDS, self.gateway.close()).await.is_err() {
            tracing::warn!("not everything could be paid in time; the next start goes on");
        }
        if tokio::time::timeout(PAYING_ENDS, self.provider.close()).await.is_err() {
            tracing::warn!("not everything could be settled in time; the next start goes on");
        }
        self.server.close.send_replace(true);
        drop(tokio::time::timeout(CONNECTIONS_END, self.server.task).await);
        drop(tokio::task::spawn_blocking(move || self.replica.close()).await);
    }
}

fn serve(listener: TcpListener, routes: routes::Routes) -> Server {
    let (no_more, stopping) = watch::channel(false);
    let (close, mut closing) = watch::channel(false);
    let router = routes.router(stopping);
    let closed = async move { drop(closing.wait_for(|close| *close).await) };
    // The words of an answer go out one by one, at once.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = axum::serve(listener, router).with_graceful_shutdown(closed).into_future();
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the server stopped");
        }
    });
    Server { task, no_more, close }
}

/// Where clients on this machine reach what listens there: an address for all interfaces is not one to call.
fn address(mut listens: SocketAddr) -> String {
    if listens.ip().is_unspecified() {
        listens.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{listens}")
}

/// An address to try instead.
fn next_port(listen: &str) -> String {
    let port = listen.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).unwrap_or(7_420);
    format!("127.0.0.1:{}", port.checked_add(1).unwrap_or(7_420))
}

fn busy(listen: &str, error: &std::io::Error) -> anyhow::Error {
    let other = next_port(listen);
    anyhow::anyhow!(match error.kind() {
        ErrorKind::AddrInUse => t!(
            "another program already listens on {listen}. Choose another port with --listen, such as --listen {other}",
            "{listen}은 다른 프로그램이 이미 쓰고 있습니다. --listen {other} 처럼 다른 포트를 고르세요"
        ),
        _ => t!(
            "cannot listen on {listen}: {error}. Choose another address with --listen, such as --listen {other}",
            "{listen}에서 들을 수 없습니다: {error}. --listen {other} 처럼 다른 주소를 고르세요"
        ),
    })
}

/// Runs work that blocks beside the others.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a task failed")?
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_for_all_interfaces_is_reached_on_loopback() {
        let of = |text: &str| super::address(text.parse().unwrap());
        assert_eq!(of("0.0.0.0:7420"), "http://127.0.0.1:7420");
        assert_eq!(of("[::]:7420"), "http://127.0.0.1:7420");
        assert_eq!(of("192.0.2.7:80"), "http://192.0.2.7:80");
        assert_eq!(of("[::1]:7420"), "http://[::1]:7420");
    }
}
