//! `POST /v1/completions`: a text goes on as it is, without the model's template.

use api::{
    completions::{Completion, CompletionChoice, CompletionLogprobs, CompletionRequest, Prompts},
    openai::{ChatRequest, Prompt, TokenLogprob},
};
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response, sse},
};
use futures::StreamExt as _;
use std::sync::Arc;

use super::{
    answer::{
        Answer, Whole, begin_all, counted, data, end_mark, events, piece, read_paid, reason, stream, total, usage,
        wholes, with_cost,
    },
    chat::{ANSWERS_MAX, check_n},
    fits::ALTERNATIVES_MAX,
};
use crate::{
    error::Problem,
    gateway::Buyer,
    read::{Done, Event},
};

/// What OpenAI's API answers without a limit.
const OUTPUT_USUAL: u32 = 16;

pub async fn completions(State(buyer): State<Arc<Buyer>>, request: Request) -> Response {
    counted(&buyer, answer(&buyer, request)).await
}

async fn answer(buyer: &Arc<Buyer>, request: Request) -> Result<Response, Problem> {
    let (key, request) = read_paid::<CompletionRequest>(buyer, request).await?;
    check(&request)?;
    let prompts = match request.prompt.clone() {
        None => return Err(Problem::field("prompt", "there is nothing to continue; send a prompt")),
        Some(Prompts::One(prompt)) => vec![prompt],
        Some(Prompts::Many(prompts)) => prompts,
    };
    let echoes = echoes(&request, &prompts);
    let streams = request.stream == Some(true);
    let answers = begin_all(buyer, key, each(&request, &prompts)?).await?;
    let headers = answers.first().map(Answer::headers).unwrap_or_default();
    let mut writer = Writer::new(&answers, &request, echoes)?;
    if streams {
        let begins = writer.begins();
        let rest = events(answers).flat_map(move |(at, event)| futures::stream::iter(writer.pieces(at, event)));
        return Ok(stream(headers, futures::stream::iter(begins).chain(rest)));
    }
    let (mut choices, mut dones) = (Vec::new(), Vec::new());
    for (at, Whole { prompt, first, text, logprobs, done, .. }) in wholes(answers).await?.into_iter().enumerate() {
        let text = writer.echo(at, &prompt) + &text;
        let logprobs = writer.logprobs(at, [prompt, logprobs].concat(), first);
        choices.push(CompletionChoice {
            index: place(at),
            text,
            logprobs,
            finish_reason: Some(reason(done.finish).into()),
        });
        dones.push(done);
    }
    let cost = dones.iter().map(total).sum();
    let completion = Completion { choices, usage: Some(usage(dones)), ..writer.head };
    Ok((with_cost(headers, cost), Json(completion)).into_response())
}

/// Refuses what cannot be done, rather than ignoring it.
fn check(request: &CompletionRequest) -> Result<(), Problem> {
    let refuse = |field, message| Err(Problem::field(field, message));
    if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
        return refuse("suffix", "the models here go on at the end of a text, and do not fill gaps; leave suffix out");
    }
    if request.best_of.is_some_and(|best_of| best_of != request.n.unwrap_or(1)) {
        return refuse("best_of", "answers are not compared here; leave best_of out, and choose among n of them");
    }
    if request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()) {
        return refuse("logit_bias", "single tokens' chances cannot be changed here yet; leave logit_bias out");
    }
    if request.logprobs.is_some_and(|top| top > ALTERNATIVES_MAX) {
        return refuse("logprobs", "at most 20 alternatives of each token");
    }
    if request.max_tokens == Some(0) && request.echo != Some(true) {
        return refuse("max_tokens", "an answer needs at least one token, unless the prompt is wanted with echo");
    }
    check_n(request.n.unwrap_or(1))
}

/// What comes before an answer.
#[derive(Debug, Clone)]
enum Echo {
    Nothing,
    /// The prompt as it was sent.
    Text(String),
    /// The prompt was sent as tokens: only the provider knows their text.
    Told,
}

/// What comes before each answer.
fn echoes(request: &CompletionRequest, prompts: &[Prompt]) -> Vec<Echo> {
    let echo = |prompt: &Prompt| match prompt {
        _ if request.echo != Some(true) => Echo::Nothing,
        Prompt::Text(text) => Echo::Text(text.clone()),
        Prompt::Tokens(_) => Echo::Told,
    };
    let n = usize::try_from(request.n.unwrap_or(1)).unwrap_or(1);
    prompts.iter().flat_map(|prompt| std::iter::repeat_n(echo(prompt), n)).collect()
}

/// With how many alternatives a prompt's own log-probabilities are wanted, or what only comes with them.
fn measured(request: &CompletionRequest, prompt: &Prompt) -> Option<u8> {
    let told = matches!(prompt, Prompt::Tokens(_)) || request.max_tokens == Some(0) || request.logprobs.is_some();
    (request.echo == Some(true) && told).then(|| request.logprobs.unwrap_or(0))
}

/// The inner requests: so many of each prompt, each with another seed if the client gave one.
fn each(request: &CompletionRequest, prompts: &[Prompt]) -> Result<Vec<ChatRequest>, Problem> {
    let n = request.n.unwrap_or(1);
    let count = u32::try_from(prompts.len()).unwrap_or(u32::MAX).saturating_mul(n);
    if !(1..=ANSWERS_MAX).contains(&count) {
        let message = format!("a request has from 1 to {ANSWERS_MAX} answers, and this one asks for {count}");
        return Err(Problem::field("prompt", message));
    }
    let one = |prompt: &Prompt, at: u32| ChatRequest {
        model: request.model.clone(),
        prompt: Some(prompt.clone()),
        max_tokens: Some(request.max_tokens.unwrap_or(OUTPUT_USUAL)),
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        min_p: request.min_p,
        frequency_penalty: request.frequency_penalty,
        presence_penalty: request.presence_penalty,
        seed: request.seed.map(|seed| seed.wrapping_add(at.into())),
        stop: request.stop.clone(),
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs,
        prompt_logprobs: measured(request, prompt),
        provider: request.provider.clone(),
        ..ChatRequest::default()
    };
    Ok(prompts.iter().flat_map(|prompt| (0..n).map(move |at| one(prompt, at))).collect())
}

fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Writes pieces.
struct Writer {
    /// What every piece begins with.
    head: Completion,
    echoes: Vec<Echo>,
    /// Log-probabilities are wanted.
    logprobs: bool,
    /// Characters of each answer so far.
    written: Vec<usize>,
    /// The client asked for a last piece without choices that carries the usage.
    separate_usage: bool,
    /// Answers that have not ended.
    running: usize,
    dones: Vec<Done>,
}

impl Writer {
    fn new(answers: &[Answer], request: &CompletionRequest, echoes: Vec<Echo>) -> Result<Self, Problem> {
        let first = answers.first().ok_or_else(Problem::internal)?;
        let head = Completion {
            id: format!("cmpl-{}", first.receipt),
            object: "text_completion".into(),
            created: first.created / 1_000,
            model: first.model.clone(),
            system_fingerprint: first.fingerprint.clone(),
            provider: first.provider.clone(),
            choices: Vec::new(),
            usage: None,
        };
        let written = vec![0; answers.len()];
        let separate_usage = request.stream_options.as_ref().is_some_and(|options| options.include_usage);
        let logprobs = request.logprobs.is_some();
        Ok(Self { head, echoes, logprobs, written, separate_usage, running: answers.len(), dones: Vec::new() })
    }

    /// What comes before an answer whose prompt consists of these tokens.
    fn echo(&self, at: usize, prompt: &[TokenLogprob]) -> String {
        match self.echoes.get(at) {
            Some(Echo::Text(text)) => text.clone(),
            Some(Echo::Told) => {
                let bytes = prompt.iter().flat_map(|token| token.bytes.as_deref().unwrap_or(token.token.as_bytes()));
                String::from_utf8_lossy(&bytes.copied().collect::<Vec<_>>()).into_owned()
            }
            Some(Echo::Nothing) | None => String::new(),
        }
    }

    /// The older form of log-probabilities, which has no bytes. `first`: nothing comes before the first of them.
    fn logprobs(&mut self, at: usize, tokens: Vec<TokenLogprob>, first: bool) -> Option<CompletionLogprobs> {
        if tokens.is_empty() || !self.logprobs {
            return None;
        }
        let (mut form, offset) = (CompletionLogprobs::default(), self.written.get_mut(at)?);
        for (number, token) in tokens.into_iter().enumerate() {
            let known = number > 0 || !first;
            let top = token.top_logprobs.into_iter().map(|top| (top.token, top.logprob)).collect();
            form.text_offset.push(*offset);
            *offset += token.token.chars().count();
            form.token_logprobs.push(known.then_some(token.logprob));
            form.top_logprobs.push(known.then_some(top));
            form.tokens.push(token.token);
        }
        Some(form)
    }

    fn piece(&self, choice: Option<CompletionChoice>) -> Completion {
        Completion { choices: choice.into_iter().collect(), ..self.head.clone() }
    }

    /// A piece that comes before the usage.
    fn said(&self, choice: CompletionChoice) -> sse::Event {
        piece(&self.piece(Some(choice)), self.separate_usage)
    }

    /// The prompts, if they are wanted and known here.
    fn begins(&self) -> Vec<sse::Event> {
        let echoes = (0..self.echoes.len()).map(|at| (at, self.echo(at, &[]))).filter(|(_, text)| !text.is_empty());
        let choice = |(at, text)| CompletionChoice { index: place(at), text, logprobs: None, finish_reason: None };
        echoes.map(|echo| self.said(choice(echo))).collect()
    }

    fn pieces(&mut self, at: usize, event: Event) -> Vec<sse::Event> {
        let index = place(at);
        match event {
            Event::Prompt { first, logprobs } => {
                let told = matches!(self.echoes.get(at), Some(Echo::Told));
                let text = if told { self.echo(at, &logprobs) } else { String::new() };
                let logprobs = self.logprobs(at, logprobs, first);
                vec![self.said(CompletionChoice { index, text, logprobs, finish_reason: None })]
            }
            // There are no tools here.
            Event::Call(_) => Vec::new(),
            Event::Text { text, logprobs } => {
                let logprobs = self.logprobs(at, logprobs, false);
                vec![self.said(CompletionChoice { index, text, logprobs, finish_reason: None })]
            }
            Event::Failed(problem) => vec![data(&problem.body_json()), end_mark()],
            Event::Done(done) => {
                let finish_reason = Some(reason(done.finish).to_owned());
                self.dones.push(*done);
                self.running = self.running.saturating_sub(1);
                let text = String::new();
                let choice = CompletionChoice { index, text, logprobs: None, finish_reason };
                if self.running > 0 {
                    return vec![self.said(choice)];
                }
                let usage = Some(usage(std::mem::take(&mut self.dones)));
                let last = |choice| data(&Completion { usage, ..self.piece(choice) });
                if self.separate_usage {
                    vec![self.said(choice), last(None), end_mark()]
                } else {
                    vec![last(Some(choice)), end_mark()]
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logprob(token: &str, logprob: f32) -> TokenLogprob {
        TokenLogprob { token: token.into(), logprob, bytes: None, top_logprobs: Vec::new() }
    }

    #[test]
    fn offsets_count_characters_and_go_on_between_pieces() {
        let head = Completion {
            id: String::new(),
            object: String::new(),
            created: 0,
            model: String::new(),
            system_fingerprint: String::new(),
            provider: String::new(),
            choices: Vec::new(),
            usage: None,
        };
        let mut writer = Writer {
            head,
            echoes: Vec::new(),
            logprobs: true,
            written: vec![2, 0],
            separate_usage: false,
            running: 2,
            dones: Vec::new(),
        };
        let first = writer.logprobs(0, vec![logprob("품앗", -1.0), logprob("이", -2.0)], true).unwrap();
        assert_eq!((first.text_offset, first.token_logprobs), (vec![2, 4], vec![None, Some(-2.0)]));
        assert_eq!(writer.logprobs(0, vec![logprob("a", 0.0)], false).unwrap().text_offset, [5]);
        assert_eq!(writer.logprobs(1, vec![logprob("a", 0.0)], false).unwrap().text_offset, [0]);
        assert_eq!(writer.logprobs(1, Vec::new(), false), None);
    }
}
