//! What the index learns from an operation.

use ledger::{Amount, Effect, Head, Operation, Usage};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;

use super::{
    Index, Thing, answers,
    runs::{self, Note, Noted},
    sql, sum,
    things::{Numbers, concerns},
};
use crate::{Error, decide::Done, lock::hold, view::Fresh};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Index {
    /// Learns operations in the order of the log, after which it knows all up to `head`. Those that it knew are passed
    /// over.
    ///
    /// # Errors
    /// [`Error::Index`]; nothing was learned.
    pub(crate) fn learn(&self, fresh: Vec<Arc<Fresh>>, head: Head, synced: bool) -> Result<(), Error> {
        let numbers = Arc::clone(&self.numbers);
        let job = move |books: &Connection| learn_all(books, &mut hold(&numbers), &fresh, head);
        let learned = if synced {
            futures::executor::block_on(self.books.write_synced(job))
        } else {
            futures::executor::block_on(self.books.write(job))
        };
        Ok(learned.inspect_err(|_| hold(&self.numbers).forget())?)
    }
}

fn learn_all(books: &Connection, numbers: &mut Numbers, fresh: &[Arc<Fresh>], head: Head) -> rusqlite::Result<()> {
    let known: i64 = books.query_row("SELECT entries FROM progress", [], |row| row.get(0))?;
    let operations: Vec<&Done> =
        fresh.iter().flat_map(|group| &group.done).filter(|done| sql(done.entry) >= known).collect();
    let mut noted = Vec::with_capacity(2 * operations.len());
    for done in &operations {
        learn_settled(books, done)?;
        let (made, received) = (Thing::Account(done.signed.body.account), received(done));
        for thing in concerns(done) {
            let note = Note::new(done.entry, thing == made, received == Some(thing));
            noted.push(Noted { thing: numbers.of(books, thing)?, note, sequence: done.signed.body.sequence });
        }
    }
    answers::write(books, &operations)?;
    runs::write(books, noted)?;
    let update = "UPDATE progress SET entries = ?1, root = ?2 WHERE entries < ?1";
    books.prepare_cached(update)?.execute(params![sql(head.size), head.root.0])?;
    Ok(())
}

/// Who received money in a transfer.
fn received(done: &Done) -> Option<Thing> {
    match (&done.signed.body.operation, &done.answer) {
        (Operation::Transfer { to, .. }, Ok(_)) => Some(Thing::Account(*to)),
        _ => None,
    }
}

fn learn_settled(books: &Connection, done: &Done) -> rusqlite::Result<()> {
    let (Operation::Settle { voucher }, Ok(outcome)) = (&done.signed.body.operation, &done.answer) else {
        return Ok(());
    };
    books.prepare_cached("INSERT INTO settlements (channel, number, entry) VALUES (?, ?, ?)")?.execute(params![
        voucher.body.channel.0,
        sql(voucher.body.number),
        sql(done.entry)
    ])?;
    learn_day(books, done, &outcome.effect)
}

fn learn_day(books: &Connection, done: &Done, effect: &Effect) -> rusqlite::Result<()> {
    let day = done.at.0 / DAY_MS;
    for (artifact, usage) in &done.used {
        WORKS.add(books, (artifact.0, day), *usage, Amount::ZERO)?;
        let row = params![artifact.0, sql(usage.input), sql(usage.output)];
        books.prepare_cached(USED)?.execute(row)?;
    }
    if let Effect::Settled(_, settlement) = effect {
        for charge in &settlement.royalties {
            WORKS.add(books, (charge.artifact.0, day), Usage::default(), charge.amount)?;
        }
        let used = done.used.iter().fold(Usage::default(), |used, (_, usage)| sum(used, *usage));
        FEES.add(books, (done.signed.body.account.0, day), used, settlement.fee)?;
    }
    Ok(())
}

/// What artifacts ran, on all days together.
const USED: &str = "INSERT INTO used (artifact, input, output) VALUES (?1, ?2, ?3)
                    ON CONFLICT DO UPDATE SET input = input + ?2, output = output + ?3";

/// A table of sums by day: how one is read, and how it is written.
struct Days {
    select: &'static str,
    upsert: &'static str,
}

/// What artifacts ran and earned.
const WORKS: Days = Days {
    select: "SELECT earned FROM days WHERE artifact = ? AND day = ?",
    upsert: "INSERT INTO days (artifact, day, input, output, earned) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET input = input + ?3, output = output + ?4, earned = ?5",
};
/// What providers ran and earned.
const FEES: Days = Days {
    select: "SELECT fee FROM fee_days WHERE provider = ? AND day = ?",
    upsert: "INSERT INTO fee_days (provider, day, input, output, fee) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET input = input + ?3, output = output + ?4, fee = ?5",
};

impl Days {
    fn add(
        &self,
        books: &Connection,
        (whose, day): ([u8; 32], u64),
        usage: Usage,
        amount: Amount,
    ) -> rusqlite::Result<()> {
        let before: Option<[u8; 16]> =
            books.prepare_cached(self.select)?.query_row(params![whose, sql(day)], |row| row.get(0)).optional()?;
        let sum = before.map_or(0, u128::from_be_bytes).saturating_add(amount.0).to_be_bytes();
        let row = params![whose, sql(day), sql(usage.input), sql(usage.output), sum];
        books.prepare_cached(self.upsert)?.execute(row)?;
        Ok(())
    }
}
