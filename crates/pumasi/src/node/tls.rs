//! The public side of a node: TLS with a key of the folder's own, known to others by its pin and by nothing else.

use anyhow::Context as _;
use ledger::Digest;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{home::Home, t};

/// The key, in the form of PKCS #8 (RFC 5958), as text.
const FILE: &str = "tls-key.pem";
/// Whoever does not end its handshake in this time is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// So many handshakes at once.
const HANDSHAKES_MAX: usize = 256;
/// So many connections of others at once, half of the files that a process usually may open; more wait until some end.
const CONNECTIONS_MAX: usize = 512;
/// So many of them from one address; more are closed at once.
const CONNECTIONS_OF_ONE_MAX: usize = 256;

/// How a node shows others who it is.
pub struct Identity {
    config: Arc<ServerConfig>,
    /// SHA-256 of its key.
    pub pin: Digest,
}

impl Identity {
    /// The key of a folder, made at first use, with a certificate made for this run.
    pub fn of(home: &Home) -> anyhow::Result<Self> {
        let key = read_or_make(home)?;
        let certificate = CertificateParams::new(vec!["pumasi".to_owned()])?.self_signed(&key)?;
        let pin = api::link::pin_of(certificate.der())?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), pin })
    }

    /// Takes connections over TLS from now on.
    pub fn listen(&self, listener: TcpListener) -> io::Result<TlsListener> {
        let address = listener.local_addr()?;
        let (give, accepted) = mpsc::channel(HANDSHAKES_MAX);
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::clone(&self.config)), give));
        Ok(TlsListener { address, accepted })
    }
}

fn read_or_make(home: &Home) -> anyhow::Result<KeyPair> {
    let path = home.path(FILE);
    let Some(text) = home.read(FILE)? else {
        let key = KeyPair::generate()?;
        home.write(FILE, key.serialize_pem().trim_end())?;
        return Ok(key);
    };
    if std::fs::metadata(&path)?.permissions().mode() & 0o077 != 0 {
        anyhow::bail!(t!(
            "the key file {} can be read by others; make it yours alone (chmod 600), and think whether it was read",
            "키 파일 {}을 남이 읽을 수 있습니다. 나만 읽게 하고(chmod 600), 누가 이미 읽지는 않았는지 생각해 보세요",
            path.display()
        ));
    }
    KeyPair::from_pem(&text).with_context(|| {
        t!(
            "the key file {} does not hold a key; restore it from your backup",
            "키 파일 {}에 키가 없습니다. 백업에서 되돌리세요",
            path.display()
        )
    })
}

type Accepted = (TlsStream<TcpStream>, Guest);

/// Who connected, and the place that this takes for as long as the value lives.
#[derive(Debug)]
pub struct Guest {
    #[expect(dead_code, reason = "for whoever prints it")]
    at: SocketAddr,
    _place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    of: IpAddr,
    guests: Arc<Guests>,
    _room: OwnedSemaphorePermit,
}

/// How many connections each address has.
#[derive(Debug, Default)]
struct Guests(Mutex<HashMap<IpAddr, usize>>);

impl Guests {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more, unless that is too many from there.
    fn enter(self: &Arc<Self>, at: SocketAddr, room: OwnedSemaphorePermit) -> Option<Guest> {
        let mut by_address = self.lock();
        let here = by_address.entry(at.ip()).or_default();
        *here = here.checked_add(1).filter(|here| *here <= CONNECTIONS_OF_ONE_MAX)?;
        let place = Place { of: at.ip(), guests: Arc::clone(self), _room: room };
        Some(Guest { at, _place: Some(place) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.guests.lock();
        let left = by_address.get(&self.of).copied().unwrap_or_default().saturating_sub(1);
        match left {
            0 => by_address.remove(&self.of),
            left => by_address.insert(self.of, left),
        };
    }
}

/// Handshakes run beside each other: one that is slow holds up nobody.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, give: mpsc::Sender<Accepted>) {
    let (handshakes, guests) = (Arc::new(Semaphore::new(HANDSHAKES_MAX)), Arc::<Guests>::default());
    let rooms = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let (Ok(permit), Ok(room)) =
        (Arc::clone(&handshakes).acquire_owned().await, Arc::clone(&rooms).acquire_owned().await)
    {
        let connected = tokio::select! {
            connected = listener.accept() => connected,
            () = give.closed() => return,
        };
        let Ok((stream, at)) = connected else {
            // Too many open files, say: that passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Some(guest) = guests.enter(at, room) else { continue };
        let (acceptor, give) = (acceptor.clone(), give.clone());
        tokio::spawn(async move {
            drop(stream.set_nodelay(true));
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                drop(give.send((stream, guest)).await);
            }
            drop(permit);
        });
    }
}

/// Connections whose handshake is done.
pub struct TlsListener {
    address: SocketAddr,
    accepted: mpsc::Receiver<Accepted>,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = Guest;

    async fn accept(&mut self) -> Accepted {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // The task that accepts ends only with this value.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Guest> {
        Ok(Guest { at: self.address, _place: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::Link;

    async fn serve(home: &Home) -> Link {
        let identity = Identity::of(home).unwrap();
        let listener = identity.listen(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
        let link = Link { address: format!("https://{}", listener.address), pin: Some(identity.pin) };
        let router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        link
    }

    async fn ask(link: &Link) -> Result<String, String> {
        let client = link.client().unwrap().no_proxy().build().unwrap();
        let answer = client.get(&link.address).send().await.map_err(|error| api::link::reason(&error))?;
        Ok(answer.text().await.unwrap())
    }

    #[tokio::test]
    async fn the_right_key_is_talked_to_and_no_other() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, two) = (Home::find(Some(one.path().into())).unwrap(), Home::find(Some(two.path().into())).unwrap());
        std::fs::create_dir_all(one.dir()).unwrap();
        std::fs::create_dir_all(two.dir()).unwrap();
        let (link, other) = (serve(&one).await, serve(&two).await);
        assert_eq!(ask(&link).await, Ok("hello".into()));
        assert_eq!(Identity::of(&one).unwrap().pin, link.pin.unwrap(), "the key stays");
        let wrong = Link { pin: other.pin, ..link.clone() };
        let said = ask(&wrong).await.unwrap_err();
        assert!(said.contains(&hex::encode(link.pin.unwrap().0)), "{said}");
        let by_name = Link { pin: None, ..link };
        assert!(ask(&by_name).await.unwrap_err().contains("certificate"), "nobody vouches for it");
        let mode = std::fs::metadata(one.path(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[tokio::test]
    async fn one_address_does_not_take_every_place() {
        let (guests, rooms) = (Arc::<Guests>::default(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
        let enter = |address: &str| {
            let room = Arc::clone(&rooms).try_acquire_owned().unwrap();
            guests.enter(address.parse().unwrap(), room)
        };
        let mut inside: Vec<_> = (0..CONNECTIONS_OF_ONE_MAX).map(|_| enter("192.0.2.1:1").unwrap()).collect();
        assert!(enter("192.0.2.1:2").is_none());
        assert!(enter("192.0.2.2:1").is_some(), "another one");
        inside.pop();
        inside.push(enter("192.0.2.1:3").unwrap());
        inside.clear();
        assert!(guests.lock().is_empty());
        assert_eq!(rooms.available_permits(), CONNECTIONS_MAX);
    }
}
