//! The provider's books: what must survive. Money is not kept here; it follows from receipts and prices.

use books::Books;
use ledger::{
    AccountId, Amount, ChannelId, Offer, OfferId, Order, OrderId, Receipt, Refusal, Signed, Tally, Voucher, decode,
    encode,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use std::collections::HashMap;

use crate::{channel::Lost, error::Error};

pub const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE channel (id BLOB PRIMARY KEY, tally BLOB NOT NULL, voucher BLOB) WITHOUT ROWID, STRICT;
    -- `bytes` is the signed receipt; after settlement and retention only the leaf stays.
    CREATE TABLE receipt (
        channel BLOB NOT NULL, number INTEGER NOT NULL, leaf BLOB NOT NULL, time INTEGER NOT NULL, bytes BLOB,
        PRIMARY KEY (channel, number)) WITHOUT ROWID, STRICT;
    CREATE TABLE refusal (
        channel BLOB NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL,
        PRIMARY KEY (channel, number)) WITHOUT ROWID, STRICT;
    -- `number` is the receipt's; without one the order failed or is being answered.
    CREATE TABLE taken (
        channel BLOB NOT NULL, id BLOB NOT NULL, expires INTEGER NOT NULL, number INTEGER,
        PRIMARY KEY (channel, id)) WITHOUT ROWID, STRICT;
    CREATE TABLE offer (id BLOB PRIMARY KEY, terms BLOB NOT NULL UNIQUE) WITHOUT ROWID, STRICT;
",
    "
    -- What was left unpaid in channels that are gone.
    CREATE TABLE debt (
        channel BLOB PRIMARY KEY, payer BLOB NOT NULL, cost BLOB NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID, STRICT;
",
    crate::offers::MIGRATION,
];

/// An order was taken. False if it was taken before.
pub fn take_order(books: &Connection, order: &Order) -> rusqlite::Result<bool> {
    let insert = "INSERT OR IGNORE INTO taken (channel, id, expires) VALUES (?, ?, ?)";
    let count =
        books.prepare_cached(insert)?.execute(params![order.channel.0, order.id.0, order.expires.0.cast_signed()])?;
    Ok(count == 1)
}

/// An order was answered. Refused if the receipt before it was not kept: a gap would never be filled.
pub fn put_receipt(books: &Connection, receipt: &Signed<Receipt>) -> rusqlite::Result<()> {
    let (body, order) = (&receipt.body, &receipt.body.order.body);
    let before = "SELECT 1 FROM receipt WHERE channel = ? AND number = ?";
    if body.number > 1 {
        books.prepare_cached(before)?.query_row(params![order.channel.0, body.number.cast_signed() - 1], |_| Ok(()))?;
    }
    let insert = "INSERT INTO receipt (channel, number, leaf, time, bytes) VALUES (?, ?, ?, ?, ?)";
    let (number, time) = (body.number.cast_signed(), body.time.0.cast_signed());
    books.prepare_cached(insert)?.execute(params![
        order.channel.0,
        number,
        receipt.digest().0,
        time,
        encode(receipt)
    ])?;
    // It may have expired, and been forgotten, while it was answered.
    let taken = "INSERT INTO taken (channel, id, expires, number) VALUES (?, ?, ?, ?)
                 ON CONFLICT (channel, id) DO UPDATE SET number = excluded.number";
    books.prepare_cached(taken)?.execute(params![
        order.channel.0,
        order.id.0,
        order.expires.0.cast_signed(),
        number
    ])?;
    Ok(())
}

/// A voucher was accepted, with these refusals under its root.
pub fn put_voucher(
    books: &Connection,
    voucher: &Signed<Voucher>,
    tally: &Tally,
    refusals: &[Signed<Refusal>],
) -> rusqlite::Result<()> {
    let channel = voucher.body.channel.0;
    let upsert = "INSERT OR REPLACE INTO channel (id, tally, voucher) VALUES (?, ?, ?)";
    books.prepare_cached(upsert)?.execute(params![channel, encode(tally), encode(voucher)])?;
    for refusal in refusals {
        let insert = "INSERT OR IGNORE INTO refusal (channel, number, bytes) VALUES (?, ?, ?)";
        books.prepare_cached(insert)?.execute(params![channel, refusal.body.number.cast_signed(), encode(refusal)])?;
    }
    Ok(())
}

/// Forgets orders that expired and have no receipt; and of settled numbers the orders, and the receipts that are older than the
/// retention. `settled` names the channels that are on the ledger; nothing of others will ever be settled.
pub fn forget(
    books: &Connection,
    now: u64,
    retention_ms: u64,
    settled: &HashMap<ChannelId, u64>,
) -> rusqlite::Result<()> {
    let (now, before) = (now.cast_signed(), now.saturating_sub(retention_ms).cast_signed());
    books.execute("DELETE FROM taken WHERE expires < ? AND number IS NULL", [now])?;
    let mut channels = books.prepare("SELECT DISTINCT channel FROM receipt")?;
    for channel in channels.query_map([], |row| row.get(0).map(ChannelId))? {
        let channel = channel?;
        let number = settled.get(&channel).map_or(i64::MAX, |number| number.cast_signed());
        books.execute(
            "DELETE FROM taken WHERE channel = ? AND expires < ? AND number <= ?",
            params![channel.0, now, number],
        )?;
        // A row that only shrinks leaves its page to itself, and no later number comes there: it is written anew.
        let old = "DELETE FROM receipt WHERE channel = ? AND time < ? AND number <= ? AND bytes IS NOT NULL
                   RETURNING number, leaf, time";
        let leaves: Vec<(i64, [u8; 32], i64)> = books
            .prepare_cached(old)?
            .query_map(params![channel.0, before, number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let mut insert =
            books.prepare_cached("INSERT INTO receipt (channel, number, leaf, time) VALUES (?, ?, ?, ?)")?;
        for (number, leaf, time) in leaves {
            insert.execute(params![channel.0, number, leaf, time])?;
        }
    }
    Ok(())
}

/// A channel is gone, and this was left unpaid in it.
pub fn put_debt(books: &Connection, channel: ChannelId, payer: AccountId, lost: Lost) -> rusqlite::Result<()> {
    let insert = "INSERT OR REPLACE INTO debt (channel, payer, cost, time) VALUES (?, ?, ?, ?)";
    books.execute(insert, params![channel.0, payer.0, lost.cost.0.to_be_bytes(), lost.time.cast_signed()])?;
    Ok(())
}

/// What was left unpaid in channels that are gone, and by whom.
pub fn debts(books: &Books) -> Result<Vec<(AccountId, Lost)>, Error> {
    Ok(books.read(|books| {
        let mut query = books.prepare("SELECT payer, cost, time FROM debt")?;
        let debt = |row: &rusqlite::Row<'_>| {
            let cost = Amount(u128::from_be_bytes(row.get(1)?));
            Ok((AccountId(row.get(0)?), Lost { cost, time: row.get::<_, i64>(2)?.cast_unsigned() }))
        };
        query.query_map([], debt)?.collect()
    })?)
}

/// The receipts of a channel that the payer refused.
pub fn refused(books: &Books, id: ChannelId) -> Result<Vec<Signed<Receipt>>, Error> {
    let query = "SELECT receipt.bytes FROM refusal JOIN receipt USING (channel, number)
                 WHERE channel = ? AND receipt.bytes IS NOT NULL ORDER BY number";
    let rows: Vec<Vec<u8>> =
        books.read(|books| books.prepare_cached(query)?.query_map([id.0], |row| row.get(0))?.collect())?;
    rows.iter().map(|bytes| decode(bytes).map_err(|_| Error::Damaged("a receipt"))).collect()
}

/// The refusals of a channel after a number, in order.
pub fn refusals(books: &Books, id: ChannelId, after: u64) -> Result<Vec<Signed<Refusal>>, Error> {
    let query = "SELECT bytes FROM refusal WHERE channel = ? AND number > ? ORDER BY number";
    let rows: Vec<Vec<u8>> = books.read(|books| {
        books.prepare_cached(query)?.query_map(params![id.0, after.cast_signed()], |row| row.get(0))?.collect()
    })?;
    rows.iter().map(|bytes| decode(bytes).map_err(|_| Error::Damaged("a refusal"))).collect()
}

/// A channel's tally, and its newest voucher.
pub type Vouched = (Tally, Option<Signed<Voucher>>);

/// What is known of a channel.
pub fn channel(books: &Books, id: ChannelId) -> Result<Option<Vouched>, Error> {
    let row = books.read(|books| {
        let mut query = books.prepare_cached("SELECT tally, voucher FROM channel WHERE id = ?")?;
        query.query_row([id.0], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))).optional()
    })?;
    let Some((tally, voucher)) = row else { return Ok(None) };
    let tally = decode(&tally).map_err(|_| Error::Damaged("a tally"))?;
    let voucher = voucher.map(|bytes| decode(&bytes)).transpose().map_err(|_| Error::Damaged("a voucher"))?;
    Ok(Some((tally, voucher)))
}

/// The channels that have receipts or vouchers.
pub fn channels(books: &Books) -> Result<Vec<ChannelId>, Error> {
    let query = "SELECT DISTINCT channel FROM receipt UNION SELECT id FROM channel";
    Ok(books.read(|books| books.prepare(query)?.query_map([], |row| row.get(0).map(ChannelId))?.collect())?)
}

/// A channel's receipts from a number on, in order, at most so many.
pub fn receipts(books: &Books, id: ChannelId, from: u64, most: u32) -> Result<Vec<Signed<Receipt>>, Error> {
    let rows: Vec<Vec<u8>> = books.read(|books| {
        let query =
            "SELECT bytes FROM receipt WHERE channel = ? AND number >= ? AND bytes IS NOT NULL ORDER BY number LIMIT ?";
        books.prepare_cached(query)?.query_map(params![id.0, from.cast_signed(), most], |row| row.get(0))?.collect()
    })?;
    rows.iter().map(|bytes| decode(bytes).map_err(|_| Error::Damaged("a receipt"))).collect()
}

/// What became of an order: none if it was never taken, `Some(None)` if it has no receipt.
pub fn order(books: &Books, channel: ChannelId, id: OrderId) -> Result<Option<Option<Signed<Receipt>>>, Error> {
    let row = books.read(|books| {
        let query =
            "SELECT receipt.bytes FROM taken LEFT JOIN receipt USING (channel, number) WHERE channel = ? AND id = ?";
        books
            .prepare_cached(query)?
            .query_row(params![channel.0, id.0], |row| row.get::<_, Option<Vec<u8>>>(0))
            .optional()
    })?;
    let decoded = |bytes: Vec<u8>| decode(&bytes).map_err(|_| Error::Damaged("a receipt"));
    row.map(|bytes| bytes.map(decoded).transpose()).transpose()
}

/// The offer that was made with these terms.
pub fn offer(books: &Books, terms: &Offer) -> Result<Option<OfferId>, Error> {
    let terms = encode(terms);
    Ok(books.read(|books| {
        books.query_row("SELECT id FROM offer WHERE terms = ?", [terms], |row| row.get(0).map(OfferId)).optional()
    })?)
}

/// An offer was made.
pub fn put_offer(books: &Connection, id: OfferId, terms: &Offer) -> rusqlite::Result<()> {
    books.execute("INSERT OR REPLACE INTO offer (id, terms) VALUES (?, ?)", params![id.0, encode(terms)])?;
    Ok(())
}

#[cfg(test)]
mod tests;
