//! The writer: takes the operations that wait, and decides them, while the committer makes those before them durable.

use api::{Applied, LedgerError, proof::Stood};
use ledger::{Head, Key, Reject, Request, Signed, State, Time, Verified, state_tree};
use std::{
    sync::{Arc, RwLock, mpsc::SyncSender},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{decide::Done, group::Group, journal::holds_group, lock::read, view::View};

/// A group is full with so many operations; it may have some more, if they were submitted together or while none is wanted.
pub(crate) const GROUP_MAX: usize = 8_192;
/// Most groups that the committer may have.
pub(crate) const SENT_MAX: usize = 2;
/// Most operations that may wait; more are turned away.
pub(crate) const QUEUE_MAX: usize = 8 * GROUP_MAX;

/// What the writer is asked.
pub(crate) enum Job {
    /// To decide operations that were checked; of some it is known what is wrong with them.
    Submit(Vec<Result<Verified, Reject>>, Waiting),
    /// To have proved what stands under a key.
    Prove(Key, Asking),
    /// To note that a group is durable.
    Durable,
    /// To put together a group in the memory of one that is over.
    Reuse(Box<Group>),
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
    /// Groups that are over.
    pub over: Vec<Group>,
}

impl Writer {
    /// Runs until nobody can submit any more, or the committer has ended.
    pub(crate) fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>, committer: &SyncSender<Group>) {
        // How many groups the committer has. It gets one when it has none, and a full one while it has another.
        let (mut group, mut sent) = (self.open(), 0_usize);
        loop {
            while !(sent < SENT_MAX && group.is_full())
                && let Ok(job) = queue.try_recv()
            {
                sent = sent.saturating_sub(self.take(job, &mut group).into());
            }
            let wanted = !group.is_empty() && (sent == 0 || sent < SENT_MAX && group.is_full());
            // While the committer has another there is time to hash the entries here.
            if wanted && !(sent > 0 && group.hash_some()) {
                let whole = std::mem::take(&mut group);
                if committer.send(self.close(whole)).is_err() {
                    return;
                }
                (group, sent) = (self.open(), sent + 1);
            } else if !wanted && !group.hash_some() {
                // Nothing is to be done before something comes.
                match queue.blocking_recv() {
                    Some(job) => sent = sent.saturating_sub(self.take(job, &mut group).into()),
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
    pub(crate) fn open(&mut self) -> Group {
        match self.over.pop() {
            Some(over) => over.again(self.next),
            None => Group::at(self.next),
        }
    }

    /// Does what can be done before the group is durable. True if a group is durable.
    pub(crate) fn take(&mut self, job: Job, group: &mut Group) -> bool {
        match job {
            Job::Submit(operations, waiting) => {
                let at = (self.clock)().max(self.state.totals().time);
                let decide = |operation| self.decide(at, operation, group);
                let verdicts = operations.into_iter().map(decide).collect();
                group.answers.push((waiting, verdicts));
            }
            Job::Prove(key, tell) => group.questions.push((key, tell)),
            Job::Durable => return true,
            Job::Reuse(group) => self.over.push(*group),
        }
        false
    }

    /// Notes in a group what it changed.
    pub(crate) fn close(&mut self, mut group: Group) -> Group {
        let change = &mut group.change;
        self.state.take_changes(|key, record| {
            change.paths.push(state_tree::path(&key));
            let record = record.map(|record| change.keep(record));
            change.records.push((key, record));
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
