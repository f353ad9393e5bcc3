//! The derived index: who did what, newest first. It holds nothing of its own, is never asked by the rules, and may be
//! deleted at any time.

mod answers;
mod ask;
mod learn;
mod runs;
mod things;

use books::Books;
use ledger::Usage;
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use crate::Error;

pub(crate) use answers::Known;
pub(crate) use ask::Filter;
use things::Numbers;
pub(crate) use things::Thing;

pub(crate) const MIGRATIONS: &[&str] = &["
    -- How many entries of the log are known, and the log's root over them.
    CREATE TABLE progress (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        entries INTEGER NOT NULL,
        root BLOB NOT NULL
    ) STRICT;
    INSERT INTO progress VALUES (1, 0, zeroblob(32));
    -- Every operation in the log; outcome is a canonical Outcome, or NULL if it was refused with number `result`.
    CREATE TABLE operations (
        entry INTEGER PRIMARY KEY,
        account BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        result INTEGER NOT NULL,
        outcome BLOB
    ) STRICT;
    CREATE UNIQUE INDEX operations_by_account ON operations (account, sequence);
    -- Which operations concern an account, artifact or channel.
    CREATE TABLE concerns (
        thing BLOB NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (thing, entry)
    ) WITHOUT ROWID, STRICT;
    -- Which settlement covers which receipts: all up to `number`.
    CREATE TABLE settlements (
        channel BLOB NOT NULL,
        number INTEGER NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (channel, number)
    ) WITHOUT ROWID, STRICT;
    -- What was settled for an artifact on a day since 1970: tokens of answers that it ran, and pico-credits that its pot
    -- received (16 bytes, big-endian).
    CREATE TABLE days (
        artifact BLOB NOT NULL,
        day INTEGER NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        earned BLOB NOT NULL,
        PRIMARY KEY (artifact, day)
    ) WITHOUT ROWID, STRICT;
", "
    -- The entries of transfers to an account.
    CREATE TABLE received (
        account BLOB NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (account, entry)
    ) WITHOUT ROWID, STRICT;
    -- What a provider's settlements paid it on a day since 1970, and the tokens of its answers.
    CREATE TABLE fee_days (
        provider BLOB NOT NULL,
        day INTEGER NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        fee BLOB NOT NULL,
        PRIMARY KEY (provider, day)
    ) WITHOUT ROWID, STRICT;
    -- The next start learns the whole log again, and fills these too.
    DELETE FROM operations;
    DELETE FROM concerns;
    DELETE FROM settlements;
    DELETE FROM days;
    UPDATE progress SET entries = 0, root = zeroblob(32);
", "
    -- Tokens of all settled answers that an artifact ran: what `days` says, on all days together.
    CREATE TABLE used (
        artifact BLOB PRIMARY KEY,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    INSERT INTO used SELECT artifact, SUM(input), SUM(output) FROM days GROUP BY artifact;
", "
    -- Accounts, artifacts and channels by a number, so that the tables with a row for each operation stay small.
    CREATE TABLE things (
        id INTEGER PRIMARY KEY,
        thing BLOB NOT NULL UNIQUE
    ) STRICT;
    DROP TABLE operations;
    DROP TABLE concerns;
    DROP TABLE received;
    CREATE TABLE operations (
        entry INTEGER PRIMARY KEY,
        account INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        result INTEGER NOT NULL,
        outcome BLOB
    ) STRICT;
    CREATE UNIQUE INDEX operations_by_account ON operations (account, sequence);
    -- `received` is 1 if it is a transfer to this account.
    CREATE TABLE concerns (
        thing INTEGER NOT NULL,
        entry INTEGER NOT NULL,
        received INTEGER NOT NULL,
        PRIMARY KEY (thing, entry)
    ) WITHOUT ROWID, STRICT;
    -- The next start learns the whole log again.
    DELETE FROM settlements;
    DELETE FROM days;
    DELETE FROM fee_days;
    DELETE FROM used;
    UPDATE progress SET entries = 0, root = zeroblob(32);
", "
    -- Many operations in a row: a row for each, in each table, cost more than deciding and keeping them.
    DROP TABLE operations;
    DROP TABLE concerns;
    -- What became of operations from entry `first` on, up to the next row: of each the entry (8 bytes, little-endian) and the
    -- canonical encoding of its Outcome, behind a 1, or the number of its refusal, behind a 0.
    CREATE TABLE answers (
        first INTEGER PRIMARY KEY,
        answers BLOB NOT NULL
    ) STRICT;
    -- Which operations concern a thing: the first one's entry, and for each 8 bytes, little-endian: four times its entry, plus 1
    -- if the thing made it, plus 2 if it is a transfer to the thing. `sequence` is that of the first one that the thing made.
    -- `epoch` is the first entry divided by 2^20: what is written is not scattered over all that was ever written.
    CREATE TABLE runs (
        epoch INTEGER NOT NULL,
        thing INTEGER NOT NULL,
        first INTEGER NOT NULL,
        sequence INTEGER,
        notes BLOB NOT NULL,
        PRIMARY KEY (epoch, thing, first)
    ) WITHOUT ROWID, STRICT;
    CREATE UNIQUE INDEX runs_by_sequence ON runs (epoch, thing, sequence) WHERE sequence IS NOT NULL;
    -- The next start learns the whole log again.
    DELETE FROM settlements;
    DELETE FROM days;
    DELETE FROM fee_days;
    DELETE FROM used;
    UPDATE progress SET entries = 0, root = zeroblob(32);
"];

/// How much of the index is kept in memory at most while it is written.
const CACHE_KB: i64 = 65_536;
/// After so many pages the write-ahead log is written into the file.
const CHECKPOINT_PAGES: u32 = 8_192;

/// The index.
pub(crate) struct Index {
    books: Books,
    numbers: Arc<Mutex<Numbers>>,
}

impl Index {
    /// Opens or makes the index in a replica's folder.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let books = Books::open(&dir.join("index.sqlite"), MIGRATIONS)?;
        // Ids and things scatter what is written over many pages: few of them should have to be read again, or written twice.
        let settings = |books: &Connection| {
            books.pragma_update(None, "cache_size", -CACHE_KB)?;
            books.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)
        };
        futures::executor::block_on(books.write(settings))?;
        Ok(Self { books, numbers: Arc::default() })
    }
}

/// Tokens of many answers. Nobody ever reaches the end of 64 bits.
pub(crate) fn sum(one: Usage, other: Usage) -> Usage {
    Usage { input: one.input.saturating_add(other.input), output: one.output.saturating_add(other.output) }
}

/// A number as SQLite keeps it.
fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that SQLite kept.
fn unsql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
