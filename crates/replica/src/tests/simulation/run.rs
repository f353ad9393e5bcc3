//! One run: a ledger on a simulated disk and clock, without threads, through several starts. After each it is held against
//! what was answered before, and against an audit of the journal alone.

use api::{Applied, Ledger as _, LedgerError, log::Entry};
use ledger::{
    Amount, ChannelId, Digest, Effect, Head, Key, Kind, Operation, Publish, Rates, Record, Reject, Request, Signed,
    Time,
};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{
    Error, Replica,
    audit::{auditor::Auditor, folder},
    checker::{Checker, Unchecked},
    commit::Committer,
    group::Group,
    keeper::{Keeper, Next},
    lock::read,
    open::{Ground, Ready},
    target::{
        account,
        chance::Chance,
        config,
        disk::{After, Fault, SimulatedDisk},
        key,
    },
    tell::Teller,
    tests::sign,
    writer::{Job, Writer},
};

type Answer = Result<Applied, LedgerError>;
/// Answers that are on their way.
type Asking<'a> = Pin<Box<dyn Future<Output = Vec<Answer>> + Send + 'a>>;

/// Accounts; number 0 is the issuer.
const PEOPLE: usize = 4;

/// A ledger through several starts.
pub struct Run {
    pub disk: SimulatedDisk,
    chance: Chance,
    clock: Arc<AtomicU64>,
    /// For the index alone, which is SQLite's.
    dir: tempfile::TempDir,
    /// The sequence of each account's next operation.
    sequences: [u64; PEOPLE],
    /// The channel that was opened last, and its provider.
    channel: Option<(usize, ChannelId)>,
    /// What was answered, by entry.
    answered: BTreeMap<u64, (Signed<Request>, Answer)>,
    /// What was sent and not answered; it is sent again.
    unanswered: Vec<Signed<Request>>,
    /// What of that was in the log at the last start.
    stored: Vec<Signed<Request>>,
    /// What of it was in the group that failed.
    failed: Vec<Signed<Request>>,
    /// The head after the last answer, and where its journal ends.
    pub head: Option<(Head, u64)>,
}

/// How operations are submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By one, as one job.
    Together,
    /// By as many as there are operations.
    AtOnce,
    /// The same; both halves are decided before the first is committed.
    InTwoGroups,
}

/// A start that went well.
struct Process {
    replica: Replica,
    checker: Checker,
    unchecked: UnboundedReceiver<Unchecked>,
    writer: Writer,
    queue: UnboundedReceiver<Job>,
    /// Until the journal cannot be written.
    committer: Option<Committer>,
    /// The group that could not be written.
    failed: Vec<Signed<Request>>,
    teller: Teller,
    keeper: Keeper,
}

impl Run {
    /// `seed` decides what is asked, and what is left to chance on the disk.
    pub fn new(seed: u64, faults: &[(u64, Fault)]) -> Self {
        Self {
            disk: SimulatedDisk::new(seed, faults.iter().copied()),
            chance: Chance::new(!seed),
            clock: Arc::new(AtomicU64::new(5_000)),
            dir: tempfile::tempdir().unwrap(),
            sequences: [0; PEOPLE],
            channel: None,
            answered: BTreeMap::new(),
            unanswered: Vec::new(),
            stored: Vec::new(),
            failed: Vec::new(),
            head: None,
        }
    }

    /// Starts, checks what is there, and works until enough was done or something stops it.
    pub fn live(&mut self) {
        let mut process = match self.start() {
            Ok(process) => process,
            Err(error) => {
                let expected = self.disk.fired() && matches!(error, Error::Io { .. });
                assert!(expected, "it does not start: {error}");
                return;
            }
        };
        self.check(&process);
        for _ in 0..=self.chance.below(4) {
            self.tick();
            let mut operations = std::mem::take(&mut self.unanswered);
            operations.extend((0..=self.chance.below(3)).map(|_| self.anything()).collect::<Vec<_>>());
            let how = self.chance.pick(&[How::Together, How::AtOnce, How::InTwoGroups]);
            let answers = process.submit(&operations, how);
            operations.into_iter().zip(answers).for_each(|(operation, answer)| self.told(operation, answer));
            if process.committer.is_none() {
                self.failed = std::mem::take(&mut process.failed);
                assert!(process.replica.stopped().is_some());
                break;
            }
            self.head = process.end();
            if self.chance.once_in(4) {
                let entries = self.chance.pick(&[1, 9, 4_096]);
                process.keep(entries);
            }
        }
        if self.chance.once_in(3) {
            process.keep(1);
        }
    }

    /// Starts once more with nothing in the way, sends again what was not answered, and checks that all of it outlasts a
    /// power failure. Gives a digest of the whole run.
    pub fn finish(mut self) -> Digest {
        self.disk.mend();
        self.stop(After::Kill);
        let mut process = self.start().unwrap();
        self.check(&process);
        let operations = std::mem::take(&mut self.unanswered);
        let answers = process.submit(&operations, self.chance.pick(&[How::Together, How::AtOnce, How::InTwoGroups]));
        operations.into_iter().zip(answers).for_each(|(operation, answer)| self.told(operation, answer));
        assert!(self.unanswered.is_empty(), "nothing is in the way");
        self.head = process.end();
        drop(process);
        self.stop(After::PowerFailure);
        let mut process = self.start().unwrap();
        self.check(&process);
        let (operations, answers): (Vec<_>, Vec<_>) = std::mem::take(&mut self.answered).into_values().unzip();
        assert_eq!(process.submit(&operations, How::AtOnce), answers, "the same bytes get the same answer");
        let others: Vec<_> = operations.iter().map(other_bytes).collect();
        let taken = Err(LedgerError::Rejected { reject: Reject::SequencePast, entry: None });
        assert_eq!(process.submit(&others, How::AtOnce), vec![taken; others.len()], "other bytes do not get it");
        assert_eq!(process.end(), self.head, "an operation that was answered has no second effect");
        Digest::of(format!("{:?} {:?} {answers:?}", self.disk.asked(), self.head).as_bytes())
    }

    /// Ends what runs; at a power failure perhaps the index is lost.
    pub fn stop(&mut self, after: After) {
        self.disk.restart(after);
        if after == After::PowerFailure && self.chance.once_in(3) {
            self.dir = tempfile::tempdir().unwrap();
        }
    }

    /// A start that may be refused, and is not gone on with.
    pub fn try_start(&mut self) -> Result<(), Error> {
        let process = self.start()?;
        self.check(&process);
        Ok(())
    }

    fn start(&self) -> Result<Process, Error> {
        let (disk, clock) = (Arc::new(self.disk.clone()), Arc::clone(&self.clock));
        let ground = Ground { disk, clock: Arc::new(move || Time(clock.load(Ordering::Relaxed))) };
        let Ready { inner, checker, unchecked, writer, queue, committer, teller, keeper, .. } =
            Ready::new(config(self.dir.path()), ground)?;
        let (replica, committer, failed) = (Replica(Arc::new(inner)), Some(committer), Vec::new());
        Ok(Process { replica, checker, unchecked, writer, queue, committer, failed, teller, keeper })
    }

    /// The clock goes on, stands still, or is set back.
    fn tick(&mut self) {
        let now = self.clock.load(Ordering::Relaxed);
        let set = match self.chance.below(8) {
            0 => now.saturating_sub(self.chance.below(10_000)),
            1 => now,
            _ => now + self.chance.below(100),
        };
        self.clock.store(set, Ordering::Relaxed);
    }

    /// Somebody's next operation; some are refused.
    fn anything(&mut self) -> Signed<Request> {
        let (who, to) = (self.chance.index(PEOPLE), account(self.chance.below(PEOPLE as u64) as u8));
        let (reference, amount) = (Digest([7; 32]), Amount(u128::from(self.chance.below(100))));
        let operation = match self.chance.below(9) {
            0..=2 => return self.next(0, Operation::Issue { to, amount, reference }),
            3 => Operation::Name { name: format!("name-{}", self.chance.below(9)) },
            4 => Operation::Open { provider: to, gateway_key: key(9).public(), deposit: amount },
            5 => Operation::Publish(Publish {
                manifest: self.chance.digest(),
                kind: Kind::Model,
                parents: Vec::new(),
                royalty: Rates::default(),
                payees: Vec::new(),
                weights: vec![Digest(self.chance.bytes())],
                name: "made-by-chance".into(),
                tag: "latest".into(),
            }),
            6 => match self.channel.take() {
                Some((provider, channel)) => return self.next(provider, Operation::Release { channel }),
                None => Operation::Transfer { to, amount, reference },
            },
            _ => Operation::Transfer { to, amount, reference },
        };
        self.next(who, operation)
    }

    fn next(&mut self, who: usize, operation: Operation) -> Signed<Request> {
        let sequence = self.sequences[who];
        self.sequences[who] += 1;
        sign(who as u8, sequence, operation)
    }

    fn told(&mut self, operation: Signed<Request>, answer: Answer) {
        if let (Operation::Open { provider, .. }, Ok(applied)) = (&operation.body.operation, &answer)
            && let Effect::Opened(channel) = applied.outcome.effect
        {
            let provider = (0..PEOPLE).find(|number| account(*number as u8) == *provider).unwrap();
            self.channel = Some((provider, channel));
        }
        let entry = match &answer {
            Ok(applied) => applied.entry,
            Err(LedgerError::Rejected { entry: Some(entry), .. }) => *entry,
            Err(LedgerError::Unreachable { .. }) => {
                assert!(self.disk.fired(), "{answer:?}");
                return self.unanswered.push(operation);
            }
            Err(error) => panic!("nobody asks for anything that is refused at the door: {error}"),
        };
        let twice = self.answered.insert(entry, (operation, answer));
        assert_eq!(twice, None, "two operations were told of one entry");
    }

    /// What must be so after each start.
    fn check(&mut self, process: &Process) {
        // The log from its entries alone: signatures, results, roots, sums of money, and that it leads on from the last head.
        let auditor = Auditor::new(self.head.map(|(head, _)| head), |_| {}, |_| {});
        let (report, state) = folder::audit(&self.disk, self.dir.path(), auditor).unwrap();
        assert_eq!(Some(report.head), process.end().map(|(head, _)| head));
        let records: imbl::OrdMap<Key, Arc<Record>> =
            state.records().map(|(key, record)| (key, Arc::new(record))).collect();
        assert!(read(&process.replica.0.view).records == records, "what readers see is not what a replay gives");
        // What was answered is there as it was answered; what was not is there whole or not at all, as its group is.
        let (mut supply, mut found) = (0, Vec::new());
        for entry in 0..report.entries {
            let Entry::Operation { signed, result, .. } = process.replica.0.log_entry(entry).unwrap() else { continue };
            if let (Operation::Issue { amount, .. }, 0) = (&signed.body.operation, result) {
                supply += amount.0;
            }
            match self.answered.get(&entry) {
                Some((operation, answer)) => assert_eq!((&signed, result), (operation, number(answer))),
                None => {
                    assert!(self.unanswered.contains(&signed), "nobody sent entry {entry}");
                    found.push(signed);
                }
            }
        }
        assert!(self.answered.keys().all(|entry| *entry < report.entries), "what was answered is gone");
        // A group came whole, or what is there came in one before it; and nothing came of the next one.
        let before = |operation: &&Signed<Request>| self.stored.contains(operation);
        let whole = |operation: &&Signed<Request>| before(operation) || self.failed.contains(operation);
        let (before, whole) =
            (self.unanswered.iter().filter(before).count(), self.unanswered.iter().filter(whole).count());
        assert!(found.len() == before || found.len() == whole, "a part of a group: {found:?} of {:?}", self.unanswered);
        self.stored = found;
        assert_eq!(report.supply, Amount(supply));
    }
}

/// Another operation with the same sequence.
fn other_bytes(operation: &Signed<Request>) -> Signed<Request> {
    let body = Request { not_after: Time(u64::MAX - 1), ..operation.body.clone() };
    let who = (0..PEOPLE as u8).find(|who| account(*who) == body.account).unwrap();
    key(who).sign(body.network, body)
}

/// The result that the log gives.
fn number(answer: &Answer) -> u16 {
    match answer {
        Ok(_) => 0,
        Err(LedgerError::Rejected { reject, .. }) => reject.number(),
        Err(error) => panic!("{error}"),
    }
}

impl Process {
    /// What the keeper does after some entries.
    fn keep(&mut self, entries: u64) {
        loop {
            match self.keeper.turn(entries) {
                Next::Rest => return,
                Next::Again => {}
                Next::Save(saving) => saving.write(),
            }
        }
    }

    /// Submits operations. Two groups are decided before the first of them is committed.
    fn submit(&mut self, operations: &[Signed<Request>], how: How) -> Vec<Answer> {
        let replica = &self.replica.clone();
        let mut asking: Vec<Asking<'_>> = if how == How::Together {
            vec![Box::pin(replica.submit_all(operations.to_vec()))]
        } else {
            let alone = |operation| async move { vec![replica.submit(operation).await] };
            operations.iter().map(|operation| Box::pin(alone(operation)) as _).collect()
        };
        let at_once: Vec<_> = asking.iter_mut().map(|asking| poll(asking.as_mut())).collect();
        let mut waiting = Vec::new();
        while let Ok(operation) = self.unchecked.try_recv() {
            waiting.push(operation);
        }
        self.checker.turn(&mut waiting);
        let mut jobs: Vec<Job> = std::iter::from_fn(|| self.queue.try_recv().ok()).collect();
        let second = if how == How::InTwoGroups { jobs.split_off(jobs.len() / 2) } else { Vec::new() };
        let groups = [jobs, second].map(|jobs| {
            let mut group = self.writer.open();
            for job in jobs {
                self.writer.take(job, &mut group);
            }
            self.writer.close(group)
        });
        for mut group in groups {
            let Some(committer) = &mut self.committer else { break };
            let decided = group.change.done.iter().map(|done| Signed::clone(&done.signed)).collect();
            if committer.commit(&mut group).is_err() {
                (self.committer, self.failed) = (None, decided);
            } else {
                self.teller.tell(&mut group);
                self.writer.take(Job::Reuse(Box::new(group)), &mut Group::default());
            }
        }
        let later = |(at_once, mut asking): (Option<Vec<Answer>>, Asking<'_>)| {
            at_once.or_else(|| poll(asking.as_mut())).expect("an answer, or that there is none")
        };
        at_once.into_iter().zip(asking).flat_map(later).collect()
    }

    /// The head that readers see, and where its journal ends.
    fn end(&self) -> Option<(Head, u64)> {
        let view = read(&self.replica.0.view);
        Some((view.head(), view.end))
    }
}

fn poll<T>(future: Pin<&mut (dyn Future<Output = T> + Send + '_)>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
