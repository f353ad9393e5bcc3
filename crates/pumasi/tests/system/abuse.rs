//! Whoever reaches the address may mean harm: too much, too slowly, too many, and what is no text. The real binary refuses each
//! in the words of the dialect that was spoken, takes no more memory than before, and goes on answering others.

use reqwest::{Method, StatusCode};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::harness::{Home, Node, owned, sum};

/// Every door that asks a model, with a request whose prompt is `PROMPT`.
const DOORS: [(&str, &str); 6] = [
    (
        "/v1/chat/completions",
        r#"{"model": "MODEL", "max_tokens": 1, "messages": [{"role": "user", "content": "PROMPT"}]}"#,
    ),
    ("/v1/completions", r#"{"model": "MODEL", "max_tokens": 1, "prompt": "PROMPT"}"#),
    ("/v1/responses", r#"{"model": "MODEL", "max_output_tokens": 1, "input": "PROMPT"}"#),
    ("/v1/messages", r#"{"model": "MODEL", "max_tokens": 1, "messages": [{"role": "user", "content": "PROMPT"}]}"#),
    (
        "/api/chat",
        r#"{"model": "MODEL", "options": {"num_predict": 1}, "messages": [{"role": "user", "content": "PROMPT"}]}"#,
    ),
    ("/api/generate", r#"{"model": "MODEL", "options": {"num_predict": 1}, "prompt": "PROMPT"}"#),
];
/// Memory that an attack may take beside what the node had, in KiB. Any of them would take more if it were let.
const MORE_MAX: u64 = 256 << 10;
const GIGABYTE: usize = 1 << 30;
/// Longer than anybody is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A line of what the kernel says of the node: `VmRSS` and `VmHWM` are its memory now and at most, in KiB.
fn status(node: &Node, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn host(node: &Node) -> &str {
    node.address.trim_start_matches("http://")
}

fn head(node: &Node, path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{body}\r\n\r\n", host(node), node.api_key)
}

/// The status of a refusal and its sentence, if it has the form that the dialect's clients read.
#[track_caller]
fn refusal(path: &str, answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: no answer but {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}, {error}: {answer}"));
    (status, sentence(path, &body))
}

/// The sentence of an error in its dialect's form.
#[track_caller]
fn sentence(path: &str, body: &Value) -> String {
    let error = &body["error"];
    let (good, text) = match path {
        "/v1/messages" => (body["type"] == "error" && error["type"].is_string(), &error["message"]),
        _ if path.starts_with("/api/") => (true, error),
        _ => (error["type"].is_string() && error.get("code").is_some(), &error["message"]),
    };
    assert!(good && text.as_str().is_some_and(|text| !text.is_empty()), "{path}: {body}");
    text.as_str().unwrap().to_owned()
}

/// Sends a head, and then pieces of a body until there are enough or nobody takes them; gives the answer.
async fn flood(node: &Node, head: &str, piece: Vec<u8>, count: usize) -> String {
    let (mut read, mut write) = TcpStream::connect(host(node)).await.unwrap().into_split();
    write.write_all(head.as_bytes()).await.unwrap();
    let flooding = tokio::spawn(async move {
        for _ in 0..count {
            if write.write_all(&piece).await.is_err() {
                break;
            }
        }
        // The other half stays open: the answer is yet to be read.
        write
    });
    let answer = answer(&mut read).await;
    flooding.abort();
    answer
}

/// Reads an answer with a length to its end.
async fn answer(read: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let (mut answer, mut piece) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                return text.into_owned();
            }
        }
        let count = tokio::time::timeout(PATIENCE, read.read(&mut piece)).await.expect("an answer or an end");
        match count {
            Ok(0) | Err(_) => return text.into_owned(),
            Ok(count) => answer.extend_from_slice(&piece[..count]),
        }
    }
}

#[tokio::test]
async fn a_body_of_a_gigabyte_is_refused_through_every_door() {
    let home = Home::new();
    let node = home.start();
    let before = status(&node, "VmRSS");
    let mebibyte = vec![b' '; 1 << 20];
    let chunk = [format!("{:x}\r\n", mebibyte.len()).as_bytes(), &mebibyte, b"\r\n"].concat();
    for (path, _) in DOORS {
        let said = head(&node, path, &format!("content-length: {GIGABYTE}"));
        let unsaid = head(&node, path, "transfer-encoding: chunked");
        for (head, piece) in [(said, &mebibyte), (unsaid, &chunk)] {
            let answer = flood(&node, &head, piece.clone(), GIGABYTE / mebibyte.len()).await;
            let (status, sentence) = refusal(path, &answer);
            assert!(status == 413 && sentence.contains("16 MiB"), "{path}: {answer}");
            let coded = answer.contains("\"code\":\"invalid_body\"");
            assert!(coded || path != "/v1/chat/completions", "{answer}");
        }
    }
    let taken = status(&node, "VmHWM").saturating_sub(before);
    assert!(taken < MORE_MAX, "{taken} KiB");
    node.ask("Once", 1).await;
}

/// Sends a byte a second until the other side ends the connection; gives what it said before.
async fn trickle(at: String, begin: String) -> String {
    let (mut read, mut write) = TcpStream::connect(at).await.unwrap().into_split();
    write.write_all(begin.as_bytes()).await.unwrap();
    let trickling = tokio::spawn(async move {
        while write.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let said = answer(&mut read).await;
    trickling.abort();
    said
}

#[tokio::test]
async fn whoever_is_slow_or_says_nothing_is_let_go_and_holds_up_nobody() {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let home = Home::new();
    let node = home.start();
    let (before, begun) = (status(&node, "VmRSS"), Instant::now());
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(TcpStream::connect(host(&node)).await.unwrap());
    }
    let (mut slow, at) = (JoinSet::new(), host(&node).to_owned());
    let heads = DOORS.map(|(path, _)| (path, head(&node, path, "content-length: 1000")));
    for (what, begin) in heads.into_iter().chain([("a head", "POST / HTTP/1.1\r\nhost:".to_owned())]) {
        let at = at.clone();
        slow.spawn(async move { (what, trickle(at, begin).await) });
    }
    let files = || std::fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count();
    for _ in 0..10 {
        let asked = Instant::now();
        node.ask("Once", 1).await;
        assert!(asked.elapsed() < Duration::from_secs(10), "others wait {:?}", asked.elapsed());
    }
    if begun.elapsed() < Duration::from_secs(20) {
        assert!(files() > 1_000, "they are connected");
    }
    let taken = status(&node, "VmHWM").saturating_sub(before);
    assert!(taken < MORE_MAX, "{taken} KiB");
    while let Some(ended) = slow.join_next().await {
        let (path, said) = ended.unwrap();
        if path != "a head" {
            let (status, sentence) = refusal(path, &said);
            assert!(status == 408 && sentence.contains("too slowly"), "{path}: {said}");
        }
    }
    for mut idle in idle {
        let mut byte = [0];
        let ended = tokio::time::timeout(PATIENCE, idle.read(&mut byte)).await.expect("it is let go");
        assert!(matches!(ended, Ok(0) | Err(_)), "nothing is said to it");
    }
    assert!(files() < 500, "they are gone");
    node.ask("Once", 1).await;
}

#[tokio::test]
async fn whoever_takes_nothing_of_what_it_asked_for_is_let_go() {
    let home = Home::new();
    let node = home.start();
    let files = || std::fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count();
    let (before, open) = (status(&node, "VmRSS"), files());
    // Each asks for far more than the system's own buffers hold.
    let asked = format!("GET /openapi.json HTTP/1.1\r\nhost: {}\r\n\r\n", host(&node)).repeat(1_000);
    let mut asking = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(host(&node)).await.unwrap();
        drop(tokio::time::timeout(Duration::from_millis(50), stream.write_all(asked.as_bytes())).await);
        asking.push(stream);
    }
    let until = async |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < 2 * PATIENCE, "{what}: {} files are open, and {open} were", files());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    until("they are waited for", &|| files() >= open + asking.len()).await;
    node.ask("Once", 1).await;
    until("they are gone", &|| files() < open + asking.len() / 2).await;
    let taken = status(&node, "VmHWM").saturating_sub(before);
    assert!(taken < MORE_MAX, "{taken} KiB");
    node.ask("Once", 1).await;
}

#[tokio::test]
async fn a_million_tokens_are_refused_before_anything_is_paid() {
    let home = Home::new();
    let node = home.start();
    let words = "once ".repeat(1_000_000);
    let before = status(&node, "VmRSS");
    for (path, body) in DOORS {
        let body: Value = serde_json::from_str(&body.replace("MODEL", node.model()).replace("PROMPT", &words)).unwrap();
        let (status, answer) = node.send(Method::POST, path, Some(&node.api_key), Some(body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {answer}");
        let sentence = sentence(path, &answer);
        assert!(sentence.contains("token"), "{path}: {sentence}");
    }
    let keys = owned(&node, "/keys").await;
    assert_eq!((sum(&keys, "spent"), sum(&keys, "reserved")), (ledger::Amount::ZERO, ledger::Amount::ZERO));
    let taken = status(&node, "VmHWM").saturating_sub(before);
    assert!(taken < MORE_MAX, "{taken} KiB");
}

#[tokio::test]
async fn what_is_no_text_is_refused_through_every_door() {
    let home = Home::new();
    let node = home.start();
    for (path, body) in DOORS {
        for prompt in
            [&b"a\0b"[..], b"\\ud800", b"\\udc00\\ud800", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"a\xf0\x9f"]
        {
            let body = body.replace("MODEL", node.model());
            let (begin, end) = body.split_once("PROMPT").unwrap();
            let body = [begin.as_bytes(), prompt, end.as_bytes()].concat();
            let sent = head(&node, path, &format!("content-length: {}", body.len()));
            let (status, _) = refusal(path, &flood(&node, &sent, body, 1).await);
            assert_eq!(status, 400, "{path}: {prompt:?}");
        }
    }
    assert_eq!(node.get("/healthz").await, json!({ "status": "ok" }));
}
