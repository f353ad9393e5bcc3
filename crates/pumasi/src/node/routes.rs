//! The node's routes: those of its parts, and what only the whole can tell.

use api::Ledger;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use ledger::{Amount, Key, Record};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::home::Home;

/// The parts of a node that answer.
#[derive(Clone)]
pub struct Routes {
    pub replica: replica::Replica,
    pub provider: Arc<provider::Provider>,
    pub gateway: Arc<gateway::Gateway>,
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
    pub fn router(self) -> Router {
        let own = Router::new()
            .route("/wallet", get(wallet))
            .route("/metrics", get(metrics))
            .with_state(self.clone());
        own.merge(self.replica.router()).merge(self.provider.router()).merge(self.gateway.router())
    }

    fn is_owner(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Compared as digests, so that the time taken tells nothing of the token.
        token.is_some_and(|token| ledger::Digest::of(token.as_bytes()) == ledger::Digest::of(self.owner_token.as_bytes()))
    }

    async fn view(&self) -> anyhow::Result<WalletView> {
        let (mut accounts, mut ids) = (Vec::new(), Vec::new());
        for role in self.wallet.roles()? {
            let id = self.wallet.account(&role)?.id();
            let account = self.ledger.account(id).await?;
            ids.push(id);
            accounts.push(AccountView { role, id: id.to_string(), name: account.name, balance_pico: account.balance.0.to_string() });
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

async fn wallet(State(routes): State<Routes>, headers: HeaderMap) -> Response {
    if !routes.is_owner(&headers) {
        return problem(StatusCode::UNAUTHORIZED, "this is for the owner: send the token of the file owner-token");
    }
    match routes.view().await {
        Ok(view) => Json(view).into_response(),
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &format!("{error:#}")),
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    let detail = api::openai::ErrorDetail { message: message.into(), kind: "invalid_request_error".into(), param: None, code: None };
    (status, Json(api::openai::ErrorBody { error: detail })).into_response()
}

/// Prometheus text of all parts.
async fn metrics(State(routes): State<Routes>) -> Response {
    let text = [routes.replica.metrics(), routes.provider.metrics(), routes.gateway.metrics()].concat();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Makes the API key of `pumasi chat` if the folder has none yet.
pub async fn first_key(home: &Home, address: &str) -> anyhow::Result<Option<String>> {
    if home.read("api-key")?.is_some() {
        return Ok(None);
    }
    let body = serde_json::json!({ "budget": "1000", "name": "first key" });
    let request = reqwest::Client::new().post(format!("{address}/keys")).bearer_auth(home.owner_token()?).json(&body);
    let key: serde_json::Value = request.send().await?.error_for_status()?.json().await?;
    let key = key["key"].as_str().unwrap_or_default().to_owned();
    home.write("api-key", &key)?;
    Ok(Some(key))
}
