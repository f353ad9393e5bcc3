//! Operations as JSON for people, from the index and the journal. The index learns of an operation a moment after it was
//! answered.

use api::log::Entry;
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use ledger::{Outcome, Reject};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    browse::account_id,
    error::Failure,
    operation::{operation, outcome},
};
use crate::{
    Replica,
    index::{Filter, Thing},
    lock::read,
    shape::BLOCK,
};

/// How many operations are listed at most, and if nothing is said.
const LIMIT_MAX: usize = 500;
const LIMIT: usize = 50;

type Answer = Result<Json<Value>, Failure>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operations {
    account: Option<String>,
    artifact: Option<String>,
    channel: Option<String>,
    /// Only operations of entries before this.
    before: Option<u64>,
    limit: Option<usize>,
}

impl Operations {
    fn thing(&self, replica: &Replica) -> Result<Option<Thing>, Failure> {
        Ok(match (&self.account, &self.artifact, &self.channel) {
            (None, None, None) => None,
            (Some(account), None, None) => Some(Thing::Account(account_id(replica, account)?)),
            (None, Some(id), None) => {
                Some(Thing::Artifact(id.parse().map_err(|error| Failure::bad("artifact", &error))?))
            }
            (None, None, Some(id)) => {
                Some(Thing::Channel(id.parse().map_err(|error| Failure::bad("channel", &error))?))
            }
            _ => return Err(Failure::bad("query", "name an account, an artifact or a channel, not several of them")),
        })
    }
}

pub(super) async fn list(State(replica): State<Replica>, query: Result<Query<Operations>, QueryRejection>) -> Answer {
    let Query(query) = query.map_err(|error| Failure::bad("query", &error))?;
    let limit = query.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let filter = Filter { thing: query.thing(&replica)?, before: query.before, limit };
    let known = replica.0.index.operations(filter).map_err(|error| replica.0.unreachable(&error))?;
    let mut operations = Vec::with_capacity(known.len());
    let mut block = (u64::MAX, Vec::new());
    for known in known {
        // Neighbors in the list are often neighbors in the journal.
        if block.0 != known.entry / BLOCK {
            let number = known.entry / BLOCK;
            block = (number, replica.0.block(number).map_err(|error| replica.0.unreachable(&error))?);
        }
        let bytes = usize::try_from(known.entry % BLOCK).ok().and_then(|at| block.1.get(at));
        let entry = bytes.and_then(|bytes| ledger::decode(bytes).ok());
        let entry = entry.ok_or_else(|| Failure::missing(&format!("entry {} cannot be read", known.entry)))?;
        operations.push(show(known.entry, &entry, Some(&known.answer))?);
    }
    Ok(Json(json!({ "operations": operations })))
}

pub(super) async fn one(State(replica): State<Replica>, Path(entry): Path<String>) -> Answer {
    let number: u64 = entry.parse().map_err(|_| Failure::bad("entry", "an entry is a number, counted from 0"))?;
    let log_entry = replica.0.log_entry(number)?;
    let fresh = read(&replica.0.view).fresh().find(|done| done.entry == number).map(|done| done.answer.clone());
    let answer = match fresh {
        Some(answer) => Some(answer),
        None => {
            let known = replica.0.index.entry(number).map_err(|error| replica.0.unreachable(&error))?;
            known.map(|known| known.answer)
        }
    };
    Ok(Json(show(number, &log_entry, answer.as_ref())?))
}

fn show(number: u64, entry: &Entry, answer: Option<&Result<Outcome, Reject>>) -> Result<Value, Failure> {
    let Entry::Operation { at, signed, result } = entry else {
        return Err(Failure::missing(&format!("entry {number} of the log is not an operation")));
    };
    let refused = Reject::from_number(*result);
    Ok(json!({
        "entry": number,
        "time": at.0,
        "account": signed.body.account.to_string(),
        "sequence": signed.body.sequence,
        "operation": operation(&signed.body.operation),
        "applied": *result == 0,
        "refusal": refused.map(|reject| json!({
            "code": reject.number(),
            "name": reject.name(),
            "message": reject.sentence(),
        })),
        "outcome": answer.and_then(|answer| answer.as_ref().ok()).map(outcome),
    }))
}
