//! What the index is asked.

use ledger::{AccountId, Amount, ArtifactId, ChannelId, Digest, Head, Usage};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Index, Known, Thing, answers, runs, sql, things, unsql};
use crate::Error;

/// Which operations are wanted, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    /// Only those that concern this.
    pub thing: Option<Thing>,
    /// Only those before this entry.
    pub before: Option<u64>,
    /// Not more than so many.
    pub limit: usize,
}

impl Index {
    /// How much of the log is known; size 0 if nothing is.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn head(&self) -> Result<Head, Error> {
        let read = |row: &Row| Ok(Head { size: unsql(row.get(0)?), root: Digest(row.get(1)?) });
        Ok(self.books.read(|books| books.query_row("SELECT entries, root FROM progress", [], read))?)
    }

    /// An account's operation.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn operation(&self, account: AccountId, sequence: u64) -> Result<Option<Known>, Error> {
        Ok(self.books.read(|books| {
            let Some(account) = things::number(books, Thing::Account(account))? else { return Ok(None) };
            let entry = runs::made(books, account, sequence)?;
            Ok(answers::of(books, entry.as_slice())?.pop())
        })?)
    }

    /// The operation of an entry.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn entry(&self, entry: u64) -> Result<Option<Known>, Error> {
        Ok(self.books.read(|books| Ok(answers::of(books, &[entry])?.pop()))?)
    }

    /// Operations, newest first.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn operations(&self, filter: Filter) -> Result<Vec<Known>, Error> {
        let Filter { thing, before, limit } = filter;
        let before = before.unwrap_or(u64::MAX);
        Ok(self.books.read(|books| {
            let Some(thing) = thing else { return answers::newest(books, before, limit) };
            let Some(thing) = things::number(books, thing)? else { return Ok(Vec::new()) };
            answers::of(books, &runs::newest(books, thing, before, limit)?)
        })?)
    }

    /// The entry of the first settlement that covers a receipt.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn settled(&self, channel: ChannelId, number: u64) -> Result<Option<u64>, Error> {
        let select = "SELECT entry FROM settlements WHERE channel = ? AND number >= ? ORDER BY number LIMIT 1";
        let by = params![channel.0, sql(number)];
        Ok(self
            .books
            .read(|books| books.prepare_cached(select)?.query_row(by, |row| row.get(0).map(unsql)).optional())?)
    }

    /// An artifact's newest days: days since 1970, tokens of answers that it ran, and what its pot received.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn days(&self, artifact: ArtifactId, limit: u32) -> Result<Vec<(u64, Usage, Amount)>, Error> {
        let select = "SELECT day, input, output, earned FROM days WHERE artifact = ? ORDER BY day DESC LIMIT ?";
        let by = params![artifact.0, limit];
        Ok(self.books.read(|books| books.prepare_cached(select)?.query_map(by, day)?.collect())?)
    }

    /// An artifact's days from `first` on, newest first, as [`Self::days`] gives them.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn days_since(&self, artifact: ArtifactId, first: u64) -> Result<Vec<(u64, Usage, Amount)>, Error> {
        let select = "SELECT day, input, output, earned FROM days WHERE artifact = ? AND day >= ? ORDER BY day DESC";
        let by = params![artifact.0, sql(first)];
        Ok(self.books.read(|books| books.prepare_cached(select)?.query_map(by, day)?.collect())?)
    }

    /// How many entries of the log are known, and tokens of all settled answers in them by the artifact that ran them.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn used(&self) -> Result<(u64, Vec<(ArtifactId, Usage)>), Error> {
        let row = |row: &Row| {
            let usage = Usage { input: unsql(row.get(1)?), output: unsql(row.get(2)?) };
            Ok((Digest(row.get(0)?), usage))
        };
        Ok(self.books.read(|books| {
            // Both as of one moment.
            let books = books.unchecked_transaction()?;
            let entries = books.query_row("SELECT entries FROM progress", [], |row| row.get(0))?;
            let mut used = books.prepare_cached("SELECT artifact, input, output FROM used")?;
            Ok((unsql(entries), used.query_map([], row)?.collect::<rusqlite::Result<_>>()?))
        })?)
    }

    /// A provider's days from `first` on, newest first: tokens of its answers, and its fees.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn fees_since(&self, provider: AccountId, first: u64) -> Result<Vec<(u64, Usage, Amount)>, Error> {
        let select = "SELECT day, input, output, fee FROM fee_days WHERE provider = ? AND day >= ? ORDER BY day DESC";
        let by = params![provider.0, sql(first)];
        Ok(self.books.read(|books| books.prepare_cached(select)?.query_map(by, day)?.collect())?)
    }

    /// The entries of the transfers to an account from entry `from` on, oldest first.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn received(&self, account: AccountId, from: u64, limit: usize) -> Result<Vec<u64>, Error> {
        Ok(self.books.read(|books| match things::number(books, Thing::Account(account))? {
            Some(account) => runs::received(books, account, from, limit),
            None => Ok(Vec::new()),
        })?)
    }
}

fn day(row: &Row) -> rusqlite::Result<(u64, Usage, Amount)> {
    let usage = Usage { input: unsql(row.get(1)?), output: unsql(row.get(2)?) };
    Ok((unsql(row.get(0)?), usage, Amount(u128::from_be_bytes(row.get(3)?))))
}
