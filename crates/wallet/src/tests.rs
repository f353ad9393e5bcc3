//! Keys are private and locked; operations survive a ledger that does not answer.

use api::{
    Applied, Ledger, LedgerError, List, Settled,
    income::{Earnings, Received},
    log::SignedHead,
};
use async_trait::async_trait;
use ledger::{
    AccountId, Amount, ArtifactId, ChannelId, Deposits, Digest, Fees, Genesis, Key, Keypair, Limits, Operation, Record,
    Request, Signed, State, Time, Usage,
};
use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use zeroize::Zeroizing;

use crate::{Error, Keys, Passphrase, Wallet};

/// A ledger in memory that loses its first answers: it does the work and does not say so.
struct Forgetful {
    state: Mutex<State>,
    answers_lost: AtomicU32,
}

#[async_trait]
impl Ledger for Forgetful {
    async fn genesis(&self) -> Result<Arc<Genesis>, LedgerError> {
        Ok(Arc::new(self.state.lock().unwrap().genesis().clone()))
    }

    async fn submit(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
        let mut state = self.state.lock().unwrap();
        let rejected = |reject| LedgerError::Rejected { reject, entry: None };
        let (at, network) = (state.totals().time, state.network());
        let verified = operation.clone().into_verified(network).map_err(rejected)?;
        let repeated = operation.body.sequence < state.account(&operation.body.account).sequence;
        let outcome = if repeated {
            ledger::Outcome { fee: Amount::ZERO, effect: ledger::Effect::Done }
        } else {
            state.apply(at, &verified).map_err(rejected)?
        };
        if self.answers_lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            return Err(LedgerError::Unreachable { address: "memory".into(), reason: "answer lost".into() });
        }
        Ok(Applied { entry: 0, at, outcome })
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError> {
        Ok(self.state.lock().unwrap().get(key))
    }

    async fn list(&self, _: List) -> Result<Vec<(Key, Record)>, LedgerError> {
        Ok(self.state.lock().unwrap().records().collect())
    }

    async fn settled(&self, _: ChannelId, _: u64) -> Result<Option<Settled>, LedgerError> {
        Ok(None)
    }

    async fn received(&self, _: AccountId, _: u64) -> Result<Vec<Received>, LedgerError> {
        Ok(Vec::new())
    }

    async fn earnings(&self, _: AccountId, _: u32) -> Result<Earnings, LedgerError> {
        Ok(Earnings::default())
    }

    async fn used(&self) -> Result<Vec<(ArtifactId, Usage)>, LedgerError> {
        Ok(Vec::new())
    }

    async fn head(&self) -> Result<SignedHead, LedgerError> {
        Err(LedgerError::Unknown("head", String::new()))
    }
}

fn network(issuer: &Keypair) -> Arc<Forgetful> {
    let genesis = Genesis {
        origin: "pumasi.test/wallet".into(),
        founded: Time(1),
        issuer: issuer.public().into(),
        replicas: vec![issuer.public()],
        beneficiary: issuer.public().into(),
        fees: Fees::default(),
        deposits: Deposits::default(),
        royalty_max: 1,
        dispute_window_ms: 1,
        limits: Limits::CEILING,
    };
    Arc::new(Forgetful { state: Mutex::new(State::new(genesis).unwrap()), answers_lost: AtomicU32::new(0) })
}

fn issue(to: Digest) -> Operation {
    Operation::Issue { to: AccountId(to.0), amount: Amount(7), reference: Digest([0; 32]) }
}

#[test]
fn a_folder_is_locked_private_and_keeps_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(folder.path()).unwrap();
    let first = keys.pair("payer").unwrap().public();
    assert_eq!(first, keys.pair("payer").unwrap().public());
    assert!(matches!(Keys::open(folder.path()), Err(Error::Locked(_))));
    assert_eq!(keys.roles().unwrap(), ["payer"]);
    let file = folder.path().join("payer.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(keys.pair("payer"), Err(Error::Exposed(_))));
    assert!(matches!(keys.pair("../payer"), Err(Error::Name(_))));
}

#[test]
fn a_damaged_key_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(folder.path()).unwrap();
    keys.pair("payer").unwrap();
    std::fs::write(folder.path().join("payer.key"), "not a key").unwrap();
    assert!(matches!(keys.pair("payer"), Err(Error::Damaged(_))));
}

#[tokio::test]
async fn an_unanswered_operation_is_sent_again_and_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(folder.path()).unwrap();
    let ledger = network(&keys.pair("issuer").unwrap());
    let wallet = Wallet::open(keys, Arc::clone(&ledger) as _, &folder.path().join("wallet.db")).await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    ledger.answers_lost.store(3, Ordering::SeqCst);
    let to = Digest([9; 32]);
    issuer.submit(issue(to)).await.unwrap();
    issuer.submit(issue(to)).await.unwrap();
    let state = ledger.state.lock().unwrap();
    assert_eq!(state.account(&AccountId(to.0)).balance, Amount(14));
    assert_eq!(state.account(&issuer.id()).sequence, 2);
}

#[tokio::test]
async fn what_was_pending_when_the_process_died_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let books = folder.path().join("wallet.db");
    let to = Digest([9; 32]);
    let keys = Keys::open(folder.path()).unwrap();
    let ledger = network(&keys.pair("issuer").unwrap());
    let wallet = Wallet::open(keys, Arc::clone(&ledger) as _, &books).await.unwrap();
    ledger.answers_lost.store(u32::MAX, Ordering::SeqCst);
    let submit = async { wallet.account("issuer").unwrap().submit(issue(to)).await.map(drop) };
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), submit).await.is_err(),
        "the process dies here"
    );
    drop(wallet);
    ledger.answers_lost.store(0, Ordering::SeqCst);
    let keys = Keys::open(folder.path()).unwrap();
    let wallet = Wallet::open(keys, Arc::clone(&ledger) as _, &books).await.unwrap();
    wallet.account("issuer").unwrap().submit(issue(to)).await.unwrap();
    assert_eq!(ledger.state.lock().unwrap().account(&AccountId(to.0)).balance, Amount(14));
}

#[tokio::test]
async fn a_refusal_is_told_and_the_next_operation_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(folder.path()).unwrap();
    let ledger = network(&keys.pair("issuer").unwrap());
    let wallet = Wallet::open(keys, ledger, &folder.path().join("wallet.db")).await.unwrap();
    let nobody = wallet.account("nobody").unwrap();
    let error = nobody.submit(issue(Digest([1; 32]))).await.unwrap_err();
    assert_eq!(error.reject(), Some(ledger::Reject::NotIssuer));
    nobody.submit(Operation::Name { name: "nobody".into() }).await.unwrap();
}

/// A folder, its ledger in memory, and the wallet on both.
struct Stage {
    folder: tempfile::TempDir,
    ledger: Arc<Forgetful>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = network(&Keys::open(folder.path()).unwrap().pair("issuer").unwrap());
        Self { folder, ledger }
    }

    async fn wallet(&self) -> Result<Wallet, Error> {
        let keys = Keys::open(self.folder.path())?;
        Wallet::open(keys, Arc::clone(&self.ledger) as _, &self.folder.path().join("wallet.db")).await
    }

    fn key_of(&self, id: AccountId) -> ledger::PublicKey {
        self.ledger.state.lock().unwrap().account(&id).key
    }

    fn balance(&self, id: [u8; 32]) -> Amount {
        self.ledger.state.lock().unwrap().account(&AccountId(id)).balance
    }

    /// As if the process were killed while it waits for the ledger.
    async fn killed(&self, work: impl Future<Output = ()>) {
        self.ledger.answers_lost.store(u32::MAX, Ordering::SeqCst);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(200), work).await.is_err());
        self.ledger.answers_lost.store(0, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn asked_for_twice_it_is_done_once_also_after_a_crash() {
    let stage = Stage::new();
    let (ask, to) = ([1; 16], Digest([9; 32]));
    let wallet = stage.wallet().await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    stage.killed(async { drop(issuer.submit_once(ask, issue(to)).await) }).await;
    drop((issuer, wallet));
    let wallet = stage.wallet().await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    assert!(issuer.done_before(&issue(to)).unwrap().is_some(), "the next start found out");
    issuer.submit_once(ask, issue(to)).await.unwrap();
    issuer.submit_once(ask, issue(to)).await.unwrap();
    assert_eq!(stage.balance(to.0), Amount(7));
    let other = issuer.submit_once(ask, issue(Digest([8; 32]))).await;
    assert!(matches!(other, Err(Error::AskedOtherwise)));
    issuer.submit_once([2; 16], issue(to)).await.unwrap();
    assert_eq!(stage.balance(to.0), Amount(14), "another id is another wish");
}

#[tokio::test]
async fn what_was_refused_may_be_asked_for_again() {
    let stage = Stage::new();
    let wallet = stage.wallet().await.unwrap();
    let (payer, issuer) = (wallet.account("payer").unwrap(), wallet.account("issuer").unwrap());
    let send = Operation::Transfer { to: issuer.id(), amount: Amount(5), reference: Digest([0; 32]) };
    let refused = payer.submit_once([1; 16], send.clone()).await.unwrap_err();
    assert_eq!(refused.reject(), Some(ledger::Reject::BalanceTooLow));
    assert!(payer.done_before(&send).unwrap().is_none());
    issuer.submit(issue(Digest(payer.id().0))).await.unwrap();
    payer.submit_once([1; 16], send).await.unwrap();
}

#[tokio::test]
async fn a_rotated_account_keeps_its_id_and_its_earlier_keys() {
    let stage = Stage::new();
    let wallet = stage.wallet().await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    let (id, first) = (issuer.id(), issuer.key());
    let second = issuer.rotate().await.unwrap();
    issuer.submit(issue(Digest([9; 32]))).await.unwrap();
    let third = issuer.rotate().await.unwrap();
    assert!(first != second && second != third);
    drop((issuer, wallet));
    let wallet = stage.wallet().await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    assert_eq!((issuer.id(), issuer.key(), stage.key_of(id)), (id, third, third));
    for key in [first, second, third] {
        assert_eq!(issuer.signer(key).unwrap().key(), key, "its channels still need it");
    }
    assert!(issuer.signer(ledger::PublicKey(id.0.map(|byte| !byte))).is_none());
    issuer.submit(issue(Digest([9; 32]))).await.unwrap();
    for role in ["replica", "witness"] {
        assert!(matches!(wallet.account(role).unwrap().rotate().await, Err(Error::NoAccount(_))));
    }
    assert!(matches!(wallet.existing("nobody"), Err(Error::NoRole { .. })));
    assert!(!wallet.roles().unwrap().contains(&"nobody".to_owned()));
}

#[tokio::test]
async fn a_rotation_that_was_killed_is_found_out_by_the_ledger() {
    let stage = Stage::new();
    let wallet = stage.wallet().await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    let (id, first) = (issuer.id(), issuer.key());
    stage.killed(async { drop(issuer.rotate().await) }).await;
    assert_ne!(stage.key_of(id), first, "it was done, and nobody was told");
    drop((issuer, wallet));
    let wallet = stage.wallet().await.unwrap();
    let issuer = wallet.account("issuer").unwrap();
    assert_eq!(issuer.key(), stage.key_of(id));
    issuer.submit(issue(Digest([9; 32]))).await.unwrap();
}

#[tokio::test]
async fn a_rotation_that_the_ledger_never_heard_of_is_forgotten() {
    let stage = Stage::new();
    let path = stage.folder.path().join("issuer.key");
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{written}next {}\n", "05".repeat(32))).unwrap();
    let wallet = stage.wallet().await.unwrap();
    wallet.account("issuer").unwrap().submit(issue(Digest([9; 32]))).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
}

#[tokio::test]
async fn a_folder_from_before_a_rotation_says_so() {
    let stage = Stage::new();
    let before = std::fs::read(stage.folder.path().join("issuer.key")).unwrap();
    let wallet = stage.wallet().await.unwrap();
    wallet.account("issuer").unwrap().rotate().await.unwrap();
    drop(wallet);
    std::fs::write(stage.folder.path().join("issuer.key"), before).unwrap();
    assert!(matches!(stage.wallet().await, Err(Error::KeyElsewhere(role)) if role == "issuer"));
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(&Zeroizing::new(text.to_owned()))
}

#[test]
fn a_passphrase_seals_every_file_and_can_be_changed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, read) = (folder.path(), |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap());
    let mut keys = Keys::open(dir).unwrap();
    let (payer, _) = (keys.pair("payer").unwrap().public(), keys.pair("gateway").unwrap());
    let plain = read("payer.key");
    keys.reseal(Some(passphrase("first passphrase"))).unwrap();
    let made = keys.pair("provider").unwrap().public();
    drop(keys);
    assert!(Keys::is_sealed(dir).unwrap());
    for name in ["payer.key", "gateway.key", "provider.key"] {
        assert!(read(name).starts_with("-----BEGIN AGE"), "{name}");
    }
    assert!(matches!(Keys::open(dir), Err(Error::PassphraseMissing(_))));
    assert!(matches!(Keys::open_with(dir, Some(passphrase("another one"))), Err(Error::Passphrase)));
    let mut keys = Keys::open_with(dir, Some(passphrase("first passphrase"))).unwrap();
    assert_eq!((keys.pair("payer").unwrap().public(), keys.pair("provider").unwrap().public()), (payer, made));
    keys.reseal(None).unwrap();
    drop(keys);
    assert_eq!(read("payer.key"), plain);
    Keys::open(dir).unwrap();
    assert!(!passphrase("short").is_long_enough() && passphrase("품앗이는정말좋다").is_long_enough());
}

#[test]
fn a_change_of_passphrase_that_was_killed_is_whole_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let keys = Keys::open(folder.path()).unwrap();
    keys.pair("a").unwrap();
    keys.pair("b").unwrap();
    drop(keys);
    let (a, b) = (std::fs::read(path("a.key")).unwrap(), std::fs::read(path("b.key")).unwrap());
    let successors = || {
        for (name, bytes) in [("a.next", &b), ("b.next", &a)] {
            std::fs::write(path(name), bytes).unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    };
    successors();
    drop(Keys::open(folder.path()).unwrap());
    assert_eq!(std::fs::read(path("a.key")).unwrap(), a, "not all may have been written");
    assert!(!path("b.next").exists());
    successors();
    std::fs::write(path("turning"), "").unwrap();
    std::fs::rename(path("a.next"), path("a.key")).unwrap();
    drop(Keys::open(folder.path()).unwrap());
    assert_eq!((std::fs::read(path("a.key")).unwrap(), std::fs::read(path("b.key")).unwrap()), (b, a));
    assert!(!path("turning").exists());
}

#[test]
fn what_is_not_sealed_is_told_from_another_passphrase() {
    let sealed = passphrase("correct horse").seal_text("secret").unwrap();
    assert!(matches!(passphrase("wrong horse").open(&sealed[..]).map(drop), Err(Error::Passphrase)));
    assert!(matches!(passphrase("correct horse").open(&b"nonsense"[..]).map(drop), Err(Error::NotSealed(_))));
    let mut torn = sealed.clone();
    torn.truncate(sealed.len() - 40);
    let read =
        passphrase("correct horse").open(&torn[..]).map(|mut opened| std::io::copy(&mut opened, &mut std::io::sink()));
    assert!(!matches!(read, Ok(Ok(_))), "a file that was cut off does not open");
}

#[test]
fn files_of_the_first_layout_are_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("payer.key");
    std::fs::write(&path, format!("{}\n", "07".repeat(32))).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let keys = Keys::open(folder.path()).unwrap();
    let pair = keys.pair("payer").unwrap().public();
    keys.upgrade().unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("account "));
    assert_eq!((keys.pair("payer").unwrap().public(), keys.id("payer").unwrap()), (pair, pair.into()));
}
