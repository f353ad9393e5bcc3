//! Writes share commits, fail alone, and survive.

use std::sync::Arc;

use crate::{Books, Error};

const MIGRATIONS: &[&str] = &["CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"];

fn count(books: &Books) -> i64 {
    books.read(|books| books.query_row("SELECT count(*) FROM line", [], |row| row.get(0))).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_are_all_kept_and_a_failing_one_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    let books = Arc::new(Books::open(&path, MIGRATIONS).unwrap());
    let write = |id: i64| {
        let books = Arc::clone(&books);
        tokio::spawn(async move {
            let insert = move |b: &rusqlite::Connection| b.execute("INSERT INTO line VALUES (?, 'x')", [id % 100]);
            if id % 2 == 0 { books.write(insert).await } else { books.write_synced(insert).await }
        })
    };
    let mut kept = 0;
    for task in (0..150).map(write).collect::<Vec<_>>() {
        kept += i64::from(task.await.unwrap().is_ok());
    }
    assert_eq!((kept, count(&books)), (100, 100));
    drop(books);
    assert_eq!(count(&Books::open(&path, MIGRATIONS).unwrap()), 100);
}

#[tokio::test]
async fn a_failed_write_leaves_nothing_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let books = Books::open(&folder.path().join("books.db"), MIGRATIONS).unwrap();
    let twice = |b: &rusqlite::Connection| {
        b.execute("INSERT INTO line VALUES (1, 'x')", [])?;
        b.execute("INSERT INTO line VALUES (1, 'x')", [])
    };
    assert!(matches!(books.write(twice).await, Err(Error::Sqlite { .. })));
    assert_eq!(count(&books), 0);
}

#[test]
fn books_of_a_later_version_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("books.db");
    drop(Books::open(&path, &[MIGRATIONS[0], "SELECT 1"]).unwrap());
    assert!(matches!(Books::open(&path, MIGRATIONS), Err(Error::TooNew { found: 2, known: 1, .. })));
}
