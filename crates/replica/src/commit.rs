//! The writer: takes the operations that wait, decides them, makes them durable with one sync, and only then answers.

use api::{Applied, LedgerError, log::Entry, proof::Stood};
use ledger::{Digest, Head, Key, Reject, Request, Signed, State, Time, Verified, log_tree};
use std::{
    ops::Range,
    path::PathBuf,
    sync::{Arc, RwLock, mpsc::SyncSender},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{
    decide::Done,
    journal::{Appender, FRAME_BYTES, holds_group, put_record},
    lock::{read, write},
    proof::stands,
    view::{Change, View},
};

/// A group is full with so many operations; it may have some more, if they were submitted together.
pub(crate) const GROUP_MAX: usize = 8_192;
/// Most operations that may wait; more are turned away.
pub(crate) const QUEUE_MAX: usize = 2 * GROUP_MAX;
/// With so many operations that the index has yet to learn, which are kept in memory, the writer waits.
const FRESH_MAX: usize = 131_072;
/// Fewer leaves than these are not worth a thread.
const FEW_LEAVES: usize = 256;

/// What the writer is asked.
pub(crate) enum Job {
    /// To decide operations that were checked; of some it is known what is wrong with them.
    Submit(Vec<Result<Verified, Reject>>, Waiting),
    /// To prove what stands under a key: only the writer has the tree.
    Prove(Key, oneshot::Sender<(Stood, Head)>),
}

impl Job {
    /// How many operations it has.
    const fn operations(&self) -> usize {
        match self {
            Self::Submit(operations, _) => operations.len(),
            Self::Prove(..) => 0,
        }
    }
}

/// Whoever waits, and the operations' places in the queue.
pub(crate) struct Waiting {
    pub tell: oneshot::Sender<Vec<Verdict>>,
    pub places: OwnedSemaphorePermit,
}

/// What became of an operation.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It was decided, and what was decided is durable.
    Answered(Result<Applied, LedgerError>),
    /// An operation with its sequence was decided before, and that is durable: look whether it was the same.
    Repeated(Box<Signed<Request>>),
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
    pub(crate) fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut jobs = Vec::new();
        while let Some(first) = queue.blocking_recv() {
            let mut operations = first.operations();
            jobs.push(first);
            while operations < GROUP_MAX
                && let Ok(next) = queue.try_recv()
            {
                operations += next.operations();
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
        let (mut answers, mut questions) = (Vec::with_capacity(jobs.len()), Vec::new());
        let mut group = Group::at(self.journal.end(), self.next);
        for job in jobs.drain(..) {
            match job {
                Job::Submit(operations, waiting) => {
                    let decide = |operation| self.decide(at, operation, &mut group);
                    let verdicts = operations.into_iter().map(decide).collect();
                    answers.push((waiting, verdicts));
                }
                Job::Prove(key, tell) => questions.push((key, tell)),
            }
        }
        let wrote = !group.change.done.is_empty();
        if wrote {
            self.seal(&mut group);
            self.journal.commit(&group.bytes).inspect_err(|error| self.stop(error))?;
            self.next = group.next;
            group.change.end = self.journal.end();
            write(&self.view).publish(group.change);
        }
        for (Waiting { tell, places }, verdicts) in answers {
            drop(places);
            // Whoever went away asks again with the same bytes.
            drop(tell.send(verdicts));
        }
        for (key, tell) in questions {
            // All of the state is durable, and the head's last entry is its root.
            drop(tell.send((stands(&mut self.state, key), read(&self.view).head())));
        }
        if wrote {
            self.tell_keeper();
        }
        Ok(())
    }

    fn decide(&mut self, at: Time, operation: Result<Verified, Reject>, group: &mut Group) -> Verdict {
        let refused = |reject| Verdict::Answered(Err(LedgerError::Rejected { reject, entry: None }));
        let operation = match operation {
            Ok(operation) => operation,
            Err(reject) => return refused(reject),
        };
        // In the journal its bytes must not look like the beginning of a group; docs/journal.md, Torn or damaged.
        if holds_group(operation.encoded()) {
            return refused(Reject::Malformed);
        }
        let request = operation.request();
        if request.sequence < self.state.sequence(&request.account) {
            return Verdict::Repeated(Box::new(operation.into_signed()));
        }
        match Done::decide(&mut self.state, group.next, at, &operation) {
            Err(reject) => refused(reject),
            Ok(done) => {
                group.put_encoded(&Entry::encoded_operation(at, operation.encoded(), done.result()));
                let reply = done.reply();
                group.change.done.push(Arc::new(done));
                Verdict::Answered(reply)
            }
        }
    }

    /// If one piece of news waits already, the keeper will see this too. If the index is far behind, what comes next waits for
    /// it.
    fn tell_keeper(&self) {
        let behind = read(&self.view).fresh.len() > FRESH_MAX;
        let _ = if behind { self.news.send(()).map_err(drop) } else { self.news.try_send(()).map_err(drop) };
    }

    /// Says why writing stops, before those who wait learn that nobody will answer.
    fn stop(&self, error: &std::io::Error) {
        let path = self.path.display();
        let stopped = format!("{path} cannot be written ({error}), so nothing is written any more; reading goes on");
        tracing::error!("{stopped}. Mend the cause and restart");
        write(&self.view).stopped = Some(stopped);
    }

    /// Ends a group with the state's root, and notes what readers will see of it. The state's tree and the log's leaves are
    /// hashed side by side.
    fn seal(&mut self, group: &mut Group) {
        let (state, entries) = (&mut self.state, &group.entries);
        let (mut records, hash) = (Vec::new(), |entries: &[Range<usize>]| group.hash(entries));
        let (root, mut leaves) = std::thread::scope(|scope| {
            let hashing = (entries.len() >= FEW_LEAVES).then(|| scope.spawn(|| hash(entries)));
            state.take_changes(|key, record| records.push((key, record.map(Arc::new))));
            let root = state.root();
            (root, hashing.map_or_else(|| hash(entries), |hashing| hashing.join().expect("the hashing thread failed")))
        });
        group.put(&Entry::Root { root });
        leaves.extend(group.hash(&group.entries[leaves.len()..]));
        (group.change.records, group.change.leaves) = (records, leaves);
    }
}

/// A group that is being put together.
pub(crate) struct Group {
    /// As it will lie in the journal.
    pub bytes: Vec<u8>,
    pub change: Change,
    /// Where each entry lies in `bytes`.
    entries: Vec<Range<usize>>,
    start: u64,
    next: u64,
}

impl Group {
    /// An empty group that will begin at `start` bytes with entry number `next`.
    pub(crate) fn at(start: u64, next: u64) -> Self {
        Self { bytes: Vec::new(), change: Change::default(), entries: Vec::new(), start, next }
    }

    /// Appends an entry.
    pub(crate) fn put(&mut self, entry: &Entry) {
        self.put_encoded(&ledger::encode(entry));
    }

    fn put_encoded(&mut self, entry: &[u8]) {
        put_record(entry, self.bytes.is_empty(), &mut self.bytes);
        self.entries.push(self.bytes.len() - entry.len()..self.bytes.len());
        self.next += 1;
    }

    /// Where the records of some of its entries begin, and their hashes as leaves.
    fn hash(&self, entries: &[Range<usize>]) -> Vec<(u64, Digest)> {
        let leaf = |entry: &Range<usize>| {
            let record = entry.start - FRAME_BYTES;
            (self.start + record as u64, log_tree::leaf(&self.bytes[entry.clone()]))
        };
        entries.iter().map(leaf).collect()
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
