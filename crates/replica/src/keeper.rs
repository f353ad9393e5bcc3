//! The keeper: teaches the index what the log says and writes snapshots, behind everybody's back.

use ledger::Digest;
use std::{
    path::PathBuf,
    sync::{Arc, RwLock, mpsc::Receiver},
    time::{Duration, Instant},
};

use crate::{
    Error,
    disk::Disk,
    head::Signer,
    index::Index,
    lock::{read, write},
    snapshot,
    view::View,
};

/// A snapshot after so many entries at least: replaying as many takes less than half a second.
const SNAPSHOT_ENTRIES: u64 = 32_768;
/// And after one entry at least for so many records: a snapshot writes all of them, so a large ledger takes one more seldom, and
/// what it writes stays in proportion to the journal.
const RECORDS_PER_ENTRY: u64 = 16;

/// The index learns when nothing came for so long: what comes together is learned together, while nobody needs the processor.
const QUIET: Duration = Duration::from_millis(5);
/// It waits at most so long after something came.
const LAG_MAX: Duration = Duration::from_millis(250);
/// With so many operations to learn it waits no longer.
const PLENTY: usize = 65_536;

pub(crate) struct Keeper {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub network: Digest,
    pub view: Arc<RwLock<View>>,
    pub index: Arc<Index>,
    pub signer: Arc<Signer>,
    /// How many entries there were when a snapshot was last written or tried.
    pub saved: u64,
}

impl Keeper {
    /// Runs until the writer is gone; then leaves everything written.
    pub(crate) fn run(mut self, news: &Receiver<()>) {
        while news.recv().is_ok() {
            let came = Instant::now();
            while came.elapsed() < LAG_MAX && read(&self.view).fresh.len() < PLENTY && news.recv_timeout(QUIET).is_ok()
            {
            }
            self.turn(self.due());
        }
        self.turn(1);
    }

    /// After how many entries the next snapshot is due.
    fn due(&self) -> u64 {
        SNAPSHOT_ENTRIES.max(read(&self.view).records.len() as u64 / RECORDS_PER_ENTRY)
    }

    /// A failure here loses nothing: what is fresh stays in memory and in the journal.
    pub(crate) fn turn(&mut self, snapshot_entries: u64) {
        let size = read(&self.view).shape.size();
        let result = if size >= self.saved + snapshot_entries {
            // Also if it fails: the next try comes as many entries later.
            self.saved = size;
            self.save()
        } else {
            self.catch_up(false)
        };
        if let Err(error) = result {
            tracing::warn!(%error, "the ledger's index or snapshot is behind; it is caught up later");
        }
    }

    /// Teaches the index everything fresh.
    fn catch_up(&self, synced: bool) -> Result<(), Error> {
        let (fresh, head) = {
            let view = read(&self.view);
            (view.fresh.iter().cloned().collect::<Vec<_>>(), view.head())
        };
        let count = fresh.len();
        self.index.learn(fresh, head, synced)?;
        let learned: Vec<_> = write(&self.view).fresh.drain(..count).collect();
        drop(learned);
        Ok(())
    }

    /// Writes a snapshot. The index must know all that it stands for, so that a start from it need not look further back.
    fn save(&self) -> Result<(), Error> {
        let (snapshot, head) = {
            let view = read(&self.view);
            (view.snapshot(self.network), view.head())
        };
        self.catch_up(true)?;
        snapshot::write(&*self.disk, &self.dir, &snapshot, &self.signer.sign(head).note)
    }
}
