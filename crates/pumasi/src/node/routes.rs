//! The node's routes: those of its parts, and what only the whole can tell.
//!
//! A page of a stranger can be made to look like this host (DNS rebinding), but it has no API key and no owner's token, and
//! nothing here is answered for where a request comes from: so the `Host` header is not looked at.

use anyhow::Context as _;
use api::{
    Ledger,
    exchange::{Refused, RefusedCode},
    openai::ErrorBody,
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use ledger::{Amount, Key, Record};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::watch;

use super::side::Side;
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
    pub owner_token: String,
}

/// The accounts of a folder and what they have.
#[derive(Debug, Serialize, Deserialize)]
pub struct WalletView {
    /// In the order of their roles.
    pub accounts: Vec<AccountView>,
    /// What lies in channels of these accounts and is not settled, as text of pico-credits.
    pub channels_pico: String,
    /// What lies in the pots of these accounts' artifacts.
    pub pots_pico: String,
}

/// One account.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// What it is for here.
    pub role: String,
    /// Its id on the ledger.
    pub id: String,
    /// Its name, if it took one.
    pub name: Option<String>,
    /// What it may spend, as text of pico-credits.
    pub balance_pico: String,
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
        }
        let own = Router::new()
            .route("/healthz", get(health))
            .route("/metrics", get(metrics))
            .route("/openapi.json", get(openapi))
            .route("/wallet", get(wallet))
            .with_state(self.clone());
        let closed = Closed { stopping, side: self.side.clone() };
        Ok(own.merge(parts).fallback(no_route).layer(from_fn_with_state(closed, while_closed)))
    }

    fn is_owner(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Compared as digests, so that the time taken tells nothing of the token.
        token.is_some_and(|token| {
            ledger::Digest::of(token.as_bytes()) == ledger::Digest::of(self.owner_token.as_bytes())
        })
    }

    async fn view(&self) -> anyhow::Result<WalletView> {
        let (mut accounts, mut ids) = (Vec::new(), Vec::new());
        for role in self.wallet.roles()? {
            let id = self.wallet.account(&role)?.id();
            let account = self.ledger.account(id).await?;
            ids.push(id);
            let balance_pico = account.balance.0.to_string();
            accounts.push(AccountView { role, id: id.to_string(), name: account.name, balance_pico });
        }
        let mut channels = Amount::ZERO;
        let mut pots = Amount::ZERO;
        for id in &ids {
            for (_, record) in self.ledger.list(api::List::Channels(*id)).await? {
                if let Record::Channel(channel) = record
                    && channel.payer == *id
                {
                    channels = channels.plus(channel.free()).unwrap_or(channels);
                }
            }
        }
        for (key, record) in self.ledger.list(api::List::Pots).await? {
            if let (Key::Pot(artifact), Record::Pot(pot)) = (key, record)
                && ids.contains(&self.ledger.artifact(artifact).await?.publisher)
            {
                pots = pots.plus(pot.balance()).unwrap_or(pots);
            }
        }
        Ok(WalletView { accounts, channels_pico: channels.0.to_string(), pots_pico: pots.0.to_string() })
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

async fn wallet(State(routes): State<Routes>, headers: HeaderMap) -> Response {
    if !routes.is_owner(&headers) {
        let message = "this is for the owner: send the token of the file owner-token in the data folder";
        return problem(StatusCode::UNAUTHORIZED, "invalid_api_key", message);
    }
    match routes.view().await {
        Ok(view) => Json(view).into_response(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the wallet could not be shown");
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the ledger does not answer; try again in a moment")
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

async fn no_route(request: Request) -> Response {
    let message = format!("there is no {} here; GET /openapi.json lists what there is", request.uri().path());
    problem(StatusCode::NOT_FOUND, "route_not_found", &message)
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
    let asked = path.ends_with("/chat/completions");
    match closed.why() {
        Some(why) if ordered && request.method() == Method::POST => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(Refused { code: RefusedCode::Busy, message: why, input: None }))
                .into_response()
        }
        Some(why) if asked && request.method() == Method::POST => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &why)
        }
        _ => next.run(request).await,
    }
}

/// What others may reach: the first parts of paths, and whether only reading is meant. The owner's verbs are not among them.
const FOR_OTHERS: &[(&str, bool)] = &[
    ("api", false),
    ("blobs", true),
    ("exchange", false),
    ("healthz", true),
    ("ledger", false),
    ("log", true),
    ("openapi.json", true),
    ("receipts", true),
    ("v1", false),
];

/// The routes of a node as others see them.
pub fn for_others(all: Router) -> Router {
    all.layer(from_fn(async |request: Request, next: Next| {
        let first = request.uri().path().split('/').nth(1).unwrap_or_default();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if FOR_OTHERS.iter().any(|(path, reading)| *path == first && (reads || !reading)) {
            next.run(request).await
        } else {
            no_route(request).await
        }
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
    let body = json!({ "budget": FIRST_BUDGET, "name": "first key" });
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
    #[test]
    fn memory_is_counted_in_bytes() {
        assert!(super::resident_bytes().is_some_and(|bytes| bytes > 1 << 20 && bytes % 1_024 == 0));
    }
}
