//! The engine with real worker processes. The worker is this test program, run again with the arguments that select
//! [`worker_process`]. `PUMASI_TEST_MODEL` names a trained GGUF file to test with; otherwise it is a tiny random one.

mod adapters;
mod answers;
mod batching;
mod damaged;
mod deaths;
mod holds;
mod refusals;

use engine::{Config, Engine, Event, Events, Finish, Prompt, Request, Sampling, TokenLogprob, random_model};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

/// Nothing here takes longer on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
#[ignore = "is the worker process of the other tests"]
fn worker_process() {
    assert!(std::env::var_os("PATH").is_none(), "the worker sees the parent's environment");
    engine::worker_main();
}

/// The model to test with.
fn model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| match trained() {
        Some(path) => {
            println!("testing with the trained model {}", path.display());
            path
        }
        None => {
            println!("testing with a tiny random model: PUMASI_TEST_MODEL names no trained one");
            random()
        }
    })
}

fn trained() -> Option<PathBuf> {
    std::env::var_os("PUMASI_TEST_MODEL").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A tiny random model.
fn random() -> PathBuf {
    static RANDOM: OnceLock<PathBuf> = OnceLock::new();
    let write = || {
        let path = scratch("random.gguf");
        random_model::write(&path, 7).unwrap();
        path
    };
    RANDOM.get_or_init(write).clone()
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("engine-{}-{name}", std::process::id()))
}

fn config(model: &Path) -> Config {
    let mut config = Config::new(model.to_owned());
    config.arguments = ["worker_process", "--exact", "--ignored", "--nocapture"].map(str::to_owned).into();
    config.context = 256;
    config.threads = 1;
    config.load_time_max = PATIENCE;
    config
}

async fn start() -> Engine {
    Engine::start(config(model())).await.unwrap()
}

async fn start_with(change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = config(model());
    change(&mut config);
    Engine::start(config).await.unwrap()
}

/// A greedy request.
fn request(prompt: &str, output_max: u32) -> Request {
    Request {
        prompt: Prompt::Text(prompt.into()),
        adapter: None,
        input_max: u32::MAX,
        output_max,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        stop: Vec::new(),
        logprobs: None,
        measure: None,
        embed: false,
        hold: None,
    }
}

/// A text of more than `tokens` tokens in any vocabulary of words of at most 16 letters.
fn long_text(letters: usize) -> String {
    "Once upon a time there was a tree. ".chars().cycle().take(letters).collect()
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
struct Answer {
    input: u32,
    reused: u32,
    pieces: Vec<String>,
    text: String,
    output: u32,
    finish: Finish,
    stop: Option<String>,
    logprobs: Vec<Logprob>,
}

/// A token's bytes and log-probability, and those of the likeliest at its place.
type Logprob = (Vec<u8>, f32, Vec<(Vec<u8>, f32)>);

async fn next(events: &mut Events) -> Event {
    let event = tokio::time::timeout(PATIENCE, events.next()).await.expect("the engine is silent");
    event.expect("an answer ends with its last event")
}

/// Reads events to the end and checks their order and counts.
async fn read(events: &mut Events) -> Result<Answer, Event> {
    let Event::Accepted { input, reused } = (match next(events).await {
        accepted @ Event::Accepted { .. } => accepted,
        other => return Err(other),
    }) else {
        unreachable!()
    };
    let (mut pieces, mut logprobs, mut counted) = (Vec::new(), Vec::new(), 0);
    loop {
        match next(events).await {
            Event::Piece { text, output, logprobs: new } => {
                assert!(output >= counted, "output tokens went from {counted} to {output}");
                counted = output;
                pieces.push(text);
                logprobs.extend(new.into_iter().map(|TokenLogprob { bytes, logprob, top }| (bytes, logprob, top)));
            }
            Event::Finished { reason, output, stop } => {
                assert!(output >= counted && events.next().await.is_none());
                let text = pieces.concat();
                return Ok(Answer { input, reused, pieces, text, output, finish: reason, stop, logprobs });
            }
            other => return Err(other),
        }
    }
}

async fn ask(engine: &Engine, request: Request) -> Answer {
    outcome(engine, request).await.unwrap()
}

async fn outcome(engine: &Engine, request: Request) -> Result<Answer, Event> {
    read(&mut engine.generate(request).await.unwrap()).await
}

/// Asks all at once.
async fn ask_all(engine: &Engine, requests: Vec<Request>) -> Vec<Answer> {
    let mut running = Vec::new();
    for request in requests {
        running.push(engine.generate(request).await.unwrap());
    }
    let mut answers = Vec::new();
    for events in &mut running {
        answers.push(read(events).await.unwrap());
    }
    answers
}
