//! What is read at start: the whole journal, every byte of it checked; the state from snapshot and replay.

use ledger::{Digest, Genesis, Head, Record, State, log_tree};
use std::{io::Read as _, path::Path, sync::Arc};

use crate::{
    Error,
    disk::{Disk, ReadFrom, Stored},
    index::Index,
    journal::{self, Damage, HEADER_BYTES, Raw, ScanError, Tail, open_header, scan},
    replay::{self, Replay, wrong},
    snapshot::Snapshot,
    view::{Fresh, View},
};

/// So many entries are checked together, and then taught to the index: groups are often of one operation.
const TOGETHER: usize = 16_384;

/// A ledger as its files tell it.
pub(crate) struct Recovery {
    pub replay: Replay,
    pub view: View,
    pub tail: Tail,
    /// How many entries the newest snapshot stands for.
    pub saved: u64,
    /// False if the index was made from another journal, such as the one from before a backup was put back.
    pub index_fits: bool,
}

impl Recovery {
    /// Reads everything, and brings the index up to date. `dir` is where the disk's folder is.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first wrong place, or what the system or the index says.
    pub(crate) fn run(disk: &dyn Disk, dir: &Path, snapshot: Option<Snapshot>, index: &Index) -> Result<Self, Error> {
        let path = dir.join(journal::FILE);
        let file = disk.open(journal::FILE).map_err(Error::io(&path))?;
        let network = read_header(&path, &*file)?;
        let acknowledged = journal::acknowledged(disk).max(snapshot.as_ref().map_or(0, |snapshot| snapshot.bytes));
        let mut reading = Reading::new(network, snapshot, index)?;
        let stopped = |stop| match stop {
            Stop::Damage(damage) => Error::damaged(&path, &damage),
            Stop::Error(error) => error,
        };
        let scanned = scan(&*file, acknowledged, |group| reading.group(group).map_err(stopped));
        // What comes before a damaged record is checked first: the first wrong place is told.
        reading.flush().map_err(stopped)?;
        let tail = scanned.map_err(|error| match error {
            ScanError::Io(source) => Error::Io { path: path.clone(), source },
            ScanError::Damage(damage) => Error::damaged(&path, &damage),
            ScanError::Found(error) => error,
        })?;
        reading.finish(tail).map_err(stopped)
    }
}

/// Reads a journal's header.
///
/// # Errors
/// [`Error::NotJournal`] or [`Error::Io`].
pub(crate) fn read_header(path: &Path, file: &dyn Stored) -> Result<Digest, Error> {
    let mut header = [0; HEADER_BYTES];
    match (ReadFrom { file, at: 0 }).read_exact(&mut header) {
        Ok(()) => open_header(&header).ok_or_else(|| Error::NotJournal(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(Error::NotJournal(path.to_owned())),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

/// Why reading stops.
enum Stop {
    Damage(Damage),
    Error(Error),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The journal being read.
struct Reading<'a> {
    network: Digest,
    index: &'a Index,
    /// What the index knows.
    known: Head,
    index_fits: bool,
    /// Until the entry that it stands for is reached.
    snapshot: Option<Snapshot>,
    saved: u64,
    genesis: Option<Genesis>,
    replay: Option<Replay>,
    view: View,
    /// What was read and not yet checked.
    unchecked: Vec<Raw>,
}

impl<'a> Reading<'a> {
    /// A snapshot is used only if the index knows all that it stands for.
    fn new(network: Digest, snapshot: Option<Snapshot>, index: &'a Index) -> Result<Self, Error> {
        let known = index.head()?;
        let snapshot = snapshot.filter(|snapshot| snapshot.entries() <= known.size);
        let index_fits = known.size == 0;
        let saved = snapshot.as_ref().map_or(0, Snapshot::entries);
        let (view, unchecked) = (View::default(), Vec::new());
        let (genesis, replay) = (None, None);
        Ok(Self { network, index, known, index_fits, snapshot, saved, genesis, replay, view, unchecked })
    }

    fn group(&mut self, mut group: Vec<Raw>) -> Result<(), Stop> {
        for raw in &group {
            self.view.shape.push(raw.offset, log_tree::leaf(&raw.bytes));
        }
        if self.view.shape.size() == self.known.size {
            self.index_fits = self.view.head() == self.known;
        }
        if group.first().is_some_and(|first| first.entry == 0) {
            self.found(&group.remove(0))?;
        }
        if self.replay.is_some() {
            self.unchecked.extend(group);
        } else if let Some(last) = group.last().filter(|last| last.entry + 1 == self.saved) {
            self.resume(last)?;
        }
        if self.unchecked.len() >= TOGETHER { self.flush() } else { Ok(()) }
    }

    /// Checks what was read, and teaches it to the index.
    fn flush(&mut self) -> Result<(), Stop> {
        let Some(replay) = &mut self.replay else { return Ok(()) };
        let done = replay.feed(&std::mem::take(&mut self.unchecked))?;
        if self.index_fits {
            let head = self.view.head();
            self.index.learn(vec![Arc::new(Fresh { done, head })], head, false)?;
        }
        Ok(())
    }

    fn found(&mut self, first: &Raw) -> Result<(), Damage> {
        let genesis = replay::genesis(first)?;
        if genesis.network() != self.network {
            return Err(wrong(first, "the founding document is not that of the network in the file's header".into()));
        }
        if self.snapshot.is_none() {
            self.replay = Some(Replay::found(first)?);
        }
        self.genesis = Some(genesis);
        Ok(())
    }

    /// At the entry that the snapshot stands for: takes its state, if journal and snapshot tell the same history.
    fn resume(&mut self, last: &Raw) -> Result<(), Damage> {
        let (Some(snapshot), Some(genesis)) = (self.snapshot.take(), self.genesis.clone()) else {
            return Ok(());
        };
        let differ = || {
            let what = "journal and snapshot tell different histories up to here, so one of them was changed; if you trust \
                        the journal, delete the file `snapshot` and start again";
            wrong(last, what.into())
        };
        if snapshot.network != self.network || snapshot.frontier != self.view.shape.frontier() {
            return Err(differ());
        }
        let records = snapshot.records.iter().map(|(key, record)| (key.clone(), Record::clone(record)));
        let mut state = State::from_records(genesis, records).map_err(|_| differ())?;
        let root = ledger::encode(&api::log::Entry::Root { root: state.root() });
        if root != last.bytes {
            return Err(differ());
        }
        self.view.records = snapshot.records;
        self.replay = Some(Replay::resume(state, self.saved));
        Ok(())
    }

    fn finish(mut self, tail: Tail) -> Result<Recovery, Stop> {
        let size = self.view.shape.size();
        let Some(replay) = self.replay.take() else {
            let what = match size {
                0 => "the founding document is damaged or gone".into(),
                _ => format!("the snapshot stands for {} entries, and the journal ends here", self.saved),
            };
            return Err(Damage { entry: size, offset: tail.end, what }.into());
        };
        self.view.catch_up(&replay.state);
        self.view.end = tail.end;
        Ok(Recovery { replay, view: self.view, tail, saved: self.saved, index_fits: self.index_fits })
    }
}
