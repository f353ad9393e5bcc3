//! When a session is open, and when it is as if there were none.

use super::*;
use axum::{Router, middleware::from_fn_with_state, routing::any};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const NOW_S: u64 = 1_795_588_791;

/// A folder with a token, and the sessions of a node of it on port 7420.
fn node() -> (tempfile::TempDir, Home, Sessions) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::find(Some(dir.path().to_owned())).unwrap();
    let sessions = at(&home, "127.0.0.1:7420");
    (dir, home, sessions)
}

fn at(home: &Home, listen: &str) -> Sessions {
    let port = listen.rsplit_once(':').unwrap().1.parse().unwrap();
    Sessions::new(home, listen, SocketAddr::from(([127, 0, 0, 1], port)), &format!("http://{listen}")).unwrap()
}

/// Lines of `name: value`.
fn headers(lines: &str) -> HeaderMap {
    let line = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.trim().parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    };
    let mut all = HeaderMap::new();
    for (name, value) in lines.lines().map(line) {
        all.append(name, value);
    }
    all
}

#[test]
fn a_session_is_open_for_its_page_alone() {
    let (_dir, home, sessions) = node();
    let Halves { cookie, page } = sessions.begin(NOW_S).unwrap();
    let other = sessions.begin(NOW_S).unwrap();
    let (host, cookies, half) =
        ("host: 127.0.0.1:7420", format!("cookie: pumasi-7420={cookie}"), format!("x-pumasi-session: {page}"));
    let whole = format!("{host}\n{cookies}\n{half}");
    let tampered = |text: &str| {
        let last = if text.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", &text[..text.len() - 1])
    };
    let later = |text: &str| text.replace(&(NOW_S + LASTS_S).to_string(), &(NOW_S + 2 * LASTS_S).to_string());
    #[rustfmt::skip]
    let table = [
        ("both halves",               true,  whole.clone()),
        ("another name of loopback",  true,  whole.replace("127.0.0.1", "localhost")),
        ("a name in capitals",        true,  whole.replace("127.0.0.1", "LocalHost")),
        ("loopback of IPv6",          true,  whole.replace("127.0.0.1", "[::1]")),
        ("of this origin",            true,  format!("{whole}\norigin: http://127.0.0.1:7420\nsec-fetch-site: same-origin")),
        ("behind TLS of its own",     true,  format!("{whole}\norigin: https://127.0.0.1:7420")),
        ("other cookies too",         true,  whole.replace("cookie: ", "cookie: a=b; pumasi-7420=junk; pumasi-74=x; ")),
        ("cookies in two lines",      true,  format!("cookie: pumasi-7420=junk\n{whole}")),
        ("no host",                   false, format!("{cookies}\n{half}")),
        ("another port",              false, whole.replace("host: 127.0.0.1:7420", "host: 127.0.0.1:7421")),
        ("no port",                   false, whole.replace("host: 127.0.0.1:7420", "host: 127.0.0.1")),
        ("a name that leads here",    false, whole.replace("127.0.0.1", "evil.example")),
        ("a name that begins so",     false, whole.replace("127.0.0.1", "127.0.0.1.evil.example")),
        ("another origin",            false, format!("{whole}\norigin: http://evil.example")),
        ("another port's origin",     false, format!("{whole}\norigin: http://127.0.0.1:8080")),
        ("another name's origin",     false, format!("{whole}\norigin: http://localhost:7420")),
        ("no origin to speak of",     false, format!("{whole}\norigin: null")),
        ("an empty origin",           false, format!("{whole}\norigin: ")),
        ("from another site",         false, format!("{whole}\nsec-fetch-site: cross-site")),
        ("from another port",         false, format!("{whole}\nsec-fetch-site: same-site")),
        ("typed as an address",       false, format!("{whole}\nsec-fetch-site: none")),
        ("the cookie alone",          false, format!("{host}\n{cookies}")),
        ("the header alone",          false, format!("{host}\n{half}")),
        ("the halves exchanged",      false, format!("{host}\ncookie: pumasi-7420={page}\nx-pumasi-session: {cookie}")),
        ("the cookie twice",          false, format!("{host}\n{cookies}\nx-pumasi-session: {cookie}")),
        ("halves of two sessions",    false, format!("{host}\n{cookies}\nx-pumasi-session: {}", other.page)),
        ("another port's cookie",     false, whole.replace("pumasi-7420=", "pumasi-7421=")),
        ("the cookie tampered with",  false, format!("{host}\ncookie: pumasi-7420={}\n{half}", tampered(&cookie))),
        ("the header tampered with",  false, format!("{host}\n{cookies}\nx-pumasi-session: {}", tampered(&page))),
        ("a later end",               false, later(&whole)),
        ("nothing",                   false, host.to_owned()),
        ("junk",                      false, format!("{host}\ncookie: pumasi-7420=..\nx-pumasi-session: .")),
    ];
    for (case, open, lines) in table {
        assert_eq!(sessions.open(&headers(&lines), NOW_S).is_some(), open, "{case}");
    }
    let good = headers(&whole);
    let opens = |sessions: &Sessions, now_s| sessions.open(&good, now_s).is_some();
    assert!(opens(&sessions, NOW_S + LASTS_S - 1) && !opens(&sessions, NOW_S + LASTS_S), "it ends");
    assert!(opens(&at(&home, "127.0.0.1:7420"), NOW_S), "it outlives a restart");
    home.write("owner-token", "another").unwrap();
    assert!(!opens(&at(&home, "127.0.0.1:7420"), NOW_S), "it does not outlive the owner's token");
}

#[test]
fn a_link_to_a_file_is_the_owners_by_the_cookie_alone() {
    let (_dir, _home, sessions) = node();
    let Halves { cookie, page } = sessions.begin(NOW_S).unwrap();
    let whole = format!("host: 127.0.0.1:7420\ncookie: pumasi-7420={cookie}\nsec-fetch-site: same-origin");
    for (case, follows, method, path, lines) in [
        ("a file", true, "GET", "/blobs/a", whole.clone()),
        ("the owner's verbs", false, "GET", "/keys", whole.clone()),
        ("another method", false, "PUT", "/blobs/a", whole.clone()),
        ("from another site", false, "GET", "/blobs/a", whole.replace("same-origin", "cross-site")),
        ("from another port", false, "GET", "/blobs/a", whole.replace("same-origin", "same-site")),
        ("the page's half in its place", false, "GET", "/blobs/a", whole.replace(&cookie, &page)),
        ("no cookie", false, "GET", "/blobs/a", "host: 127.0.0.1:7420".to_owned()),
    ] {
        let mut request = Request::builder().method(method).uri(path).body(Default::default()).unwrap();
        *request.headers_mut() = headers(&lines);
        assert_eq!(sessions.follows(&request, NOW_S), follows, "{case}");
        assert!(!sessions.follows(&request, NOW_S + LASTS_S), "{case}: it ends");
    }
}

#[test]
fn a_session_that_was_ended_stays_so_and_others_stay_open() {
    let (_dir, home, sessions) = node();
    let lines = |Halves { cookie, page }: Halves| {
        headers(&format!("host: 127.0.0.1:7420\ncookie: pumasi-7420={cookie}\nx-pumasi-session: {page}"))
    };
    let (one, other) = (lines(sessions.begin(NOW_S).unwrap()), lines(sessions.begin(NOW_S + 1).unwrap()));
    let Open(said) = sessions.open(&one, NOW_S).unwrap();
    sessions.end(said, NOW_S).unwrap();
    for sessions in [&sessions, &at(&home, "127.0.0.1:7420")] {
        assert!(sessions.open(&one, NOW_S).is_none(), "whoever kept a copy of both halves");
        assert!(sessions.open(&other, NOW_S).is_some());
    }
    let Open(later) = sessions.open(&other, NOW_S).unwrap();
    sessions.end(later.clone(), NOW_S + LASTS_S).unwrap();
    assert_eq!(home.read(ENDED).unwrap().unwrap().trim(), later, "what is over by itself is forgotten");
}

#[test]
fn a_node_is_called_as_it_listens() {
    assert_eq!(hosts("0.0.0.0:7420", 7420), ["127.0.0.1:7420", "localhost:7420", "[::1]:7420"]);
    assert_eq!(hosts("[::]:0", 99), hosts("0.0.0.0:0", 99));
    assert!(hosts("Attic.lan:7420", 7420).contains(&"attic.lan:7420".to_owned()));
    assert!(hosts("192.0.2.7:80", 80).contains(&"192.0.2.7".to_owned()));
}

#[test]
fn a_word_opens_once_and_in_time() {
    let (now, mut links) = (Instant::now(), Links::default());
    let minute = Duration::from_secs(60);
    links.add("for-ever", None);
    links.add("soon", Some(now + minute));
    links.add("late", Some(now + minute));
    assert_eq!(links.take("wrong", now), Err(Refusal::Unknown));
    assert_eq!(links.take("soon", now), Ok(()));
    assert_eq!(links.take("soon", now), Err(Refusal::Unknown), "once");
    assert_eq!(links.take("late", now + minute), Err(Refusal::Unknown), "in time");
    assert_eq!(links.take("for-ever", now + 1_000 * minute), Ok(()));
    for number in 0..=LINKS_MAX {
        links.add(&number.to_string(), None);
    }
    assert_eq!(links.take("0", now), Err(Refusal::Unknown), "the oldest made room");
    assert_eq!(links.take("1", now), Ok(()));
}

#[test]
fn who_guesses_waits() {
    let (now, mut links) = (Instant::now(), Links::default());
    links.add("right", None);
    for _ in 0..WRONG_MAX {
        assert_eq!(links.take("wrong", now), Err(Refusal::Unknown));
    }
    assert_eq!(links.take("right", now), Err(Refusal::TooMany));
    assert_eq!(links.take("right", now + WRONG_WAITS), Ok(()));
}

/// What a route behind the middleware sees of who asks, for a request of these lines.
async fn seen(sessions: &Sessions, path: &str, lines: &str) -> String {
    let told = |request: Request| async move {
        let headers = request.headers();
        let text = |name: &str| headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
        let open = request.extensions().get::<Open>().is_some();
        format!("{} {} {} {open}", text("authorization"), text("cookie"), text("x-pumasi-session"))
    };
    let router = Router::new().fallback(any(told)).layer(from_fn_with_state(sessions.clone(), act));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{}\r\n\r\n", lines.replace('\n', "\r\n"));
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    serving.abort();
    answer.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_session_becomes_a_credential_and_goes_no_further() {
    let (_dir, home, sessions) = node();
    let Halves { cookie, page } = sessions.begin(now_s()).unwrap();
    let whole = format!("host: 127.0.0.1:7420\ncookie: pumasi-7420={cookie}\nx-pumasi-session: {page}");
    let token = home.owner_token().unwrap();
    assert_eq!(seen(&sessions, "/v1/models", &whole).await, "- - - true", "there is no API key yet");
    home.write("api-key", "sk-pumasi-first").unwrap();
    for (path, expected) in [
        ("/v1/chat/completions", "Bearer sk-pumasi-first"),
        ("/api/v1/chat/completions", "Bearer sk-pumasi-first"),
        ("/receipts/x", "Bearer sk-pumasi-first"),
        ("/wallet", &format!("Bearer {token}")),
        ("/v1x", &format!("Bearer {token}")),
    ] {
        assert_eq!(seen(&sessions, path, &whole).await, format!("{expected} - - true"), "{path}");
    }
    let named = format!("{whole}\nauthorization: Bearer other");
    assert_eq!(seen(&sessions, "/wallet", &named).await, "Bearer other - - true");
    assert_eq!(seen(&sessions, "/wallet", &format!("{whole}\nx-api-key: other")).await, "- - - true");
    let closed = whole.replace("7420\n", "7421\n");
    assert_eq!(seen(&sessions, "/wallet", &closed).await, "- - - false");
}
