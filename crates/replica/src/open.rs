//! Opening a replica: founding, recovery, and the start of its four threads.

use api::log::Entry;
use ledger::{Digest, Genesis, Keypair, State};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, RwLock, mpsc::Receiver},
};
use tokio::sync::{Semaphore, mpsc};

use crate::{
    Error, Replica,
    checker::{Checker, Unchecked},
    commit::Committer,
    disk::{Disk, Files, ReadFrom, Stored},
    group::Group,
    head::Signer,
    index::Index,
    journal::{self, Appender, Tail},
    keeper::Keeper,
    lock::hold,
    recovery::{Recovery, read_header},
    replica::{Inner, Threads, WaysIn},
    snapshot,
    tell::Teller,
    writer::{Clock, Job, QUEUE_MAX, Writer, now},
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

/// What a replica stands on. Tests simulate both.
pub(crate) struct Ground {
    pub disk: Arc<dyn Disk>,
    pub clock: Clock,
}

impl Replica {
    /// Opens a ledger, or founds one; replays what the last snapshot does not hold, and cuts a torn tail.
    ///
    /// # Errors
    /// Any [`Error`]; its text says what to do.
    pub fn open(config: Config) -> Result<Self, Error> {
        let disk = Arc::new(Files(config.dir.clone()));
        Self::open_on(config, Ground { disk, clock: Arc::new(now) })
    }

    /// Opens on a ground of the caller's choice.
    pub(crate) fn open_on(config: Config, ground: Ground) -> Result<Self, Error> {
        let dir = config.dir.clone();
        let lock = lock(&dir)?;
        let Ready { inner, checker, unchecked, writer, queue, committer, teller, keeper, news } =
            Ready::new(config, ground)?;
        let (hand, groups) = std::sync::mpsc::sync_channel(1);
        let to_writer = hold(&inner.ways_in).as_ref().map(|ways| ways.writer.downgrade()).expect("it is open");
        let threads = Threads {
            checker: spawn("ledger-checker", move || checker.run(unchecked)).map_err(Error::io(&dir))?,
            writer: spawn("ledger-writer", move || writer.run(queue, &hand)).map_err(Error::io(&dir))?,
            committer: spawn("ledger-committer", move || committer.run(groups, &to_writer, teller))
                .map_err(Error::io(&dir))?,
            keeper: spawn("ledger-keeper", move || keeper.run(&news)).map_err(Error::io(&dir))?,
            _lock: lock,
        };
        *hold(&inner.threads) = Some(threads);
        Ok(Self(Arc::new(inner)))
    }
}

/// A replica that was read, before its threads run.
pub(crate) struct Ready {
    pub inner: Inner,
    pub checker: Checker,
    /// For the checker.
    pub unchecked: mpsc::UnboundedReceiver<Unchecked>,
    pub writer: Writer,
    /// For the writer.
    pub queue: mpsc::UnboundedReceiver<Job>,
    pub committer: Committer,
    pub teller: Teller,
    pub keeper: Keeper,
    /// For the keeper.
    pub news: Receiver<()>,
}

impl Ready {
    /// Founds or reads a ledger. The folder of `config` is where the disk's is, and holds the index.
    pub(crate) fn new(config: Config, Ground { disk, clock }: Ground) -> Result<Self, Error> {
        let Config { dir, genesis, key } = config;
        found(&*disk, &dir, genesis.as_ref())?;
        let (recovery, index) = recover(&*disk, &dir)?;
        let mut state = recovery.replay.state;
        check(&dir, &state, genesis.as_ref(), &key)?;
        let path = dir.join(journal::FILE);
        let file = cut(&*disk, &path, &recovery.tail).map_err(Error::io(&path))?;
        let mark = journal::open_mark(&*disk).map_err(Error::io(&dir))?;
        mark.set(recovery.tail.end);

        let signer = Arc::new(Signer::new(state.genesis().origin.clone(), key));
        let genesis = Arc::new(state.genesis().clone());
        let next = recovery.view.shape.size();
        let (view, index) = (Arc::new(RwLock::new(recovery.view)), Arc::new(index));
        let (tell, news) = std::sync::mpsc::sync_channel(1);
        let (to_checker, unchecked) = mpsc::unbounded_channel();
        let (to_writer, queue) = mpsc::unbounded_channel();
        let checker = Checker { network: state.network(), writer: to_writer.clone() };
        let keeper = Keeper {
            disk,
            dir: dir.clone(),
            network: state.network(),
            view: Arc::clone(&view),
            index: Arc::clone(&index),
            signer: Arc::clone(&signer),
            saved: recovery.saved,
            taken: None,
        };
        let journal = Appender::new(Arc::clone(&file), mark, recovery.tail.end);
        let (seen, time) = (Arc::clone(&view), Arc::clone(&clock));
        let committer = Committer { tree: state.take_tree(), journal, view: Arc::clone(&seen), path };
        let teller = Teller { view: seen, news: tell };
        let writer = Writer { state, next, clock: time, encoded: Vec::new(), over: Vec::new() };
        let inner = Inner {
            network: genesis.network(),
            genesis,
            dir,
            journal: file,
            clock,
            view,
            index,
            signer,
            last: OnceLock::new(),
            ways_in: Mutex::new(Some(WaysIn { checker: to_checker, writer: to_writer })),
            places: Arc::new(Semaphore::new(QUEUE_MAX)),
            threads: Mutex::default(),
        };
        Ok(Self { inner, checker, unchecked, writer, queue, committer, teller, keeper, news })
    }
}

/// Which network a replica's folder is of. Nothing else in it is read.
///
/// # Errors
/// [`Error::NotJournal`] or [`Error::Io`].
pub fn network(dir: &Path) -> Result<Digest, Error> {
    let path = dir.join(journal::FILE);
    let file = Files(dir.to_owned()).open(journal::FILE).map_err(Error::io(&path))?;
    read_header(&path, &*file)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<std::thread::JoinHandle<()>> {
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
fn found(disk: &dyn Disk, dir: &Path, genesis: Option<&Genesis>) -> Result<(), Error> {
    let path = dir.join(journal::FILE);
    match disk.open(journal::FILE) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::Io { path, source }),
    }
    if journal::acknowledged(disk) > 0 {
        let what = "the file is gone".into();
        return Err(Error::Damaged { path, offset: 0, entry: 0, what });
    }
    let genesis = genesis.ok_or_else(|| Error::NotFounded(dir.to_owned()))?;
    let mut state = State::new(genesis.clone()).map_err(Error::Genesis)?;
    let mut group = Group::at(0);
    group.put(&Entry::Genesis(genesis.clone()));
    group.put(&Entry::Root { root: state.root() });
    journal::create(disk, dir, genesis.network(), &group.bytes)
}

/// Reads journal, snapshot and index. An index that was made from another journal is made again.
fn recover(disk: &dyn Disk, dir: &Path) -> Result<(Recovery, Index), Error> {
    let index = Index::open(dir)?;
    let recovery = Recovery::run(disk, dir, snapshot::read(disk), &index)?;
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
    Ok((Recovery::run(disk, dir, snapshot::read(disk), &index)?, index))
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
/// failed before may have left it in the system's memory alone, marked as if it were on the disk. So may the file's name.
fn cut(disk: &dyn Disk, path: &Path, tail: &Tail) -> io::Result<Arc<dyn Stored>> {
    let file = disk.make(journal::FILE)?;
    if tail.torn_bytes > 0 {
        let Tail { end, torn_bytes, torn_entries, .. } = tail;
        tracing::warn!(
            path = %path.display(), end, torn_bytes, torn_entries,
            "cut the last group, which a crash left unfinished; nobody was told that it was done"
        );
        file.cut(tail.end)?;
    }
    let mut last = vec![0; usize::try_from(tail.end - tail.last_group).unwrap_or_default()];
    ReadFrom { file: &*file, at: tail.last_group }.read_exact(&mut last)?;
    file.write_at(&last, tail.last_group)?;
    file.sync()?;
    disk.sync()?;
    Ok(file)
}
