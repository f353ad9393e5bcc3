//! One node: ledger or a link to one, wallet, provider and gateway of one data folder, wired together behind one address, and
//! perhaps a second one for others.

mod earlier;
mod found;
mod join;
mod korean;
mod models;
mod network;
mod owner;
mod publish;
mod routes;
mod serve;
mod session;
mod shipped;
mod side;
mod taken;
mod tls;

use anyhow::{Context as _, bail};
use api::{Ledger, Link, witness::Cosigner};
use axum::serve::ListenerExt as _;
use replica::watch::witness::Witness;
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use wallet::Wallet;

use crate::{
    backup::RESTORED,
    home::{Home, Running},
    layout, print, t,
};

pub use network::{Network, network_of};
pub use owner::{AccountView, Earned, EarnedDay, Rotate, Transfer, TransferPreview, Transferred, WalletView};
use session::Sessions;
pub use shipped::usual;
use side::Side;

/// What was stored and belongs to nothing that is listed is given up after so long.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long running answers may go on once the node stops.
const ANSWERS_END: Duration = Duration::from_secs(5);
/// How long paying and settling may take then.
const PAYING_ENDS: Duration = Duration::from_secs(10);
/// How long connections may stay open after that.
const CONNECTIONS_END: Duration = Duration::from_secs(2);

/// What a node is started with.
#[derive(Debug, Default)]
pub struct Config {
    /// Where to listen for this machine: host and port.
    pub listen: String,
    /// Where to listen for others, over TLS.
    pub public: Option<String>,
    /// Where others reach that, if it is called otherwise there.
    pub address: Option<String>,
    /// Somebody else's ledger, to live on that; none for what was joined before, or a ledger of this folder's own.
    pub join: Option<Link>,
    /// Who is asked to cosign the heads of this folder's own ledger.
    pub witnesses: Vec<Link>,
    /// Join as a gateway. Both or none of the two: as both.
    pub gateway: bool,
    /// Join as a provider.
    pub provider: bool,
    /// What this machine's accounts are called where it joins.
    pub name: Option<String>,
    /// Leave out the models that ship with the program.
    pub without_guide: bool,
    /// What the gateway asks for a byte of weights that it serves, in pico-credits.
    pub file_fee: u64,
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
    public: Option<Link>,
    joined: Option<Network>,
    notes: Vec<String>,
    side: Side,
    provider: Option<Arc<provider::Provider>>,
    gateway: Option<Arc<gateway::Gateway>>,
    sessions: Sessions,
    server: Server,
    home: Home,
}

/// The tasks that serve, and the two steps of stopping them.
struct Server {
    tasks: Vec<JoinHandle<()>>,
    /// No new answers are begun.
    no_more: watch::Sender<bool>,
    /// No new connections are taken.
    close: watch::Sender<bool>,
}

/// The side of a node that others reach.
struct Public {
    listener: tls::TlsListener,
    link: Link,
}

impl Node {
    /// Starts everything in the folder. The first time this founds a network of its own, whose credits are play credits, or
    /// joins somebody else's. Interrupted at any point, the next start goes on.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn start(home: Home, config: Config) -> anyhow::Result<Self> {
        let (folder, passphrase) = (home.clone(), config.passphrase.clone());
        let open = blocking(move || layout::open_keys(&folder, passphrase));
        let keys = print::waiting(t!("opening the keys", "키를 여는 중"), open).await?;
        // Of a process that was killed.
        drop(std::fs::remove_file(home.path("run.json")));
        let mut joined = Network::of(&home, &config)?;
        if let Some(network) = &joined {
            fits(network, &config)?;
        }
        let listener = TcpListener::bind(&config.listen).await.map_err(|error| busy(&config.listen, &error))?;
        let at = listener.local_addr()?;
        let address = address(at);
        let sessions = Sessions::new(&home, &config.listen, at, &address)?;
        let (public, named) = match &joined {
            Some(network) => (network.public.clone(), network.address.clone()),
            None => (config.public.clone(), config.address.clone()),
        };
        let public = open_public(&home, public.as_deref(), named.as_deref()).await?;
        let reached = public.as_ref().map(|public| public.link.clone());
        let reached = reached.or_else(|| named.map(|address| Link { address, pin: None }));

        let (side, wallet, mut notes) = match &mut joined {
            None => open_own(&home, keys, &config.witnesses).await?,
            Some(network) => open_joined(&home, keys, network, config.name.as_deref()).await?,
        };
        let (ledger, restored) = (side.ledger(), home.path(RESTORED).exists());
        let store = blobs::Store::open(&home.path("blobs")).map(Arc::new)?;
        let doors = Doors {
            home: &home,
            wallet: &wallet,
            ledger: &ledger,
            store: &store,
            joined: joined.as_ref(),
            address: &address,
            reached: reached.as_ref(),
            restored,
            file_fee: config.file_fee,
        };
        let (provider, gateway) = (doors.provider().await?, doors.gateway().await?);
        if restored {
            // Both doors have it in their books now.
            std::fs::remove_file(home.path(RESTORED))?;
        }
        let routes = routes::Routes {
            side: side.clone(),
            provider: provider.clone(),
            gateway: gateway.clone(),
            wallet: Arc::clone(&wallet),
            ledger: Arc::clone(&ledger),
            store: Arc::clone(&store),
            owner_token: home.owner_token()?,
            sessions: sessions.clone(),
        };
        let link = public.as_ref().map(|public| public.link.clone());
        let server = Server::start(listener, public, &routes)?;
        if let Some(provider) = &provider {
            let models = models::Models { wallet: &wallet, ledger: &ledger, store: &store, provider };
            notes.extend(models.offer_all(&config).await?);
        }
        if let (Some(provider), Some(gateway), None, false) = (&provider, &gateway, &joined, config.without_guide) {
            let (home, wallet, ledger, store) = (&home, &wallet, &ledger, &store);
            let shipping = shipped::Shipping { home, wallet, ledger, store, gateway, provider };
            notes.extend(shipping.publish_all().await.err().map(|error| not_shipped(&error)));
        }
        if let Some(gateway) = &gateway {
            gateway.refresh().await?;
            routes::first_key(&home, &address).await?;
        }
        sweep(store);
        home.write("run.json", &serde_json::to_string(&Running::here(&address))?)?;
        Ok(Self { address, public: link, joined, notes, side, provider, gateway, sessions, server, home })
    }

    /// Where it is reached from this machine.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A link that opens the page for the owner: once, while the node runs.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn page_link(&self) -> anyhow::Result<String> {
        self.sessions.link(None)
    }

    /// Where others reach it.
    pub const fn public(&self) -> Option<&Link> {
        self.public.as_ref()
    }

    /// Somebody else's ledger, if it lives on one.
    pub const fn joined(&self) -> Option<&Network> {
        self.joined.as_ref()
    }

    /// As which it cosigns the heads of the ledger that it joined.
    pub fn cosigner(&self) -> Option<Cosigner> {
        self.side.cosigner()
    }

    /// True if it takes clients' requests.
    pub const fn is_gateway(&self) -> bool {
        self.gateway.is_some()
    }

    /// What its owner should know: models that no longer run, say.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Begins no more answers, lets the running ones end for a few seconds, pays and settles what is open, and stops. The
    /// gateway pays over the provider's routes, so these are served until it has.
    pub async fn stop(self) {
        drop(std::fs::remove_file(self.home.path("run.json")));
        self.server.no_more.send_replace(true);
        if let Some(provider) = &self.provider {
            let idle = async {
                while provider.running() > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            drop(tokio::time::timeout(ANSWERS_END, idle).await);
        }
        if let Some(gateway) = &self.gateway
            && tokio::time::timeout(PAYING_ENDS, gateway.close()).await.is_err()
        {
            tracing::warn!("not everything could be paid in time; the next start goes on");
        }
        if let Some(provider) = &self.provider
            && tokio::time::timeout(PAYING_ENDS, provider.close()).await.is_err()
        {
            tracing::warn!("not everything could be settled in time; the next start goes on");
        }
        self.server.close.send_replace(true);
        for task in self.server.tasks {
            drop(tokio::time::timeout(CONNECTIONS_END, task).await);
        }
        drop(tokio::task::spawn_blocking(move || self.side.close()).await);
    }
}

/// Refuses what a machine that joined cannot do as it joined.
fn fits(network: &Network, config: &Config) -> anyhow::Result<()> {
    network.check_reach()?;
    if !config.witnesses.is_empty() {
        bail!(t!(
            "--witness is for a machine that keeps a ledger of its own: those who joined one are its witnesses",
            "--witness는 자기 원장을 가진 컴퓨터에서 씁니다. 함께하는 컴퓨터는 그 원장의 증인이 됩니다"
        ));
    }
    if !network.gateway && config.file_fee > 0 {
        bail!(t!(
            "this machine joined as a provider alone, and a gateway asks the fee for files; add --gateway",
            "이 컴퓨터는 공급자로만 함께합니다. 파일 수수료는 게이트웨이가 받으니 --gateway를 붙이세요"
        ));
    }
    if !network.provider && !config.models.is_empty() {
        bail!(t!(
            "this machine joined as a gateway alone; add --provider to offer a model",
            "이 컴퓨터는 게이트웨이로만 함께합니다. 모델을 제공하려면 --provider를 붙이세요"
        ));
    }
    Ok(())
}

/// Removes, beside everything else, what an import or a publication that never came to its end left behind.
fn sweep(store: Arc<blobs::Store>) {
    tokio::task::spawn_blocking(move || match store.sweep_unlisted(ABANDONED) {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "files that belong to nothing were removed"),
        Err(error) => tracing::warn!(%error, "files that belong to nothing were not looked for"),
    });
}

/// The ledger of the folder itself.
async fn open_own(
    home: &Home,
    keys: wallet::Keys,
    witnesses: &[Link],
) -> anyhow::Result<(Side, Arc<Wallet>, Vec<String>)> {
    let replica = found::open_replica(home, &keys).await?;
    tokio::spawn(replica.be_witnessed(witnesses).map_err(anyhow::Error::msg)?);
    let side = Side::Own(replica);
    let ledger = side.ledger();
    let wallet = Arc::new(Wallet::open(keys, Arc::clone(&ledger), &home.path("wallet.db")).await?);
    found::prepare_accounts(&wallet, &ledger).await?;
    Ok((side, wallet, Vec::new()))
}

/// Somebody else's ledger, found, checked and remembered.
async fn open_joined(
    home: &Home,
    keys: wallet::Keys,
    network: &mut Network,
    name: Option<&str>,
) -> anyhow::Result<(Side, Arc<Wallet>, Vec<String>)> {
    let watched = join::find(home, network).await?;
    tokio::spawn(replica::watch::Watched::run(Arc::clone(&watched)));
    let witness = Witness::new(Arc::clone(&watched), keys.pair(wallet::WITNESS)?);
    let side = Side::Joined(watched, witness);
    let ledger = side.ledger();
    let wallet = Arc::new(Wallet::open(keys, Arc::clone(&ledger), &home.path("wallet.db")).await?);
    let mut notes = join::prepare_accounts(&wallet, &ledger, network, name).await?;
    network.write(home)?;
    notes.extend(join::advice(&wallet, &ledger, network).await?);
    if !network.ledger.is_private() && !network.ledger.is_loopback() {
        notes.push(t!(
            "What goes to and from {} can be read and changed on its way: this is for a network that you trust",
            "{}와 주고받는 것은 중간에서 읽거나 바꿀 수 있습니다. 믿을 수 있는 네트워크에서만 쓰세요",
            network.ledger.address
        ));
    }
    Ok((side, wallet, notes))
}

/// What the doors of a node are opened with.
struct Doors<'a> {
    home: &'a Home,
    wallet: &'a Wallet,
    ledger: &'a Arc<dyn Ledger>,
    store: &'a Arc<blobs::Store>,
    joined: Option<&'a Network>,
    /// Where this machine reaches them.
    address: &'a str,
    /// Where others do, if they do.
    reached: Option<&'a Link>,
    /// The books come from a backup.
    restored: bool,
    /// For a byte of weights, in pico-credits.
    file_fee: u64,
}

impl Doors<'_> {
    /// Where they are reached, as it will be registered.
    fn door(&self) -> Link {
        self.reached.cloned().unwrap_or_else(|| Link { address: self.address.to_owned(), pin: None })
    }

    /// The sellers' door, if this machine has one.
    async fn provider(&self) -> anyhow::Result<Option<Arc<provider::Provider>>> {
        if self.joined.is_some_and(|network| !network.provider) {
            return Ok(None);
        }
        let (account, door) = (self.wallet.account("provider")?, self.door());
        let (books, store) = (self.home.path("provider.db"), Arc::clone(self.store));
        let seller = provider::Config {
            tls_key: door.pin,
            owner_token: self.home.owner_token()?,
            restored: self.restored,
            own_payer: Some(self.wallet.account("payer")?.id()),
            ..provider::Config::new(books, Arc::clone(self.ledger), account, door.address, store)
        };
        let provider = Arc::new(provider::Provider::start(seller).await?);
        earlier::take_over(self.home, &provider).await?;
        Ok(Some(provider))
    }

    /// The buyers' door, if this machine has one.
    async fn gateway(&self) -> anyhow::Result<Option<Arc<gateway::Gateway>>> {
        if self.joined.is_some_and(|network| !network.gateway) {
            return Ok(None);
        }
        let accounts = (self.wallet.account("payer")?, self.wallet.account("gateway")?);
        let (books, store, token) = (self.home.path("gateway.db"), Arc::clone(self.store), self.home.owner_token()?);
        let beside = match self.joined.is_none_or(|network| network.provider) {
            true => Some((self.wallet.account("provider")?.id(), self.address.to_owned())),
            false => None,
        };
        let buyer = gateway::Config {
            address: Some(self.door()),
            beside,
            file_fee: self.file_fee,
            restored: self.restored,
            ..gateway::Config::new(books, store, Arc::clone(self.ledger), accounts, token)
        };
        Ok(Some(Arc::new(gateway::Gateway::start(buyer).await?)))
    }
}

/// Listens for others, if that is asked for.
async fn open_public(home: &Home, listen: Option<&str>, named: Option<&str>) -> anyhow::Result<Option<Public>> {
    if let Some(named) = named {
        let port = named.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !port || named.parse::<Link>().map_or(true, |link| link.address != named || link.pin.is_some()) {
            bail!(t!(
                "{named} is not an address that others can be given; write it as https://NAME:PORT",
                "{named}은 남에게 알려 줄 주소가 아닙니다. https://이름:포트 로 적으세요"
            ));
        }
    }
    let Some(listen) = listen else { return Ok(None) };
    let listener = TcpListener::bind(listen).await.map_err(|error| not_public(listen, &error))?;
    let at = listener.local_addr()?;
    let identity = tls::Identity::of(home)?;
    let address = match (named, at.ip().is_unspecified()) {
        (Some(named), _) => named.to_owned(),
        (None, false) => public_address(listen, at),
        (None, true) => bail!(t!(
            "{listen} is every address of this machine, and others need one: add --address https://NAME:PORT",
            "{listen}은 이 컴퓨터의 모든 주소입니다. 남이 부를 주소 하나를 --address https://이름:포트 로 알려 주세요"
        )),
    };
    let link = Link { address, pin: Some(identity.pin) };
    Ok(Some(Public { listener: identity.listen(listener)?, link }))
}

/// A name stays a name; a port of the system's choice is what it chose.
fn public_address(listen: &str, at: SocketAddr) -> String {
    let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
    format!("https://{host}:{}", at.port())
}

fn not_public(listen: &str, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!(t!(
        "cannot listen for others on {listen}: {error}. Choose another address with --public HOST:PORT",
        "{listen}에서 남의 연결을 들을 수 없습니다: {error}. --public 호스트:포트 로 다른 주소를 고르세요"
    ))
}

impl Server {
    fn start(listener: TcpListener, public: Option<Public>, routes: &routes::Routes) -> anyhow::Result<Self> {
        let (no_more, stopping) = watch::channel(false);
        let (close, closing) = watch::channel(false);
        let router = routes.router(stopping)?;
        let for_others = serve::in_time(routes::for_others(router.clone()));
        let router = serve::in_time(routes.for_owner(router));
        // The words of an answer go out one by one, at once.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let mut tasks = vec![serve::serve(listener, router, closing.clone())];
        tasks.extend(public.map(|public| serve::serve(public.listener, for_others, closing)));
        Ok(Self { tasks, no_more, close })
    }
}

/// A node goes on without what ships with it.
fn not_shipped(error: &anyhow::Error) -> String {
    t!(
        "The guide that ships with Pumasi is not offered, and the next start tries again: {error:#}",
        "품앗이에 딸린 길잡이를 제공하지 못했습니다. 다음에 켤 때 다시 해 봅니다: {error:#}"
    )
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
