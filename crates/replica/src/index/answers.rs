//! What became of operations: a row for some neighbors in the log, since a row for each would cost more than all the rest.

use borsh::BorshDeserialize as _;
use ledger::{Outcome, Reject};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};

use super::sql;
use crate::decide::Done;

/// What the index knows of an operation beside its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub entry: u64,
    pub answer: Result<Outcome, Reject>,
}

/// A row has so many operations at most,
const ROW_OPERATIONS: usize = 64;
/// and none is added to one of so many bytes.
const ROW_BYTES: usize = 16_384;

/// Writes what became of operations, which are in the order of the log.
pub(super) fn write(books: &Connection, operations: &[&Done]) -> rusqlite::Result<()> {
    let mut insert = books.prepare_cached("INSERT INTO answers (first, answers) VALUES (?, ?)")?;
    let mut row = Vec::with_capacity(ROW_BYTES);
    for some in operations.chunks(ROW_OPERATIONS) {
        let mut rest = some.iter().peekable();
        while let Some(first) = rest.peek().map(|done| done.entry) {
            row.clear();
            while row.len() < ROW_BYTES
                && let Some(done) = rest.next()
            {
                let answer = done.answer.as_ref().map_err(|reject| reject.number());
                ledger::encode_to(&(done.entry, answer), &mut row);
            }
            insert.execute(params![sql(first), row])?;
        }
    }
    Ok(())
}

/// What became of the newest operations before an entry, newest first.
pub(super) fn newest(books: &Connection, before: u64, limit: usize) -> rusqlite::Result<Vec<Known>> {
    let mut rows = books.prepare_cached("SELECT answers FROM answers WHERE first < ? ORDER BY first DESC")?;
    let mut found = Vec::new();
    for row in rows.query_map([sql(before)], read)? {
        found.extend(row?.into_iter().rev().filter(|known| known.entry < before));
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// What became of the operations of these entries, in their order; those that are not known are passed over.
pub(super) fn of(books: &Connection, entries: &[u64]) -> rusqlite::Result<Vec<Known>> {
    let select = "SELECT answers FROM answers WHERE first <= ? ORDER BY first DESC LIMIT 1";
    let (mut select, mut row) = (books.prepare_cached(select)?, Vec::<Known>::new());
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        let place = |row: &[Known]| row.binary_search_by_key(entry, |known| known.entry);
        // Neighbors in the list are often neighbors in the log.
        if place(&row).is_err() {
            row = select.query_row([sql(*entry)], read).optional()?.unwrap_or_default();
        }
        found.extend(place(&row).ok().map(|at| row[at].clone()));
    }
    Ok(found)
}

fn read(row: &Row) -> rusqlite::Result<Vec<Known>> {
    let damaged = || rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, "answers that cannot be read".into());
    let (mut bytes, mut known) = (row.get_ref(0)?.as_blob()?, Vec::new());
    while !bytes.is_empty() {
        let (entry, answer) = <(u64, Result<Outcome, u16>)>::deserialize(&mut bytes).map_err(|_| damaged())?;
        let answer = match answer {
            Ok(outcome) => Ok(outcome),
            Err(number) => Err(Reject::from_number(number).ok_or_else(damaged)?),
        };
        known.push(Known { entry, answer });
    }
    Ok(known)
}
