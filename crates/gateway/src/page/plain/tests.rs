//! The plain pages: what they show, and that nothing of a stranger is taken for more than text.

use super::*;
use axum::{Json, Router, middleware::from_fn, routing::get};
use serde_json::json;

fn shows(path: &str, korean: bool, answer: &Value) -> String {
    let (place, asked) = (Place::of(path).unwrap(), path.parse().unwrap());
    page(&Shown { place, asked, language: Language { korean } }, answer).into_string()
}

#[test]
fn values_are_shown_as_what_they_are() {
    let (account, artifact) = ("ab".repeat(32), format!("sha256:{}", "cd".repeat(32)));
    for (field, value, expected) in [
        ("pico", json!("1500000000000"), "1.5 credits <small>(1500000000000 pico)</small>".to_owned()),
        ("balance", json!("0"), "0 credits".to_owned()),
        ("name", json!("123"), "<td>123</td>".to_owned()),
        ("time", json!(1_795_588_791_000_u64), "2026-11-25 06:39:51 UTC".to_owned()),
        ("day", json!(0), "1970-01-01".to_owned()),
        ("entry", json!(7), "<a href=\"/ledger/operations/7\">7</a>".to_owned()),
        ("account", json!(account), format!("<a href=\"/ledger/accounts/{account}\"")),
        ("key", json!(account), format!("<td><code>{account}</code></td>")),
        ("parents", json!([artifact]), format!("<a href=\"/artifacts/{artifact}\"")),
        ("digest", json!(artifact), format!("<a href=\"/blobs/{artifact}\"")),
        ("royalty", json!({"input": 20_000, "output": 50_000}), "0.02 in / 0.05 out".to_owned()),
        ("input_rate", json!(20_000), "0.02 credits".to_owned()),
        ("bill", json!({"lines": [{"what": "provider_fee"}]}), "running the model".to_owned()),
        ("order", json!("A".repeat(300)), "<details><summary>300 characters".to_owned()),
        ("card", json!("a\nb"), "<pre>a\nb</pre>".to_owned()),
        ("retired", json!(false), "<td>no</td>".to_owned()),
        ("salt", json!(null), "–".to_owned()),
    ] {
        let shown = shows("/receipts/x", false, &json!({ field: value }));
        assert!(shown.contains(&expected), "{field}: {shown}");
    }
}

#[test]
fn a_strangers_words_stay_text() {
    let evil = "\"><script>alert(1)</script><a href='javascript:x'>";
    let answer =
        json!({ evil: evil, "card": format!("{evil}\n"), "list": [{ evil: evil }], "artifact": evil, "next": evil });
    for path in ["/artifacts/x", "/artifacts/%22%3E%3Cscript%3E", "/ledger/accounts/'onload=x"] {
        let shown = shows(path, true, &answer);
        let tags = ["<script", "<a href='", "href=\"javascript", "\"onload"];
        assert!(tags.iter().all(|tag| !shown.contains(tag)), "{path}: {shown}");
    }
}

#[test]
fn every_place_leads_to_its_page_and_its_json() {
    for (path, page) in [
        ("/receipts/ab", "/#/receipt/ab"),
        ("/ledger", "/#/ledger"),
        ("/ledger/operations/3", "/#/ledger/operation/3"),
        ("/ledger/accounts/you", "/#/ledger/account/you"),
        ("/ledger/artifacts/sha256:ab", "/#/artifact/sha256:ab"),
        ("/artifacts/you/x:latest", "/#/artifact/you%2Fx:latest"),
        ("/artifacts/you%2Fx", "/#/artifact/you%2Fx"),
    ] {
        let shown = shows(path, true, &json!({}));
        assert!(shown.contains(&format!("href=\"{page}\"")), "{path}: {shown}");
        assert!(shown.contains(&format!("href=\"{path}?format=json\"")) && shown.contains("lang=\"ko\""), "{shown}");
    }
    for path in ["/", "/keys", "/wallet", "/v1/models", "/ledger/state/00", "/ledger/operations/1/2", "/log/checkpoint"]
    {
        assert!(Place::of(path).is_none(), "{path}");
    }
}

#[test]
fn a_list_goes_on() {
    let uri = "/ledger/operations?account=you&before=9".parse().unwrap();
    let answer = json!({ "operations": [{ "entry": 8 }, { "entry": 5 }] });
    assert_eq!(older(&uri, &answer).as_deref(), Some("/ledger/operations?account=you&before=5"));
    assert_eq!(older(&uri, &json!({ "operations": [] })), None);
    assert_eq!(
        older(&"/artifacts?q=a".parse().unwrap(), &json!({ "next": "a&b" })).as_deref(),
        Some("/artifacts?q=a&after=a%26b")
    );
}

#[test]
fn the_word_that_asks_for_json_goes_no_further() {
    for (asked, passed, json) in [
        ("/ledger?format=json", "/ledger", true),
        ("/ledger/operations?limit=5&format=json&before=2", "/ledger/operations?limit=5&before=2", true),
        ("/ledger/operations?format=xml", "/ledger/operations?format=xml", false),
        ("/ledger", "/ledger", false),
    ] {
        assert_eq!(without_format(&asked.parse().unwrap()), (passed.parse().unwrap(), json));
    }
}

#[tokio::test]
async fn programs_get_json_and_readers_html() {
    let router = Router::new()
        .route("/ledger", get(async || Json(json!({ "operations": 3 }))))
        .route("/ledger/offers", get(async || "x".repeat(LENGTH_MAX + 1)))
        .route("/keys", get(async || Json(json!({ "key": "secret" }))))
        .layer(from_fn(for_readers));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    api::link::choose_cryptography();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (path, accept, html) in [
        ("/ledger", "text/html,*/*;q=0.8", true),
        ("/ledger", "*/*", false),
        ("/ledger?format=json", "text/html", false),
        ("/ledger/offers", "text/html", false),
        ("/keys", "text/html", false),
    ] {
        let request = client.get(format!("http://{address}{path}")).header("accept", accept);
        let answer = request.send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind.starts_with("text/html"), html, "{path} {accept}: {kind}");
        assert_eq!(answer.headers().contains_key("vary"), path != "/keys", "{path}");
        assert!(!html || answer.text().await.unwrap().contains("<td>3</td>"));
    }
}
