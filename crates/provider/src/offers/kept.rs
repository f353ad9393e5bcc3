//! What is offered here, in the books: the next start offers it again.

use books::Books;
use ledger::ArtifactId;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{path::Path, time::UNIX_EPOCH};

use super::Plan;
use crate::Error;

/// The tables of this file.
pub const MIGRATION: &str = "
    -- What is offered here, as JSON, in the order in which it came. `leaving` is 1 while it is being taken back.
    CREATE TABLE serving (
        place INTEGER PRIMARY KEY, artifact BLOB NOT NULL UNIQUE, plan TEXT NOT NULL, leaving INTEGER NOT NULL DEFAULT 0)
        STRICT;
    -- Files that became artifacts, as they were then.
    CREATE TABLE file (
        path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, modified_ns TEXT NOT NULL, artifact BLOB NOT NULL)
        WITHOUT ROWID, STRICT;
";

/// Something is offered from now on, or under other terms.
pub fn put(books: &Connection, plan: &Plan) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO serving (artifact, plan) VALUES (?, ?)
                  ON CONFLICT (artifact) DO UPDATE SET plan = excluded.plan, leaving = 0";
    let text = serde_json::to_string(plan).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    books.execute(upsert, params![plan.artifact.0, text]).map(drop)
}

/// Something is being taken back.
pub fn leave(books: &Connection, artifact: ArtifactId) -> rusqlite::Result<()> {
    books.execute("UPDATE serving SET leaving = 1 WHERE artifact = ?", [artifact.0]).map(drop)
}

/// Something is not offered any more.
pub fn remove(books: &Connection, artifact: ArtifactId) -> rusqlite::Result<()> {
    books.execute("DELETE FROM serving WHERE artifact = ?", [artifact.0]).map(drop)
}

/// Everything that is offered here, in the order in which it came.
pub fn plans(books: &Books) -> Result<Vec<Plan>, Error> {
    let query = "SELECT plan FROM serving WHERE leaving = 0 ORDER BY place";
    let texts: Vec<String> = books.read(|books| books.prepare(query)?.query_map([], |row| row.get(0))?.collect())?;
    texts.iter().map(|text| read(text)).collect()
}

/// What was being taken back when the process ended.
pub fn leaving(books: &Books) -> Result<Vec<ArtifactId>, Error> {
    let query = "SELECT artifact FROM serving WHERE leaving = 1";
    Ok(books.read(|books| books.prepare(query)?.query_map([], |row| row.get(0).map(ledger::Digest))?.collect())?)
}

/// How an artifact is offered.
pub fn plan(books: &Books, artifact: ArtifactId) -> Result<Option<Plan>, Error> {
    let query = "SELECT plan FROM serving WHERE artifact = ? AND leaving = 0";
    let text: Option<String> = books.read(|books| books.query_row(query, [artifact.0], |row| row.get(0)).optional())?;
    text.map(|text| read(&text)).transpose()
}

fn read(text: &str) -> Result<Plan, Error> {
    serde_json::from_str(text).map_err(|_| Error::Damaged("an offer"))
}

/// A file as it was when it was taken in. The same path with the same length and time is taken for the same file: the
/// stored bytes, not these, are what is run, and their digest is checked at every start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where it lies, as text.
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified_ns: u128,
}

impl Seen {
    /// Looks at a file.
    ///
    /// # Errors
    /// The system's.
    pub fn at(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let path = path.canonicalize()?.to_string_lossy().into_owned();
        Ok(Self { path, bytes: meta.len(), modified_ns: since.as_nanos() })
    }
}

/// A file became an artifact.
pub fn put_file(books: &Connection, seen: &Seen, artifact: ArtifactId) -> rusqlite::Result<()> {
    let insert = "INSERT OR REPLACE INTO file (path, bytes, modified_ns, artifact) VALUES (?, ?, ?, ?)";
    let (bytes, modified) = (seen.bytes.cast_signed(), seen.modified_ns.to_string());
    books.execute(insert, params![seen.path, bytes, modified, artifact.0]).map(drop)
}

/// The artifact that this very file became.
pub fn file(books: &Books, seen: &Seen) -> Result<Option<ArtifactId>, Error> {
    let query = "SELECT artifact FROM file WHERE path = ? AND bytes = ? AND modified_ns = ?";
    let wanted = params![seen.path, seen.bytes.cast_signed(), seen.modified_ns.to_string()];
    Ok(books.read(|books| books.query_row(query, wanted, |row| row.get(0).map(ledger::Digest)).optional())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Digest;

    #[tokio::test]
    async fn what_is_offered_is_kept_in_its_order_until_it_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let books = Books::open(&dir.path().join("books"), &[MIGRATION]).unwrap();
        let of = |number: u8| Plan::model(Digest([number; 32]));
        for number in [3, 1, 2] {
            books.write(move |books| put(books, &of(number))).await.unwrap();
        }
        let changed = of(1).with(Some(64), Some(2));
        let again = changed.clone();
        books.write(move |books| put(books, &again)).await.unwrap();
        assert_eq!(plans(&books).unwrap(), [of(3), changed.clone(), of(2)]);
        books.write(|books| leave(books, Digest([1; 32]))).await.unwrap();
        assert_eq!((plans(&books).unwrap(), leaving(&books).unwrap()), (vec![of(3), of(2)], vec![Digest([1; 32])]));
        assert_eq!(plan(&books, Digest([1; 32])).unwrap(), None);
        let again = changed.clone();
        books.write(move |books| put(books, &again)).await.unwrap();
        assert_eq!(plan(&books, Digest([1; 32])).unwrap(), Some(changed), "offered anew");
        books.write(|books| remove(books, Digest([1; 32]))).await.unwrap();
        assert_eq!(plans(&books).unwrap(), [of(3), of(2)]);
    }

    #[tokio::test]
    async fn a_file_is_known_until_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (books, path) = (Books::open(&dir.path().join("books"), &[MIGRATION]).unwrap(), dir.path().join("a.gguf"));
        std::fs::write(&path, "one").unwrap();
        let seen = Seen::at(&path).unwrap();
        let kept = seen.clone();
        books.write(move |books| put_file(books, &kept, Digest([1; 32]))).await.unwrap();
        assert_eq!(file(&books, &seen).unwrap(), Some(Digest([1; 32])));
        std::fs::write(&path, "other").unwrap();
        assert_eq!(file(&books, &Seen::at(&path).unwrap()).unwrap(), None);
    }
}
