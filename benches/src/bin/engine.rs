//! The worker against a bare loop over the same libraries and file: `engine MODEL.gguf [REPETITIONS [THREADS [STREAMS]]]`.
//!
//! Both sides read prompts of [`PROMPT`] tokens and then write [`OUTPUT`] tokens, one stream and several streams (4), in turns.
//! The bare loop does no more than decode and take the greatest logit. Turns are short, so that both sides of a pair see the
//! same load of the machine; the fastest turns show what it does when it is quiet.

use anyhow::{Context as _, Result, bail};
use benches::{load, machine, median};
use engine::{Config, Engine, Event, Prompt, Request, Sampling};
use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaModel, params::LlamaModelParams},
    token::LlamaToken,
};
use std::{
    hint::black_box,
    num::NonZeroU32,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

const PROMPT: usize = 128;
const OUTPUT: u32 = 64;
const CONTEXT: u32 = 1_024;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["worker"] {
        return Ok(engine::worker_main());
    }
    let (name, value) = engine::SPIN;
    if std::env::var_os(name).is_none() {
        // Both sides wait in the same way, and OpenMP reads this before any code of ours runs.
        let program = std::env::current_exe()?;
        return Err(Command::new(program).args(&arguments).env(name, value).exec().into());
    }
    let [model, rest @ ..] = arguments.as_slice() else { bail!("engine MODEL.gguf [REPETITIONS [THREADS [STREAMS]]]") };
    let repetitions = rest.first().map_or(Ok(7), |text| text.parse())?;
    let mut config = Config::new(model.into());
    config.threads = rest.get(1).map_or(Ok(config.threads), |text| text.parse())?;
    let runtime = tokio::runtime::Runtime::new()?;
    config.context = CONTEXT;
    config.sequences = rest.get(2).map_or(Ok(4), |text| text.parse())?;
    runtime.block_on(measure(config, repetitions))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(config: Config, repetitions: usize) -> Result<()> {
    let (path, threads, most) = (config.model.clone(), config.threads, config.sequences);
    let engine = Engine::start(config).await?;
    let mut backend = LlamaBackend::init()?;
    backend.void_logs();
    let model = LlamaModel::load_from_file(&backend, &path, &LlamaModelParams::default())?;
    let mut bare = Bare { context: context(&backend, &model, threads, most)?, batch: LlamaBatch::new(512, 1) };
    println!("{} ({}), {threads} threads, {}", engine.info().name, path.display(), machine());
    println!(
        "prompts of {PROMPT} tokens, answers of {OUTPUT}; tokens per second of {repetitions} pairs, medians and fastest"
    );

    let mut prompts = Prompts { vocabulary: engine.info().vocabulary, random: 1 };
    let mut rows: Vec<Row> = Vec::new();
    for repetition in 0..=repetitions {
        for streams in [1, most] {
            let prompts = prompts.next(streams);
            let both = if repetition % 2 == 0 {
                let bare = bare.run(&prompts)?;
                [bare, worker(&engine, &prompts).await?]
            } else {
                let worker = worker(&engine, &prompts).await?;
                [bare.run(&prompts)?, worker]
            };
            // The first warms up.
            if repetition > 0 {
                rows.push(Row { streams, bare: both[0], worker: both[1] });
            }
        }
    }
    report(&rows, most);
    frames(&rows)
}

/// Tokens per second.
#[derive(Clone, Copy)]
struct Speed {
    prefill: f64,
    decode: f64,
}

struct Row {
    streams: u32,
    bare: Speed,
    worker: Speed,
}

/// Prompts of random tokens, no two alike.
struct Prompts {
    vocabulary: u32,
    random: u64,
}

impl Prompts {
    fn next(&mut self, streams: u32) -> Vec<Vec<i32>> {
        let mut token = || {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Special tokens stand at the ends of vocabularies.
            i32::try_from((self.random >> 33) % u64::from(self.vocabulary * 9 / 10)).unwrap_or(0)
        };
        (0..streams).map(|_| (0..PROMPT).map(|_| token()).collect()).collect()
    }
}

/// Reads the prompts, then reads their last tokens again and writes from there: so each side's clock covers the same steps.
async fn worker(engine: &Engine, prompts: &[Vec<i32>]) -> Result<Speed> {
    let (_, prefill) = answer(engine, prompts, 1).await?;
    let (output, decode) = answer(engine, prompts, OUTPUT).await?;
    Ok(Speed { prefill: per_second(prompts.len() * PROMPT, prefill), decode: per_second(output, decode) })
}

async fn answer(engine: &Engine, prompts: &[Vec<i32>], output_max: u32) -> Result<(usize, Duration)> {
    let begin = Instant::now();
    let mut running = Vec::new();
    for prompt in prompts {
        let request = Request {
            prompt: Prompt::Tokens(prompt.clone()),
            adapter: None,
            input_max: u32::MAX,
            output_max,
            sampling: Sampling { temperature: 0.0, ..Sampling::default() },
            stop: Vec::new(),
            logprobs: None,
            measure: None,
            embed: false,
            hold: None,
        };
        running.push(engine.generate(request).await?);
    }
    let mut written = 0;
    for events in &mut running {
        while let Some(event) = events.next().await {
            match event {
                Event::Finished { output, .. } => written += usize::try_from(output)?,
                Event::Failed { message } => bail!(message),
                _ => {}
            }
        }
    }
    Ok((written, begin.elapsed()))
}

/// The bare loop.
struct Bare<'a> {
    context: LlamaContext<'a>,
    batch: LlamaBatch<'static>,
}

impl Bare<'_> {
    fn run(&mut self, prompts: &[Vec<i32>]) -> Result<Speed> {
        self.context.clear_kv_cache();
        let begin = Instant::now();
        for chunk in 0..(prompts.len() * PROMPT).div_ceil(512) {
            self.batch.clear();
            let in_chunk = 512 / PROMPT;
            for (sequence, prompt) in prompts.iter().enumerate().skip(chunk * in_chunk).take(in_chunk) {
                for (position, token) in prompt.iter().enumerate() {
                    self.add(*token, position, sequence, position + 1 == PROMPT)?;
                }
            }
            self.context.decode(&mut self.batch)?;
            for at in 0..self.batch.n_tokens() / i32::try_from(PROMPT)? {
                black_box(greatest(self.context.get_logits_ith((at + 1) * i32::try_from(PROMPT)? - 1)));
            }
        }
        let prefill = begin.elapsed();
        let mut tokens: Vec<i32> = prompts.iter().map(|prompt| prompt[PROMPT - 1]).collect();
        let begin = Instant::now();
        for sequence in 0..tokens.len() {
            self.context.kv_cache_seq_rm(i32::try_from(sequence)?, Some(u32::try_from(PROMPT - 1)?), None)?;
        }
        for step in 0..usize::try_from(OUTPUT)? {
            self.batch.clear();
            for (sequence, token) in tokens.iter().enumerate() {
                self.add(*token, PROMPT - 1 + step, sequence, true)?;
            }
            self.context.decode(&mut self.batch)?;
            for (at, token) in (0..).zip(&mut tokens) {
                *token = greatest(self.context.get_logits_ith(at));
            }
        }
        let output = tokens.len() * usize::try_from(OUTPUT)?;
        Ok(Speed { prefill: per_second(prompts.len() * PROMPT, prefill), decode: per_second(output, begin.elapsed()) })
    }

    fn add(&mut self, token: i32, position: usize, sequence: usize, logits: bool) -> Result<()> {
        let (position, sequence) = (i32::try_from(position)?, i32::try_from(sequence)?);
        self.batch.add(LlamaToken(token), position, &[sequence], logits).context("the batch is full")
    }
}

/// The worker's settings (`engine`'s worker/model.rs).
fn context<'a>(backend: &LlamaBackend, model: &'a LlamaModel, threads: u32, streams: u32) -> Result<LlamaContext<'a>> {
    let threads = i32::try_from(threads)?;
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(CONTEXT * streams))
        .with_n_batch(512)
        .with_n_ubatch(512)
        .with_n_seq_max(streams)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_DISABLED)
        .with_kv_unified(false)
        .with_no_perf(true);
    Ok(model.new_context(backend, parameters)?)
}

fn greatest(logits: &[f32]) -> i32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, logit) in (0..).zip(logits) {
        if *logit > best.1 {
            best = (token, *logit);
        }
    }
    best.0
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn report(rows: &[Row], most: u32) {
    println!("\n| streams | | bare loop | worker | ratio of pairs | bare, fastest | worker, fastest | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let of = |streams: u32, speed: &dyn Fn(&Row) -> f64| -> Vec<f64> {
        rows.iter().filter(|row| row.streams == streams).map(speed).collect()
    };
    let fastest = |speeds: Vec<f64>| speeds.into_iter().fold(0.0, f64::max);
    for streams in [1, most] {
        for (name, speed) in [("prefill", (|s| s.prefill) as fn(&Speed) -> f64), ("decode", |s| s.decode)] {
            let (bare, worker) = (of(streams, &|row| speed(&row.bare)), of(streams, &|row| speed(&row.worker)));
            let pairs = median(of(streams, &|row| speed(&row.worker) / speed(&row.bare)));
            let medians = format!("{:.1} | {:.1} | {pairs:.3}", median(bare.clone()), median(worker.clone()));
            let (bare, worker) = (fastest(bare), fastest(worker));
            println!("| {streams} | {name} | {medians} | {bare:.1} | {worker:.1} | {:.3} |", worker / bare);
        }
    }
    let together = |pick: &dyn Fn(Vec<f64>) -> f64, side: fn(&Row) -> Speed| {
        pick(of(most, &|row| side(row).decode)) / pick(of(1, &|row| side(row).decode))
    };
    for (name, side) in [("worker", (|row| row.worker) as fn(&Row) -> Speed), ("bare loop", |row| row.bare)] {
        let (medians, fastest) = (together(&median, side), together(&fastest, side));
        println!("{most} streams together write {medians:.2} times one in the {name} (fastest turns: {fastest:.2}).");
    }
    println!("The load at the end is {}.", load());
}

/// What a token's message costs both sides together.
fn frames(rows: &[Row]) -> Result<()> {
    let rounds = 100_000;
    let begin = Instant::now();
    for output in 0..rounds {
        let event = Event::Piece { text: " token".into(), output, logprobs: Vec::new() };
        let bytes = serde_json::to_vec(black_box(&event))?;
        black_box(serde_json::from_slice::<Event>(&bytes)?);
    }
    let frame_us = begin.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
    let token_us = 1e6 / median(rows.iter().filter(|row| row.streams == 1).map(|row| row.worker.decode).collect());
    println!(
        "A token's message is written and parsed in {frame_us:.2} µs: {:.4} % of a token.",
        frame_us / token_us * 100.0
    );
    Ok(())
}
