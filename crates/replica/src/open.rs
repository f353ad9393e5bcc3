//! Opening a replica: founding, recovery, and the start of its two threads.

use api::log::Entry;
use ledger::{Digest, Genesis, Keypair, State};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};
use tokio::sync::mpsc;

use crate::{
    Error, Replica,
    commit::{Group, QUEUE_MAX, Writer},
    head::Signer,
    index::Index,
    journal::{self, Appender, HEADER_BYTES, Storage, Tail},
    keeper::Keeper,
    recovery::{Recovery, read_header},
    replica::{Inner, Threads},
    snapshot,
};

/// Where a replica lives, and who it is.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its folder; made if it is not there.
    pub dir: PathBuf,
    /// To found a network if the folder holds none. If it holds one, it must be this.
    pub genesis: Option<Genesis>,
    /// Signs tree heads; one of the network's replicas.
    pub key: Arc<Keypair>,
}

impl Replica {
    /// Opens a ledger, or founds one; replays what the last snapshot does not hold, and cuts a torn tail.
    ///
    /// # Errors
    /// Any [`Error`]; its text says what to do.
    pub fn open(config: Config) -> Result<Self, Error> {
        Self::open_on(config, |file| Box::new(file))
    }

    /// Opens on a storage of the caller's choice: tests give one that fails.
    pub(crate) fn open_on(config: Config, storage: impl FnOnce(File) -> Box<dyn Storage>) -> Result<Self, Error> {
        let Config { dir, genesis, key } = config;
        let lock = lock(&dir)?;
        found(&dir, genesis.as_ref())?;
        let (recovery, index) = recover(&dir)?;
        let state = recovery.replay.state;
        check(&dir, &state, genesis.as_ref(), &key)?;
        let path = dir.join(journal::FILE);
        let file = cut(&path, &recovery.tail).map_err(Error::io(&path))?;
        let reader = file.try_clone().map_err(Error::io(&path))?;
        let mark = journal::open_mark(&dir).map_err(Error::io(&dir))?;
        mark.set(recovery.tail.end);

        let signer = Arc::new(Signer::new(state.genesis().origin.clone(), key));
        let genesis = Arc::new(state.genesis().clone());
        let next = recovery.view.shape.size();
        let (view, index) = (Arc::new(RwLock::new(recovery.view)), Arc::new(index));
        let (news, heard) = std::sync::mpsc::sync_channel(1);
        let (submit, queue) = mpsc::channel(QUEUE_MAX);
        let keeper = Keeper {
            dir: dir.clone(),
            network: state.network(),
            view: Arc::clone(&view),
            index: Arc::clone(&index),
            signer: Arc::clone(&signer),
            saved: recovery.saved,
        };
        let journal = Appender::new(storage(file), mark, recovery.tail.end);
        let writer = Writer { state, journal, next, view: Arc::clone(&view), news, path };
        let threads = Threads {
            writer: spawn("ledger-writer", move || writer.run(queue)).map_err(Error::io(&dir))?,
            keeper: spawn("ledger-keeper", move || keeper.run(&heard)).map_err(Error::io(&dir))?,
            _lock: lock,
        };
        let inner = Inner {
            network: genesis.network(),
            genesis,
            dir,
            journal: reader,
            view,
            index,
            signer,
            submit: Mutex::new(Some(submit)),
            threads: Mutex::new(Some(threads)),
        };
        Ok(Self(Arc::new(inner)))
    }
}

/// Which network a replica's folder is of. Nothing else in it is read.
///
/// # Errors
/// [`Error::NotJournal`] or [`Error::Io`].
pub fn network(dir: &Path) -> Result<Digest, Error> {
    let path = dir.join(journal::FILE);
    let mut file = File::open(&path).map_err(Error::io(&path))?;
    read_header(&path, &mut file)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Makes the folder, for its owner alone, and locks it.
fn lock(dir: &Path) -> Result<File, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Error::io(dir))?;
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(Error::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked(dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}

/// Founds the network if the folder holds none.
fn found(dir: &Path, genesis: Option<&Genesis>) -> Result<(), Error> {
    let path = dir.join(journal::FILE);
    if path.try_exists().map_err(Error::io(&path))? {
        return Ok(());
    }
    if journal::acknowledged(dir) > 0 {
        let what = "the file is gone".into();
        return Err(Error::Damaged { path, offset: 0, entry: 0, what });
    }
    let genesis = genesis.ok_or_else(|| Error::NotFounded(dir.to_owned()))?;
    let mut state = State::new(genesis.clone()).map_err(Error::Genesis)?;
    let mut group = Group::at(HEADER_BYTES as u64, 0);
    group.put(&Entry::Genesis(genesis.clone()));
    group.put(&Entry::Root { root: state.root() });
    journal::create(dir, genesis.network(), &group.bytes)
}

/// Reads journal, snapshot and index. An index that was made from another journal is made again.
fn recover(dir: &Path) -> Result<(Recovery, Index), Error> {
    let index = Index::open(dir)?;
    let recovery = Recovery::run(dir, snapshot::read(dir), &index)?;
    if recovery.index_fits {
        return Ok((recovery, index));
    }
    tracing::warn!("the index is not of this journal; making it again");
    drop(index);
    for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let path = dir.join(name);
        if path.try_exists().map_err(Error::io(&path))? {
            std::fs::remove_file(&path).map_err(Error::io(&path))?;
        }
    }
    let index = Index::open(dir)?;
    Ok((Recovery::run(dir, snapshot::read(dir), &index)?, index))
}

fn check(dir: &Path, state: &State, genesis: Option<&Genesis>, key: &Keypair) -> Result<(), Error> {
    let found = state.network();
    if let Some(expected) = genesis.map(Genesis::network).filter(|expected| *expected != found) {
        return Err(Error::OtherNetwork { dir: dir.to_owned(), found, expected });
    }
    if !state.genesis().replicas.contains(&key.public()) {
        return Err(Error::NotReplica(key.public()));
    }
    Ok(())
}

/// Cuts a torn tail, and leaves the file ready to append to. The last group is written and synced once more: a sync that
/// failed before may have left it in the system's memory alone, marked as if it were on the disk.
fn cut(path: &Path, tail: &Tail) -> std::io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    if tail.torn_bytes > 0 {
        let Tail { end, torn_bytes, torn_entries, .. } = tail;
        tracing::warn!(
            path = %path.display(), end, torn_bytes, torn_entries,
            "cut the last group, which a crash left unfinished; nobody was told that it was done"
        );
        file.set_len(tail.end)?;
    }
    let mut last = vec![0; usize::try_from(tail.end - tail.last_group).unwrap_or_default()];
    file.seek(SeekFrom::Start(tail.last_group))?;
    file.read_exact(&mut last)?;
    file.seek(SeekFrom::Start(tail.last_group))?;
    file.write_all(&last)?;
    file.sync_all()?;
    Ok(file)
}
