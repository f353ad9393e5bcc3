//! Keys are private and locked; operations survive a ledger that does not answer.

use api::{Applied, Ledger, LedgerError, List, Settled, log::SignedHead};
use async_trait::async_trait;
use ledger::{
    Amount, ChannelId, Deposits, Digest, Fees, Genesis, Key, Keypair, Limits, Operation, Record, Request, Signed,
    State, Time,
};
use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{Error, Keys, Wallet};

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
    Operation::Issue { to: ledger::AccountId(to.0), amount: Amount(7), reference: Digest([0; 32]) }
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
    assert_eq!(state.account(&ledger::AccountId(to.0)).balance, Amount(14));
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
    assert_eq!(ledger.state.lock().unwrap().account(&ledger::AccountId(to.0)).balance, Amount(14));
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
