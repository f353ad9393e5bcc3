//! The parent's side: starts the worker, passes requests, and starts it again when it dies.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{UnixStream, unix::OwnedReadHalf, unix::OwnedWriteHalf},
    process::{Child, Command},
    sync::{mpsc, oneshot},
};

use crate::{
    Event, Info, Request,
    message::{self, FromWorker, Load, ToWorker},
};

/// Requests that may wait for a worker beside those it answers.
const WAITING_MAX: usize = 256;
/// After so many deaths in a row while loading, the file is refused.
const LOAD_DEATHS_MAX: u32 = 2;
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// The program whose `worker` command is [`crate::worker_main`]; by default this one.
    pub program: PathBuf,
    /// Arguments that make it the worker.
    pub arguments: Vec<String>,
    /// A GGUF file that was checked before.
    pub model: PathBuf,
    /// Adapters for it: an id, and a GGUF file.
    pub adapters: Vec<(String, PathBuf)>,
    /// Tokens of one sequence.
    pub context: u32,
    /// Sequences at once.
    pub sequences: u32,
    /// Threads; as many as there are free cores.
    pub threads: u32,
}

impl Config {
    /// The usual settings for a model file.
    pub fn new(model: PathBuf) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        Self {
            program: std::env::current_exe().unwrap_or_else(|_| "pumasi".into()),
            arguments: vec!["worker".into()],
            model,
            adapters: Vec::new(),
            context: 4_096,
            sequences: 4,
            threads,
        }
    }
}

/// Why a model does not run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The worker says why.
    #[error("the model file cannot be loaded: {0}")]
    Refused(String),
    /// It died while loading, twice: the file is bad, or too big for this machine.
    #[error("the worker died while loading the model file; the file is damaged, or needs more memory than there is")]
    DiedLoading,
    /// The worker cannot be started.
    #[error("the worker cannot be started: {0}")]
    Start(String),
    /// It died while it ran; it is being started again.
    #[error("the worker died; try again in a moment")]
    Died,
    /// Too many requests wait.
    #[error("too many requests wait for this model; try again in a moment")]
    Busy,
}

/// A model that runs. Clones are the same; the worker stops with the last one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    info: Info,
    to_worker: mpsc::Sender<Order>,
    next_id: AtomicU64,
    pid: Arc<AtomicU32>,
    waiting: Arc<AtomicU64>,
}

/// To the task that owns the worker.
enum Order {
    Start(u64, Box<Request>, mpsc::UnboundedSender<Event>),
    Cancel(u64),
}

/// The events of one request. Dropping it cancels the request.
pub struct Events {
    id: u64,
    events: mpsc::UnboundedReceiver<Event>,
    to_worker: mpsc::Sender<Order>,
    waiting: Arc<AtomicU64>,
    ended: bool,
}

impl Events {
    /// The next event; `None` after the last.
    pub async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let event = self.events.recv().await.unwrap_or_else(|| Event::Failed { message: Error::Died.to_string() });
        self.ended = matches!(event, Event::Finished { .. } | Event::TooLong { .. } | Event::Failed { .. });
        Some(event)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        if !self.ended {
            let (to_worker, id) = (self.to_worker.clone(), self.id);
            if let Err(mpsc::error::TrySendError::Full(cancel)) = to_worker.try_send(Order::Cancel(id))
                && let Ok(runtime) = tokio::runtime::Handle::try_current()
            {
                runtime.spawn(async move { drop(to_worker.send(cancel).await) });
            }
        }
    }
}

impl Engine {
    /// Starts the worker and waits until the model is loaded.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::DiedLoading`] or [`Error::Start`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        let (to_worker, commands) = mpsc::channel(1_024);
        let (loaded, info) = oneshot::channel();
        let pid = Arc::new(AtomicU32::new(0));
        let owner = Owner { config, commands, pid: Arc::clone(&pid), running: Arc::default() };
        tokio::spawn(owner.run(loaded));
        let info = info.await.map_err(|_| Error::Died)??;
        let inner = Inner { info, to_worker, next_id: AtomicU64::new(1), pid, waiting: Arc::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// What is known of the model.
    pub fn info(&self) -> &Info {
        &self.0.info
    }

    /// The worker's process; 0 while there is none.
    pub fn pid(&self) -> u32 {
        self.0.pid.load(Ordering::Relaxed)
    }

    /// Asks the model. Events come as they happen; dropping them cancels.
    ///
    /// # Errors
    /// [`Error::Busy`] or [`Error::Died`].
    pub async fn generate(&self, request: Request) -> Result<Events, Error> {
        let most = u64::try_from(WAITING_MAX).unwrap_or(u64::MAX);
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) >= most {
            self.0.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Busy);
        }
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, events) = mpsc::unbounded_channel();
        let to_worker = self.0.to_worker.clone();
        // From here on the drop of `events` undoes the count.
        let events = Events { id, events, to_worker, waiting: Arc::clone(&self.0.waiting), ended: false };
        let start = Order::Start(id, Box::new(request), sender);
        self.0.to_worker.send(start).await.map_err(|_| Error::Died)?;
        Ok(events)
    }
}

type Running = Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Event>>>>;

/// The task that owns the worker process.
struct Owner {
    config: Config,
    commands: mpsc::Receiver<Order>,
    pid: Arc<AtomicU32>,
    running: Running,
}

/// A live worker.
struct Worker {
    child: Child,
    writer: OwnedWriteHalf,
    reader: OwnedReadHalf,
    info: Info,
}

impl Owner {
    async fn run(mut self, loaded: oneshot::Sender<Result<Info, Error>>) {
        let mut worker = match self.load().await {
            Ok(worker) => {
                drop(loaded.send(Ok(worker.info.clone())));
                worker
            }
            Err(error) => {
                drop(loaded.send(Err(error)));
                return;
            }
        };
        loop {
            let again = self.serve(worker).await;
            self.pid.store(0, Ordering::Relaxed);
            self.fail_running(&Error::Died);
            if !again {
                return;
            }
            tracing::warn!("the worker died; starting it again");
            match self.load().await {
                Ok(fresh) => worker = fresh,
                Err(error) => {
                    tracing::error!(%error, "the worker cannot be started again");
                    return self.refuse_all(&error).await;
                }
            }
        }
    }

    /// Starts a worker, again after a pause if it dies.
    async fn load(&self) -> Result<Worker, Error> {
        let mut pause = PAUSE_FIRST;
        for _ in 0..LOAD_DEATHS_MAX {
            if let Some(worker) = self.spawn().await? {
                return Ok(worker);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Err(Error::DiedLoading)
    }

    /// Starts a worker; `None` if it died while loading.
    async fn spawn(&self) -> Result<Option<Worker>, Error> {
        let failed = |error: std::io::Error| Error::Start(error.to_string());
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let child = Command::new(&self.config.program)
            .args(&self.config.arguments)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (mut reader, mut writer) = UnixStream::from_std(ours).map_err(failed)?.into_split();
        let load = ToWorker::Load(Load {
            model: self.config.model.clone(),
            adapters: self.config.adapters.clone(),
            context: self.config.context,
            sequences: self.config.sequences,
            threads: self.config.threads,
        });
        if writer.write_all(&message::encode(&load)).await.is_err() {
            return Ok(None);
        }
        match message::read_async(&mut reader).await {
            Ok(Some(FromWorker::Loaded(info))) => {
                self.pid.store(child.id().unwrap_or(0), Ordering::Relaxed);
                Ok(Some(Worker { child, writer, reader, info }))
            }
            Ok(Some(FromWorker::Refused(reason))) => Err(Error::Refused(reason)),
            _ => Ok(None),
        }
    }

    /// Passes commands and events until the worker dies (true) or nobody needs it any more (false).
    async fn serve(&mut self, worker: Worker) -> bool {
        let Worker { mut child, mut writer, mut reader, .. } = worker;
        let running = Arc::clone(&self.running);
        let mut events = tokio::spawn(async move {
            while let Ok(Some(FromWorker::Event(id, event))) = message::read_async(&mut reader).await {
                deliver(&running, id, event);
            }
        });
        let mut batch = Vec::new();
        let again = loop {
            let command = tokio::select! {
                command = self.commands.recv() => command,
                _ = &mut events => break true,
            };
            let Some(command) = command else { break false };
            self.encode(command, &mut batch);
            while let Ok(command) = self.commands.try_recv() {
                self.encode(command, &mut batch);
            }
            if writer.write_all(&batch).await.is_err() {
                break true;
            }
            batch.clear();
        };
        events.abort();
        drop(child.start_kill());
        drop(child.wait().await);
        again
    }

    fn encode(&self, command: Order, batch: &mut Vec<u8>) {
        let message = match command {
            Order::Start(id, request, events) => {
                self.running().insert(id, events);
                ToWorker::Start { id, request }
            }
            Order::Cancel(id) => {
                self.running().remove(&id);
                ToWorker::Cancel { id }
            }
        };
        batch.extend(message::encode(&message));
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<u64, mpsc::UnboundedSender<Event>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail_running(&self, error: &Error) {
        for (_, events) in self.running().drain() {
            drop(events.send(Event::Failed { message: error.to_string() }));
        }
    }

    /// Answers every further request with why there is no worker.
    async fn refuse_all(&mut self, error: &Error) {
        while let Some(command) = self.commands.recv().await {
            if let Order::Start(_, _, events) = command {
                drop(events.send(Event::Failed { message: error.to_string() }));
            }
        }
    }
}

fn deliver(running: &Running, id: u64, event: Event) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let last = matches!(event, Event::Finished { .. } | Event::TooLong { .. } | Event::Failed { .. });
    let events = if last { running.remove(&id) } else { running.get(&id).cloned() };
    if let Some(events) = events {
        drop(events.send(event));
    }
}
