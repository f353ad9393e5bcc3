//! The web page as a browser meets it: its files, its session, and plain HTML without script.

use reqwest::{Method, RequestBuilder, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
};

use crate::{
    harness::{Home, Node, receipt},
    join,
};

/// What a browser sends when somebody goes to an address.
const NAVIGATION: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A browser with a session: the cookie, and what the page keeps.
struct Browser {
    cookie: String,
    token: String,
}

impl Browser {
    /// Opens a session by a link's word.
    async fn open(node: &Node, word: &str) -> Result<Self, StatusCode> {
        let answer = from_page(node, Method::POST, "/session").json(&json!({ "link": word })).send().await.unwrap();
        if !answer.status().is_success() {
            return Err(answer.status());
        }
        let cookie = header(&answer, "set-cookie");
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert_eq!(header(&answer, "cache-control"), "no-store");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        Ok(Self { cookie, token: body["token"].as_str().unwrap().to_owned() })
    }

    /// One that was made for the owner of this folder.
    async fn of(home: &Home, node: &Node) -> Self {
        let made = home.pumasi(&["open", "--print", "--json"]).json();
        assert_eq!((&made["opened"], &made["expires_in_s"]), (&json!(false), &json!(600)));
        Self::open(node, word(node, made["link"].as_str().unwrap())).await.unwrap()
    }

    fn asks(&self, node: &Node, method: Method, path: &str) -> RequestBuilder {
        from_page(node, method, path).header("cookie", &self.cookie).header("x-pumasi-session", &self.token)
    }

    async fn status(&self, node: &Node, path: &str) -> StatusCode {
        self.asks(node, Method::GET, path).send().await.unwrap().status()
    }

    async fn is_open(&self, node: &Node) -> bool {
        let answer = self.asks(node, Method::GET, "/session").send().await.unwrap();
        answer.json::<Value>().await.unwrap()["open"].as_bool().unwrap()
    }
}

/// A request as the page makes it.
fn from_page(node: &Node, method: Method, path: &str) -> RequestBuilder {
    let request = node.http().request(method, format!("{}{path}", node.address));
    request.header("origin", &node.address).header("sec-fetch-site", "same-origin")
}

/// The word of a link to this node.
#[track_caller]
fn word<'a>(node: &Node, link: &'a str) -> &'a str {
    let word = link.strip_prefix(&format!("{}/#/open/", node.address)).unwrap_or_else(|| panic!("{link}"));
    assert_eq!(word.len(), 32, "{word}");
    word
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap().to_owned()
}

async fn get(node: &Node, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = node.http().get(format!("{}{path}", node.address));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

#[tokio::test]
async fn the_link_of_up_opens_the_page_once() {
    let home = Home::new();
    for (language, environment) in [("en", None), ("ko", None), ("en", Some("NOTIFY_SOCKET"))] {
        let mut command = home.command(&["up", "--listen", "127.0.0.1:0", "--without-guide"]);
        command.env("PUMASI_LANG", language).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut up = command.envs(environment.map(|name| (name, home.path("nobody")))).spawn().unwrap();
        let mut said = BufReader::new(up.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = said.by_ref().find(|line| line.contains("/#/open/") || line.contains(" open")).unwrap();
        let found = line.split_whitespace().find(|text| text.starts_with("http://"));
        assert_eq!(found.is_none(), environment.is_some(), "what a service says is read by others too: {line}");
        if let Some(link) = found {
            let (address, word) = link.split_once("/#/open/").unwrap();
            let ask = || {
                let request = reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{address}/session"));
                request.json(&json!({ "link": word })).send()
            };
            assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
            let again = ask().await.unwrap();
            assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
            assert!(again.text().await.unwrap().contains("pumasi open"));
            assert!(said.any(|line| line.contains("Ctrl+C")), "the rest is said too");
        }
        up.kill().unwrap();
        up.wait().unwrap();
    }
}

#[tokio::test]
async fn open_gives_another_link() {
    let home = Home::new();
    let node = home.start();
    let link = home.pumasi(&["open", "--print"]).good();
    assert!(Browser::open(&node, word(&node, link.trim())).await.is_ok(), "the link, and nothing else");
    let environment = [("DISPLAY", ""), ("WAYLAND_DISPLAY", ""), ("PUMASI_LANG", "ko")];
    let said = home.pumasi_with(&["open"], &environment).good();
    assert!(said.contains("브라우저") && said.contains("10분"), "{said}");
    let link = said.lines().find(|line| line.starts_with("http")).unwrap();
    assert!(Browser::open(&node, word(&node, link)).await.is_ok());
    // A browser that is there gets the link; one that does not start is not waited for.
    for (script, opened) in
        [("#!/bin/sh\necho \"$1\" > \"$PUMASI_HOME/given\"\n", true), ("#!/bin/sh\nexit 3\n", false)]
    {
        let opener = home.path("xdg-open");
        std::fs::write(&opener, script).unwrap();
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", opener.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let said = home.pumasi_with(&["open", "--json"], &[("DISPLAY", ":0"), ("PATH", &path)]).json();
        assert_eq!(said["opened"], opened);
        assert_eq!(said["link"] == home.read("given"), opened);
    }
    assert!(node.stop().success());
    assert!(home.pumasi(&["open", "--print"]).bad().contains("pumasi up"));
}

#[tokio::test]
async fn a_session_acts_for_the_owner_and_ends() {
    let home = Home::new();
    let node = home.start();
    let browser = Browser::of(&home, &node).await;
    assert!(browser.is_open(&node).await);
    for path in ["/wallet", "/keys", "/channels", "/offers", "/wallet/earnings", "/channels/limits"] {
        assert_eq!(browser.status(&node, path).await, StatusCode::OK, "{path}");
    }
    let request = browser.asks(&node, Method::POST, "/keys").json(&json!({ "budget": "1", "name": "of the page" }));
    let key: Value = request.send().await.unwrap().json().await.unwrap();
    let path = format!("/keys/{}", key["id"].as_str().unwrap());
    let revoked = browser.asks(&node, Method::DELETE, &path).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    let wrong = browser.asks(&node, Method::GET, "/wallet").bearer_auth("wrong").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "what a request says of itself counts");
    let secrets = [node.owner_token.clone(), node.api_key.clone()];
    for half in [&browser.cookie, &browser.token] {
        assert!(secrets.iter().all(|secret| !half.contains(secret)), "{half}");
    }

    let listen = node.address.replace("http://", "");
    assert!(node.stop().success());
    let node = home.start_with(&["--listen", &listen]);
    assert!(browser.is_open(&node).await, "it outlives a restart");
    let ended = browser.asks(&node, Method::DELETE, "/session").send().await.unwrap();
    assert!(ended.status().is_success() && header(&ended, "set-cookie").contains("Max-Age=0"));
    assert!(node.stop().success());
    std::fs::remove_file(home.path("owner-token")).unwrap();
    let node = home.start_with(&["--listen", &listen]);
    assert!(!browser.is_open(&node).await, "another token ends all sessions");
    assert_eq!(browser.status(&node, "/wallet").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn other_pages_have_no_session() {
    let home = Home::new();
    let node = home.start();
    let browser = Browser::of(&home, &node).await;
    let (cookie, half) = (("cookie", browser.cookie.as_str()), ("x-pumasi-session", browser.token.as_str()));
    let port = node.address.rsplit_once(':').unwrap().1;
    let (rebound, elsewhere) = (format!("evil.example:{port}"), format!("http://localhost:{port}"));
    for (case, headers) in [
        ("the cookie that a browser adds", vec![cookie]),
        ("a half alone", vec![half]),
        ("another site", vec![cookie, half, ("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")]),
        ("a sandboxed frame", vec![cookie, half, ("origin", "null")]),
        ("another port", vec![cookie, half, ("sec-fetch-site", "same-site")]),
        ("a name of a stranger", vec![cookie, half, ("host", &rebound)]),
        ("this host by its other name", vec![cookie, half, ("origin", &elsewhere)]),
    ] {
        let answer = get(&node, "/wallet", &headers).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{case}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{case}");
    }
    assert_eq!(get(&node, "/wallet", &[cookie, half]).await.status(), StatusCode::OK, "both, and nothing against it");

    // A word is not taken from another page, and is not used up by it.
    let link = home.pumasi(&["open", "--print"]).good();
    let word = word(&node, link.trim());
    for (name, value) in [("origin", "http://evil.example"), ("host", &*rebound), ("sec-fetch-site", "cross-site")] {
        let request = node.http().post(format!("{}/session", node.address)).header(name, value);
        let answer = request.json(&json!({ "link": word })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}");
    }
    assert!(Browser::open(&node, word).await.is_ok());
    let (status, _) = node.send(Method::POST, "/session", None, Some(json!({ "word": "x" }))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    for _ in 0..20 {
        assert_eq!(Browser::open(&node, "wrong").await.err(), Some(StatusCode::UNAUTHORIZED));
    }
    assert_eq!(Browser::open(&node, "wrong").await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(browser.is_open(&node).await, "who has a session does not wait");
}

#[tokio::test]
async fn the_guide_answers_in_a_session() {
    let home = Home::new();
    let node = home.start_shipped(&["--listen", "127.0.0.1:0"]);
    let browser = Browser::of(&home, &node).await;
    let body = json!({ "model": "guide", "messages": [{ "role": "user", "content": "What is a royalty?" }] });
    let request = browser.asks(&node, Method::POST, "/v1/chat/completions").json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("royalt"), "{answer}");
    let path = format!("/receipts/{}", receipt(&answer));
    let mine: Value = browser.asks(&node, Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert!(mine["salt"].is_string() && node.get(&path).await["salt"].is_null(), "it is the key that paid");
    let (status, _) = node.send(Method::POST, "/v1/chat/completions", None, Some(body)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_page_is_sent_packed_and_kept() {
    let home = Home::new();
    let node = home.start();
    let page = get(&node, "/", &[]).await;
    let policy = header(&page, "content-security-policy");
    for part in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&page, "cache-control"), "no-cache");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    assert_eq!(header(&page, "referrer-policy"), "no-referrer");
    assert_eq!(header(&page, "cross-origin-opener-policy"), "same-origin");
    let tag = header(&page, "etag");
    let same = get(&node, "/", &[("if-none-match", &tag)]).await;
    assert_eq!((same.status(), header(&same, "etag")), (StatusCode::NOT_MODIFIED, tag));

    let index = page.text().await.unwrap();
    let script = index.split("\"./").find(|rest| rest.contains(".js\"")).unwrap().split('"').next().unwrap();
    let script = format!("/{script}");
    let whole = get(&node, &script, &[]).await;
    assert_eq!(header(&whole, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&whole, "content-type"), "text/javascript; charset=utf-8");
    let whole = whole.bytes().await.unwrap();
    for (coding, asked) in [("br", "gzip, deflate, br"), ("gzip", "gzip, deflate")] {
        let packed = get(&node, &script, &[("accept-encoding", asked)]).await;
        assert_eq!(
            (header(&packed, "content-encoding"), header(&packed, "vary")),
            (coding.into(), "accept-encoding".into())
        );
        let (packed, mut read) = (packed.bytes().await.unwrap(), Vec::new());
        match coding {
            "br" => brotli::Decompressor::new(&packed[..], 4_096).read_to_end(&mut read).unwrap(),
            _ => flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut read).unwrap(),
        };
        assert!(read == whole && packed.len() < whole.len() / 2, "{coding}: {} of {}", packed.len(), whole.len());
    }
    assert_eq!(header(&get(&node, "/icon.svg", &[]).await, "content-type"), "image/svg+xml");
    assert_eq!(get(&node, "/assets/none.js", &[]).await.status(), StatusCode::NOT_FOUND);
    let data = get(&node, "/ledger", &[]).await;
    assert!(header(&data, "content-security-policy").starts_with("default-src 'none'"), "nothing else runs");
}

#[tokio::test]
async fn what_is_public_can_be_read_without_script() {
    let home = Home::new();
    let node = home.start();
    let receipt = receipt(&node.ask("pay this", 3).await);
    let last = node.get("/ledger/operations?limit=1").await["operations"][0]["entry"].clone();
    let artifact = node.get("/ledger/artifacts").await["artifacts"][0]["id"].as_str().unwrap().to_owned();
    // The gateway sees a new artifact after a moment.
    node.until("/artifacts", |list| list["found"] == 1).await;
    let read = async |path: &str, language: &str| {
        let answer = get(&node, path, &[("accept", NAVIGATION), ("accept-language", language)]).await;
        assert!(header(&answer, "content-type").starts_with("text/html"), "{path}");
        let policy = header(&answer, "content-security-policy");
        assert!(policy.contains("style-src 'self'") && !policy.contains("script-src"), "{policy}");
        assert_eq!(header(&answer, "vary"), "accept, accept-language");
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, shown) = read(&format!("/receipts/{receipt}"), "en").await;
    assert_eq!(status, StatusCode::OK);
    for part in ["<h1>Receipt</h1>", " credits", "running the model", "paid", &format!("/#/receipt/{receipt}")] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("<script"), "{shown}");
    let (_, shown) = read(&format!("/ledger/operations/{last}"), "ko-KR,ko;q=0.9,en;q=0.8").await;
    assert!(shown.contains("<h1>작업</h1>") && shown.contains("lang=\"ko\"") && shown.contains(" UTC"), "{shown}");
    assert!(shown.contains(&format!("href=\"/#/ledger/operation/{last}\"")), "{shown}");
    for (path, part) in [
        ("/ledger", "/plain.css"),
        ("/ledger/operations", "/ledger/accounts/"),
        ("/ledger/accounts/you", "Account"),
        (&*format!("/ledger/artifacts/{artifact}"), "/#/artifact/sha256:"),
        (&*format!("/artifacts/{}", node.model()), "Published work"),
        ("/artifacts", "/artifacts/sha256:"),
    ] {
        let (status, shown) = read(path, "en").await;
        assert!(status == StatusCode::OK && shown.contains(part), "{path}: {shown}");
    }
    let (status, shown) = read("/receipts/none", "en").await;
    assert!(status == StatusCode::NOT_FOUND && shown.contains("there is no receipt none here"), "{shown}");
    // Programs, and the owner's verbs.
    let json = get(&node, "/ledger?format=json", &[("accept", NAVIGATION)]).await;
    assert_eq!(json.json::<Value>().await.unwrap(), node.get("/ledger").await);
    let keys = get(&node, "/keys", &[("accept", NAVIGATION)]).await;
    assert_eq!((keys.status(), header(&keys, "content-type")), (StatusCode::UNAUTHORIZED, "application/json".into()));
}

#[tokio::test]
async fn others_look_at_the_page_and_open_nothing() {
    let (home, joined) = (Home::new(), Home::new());
    let node = join::found(&home);
    let browser = Browser::of(&home, &node).await;
    let link = join::link(&node);
    let http = link.client().unwrap().no_proxy().build().unwrap();
    let at = |method, path: &str| http.request(method, format!("{}{path}", link.address));
    let page = at(Method::GET, "/").send().await.unwrap();
    assert!(header(&page, "content-security-policy").contains("script-src 'self'"));
    let mut halves = HeaderMap::new();
    halves.insert("cookie", browser.cookie.parse().unwrap());
    halves.insert("x-pumasi-session", browser.token.parse().unwrap());
    halves.insert("host", node.address.replace("http://", "").parse().unwrap());
    let open: Value = at(Method::GET, "/session").headers(halves.clone()).send().await.unwrap().json().await.unwrap();
    assert_eq!(open, json!({ "open": false }));
    assert_eq!(
        at(Method::GET, "/wallet").headers(halves.clone()).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let chat = at(Method::POST, "/v1/chat/completions").headers(halves).json(&json!({})).send().await.unwrap();
    assert_eq!(chat.status(), StatusCode::UNAUTHORIZED);
    // A ledger elsewhere is read at one's own address too.
    let node = join::join_as(&joined, &link, &["--provider", "--name", "seller"]);
    assert_eq!(get(&node, "/", &[]).await.status(), StatusCode::OK, "a provider has the page too");
    let shown = get(&node, "/ledger/operations", &[("accept", NAVIGATION)]).await.text().await.unwrap();
    assert!(shown.contains("Operations, newest first") && shown.contains("<table"), "{shown}");
}
