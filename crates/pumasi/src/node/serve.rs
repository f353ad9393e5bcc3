//! Serving a router on a listener. Whoever connects may be hostile: a request has to come in some time, and what came of all
//! requests together has to fit into memory.

use axum::{
    Router,
    body::{Body, BodyDataStream, Bytes},
    extract::Request,
    middleware::{Next, from_fn},
    serve::Listener,
};
use futures::{Stream, StreamExt as _, stream};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout_at},
};

/// The head of a request comes within this time, and the next one on the same connection too. Clients of ours let a connection
/// go before: `api::link`.
const HEAD: Duration = Duration::from_secs(30);
/// The body of a request of others comes within this time: the longest, over a slow line.
const BODY: Duration = Duration::from_secs(180);
/// Bodies of others that are still coming hold so many bytes together.
const BODIES_MAX: usize = 512 << 20;

/// Takes connections until `closing` is true, and ends once they ended.
pub fn serve<L: Listener>(listener: L, router: Router, closing: watch::Receiver<bool>) -> JoinHandle<()> {
    serve_within(HEAD, listener, router, closing)
}

fn serve_within<L: Listener>(
    head: Duration,
    mut listener: L,
    router: Router,
    closing: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head);
    tokio::spawn(async move {
        let (mut connections, mut closed) = (JoinSet::new(), pin!(closes(closing.clone())));
        loop {
            tokio::select! {
                () = &mut closed => break,
                (io, guest) = listener.accept() => {
                    let (http, router, closing) = (http.clone(), router.clone(), closing.clone());
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

/// The routes as others reach them: what they send comes in time, and is not more than this machine can hold.
pub fn in_time(router: Router) -> Router {
    let room = Arc::new(Semaphore::new(BODIES_MAX));
    router.layer(from_fn(move |request: Request, next: Next| {
        let (head, body) = request.into_parts();
        let coming = coming(body.into_data_stream(), Arc::clone(&room), Instant::now() + BODY);
        next.run(Request::from_parts(head, Body::from_stream(coming)))
    }))
}

/// A body that ends as broken if it comes too slowly, or if there is no room for it.
fn coming(body: BodyDataStream, room: Arc<Semaphore>, until: Instant) -> impl Stream<Item = io::Result<Bytes>> {
    let begun: (_, Option<OwnedSemaphorePermit>) = (body, None);
    stream::unfold(begun, move |(mut body, mut taken)| {
        let room = Arc::clone(&room);
        async move {
            let piece = match timeout_at(until, body.next()).await {
                Ok(piece) => piece?.map_err(io::Error::other),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the body comes too slowly")),
            };
            let piece = piece.and_then(|piece| {
                let bytes = u32::try_from(piece.len()).map_err(io::Error::other)?;
                let more = room.try_acquire_many_owned(bytes);
                let more = more.map_err(|_| io::Error::other("this machine has no room for it now; try again"))?;
                match &mut taken {
                    Some(taken) => taken.merge(more),
                    None => taken = Some(more),
                }
                Ok(piece)
            });
            Some((piece, (body, taken)))
        }
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
        drop(serve_within(Duration::from_millis(100), listener, Router::new(), closing));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let mut said = String::new();
        slow.read_to_string(&mut said).await.unwrap();
        assert!(!said.contains("404"), "the connection ends without an answer: {said}");
    }

    #[tokio::test]
    async fn a_body_comes_in_time_and_into_its_room() {
        let of = |body: Body, room: &Arc<Semaphore>| {
            let until = Instant::now() + Duration::from_millis(100);
            Body::from_stream(coming(body.into_data_stream(), Arc::clone(room), until))
        };
        let read = async |body: Body| axum::body::to_bytes(body, 100).await.map_err(|error| format!("{error:?}"));
        let room = Arc::new(Semaphore::new(10));
        assert_eq!(read(of(Body::from("0123456789"), &room)).await.unwrap(), "0123456789");
        assert_eq!(room.available_permits(), 10, "it was taken over");
        assert!(read(of(Body::from("0123456789a"), &room)).await.unwrap_err().contains("no room"));
        let never = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        assert!(read(of(never, &room)).await.unwrap_err().contains("too slowly"));
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
