//! Runs: which operations concern a thing, many in a row.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::ops::Range;

use super::{sql, unsql};

/// Most operations in a run. A page of the file must hold four rows of such a table; what is longer would get pages of its own.
const RUN_MAX: usize = 120;
/// Runs of so many entries of the log lie together.
const EPOCH: u64 = 1 << 20;

/// An operation in a run: the number of its entry, and what it is to the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Note(u64);

impl Note {
    /// The thing is the account that made it.
    const MADE: u64 = 1;
    /// The thing is the account that received money in it, which was a transfer.
    const RECEIVED: u64 = 2;
    const FLAG_BITS: u32 = 2;

    pub(super) fn new(entry: u64, made: bool, received: bool) -> Self {
        let flag = |set, flag| if set { flag } else { 0 };
        Self(entry << Self::FLAG_BITS | flag(made, Self::MADE) | flag(received, Self::RECEIVED))
    }

    const fn entry(self) -> u64 {
        self.0 >> Self::FLAG_BITS
    }

    const fn epoch(self) -> u64 {
        self.entry() / EPOCH
    }

    const fn is(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
}

/// A note for the run of a thing, by the thing's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Noted {
    pub thing: i64,
    pub note: Note,
    /// That of the operation.
    pub sequence: u64,
}

/// Writes what was noted of one part of the log, once or several times, behind what was noted of earlier ones.
pub(super) fn write(books: &Connection, mut noted: Vec<Noted>) -> rusqlite::Result<()> {
    // In the order of the table: neighbors lie on one page, and a page is found once.
    noted.sort_unstable_by_key(|noted| (noted.note.epoch(), *noted));
    noted.dedup();
    let insert = "INSERT INTO runs (epoch, thing, first, sequence, notes) VALUES (?, ?, ?, ?, ?)";
    let (mut insert, mut bytes) = (books.prepare_cached(insert)?, Vec::with_capacity(8 * RUN_MAX));
    let together = noted.chunk_by(|one, next| (one.note.epoch(), one.thing) == (next.note.epoch(), next.thing));
    for run in together.flat_map(|together| together.chunks(RUN_MAX)) {
        let (thing, first) = (run[0].thing, run[0].note);
        let made = run.iter().find(|noted| noted.note.is(Note::MADE)).map(|noted| sql(noted.sequence));
        bytes.clear();
        bytes.extend(run.iter().flat_map(|noted| noted.note.0.to_le_bytes()));
        insert.execute(params![sql(first.epoch()), thing, sql(first.entry()), made, bytes])?;
    }
    Ok(())
}

/// The entries of the newest operations before one that concern a thing, newest first.
pub(super) fn newest(books: &Connection, thing: i64, before: u64, limit: usize) -> rusqlite::Result<Vec<u64>> {
    let select = "SELECT notes FROM runs WHERE epoch = ? AND thing = ? AND first < ? ORDER BY first DESC";
    let (mut select, mut found) = (books.prepare_cached(select)?, Vec::new());
    for epoch in epochs(books)?.rev().filter(|epoch| epoch * EPOCH < before) {
        for run in select.query_map(params![sql(epoch), thing, sql(before)], |row| notes(row, 0))? {
            found.extend(run?.into_iter().rev().map(Note::entry).filter(|entry| *entry < before));
            if found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// The entry of an account's operation.
pub(super) fn made(books: &Connection, account: i64, sequence: u64) -> rusqlite::Result<Option<u64>> {
    // An account's sequences have no gaps, so the first one of a run gives those of all that it made in it.
    let select = "SELECT sequence, notes FROM runs WHERE epoch = ? AND thing = ? AND sequence <= ?
                  ORDER BY sequence DESC LIMIT 1";
    let mut select = books.prepare_cached(select)?;
    for epoch in epochs(books)?.rev() {
        let run = |row: &Row| Ok((unsql(row.get(0)?), notes(row, 1)?));
        let run = select.query_row(params![sql(epoch), account, sql(sequence)], run).optional()?;
        if let Some((first, notes)) = run {
            let mut made = notes.into_iter().filter(|note| note.is(Note::MADE));
            let before = sequence.checked_sub(first).and_then(|before| usize::try_from(before).ok());
            return Ok(before.and_then(|before| made.nth(before)).map(Note::entry));
        }
    }
    Ok(None)
}

/// The entries of transfers to an account from entry `from` on, oldest first.
pub(super) fn received(books: &Connection, account: i64, from: u64, limit: usize) -> rusqlite::Result<Vec<u64>> {
    // The run that `from` falls into, and those behind it.
    let select = "SELECT notes FROM runs WHERE epoch = ?1 AND thing = ?2 AND first >= COALESCE(
                  (SELECT MAX(first) FROM runs WHERE epoch = ?1 AND thing = ?2 AND first <= ?3), 0) ORDER BY first";
    let (mut select, mut found) = (books.prepare_cached(select)?, Vec::new());
    for epoch in epochs(books)?.filter(|epoch| *epoch >= from / EPOCH) {
        for run in select.query_map(params![sql(epoch), account, sql(from)], |row| notes(row, 0))? {
            let received = run?.into_iter().filter(|note| note.is(Note::RECEIVED)).map(Note::entry);
            found.extend(received.filter(|entry| *entry >= from));
            if found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// The epochs that there are.
fn epochs(books: &Connection) -> rusqlite::Result<Range<u64>> {
    let entries: i64 = books.prepare_cached("SELECT entries FROM progress")?.query_row([], |row| row.get(0))?;
    Ok(0..unsql(entries).div_ceil(EPOCH))
}

fn notes(row: &Row, column: usize) -> rusqlite::Result<Vec<Note>> {
    let (notes, _) = row.get_ref(column)?.as_blob()?.as_chunks();
    Ok(notes.iter().map(|note| Note(u64::from_le_bytes(*note))).collect())
}
