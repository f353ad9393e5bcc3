//! The wallet's books: operations that were signed and not answered yet, and what was asked for under an id.

use api::Applied;
use books::Books;
use ledger::{AccountId, Operation, Request, Signed, Time, decode, encode};
use rusqlite::{OptionalExtension as _, params};

use crate::{
    Error,
    account::{AskId, nonsense},
};

/// What was done is remembered so long.
const REMEMBERED_MS: u64 = 400 * 24 * 60 * 60 * 1_000;

pub const MIGRATIONS: &[&str] = &[
    "
    -- Operations that were signed and perhaps sent, and not answered yet.
    CREATE TABLE pending (account BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID, STRICT;
",
    "
    -- What was asked for under an id, and, once it was done, the ledger's answer.
    CREATE TABLE asked (
        id BLOB PRIMARY KEY, account BLOB NOT NULL, sequence INTEGER NOT NULL, operation BLOB NOT NULL,
        time INTEGER NOT NULL, applied BLOB) WITHOUT ROWID, STRICT;
",
];

/// What was asked for under an id.
pub struct Asked {
    id: AskId,
    pub account: AccountId,
    sequence: u64,
    /// Its canonical encoding.
    pub operation: Vec<u8>,
    time: Time,
    /// Once it was done.
    pub applied: Option<Applied>,
}

impl Asked {
    pub fn new(id: AskId, request: &Request, time: Time) -> Self {
        let operation = encode(&request.operation);
        Self { id, account: request.account, sequence: request.sequence, operation, time, applied: None }
    }
}

pub fn pending(books: &Books, account: AccountId) -> Result<Option<Signed<Request>>, Error> {
    let query = "SELECT bytes FROM pending WHERE account = ?";
    let bytes: Option<Vec<u8>> =
        books.read(|books| books.prepare_cached(query)?.query_row([account.0], |row| row.get(0)).optional())?;
    Ok(bytes.map(|bytes| decode(&bytes).map_err(nonsense)).transpose()?)
}

/// Writes an operation down before it is sent, and what it was asked for by.
pub async fn keep(books: &Books, signed: &Signed<Request>, asked: Option<Asked>) -> Result<(), Error> {
    let (account, bytes) = (signed.body.account.0, encode(signed));
    let write = move |books: &rusqlite::Connection| {
        let insert = "INSERT OR REPLACE INTO pending (account, bytes) VALUES (?, ?)";
        books.prepare_cached(insert)?.execute(params![account, bytes])?;
        let Some(Asked { id, sequence, operation, time, .. }) = asked else { return Ok(()) };
        let old = time.0.saturating_sub(REMEMBERED_MS).cast_signed();
        books.prepare_cached("DELETE FROM asked WHERE time < ? AND applied IS NOT NULL")?.execute([old])?;
        let insert = "INSERT INTO asked (id, account, sequence, operation, time) VALUES (?, ?, ?, ?, ?)";
        let row = params![id, account, sequence.cast_signed(), operation, time.0.cast_signed()];
        books.prepare_cached(insert)?.execute(row)?;
        Ok(())
    };
    Ok(books.write_synced(write).await?)
}

/// An operation was answered: done, or refused and thereby not done.
pub async fn answered(books: &Books, request: &Request, applied: Option<&Applied>) -> Result<(), Error> {
    let (account, sequence, applied) = (request.account.0, request.sequence.cast_signed(), applied.map(encode));
    let write = move |books: &rusqlite::Connection| {
        books.prepare_cached("DELETE FROM pending WHERE account = ?")?.execute([account])?;
        let of = "account = ? AND sequence = ? AND applied IS NULL";
        match applied {
            Some(applied) => books
                .prepare_cached(&format!("UPDATE asked SET applied = ? WHERE {of}"))?
                .execute(params![applied, account, sequence]),
            None => books.prepare_cached(&format!("DELETE FROM asked WHERE {of}"))?.execute(params![account, sequence]),
        }
    };
    books.write(write).await?;
    Ok(())
}

/// What was asked for under an id.
pub fn asked(books: &Books, id: AskId) -> Result<Option<Asked>, Error> {
    type Columns = ([u8; 32], i64, Vec<u8>, i64, Option<Vec<u8>>);
    let query = "SELECT account, sequence, operation, time, applied FROM asked WHERE id = ?";
    let row: Option<Columns> = books.read(|books| {
        let columns = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        books.prepare_cached(query)?.query_row([id], columns).optional()
    })?;
    let Some((account, sequence, operation, time, applied)) = row else { return Ok(None) };
    let applied = applied.map(|bytes| decode(&bytes).map_err(nonsense)).transpose()?;
    let (account, sequence, time) = (AccountId(account), sequence.cast_unsigned(), Time(time.cast_unsigned()));
    Ok(Some(Asked { id, account, sequence, operation, time, applied }))
}

/// The newest operation of an account that is the same and was done.
pub fn done_before(books: &Books, account: AccountId, operation: &Operation) -> Result<Option<Applied>, Error> {
    let query = "SELECT applied FROM asked WHERE account = ? AND operation = ? AND applied IS NOT NULL
                 ORDER BY time DESC LIMIT 1";
    let by = params![account.0, encode(operation)];
    let bytes: Option<Vec<u8>> =
        books.read(|books| books.prepare_cached(query)?.query_row(by, |row| row.get(0)).optional())?;
    Ok(bytes.map(|bytes| decode(&bytes).map_err(nonsense)).transpose()?)
}
