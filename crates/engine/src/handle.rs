//! The parent's side: an engine, its settings, and the events of a request.

use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

use crate::{
    Event, Info, Prompt, Request,
    owner::{Order, Owner},
};

/// Requests at once, those that wait for a free sequence included.
const REQUESTS_MAX: u64 = 256;

/// Levels of JSON in messages and tools. A reader of JSON goes no deeper than twice that, and one that cannot read a message
/// takes the worker for lost.
const DEPTH_MAX: usize = 64;

/// A smaller model file is computed by one thread: several would wait for each other longer than they compute.
const SMALL_BYTES: u64 = 32 << 20;

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
    /// Threads: by default as many as there are cores, and one for a small model.
    pub threads: u32,
    /// A worker that takes longer to load is killed.
    pub load_time_max: Duration,
}

impl Config {
    /// The usual settings for a model file.
    pub fn new(model: PathBuf) -> Self {
        let small = std::fs::metadata(&model).is_ok_and(|file| file.len() < SMALL_BYTES);
        let cores = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        let threads = if small { 1 } else { cores };
        Self {
            program: std::env::current_exe().unwrap_or_else(|_| "pumasi".into()),
            arguments: vec!["worker".into()],
            model,
            adapters: Vec::new(),
            context: 4_096,
            sequences: 4,
            threads,
            load_time_max: Duration::from_secs(600),
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
    /// It does not come to an end with loading.
    #[error("the worker did not load the model file in {0:?}")]
    LoadTime(Duration),
    /// The worker cannot be started.
    #[error("the worker cannot be started: {0}")]
    Start(String),
    /// It died while it ran; it is being started again.
    #[error("the worker died; try again in a moment")]
    Died,
    /// Too many requests wait.
    #[error("too many requests wait for this model; try again in a moment")]
    Busy,
    /// The request is not one.
    #[error("{0}")]
    Request(&'static str),
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
        self.ended = matches!(
            event,
            Event::Finished { .. }
                | Event::Embedded { .. }
                | Event::TooLong { .. }
                | Event::Unanswerable { .. }
                | Event::Failed { .. }
        );
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
    /// [`Error::Refused`], [`Error::DiedLoading`], [`Error::LoadTime`] or [`Error::Start`].
    pub async fn start(config: Config) -> Result<Self, Error> {
        let pid = Arc::new(AtomicU32::new(0));
        let (to_worker, orders) = mpsc::channel(1_024);
        let owner = Owner::new(config, orders, Arc::clone(&pid));
        let worker = owner.load().await?;
        let info = worker.info.clone();
        tokio::spawn(owner.run(worker));
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
    /// [`Error::Busy`], [`Error::Died`] or [`Error::Request`].
    pub async fn generate(&self, request: Request) -> Result<Events, Error> {
        if !request.sampling.is_finite() {
            return Err(Error::Request("every number of the sampling must be finite"));
        }
        if let Prompt::Chat { messages, tools } = &request.prompt
            && (is_deep(messages, DEPTH_MAX) || is_deep(tools, DEPTH_MAX))
        {
            return Err(Error::Request("messages and tools are nested too deeply; 64 levels are the most"));
        }
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) >= REQUESTS_MAX {
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

/// True if there are more levels than these.
fn is_deep(value: &Value, levels: usize) -> bool {
    let deeper = |value: &Value| levels == 0 || is_deep(value, levels - 1);
    match value {
        Value::Array(values) => values.iter().any(deeper),
        Value::Object(values) => values.values().any(deeper),
        _ => false,
    }
}
