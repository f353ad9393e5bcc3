//! The node's routes: those of its parts, and what only the whole can tell.
//!
//! A page of a stranger can be made to look like this host (DNS rebinding), but it has no API key and no owner's token, and
//! nothing here is answered for where a request comes from. What a browser adds by itself, a cookie, is worth nothing without
//! the rest of a session, and there the `Host` header is looked at (`session.rs`).

use anyhow::Context as _;
use api::{
    Ledger,
    exchange::{Refused, RefusedCode},
    openai::ErrorBody,
    owner::is_owner,
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use gateway::{dialects, hub, page};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;

use super::{korean, owner, session, side::Side};
use crate::{home::Home, t};

/// Every route of a node for people and machines: OpenAPI 3.1.
const OPENAPI: &str = include_str!("openapi.json");
/// What the first API key may spend.
const FIRST_BUDGET: &str = "1000";

/// The parts of a node that answer.
#[derive(Clone)]
pub struct Routes {
    pub side: Side,
    /// None where this machine runs no models.
    pub provider: Option<Arc<provider::Provider>>,
    /// None where this machine takes no requests.
    pub gateway: Option<Arc<gateway::Gateway>>,
    pub wallet: Arc<wallet::Wallet>,
    pub ledger: Arc<dyn Ledger>,
    pub store: Arc<blobs::Store>,
    pub owner_token: String,
    pub sessions: session::Sessions,
}

impl Routes {
    /// Everything; once `stopping` is true, no new answers are begun.
    pub fn router(&self, stopping: watch::Receiver<bool>) -> anyhow::Result<Router> {
        let mut parts = self.side.router()?;
        if let Some(provider) = &self.provider {
            parts = parts.merge(provider.router());
        }
        if let Some(gateway) = &self.gateway {
            parts = parts.merge(gateway.router());
        } else {
            parts = parts.merge(blobs::http::router(Arc::clone(&self.store), &self.owner_token));
        }
        let own = Router::new()
            .route("/healthz", get(health))
            .route("/metrics", get(metrics))
            .route("/openapi.json", get(openapi))
            .route("/wallet", get(owner::show))
            .route("/wallet/earnings", get(owner::earnings))
            .route("/wallet/transfers", post(owner::transfer))
            .route("/wallet/transfers/preview", post(owner::preview))
            .route("/wallet/rotate", post(owner::rotate))
            .route("/session", get(session::show).post(session::begin).delete(session::end))
            .route("/session/links", post(session::new_link))
            .with_state(self.clone());
        let closed = Closed { stopping, side: self.side.clone() };
        let all = own.merge(parts).merge(page::router()).fallback(no_route);
        let all = all.layer(from_fn_with_state(closed, while_closed));
        let all = all.layer(from_fn(korean::for_readers)).layer(from_fn(page::for_readers));
        Ok(all.layer(from_fn(page::guard)))
    }

    /// The routes as they are reached from this machine: a session of the page acts for the owner.
    pub fn for_owner(&self, all: Router) -> Router {
        all.layer(from_fn_with_state(self.sessions.clone(), session::act))
    }

    pub fn is_owner(&self, headers: &HeaderMap) -> bool {
        is_owner(headers, &self.owner_token)
    }
}

/// Whether everything works; 503 with the reason if the ledger takes no more operations.
async fn health(State(routes): State<Routes>) -> Response {
    let remarks = routes.side.remarks();
    match routes.side.stopped() {
        None if remarks.is_empty() => Json(json!({ "status": "ok" })).into_response(),
        None => Json(json!({ "status": "ok", "remarks": remarks })).into_response(),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "stopped", "reason": why }))).into_response()
        }
    }
}

/// Prometheus text of all parts.
async fn metrics(State(routes): State<Routes>) -> Response {
    let mut text = routes.side.metrics();
    text += &routes.provider.as_ref().map_or_else(String::new, |provider| provider.metrics());
    text += &routes.gateway.as_ref().map_or_else(String::new, |gateway| gateway.metrics());
    if let Some(bytes) = resident_bytes() {
        text += &format!("# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {bytes}\n");
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// The memory of this process, without its workers; known on Linux.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

pub async fn no_route(request: Request) -> Response {
    dialects::nowhere(request.uri().path(), request.headers())
}

/// When new questions are not taken.
#[derive(Clone)]
struct Closed {
    stopping: watch::Receiver<bool>,
    side: Side,
}

impl Closed {
    /// Why, if so.
    fn why(&self) -> Option<String> {
        let stopping = *self.stopping.borrow();
        let stopped = stopping.then(|| "this node is being stopped; try again once it is back".to_owned());
        stopped.or_else(|| self.side.distrusted())
    }
}

/// A node that stops, or whose ledger is not what it was, answers everything but new questions and orders.
async fn while_closed(State(closed): State<Closed>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ordered = path == "/exchange/answers";
    let asked = dialects::asks(path);
    match closed.why() {
        Some(why) if ordered && request.method() == Method::POST => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Refused { code: RefusedCode::Busy, message: why, input: None, field: None }),
        )
            .into_response(),
        Some(why) if asked && request.method() == Method::POST => dialects::refuse(path, request.headers(), &why),
        _ => next.run(request).await,
    }
}

/// What others may reach: the beginnings of paths, and whether only reading is meant; the longest that fits counts. The owner's
/// verbs are not among them; the page is, to look around, and no session can be opened there.
const FOR_OTHERS: &[(&str, bool)] = &[
    ("add-checkpoint", false),
    ("api", false),
    ("api/datasets", true),
    ("api/models", true),
    ("api/repos", true),
    ("api/whoami-v2", true),
    ("artifacts", true),
    ("assets", true),
    ("blobs", true),
    ("exchange", false),
    ("healthz", true),
    ("icon.svg", true),
    ("ledger", false),
    ("log", true),
    ("openapi.json", true),
    ("plain.css", true),
    ("receipts", true),
    ("session", true),
    ("v1", false),
    ("v2", false),
    ("witness", true),
];

/// True for a path that the table lets others reach.
fn may(path: &str, reads: bool) -> bool {
    let begins = |known: &str| {
        let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(known));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let known = FOR_OTHERS.iter().filter(|(known, _)| begins(known)).max_by_key(|(known, _)| known.len());
    known.is_some_and(|(_, reading)| reads || !reading)
}

/// The routes of a node as others see them.
pub fn for_others(all: Router) -> Router {
    all.layer(from_fn(async |request: Request, next: Next| {
        let path = request.uri().path();
        let gets = matches!(*request.method(), Method::GET | Method::HEAD);
        let reads = gets || *request.method() == Method::POST && hub::is_question(path);
        // A name can stand first here, which the table cannot list.
        let read_by_name = gets && (path == "/" || hub::is_file(path));
        if read_by_name || may(path, reads) { next.run(request).await } else { no_route(request).await }
    }))
}

pub fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    let detail =
        api::openai::ErrorDetail { message: message.into(), kind: kind.into(), param: None, code: Some(code.into()) };
    (status, Json(ErrorBody { error: detail })).into_response()
}

/// Makes the API key of `pumasi chat` if the folder has none yet.
pub async fn first_key(home: &Home, address: &str) -> anyhow::Result<()> {
    if home.read("api-key")?.is_some() {
        return Ok(());
    }
    let body = json!({ "budget": FIRST_BUDGET, "name": t!("first key", "첫 키") });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.post(format!("{address}/keys")).bearer_auth(home.owner_token()?).json(&body);
    let key: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
    let key = key["key"]
        .as_str()
        .with_context(|| t!("the gateway made no API key", "게이트웨이가 API 키를 만들지 않았습니다"))?;
    home.write("api-key", key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::any;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[test]
    fn memory_is_counted_in_bytes() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20 && bytes % 1_024 == 0));
    }

    #[tokio::test]
    async fn the_owners_verbs_are_not_for_others_however_they_are_spelled() {
        let paths = [
            "/",
            "/session",
            "/session/links",
            "/keys",
            "/keys/{id}",
            "/wallet",
            "/offers",
            "/metrics",
            "/artifacts",
            "/blobs/{id}",
            "/v1/models",
            "/api/chat",
            "/api/models/{publisher}/{name}/commit/{revision}",
            "/api/models/{publisher}/{name}/paths-info/{revision}",
            "/{publisher}/{name}/resolve/{revision}/{*path}",
            "/{publisher}/{name}/info/lfs/objects/batch",
        ];
        let all =
            paths.iter().fold(Router::new(), |all, path| all.route(path, any(async || "done"))).fallback(no_route);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_close, closing) = watch::channel(false);
        drop(crate::node::serve::serve(listener, for_others(all), closing));
        for (asked, status) in [
            ("GET /v1/models", "200"),
            ("POST /v1/models", "200"),
            ("GET /blobs/a", "200"),
            ("POST /api/chat", "200"),
            ("POST /api/models/a/b/commit/main", "404"),
            ("POST /api/models/a/b/paths-info/main", "200"),
            ("PUT /api/models/a/b/paths-info/main", "404"),
            ("POST /api/models/a/paths-info/commit/main", "404"),
            ("POST /api/%6dodels/a/b/commit/main", "404"),
            ("POST /api//models/a/b/commit/main", "404"),
            ("GET /a/b/resolve/main/c/d", "200"),
            ("PUT /a/b/resolve/main/c/d", "404"),
            ("POST /a/b.git/info/lfs/objects/batch", "404"),
            ("PUT /blobs/a", "404"),
            ("DELETE /artifacts", "404"),
            ("POST /artifacts", "404"),
            ("GET /", "200"),
            ("POST /", "404"),
            ("GET /session", "200"),
            ("POST /session", "404"),
            ("DELETE /session", "404"),
            ("POST /session/links", "404"),
            ("GET /keys", "404"),
            ("GET //keys", "404"),
            ("GET /%6beys", "404"),
            ("GET /KEYS", "404"),
            ("GET /./keys", "404"),
            ("GET /v1/../keys", "404"),
            ("GET /v1/%2e%2e/keys", "404"),
            ("GET /v1/..%2fkeys", "404"),
            ("GET /blobs/../keys/a", "404"),
            ("POST /keys?/v1/models", "404"),
            ("GET /offers#/v1", "404"),
            ("GET http://v1/wallet", "404"),
            ("GET http://v1/v1/models", "200"),
            ("OPTIONS *", "404"),
            ("GET /metrics", "404"),
        ] {
            let mut stranger = tokio::net::TcpStream::connect(address).await.unwrap();
            let request = format!("{asked} HTTP/1.1\r\nhost: v1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stranger.write_all(request.as_bytes()).await.unwrap();
            let mut said = String::new();
            stranger.read_to_string(&mut said).await.unwrap();
            assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{asked}: {said}");
        }
    }
}
