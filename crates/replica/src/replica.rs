//! A replica: the ledger in this process.

use api::{
    Applied, Ledger, LedgerError, List, Settled,
    income::{Earnings, Received},
    log::{Entry, SignedHead},
};
use async_trait::async_trait;
use ledger::{
    AccountId, ArtifactId, ChannelId, Digest, Genesis, Key, Operation, Record, Reject, Request, Signed, Usage, Verified,
};
use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, RwLock},
    thread::JoinHandle,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    checker::Unchecked,
    disk::Stored,
    head::Signer,
    index::Index,
    lock::{hold, read},
    proof::Last,
    view::View,
    writer::{Clock, GROUP_MAX, Job, Verdict, Waiting, stopped},
};

/// The ledger in this process. Clones are the same ledger.
#[derive(Clone)]
pub struct Replica(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub dir: PathBuf,
    pub network: Digest,
    pub genesis: Arc<Genesis>,
    /// For reading entries.
    pub journal: Arc<dyn Stored>,
    pub clock: Clock,
    pub view: Arc<RwLock<View>>,
    pub index: Arc<Index>,
    pub signer: Arc<Signer>,
    /// Made when it is asked for.
    pub last: OnceLock<Last>,
    /// Until it is closed.
    pub ways_in: Mutex<Option<WaysIn>>,
    /// For operations that wait.
    pub places: Arc<Semaphore>,
    pub threads: Mutex<Option<Threads>>,
}

/// Where operations go that are submitted.
pub(crate) struct WaysIn {
    pub checker: mpsc::UnboundedSender<Unchecked>,
    pub writer: mpsc::UnboundedSender<Job>,
}

/// The threads of an open replica, and the lock on its folder.
pub(crate) struct Threads {
    pub checker: JoinHandle<()>,
    pub writer: JoinHandle<()>,
    pub committer: JoinHandle<()>,
    pub keeper: JoinHandle<()>,
    pub _lock: File,
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replica({})", self.0.network)
    }
}

impl Replica {
    /// Takes no more operations, finishes those that wait, writes a snapshot and unlocks the folder. Reading goes on.
    /// Blocks for as long as that takes. Dropping the last clone does the same.
    pub fn close(&self) {
        self.0.close();
    }

    /// Submits operations in their order, with as few syncs as can be. Each gets the answer that [`Ledger::submit`] gives.
    pub async fn submit_all(&self, operations: Vec<Signed<Request>>) -> Vec<Result<Applied, LedgerError>> {
        self.in_groups(operations, |ways, operations, waiting| {
            ways.checker.send(Unchecked { operations, waiting }).is_ok()
        })
        .await
    }

    /// The same for operations whose signatures were checked elsewhere.
    pub async fn submit_verified(&self, operations: Vec<Verified>) -> Vec<Result<Applied, LedgerError>> {
        self.in_groups(operations, |ways, operations, waiting| {
            let operations = operations.into_iter().map(Ok).collect();
            ways.writer.send(Job::Submit(operations, waiting)).is_ok()
        })
        .await
    }

    /// Sends operations in parts that fit into one group, and waits for each.
    async fn in_groups<T>(
        &self,
        operations: Vec<T>,
        send: impl Fn(&WaysIn, Vec<T>, Waiting) -> bool,
    ) -> Vec<Result<Applied, LedgerError>> {
        let mut answers = Vec::with_capacity(operations.len());
        let mut operations = operations.into_iter();
        while operations.len() > 0 {
            let group: Vec<T> = operations.by_ref().take(GROUP_MAX).collect();
            let count = group.len();
            match self.group(group, &send).await {
                Ok(verdicts) => answers.extend(verdicts.into_iter().map(|verdict| self.answer(verdict))),
                Err(reason) => answers.extend((0..count).map(|_| Err(self.0.unreachable(&reason)))),
            }
        }
        answers
    }

    /// What became of each, or why nobody answers.
    async fn group<T>(
        &self,
        operations: Vec<T>,
        send: impl Fn(&WaysIn, Vec<T>, Waiting) -> bool,
    ) -> Result<Vec<Verdict>, String> {
        let count = u32::try_from(operations.len()).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.0.places).try_acquire_many_owned(count);
        let places = places.map_err(|_| "too many operations wait")?;
        let (tell, told) = oneshot::channel();
        let sent = hold(&self.0.ways_in).as_ref().is_some_and(|ways| send(ways, operations, Waiting { tell, places }));
        let verdicts = if sent { told.await.ok() } else { None };
        verdicts.ok_or_else(|| stopped(&self.0.view))
    }

    fn answer(&self, verdict: Verdict) -> Result<Applied, LedgerError> {
        match verdict {
            Verdict::Answered(answer) => answer,
            Verdict::Repeated(operation) => self.repeated(&operation),
        }
    }

    /// Why nothing can be written any more, if the journal failed: for `/healthz` and the like.
    pub fn stopped(&self) -> Option<String> {
        read(&self.0.view).stopped.clone()
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        let view = read(&self.0.view);
        let (entries, records, bytes, stopped) =
            (view.shape.size(), view.records.len(), view.end, u8::from(view.stopped.is_some()));
        let unindexed = view.unindexed;
        let operations = match view.record(&Key::Totals) {
            Some(Record::Totals(totals)) => totals.operations,
            _ => 0,
        };
        format!(
            "# TYPE pumasi_ledger_entries gauge\npumasi_ledger_entries {entries}\n\
             # TYPE pumasi_ledger_operations_total counter\npumasi_ledger_operations_total {operations}\n\
             # TYPE pumasi_ledger_unindexed_operations gauge\npumasi_ledger_unindexed_operations {unindexed}\n\
             # TYPE pumasi_ledger_records gauge\npumasi_ledger_records {records}\n\
             # TYPE pumasi_ledger_journal_bytes gauge\npumasi_ledger_journal_bytes {bytes}\n\
             # TYPE pumasi_ledger_stopped gauge\npumasi_ledger_stopped {stopped}\n"
        )
    }

    /// Looks up the answer that an operation got before, or refuses one whose sequence another took.
    fn repeated(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
        let request = &operation.body;
        let fresh = read(&self.0.view).fresh_operation(request.account, request.sequence);
        if let Some(done) = fresh {
            return if *done.signed == *operation { done.reply() } else { Err(self.taken(request)) };
        }
        let Some(known) = self.0.known(request.account, request.sequence)? else {
            return Err(self.taken(request));
        };
        match self.0.log_entry(known.entry)? {
            Entry::Operation { at, signed, .. } if signed == *operation => match known.answer {
                Ok(outcome) => Ok(Applied { entry: known.entry, at, outcome }),
                Err(reject) => Err(LedgerError::Rejected { reject, entry: Some(known.entry) }),
            },
            _ => Err(self.taken(request)),
        }
    }

    /// The refusal of an operation whose sequence another one took, in the order of precedence.
    fn taken(&self, request: &Request) -> LedgerError {
        let current = match read(&self.0.view).record(&Key::Account(request.account)) {
            Some(Record::Account(account)) => account.key == request.key,
            _ => true,
        };
        let reject = match ((self.0.clock)() > request.not_after, current) {
            (true, _) => Reject::Expired,
            (false, false) => Reject::KeyNotCurrent,
            (false, true) => Reject::SequencePast,
        };
        LedgerError::Rejected { reject, entry: None }
    }

    fn is_repeated(&self, request: &Request) -> bool {
        request.sequence < read(&self.0.view).sequence(request.account)
    }
}

impl Inner {
    fn close(&self) {
        drop(hold(&self.ways_in).take());
        if let Some(threads) = hold(&self.threads).take() {
            for thread in [threads.checker, threads.writer, threads.committer, threads.keeper] {
                if thread.join().is_err() {
                    tracing::error!("a thread of the ledger failed; its journal decides at the next start");
                }
            }
        }
    }

    /// Nobody answers: with what the caller can do.
    pub(crate) fn unreachable(&self, reason: &(impl ToString + ?Sized)) -> LedgerError {
        LedgerError::Unreachable { address: self.dir.display().to_string(), reason: reason.to_string() }
    }

    fn known(&self, account: AccountId, sequence: u64) -> Result<Option<crate::index::Known>, LedgerError> {
        self.index.operation(account, sequence).map_err(|error| self.unreachable(&error))
    }

    /// One entry of the log.
    pub(crate) fn log_entry(&self, entry: u64) -> Result<Entry, LedgerError> {
        let bytes = self.entry(entry).map_err(|error| self.unreachable(&error))?;
        let bytes = bytes.ok_or_else(|| LedgerError::Unknown("entry", entry.to_string()))?;
        ledger::decode(&bytes).map_err(|_| self.unreachable(&format!("entry {entry} of the journal is damaged")))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl Ledger for Replica {
    async fn genesis(&self) -> Result<Arc<Genesis>, LedgerError> {
        Ok(Arc::clone(&self.0.genesis))
    }

    async fn submit(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
        if self.is_repeated(&operation.body) {
            return self.repeated(operation);
        }
        let answer = self.submit_all(vec![operation.clone()]).await.pop();
        answer.unwrap_or_else(|| Err(self.0.unreachable("nobody answered")))
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError> {
        Ok(read(&self.0.view).record(key).cloned())
    }

    async fn list(&self, list: List) -> Result<Vec<(Key, Record)>, LedgerError> {
        Ok(read(&self.0.view).list(list))
    }

    async fn settled(&self, channel: ChannelId, number: u64) -> Result<Option<Settled>, LedgerError> {
        // What is fresh first: it moves to the index, never back. What the index knows is earlier.
        let fresh = read(&self.0.view).fresh_settlement(channel, number);
        let entry = self.0.index.settled(channel, number).map_err(|error| self.0.unreachable(&error))?;
        let Some(entry) = entry else { return Ok(fresh) };
        match self.0.log_entry(entry)? {
            Entry::Operation { at, signed, .. } => match signed.body.operation {
                Operation::Settle { voucher } => Ok(Some(Settled { entry, at, voucher })),
                _ => Err(self.0.unreachable("its index is not of this journal: delete index.sqlite and restart")),
            },
            _ => Err(self.0.unreachable("its index is not of this journal: delete index.sqlite and restart")),
        }
    }

    async fn received(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError> {
        self.received_by(account, from)
    }

    async fn earnings(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError> {
        self.earned_by(account, days)
    }

    async fn used(&self) -> Result<Vec<(ArtifactId, Usage)>, LedgerError> {
        self.used_by_all()
    }

    async fn head(&self) -> Result<SignedHead, LedgerError> {
        let head = read(&self.0.view).head();
        Ok(self.0.signer.sign(head))
    }
}
