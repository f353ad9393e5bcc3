//! The owner's verbs: API keys and channels. Whoever sends the owner's token acts for the owner.

use api::{
    List,
    owner::{OWNER_ONLY, is_owner},
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use ledger::{Amount, ChannelId, Key, Record};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    error::Problem,
    gateway::Buyer,
    keys::{KeyView, NewKey},
    limits::{LimitsView, NewLimits},
};

/// Checks that the owner asks.
pub fn owner(buyer: &Buyer, headers: &HeaderMap) -> Result<(), Problem> {
    if is_owner(headers, &buyer.config.owner_token) { Ok(()) } else { Err(Problem::key(OWNER_ONLY)) }
}

pub async fn keys(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    owner(&buyer, &headers)?;
    Ok(Json(json!({ "object": "list", "data": buyer.keys.list(&buyer.money) })))
}

pub async fn new_key(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<KeyView>), Problem> {
    owner(&buyer, &headers)?;
    let new: NewKey = serde_json::from_slice(&body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body is not a new key: {error}")))?;
    Ok((StatusCode::CREATED, Json(buyer.keys.create(&buyer.books, &buyer.money, new).await?)))
}

pub async fn revoke(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    owner(&buyer, &headers)?;
    buyer.keys.revoke(&buyer.books, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `POST /keys/{id}/topup`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopUp {
    /// Credits.
    amount: String,
}

pub async fn top_up(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<KeyView>, Problem> {
    owner(&buyer, &headers)?;
    let top_up: TopUp = serde_json::from_slice(&body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body is not an amount: {error}")))?;
    let amount: Amount = top_up.amount.parse().map_err(|error| Problem::field("amount", format!("{error}")))?;
    Ok(Json(buyer.keys.raise(&buyer.books, &buyer.money, &id, amount).await?))
}

pub async fn transfers(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    owner(&buyer, &headers)?;
    buyer.watch_transfers().await?;
    Ok(Json(json!({ "object": "list", "data": buyer.transfers()? })))
}

pub async fn limits(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<LimitsView>, Problem> {
    owner(&buyer, &headers)?;
    Ok(Json(buyer.limits_view()?))
}

pub async fn set_limits(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<LimitsView>, Problem> {
    owner(&buyer, &headers)?;
    let new: NewLimits = serde_json::from_slice(&body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body has no limits: {error}")))?;
    buyer.set_limits(&new).await?;
    Ok(Json(buyer.limits_view()?))
}

/// A channel as its owner sees it. Amounts are credits.
#[derive(Serialize)]
struct ChannelView {
    id: String,
    provider: String,
    deposit: String,
    /// Vouched for; settled or not.
    spent: String,
    reserved: String,
    settled: String,
    /// True once it was closed.
    closing: bool,
}

pub async fn channels(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    owner(&buyer, &headers)?;
    let names = buyer.catalog.shelf();
    let mut data = Vec::new();
    for (key, record) in buyer.config.ledger.list(List::Channels(buyer.config.payer.id())).await? {
        let (Key::Channel(id), Record::Channel(channel)) = (key, record) else { continue };
        let purse = buyer.money.lock().channels.get(&id).copied().unwrap_or_default();
        data.push(ChannelView {
            id: id.to_string(),
            provider: names.names.account(channel.provider),
            deposit: channel.deposit.to_string(),
            spent: purse.spent.max(channel.spent).to_string(),
            reserved: purse.reserved.to_string(),
            settled: channel.spent.to_string(),
            closing: channel.closing.is_some(),
        });
    }
    Ok(Json(json!({ "object": "list", "data": data })))
}

pub async fn close(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    owner(&buyer, &headers)?;
    let id: ChannelId = id.parse().map_err(|error| Problem::field("id", format!("{error}")))?;
    buyer.close_channel(id).await?;
    Ok(StatusCode::ACCEPTED)
}
