//! The gateway's books. Money is 16 bytes, most significant first. Nothing of prompts and answers is kept.

use books::Books;
use ledger::{Amount, ChannelId, Digest, Order, OrderId, Receipt, Refusal, Signed, Tally, Voucher, decode, encode};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::HashSet;

use crate::{
    error::Error,
    gateway::now,
    limits::DAY_MS,
    money::{KeyId, Worst},
};

pub const MIGRATIONS: &[&str] = &["
    CREATE TABLE key (
        id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, budget BLOB NOT NULL, spent BLOB NOT NULL,
        created INTEGER NOT NULL, expires INTEGER, revoked INTEGER NOT NULL DEFAULT 0) STRICT;
    -- state: 0 open, 1 paid, 2 refused, 3 failed. worst: for the key, then for the channel.
    CREATE TABLE ordered (
        id BLOB PRIMARY KEY, key INTEGER, channel BLOB NOT NULL, bytes BLOB NOT NULL, salt BLOB NOT NULL,
        worst_key BLOB NOT NULL, worst_channel BLOB NOT NULL, created INTEGER NOT NULL,
        state INTEGER NOT NULL DEFAULT 0, number INTEGER, receipt BLOB) WITHOUT ROWID, STRICT;
    CREATE INDEX ordered_open ON ordered (state) WHERE state = 0;
    -- What lies under the voucher's root; `refusal` if the receipt was refused.
    CREATE TABLE leaf (
        channel BLOB NOT NULL, number INTEGER NOT NULL, leaf BLOB NOT NULL, refusal BLOB,
        PRIMARY KEY (channel, number)) WITHOUT ROWID, STRICT;
    CREATE TABLE channel (
        id BLOB PRIMARY KEY, provider BLOB NOT NULL, tally BLOB NOT NULL, voucher BLOB) WITHOUT ROWID, STRICT;
    CREATE TABLE top_up (time INTEGER NOT NULL, amount BLOB NOT NULL) STRICT;
", "
    -- Orders that are not forgotten yet; of those that are, `bytes` is empty.
    CREATE INDEX ordered_whole ON ordered (created) WHERE bytes <> x'';
", "
    -- What the owner set, and how far something was looked at.
    CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
    -- Transfers to the payer. `key`: which API key the reference names, if it is one here. `raised`: whether its budget rose.
    CREATE TABLE transfer (
        entry INTEGER PRIMARY KEY, time INTEGER NOT NULL, sender BLOB NOT NULL, amount BLOB NOT NULL,
        reference BLOB NOT NULL, key INTEGER, raised INTEGER NOT NULL) STRICT;
    -- Channels whose newest voucher may be newer than these books.
    CREATE TABLE doubt (channel BLOB PRIMARY KEY) WITHOUT ROWID, STRICT;
", "
    -- What was said of a version when it was committed here.
    CREATE TABLE said (artifact BLOB PRIMARY KEY, title TEXT NOT NULL, message TEXT NOT NULL) WITHOUT ROWID, STRICT;
", "
    -- What of the spent was for files.
    ALTER TABLE key ADD COLUMN files BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
", "
    -- What keys spent on each day, counted from 1970 (UTC).
    CREATE TABLE spent_on (
        key INTEGER NOT NULL, day INTEGER NOT NULL, amount BLOB NOT NULL, PRIMARY KEY (key, day)) WITHOUT ROWID, STRICT;
"];

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open = 0,
    Paid = 1,
    Refused = 2,
    Failed = 3,
}

impl State {
    fn from(number: i64) -> Self {
        match number {
            0 => Self::Open,
            1 => Self::Paid,
            2 => Self::Refused,
            _ => Self::Failed,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "running",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What the books know of an order.
#[derive(Debug)]
pub enum Found {
    /// It was never written down.
    Nothing,
    /// It ended long ago; only its id was kept.
    Forgotten,
    /// All of it.
    Whole(Box<Ordered>),
}

/// An order with what belongs to it.
#[derive(Debug, Clone)]
pub struct Ordered {
    pub key: Option<KeyId>,
    pub order: Signed<Order>,
    pub salt: [u8; 32],
    pub worst: Worst,
    pub created: u64,
    pub state: State,
    pub number: Option<u64>,
    pub receipt: Option<Signed<Receipt>>,
}

pub fn money(amount: Amount) -> [u8; 16] {
    amount.0.to_be_bytes()
}

pub fn amount(row: &Row<'_>, at: usize) -> rusqlite::Result<Amount> {
    row.get(at).map(|bytes| Amount(u128::from_be_bytes(bytes)))
}

/// What was set under a name.
pub fn setting<const N: usize>(books: &Books, name: &str) -> Result<Option<[u8; N]>, Error> {
    let query = "SELECT value FROM setting WHERE name = ?";
    Ok(books.read(|books| books.prepare_cached(query)?.query_row([name], |row| row.get(0)).optional())?)
}

/// Sets something.
pub fn put_setting(books: &Connection, name: &str, value: &[u8]) -> rusqlite::Result<()> {
    books.prepare_cached("INSERT OR REPLACE INTO setting VALUES (?, ?)")?.execute(params![name, value])?;
    Ok(())
}

/// Raises a key's budget. False if there is no such key.
pub fn raise(books: &Connection, key: KeyId, by: Amount) -> rusqlite::Result<bool> {
    let query = "SELECT budget FROM key WHERE id = ?";
    let budget = books.prepare_cached(query)?.query_row([key], |row| amount(row, 0)).optional()?;
    let Some(budget) = budget else { return Ok(false) };
    let sum = budget.plus(by).unwrap_or(budget);
    books.prepare_cached("UPDATE key SET budget = ? WHERE id = ?")?.execute(params![money(sum), key])?;
    Ok(true)
}

/// Adds to what a key spent, over all and on a day.
pub fn charge(books: &Connection, key: KeyId, cost: Amount) -> rusqlite::Result<()> {
    let day = (now() / DAY_MS).cast_signed();
    let query = "SELECT amount FROM spent_on WHERE key = ? AND day = ?";
    let spent = books.prepare_cached(query)?.query_row(params![key, day], |row| amount(row, 0)).optional()?;
    let spent = spent.unwrap_or_default();
    let insert = "INSERT OR REPLACE INTO spent_on VALUES (?, ?, ?)";
    books.prepare_cached(insert)?.execute(params![key, day, money(spent.plus(cost).unwrap_or(spent))])?;
    let spent = books.prepare_cached("SELECT spent FROM key WHERE id = ?")?.query_row([key], |row| amount(row, 0))?;
    let sum = spent.plus(cost).unwrap_or(spent);
    books.prepare_cached("UPDATE key SET spent = ? WHERE id = ?")?.execute(params![money(sum), key])?;
    Ok(())
}

/// What a key spent on each day from one on.
pub fn spent_since(books: &Books, key: KeyId, day: u64) -> Result<Vec<(u64, Amount)>, Error> {
    let query = "SELECT day, amount FROM spent_on WHERE key = ? AND day >= ?";
    Ok(books.read(|books| {
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), amount(row, 1)?));
        books.prepare_cached(query)?.query_map(params![key, day.cast_signed()], row)?.collect()
    })?)
}

pub fn put_order(books: &Connection, ordered: &Ordered) -> rusqlite::Result<()> {
    let insert = "INSERT INTO ordered (id, key, channel, bytes, salt, worst_key, worst_channel, created)
                  VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let body = &ordered.order.body;
    books.prepare_cached(insert)?.execute(params![
        body.id.0,
        ordered.key,
        body.channel.0,
        encode(&ordered.order),
        ordered.salt,
        money(ordered.worst.key),
        money(ordered.worst.channel),
        ordered.created.cast_signed(),
    ])?;
    Ok(())
}

/// Adds to what a key spent on files.
pub fn charge_for_file(books: &Connection, key: KeyId, cost: Amount) -> rusqlite::Result<()> {
    charge(books, key, cost)?;
    let files = books.prepare_cached("SELECT files FROM key WHERE id = ?")?.query_row([key], |row| amount(row, 0))?;
    let sum = files.plus(cost).unwrap_or(files);
    books.prepare_cached("UPDATE key SET files = ? WHERE id = ?")?.execute(params![money(sum), key])?;
    Ok(())
}

/// Ends an order that is open. An order that ended stays as it is. True if this ended it.
pub fn end_order(
    books: &Connection,
    id: OrderId,
    state: State,
    receipt: Option<&Signed<Receipt>>,
) -> rusqlite::Result<bool> {
    let update = "UPDATE ordered SET state = ?, number = ?, receipt = ? WHERE id = ? AND state = 0";
    let (number, bytes) = (receipt.map(|r| r.body.number.cast_signed()), receipt.map(encode));
    Ok(books.prepare_cached(update)?.execute(params![state as i64, number, bytes, id.0])? == 1)
}

/// An order that was signed, and lost before it was written down, was paid: from now on it is known.
pub fn put_lost(books: &Connection, receipt: &Signed<Receipt>, time: u64) -> rusqlite::Result<()> {
    let order = &receipt.body.order;
    let insert = "INSERT OR IGNORE INTO ordered
                  (id, channel, bytes, salt, worst_key, worst_channel, created, state, number, receipt)
                  VALUES (?, ?, ?, zeroblob(32), zeroblob(16), zeroblob(16), ?, ?, ?, ?)";
    books.prepare_cached(insert)?.execute(params![
        order.body.id.0,
        order.body.channel.0,
        encode(order),
        time.cast_signed(),
        State::Paid as i64,
        receipt.body.number.cast_signed(),
        encode(receipt),
    ])?;
    Ok(())
}

/// Forgets at most so many orders of a channel that ended, were made before a time, and stand under a settled number if they
/// have one: all but id, outcome and number. Gives how many.
pub fn forget(books: &Connection, channel: ChannelId, settled: u64, before: u64, most: u32) -> rusqlite::Result<u32> {
    let query = "SELECT id, number FROM ordered WHERE bytes <> x'' AND created < ?1 AND channel = ?2 AND state <> 0
                 AND (number IS NULL OR number <= ?3) LIMIT ?4";
    let settled = i64::try_from(settled).unwrap_or(i64::MAX);
    let rows: Vec<([u8; 16], Option<i64>)> = books
        .prepare_cached(query)?
        .query_map(params![before.cast_signed(), channel.0, settled, most], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, number) in &rows {
        // Written anew: a row that only shrinks leaves its page to itself.
        let order = "INSERT OR REPLACE INTO ordered (id, channel, bytes, salt, worst_key, worst_channel, created, state, number)
                     SELECT id, channel, x'', zeroblob(32), zeroblob(16), zeroblob(16), created, state, number
                     FROM ordered WHERE id = ?";
        books.prepare_cached(order)?.execute([id])?;
        let refusal = "UPDATE leaf SET refusal = NULL WHERE channel = ? AND number = ?";
        books.prepare_cached(refusal)?.execute(params![channel.0, number])?;
    }
    Ok(u32::try_from(rows.len()).unwrap_or(most))
}

pub fn put_leaf(
    books: &Connection,
    channel: ChannelId,
    number: u64,
    leaf: Digest,
    refusal: Option<&Signed<Refusal>>,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO leaf (channel, number, leaf, refusal) VALUES (?, ?, ?, ?)";
    books.prepare_cached(insert)?.execute(params![channel.0, number.cast_signed(), leaf.0, refusal.map(encode)])?;
    Ok(())
}

pub fn put_channel(
    books: &Connection,
    id: ChannelId,
    provider: ledger::AccountId,
    tally: &Tally,
) -> rusqlite::Result<()> {
    let insert = "INSERT OR IGNORE INTO channel (id, provider, tally) VALUES (?, ?, ?)";
    books.execute(insert, params![id.0, provider.0, encode(tally)])?;
    Ok(())
}

pub fn put_tally(books: &Connection, id: ChannelId, tally: &Tally) -> rusqlite::Result<()> {
    books.prepare_cached("UPDATE channel SET tally = ? WHERE id = ?")?.execute(params![encode(tally), id.0])?;
    Ok(())
}

pub fn put_voucher(books: &Connection, voucher: &Signed<Voucher>) -> rusqlite::Result<()> {
    let update = "UPDATE channel SET voucher = ? WHERE id = ?";
    books.prepare_cached(update)?.execute(params![encode(voucher), voucher.body.channel.0])?;
    Ok(())
}

/// The channels in doubt.
pub fn doubted(books: &Books) -> Result<HashSet<ChannelId>, Error> {
    Ok(books.read(|books| {
        books.prepare("SELECT channel FROM doubt")?.query_map([], |row| row.get(0).map(ChannelId))?.collect()
    })?)
}

/// A channel's newest voucher may be newer than the books.
pub fn put_doubt(books: &Connection, id: ChannelId) -> rusqlite::Result<()> {
    books.prepare_cached("INSERT OR IGNORE INTO doubt VALUES (?)")?.execute([id.0])?;
    Ok(())
}

/// It is not.
pub fn remove_doubt(books: &Connection, id: ChannelId) -> rusqlite::Result<()> {
    books.prepare_cached("DELETE FROM doubt WHERE channel = ?")?.execute([id.0])?;
    Ok(())
}

/// A channel as it was left.
pub struct Kept {
    pub id: ChannelId,
    pub tally: Tally,
    pub voucher: Option<Signed<Voucher>>,
}

pub fn channels(books: &Books) -> Result<Vec<Kept>, Error> {
    type Columns = ([u8; 32], Vec<u8>, Option<Vec<u8>>);
    let rows: Vec<Columns> = books.read(|books| {
        let mut query = books.prepare("SELECT id, tally, voucher FROM channel")?;
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    })?;
    let kept = |(id, tally, voucher): Columns| {
        Ok(Kept {
            id: ChannelId(id),
            tally: decode(&tally).map_err(|_| Error::Damaged("a tally"))?,
            voucher: voucher.map(|bytes| decode(&bytes)).transpose().map_err(|_| Error::Damaged("a voucher"))?,
        })
    };
    rows.into_iter().map(kept).collect()
}

/// A channel's newest voucher.
pub fn voucher(books: &Books, id: ChannelId) -> Result<Option<Signed<Voucher>>, Error> {
    let query = "SELECT voucher FROM channel WHERE id = ?";
    let bytes: Option<Option<Vec<u8>>> =
        books.read(|books| books.prepare_cached(query)?.query_row([id.0], |row| row.get(0)).optional())?;
    bytes.flatten().map(|bytes| decode(&bytes)).transpose().map_err(|_| Error::Damaged("a voucher"))
}

const ORDERED: &str = "SELECT key, bytes, salt, worst_key, worst_channel, created, state, number, receipt FROM ordered";

/// `None` for an order that was forgotten.
fn ordered(row: &Row<'_>) -> rusqlite::Result<Option<Ordered>> {
    let (bytes, receipt): (Vec<u8>, Option<Vec<u8>>) = (row.get(1)?, row.get(8)?);
    if bytes.is_empty() {
        return Ok(None);
    }
    let damaged = |_| rusqlite::Error::InvalidColumnType(1, "bytes".into(), rusqlite::types::Type::Blob);
    let order = decode(&bytes).map_err(damaged)?;
    Ok(Some(Ordered {
        key: row.get(0)?,
        order,
        salt: row.get(2)?,
        worst: Worst { key: amount(row, 3)?, channel: amount(row, 4)? },
        created: row.get::<_, i64>(5)?.cast_unsigned(),
        state: State::from(row.get(6)?),
        number: row.get::<_, Option<i64>>(7)?.map(i64::cast_unsigned),
        receipt: receipt.and_then(|bytes| decode(&bytes).ok()),
    }))
}

pub fn order(books: &Books, id: OrderId) -> Result<Found, Error> {
    let query = format!("{ORDERED} WHERE id = ?");
    let row = books.read(|books| books.prepare_cached(&query)?.query_row([id.0], ordered).optional())?;
    Ok(match row {
        None => Found::Nothing,
        Some(None) => Found::Forgotten,
        Some(Some(ordered)) => Found::Whole(Box::new(ordered)),
    })
}

pub fn open_orders(books: &Books) -> Result<Vec<Ordered>, Error> {
    let query = format!("{ORDERED} WHERE state = 0");
    let rows: Vec<Option<Ordered>> = books.read(|books| books.prepare(&query)?.query_map([], ordered)?.collect())?;
    Ok(rows.into_iter().flatten().collect())
}

/// The first `count` leaves of a channel.
pub fn leaves(books: &Books, channel: ChannelId, count: u64) -> Result<Vec<Digest>, Error> {
    let query = "SELECT leaf FROM leaf WHERE channel = ? AND number <= ? ORDER BY number";
    Ok(books.read(|books| {
        books
            .prepare_cached(query)?
            .query_map(params![channel.0, count.cast_signed()], |row| row.get(0).map(Digest))?
            .collect()
    })?)
}

/// The refusals of a channel after a number.
pub fn refusals(books: &Books, channel: ChannelId, after: u64) -> Result<Vec<Signed<Refusal>>, Error> {
    let query = "SELECT refusal FROM leaf WHERE channel = ? AND number > ? AND refusal IS NOT NULL ORDER BY number";
    let rows: Vec<Vec<u8>> = books.read(|books| {
        books.prepare_cached(query)?.query_map(params![channel.0, after.cast_signed()], |row| row.get(0))?.collect()
    })?;
    rows.iter().map(|bytes| decode(bytes).map_err(|_| Error::Damaged("a refusal"))).collect()
}

/// What was put into channels since a time, and when the first of it was.
pub fn topped_up(books: &Books, since: u64) -> Result<(Amount, Option<u64>), Error> {
    let query = "SELECT amount, time FROM top_up WHERE time >= ? ORDER BY time";
    let rows: Vec<(Amount, u64)> = books.read(|books| {
        let row = |row: &Row<'_>| Ok((amount(row, 0)?, row.get::<_, i64>(1)?.cast_unsigned()));
        books.prepare(query)?.query_map([since.cast_signed()], row)?.collect()
    })?;
    Ok((rows.iter().map(|(amount, _)| *amount).sum(), rows.first().map(|(_, time)| *time)))
}

/// Counts a deposit. Gives its row.
pub fn put_top_up(books: &Connection, time: u64, amount: Amount) -> rusqlite::Result<i64> {
    books.execute("DELETE FROM top_up WHERE time < ?", [time.saturating_sub(2 * 86_400_000).cast_signed()])?;
    books.execute("INSERT INTO top_up VALUES (?, ?)", params![time.cast_signed(), money(amount)])?;
    Ok(books.last_insert_rowid())
}

/// A deposit was not made.
pub fn remove_top_up(books: &Connection, row: i64) -> rusqlite::Result<()> {
    books.execute("DELETE FROM top_up WHERE rowid = ?", [row])?;
    Ok(())
}

#[cfg(test)]
mod tests;
