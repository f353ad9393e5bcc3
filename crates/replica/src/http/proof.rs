//! Proofs that stand alone, as text.

use api::proof::Proof;
use axum::{
    extract::{Path, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use ledger::Key;
use std::io;

use super::{error::Failure, wire::from_hex};
use crate::Replica;

type Answer = Result<Response, Failure>;

pub(super) async fn entry(State(replica): State<Replica>, Path(entry): Path<String>) -> Answer {
    let number = entry.parse().map_err(|_| Failure::bad("entry", "an entry is a number, counted from 0"))?;
    answer(&replica, replica.0.prove_entry(number))
}

pub(super) async fn state(State(replica): State<Replica>, Path(key): Path<String>) -> Answer {
    let key = from_hex::<Key>("key", &key)?;
    answer(&replica, replica.0.prove_state(key).await)
}

fn answer(replica: &Replica, proof: io::Result<Option<Proof>>) -> Answer {
    let proof = proof.map_err(|error| Failure::from(replica.0.unreachable(&error)))?;
    let proof = proof.ok_or_else(|| Failure::missing("the log has no such entry yet"))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], proof.to_string()).into_response())
}
