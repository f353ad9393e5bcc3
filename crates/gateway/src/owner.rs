//! The owner's verbs: API keys and channels. Whoever sends the owner's token acts for the owner.

use api::List;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use ledger::{ChannelId, Digest, Key, Record};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    error::Problem,
    gateway::Buyer,
    keys::{KeyView, NewKey},
    routes::bearer,
};

/// Checks that the owner asks.
pub fn owner(buyer: &Buyer, headers: &HeaderMap) -> Result<(), Problem> {
    // Compared as digests, so that the time taken tells nothing of the token.
    let expected = Digest::of(buyer.config.owner_token.as_bytes());
    match bearer(headers) {
        Some(token) if Digest::of(token.as_bytes()) == expected => Ok(()),
        _ => Err(Problem::key("this is for the owner: send the token of the file owner-token in the data folder")),
    }
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
