//! Accounts to act with: sequences are given here and nowhere else, and what was sent is sent again until answered.

use api::{Applied, Ledger, LedgerError};
use books::Books;
use ledger::{
    AccountId, Digest, KeyProof, Keypair, Operation, PublicKey, Reject, Request, Signable, Signed, Time, encode,
};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    Error, Keys,
    key_file::{KeyFile, public},
    keys::fresh,
    records::{self, Asked},
};

/// How long an operation may wait for its ledger.
const LIFETIME_MS: u64 = 10 * 60 * 1_000;
/// First and longest pause between two attempts.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Names one thing that was asked for: asked twice under the same id, it is done once.
pub type AskId = [u8; 16];

/// An account to act with. Clones are the same account.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

/// What an account stands on.
pub(crate) struct Parts {
    pub keys: Arc<Keys>,
    pub network: Digest,
    pub ledger: Arc<dyn Ledger>,
    pub books: Arc<Books>,
}

struct Inner {
    role: String,
    id: AccountId,
    parts: Parts,
    ring: RwLock<Ring>,
    /// Held while an operation is on its way: one after the other, so that sequences have no gap.
    turn: tokio::sync::Mutex<()>,
}

/// An account's keys, ready to sign.
struct Ring {
    file: KeyFile,
    /// The one that signs operations first, then earlier ones.
    pairs: Vec<Arc<Keypair>>,
}

impl Ring {
    fn new(file: KeyFile) -> Self {
        let pairs = file.pairs().map(Arc::new).collect();
        Self { file, pairs }
    }
}

/// Signs with one of an account's keys: the one with which a channel was opened.
#[derive(Clone)]
pub struct Signer {
    pair: Arc<Keypair>,
    network: Digest,
}

impl Signer {
    /// The public half.
    pub fn key(&self) -> PublicKey {
        self.pair.public()
    }

    /// Signs an order, receipt, voucher or refusal.
    pub fn sign<T: Signable>(&self, body: T) -> Signed<T> {
        self.pair.sign(self.network, body)
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.id())
    }
}

impl Account {
    pub(crate) fn open(role: &str, parts: Parts) -> Result<Self, Error> {
        let file = parts.keys.file(role)?;
        let (id, role) = (file.account, role.to_owned());
        Ok(Self(Arc::new(Inner { role, id, parts, ring: RwLock::new(Ring::new(file)), turn: Default::default() })))
    }

    /// Its id on the ledger.
    pub fn id(&self) -> AccountId {
        self.0.id
    }

    /// The key it signs with now.
    pub fn key(&self) -> PublicKey {
        self.signer_now().key()
    }

    /// The network its signatures are for.
    pub fn network(&self) -> Digest {
        self.0.parts.network
    }

    /// Signs with the key of now.
    pub fn sign<T: Signable>(&self, body: T) -> Signed<T> {
        self.signer_now().sign(body)
    }

    /// Signs with one of its keys, the earlier ones included; `None` if it is not one of them.
    pub fn signer(&self, key: PublicKey) -> Option<Signer> {
        let ring = self.0.ring.read().unwrap_or_else(PoisonError::into_inner);
        let pair = ring.pairs.iter().find(|pair| pair.public() == key)?;
        Some(Signer { pair: Arc::clone(pair), network: self.network() })
    }

    fn signer_now(&self) -> Signer {
        let ring = self.0.ring.read().unwrap_or_else(PoisonError::into_inner);
        let pair = ring.pairs.first().map_or_else(|| Arc::new(Keypair::from_secret(&ring.file.key)), Arc::clone);
        Signer { pair, network: self.network() }
    }

    /// Signs an operation with the next sequence, writes it down, and sends the same bytes until the ledger answers or
    /// their time is over. If an earlier one was never answered, for example because the process was killed, that one
    /// goes first.
    ///
    /// # Errors
    /// [`Error::Ledger`] with the refusal, or with `Unreachable` once the time is over.
    pub async fn submit(&self, operation: Operation) -> Result<Applied, Error> {
        let _turn = self.0.turn.lock().await;
        self.finish_earlier().await?;
        self.send(None, |_| operation).await
    }

    /// The same, done once however often it is asked for under this id, also after a crash. What was refused was not done,
    /// and may be asked for again.
    ///
    /// # Errors
    /// As [`Self::submit`]; and [`Error::AskedOtherwise`] if something else was asked for under this id.
    pub async fn submit_once(&self, ask: AskId, operation: Operation) -> Result<Applied, Error> {
        let _turn = self.0.turn.lock().await;
        self.finish_earlier().await?;
        if let Some(asked) = records::asked(&self.0.parts.books, ask)? {
            let same = asked.account == self.id() && asked.operation == encode(&operation);
            return match asked.applied {
                Some(applied) if same => Ok(applied),
                _ => Err(Error::AskedOtherwise),
            };
        }
        self.send(Some(ask), |_| operation).await
    }

    /// The ledger's answer to what was asked for under this id, if it was done.
    ///
    /// # Errors
    /// [`Error::Books`].
    pub fn done(&self, ask: AskId) -> Result<Option<Applied>, Error> {
        let asked = records::asked(&self.0.parts.books, ask)?;
        Ok(asked.filter(|asked| asked.account == self.id()).and_then(|asked| asked.applied))
    }

    /// The newest operation that is the same and was asked for by [`Self::submit_once`], if it was done.
    ///
    /// # Errors
    /// [`Error::Books`].
    pub fn done_before(&self, operation: &Operation) -> Result<Option<Applied>, Error> {
        records::done_before(&self.0.parts.books, self.id(), operation)
    }

    /// Gives the account a new key on the ledger. Its id stays, and channels that are open stay with the key that they were
    /// opened with. The new key is written down before the ledger hears of it; killed at any point, the next start asks the
    /// ledger which one it is.
    ///
    /// # Errors
    /// [`Error::NoAccount`] for a key that is not an account's; and what [`Self::submit`] gives.
    pub async fn rotate(&self) -> Result<PublicKey, Error> {
        if [crate::REPLICA, crate::WITNESS].contains(&self.0.role.as_str()) {
            return Err(Error::NoAccount(self.0.role.clone()));
        }
        let _turn = self.0.turn.lock().await;
        self.finish_earlier().await?;
        let next = fresh()?;
        let (pair, key) = (Keypair::from_secret(&next), public(&next));
        self.turn_to(KeyFile { next: Some(next), ..self.file() })?;
        let (account, network) = (self.id(), self.network());
        let answer = self
            .send(None, |sequence| Operation::Rotate {
                key,
                proof: pair.sign(network, KeyProof { account, sequence }).signature,
            })
            .await;
        self.ask_which_key().await?;
        answer.map(|_| key)
    }

    /// Delivers what was not answered, and finds out whether a rotation was done.
    pub(crate) async fn settle_keys(&self) -> Result<(), Error> {
        let _turn = self.0.turn.lock().await;
        self.finish_earlier().await?;
        self.ask_which_key().await
    }

    /// Takes the key that the ledger knows as the one that signs operations.
    async fn ask_which_key(&self) -> Result<(), Error> {
        let current = self.0.parts.ledger.account(self.id()).await?.key;
        let file = self.file();
        let turned = file.turned_to(current).ok_or_else(|| Error::KeyElsewhere(self.0.role.clone()))?;
        if turned == file { Ok(()) } else { self.turn_to(turned) }
    }

    fn file(&self) -> KeyFile {
        self.0.ring.read().unwrap_or_else(PoisonError::into_inner).file.clone()
    }

    /// On disk first: a key that is used must never be lost.
    fn turn_to(&self, file: KeyFile) -> Result<(), Error> {
        self.0.parts.keys.put(&self.0.role, &file)?;
        *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Ring::new(file);
        Ok(())
    }

    /// Sends what an earlier run, or an earlier try, did not get an answer to.
    async fn finish_earlier(&self) -> Result<(), Error> {
        if let Some(earlier) = records::pending(&self.0.parts.books, self.id())? {
            let answer = self.deliver(&earlier).await;
            tracing::info!(account = %self.id(), applied = answer.is_ok(), "an earlier operation was answered");
            // It may have been done; nothing later goes before it.
            if let Err(
                error @ Error::Ledger(
                    LedgerError::Unreachable { .. } | LedgerError::Distrusted(_) | LedgerError::Nonsense(_),
                ),
            ) = answer
            {
                return Err(error);
            }
        }
        if self.file().next.is_some() { self.ask_which_key().await } else { Ok(()) }
    }

    /// Signs and sends; in its turn, with nothing earlier open.
    async fn send(&self, ask: Option<AskId>, operation: impl FnOnce(u64) -> Operation) -> Result<Applied, Error> {
        let sequence = self.0.parts.ledger.account(self.id()).await?.sequence;
        let request = Request {
            network: self.network(),
            account: self.id(),
            key: self.key(),
            sequence,
            not_after: now().plus(LIFETIME_MS),
            operation: operation(sequence),
        };
        let signed = self.sign(request);
        let asked = ask.map(|id| Asked::new(id, &signed.body, now()));
        records::keep(&self.0.parts.books, &signed, asked).await?;
        self.deliver(&signed).await
    }

    async fn deliver(&self, signed: &Signed<Request>) -> Result<Applied, Error> {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.0.parts.ledger.submit(signed).await {
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
                    records::answered(&self.0.parts.books, &signed.body, answer.as_ref().ok()).await?;
                    return Ok(answer?);
                }
            }
        }
    }
}

/// The ledger's word for what it cannot read.
pub(crate) fn nonsense(reject: Reject) -> LedgerError {
    LedgerError::Nonsense(reject.to_string())
}

/// The time of this machine's clock.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
