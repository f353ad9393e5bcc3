//! Continuous batching: each step reads a part of new prompts and writes one token of every running answer.
//!
//! A slot is one sequence of the context. What it holds after an answer stays, and a later request that begins the same
//! way, with the same adapter, reads only the rest. One step runs with one adapter; adapters take turns.

use llama_cpp_2::{
    context::LlamaContext,
    llama_batch::LlamaBatch,
    model::{LlamaLoraAdapter, LlamaModel},
    token::LlamaToken,
};
use serde_json::Value;
use std::collections::VecDeque;

use super::{
    Told,
    embedder::{Asked, Embedder},
    grammar::{Grammar, Unheld},
    model::BATCH,
    sampler::{Sampler, logprobs},
    slot::{Adapter, Job, Place, Slot, place},
    template::Template,
    text::Text,
};
use crate::{Event, Fault, Finish, Hold, Instead, Prompt, Request, TokenLogprob, message::FromWorker};

/// So many tokens of new prompts are read in one step while answers are being written: those go on after a part of a
/// second, and reading is hardly slower than in full batches.
const READ_BESIDE_WRITING: usize = 128;

/// Of a prompt that is measured, so many tokens are read in one step: each takes as many numbers as there are tokens.
const MEASURED_AT_ONCE: usize = 64;

/// The requests of one worker.
pub struct Scheduler<'a> {
    model: &'a LlamaModel,
    context: LlamaContext<'a>,
    adapters: Vec<(String, LlamaLoraAdapter)>,
    /// What the context is set to.
    current: Adapter,
    template: &'a Template,
    context_tokens: u32,
    batch: LlamaBatch<'static>,
    slots: Vec<Slot>,
    waiting: VecDeque<Job>,
    events: Vec<FromWorker>,
    /// Counts steps, to find the slot that was idle longest.
    clock: u64,
    embedder: Embedder<'a>,
}

impl<'a> Scheduler<'a> {
    pub fn new(
        model: &'a LlamaModel,
        context: LlamaContext<'a>,
        adapters: Vec<(String, LlamaLoraAdapter)>,
        template: &'a Template,
        embedder: Embedder<'a>,
    ) -> Self {
        let load = embedder.load();
        Self {
            model,
            context,
            adapters,
            current: None,
            template,
            context_tokens: load.context,
            batch: LlamaBatch::new(usize::try_from(BATCH).unwrap_or(512), 1),
            slots: (0..load.sequences).map(|_| Slot::default()).collect(),
            waiting: VecDeque::new(),
            events: Vec::new(),
            clock: 0,
            embedder,
        }
    }

    /// True if there is nothing to do until something comes.
    pub fn is_idle(&self) -> bool {
        let waits = !self.events.is_empty() || !self.waiting.is_empty() || !self.embedder.is_idle();
        !waits && self.slots.iter().all(|slot| slot.job.is_none())
    }

    /// Takes what the parent told.
    pub fn take(&mut self, told: Told) {
        match told {
            Told::Start { id, request, grammar } => match self.prepare(id, *request, grammar) {
                Ok(job) if job.request.embed => {
                    self.events.push(FromWorker::Event(id, Event::Accepted { input: job.input, reused: 0 }));
                    self.embedder.take(Asked { id, adapter: job.adapter, tokens: job.tokens });
                }
                Ok(job) => self.waiting.push_back(job),
                Err(event) => self.events.push(FromWorker::Event(id, event)),
            },
            Told::Cancel { id } => {
                self.waiting.retain(|job| job.id != id);
                self.embedder.cancel(id);
                for slot in &mut self.slots {
                    slot.job.take_if(|job| job.id == id);
                }
            }
        }
    }

    fn prepare(&self, id: u64, request: Request, grammar: Result<Option<Grammar>, Unheld>) -> Result<Job, Event> {
        let failed = |message: String| Event::Failed { message };
        let adapter = match &request.adapter {
            None => None,
            Some(name) => Some(
                self.adapters
                    .iter()
                    .position(|(id, _)| id == name)
                    .ok_or_else(|| failed(format!("there is no adapter {name}")))?,
            ),
        };
        let grammar = grammar.map_err(|Unheld { fault, message }| Event::Unanswerable { fault, message })?;
        if matches!(request.hold, Some(Hold::Calls { instead: Instead::Nothing, .. }))
            && self.template.calling().is_none()
        {
            let message =
                "this model's chat template tells it of no tools in a form that is known here, so none can be required";
            return Err(Event::Unanswerable { fault: Fault::Tools, message: message.into() });
        }
        let unanswerable = |message: String| Event::Unanswerable { fault: Fault::Prompt, message };
        let tokens = self.tokenize(&request.prompt).map_err(unanswerable)?;
        let input = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        if tokens.is_empty() {
            return Err(unanswerable("there is nothing to answer: the conversation is empty".into()));
        }
        if input > request.input_max || input >= self.context_tokens {
            return Err(Event::TooLong { input });
        }
        let seed = request.sampling.seed.unwrap_or_else(random_seed);
        let sampler = Sampler::new(request.sampling, seed);
        let text = Text::new(request.stop.clone());
        let reader = self.template.calling().and_then(|calling| calling.reader(names(&request.prompt)?));
        let (logprobs, measuring) = (Vec::new(), Vec::new());
        Ok(Job {
            id,
            request,
            adapter,
            tokens,
            input,
            output: 0,
            sampler,
            text,
            reader,
            logits_at: None,
            logprobs,
            grammar,
            measuring,
        })
    }

    fn tokenize(&self, prompt: &Prompt) -> Result<Vec<LlamaToken>, String> {
        let vocabulary = self.model.vocab();
        match prompt {
            Prompt::Tokens(tokens) => {
                let known = 0..self.model.n_vocab();
                let bad = tokens.iter().find(|token| !known.contains(token));
                bad.map_or_else(
                    || Ok(tokens.iter().copied().map(LlamaToken).collect()),
                    |t| Err(format!("there is no token {t}")),
                )
            }
            Prompt::Text(text) => Ok(vocabulary.tokenize(text.as_bytes(), true, false)),
            Prompt::Chat { messages, tools } => {
                let (text, begun) = self.template.render(messages, tools)?;
                Ok(vocabulary.tokenize(text.as_bytes(), !begun, self.template.is_some()))
            }
        }
    }

    /// One step. Gives what happened, also since the last one.
    pub fn step(&mut self) -> Vec<FromWorker> {
        self.clock += 1;
        self.assign();
        if let Some(adapter) = self.next_adapter() {
            self.fill_batch(adapter);
            let outcome = self
                .use_adapter(adapter)
                .and_then(|()| self.context.decode(&mut self.batch).map_err(|e| e.to_string()));
            for at in 0..self.slots.len() {
                if self.slots[at].job.as_ref().is_some_and(|job| job.adapter == adapter) {
                    match &outcome {
                        Ok(()) => self.advance(at),
                        Err(message) => self.fail(at, &format!("the model could not go on: {message}")),
                    }
                }
            }
        }
        if let Some((id, event)) = self.embedder.step(&mut self.adapters) {
            self.events.push(FromWorker::Event(id, event));
        }
        std::mem::take(&mut self.events)
    }

    /// Gives waiting requests to free slots, in the order in which they came.
    fn assign(&mut self) {
        while let Some(job) = self.waiting.pop_front() {
            match place(&self.slots, job.adapter, &job.tokens) {
                Some(place) => self.begin(&place, job),
                None => return self.waiting.push_front(job),
            }
        }
    }

    fn begin(&mut self, place: &Place, job: Job) {
        let sequence = sequence(place.slot);
        if let Some(from) = place.copy_from {
            // Only whole sequences can be copied; what is not shared is forgotten below.
            let copied = self.context.kv_cache_seq_rm(sequence, None, None).is_ok()
                && self.context.kv_cache_seq_cp(self::sequence(from), sequence, None, None).is_ok();
            self.slots[place.slot].held = if copied { self.slots[from].held.clone() } else { Vec::new() };
            self.slots[place.slot].adapter = job.adapter;
        }
        let slot = &mut self.slots[place.slot];
        // The last token is always read again: its logits are needed.
        let mut keep = slot.shared(job.adapter, &job.tokens).min(job.tokens.len() - 1);
        if job.request.measure.is_some() {
            keep = 0;
        }
        if keep < slot.held.len() {
            let from = u32::try_from(keep).unwrap_or(0);
            // Some architectures cannot forget a part; then all is forgotten.
            if self.context.kv_cache_seq_rm(sequence, Some(from), None).is_err() {
                drop(self.context.kv_cache_seq_rm(sequence, None, None));
                keep = 0;
            }
        }
        slot.held.truncate(keep);
        slot.adapter = job.adapter;
        slot.used = self.clock;
        let reused = u32::try_from(keep).unwrap_or(0);
        self.events.push(FromWorker::Event(job.id, Event::Accepted { input: job.input, reused }));
        if job.request.output_max == 0 && job.request.measure.is_none() {
            let finished = Event::Finished { reason: Finish::Length, output: 0, stop: None };
            return self.events.push(FromWorker::Event(job.id, finished));
        }
        slot.job = Some(job);
    }

    /// The adapter whose turn it is, among those that have work.
    fn next_adapter(&self) -> Option<Adapter> {
        let order = |adapter: Adapter| adapter.map_or(0, |at| at + 1);
        let busy = self.slots.iter().filter_map(|slot| slot.job.as_ref()).map(|job| job.adapter);
        let turns = self.adapters.len() + 1;
        let after = |adapter: &Adapter| (order(*adapter) + turns - order(self.current) - 1) % turns;
        busy.min_by_key(after)
    }

    fn use_adapter(&mut self, adapter: Adapter) -> Result<(), String> {
        if adapter == self.current {
            return Ok(());
        }
        let set = match (adapter, self.current) {
            (Some(at), _) => self.context.lora_adapter_set(&mut self.adapters[at].1, 1.0).map_err(|e| e.to_string()),
            (None, Some(at)) => self.context.lora_adapter_remove(&mut self.adapters[at].1).map_err(|e| e.to_string()),
            (None, None) => Ok(()),
        };
        self.current = adapter;
        set
    }

    /// Puts the next token of each running answer into the batch, then parts of the new prompts: equal ones, and what a
    /// short prompt leaves is the longer ones'.
    fn fill_batch(&mut self, adapter: Adapter) {
        self.batch.clear();
        let mut reading = Vec::new();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            match &mut slot.job {
                Some(job) if job.adapter == adapter && job.output > 0 => {
                    add(&mut self.batch, &mut slot.held, job, at, 1);
                }
                Some(job) if job.adapter == adapter => {
                    let missing = job.tokens.len() - slot.held.len();
                    let measured = job.request.measure.is_some();
                    reading.push((if measured { missing.min(MEASURED_AT_ONCE) } else { missing }, at));
                }
                _ => {}
            }
        }
        let written = usize::try_from(self.batch.n_tokens()).unwrap_or(0);
        let most = usize::try_from(BATCH).unwrap_or(0) - written;
        let mut room = if written == 0 { most } else { most.min(READ_BESIDE_WRITING) };
        reading.sort_unstable();
        for (number, (missing, at)) in reading.iter().enumerate() {
            let count = room.div_ceil(reading.len() - number).min(*missing);
            room -= count;
            let slot = &mut self.slots[*at];
            if let Some(job) = &mut slot.job {
                add(&mut self.batch, &mut slot.held, job, *at, count);
            }
        }
    }

    /// Takes what the step gave a slot.
    fn advance(&mut self, at: usize) {
        self.tell_measured(at);
        let Some(job) = self.slots[at].job.as_mut() else { return };
        let Some(index) = job.logits_at.take() else { return };
        if job.request.output_max == 0 {
            return self.finish(at, Finish::Length, None);
        }
        let logits = self.context.get_logits_ith(index);
        let drawn = match &mut job.grammar {
            None => job.sampler.draw(logits),
            Some(grammar) => match grammar.mask(logits) {
                Some(logits) => job.sampler.draw(&logits),
                // Cut, and not failed: what was written was asked for, and is paid.
                None => return self.finish(at, Finish::Length, None),
            },
        };
        let Ok(token) = drawn else {
            return self.fail(at, "the model's numbers are not finite: the file is damaged");
        };
        let vocabulary = self.model.vocab();
        if vocabulary.is_eog(LlamaToken(token)) {
            return self.finish(at, Finish::Stop, None);
        }
        let piece = |token: i32| vocabulary.token_to_piece(LlamaToken(token), false, None);
        let mark = job.reader.as_ref().and_then(|_| self.template.calling()?.text(token));
        let bytes = mark.map_or_else(|| piece(token), |mark| mark.as_bytes().to_vec());
        if let Some(top) = job.request.logprobs {
            job.logprobs.push(measured(logits, token, top, &piece));
        }
        let whole = job.grammar.as_mut().is_some_and(|grammar| grammar.take(token));
        job.tokens.push(LlamaToken(token));
        job.output += 1;
        let (text, stop) = job.text.push(&bytes);
        let text = job.read(text);
        if !text.is_empty() {
            let logprobs = std::mem::take(&mut job.logprobs);
            self.events.push(FromWorker::Event(job.id, Event::Piece { text, output: job.output, logprobs }));
        }
        let full = job.output >= job.request.output_max || job.input + job.output >= self.context_tokens;
        if stop.is_some() || whole {
            self.finish(at, Finish::Stop, stop);
        } else if full {
            self.finish(at, Finish::Length, None);
        }
    }

    /// Tells how likely the tokens of a prompt were that this step read.
    fn tell_measured(&mut self, at: usize) {
        let Some(job) = self.slots[at].job.as_mut() else { return };
        let Some(top) = job.request.measure else { return };
        let vocabulary = self.model.vocab();
        let piece = |token: i32| vocabulary.token_to_piece(LlamaToken(token), false, None);
        let prompt = &job.tokens[..usize::try_from(job.input).unwrap_or(0)];
        let named = matches!(job.request.prompt, Prompt::Tokens(_)) || prompt[0] != vocabulary.bos();
        let (mut first, mut logprobs) = (false, Vec::new());
        for (index, position) in job.measuring.drain(..) {
            if position == 0 && named {
                first = true;
                logprobs.push(TokenLogprob { bytes: piece(prompt[0].0), logprob: 0.0, top: Vec::new() });
            }
            if let Some(next) = prompt.get(position + 1) {
                logprobs.push(measured(self.context.get_logits_ith(index), next.0, top, &piece));
            }
        }
        if !logprobs.is_empty() {
            self.events.push(FromWorker::Event(job.id, Event::Measured { first, logprobs }));
        }
    }

    fn finish(&mut self, at: usize, reason: Finish, stop: Option<String>) {
        let Some(mut job) = self.slots[at].job.take() else { return };
        self.slots[at].used = self.clock;
        let text = job.flush();
        if !text.is_empty() || !job.logprobs.is_empty() {
            let logprobs = std::mem::take(&mut job.logprobs);
            self.events.push(FromWorker::Event(job.id, Event::Piece { text, output: job.output, logprobs }));
        }
        self.events.push(FromWorker::Event(job.id, Event::Finished { reason, output: job.output, stop }));
    }

    fn fail(&mut self, at: usize, message: &str) {
        let slot = &mut self.slots[at];
        let Some(job) = slot.job.take() else { return };
        // What the cache holds after a failed step is not known.
        slot.held.clear();
        drop(self.context.kv_cache_seq_rm(sequence(at), None, None));
        self.events.push(FromWorker::Event(job.id, Event::Failed { message: message.to_owned() }));
    }
}

/// The names of the tools that an answer may call; none if there are no tools.
fn names(prompt: &Prompt) -> Option<Vec<String>> {
    let Prompt::Chat { tools: Value::Array(tools), .. } = prompt else { return None };
    Some(tools.iter().filter_map(|tool| tool["function"]["name"].as_str()).map(str::to_owned).collect())
}

/// Adds a slot's next tokens to the batch, the last of a complete prompt with logits.
fn add(batch: &mut LlamaBatch<'_>, held: &mut Vec<LlamaToken>, job: &mut Job, slot: usize, count: usize) {
    let sequence = sequence(slot);
    for _ in 0..count {
        let token = job.tokens[held.len()];
        let last = held.len() + 1 == job.tokens.len();
        if last {
            job.logits_at = Some(batch.n_tokens());
        }
        let measured = job.request.measure.is_some() && job.output == 0;
        if measured {
            job.measuring.push((batch.n_tokens(), held.len()));
        }
        let position = i32::try_from(held.len()).unwrap_or(i32::MAX);
        batch
            .add(token, position, &[sequence], last || measured)
            .expect("the batch has room for what it was planned for");
        held.push(token);
    }
}

/// How likely a token was, with the likeliest at its place.
fn measured(logits: &[f32], token: i32, top: u8, piece: &impl Fn(i32) -> Vec<u8>) -> TokenLogprob {
    let (logprob, top) = logprobs(logits, token, usize::from(top));
    let top = top.into_iter().map(|(token, logprob)| (piece(token), logprob)).collect();
    TokenLogprob { bytes: piece(token), logprob, top }
}

fn sequence(slot: usize) -> i32 {
    i32::try_from(slot).expect("a context has few sequences")
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}
