//! Sessions: how the page acts for the owner without ever holding the owner's token. `docs/page.md` says why it is so.
//!
//! Whoever has the data folder makes a once-only link; the page gives its word back and gets a session of two halves. One is
//! a cookie that no script reads; the other one the page keeps and sends in a header, which pages of other addresses cannot.
//! Both are made by keys that come from the owner's token, so a session outlives a restart, and none outlives the token. Only one
//! that was ended before its time is written down.

use api::owner::OWNER_ONLY;
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use gateway::Spared;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ledger::Digest;
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use super::routes::{Routes, problem};
use crate::home::Home;

/// The half that the page sends.
const HALF: HeaderName = HeaderName::from_static("x-pumasi-session");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What the halves' keys are for: neither half can stand for the other.
const PURPOSES: [&[u8]; 2] = [b"pumasi session: the cookie", b"pumasi session: the page's half"];
/// The file with the sessions that were ended before their time: on each line what both halves of one say.
const ENDED: &str = "ended-sessions";
/// How long a session lasts.
const LASTS_S: u64 = 30 * 24 * 60 * 60;
/// How long the link of `pumasi open` may wait.
pub const LINK_WAITS: Duration = Duration::from_secs(10 * 60);
/// So many links may wait together; another one takes the place of the oldest.
const LINKS_MAX: usize = 32;
/// After so many wrong words none is looked at for a while.
const WRONG_MAX: u32 = 20;
const WRONG_WAITS: Duration = Duration::from_secs(60);
/// What clients of models reach takes an API key, everything else the owner's token.
const BY_API_KEY: &[&str] = &["v1", "api", "receipts"];

/// The sessions of one node.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    home: Home,
    owner_token: String,
    /// Where the page is reached from this machine: `http://host:port`.
    address: String,
    /// How browsers name the address that this node listens on.
    hosts: Vec<String>,
    /// The cookie's name. Cookies are not told apart by port.
    cookie: String,
    keys: [[u8; 32]; 2],
    links: Mutex<Links>,
    ended: Mutex<BTreeSet<String>>,
}

/// A request of a session that is open, with what both of its halves say.
#[derive(Clone)]
pub struct Open(String);

/// Both halves of a new session.
struct Halves {
    cookie: String,
    page: String,
}

/// The words that open a session, as digests: each works once.
#[derive(Default)]
struct Links {
    /// With the time until which they work; none for as long as the node runs.
    waiting: Vec<(Digest, Option<Instant>)>,
    wrong: u32,
    /// No word is looked at until then.
    closed: Option<Instant>,
}

/// Why a word opens nothing.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Unknown,
    TooMany,
}

impl Links {
    fn add(&mut self, word: &str, until: Option<Instant>) {
        if self.waiting.len() >= LINKS_MAX {
            self.waiting.remove(0);
        }
        self.waiting.push((Digest::of(word.as_bytes()), until));
    }

    fn take(&mut self, word: &str, now: Instant) -> Result<(), Refusal> {
        if self.closed.is_some_and(|closed| now < closed) {
            return Err(Refusal::TooMany);
        }
        self.waiting.retain(|(_, until)| until.is_none_or(|until| now < until));
        let word = Digest::of(word.as_bytes());
        if let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == word) {
            self.waiting.remove(at);
            self.wrong = 0;
            return Ok(());
        }
        self.wrong += 1;
        if self.wrong >= WRONG_MAX {
            (self.wrong, self.closed) = (0, Some(now + WRONG_WAITS));
        }
        Err(Refusal::Unknown)
    }
}

impl Sessions {
    /// For a node that was told to listen on `listen`, and does on `at`.
    pub fn new(home: &Home, listen: &str, at: SocketAddr, address: &str) -> anyhow::Result<Self> {
        let owner_token = home.owner_token()?;
        let ended = home.read(ENDED)?.unwrap_or_default().lines().map(str::to_owned).collect();
        let keys = PURPOSES.map(|purpose| mac(owner_token.as_bytes(), purpose).finalize().into_bytes().into());
        Ok(Self(Arc::new(Inner {
            home: home.clone(),
            owner_token,
            address: address.to_owned(),
            hosts: hosts(listen, at.port()),
            cookie: format!("pumasi-{}", at.port()),
            keys,
            links: Mutex::default(),
            ended: Mutex::new(ended),
        })))
    }

    /// A link that opens a session once; for as long as the node runs, or for a while.
    pub fn link(&self, waits: Option<Duration>) -> anyhow::Result<String> {
        let word = random()?;
        self.links().add(&word, waits.map(|waits| Instant::now() + waits));
        Ok(format!("{}/#/open/{word}", self.0.address))
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.0.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session.
    fn begin(&self, now_s: u64) -> anyhow::Result<Halves> {
        let said = format!("{}.{}", random()?, now_s + LASTS_S);
        let [cookie, page] = self.0.keys.map(|key| {
            let made = mac(&key, said.as_bytes()).finalize().into_bytes();
            format!("{said}.{}", hex::encode(made))
        });
        Ok(Halves { cookie, page })
    }

    /// What one half says, if its key made it.
    fn said<'a>(&self, half: &'a str, which: usize) -> Option<&'a str> {
        let (said, made) = half.rsplit_once('.')?;
        // Compared in constant time.
        mac(self.0.keys.get(which)?, said.as_bytes()).verify_slice(&hex::decode(made).ok()?).ok().map(|()| said)
    }

    fn ended(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What both halves say, if they are there and of one session that has not ended.
    fn halves(&self, headers: &HeaderMap, now_s: u64) -> Option<String> {
        let page = headers.get(HALF)?.to_str().ok().and_then(|half| self.said(half, 1))?;
        self.cookies(headers, now_s).find(|said| *said == page).map(str::to_owned)
    }

    /// What the cookies say of sessions that have not ended. Another server of this host can add cookies of this name; they open
    /// nothing, and close nothing.
    fn cookies<'a>(&'a self, headers: &'a HeaderMap, now_s: u64) -> impl Iterator<Item = &'a str> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
        let ours = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().strip_prefix(&self.0.cookie)?.strip_prefix('='));
        let said = ours.filter_map(|cookie| self.said(cookie, 0));
        said.filter(move |said| now_s < ends(said) && !self.ended().contains(*said))
    }

    /// True if the owner follows a link of the page to a file. A link cannot send the page's half, so that all it gets is what
    /// anybody gets, but for nothing.
    fn follows(&self, request: &Request, now_s: u64) -> bool {
        let reads = *request.method() == Method::GET && request.uri().path().starts_with("/blobs/");
        reads && self.is_from_here(request.headers()) && self.cookies(request.headers(), now_s).next().is_some()
    }

    /// Ends a session before its time, for whoever else has its halves too, and for good: it is written down until it would end.
    fn end(&self, said: String, now_s: u64) -> anyhow::Result<()> {
        let mut ended = self.ended();
        ended.insert(said);
        ended.retain(|said| now_s < ends(said));
        self.0.home.write(ENDED, &ended.iter().map(|said| format!("{said}\n")).collect::<String>())
    }

    /// True if a request is not of another page: it names this address as its host, and nothing says that it comes from
    /// elsewhere. A name that a stranger made to lead here (DNS rebinding) is another host.
    fn is_from_here(&self, headers: &HeaderMap) -> bool {
        let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let Some(host) = text(&header::HOST).map(str::to_ascii_lowercase) else { return false };
        let origin = text(&header::ORIGIN).map(str::to_ascii_lowercase);
        let same = |origin: String| ["http://", "https://"].iter().any(|scheme| origin == format!("{scheme}{host}"));
        self.0.hosts.contains(&host)
            && origin.is_none_or(same)
            && text(&FETCH_SITE).is_none_or(|site| site == "same-origin")
    }

    fn open(&self, headers: &HeaderMap, now_s: u64) -> Option<Open> {
        self.halves(headers, now_s).filter(|_| self.is_from_here(headers)).map(Open)
    }

    /// With what a session asks for a path.
    fn credential(&self, path: &str) -> Option<String> {
        let first = path.split('/').nth(1).unwrap_or_default();
        match BY_API_KEY.contains(&first) {
            // Read each time: its owner may have put another one there.
            true => self.0.home.read("api-key").ok().flatten(),
            false => Some(self.0.owner_token.clone()),
        }
    }
}

/// Lets a request of an open session act for the owner. What else it says of who asks always wins, and no session goes further
/// than here.
pub async fn act(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    let open = sessions.open(request.headers(), now_s());
    if sessions.follows(&request, now_s()) {
        request.extensions_mut().insert(Spared);
    }
    request.headers_mut().remove(HALF);
    request.headers_mut().remove(header::COOKIE);
    if let Some(open) = open {
        request.extensions_mut().insert(open);
        let named =
            request.headers().contains_key(header::AUTHORIZATION) || request.headers().contains_key("x-api-key");
        let credential = sessions.credential(request.uri().path()).filter(|_| !named);
        let bearer = credential.and_then(|credential| HeaderValue::from_str(&format!("Bearer {credential}")).ok());
        request.headers_mut().extend(bearer.map(|bearer| (header::AUTHORIZATION, bearer)));
    }
    next.run(request).await
}

/// The body of `POST /session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Once {
    /// The word at the end of a link.
    link: String,
}

/// `GET /session`.
pub async fn show(open: Option<Extension<Open>>) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "open": open.is_some() }))).into_response()
}

/// `POST /session`: a word for both halves.
pub async fn begin(State(routes): State<Routes>, headers: HeaderMap, body: Bytes) -> Response {
    let sessions = &routes.sessions;
    if !sessions.is_from_here(&headers) {
        let message = "a session is opened from the page itself, at the address that this node listens on";
        return problem(StatusCode::FORBIDDEN, "not_from_here", message);
    }
    let once: Once = match serde_json::from_slice(&body) {
        Ok(once) => once,
        Err(error) => {
            return problem(StatusCode::BAD_REQUEST, "invalid_body", &format!("the body is not a link: {error}"));
        }
    };
    let taken = sessions.links().take(&once.link, Instant::now());
    match taken {
        Ok(()) => {}
        Err(Refusal::Unknown) => {
            let message = "this link was used before, or is too old; make another one with: pumasi open";
            return problem(StatusCode::UNAUTHORIZED, "invalid_link", message);
        }
        Err(Refusal::TooMany) => {
            let message = "too many wrong links came; try again in a minute";
            return problem(StatusCode::TOO_MANY_REQUESTS, "too_many_links", message);
        }
    }
    let Ok(halves) = sessions.begin(now_s()) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the system gave no random numbers");
    };
    let cookie = sessions.cookie(&halves.cookie, LASTS_S);
    let headers = [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())];
    (headers, Json(json!({ "token": halves.page }))).into_response()
}

impl Sessions {
    fn cookie(&self, value: &str, lasts_s: u64) -> String {
        format!("{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasts_s}", self.0.cookie)
    }
}

/// `DELETE /session`: this session ends, and this browser forgets its half.
pub async fn end(State(routes): State<Routes>, open: Option<Extension<Open>>) -> Response {
    let ended = open.map_or(Ok(()), |Extension(Open(said))| routes.sessions.end(said, now_s()));
    if let Err(error) = ended {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error.to_string());
    }
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, routes.sessions.cookie("", 0))]).into_response()
}

/// `POST /session/links`: another link, for the owner.
pub async fn new_link(State(routes): State<Routes>, headers: HeaderMap) -> Response {
    if !routes.is_owner(&headers) {
        return problem(StatusCode::UNAUTHORIZED, "invalid_api_key", OWNER_ONLY);
    }
    match routes.sessions.link(Some(LINK_WAITS)) {
        Ok(link) => Json(json!({ "link": link, "expires_in_s": LINK_WAITS.as_secs() })).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal", &error.to_string()),
    }
}

/// How browsers of this machine name what listens there, and what `listen` calls it.
fn hosts(listen: &str, port: u16) -> Vec<String> {
    let named = listen.rsplit_once(':').map_or(listen, |(host, _)| host).to_ascii_lowercase();
    let address = named.trim_matches(['[', ']']).parse::<IpAddr>();
    // "Every address" is none that a browser can name.
    let named = Some(named).filter(|_| !address.is_ok_and(|address| address.is_unspecified()));
    let names = ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned).into_iter().chain(named);
    names.flat_map(|name| [(port == 80).then(|| name.clone()), Some(format!("{name}:{port}"))]).flatten().collect()
}

fn mac(key: &[u8], said: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    mac.expect("a key of HMAC has any length").chain_update(said)
}

/// When a session ends whose halves say this, in seconds since 1970.
fn ends(said: &str) -> u64 {
    said.rsplit_once('.').and_then(|(_, ends)| ends.parse().ok()).unwrap_or_default()
}

/// 128 random bits.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(hex::encode(bytes))
}

fn now_s() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(u64::MAX, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
