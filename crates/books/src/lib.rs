//! One SQLite file of one owner: its books. Writes are grouped: many callers share one commit, and one sync if anybody
//! asks for it. Whoever writes is answered only after the commit.

use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
    thread::JoinHandle,
};
use tokio::sync::{mpsc, oneshot};

/// Most writes in one commit.
const GROUP_MAX: usize = 1_024;

/// Why the books could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite's word.
    #[error("the books at {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Written by a later version.
    #[error("the books at {path} have version {found}, and this program knows up to {known}: use a newer program")]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// The writer is gone: an earlier write failed for good.
    #[error("the books at {0} are closed after an earlier failure; restart once its cause is mended")]
    Closed(PathBuf),
}

type Job = Box<dyn FnOnce(&Connection) -> Result<Answer, rusqlite::Error> + Send>;
/// Called after the commit, or with its failure.
type Answer = Box<dyn FnOnce(Result<(), rusqlite::Error>) + Send>;

struct Write {
    job: Job,
    synced: bool,
}

/// Books that are open. Dropping them waits for the writes under way.
pub struct Books {
    path: PathBuf,
    writes: Option<mpsc::UnboundedSender<Write>>,
    writer: Option<JoinHandle<()>>,
    reader: Mutex<Connection>,
}

impl Books {
    /// Opens or makes the file and brings its tables up to date: `migrations[i]` leads from version i to i + 1.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::TooNew`].
    pub fn open(path: &Path, migrations: &[&str]) -> Result<Self, Error> {
        let failed = |source| Error::Sqlite { path: path.to_owned(), source };
        let mut connection = connect(path).map_err(failed)?;
        let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        if found > migrations.len() {
            return Err(Error::TooNew { path: path.to_owned(), found, known: migrations.len() });
        }
        for (version, sql) in (1u32..).zip(migrations).skip(found) {
            let tx = connection.transaction().map_err(failed)?;
            tx.execute_batch(sql).map_err(failed)?;
            tx.pragma_update(None, "user_version", version).map_err(failed)?;
            tx.commit().map_err(failed)?;
        }
        let reader = Mutex::new(connect(path).map_err(failed)?);
        let (writes, queue) = mpsc::unbounded_channel();
        let spawned = std::thread::Builder::new().name("books".into()).spawn(move || write_all(connection, queue));
        let writer = spawned.expect("the system has no thread left");
        Ok(Self { path: path.to_owned(), writes: Some(writes), writer: Some(writer), reader })
    }

    /// Writes; returns after the commit, which a killed process does not lose.
    ///
    /// # Errors
    /// [`Error::Sqlite`]: nothing of this write was kept.
    pub async fn write<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.send(job, false).await
    }

    /// Writes; returns after commit and sync, which a power failure does not lose either.
    ///
    /// # Errors
    /// [`Error::Sqlite`]: nothing of this write was kept.
    pub async fn write_synced<T, F>(&self, job: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.send(job, true).await
    }

    async fn send<T, F>(&self, job: F, synced: bool) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |tx| match job(tx) {
            Ok(value) => Ok(Box::new(move |committed: Result<(), _>| drop(tell.send(committed.map(|()| value))))),
            Err(error) => {
                let answer: Answer = Box::new(move |_| drop(tell.send(Err(error))));
                answer(Ok(()));
                Err(rusqlite::Error::ExecuteReturnedResults)
            }
        });
        let sent = self.writes.as_ref().map(|writes| writes.send(Write { job, synced }));
        if !matches!(sent, Some(Ok(()))) {
            return Err(Error::Closed(self.path.clone()));
        }
        let answer = told.await.map_err(|_| Error::Closed(self.path.clone()))?;
        answer.map_err(|source| Error::Sqlite { path: self.path.clone(), source })
    }

    /// Reads what was committed. Keep it short: readers take turns.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        query(&reader).map_err(|source| Error::Sqlite { path: self.path.clone(), source })
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        drop(self.writes.take());
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

/// Copies books as they are now into a new file. Whoever has them open may go on writing.
///
/// # Errors
/// [`Error::Sqlite`].
pub fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let copy = || {
        let connection = Connection::open(from)?;
        connection.busy_timeout(std::time::Duration::from_secs(30))?;
        connection.execute("VACUUM INTO ?", [to.to_string_lossy()])
    };
    copy().map(drop).map_err(|source| Error::Sqlite { path: from.to_owned(), source })
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The writer's thread: takes what waits, commits it together, answers everybody.
fn write_all(mut connection: Connection, mut queue: mpsc::UnboundedReceiver<Write>) {
    let (mut group, mut syncs) = (Vec::new(), None);
    while let Some(first) = queue.blocking_recv() {
        group.push(first);
        while group.len() < GROUP_MAX
            && let Ok(next) = queue.try_recv()
        {
            group.push(next);
        }
        if let Err(error) = commit(&mut connection, &mut group, &mut syncs) {
            tracing::error!(%error, "the books cannot be written");
        }
    }
}

/// Commits a group, with a sync if one of it asks for that. `syncs` is what the connection is set to, if that is known.
fn commit(connection: &mut Connection, group: &mut Vec<Write>, syncs: &mut Option<bool>) -> rusqlite::Result<()> {
    let synced = group.iter().any(|write| write.synced);
    if syncs.replace(synced) != Some(synced) {
        connection
            .pragma_update(None, "synchronous", if synced { "FULL" } else { "NORMAL" })
            .inspect_err(|_| *syncs = None)?;
    }
    let mut answers = Vec::with_capacity(group.len());
    let mut tx = connection.transaction()?;
    for write in group.drain(..) {
        let savepoint = tx.savepoint()?;
        // A failed job has told its caller; only its own changes are undone.
        if let Ok(answer) = (write.job)(&savepoint) {
            savepoint.commit()?;
            answers.push(answer);
        }
    }
    match tx.commit() {
        Ok(()) => answers.into_iter().for_each(|answer| answer(Ok(()))),
        Err(error) => {
            let text = error.to_string();
            for answer in answers {
                answer(Err(rusqlite::Error::ToSqlConversionFailure(text.clone().into())));
            }
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
