//! Accounts to act with: sequences are given here and nowhere else, and what was sent is sent again until answered.

use api::{Applied, Ledger, LedgerError};
use books::Books;
use ledger::{AccountId, Digest, Keypair, Operation, PublicKey, Reject, Request, Signable, Signed, Time};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Error, Keys};

/// How long an operation may wait for its ledger.
const LIFETIME_MS: u64 = 10 * 60 * 1_000;
/// First and longest pause between two attempts.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

const MIGRATIONS: &[&str] = &["
    -- Operations that were signed and perhaps sent, and not answered yet.
    CREATE TABLE pending (account BLOB PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID, STRICT;
"];

/// A folder of keys with its ledger.
pub struct Wallet {
    keys: Keys,
    ledger: Arc<dyn Ledger>,
    network: Digest,
    books: Arc<Books>,
    accounts: Mutex<HashMap<String, Account>>,
}

impl Wallet {
    /// Joins keys and ledger; `books` is the wallet's own file.
    ///
    /// # Errors
    /// If the ledger cannot be reached or the file not opened.
    pub async fn open(keys: Keys, ledger: Arc<dyn Ledger>, books: &Path) -> Result<Self, Error> {
        let network = ledger.genesis().await?.network();
        let books = Arc::new(Books::open(books, MIGRATIONS)?);
        Ok(Self { keys, ledger, network, books, accounts: Mutex::default() })
    }

    /// The account of a role; its key is made if it is not there yet.
    ///
    /// # Errors
    /// What [`Keys::pair`] gives.
    pub fn account(&self, role: &str) -> Result<Account, Error> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(role) {
            return Ok(account.clone());
        }
        let pair = self.keys.pair(role)?;
        let account = Account(Arc::new(Inner {
            id: pair.public().into(),
            pair,
            network: self.network,
            ledger: Arc::clone(&self.ledger),
            books: Arc::clone(&self.books),
            turn: tokio::sync::Mutex::default(),
        }));
        accounts.insert(role.to_owned(), account.clone());
        Ok(account)
    }

    /// The roles that have a key.
    ///
    /// # Errors
    /// What [`Keys::roles`] gives.
    pub fn roles(&self) -> Result<Vec<String>, Error> {
        self.keys.roles()
    }
}

/// An account to act with. Clones are the same account.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    id: AccountId,
    pair: Arc<Keypair>,
    network: Digest,
    ledger: Arc<dyn Ledger>,
    books: Arc<Books>,
    /// Held while an operation is on its way: one after the other, so that sequences have no gap.
    turn: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.id())
    }
}

impl Account {
    /// Its id on the ledger.
    pub fn id(&self) -> AccountId {
        self.0.id
    }

    /// The key it signs with.
    pub fn key(&self) -> PublicKey {
        self.0.pair.public()
    }

    /// The network its signatures are for.
    pub fn network(&self) -> Digest {
        self.0.network
    }

    /// Signs an order, receipt, voucher or refusal.
    pub fn sign<T: Signable>(&self, body: T) -> Signed<T> {
        self.0.pair.sign(self.0.network, body)
    }

    /// Signs an operation with the next sequence, writes it down, and sends the same bytes until the ledger answers or
    /// their time is over. If an earlier one was never answered, for example because the process was killed, that one
    /// goes first.
    ///
    /// # Errors
    /// [`Error::Ledger`] with the refusal, or with `Unreachable` once the time is over.
    pub async fn submit(&self, operation: Operation) -> Result<Applied, Error> {
        let _turn = self.0.turn.lock().await;
        if let Some(earlier) = self.pending()? {
            let answer = self.deliver(&earlier).await;
            tracing::info!(account = %self.id(), applied = answer.is_ok(), "an earlier operation was answered");
            if matches!(answer, Err(Error::Ledger(LedgerError::Unreachable { .. } | LedgerError::Distrusted(_)))) {
                return answer;
            }
        }
        let sequence = self.0.ledger.account(self.id()).await?.sequence;
        let request = Request {
            network: self.network(),
            account: self.id(),
            key: self.key(),
            sequence,
            not_after: now().plus(LIFETIME_MS),
            operation,
        };
        let signed = self.0.pair.sign(self.network(), request);
        self.keep(&signed).await?;
        self.deliver(&signed).await
    }

    async fn deliver(&self, signed: &Signed<Request>) -> Result<Applied, Error> {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.0.ledger.submit(signed).await {
                Err(LedgerError::Unreachable { address, reason }) if now() <= signed.body.not_after => {
                    tracing::warn!(%address, %reason, "the ledger does not answer; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                // It may have been done: the same bytes go first the next time.
                Err(
                    error @ (LedgerError::Unreachable { .. } | LedgerError::Distrusted(_) | LedgerError::Nonsense(_)),
                ) => return Err(error.into()),
                answer => {
                    self.forget().await?;
                    return Ok(answer?);
                }
            }
        }
    }

    fn pending(&self) -> Result<Option<Signed<Request>>, Error> {
        let id = self.id().0;
        let bytes: Option<Vec<u8>> = self.0.books.read(|books| {
            let mut query = books.prepare_cached("SELECT bytes FROM pending WHERE account = ?")?;
            query.query_map([id], |row| row.get(0))?.next().transpose()
        })?;
        let decode =
            |bytes: Vec<u8>| ledger::decode(&bytes).map_err(|reject: Reject| LedgerError::Nonsense(reject.to_string()));
        Ok(bytes.map(decode).transpose()?)
    }

    async fn keep(&self, signed: &Signed<Request>) -> Result<(), Error> {
        let (id, bytes) = (self.id().0, ledger::encode(signed));
        let insert = "INSERT OR REPLACE INTO pending (account, bytes) VALUES (?, ?)";
        self.0.books.write_synced(move |books| books.prepare_cached(insert)?.execute((id, bytes))).await?;
        Ok(())
    }

    async fn forget(&self) -> Result<(), Error> {
        let id = self.id().0;
        self.0
            .books
            .write(move |books| books.prepare_cached("DELETE FROM pending WHERE account = ?")?.execute([id]))
            .await?;
        Ok(())
    }
}

/// The time of this machine's clock.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
