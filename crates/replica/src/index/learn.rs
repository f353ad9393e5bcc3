//! What the index learns from an operation.

use ledger::{AccountId, Amount, ArtifactId, Effect, Head, Operation, Usage};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::sync::Arc;

use super::{Index, sql, things::concerns};
use crate::{Error, decide::Done};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Index {
    /// Learns operations in the order of the log, after which it knows all up to `head`. Those that it knew are passed
    /// over.
    ///
    /// # Errors
    /// [`Error::Index`]; nothing was learned.
    pub(crate) fn learn(&self, done: Vec<Arc<Done>>, head: Head, synced: bool) -> Result<(), Error> {
        let job = move |books: &Connection| learn_all(books, &done, head);
        let learned = if synced {
            futures::executor::block_on(self.books.write_synced(job))
        } else {
            futures::executor::block_on(self.books.write(job))
        };
        Ok(learned?)
    }
}

fn learn_all(books: &Connection, done: &[Arc<Done>], head: Head) -> rusqlite::Result<()> {
    let known: i64 = books.query_row("SELECT entries FROM progress", [], |row| row.get(0))?;
    for done in done.iter().filter(|done| sql(done.entry) >= known) {
        learn(books, done)?;
    }
    let update = "UPDATE progress SET entries = ?1, root = ?2 WHERE entries < ?1";
    books.prepare_cached(update)?.execute(params![sql(head.size), head.root.0])?;
    Ok(())
}

fn learn(books: &Connection, done: &Done) -> rusqlite::Result<()> {
    let (body, entry) = (&done.signed.body, sql(done.entry));
    let (result, outcome) = match &done.answer {
        Ok(outcome) => (0, Some(ledger::encode(outcome))),
        Err(reject) => (reject.number(), None),
    };
    books
        .prepare_cached("INSERT INTO operations (entry, account, sequence, result, outcome) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![entry, body.account.0, sql(body.sequence), result, outcome])?;
    let mut concern = books.prepare_cached("INSERT INTO concerns (thing, entry) VALUES (?, ?)")?;
    for thing in concerns(done) {
        concern.execute(params![thing.bytes(), entry])?;
    }
    if let (Operation::Transfer { to, .. }, Ok(_)) = (&body.operation, &done.answer) {
        let insert = "INSERT INTO received (account, entry) VALUES (?, ?)";
        books.prepare_cached(insert)?.execute(params![to.0, entry])?;
    }
    if let (Operation::Settle { voucher }, Ok(outcome)) = (&body.operation, &done.answer) {
        books.prepare_cached("INSERT INTO settlements (channel, number, entry) VALUES (?, ?, ?)")?.execute(params![
            voucher.body.channel.0,
            sql(voucher.body.number),
            entry
        ])?;
        learn_day(books, done, &outcome.effect)?;
    }
    Ok(())
}

fn learn_day(books: &Connection, done: &Done, effect: &Effect) -> rusqlite::Result<()> {
    let day = done.at.0 / DAY_MS;
    for (artifact, usage) in &done.used {
        add(books, (*artifact, day), *usage, Amount::ZERO)?;
    }
    if let Effect::Settled(_, settlement) = effect {
        for charge in &settlement.royalties {
            add(books, (charge.artifact, day), Usage::default(), charge.amount)?;
        }
        let used = done.used.iter().fold(Usage::default(), |sum, (_, usage)| Usage {
            input: sum.input.saturating_add(usage.input),
            output: sum.output.saturating_add(usage.output),
        });
        add_fee(books, (done.signed.body.account, day), used, settlement.fee)?;
    }
    Ok(())
}

fn add(books: &Connection, (artifact, day): (ArtifactId, u64), usage: Usage, earned: Amount) -> rusqlite::Result<()> {
    let before: Option<[u8; 16]> = books
        .prepare_cached("SELECT earned FROM days WHERE artifact = ? AND day = ?")?
        .query_row(params![artifact.0, sql(day)], |row| row.get(0))
        .optional()?;
    let earned = before.map_or(0, u128::from_be_bytes).saturating_add(earned.0).to_be_bytes();
    books
        .prepare_cached(
            "INSERT INTO days (artifact, day, input, output, earned) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET input = input + ?3, output = output + ?4, earned = ?5",
        )?
        .execute(params![artifact.0, sql(day), sql(usage.input), sql(usage.output), earned])?;
    Ok(())
}

fn add_fee(books: &Connection, (provider, day): (AccountId, u64), usage: Usage, fee: Amount) -> rusqlite::Result<()> {
    let before: Option<[u8; 16]> = books
        .prepare_cached("SELECT fee FROM fee_days WHERE provider = ? AND day = ?")?
        .query_row(params![provider.0, sql(day)], |row| row.get(0))
        .optional()?;
    let fee = before.map_or(0, u128::from_be_bytes).saturating_add(fee.0).to_be_bytes();
    books
        .prepare_cached(
            "INSERT INTO fee_days (provider, day, input, output, fee) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET input = input + ?3, output = output + ?4, fee = ?5",
        )?
        .execute(params![provider.0, sql(day), sql(usage.input), sql(usage.output), fee])?;
    Ok(())
}
