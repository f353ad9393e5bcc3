//! A simulated disk. It forgets what was not synced when the power fails, in sectors and in any order; it fails where it is
//! told to, and stores nothing, a part or all of what it failed at; and it tells by a digest what it was asked.

use ledger::Digest;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::chance::Chance;
use crate::{
    disk::{Disk, Stored},
    lock::hold,
};

/// Written whole or not at all, except where the power fails in the middle of one.
const SECTOR: usize = 512;

/// What goes wrong with a change of the disk, and what becomes of the change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// Everything stops, in mid-change.
    Stop(Part),
    /// The change fails.
    Fail(Part),
    /// It fails, and there is no room for anything more until the next start.
    Full(Part),
}

/// How much of a change is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    Nothing,
    Some,
    All,
}

/// What is left when everything stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum After {
    /// The process was killed: the system's memory is still there.
    Kill,
    /// The power failed: what was not synced is there or not, sector by sector.
    PowerFailure,
}

/// Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<Inside>>);

struct Inside {
    chance: Chance,
    files: Vec<Content>,
    /// As the running system sees them: each the index of a file.
    names: BTreeMap<String, usize>,
    kept_names: BTreeMap<String, usize>,
    /// Names that were made or moved since they were synced, as they were after each.
    unsynced_names: Vec<BTreeMap<String, usize>>,
    /// Changes so far; the number of the next one.
    changes: u64,
    faults: BTreeMap<u64, Fault>,
    fired: bool,
    full: bool,
    stopped: bool,
    sync_takes: Duration,
    asked: Digest,
}

/// One file.
#[derive(Default)]
struct Content {
    /// As the running system sees it.
    seen: Vec<u8>,
    /// What outlasts a power failure.
    kept: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Cut(length) => to.resize(*length, 0),
            Self::Write(at, bytes) => {
                let end = at + bytes.len();
                to.resize(to.len().max(end), 0);
                to[*at..end].copy_from_slice(bytes);
            }
        }
    }

    /// The same as changes of one sector each.
    fn sectors(&self) -> Vec<Self> {
        let Self::Write(at, bytes) = self else { return vec![self.clone()] };
        let (mut at, mut rest, mut sectors) = (*at, bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            let (sector, after) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            sectors.push(Self::Write(at, sector.to_vec()));
            (at, rest) = (at + sector.len(), after);
        }
        sectors
    }

    /// What a change in mid-air leaves of itself.
    fn some(&self, chance: &mut Chance) -> Option<Self> {
        match self {
            Self::Write(at, bytes) => Some(Self::Write(*at, bytes[..chance.index(bytes.len())].to_vec())),
            Self::Cut(_) => chance.once_in(2).then(|| self.clone()),
        }
    }
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.unsynced.push(change);
    }

    /// Puts what was not synced on the disk, or some of it, in no order. What was not put there is forgotten, and the
    /// running system does not notice.
    fn keep(&mut self, part: Part, chance: &mut Chance) {
        let likely = chance.pick(&[0, 1, 2, 9]);
        for sector in self.unsynced.drain(..).flat_map(|change| change.sectors()) {
            match part {
                Part::All => sector.apply(&mut self.kept),
                Part::Some if chance.below(10) < likely => sector.apply(&mut self.kept),
                Part::Some if chance.once_in(8) => {
                    sector.some(chance).into_iter().for_each(|torn| torn.apply(&mut self.kept));
                }
                Part::Some | Part::Nothing => {}
            }
        }
    }
}

impl SimulatedDisk {
    /// An empty disk; `seed` decides everything that is left to chance.
    pub fn new(seed: u64, faults: impl IntoIterator<Item = (u64, Fault)>) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            chance: Chance::new(seed),
            files: Vec::new(),
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            changes: 0,
            faults: faults.into_iter().collect(),
            fired: false,
            full: false,
            stopped: false,
            sync_takes: Duration::ZERO,
            asked: Digest([0; 32]),
        })))
    }

    /// A disk whose syncs take their time, as most do.
    pub fn slow(sync_takes: Duration) -> Self {
        let disk = Self::new(0, []);
        disk.inside().sync_takes = sync_takes;
        disk
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        hold(&self.0)
    }

    /// How many changes were asked of it.
    pub fn changes(&self) -> u64 {
        self.inside().changes
    }

    /// Plans a fault: `after` more changes are fine.
    pub fn fail(&self, after: u64, fault: Fault) {
        let mut inside = self.inside();
        let at = inside.changes + after;
        inside.faults.insert(at, fault);
    }

    /// True if a fault came since the last start.
    pub fn fired(&self) -> bool {
        self.inside().fired
    }

    /// A digest of all that was asked, and of what came of it.
    pub fn asked(&self) -> Digest {
        self.inside().asked
    }

    /// Ends whatever runs, and makes the disk ready for the next start.
    pub fn restart(&self, after: After) {
        let inside = &mut *self.inside();
        let Inside { chance, files, .. } = inside;
        for file in &mut *files {
            match after {
                After::PowerFailure => {
                    file.keep(Part::Some, chance);
                    file.seen.clone_from(&file.kept);
                }
                // The system may have had use for the memory, and reads from the disk again what it takes for written.
                After::Kill if chance.once_in(3) => {
                    file.seen.clone_from(&file.kept);
                    file.unsynced.iter().for_each(|change| change.apply(&mut file.seen));
                }
                After::Kill => {}
            }
        }
        if after == After::PowerFailure {
            let kept = chance.index(inside.unsynced_names.len() + 1);
            if let Some(names) = kept.checked_sub(1).and_then(|last| inside.unsynced_names.get(last)) {
                inside.kept_names.clone_from(names);
            }
            inside.unsynced_names.clear();
            inside.names.clone_from(&inside.kept_names);
        }
        (inside.fired, inside.full, inside.stopped) = (false, false, false);
    }

    /// The bytes of a file, as whoever starts now reads them.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let inside = self.inside();
        inside.names.get(name).map(|file| inside.files[*file].seen.clone())
    }

    /// Forgets the faults that did not come.
    pub fn mend(&self) {
        self.inside().faults.clear();
    }

    /// Names of all files.
    pub fn names(&self) -> Vec<String> {
        self.inside().names.keys().cloned().collect()
    }

    /// Flips a bit of a file, in memory and on the disk. Done twice it is undone.
    pub fn flip(&self, name: &str, byte: usize, bit: u8) {
        let inside = &mut *self.inside();
        let file = &mut inside.files[inside.names[name]];
        for bytes in [&mut file.seen, &mut file.kept] {
            if let Some(byte) = bytes.get_mut(byte) {
                *byte ^= 1 << bit;
            }
        }
    }
}

impl Inside {
    /// One change: what becomes of it, and what whoever asks for it is told.
    fn change(&mut self, asked: &[&[u8]], grows: bool, store: impl FnOnce(&mut Self, Part)) -> io::Result<()> {
        if self.stopped {
            return Err(io::Error::other("everything has stopped"));
        }
        let fault = self.faults.remove(&self.changes);
        self.changes += 1;
        self.fired |= fault.is_some();
        let told = match fault {
            None if self.full && grows => Err(io::ErrorKind::StorageFull.into()),
            None => Ok(Part::All),
            Some(Fault::Stop(part)) => {
                self.stopped = true;
                store(self, part);
                return Err(io::Error::other("everything stops"));
            }
            Some(Fault::Fail(part)) => {
                store(self, part);
                return self.told(asked, Err(io::Error::other("the disk said no")));
            }
            Some(Fault::Full(part)) => {
                self.full = true;
                store(self, part);
                return self.told(asked, Err(io::ErrorKind::StorageFull.into()));
            }
        };
        let told = told.map(|part| store(self, part));
        self.told(asked, told)
    }

    fn told(&mut self, asked: &[&[u8]], told: io::Result<()>) -> io::Result<()> {
        let mut all = vec![u8::from(told.is_ok())];
        all.extend(self.asked.0);
        asked.iter().for_each(|part| all.extend(*part));
        self.asked = Digest::of(&all);
        told
    }

    /// Changes the names, wholly or not at all.
    fn rename(&mut self, part: Part, rename: impl FnOnce(&mut BTreeMap<String, usize>)) {
        let done = match part {
            Part::Nothing => false,
            Part::Some => self.chance.once_in(2),
            Part::All => true,
        };
        if done {
            rename(&mut self.names);
            self.unsynced_names.push(self.names.clone());
        }
    }
}

impl SimulatedDisk {
    fn handle(&self, file: usize) -> Arc<dyn Stored> {
        Arc::new(SimulatedFile { disk: self.clone(), file })
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn Stored>> {
        let file = self.inside().names.get(name).copied();
        file.map(|file| self.handle(file)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn make(&self, name: &str) -> io::Result<Arc<dyn Stored>> {
        if let Ok(file) = self.open(name) {
            return Ok(file);
        }
        let mut inside = self.inside();
        let file = inside.files.len();
        inside.files.push(Content::default());
        inside.change(&[b"make", name.as_bytes()], true, |inside, part| {
            inside.rename(part, |names| {
                names.insert(name.to_owned(), file);
            });
        })?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut inside = self.inside();
        if !inside.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        inside.change(&[b"rename", from.as_bytes(), to.as_bytes()], false, |inside, part| {
            inside.rename(part, |names| {
                let file = names.remove(from).unwrap();
                names.insert(to.to_owned(), file);
            });
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.inside().change(&[b"sync names"], false, |inside, part| {
            let kept = match part {
                Part::Nothing => 0,
                Part::Some => inside.chance.index(inside.unsynced_names.len() + 1),
                Part::All => inside.unsynced_names.len(),
            };
            if let Some(names) = inside.unsynced_names.drain(..kept).next_back() {
                inside.kept_names = names;
            }
        })
    }
}

/// A file of a simulated disk.
struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
}

impl Stored for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.inside().files[self.file].seen.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let inside = self.disk.inside();
        let rest = inside.files[self.file].seen.get(usize::try_from(at).unwrap()..).unwrap_or_default();
        let read = rest.len().min(bytes.len());
        bytes[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let (mut inside, offset) = (self.disk.inside(), usize::try_from(at).unwrap());
        let grows = offset + bytes.len() > inside.files[self.file].seen.len();
        let asked = [&b"write"[..], &self.file.to_le_bytes(), &at.to_le_bytes(), bytes];
        inside.change(&asked, grows, |inside, part| {
            let whole = Change::Write(offset, bytes.to_vec());
            let stored = match part {
                Part::Nothing => None,
                Part::Some => whole.some(&mut inside.chance),
                Part::All => Some(whole),
            };
            stored.into_iter().for_each(|change| inside.files[self.file].change(change));
        })
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let mut inside = self.disk.inside();
        inside.change(&[b"cut", &self.file.to_le_bytes(), &length.to_le_bytes()], false, |inside, part| {
            let whole = Change::Cut(usize::try_from(length).unwrap());
            let stored = match part {
                Part::Nothing => None,
                Part::Some => whole.some(&mut inside.chance),
                Part::All => Some(whole),
            };
            stored.into_iter().for_each(|change| inside.files[self.file].change(change));
        })
    }

    fn sync(&self) -> io::Result<()> {
        let mut inside = self.disk.inside();
        let takes = inside.sync_takes;
        let done = inside.change(&[b"sync", &self.file.to_le_bytes()], false, |inside, part| {
            let Inside { chance, files, stopped, .. } = inside;
            // Where everything stops, what was not synced is not forgotten: the next start finds it, or does not.
            if !*stopped || part == Part::All {
                files[self.file].keep(part, chance);
            }
        });
        drop(inside);
        std::thread::sleep(takes);
        done
    }
}
