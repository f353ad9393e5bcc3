//! What is public as plain HTML: the same JSON, shown as tables and lists, for people without script and for links that others
//! follow. Programs keep getting JSON.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use maud::{DOCTYPE, Markup, html};
use reqwest::Url;
use serde_json::Value;

use super::{PLAIN_POLICY, wanted, words::Language};
use crate::error::Problem;

mod value;

/// Longer answers stay JSON.
const LENGTH_MAX: usize = 4 << 20;
/// Asks for JSON whoever asks: `?format=json`.
const FORMAT: &str = "format";

/// What stands at an address, and where the page with script shows the same.
struct Place {
    title: (&'static str, &'static str),
    /// What is shown of it: an id, a name, a number.
    which: Option<String>,
    /// Behind `#`, without a slash at its end.
    page: String,
    /// Where artifacts are linked to.
    artifacts: &'static str,
}

impl Place {
    fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let on_ledger = |title, which: Option<&str>, page: &str| {
            Some(Self { title, which: which.map(decoded), page: page.to_owned(), artifacts: "/ledger/artifacts" })
        };
        let here = |title, which: Option<&str>, page: &str| {
            Some(Self { title, which: which.map(decoded), page: page.to_owned(), artifacts: "/artifacts" })
        };
        let under = |page: &str, id: &str| format!("{page}/{id}");
        match parts[..] {
            ["receipts", id] => here(("Receipt", "영수증"), Some(id), &under("receipt", id)),
            ["artifacts"] => here(("Published works", "게시된 작품"), None, "explore"),
            ["artifacts", id] => here(("Published work", "게시된 작품"), Some(id), &under("artifact", id)),
            ["artifacts", by, name] => {
                let name = format!("{by}/{name}");
                here(("Published work", "게시된 작품"), Some(&name), &under("artifact", &name.replace('/', "%2F")))
            }
            ["ledger"] => on_ledger(("The ledger", "원장"), None, "ledger"),
            ["ledger", "operations"] => on_ledger(("Operations, newest first", "작업, 새것부터"), None, "ledger"),
            ["ledger", "operations", entry] => {
                on_ledger(("Operation", "작업"), Some(entry), &under("ledger/operation", entry))
            }
            ["ledger", "accounts", id] => on_ledger(("Account", "계정"), Some(id), &under("ledger/account", id)),
            ["ledger", "artifacts"] => on_ledger(("Works on the ledger", "원장의 작품"), None, "explore"),
            ["ledger", "artifacts", id] => {
                on_ledger(("Work on the ledger", "원장의 작품"), Some(id), &under("artifact", id))
            }
            ["ledger", "offers"] => on_ledger(("Offers", "제공 조건"), None, "ledger"),
            ["ledger", "channels", id] => on_ledger(("Channel", "채널"), Some(id), "ledger"),
            _ => None,
        }
    }
}

/// A part of a path, for people.
fn decoded(part: &str) -> String {
    let bytes = part.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let escaped =
            part.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Shows what is public as HTML to whoever prefers that.
pub async fn for_readers(mut request: Request, next: Next) -> Response {
    let place = Place::of(request.uri().path()).filter(|_| request.method() == Method::GET);
    let Some(place) = place else { return next.run(request).await };
    let asked = request.uri().clone();
    let (uri, as_json) = without_format(&asked);
    *request.uri_mut() = uri;
    let shows = wanted::html(request.headers()) && !as_json;
    let language = Language { korean: wanted::korean(request.headers()) };
    let mut answer = next.run(request).await;
    if shows {
        answer = shown(answer, &Shown { place, asked, language }).await;
    }
    // What is wrong was put into the reader's language before, and said so.
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, accept-language"));
    answer
}

/// An address without the word that asks for JSON, and whether it had it. The routes refuse what they do not know.
fn without_format(uri: &Uri) -> (Uri, bool) {
    let is = |part: &&str| *part == "format=json";
    let Some(query) = uri.query().filter(|query| query.split('&').any(|part| is(&part))) else {
        return (uri.clone(), false);
    };
    let rest = query.split('&').filter(|part| !is(part)).collect::<Vec<_>>().join("&");
    let mark = if rest.is_empty() { "" } else { "?" };
    let shorter = format!("{}{mark}{rest}", uri.path()).parse();
    (shorter.unwrap_or_else(|_| uri.clone()), true)
}

/// What is shown, and to whom.
struct Shown {
    place: Place,
    asked: Uri,
    language: Language,
}

/// The answer as HTML if it is JSON and not too long, or else as it is.
async fn shown(answer: Response, of: &Shown) -> Response {
    if !is_json(answer.headers()) || length(&answer).is_none_or(|length| length > LENGTH_MAX) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LENGTH_MAX).await else {
        return Problem::upstream("the answer broke off on its way; try again").into_response();
    };
    let Ok(value) = serde_json::from_slice(&bytes) else { return Response::from_parts(head, bytes.into()) };
    let page = page(of, &value).into_string();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.remove(header::ETAG);
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PLAIN_POLICY),
        (header::CONTENT_LANGUAGE, of.language.code()),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    Response::from_parts(head, page.into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

/// How long an answer is, where that is known: of somebody else's ledger its head says so.
fn length(answer: &Response) -> Option<usize> {
    let said = answer.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let exact = axum::body::HttpBody::size_hint(answer.body()).exact();
    exact.and_then(|exact| usize::try_from(exact).ok()).or(said)
}

fn page(of: &Shown, answer: &Value) -> Markup {
    let (place, language) = (&of.place, of.language);
    let title = language.say(place.title.0, place.title.1);
    let says = |english, korean| language.say(english, korean);
    let values = value::Values { language, artifacts: place.artifacts };
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/plain.css";
                title { (title) @if let Some(which) = &place.which { " " (which) } " · Pumasi" }
            }
            body {
                nav {
                    a href="/" { (says("Pumasi", "품앗이")) }
                    a href="/artifacts" { (says("Works", "작품")) }
                    a href="/ledger" { (says("Ledger", "원장")) }
                    a href="/ledger/operations" { (says("Operations", "작업")) }
                }
                main {
                    h1 { (title) }
                    @if let Some(which) = &place.which { p { code { (which) } } }
                    p.ways {
                        a href=(format!("/#/{}", place.page)) { (says("Show it in the page", "페이지에서 보기")) }
                        a href=(changed(&of.asked, FORMAT, "json")) { "JSON" }
                        @if let Some(older) = older(&of.asked, answer) { a href=(older) { (says("More", "더 보기")) } }
                    }
                    @match answer["error"]["message"].as_str() {
                        Some(problem) => p { (problem) },
                        None => (values.whole(answer)),
                    }
                }
            }
        }
    }
}

/// The same address with another word in its query.
fn changed(uri: &Uri, name: &str, value: &str) -> String {
    let address = format!("http://node{}", uri.path_and_query().map_or("/", |path| path.as_str()));
    let Ok(mut url) = Url::parse(&address) else { return uri.path().to_owned() };
    let kept: Vec<(String, String)> =
        url.query_pairs().filter(|(known, _)| known != name).map(|(a, b)| (a.into_owned(), b.into_owned())).collect();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// Where a list goes on.
fn older(asked: &Uri, answer: &Value) -> Option<String> {
    if let Some(next) = answer["next"].as_str() {
        return Some(changed(asked, "after", next));
    }
    let last = answer["operations"].as_array()?.last()?["entry"].as_u64()?;
    Some(changed(asked, "before", &last.to_string()))
}

#[cfg(test)]
mod tests;
