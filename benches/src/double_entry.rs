//! The bare double entry in the databases that people would use in the ledger's place: two balances and a row for a transfer, one
//! transaction for a batch, on the disk before the next.

use anyhow::{Context as _, Result, ensure};
use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Sender and receiver by number.
pub type Pair = (usize, usize);

/// SQLite, with a write-ahead log and a sync for each transaction.
pub struct Sqlite {
    books: rusqlite::Connection,
    _dir: tempfile::TempDir,
}

/// As little as a double entry can be: accounts are small integers, and a transfer has a number of its own.
const BARE: &str = "
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
    CREATE TABLE transfers (id INTEGER PRIMARY KEY, payer INTEGER, payee INTEGER, amount INTEGER, reference BLOB);";

impl Sqlite {
    /// Accounts with credits in [`BARE`] books. They fit into its cache.
    ///
    /// # Errors
    /// SQLite's and the system's.
    pub fn new(accounts: usize) -> Result<Self> {
        Self::open(BARE, 0..accounts as i64)
    }

    fn open<T: rusqlite::ToSql>(tables: &str, accounts: impl Iterator<Item = T>) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut books = rusqlite::Connection::open(dir.path().join("books"))?;
        books.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -524288;")?;
        books.execute_batch(tables)?;
        let funding = books.transaction()?;
        for id in accounts {
            funding.prepare_cached("INSERT INTO accounts (id, balance) VALUES (?, 1000000)")?.execute([id])?;
        }
        funding.commit()?;
        books.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(Self { books, _dir: dir })
    }

    /// Makes transfers durable.
    ///
    /// # Errors
    /// SQLite's.
    pub fn transfer(&mut self, batch: &[Pair]) -> Result<()> {
        let transaction = self.books.transaction()?;
        {
            let mut take = transaction.prepare_cached("UPDATE accounts SET balance = balance - 1 WHERE id = ?")?;
            let mut give = transaction.prepare_cached("UPDATE accounts SET balance = balance + 1 WHERE id = ?")?;
            let mut note = transaction.prepare_cached("INSERT INTO transfers VALUES (NULL, ?, ?, 1, ?)")?;
            for (from, to) in batch {
                take.execute([*from as i64])?;
                give.execute([*to as i64])?;
                note.execute(rusqlite::params![*from as i64, *to as i64, [7u8; 32]])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

/// SQLite, keeping what the ledger keeps of a transfer: accounts are known by their keys, and no payer's transfer counts twice.
pub struct KeyedSqlite {
    books: Sqlite,
    ids: Vec<[u8; 32]>,
    sequences: Vec<i64>,
}

const KEYED: &str = "
    CREATE TABLE accounts (id BLOB PRIMARY KEY, balance INTEGER NOT NULL, sequence INTEGER DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE transfers (id INTEGER PRIMARY KEY, payer BLOB, sequence INTEGER, payee BLOB, amount INTEGER, reference BLOB);";

impl KeyedSqlite {
    /// Accounts with credits. They fit into its cache.
    ///
    /// # Errors
    /// SQLite's and the system's.
    pub fn new(ids: Vec<[u8; 32]>) -> Result<Self> {
        let sequences = vec![0; ids.len()];
        Ok(Self { books: Sqlite::open(KEYED, ids.iter())?, ids, sequences })
    }

    /// Makes transfers durable.
    ///
    /// # Errors
    /// SQLite's.
    pub fn transfer(&mut self, batch: &[Pair]) -> Result<()> {
        let transaction = self.books.books.transaction()?;
        {
            let take =
                "UPDATE accounts SET balance = balance - 1, sequence = sequence + 1 WHERE id = ? AND sequence = ?";
            let mut take = transaction.prepare_cached(take)?;
            let mut give = transaction.prepare_cached("UPDATE accounts SET balance = balance + 1 WHERE id = ?")?;
            let mut note = transaction.prepare_cached("INSERT INTO transfers VALUES (NULL, ?, ?, ?, 1, ?)")?;
            for (from, to) in batch {
                let taken = take.execute(rusqlite::params![self.ids[*from], self.sequences[*from]])?;
                ensure!(taken == 1, "a transfer that counts twice");
                give.execute([self.ids[*to]])?;
                note.execute(rusqlite::params![self.ids[*from], self.sequences[*from], self.ids[*to], [7u8; 32]])?;
                self.sequences[*from] += 1;
            }
        }
        Ok(transaction.commit()?)
    }
}

/// A server of Debian's package in a folder of its own, with its usual settings: what it says is done is on the disk.
pub struct Postgres {
    dir: tempfile::TempDir,
    bin: PathBuf,
    server: Child,
}

/// Debian's `psql`, which is told what to do.
pub struct Client {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Postgres {
    /// Starts it, if the package is installed.
    ///
    /// # Errors
    /// The system's, or that it does not start.
    pub fn start() -> Result<Option<Self>> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let Some(bin) = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").is_file())
        else {
            return Ok(None);
        };
        let dir = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp")?;
        // It does not run as root.
        ensure!(Command::new("chown").arg("postgres").arg(dir.path()).status()?.success(), "chown postgres");
        let data = dir.path().join("data");
        let run = |name: &str| {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(bin.join(name)).arg("-D").arg(&data);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        ensure!(run("initdb").arg("-A").arg("trust").status()?.success(), "initdb");
        let server = run("postgres").args(["-c", "listen_addresses=", "-k"]).arg(dir.path()).spawn()?;
        let found = Self { dir, bin, server };
        for _ in 0..100 {
            std::thread::sleep(std::time::Duration::from_millis(100));
            if found.client().and_then(|mut client| client.run("SELECT 1;")).is_ok() {
                return Ok(Some(found));
            }
        }
        anyhow::bail!("PostgreSQL did not start")
    }

    /// Accounts with credits in a new table, and who makes transfers among them.
    ///
    /// # Errors
    /// The server's.
    pub fn books(&self, accounts: usize) -> Result<Client> {
        let mut client = self.client()?;
        client.run(&format!(
            "DROP TABLE IF EXISTS accounts, transfers;
             CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
             CREATE TABLE transfers (id bigserial PRIMARY KEY, payer int, payee int, amount bigint, reference bytea);
             INSERT INTO accounts SELECT id, 1000000 FROM generate_series(0, {accounts} - 1) id;
             CREATE OR REPLACE FUNCTION move(payers int[], payees int[]) RETURNS void LANGUAGE plpgsql AS $$
             BEGIN
               FOR i IN 1 .. array_length(payers, 1) LOOP
                 UPDATE accounts SET balance = balance - 1 WHERE id = payers[i];
                 UPDATE accounts SET balance = balance + 1 WHERE id = payees[i];
                 INSERT INTO transfers (payer, payee, amount, reference)
                   VALUES (payers[i], payees[i], 1, decode(repeat('07', 32), 'hex'));
               END LOOP;
             END $$; VACUUM ANALYZE accounts; CHECKPOINT;"
        ))?;
        Ok(client)
    }

    fn client(&self) -> Result<Client> {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(self.dir.path());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = process.stdin.take().context("psql's input")?;
        let output = BufReader::new(process.stdout.take().context("psql's output")?);
        Ok(Client { process, input, output })
    }
}

impl Client {
    /// Makes transfers durable.
    ///
    /// # Errors
    /// The server's.
    pub fn transfer(&mut self, batch: &[Pair]) -> Result<()> {
        let (mut payers, mut payees) = (String::new(), String::new());
        for (at, (from, to)) in batch.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(payers, "{comma}{from}")?;
            write!(payees, "{comma}{to}")?;
        }
        self.run(&format!("SELECT move('{{{payers}}}', '{{{payees}}}');"))
    }

    /// Runs statements and waits until they are done.
    fn run(&mut self, statements: &str) -> Result<()> {
        writeln!(self.input, "{statements}\n\\echo done")?;
        self.input.flush()?;
        let mut line = String::new();
        while line.trim() != "done" {
            line.clear();
            ensure!(self.output.read_line(&mut line)? > 0, "psql ended");
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGTERM to runuser reaches the server.
        let _ = Command::new("kill").arg(self.server.id().to_string()).status();
        let _ = self.server.wait();
    }
}
