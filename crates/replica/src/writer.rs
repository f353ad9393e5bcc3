//! The writer: takes the operations that wait, and decides them, while the committer makes those before them durable.

use api::{Applied, LedgerError, proof::Stood};
use ledger::{Head, Key, Reject, Request, Signed, State, Time, Verified, state_tree};
use std::{
    sync::{Arc, RwLock, mpsc::SyncSender},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{
    decide::Done,
    group::Group,
    journal::holds_group,
    lock::read,
    view::{Change, View},
};

/// A group is full with so many operations; it may have some more, if they were submitted together or while none is wanted.
pub(crate) const GROUP_MAX: usize = 8_192;
/// Most operations that may wait; more are turned away.
pub(crate) const QUEUE_MAX: usize = 4 * GROUP_MAX;

/// What the writer is asked.
pub(crate) enum Job {
    /// To decide operations that were checked; of some it is known what is wrong with them.
    Submit(Vec<Result<Verified, Reject>>, Waiting),
    /// To have proved what stands under a key.
    Prove(Key, Asking),
    /// To hand over the next group: the committer has nothing to do.
    Free,
}

/// Whoever waits, and the operations' places in the queue.
pub(crate) struct Waiting {
    pub tell: oneshot::Sender<Vec<Verdict>>,
    pub places: OwnedSemaphorePermit,
}

/// Whoever waits for a proof, and the head under which it is one.
pub(crate) type Asking = oneshot::Sender<(Stood, Head)>;

/// What became of an operation.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It was decided, and what was decided is durable.
    Answered(Result<Applied, LedgerError>),
    /// An operation with its sequence was decided before, and that is durable: look whether it was the same.
    Repeated(Arc<Signed<Request>>),
}

/// The one thread that changes the state.
pub(crate) struct Writer {
    /// Without its tree, which the committer has.
    pub state: State,
    /// The index of the next entry.
    pub next: u64,
    pub clock: Clock,
    /// The signed encoding of the operation that is decided.
    pub encoded: Vec<u8>,
}

impl Writer {
    /// Runs until nobody can submit any more, or the committer has ended.
    pub(crate) fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>, committer: &SyncSender<Group>) {
        let (mut group, mut free) = (self.open(), true);
        loop {
            while !(free && group.is_full())
                && let Ok(job) = queue.try_recv()
            {
                free |= self.take(job, &mut group);
            }
            if free && !group.is_empty() {
                let whole = std::mem::replace(&mut group, self.open());
                if committer.send(self.close(whole)).is_err() {
                    return;
                }
                (group, free) = (self.open(), false);
            } else if !group.hash_some() {
                // Nothing is to be done before something comes.
                match queue.blocking_recv() {
                    Some(job) => free |= self.take(job, &mut group),
                    None => break,
                }
            }
        }
        if !group.is_empty() {
            // If the committer ended, those who wait see that nobody answers.
            drop(committer.send(self.close(group)));
        }
    }

    /// A group to come.
    pub(crate) fn open(&self) -> Group {
        Group::at(self.next)
    }

    /// Does what can be done before the group is durable. True if the committer is free.
    pub(crate) fn take(&mut self, job: Job, group: &mut Group) -> bool {
        match job {
            Job::Submit(operations, waiting) => {
                let at = (self.clock)().max(self.state.totals().time);
                let decide = |operation| self.decide(at, operation, group);
                let verdicts = operations.into_iter().map(decide).collect();
                group.answers.push((waiting, verdicts));
            }
            Job::Prove(key, tell) => group.questions.push((key, tell)),
            Job::Free => return true,
        }
        false
    }

    /// Notes in a group what it changed.
    pub(crate) fn close(&mut self, mut group: Group) -> Group {
        let Change { records, paths, .. } = &mut group.change;
        self.state.take_changes(|key, record| {
            paths.push(state_tree::path(&key));
            records.push((key, record.map(Arc::new)));
        });
        // Behind its operations it has the root.
        self.next += match group.change.done.len() as u64 {
            0 => 0,
            operations => operations + 1,
        };
        group
    }

    fn decide(&mut self, at: Time, operation: Result<Verified, Reject>, group: &mut Group) -> Verdict {
        let refused = |reject| Verdict::Answered(Err(LedgerError::Rejected { reject, entry: None }));
        let operation = match operation {
            Ok(operation) => operation,
            Err(reject) => return refused(reject),
        };
        // In the journal its bytes must not look like the beginning of a group; docs/journal.md, Torn or damaged.
        self.encoded.clear();
        ledger::encode_to(&**operation.signed(), &mut self.encoded);
        if holds_group(&self.encoded) {
            return refused(Reject::Malformed);
        }
        match Done::decide(&mut self.state, group.next(), at, &operation) {
            Ok(done) => {
                let reply = done.reply();
                group.put_operation(done, &self.encoded);
                Verdict::Answered(reply)
            }
            Err(_) if operation.request().sequence < self.state.sequence(&operation.request().account) => {
                Verdict::Repeated(Arc::clone(operation.signed()))
            }
            Err(reject) => refused(reject),
        }
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
