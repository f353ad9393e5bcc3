//! The writer: takes the operations that wait, decides them, makes them durable with one sync, and only then answers.

use api::{Applied, LedgerError, log::Entry};
use ledger::{State, Time, Verified, log_tree};
use std::{
    path::PathBuf,
    sync::{Arc, RwLock, mpsc::SyncSender},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    decide::Done,
    journal::{Appender, put_record},
    lock::{read, write},
    view::{Change, View},
};

/// Most operations in one group.
const GROUP_MAX: usize = 8_192;
/// Most operations that may wait; more are turned away.
pub(crate) const QUEUE_MAX: usize = 16_384;

/// An operation that waits, and who waits for it.
pub(crate) struct Job {
    pub operation: Verified,
    pub tell: oneshot::Sender<Verdict>,
}

/// What became of a job.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It was decided, and what was decided is durable.
    Answered(Result<Applied, LedgerError>),
    /// An operation with its sequence was decided before, and that is durable: look whether it was the same.
    Repeated,
}

/// The one thread that changes the ledger.
pub(crate) struct Writer {
    pub state: State,
    pub journal: Appender,
    /// The index of the next entry.
    pub next: u64,
    pub view: Arc<RwLock<View>>,
    /// Tells the keeper that something is new.
    pub news: SyncSender<()>,
    pub path: PathBuf,
    pub clock: Clock,
}

impl Writer {
    /// Runs until nobody can submit any more, or the journal cannot be written.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while let Some(first) = queue.blocking_recv() {
            jobs.push(first);
            while jobs.len() < GROUP_MAX
                && let Ok(next) = queue.try_recv()
            {
                jobs.push(next);
            }
            if self.commit(&mut jobs).is_err() {
                return;
            }
        }
    }

    /// Decides and commits a group, then answers everybody in it.
    ///
    /// # Errors
    /// If the journal failed: then nobody was answered, and the state is ahead of what is durable.
    pub(crate) fn commit(&mut self, jobs: &mut Vec<Job>) -> std::io::Result<()> {
        let at = (self.clock)().max(self.state.totals().time);
        let mut verdicts = Vec::with_capacity(jobs.len());
        let mut group = Group::at(self.journal.end(), self.next);
        for job in jobs.drain(..) {
            verdicts.push((job.tell, self.decide(at, &job.operation, &mut group)));
        }
        if !group.change.done.is_empty() {
            self.seal(&mut group);
            self.journal.commit(&group.bytes).inspect_err(|error| self.stop(error))?;
            self.next = group.next;
            group.change.end = self.journal.end();
            write(&self.view).publish(group.change);
            // If one piece of news waits already, the keeper will see this too.
            let _ = self.news.try_send(());
        }
        for (tell, verdict) in verdicts {
            // Whoever went away asks again with the same bytes.
            drop(tell.send(verdict));
        }
        Ok(())
    }

    fn decide(&mut self, at: Time, operation: &Verified, group: &mut Group) -> Verdict {
        let request = operation.request();
        if request.sequence < self.state.account(&request.account).sequence {
            return Verdict::Repeated;
        }
        match Done::decide(&mut self.state, group.next, at, operation) {
            Err(reject) => Verdict::Answered(Err(LedgerError::Rejected { reject, entry: None })),
            Ok(done) => {
                group.put(&done.log_entry());
                let reply = done.reply();
                group.change.done.push(Arc::new(done));
                Verdict::Answered(reply)
            }
        }
    }

    /// Says why writing stops, before those who wait learn that nobody will answer.
    fn stop(&self, error: &std::io::Error) {
        let path = self.path.display();
        let stopped = format!("{path} cannot be written ({error}), so nothing is written any more; reading goes on");
        tracing::error!("{stopped}. Mend the cause and restart");
        write(&self.view).stopped = Some(stopped);
    }

    /// Ends a group with the state's root, and notes what readers will see of it.
    fn seal(&mut self, group: &mut Group) {
        let changed: Vec<_> = self.state.changed().cloned().collect();
        group.change.records = changed.into_iter().map(|key| (key.clone(), self.state.get(&key))).collect();
        group.put(&Entry::Root { root: self.state.root() });
        group.change.tree = self.state.tree();
    }
}

/// A group that is being put together.
pub(crate) struct Group {
    /// As it will lie in the journal.
    pub bytes: Vec<u8>,
    pub change: Change,
    start: u64,
    next: u64,
}

impl Group {
    /// An empty group that will begin at `start` bytes with entry number `next`.
    pub(crate) fn at(start: u64, next: u64) -> Self {
        Self { bytes: Vec::new(), change: Change::default(), start, next }
    }

    /// Appends an entry.
    pub(crate) fn put(&mut self, entry: &Entry) {
        let bytes = ledger::encode(entry);
        self.change.leaves.push((self.start + self.bytes.len() as u64, log_tree::leaf(&bytes)));
        put_record(&bytes, self.bytes.is_empty(), &mut self.bytes);
        self.next += 1;
    }
}

/// Why nothing can be submitted.
pub(crate) fn stopped(view: &RwLock<View>) -> String {
    read(view)
        .stopped
        .clone()
        .unwrap_or_else(|| "it takes no operations any more, because it was closed or failed".into())
}

/// Tells the time: [`now`], or in tests a clock that is set by hand.
pub(crate) type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// The time of this machine's clock.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
