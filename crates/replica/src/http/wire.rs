//! The machine interface of `api::HttpLedger`: canonical encodings both ways.

use api::{Ledger as _, LedgerError, List, SubmitAnswer};
use axum::{
    body::Body,
    extract::{Path, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{AccountId, ChannelId, Key, OPERATION_BYTES_MAX, Reject, Request, Signed};

use super::error::Failure;
use crate::Replica;

type Answer = Result<Response, Failure>;

fn encoded<T: BorshSerialize>(value: &T) -> Response {
    ([(CONTENT_TYPE, "application/octet-stream")], ledger::encode(value)).into_response()
}

pub(super) fn from_hex<T: BorshDeserialize>(param: &'static str, text: &str) -> Result<T, Failure> {
    let expected = || Failure::bad(param, &format!("{param} must be the hexadecimal digits of a canonical encoding"));
    let bytes = hex::decode(text).map_err(|_| expected())?;
    ledger::decode(&bytes).map_err(|_| expected())
}

pub(super) async fn genesis(State(replica): State<Replica>) -> Answer {
    Ok(encoded(&*replica.genesis().await?))
}

/// Refusals are answers, not failures: only what may be sent again with another result has another status than 200.
pub(super) async fn submit(State(replica): State<Replica>, body: Body) -> Answer {
    let refused = |reject: Reject| encoded(&SubmitAnswer::Err((reject.number(), None)));
    let Ok(bytes) = axum::body::to_bytes(body, OPERATION_BYTES_MAX).await else {
        return Ok(refused(Reject::TooLarge));
    };
    let Ok(operation) = ledger::decode::<Signed<Request>>(&bytes) else {
        return Ok(refused(Reject::Malformed));
    };
    match replica.submit(&operation).await {
        Ok(applied) => Ok(encoded(&SubmitAnswer::Ok(applied))),
        Err(LedgerError::Rejected { reject, entry }) => Ok(encoded(&SubmitAnswer::Err((reject.number(), entry)))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn state(State(replica): State<Replica>, Path(key): Path<String>) -> Answer {
    Ok(encoded(&replica.get(&from_hex::<Key>("key", &key)?).await?))
}

pub(super) async fn list(State(replica): State<Replica>, Path(list): Path<String>) -> Answer {
    Ok(encoded(&replica.list(from_hex::<List>("list", &list)?).await?))
}

pub(super) async fn settled(State(replica): State<Replica>, Path((channel, number)): Path<(String, String)>) -> Answer {
    let channel: ChannelId = channel.parse().map_err(|error| Failure::bad("channel", &error))?;
    let number = number.parse().map_err(|_| Failure::bad("number", "a receipt's number is counted from 1"))?;
    Ok(encoded(&replica.settled(channel, number).await?))
}

pub(super) async fn received(State(replica): State<Replica>, Path((account, entry)): Path<(String, String)>) -> Answer {
    let account: AccountId = account.parse().map_err(|error| Failure::bad("account", &error))?;
    let from = entry.parse().map_err(|_| Failure::bad("entry", "an entry is a number, counted from 0"))?;
    Ok(encoded(&replica.received(account, from).await?))
}

pub(super) async fn earnings(State(replica): State<Replica>, Path((account, days)): Path<(String, String)>) -> Answer {
    let account: AccountId = account.parse().map_err(|error| Failure::bad("account", &error))?;
    let days = days.parse().map_err(|_| Failure::bad("days", "days are a number, such as 30"))?;
    Ok(encoded(&replica.earnings(account, days).await?))
}

pub(super) async fn used(State(replica): State<Replica>) -> Answer {
    Ok(encoded(&replica.used().await?))
}
