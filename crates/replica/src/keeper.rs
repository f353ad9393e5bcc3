//! The keeper: teaches the index what the log says and writes snapshots, behind everybody's back.

use ledger::{Digest, Head};
use std::{
    path::PathBuf,
    sync::{Arc, RwLock, mpsc::Receiver},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    Error,
    disk::Disk,
    head::Signer,
    index::Index,
    lock::{read, write},
    snapshot::{self, Snapshot},
    view::View,
};

/// A snapshot after so many entries at least: replaying as many takes less than half a second.
const SNAPSHOT_ENTRIES: u64 = 32_768;
/// And after one entry at least for so many records: a snapshot writes all of them, so a large ledger takes one more seldom, and
/// what it writes stays in proportion to the journal.
const RECORDS_PER_ENTRY: u64 = 16;

/// The index learns when nothing came for so long: what comes together is learned together, while nobody needs the processor.
const QUIET: Duration = Duration::from_millis(5);
/// With more than so many operations to learn the ledger is busy, and quiet is longer than one of its groups takes.
const FEW: usize = 256;
/// How long it is then.
const QUIET_WHEN_BUSY: Duration = Duration::from_millis(50);
/// It waits at most so long after something came.
const LAG_MAX: Duration = Duration::from_millis(250);
/// With so many operations to learn it waits no longer. It learns about as many at once: each page of the index is written
/// for many of them. A teller who waits for it waits for all of them.
const PLENTY: usize = 65_536;

pub(crate) struct Keeper {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub network: Digest,
    pub view: Arc<RwLock<View>>,
    pub index: Arc<Index>,
    pub signer: Arc<Signer>,
    /// How many entries there were when a snapshot was last taken.
    pub saved: u64,
    /// Taken, and written once the index knows all that it stands for, so that a start from it need not look further back.
    pub taken: Option<Saving>,
}

/// What is to be done after a turn.
pub(crate) enum Next {
    /// Nothing, until something comes.
    Rest,
    /// Another turn.
    Again,
    /// To write this, and another turn.
    Save(Saving),
}

impl Keeper {
    /// Runs until the committer is gone; then leaves everything written.
    pub(crate) fn run(mut self, news: &Receiver<()>) {
        let (mut saver, mut more) = (None, false);
        while more || news.recv().is_ok() {
            let came = Instant::now();
            loop {
                let fresh = read(&self.view).unindexed;
                let quiet = if fresh > FEW { QUIET_WHEN_BUSY } else { QUIET };
                if came.elapsed() >= LAG_MAX || fresh >= PLENTY || news.recv_timeout(quiet).is_err() {
                    break;
                }
            }
            more = self.work(self.due(), news, &mut saver);
        }
        finish(&mut saver);
        self.work(1, news, &mut saver);
        finish(&mut saver);
    }

    /// Turns until the index knows all that is there now. What comes meanwhile waits until there is more of it; true if something
    /// did.
    fn work(&mut self, due: u64, news: &Receiver<()>, saver: &mut Option<JoinHandle<()>>) -> bool {
        let all = read(&self.view).head().size;
        loop {
            let busy = saver.as_ref().is_some_and(|saver| !saver.is_finished());
            match self.turn(if busy { u64::MAX } else { due }) {
                Next::Rest => return false,
                Next::Again if read(&self.view).fresh().next().is_some_and(|done| done.entry >= all) => return true,
                Next::Again => {}
                Next::Save(saving) => {
                    finish(saver);
                    let spawned = std::thread::Builder::new().name("ledger-saver".into()).spawn(|| saving.write());
                    *saver = spawned.inspect_err(|error| tracing::warn!(%error, "no snapshot is written")).ok();
                }
            }
            // A committer who waits goes on.
            let _ = news.try_recv();
        }
    }

    /// After how many entries the next snapshot is due.
    fn due(&self) -> u64 {
        SNAPSHOT_ENTRIES.max(read(&self.view).records.len() as u64 / RECORDS_PER_ENTRY)
    }

    /// Teaches the index a part of what is fresh, and takes a snapshot if so many entries came since the last one. A failure here
    /// loses nothing: what is fresh stays in memory and in the journal.
    pub(crate) fn turn(&mut self, snapshot_entries: u64) -> Next {
        if self.taken.is_none() {
            self.take(snapshot_entries);
        }
        match self.learn() {
            Ok(known) => match self.taken.take_if(|taken| taken.head.size <= known) {
                Some(taken) => Next::Save(taken),
                None if read(&self.view).fresh.is_empty() => Next::Rest,
                None => Next::Again,
            },
            Err(error) => {
                tracing::warn!(%error, "the ledger's index is behind; it is caught up later");
                self.taken = None;
                Next::Rest
            }
        }
    }

    fn take(&mut self, snapshot_entries: u64) {
        let view = read(&self.view);
        let head = view.head();
        if head.size >= self.saved.saturating_add(snapshot_entries) {
            // Also if it fails: the next try comes as many entries later.
            self.saved = head.size;
            let (disk, dir, signer) = (Arc::clone(&self.disk), self.dir.clone(), Arc::clone(&self.signer));
            self.taken = Some(Saving { disk, dir, signer, snapshot: view.snapshot(self.network), head });
        }
    }

    /// Teaches the index some of what is fresh, for good if a snapshot waits for that. Gives how many entries it knows then.
    fn learn(&self) -> Result<u64, Error> {
        let (fresh, head) = {
            let view = read(&self.view);
            let fresh = view.unlearned(PLENTY);
            let head = fresh.last().map_or_else(|| view.head(), |group| group.head);
            (fresh, head)
        };
        let synced = self.taken.as_ref().is_some_and(|taken| taken.head.size <= head.size);
        let groups = fresh.len();
        self.index.learn(fresh, head, synced)?;
        let learned = write(&self.view).learned(groups);
        drop(learned);
        Ok(head.size)
    }
}

/// Waits for the last snapshot.
fn finish(saver: &mut Option<JoinHandle<()>>) {
    if saver.take().is_some_and(|saver| saver.join().is_err()) {
        tracing::error!("a snapshot was not written, because its thread failed");
    }
}

/// A snapshot, to be written.
pub(crate) struct Saving {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    signer: Arc<Signer>,
    snapshot: Snapshot,
    head: Head,
}

impl Saving {
    /// Writes it, while the keeper goes on.
    pub(crate) fn write(self) {
        let note = self.signer.sign(self.head).note;
        if let Err(error) = snapshot::write(&*self.disk, &self.dir, &self.snapshot, &note) {
            tracing::warn!(%error, "the ledger's snapshot is behind; the next one comes later");
        }
    }
}
