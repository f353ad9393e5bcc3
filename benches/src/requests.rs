//! A load generator and a server that cost as little as possible: bytes over keep-alive connections.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What is asked.
#[derive(Clone)]
pub struct Target {
    /// Host and port.
    pub address: String,
    /// Below it.
    pub path: &'static str,
    /// An API key, or nothing.
    pub bearer: String,
    /// JSON.
    pub body: String,
}

/// What came of it.
pub struct Done {
    requests: usize,
    time: Duration,
    sorted: Vec<Duration>,
}

impl Done {
    /// Requests that were answered.
    pub fn count(&self) -> usize {
        self.requests
    }

    /// Time of one request, all cores together.
    pub fn each_us(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.requests as f64
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |part: f64| self.sorted[((self.sorted.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        let rate = self.requests as f64 / self.time.as_secs_f64();
        write!(f, "{rate:>7.0} requests/s, median {:.1} ms, 99 % within {:.1} ms", at(0.5), at(0.99))
    }
}

/// Asks over so many connections for so long.
///
/// # Panics
/// If an answer is not a good one: then there is nothing to measure.
pub async fn run(target: &Target, connections: usize, time: Duration) -> Done {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(one(target.clone(), begun + time))).collect();
    let mut sorted = Vec::new();
    for task in tasks {
        sorted.extend(task.await.expect("a connection failed"));
    }
    sorted.sort_unstable();
    Done { requests: sorted.len(), time: begun.elapsed(), sorted }
}

async fn one(target: Target, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(&target.address).await.expect("nothing listens");
    stream.set_nodelay(true).expect("a socket option");
    let Target { address, path, bearer, body } = target;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut times, mut buffer) = (Vec::new(), Vec::new());
    while Instant::now() < until {
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("the server is gone");
        read_answer(&mut stream, &mut buffer).await;
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer));
        times.push(begun.elapsed());
    }
    times
}

/// Reads one answer, by its length or to its last chunk.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.expect("the server is gone");
        assert!(read > 0, "the server closed: {}", String::from_utf8_lossy(buffer));
        let Some(head) = find(buffer, b"\r\n\r\n") else { continue };
        match length(&buffer[..head]) {
            Some(length) if buffer.len() >= head + 4 + length => return,
            None if buffer.ends_with(b"0\r\n\r\n") => return,
            _ => {}
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn length(head: &[u8]) -> Option<usize> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
}

/// A server that answers everything with five tokens.
///
/// # Panics
/// If it cannot listen.
pub async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("a socket option");
    let answer = canned();
    let mut buffer = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        let Some(head) = find(&buffer, b"\r\n\r\n") else { continue };
        if buffer.len() >= head + 4 + length(&buffer[..head]).unwrap_or(0) {
            buffer.clear();
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

fn canned() -> String {
    let head = r#"{"id":"x","object":"chat.completion.chunk","created":0,"model":"m","choices":["#;
    let mut body = String::new();
    for word in 0..5 {
        body += &format!(
            "data: {head}{{\"index\":0,\"delta\":{{\"content\":\"w{word} \"}},\"finish_reason\":null}}]}}\n\n"
        );
    }
    body += &format!("data: {head}{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n");
    body +=
        &format!("data: {head}],\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}}}\n\n");
    body += "data: [DONE]\n\n";
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
