//! The provider's books: what must survive. Money is not kept here; it follows from receipts and prices.

use books::Books;
use ledger::{ChannelId, Offer, OfferId, Order, OrderId, Receipt, Refusal, Signed, Tally, Voucher, decode, encode};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Error;

pub const MIGRATIONS: &[&str] = &["
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
"];

/// An order was taken. False if it was taken before.
pub fn take_order(books: &Connection, order: &Order) -> rusqlite::Result<bool> {
    let insert = "INSERT OR IGNORE INTO taken (channel, id, expires) VALUES (?, ?, ?)";
    let count = books.prepare_cached(insert)?.execute(params![order.channel.0, order.id.0, order.expires.0.cast_signed()])?;
    Ok(count == 1)
}

/// An order was answered.
pub fn put_receipt(books: &Connection, receipt: &Signed<Receipt>) -> rusqlite::Result<()> {
    let (body, order) = (&receipt.body, &receipt.body.order.body);
    let insert = "INSERT INTO receipt (channel, number, leaf, time, bytes) VALUES (?, ?, ?, ?, ?)";
    let (number, time) = (body.number.cast_signed(), body.time.0.cast_signed());
    books.prepare_cached(insert)?.execute(params![order.channel.0, number, receipt.digest().0, time, encode(receipt)])?;
    let update = "UPDATE taken SET number = ? WHERE channel = ? AND id = ?";
    books.prepare_cached(update)?.execute(params![number, order.channel.0, order.id.0])?;
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

/// Forgets orders that expired, and the receipts of settled numbers that are older than the retention.
pub fn forget(books: &Connection, now: u64, retention_ms: u64) -> rusqlite::Result<()> {
    books.execute("DELETE FROM taken WHERE expires < ?", [now.cast_signed()])?;
    let old = "UPDATE receipt SET bytes = NULL WHERE bytes IS NOT NULL AND time < ? AND number <= ?2 AND channel = ?3";
    let mut channels = books.prepare("SELECT id, voucher FROM channel WHERE voucher IS NOT NULL")?;
    let rows = channels.query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    for row in rows {
        let (channel, voucher) = row?;
        if let Ok(voucher) = decode::<Signed<Voucher>>(&voucher) {
            let (before, number) = (now.saturating_sub(retention_ms), voucher.body.number);
            books.execute(old, params![before.cast_signed(), number.cast_signed(), channel])?;
        }
    }
    Ok(())
}

/// What is known of a channel: tally and newest voucher.
pub fn channel(books: &Books, id: ChannelId) -> Result<Option<(Tally, Option<Signed<Voucher>>)>, Error> {
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
        let query = "SELECT bytes FROM receipt WHERE channel = ? AND number >= ? AND bytes IS NOT NULL ORDER BY number LIMIT ?";
        books.prepare_cached(query)?.query_map(params![id.0, from.cast_signed(), most], |row| row.get(0))?.collect()
    })?;
    rows.iter().map(|bytes| decode(bytes).map_err(|_| Error::Damaged("a receipt"))).collect()
}

/// What became of an order: none if it was never taken, `Some(None)` if it has no receipt.
pub fn order(books: &Books, channel: ChannelId, id: OrderId) -> Result<Option<Option<Signed<Receipt>>>, Error> {
    let row = books.read(|books| {
        let query = "SELECT receipt.bytes FROM taken LEFT JOIN receipt USING (channel, number) WHERE channel = ? AND id = ?";
        books.prepare_cached(query)?.query_row(params![channel.0, id.0], |row| row.get::<_, Option<Vec<u8>>>(0)).optional()
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
