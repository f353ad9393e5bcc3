//! Transfers that came to the payer. One whose reference names an API key raises that key's budget, exactly once: budget and
//! the place in the log up to which transfers were seen change in one write. What names no key, or one that may not be used any
//! more, stays with the gateway's owner.

use api::income::{RECEIVED_MAX, Received};
use books::Books;
use ledger::{AccountId, Digest};
use rusqlite::params;
use serde::Serialize;

use crate::{
    error::Error,
    gateway::Buyer,
    money::KeyId,
    records::{self, money},
};

/// The setting that holds the entry from which on transfers were not seen.
const SEEN: &str = "transfers";
/// So many are shown.
const SHOWN: u32 = 100;

/// A transfer as the owner sees it.
#[derive(Debug, Serialize)]
pub struct TransferView {
    /// Its entry in the public log.
    entry: u64,
    /// Milliseconds since 1970.
    time: u64,
    /// Whose it was, by name or id.
    from: String,
    /// Credits.
    amount: String,
    reference: String,
    /// The API key that the reference names, if it is one here.
    key: Option<String>,
    /// Whether that key's budget was raised by it.
    raised: bool,
}

impl Buyer {
    /// Looks for new transfers. The first time, those that came before do not count.
    pub async fn watch_transfers(&self) -> Result<(), Error> {
        let _turn = self.watching.lock().await;
        let Some(seen) = records::setting(&self.books, SEEN)? else {
            let size = self.config.ledger.head().await?.head.size;
            return Ok(self.books.write_synced(move |books| put_seen(books, size)).await?);
        };
        let mut from = u64::from_be_bytes(seen);
        loop {
            let transfers = self.config.ledger.received(self.config.payer.id(), from).await?;
            let full = transfers.len() >= RECEIVED_MAX;
            for transfer in transfers {
                from = transfer.entry.saturating_add(1);
                self.take_transfer(transfer).await?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn take_transfer(&self, transfer: Received) -> Result<(), Error> {
        let named = self.keys.of_reference(transfer.reference);
        let (key, raise) = (named.map(|(key, _)| key), named.filter(|(_, usable)| *usable).map(|(key, _)| key));
        let amount = transfer.amount;
        let write = move |books: &rusqlite::Connection| {
            let raised = match raise {
                Some(key) => records::raise(books, key, amount)?,
                None => false,
            };
            put(books, &transfer, key, raised)?;
            put_seen(books, transfer.entry.saturating_add(1))?;
            Ok(raised)
        };
        let raised = self.books.write_synced(write).await?;
        if let Some(key) = raise.filter(|_| raised) {
            self.money.raise(key, amount);
        }
        Ok(())
    }

    /// The newest transfers.
    pub fn transfers(&self) -> Result<Vec<TransferView>, Error> {
        let shelf = self.catalog.shelf();
        let view = |(transfer, key, raised): (Received, Option<KeyId>, bool)| TransferView {
            entry: transfer.entry,
            time: transfer.at.0,
            from: shelf.names.account(transfer.from),
            amount: transfer.amount.to_string(),
            reference: transfer.reference.to_string(),
            key: key.map(|key| format!("key_{key}")),
            raised,
        };
        Ok(newest(&self.books)?.into_iter().map(view).collect())
    }
}

fn put(books: &rusqlite::Connection, transfer: &Received, key: Option<KeyId>, raised: bool) -> rusqlite::Result<()> {
    let insert =
        "INSERT INTO transfer (entry, time, sender, amount, reference, key, raised) VALUES (?, ?, ?, ?, ?, ?, ?)";
    books.prepare_cached(insert)?.execute(params![
        transfer.entry.cast_signed(),
        transfer.at.0.cast_signed(),
        transfer.from.0,
        money(transfer.amount),
        transfer.reference.0,
        key,
        raised
    ])?;
    Ok(())
}

fn put_seen(books: &rusqlite::Connection, entry: u64) -> rusqlite::Result<()> {
    records::put_setting(books, SEEN, &entry.to_be_bytes())
}

fn newest(books: &Books) -> Result<Vec<(Received, Option<KeyId>, bool)>, Error> {
    let query = "SELECT entry, time, sender, amount, reference, key, raised FROM transfer ORDER BY entry DESC LIMIT ?";
    Ok(books.read(|books| {
        let row = |row: &rusqlite::Row<'_>| {
            let received = Received {
                entry: row.get::<_, i64>(0)?.cast_unsigned(),
                at: ledger::Time(row.get::<_, i64>(1)?.cast_unsigned()),
                from: AccountId(row.get(2)?),
                amount: records::amount(row, 3)?,
                reference: Digest(row.get(4)?),
            };
            Ok((received, row.get(5)?, row.get(6)?))
        };
        books.prepare_cached(query)?.query_map([SHOWN], row)?.collect()
    })?)
}
