//! The task that owns a worker process: it starts it, passes requests and events, and starts it again when it dies.

use std::{
    collections::HashMap,
    os::fd::OwnedFd,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixStream, unix::OwnedReadHalf, unix::OwnedWriteHalf},
    process::{Child, ChildStderr, Command},
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    Config, Error, Event, Info, Request, SPIN,
    message::{self, FromWorker, Load, ToWorker},
};

/// After so many deaths in a row, a file that never loaded is refused.
const LOAD_DEATHS_MAX: u32 = 2;
/// Before a worker is started again; doubled with each death.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A worker that lived this long starts again after the first pause.
const LONG_LIFE: Duration = Duration::from_secs(60);
/// The most that is logged of what one worker writes to its standard error.
const STDERR_BYTES_MAX: usize = 16 << 10;
/// What a worker sees of the environment: how to find and run its libraries, and nothing that could be a secret.
const ENVIRONMENT: [&str; 7] = ["LD_LIBRARY_PATH", "GGML_", "CUDA_", "HIP_", "ROCR_", "VK_", "RUST_BACKTRACE"];

/// To the owner.
pub enum Order {
    Start(u64, Box<Request>, mpsc::UnboundedSender<Event>),
    Cancel(u64),
}

type Running = Arc<Mutex<HashMap<u64, mpsc::UnboundedSender<Event>>>>;

/// The owner.
pub struct Owner {
    config: Config,
    orders: mpsc::Receiver<Order>,
    pid: Arc<AtomicU32>,
    running: Running,
}

/// A live worker with its model loaded. It dies with this value.
pub struct Worker {
    child: Child,
    writer: OwnedWriteHalf,
    reader: OwnedReadHalf,
    pub info: Info,
}

impl Worker {
    fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }
}

impl Owner {
    pub fn new(config: Config, orders: mpsc::Receiver<Order>, pid: Arc<AtomicU32>) -> Self {
        Self { config, orders, pid, running: Arc::default() }
    }

    /// Starts the first worker, once more if it dies.
    pub async fn load(&self) -> Result<Worker, Error> {
        let mut deaths = 0;
        loop {
            match spawn(&self.config).await {
                Err(Error::DiedLoading) if deaths + 1 < LOAD_DEATHS_MAX => deaths += 1,
                other => return other.inspect(|worker| self.pid.store(worker.pid(), Ordering::Relaxed)),
            }
            sleep(PAUSE_FIRST).await;
        }
    }

    /// Serves until nobody needs the model any more.
    pub async fn run(mut self, mut worker: Worker) {
        let mut pause = PAUSE_FIRST;
        loop {
            self.pid.store(worker.pid(), Ordering::Relaxed);
            let born = Instant::now();
            let again = self.serve(worker).await;
            self.pid.store(0, Ordering::Relaxed);
            self.fail_running();
            if !again {
                return;
            }
            if born.elapsed() > LONG_LIFE {
                pause = PAUSE_FIRST;
            }
            match self.load_again(&mut pause).await {
                Some(fresh) => worker = fresh,
                None => return,
            }
        }
    }

    /// Starts a worker for a model that loaded before, as often as it takes; requests meanwhile fail at once, so that they
    /// can go elsewhere. `None` if nobody needs it any more.
    async fn load_again(&mut self, pause: &mut Duration) -> Option<Worker> {
        loop {
            let attempt = async {
                sleep(*pause).await;
                spawn(&self.config).await
            };
            let mut attempt = Box::pin(attempt);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut attempt => break outcome,
                    order = self.orders.recv() => refuse(order?),
                }
            };
            drop(attempt);
            *pause = (*pause * 2).min(PAUSE_MAX);
            match outcome {
                Ok(worker) => return Some(worker),
                Err(error) => tracing::error!(%error, "the worker cannot be started again yet"),
            }
        }
    }

    /// Passes orders and events until the worker dies (true) or nobody needs it any more (false).
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
            let order = tokio::select! {
                order = self.orders.recv() => order,
                _ = &mut events => break true,
            };
            let Some(order) = order else { break false };
            self.encode(order, &mut batch);
            while let Ok(order) = self.orders.try_recv() {
                self.encode(order, &mut batch);
            }
            if writer.write_all(&batch).await.is_err() {
                break true;
            }
            batch.clear();
        };
        events.abort();
        drop(child.start_kill());
        let status = child.wait().await;
        if again {
            tracing::warn!(?status, "the worker died");
        }
        again
    }

    fn encode(&self, order: Order, batch: &mut Vec<u8>) {
        let bytes = match order {
            Order::Start(id, request, events) => {
                let bytes = message::encode(&ToWorker::Start { id, request });
                if bytes.len() > message::BYTES_MAX as usize {
                    drop(events.send(Event::Failed { message: "the request is too long".into() }));
                    return;
                }
                self.running().insert(id, events);
                bytes
            }
            Order::Cancel(id) => {
                self.running().remove(&id);
                message::encode(&ToWorker::Cancel { id })
            }
        };
        batch.extend(bytes);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, mpsc::UnboundedSender<Event>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail_running(&self) {
        for (_, events) in self.running().drain() {
            drop(events.send(died()));
        }
    }
}

fn died() -> Event {
    Event::Failed { message: Error::Died.to_string() }
}

fn refuse(order: Order) {
    if let Order::Start(_, _, events) = order {
        drop(events.send(died()));
    }
}

fn deliver(running: &Running, id: u64, event: Event) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    let last = matches!(
        event,
        Event::Finished { .. }
            | Event::Embedded { .. }
            | Event::TooLong { .. }
            | Event::Unanswerable { .. }
            | Event::Failed { .. }
    );
    let events = if last { running.remove(&id) } else { running.get(&id).cloned() };
    if let Some(events) = events {
        drop(events.send(event));
    }
}

/// Starts a worker and waits until it has loaded the model.
async fn spawn(config: &Config) -> Result<Worker, Error> {
    let failed = |error: std::io::Error| Error::Start(error.to_string());
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    let mut child = command(config, theirs.into()).spawn().map_err(failed)?;
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(log(stderr));
    }
    let (mut reader, mut writer) = UnixStream::from_std(ours).map_err(failed)?.into_split();
    let load = message::encode(&ToWorker::Load(Load {
        model: config.model.clone(),
        adapters: config.adapters.clone(),
        context: config.context,
        sequences: config.sequences,
        threads: config.threads,
    }));
    writer.write_all(&load).await.map_err(|_| Error::DiedLoading)?;
    let answer = timeout(config.load_time_max, message::read_async(&mut reader)).await;
    match answer.map_err(|_| Error::LoadTime(config.load_time_max))? {
        Ok(Some(FromWorker::Loaded(info))) => Ok(Worker { child, writer, reader, info }),
        Ok(Some(FromWorker::Refused(reason))) => Err(Error::Refused(reason)),
        _ => Err(Error::DiedLoading),
    }
}

fn command(config: &Config, socket: OwnedFd) -> Command {
    let mut command = Command::new(&config.program);
    let seen = std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| ENVIRONMENT.iter().any(|allowed| name.starts_with(allowed)))
    });
    command
        .args(&config.arguments)
        .env_clear()
        .envs(seen)
        // An abort would otherwise start a debugger on itself.
        .env("GGML_NO_BACKTRACE", "1")
        .env(SPIN.0, SPIN.1)
        .stdin(Stdio::from(socket))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Logs the beginning of what a worker says before it dies, and drops the rest.
async fn log(mut stderr: ChildStderr) {
    let (mut buffer, mut logged) = ([0; 1024], 0);
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        if logged < STDERR_BYTES_MAX {
            logged += count;
            tracing::warn!("worker: {}", String::from_utf8_lossy(&buffer[..count]).trim_end());
        }
    }
}
