//! The state as JSON for people.

use api::Ledger as _;
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use ledger::{AccountId, ArtifactId, ChannelId, Key, Record};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{error::Failure, view};
use crate::{Replica, lock::read};

/// So many of an artifact's last days with a settlement are shown.
const DAYS: u32 = 30;

type Answer = Result<Json<Value>, Failure>;

/// What stands under a key.
pub(super) fn record(replica: &Replica, key: &Key) -> Option<Record> {
    read(&replica.0.view).record(key).cloned()
}

/// An account by its id or name.
pub(super) fn account_id(replica: &Replica, text: &str) -> Result<AccountId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    match record(replica, &Key::Name(text.to_owned())) {
        Some(Record::Name(id)) => Ok(id),
        _ => Err(Failure::missing(&format!("nobody has the name {text}; an account's id is 64 hexadecimal digits"))),
    }
}

pub(super) async fn ledger(State(replica): State<Replica>) -> Answer {
    let genesis = &replica.0.genesis;
    let head = read(&replica.0.view).head();
    let Some(Record::Totals(totals)) = record(&replica, &Key::Totals) else {
        return Err(Failure::missing("the ledger has no totals"));
    };
    let supply = totals.issued.minus(totals.redeemed).unwrap_or_default();
    Ok(Json(json!({
        "network": replica.0.network.to_string(),
        "origin": genesis.origin,
        "founded": genesis.founded.0,
        "issuer": genesis.issuer.to_string(),
        "replicas": view::texts(&genesis.replicas),
        "time": totals.time.0,
        "operations": totals.operations,
        "artifacts": totals.artifacts,
        "supply": view::pico(supply),
        "deposits": view::pico(totals.deposits),
        "pots": view::pico(totals.pots),
        "head": { "size": head.size, "root": head.root.to_string() },
        "writing_stopped": read(&replica.0.view).stopped.clone(),
    })))
}

pub(super) async fn account(State(replica): State<Replica>, Path(account): Path<String>) -> Answer {
    let id = account_id(&replica, &account)?;
    Ok(Json(view::account(id, &replica.account(id).await?)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    days: Option<u32>,
}

pub(super) async fn earnings(
    State(replica): State<Replica>,
    Path(account): Path<String>,
    query: Result<Query<Days>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|error| Failure::bad("query", &error))?;
    let id = account_id(&replica, &account)?;
    let earnings = replica.earnings(id, query.days.unwrap_or(DAYS)).await?;
    let mut shown = view::earnings(&earnings);
    shown["account"] = id.to_string().into();
    Ok(Json(shown))
}

pub(super) async fn artifacts(State(replica): State<Replica>) -> Answer {
    let mut artifacts = Vec::new();
    for (key, record) in replica.list(api::List::Artifacts).await? {
        if let (Key::Artifact(id), Record::Artifact(artifact)) = (key, record) {
            artifacts.push((artifact.ordinal, view::artifact(id, &artifact)));
        }
    }
    artifacts.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
    let artifacts: Vec<_> = artifacts.into_iter().map(|(_, artifact)| artifact).collect();
    Ok(Json(json!({ "artifacts": artifacts })))
}

pub(super) async fn artifact(State(replica): State<Replica>, Path(artifact): Path<String>) -> Answer {
    let id = artifact.parse().map_err(|error| Failure::bad("artifact", &error))?;
    show_artifact(&replica, id).await
}

pub(super) async fn tagged(State(replica): State<Replica>, Path((by, tag)): Path<(String, String)>) -> Answer {
    let publisher = account_id(&replica, &by)?;
    let (name, label) =
        tag.split_once(':').ok_or_else(|| Failure::bad("tag", "expected name:tag, such as mini:latest"))?;
    match record(&replica, &Key::Tag(publisher, name.to_owned(), label.to_owned())) {
        Some(Record::Tag(id)) => show_artifact(&replica, id).await,
        _ => Err(Failure::missing(&format!("{by} has no artifact tagged {tag}"))),
    }
}

async fn show_artifact(replica: &Replica, id: ArtifactId) -> Answer {
    let artifact = replica.artifact(id).await?;
    let pot = replica.pot(id).await?;
    let days = replica.0.index.days(id, DAYS).map_err(|error| replica.0.unreachable(&error))?;
    let mut shown = view::artifact(id, &artifact);
    shown["earned"] = view::pico(pot.lifetime);
    shown["in_pot"] = view::pico(pot.balance());
    shown["days"] = days.iter().map(view::day).collect();
    Ok(Json(shown))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offers {
    artifact: Option<String>,
    provider: Option<String>,
    /// True to see withdrawn ones too.
    #[serde(default)]
    withdrawn: bool,
}

pub(super) async fn offers(State(replica): State<Replica>, query: Result<Query<Offers>, QueryRejection>) -> Answer {
    let Query(query) = query.map_err(|error| Failure::bad("query", &error))?;
    let artifact = query.artifact.map(|id| id.parse::<ArtifactId>()).transpose();
    let artifact = artifact.map_err(|error| Failure::bad("artifact", &error))?;
    let provider = query.provider.map(|provider| account_id(&replica, &provider)).transpose()?;
    let mut offers = Vec::new();
    for (key, record) in replica.list(api::List::Offers).await? {
        if let (Key::Offer(id), Record::Offer(offer)) = (key, record)
            && artifact.is_none_or(|artifact| artifact == offer.offer.artifact)
            && provider.is_none_or(|provider| provider == offer.provider)
            && (query.withdrawn || !offer.withdrawn)
        {
            offers.push(view::offer(id, &offer));
        }
    }
    Ok(Json(json!({ "offers": offers })))
}

pub(super) async fn channel(State(replica): State<Replica>, Path(channel): Path<String>) -> Answer {
    let id: ChannelId = channel.parse().map_err(|error| Failure::bad("channel", &error))?;
    Ok(Json(view::channel(id, &replica.channel(id).await?)))
}
