//! What was said of a version when it was committed here. It is this node's alone, in its books: one content is one artifact,
//! whatever is said of it, and another node has the same artifact without these words.

use api::hub::Header;
use books::Books;
use ledger::ArtifactId;
use rusqlite::{OptionalExtension as _, params};

use crate::error::Error;

/// Words of a commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    pub title: String,
    pub message: String,
}

impl Words {
    /// Those of a commit; none if it has no title.
    pub fn of(header: &Header) -> Option<Self> {
        let title = header.summary.clone().filter(|title| !title.trim().is_empty())?;
        Some(Self { title, message: header.description.clone().unwrap_or_default() })
    }

    /// Keeps them, unless something was said of it before: it is the same version then.
    pub async fn keep(self, books: &Books, artifact: ArtifactId) -> Result<(), Error> {
        let insert = "INSERT OR IGNORE INTO said (artifact, title, message) VALUES (?, ?, ?)";
        let write = move |books: &rusqlite::Connection| {
            books.prepare_cached(insert)?.execute(params![artifact.0, self.title, self.message]).map(drop)
        };
        Ok(books.write(write).await?)
    }

    /// Those that were kept.
    pub fn kept(books: &Books, artifact: ArtifactId) -> Result<Option<Self>, Error> {
        let query = "SELECT title, message FROM said WHERE artifact = ?";
        Ok(books.read(|books| {
            let row = |row: &rusqlite::Row<'_>| Ok(Self { title: row.get(0)?, message: row.get(1)? });
            books.prepare_cached(query)?.query_row([artifact.0], row).optional()
        })?)
    }
}
