//! What the index is asked.

use ledger::{AccountId, Amount, ArtifactId, ChannelId, Digest, Head, Outcome, Reject, Usage};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Index, Thing, sql, unsql};
use crate::Error;

/// What the index knows of an operation beside its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub entry: u64,
    pub answer: Result<Outcome, Reject>,
}

/// Which operations are wanted, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    /// Only those that concern this.
    pub thing: Option<Thing>,
    /// Only those before this entry.
    pub before: Option<u64>,
    /// Not more than so many.
    pub limit: u32,
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
        let select = "SELECT entry, result, outcome FROM operations JOIN things ON account = id WHERE thing = ? AND sequence = ?";
        let by = params![Thing::Account(account).bytes(), sql(sequence)];
        Ok(self.books.read(|books| books.prepare_cached(select)?.query_row(by, known).optional())?)
    }

    /// The operation of an entry.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn entry(&self, entry: u64) -> Result<Option<Known>, Error> {
        let select = "SELECT entry, result, outcome FROM operations WHERE entry = ?";
        Ok(self.books.read(|books| books.prepare_cached(select)?.query_row([sql(entry)], known).optional())?)
    }

    /// Operations, newest first.
    ///
    /// # Errors
    /// [`Error::Index`].
    pub(crate) fn operations(&self, filter: Filter) -> Result<Vec<Known>, Error> {
        let before = sql(filter.before.unwrap_or(u64::MAX));
        Ok(self.books.read(|books| match filter.thing {
            Some(thing) => books
                .prepare_cached(
                    "SELECT entry, result, outcome FROM concerns JOIN operations USING (entry)
                     WHERE thing = (SELECT id FROM things WHERE thing = ?) AND entry < ? ORDER BY entry DESC LIMIT ?",
                )?
                .query_map(params![thing.bytes(), before, filter.limit], known)?
                .collect(),
            None => books
                .prepare_cached(
                    "SELECT entry, result, outcome FROM operations WHERE entry < ? ORDER BY entry DESC LIMIT ?",
                )?
                .query_map(params![before, filter.limit], known)?
                .collect(),
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
    pub(crate) fn received(&self, account: AccountId, from: u64, limit: u32) -> Result<Vec<u64>, Error> {
        let select = "SELECT entry FROM concerns WHERE thing = (SELECT id FROM things WHERE thing = ?) AND entry >= ?
                      AND received ORDER BY entry LIMIT ?";
        let by = params![Thing::Account(account).bytes(), sql(from), limit];
        Ok(self
            .books
            .read(|books| books.prepare_cached(select)?.query_map(by, |row| row.get(0).map(unsql))?.collect())?)
    }
}

fn day(row: &Row) -> rusqlite::Result<(u64, Usage, Amount)> {
    let usage = Usage { input: unsql(row.get(1)?), output: unsql(row.get(2)?) };
    Ok((unsql(row.get(0)?), usage, Amount(u128::from_be_bytes(row.get(3)?))))
}

fn known(row: &Row) -> rusqlite::Result<Known> {
    let damaged = || rusqlite::Error::IntegralValueOutOfRange(1, row.get(1).unwrap_or_default());
    let outcome: Option<Vec<u8>> = row.get(2)?;
    let answer = match outcome {
        Some(outcome) => Ok(ledger::decode(&outcome).map_err(|_| damaged())?),
        None => Err(Reject::from_number(row.get(1)?).ok_or_else(damaged)?),
    };
    Ok(Known { entry: unsql(row.get(0)?), answer })
}
