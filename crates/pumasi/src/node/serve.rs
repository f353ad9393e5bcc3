//! Serving a router on a listener. Whoever connects may be hostile: a request has to come in some time, its answer has to be
//! taken in some time, what came of all requests together has to fit into memory, and connections are no more than the files
//! that this process may open.

use axum::{
    Router,
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
    http::{
        HeaderMap, Method, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
        request::Parts,
    },
    middleware::{Next, from_fn},
    response::Response,
    serve::Listener,
};
use futures::{Stream, StreamExt as _, stream};
use gateway::dialects;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    io,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout, timeout_at},
};

use super::taken::Taken;

/// The head of a request comes within this time, and the next one on the same connection too. Clients of ours let a connection
/// go before: `api::link`.
const HEAD: Duration = Duration::from_secs(30);
/// The body of a request begins to come within this time, and then comes so fast on the whole: the longest needs minutes over a
/// slow line, and one that comes byte by byte does not hold its connection for long.
const BODY: Pace = Pace { first: Duration::from_secs(30), bytes_per_s: 64 << 10 };
/// Something of what waits to be sent is taken within this time. A system sends in large pieces, so less would be too little for
/// a slow line. What waits is what the system's own buffer holds, and half a megabyte.
const TAKEN: Duration = Duration::from_secs(60);
/// Bodies that are still coming hold so many bytes together.
const BODIES_MAX: usize = 512 << 20;
/// What nobody reads of a body is read for so long and forgotten, and no more of it, so that its sender comes to read the answer:
/// a connection that is closed while bytes wait in it may take the answer along.
const FORGETTING: Duration = Duration::from_secs(5);
const FORGOTTEN_MAX: usize = 8 << 20;
/// So many connections at once on one listener, if the system lets this process open files enough.
const CONNECTIONS_MAX: u64 = 4_096;

/// How fast a body has to come.
#[derive(Debug, Clone, Copy)]
struct Pace {
    first: Duration,
    bytes_per_s: u64,
}

impl Pace {
    /// The time that so many bytes may take.
    fn time(&self, bytes: u64) -> Duration {
        let millis = bytes.saturating_mul(1_000).checked_div(self.bytes_per_s).unwrap_or(u64::MAX);
        self.first.saturating_add(Duration::from_millis(millis))
    }
}

/// What a listener lets in.
#[derive(Debug, Clone, Copy)]
struct Limits {
    head: Duration,
    taken: Duration,
    connections: u64,
}

/// Takes connections until `closing` is true, and ends once they ended.
pub fn serve<L: Listener>(listener: L, router: Router, closing: watch::Receiver<bool>) -> JoinHandle<()> {
    let limits = Limits { head: HEAD, taken: TAKEN, connections: CONNECTIONS_MAX.min(files_allowed() / 4) };
    serve_within(limits, listener, router, closing)
}

/// How many files this process may have open, connections among them: as many as the system lets it, however few it was begun
/// with.
fn files_allowed() -> u64 {
    let most = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }) {
        tracing::warn!(%error, "no more files can be opened than before");
    }
    // None means that there is no limit.
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn serve_within<L: Listener>(
    limits: Limits,
    mut listener: L,
    router: Router,
    closing: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    tokio::spawn(async move {
        let (mut connections, mut closed) = (JoinSet::new(), pin!(closes(closing.clone())));
        loop {
            // Whoever comes later waits until somebody leaves, and whoever says nothing is made to leave.
            let room = u64::try_from(connections.len()).is_ok_and(|count| count < limits.connections);
            tokio::select! {
                () = &mut closed => break,
                (io, guest) = listener.accept(), if room => {
                    let (http, router, closing) = (http.clone(), router.clone(), closing.clone());
                    let io = Taken::new(io, limits.taken);
                    connections.spawn(async move {
                        talk(&http, io, router, closing).await;
                        drop(guest);
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    })
}

async fn closes(mut closing: watch::Receiver<bool>) {
    drop(closing.wait_for(|close| *close).await);
}

/// Answers one connection until it ends; once `closing` is true, after the request that runs.
async fn talk<Io>(http: &http1::Builder, io: Io, router: Router, closing: watch::Receiver<bool>)
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let mut connection = pin!(http.serve_connection(TokioIo::new(io), TowerToHyperService::new(router)));
    tokio::select! {
        // How a connection of a stranger ends is nobody's concern.
        ended = connection.as_mut() => return drop(ended),
        () = closes(closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(connection.await);
}

/// The routes as they are served: what is sent to them comes in time, and is not more than this machine can hold.
pub fn in_time(router: Router) -> Router {
    let room = Arc::new(Semaphore::new(BODIES_MAX));
    router.layer(from_fn(move |request: Request, next: Next| {
        let (head, body) = request.into_parts();
        let room = (!to_disk(&head)).then(|| Arc::clone(&room));
        let (broken, asked) = (Arc::new(OnceLock::new()), (head.uri.path().to_owned(), head.headers.clone()));
        let body = match body.is_end_stream() {
            true => body,
            false => {
                let arriving = Arriving::new(body, &head.headers, room);
                Body::from_stream(coming(arriving, BODY, Arc::clone(&broken)))
            }
        };
        let answer = next.run(Request::from_parts(head, body));
        async move {
            let answer = answer.await;
            match broken.get() {
                Some(broken) if answer.status() == StatusCode::BAD_REQUEST => broken.told(&asked, answer),
                _ => answer,
            }
        }
    }))
}

/// Why a body did not come to its end. Whoever read it knows only that it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    TooSlow,
    NoRoom,
}

impl Broken {
    /// What was answered, saying why in the dialect of who asked.
    fn told(self, (path, headers): &(String, HeaderMap), mut answer: Response) -> Response {
        let Pace { first, bytes_per_s } = BODY;
        let told = match self {
            Self::TooSlow => {
                let why = format!(
                    "the body comes too slowly: it begins within {} seconds, and then has {} KiB a second; send it again",
                    first.as_secs(),
                    bytes_per_s >> 10
                );
                dialects::too_slow(path, headers, &why)
            }
            Self::NoRoom => dialects::refuse(path, headers, "this machine has no room for the body now; try again"),
        };
        let (parts, body) = told.into_parts();
        for name in [CONTENT_TYPE, CONTENT_LENGTH] {
            answer.headers_mut().remove(name);
        }
        answer.headers_mut().extend(parts.headers);
        *answer.status_mut() = parts.status;
        *answer.body_mut() = body;
        answer
    }
}

/// True for the owner's files, which may be longer than all memory, and go to the disk as they come.
fn to_disk(head: &Parts) -> bool {
    let path = head.uri.path();
    match head.method {
        Method::PUT => path.starts_with("/blobs/") || path.contains("/info/lfs/objects/"),
        Method::POST => path.starts_with("/api/") && path.contains("/commit/"),
        _ => false,
    }
}

/// A body on its way. What of it nobody reads is forgotten for a while.
struct Arriving {
    body: Option<BodyDataStream>,
    /// Its sender waits for a word before sending it: without one nothing comes.
    waits: bool,
    came: u64,
    /// Where its bytes have to fit, and what they take there.
    room: Option<Arc<Semaphore>>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Arriving {
    fn new(body: Body, headers: &HeaderMap, room: Option<Arc<Semaphore>>) -> Self {
        let waits = headers.contains_key(EXPECT);
        Self { body: Some(body.into_data_stream()), waits, came: 0, room, taken: None }
    }

    /// The next piece; none at the end.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let piece = self.body.as_mut()?.next().await.map(|piece| piece.map_err(io::Error::other));
        if !matches!(piece, Some(Ok(_))) {
            self.body = None;
        }
        piece.map(|piece| piece.and_then(|piece| self.counted(piece)))
    }

    fn counted(&mut self, piece: Bytes) -> io::Result<Bytes> {
        let bytes = u32::try_from(piece.len()).map_err(io::Error::other)?;
        self.came = self.came.saturating_add(u64::from(bytes));
        if let Some(room) = &self.room {
            let more = Arc::clone(room).try_acquire_many_owned(bytes);
            let more = more.map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            match &mut self.taken {
                Some(taken) => taken.merge(more),
                None => self.taken = Some(more),
            }
        }
        Ok(piece)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let body = self.body.take().filter(|_| !self.waits);
        if let (Some(body), Ok(runtime)) = (body, Handle::try_current()) {
            runtime.spawn(timeout(FORGETTING, forget(body)));
        }
    }
}

async fn forget(mut body: BodyDataStream) {
    let mut left = FORGOTTEN_MAX;
    while let Some(Ok(piece)) = body.next().await {
        match left.checked_sub(piece.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

/// A body that ends as broken if it comes too slowly, or if there is no room for it.
fn coming(body: Arriving, pace: Pace, broken: Arc<OnceLock<Broken>>) -> impl Stream<Item = io::Result<Bytes>> {
    let begun = Instant::now();
    stream::unfold((body, broken), move |(mut body, broken)| async move {
        let until = begun + pace.time(body.came);
        let piece = timeout_at(until, body.next()).await;
        let piece = piece.unwrap_or_else(|_| Some(Err(io::ErrorKind::TimedOut.into())))?;
        let why = piece.as_ref().err().and_then(|error| match error.kind() {
            io::ErrorKind::TimedOut => Some(Broken::TooSlow),
            io::ErrorKind::OutOfMemory => Some(Broken::NoRoom),
            _ => None,
        });
        if let Some(why) = why {
            broken.get_or_init(|| why);
        }
        Some((piece, (body, broken)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::post;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    #[tokio::test]
    async fn a_head_that_comes_slowly_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_close, closing) = watch::channel(false);
        let limits = Limits { head: Duration::from_millis(100), taken: TAKEN, connections: 1 };
        drop(serve_within(limits, listener, Router::new(), closing));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let mut said = String::new();
        slow.read_to_string(&mut said).await.unwrap();
        assert!(!said.contains("404"), "the connection ends without an answer: {said}");
    }

    #[tokio::test]
    async fn a_connection_too_many_waits_for_another_to_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_close, closing) = watch::channel(false);
        drop(serve_within(Limits { head: HEAD, taken: TAKEN, connections: 1 }, listener, Router::new(), closing));
        let idle = TcpStream::connect(address).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut late = TcpStream::connect(address).await.unwrap();
        late.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        timeout(Duration::from_millis(100), late.read_to_string(&mut said)).await.unwrap_err();
        drop(idle);
        late.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 404"), "{said}");
    }

    #[tokio::test]
    async fn what_nobody_reads_does_not_take_the_answer_along() {
        let router = Router::new().route("/", post(async || "no"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_close, closing) = watch::channel(false);
        drop(serve(listener, in_time(router), closing));
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", 4 << 20);
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&vec![b'a'; 4 << 20]).await.expect("all of it is read");
        // The connection is still good.
        client.write_all(b"GET /no HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200") && said.contains("HTTP/1.1 404"), "{said}");
    }

    #[test]
    fn a_body_has_time_for_each_of_its_bytes() {
        let pace = Pace { first: Duration::from_secs(30), bytes_per_s: 64 << 10 };
        for (bytes, seconds) in [(0, 30), (64 << 10, 31), (16 << 20, 286)] {
            assert_eq!(pace.time(bytes), Duration::from_secs(seconds), "{bytes}");
        }
        assert!(Pace { first: Duration::ZERO, bytes_per_s: 0 }.time(u64::MAX) > Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_body_comes_in_time_and_into_its_room() {
        let read = async |body: Body, room: &Arc<Semaphore>| {
            let pace = Pace { first: Duration::from_millis(100), bytes_per_s: u64::MAX };
            let (arriving, broken) =
                (Arriving::new(body, &HeaderMap::new(), Some(Arc::clone(room))), Arc::new(OnceLock::new()));
            let body = Body::from_stream(coming(arriving, pace, Arc::clone(&broken)));
            (axum::body::to_bytes(body, 100).await.ok(), broken.get().copied())
        };
        let room = Arc::new(Semaphore::new(10));
        assert_eq!(read(Body::from("0123456789"), &room).await, (Some("0123456789".into()), None));
        assert_eq!(room.available_permits(), 10, "it was taken over");
        assert_eq!(read(Body::from("0123456789a"), &room).await, (None, Some(Broken::NoRoom)));
        let never = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        assert_eq!(read(never, &room).await, (None, Some(Broken::TooSlow)));
    }

    #[tokio::test]
    async fn who_does_not_take_the_answer_is_let_go() {
        let router = Router::new().route("/", axum::routing::get(async || vec![b'a'; 64 << 20]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_close, closing) = watch::channel(false);
        let limits = Limits { head: HEAD, taken: Duration::from_millis(200), connections: 1 };
        drop(serve_within(limits, listener, router, closing));
        let ask = async || {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
            client
        };
        let mut late = ask().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Its place is free.
        let mut said = Vec::new();
        ask().await.read_to_end(&mut said).await.unwrap();
        assert!(said.len() > 64 << 20, "who reads gets all of it");
        said.clear();
        drop(late.read_to_end(&mut said).await);
        assert!(said.len() < 64 << 20, "the rest was thrown away");
    }

    #[tokio::test]
    async fn what_runs_is_answered_before_a_server_ends() {
        let router = Router::new().route("/", post(async |body: String| body));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (close, closing) = watch::channel(false);
        let serving = serve(listener, in_time(router), closing);
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhe").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        close.send_replace(true);
        client.write_all(b"llo").await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("hello"), "{said}");
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
