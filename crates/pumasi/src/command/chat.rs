//! `pumasi chat`: asks a model, streams the answer, then one line of what it cost.

use anyhow::{Context as _, bail};
use api::{
    openai::{ChatChunk, ChatRequest, Content, ErrorBody, Message, Models, Usage},
    routing::{Routing, Sort},
};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use crate::{client::Client, home::Home, node, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model's name [default: the guide, else the first one; so too where one text with blanks is given: the question]
    model: Option<String>,
    /// The question [without it: a conversation, line by line]
    prompt: Option<String>,
    /// Show who was paid what, line by line
    #[arg(long)]
    bill: bool,
    /// What the model should follow
    #[arg(long)]
    system: Option<String>,
    /// The most tokens of the answer
    #[arg(long)]
    max_tokens: Option<u32>,
    /// 0 takes the likeliest token each time
    #[arg(long)]
    temperature: Option<f32>,
    /// The same seed gives the same answer
    #[arg(long)]
    seed: Option<i64>,
    /// Ask this provider and no other
    #[arg(long = "provider", id = "chosen_provider", value_name = "NAME")]
    chosen_provider: Option<String>,
    /// What counts among several providers: price, throughput or latency
    #[arg(long = "sort", id = "choose_by", value_name = "BY", value_enum, hide_possible_values = true)]
    choose_by: Option<ChooseBy>,
}

/// What counts among several providers.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ChooseBy {
    /// The cheapest
    Price,
    /// The most tokens per second
    Throughput,
    /// The shortest time to the first text
    Latency,
}

impl Args {
    /// Which providers may answer.
    fn routing(&self) -> Option<Routing> {
        let sort = self.choose_by.map(|by| match by {
            ChooseBy::Price => Sort::Price,
            ChooseBy::Throughput => Sort::Throughput,
            ChooseBy::Latency => Sort::Latency,
        });
        let only = self.chosen_provider.clone().map(|name| vec![name]);
        let routing = Routing { sort, only, ..Routing::default() };
        (routing != Routing::default()).then_some(routing)
    }
}

/// An answer as it came.
struct Answer {
    text: String,
    provider: Option<String>,
    finish: Option<String>,
    usage: Option<Usage>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::user(home)?;
    // No model's name has a blank: a question alone is for the usual model.
    let (model, prompt) = match (&args.model, &args.prompt) {
        (Some(prompt), None) if prompt.contains(char::is_whitespace) => (None, Some(prompt)),
        (model, prompt) => (model.clone(), prompt.as_ref()),
    };
    let model = match model {
        Some(model) => model,
        None => usual_model(&client).await?,
    };
    let mut messages: Vec<Message> = args.system.iter().map(|text| message("system", text)).collect();
    if let Some(prompt) = prompt {
        messages.push(message("user", prompt));
        turn(&client, &args, &model, &messages, json).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let terminal = std::io::stdin().is_terminal();
    if terminal && !json {
        eprintln!("{}", t!("{model} — an empty line ends the conversation", "{model} — 빈 줄이면 끝납니다"));
    }
    while let Some(line) = read_line(terminal && !json)? {
        messages.push(message("user", &line));
        let answer = turn(&client, &args, &model, &messages, json).await?;
        messages.push(message("assistant", &answer.text));
    }
    Ok(ExitCode::SUCCESS)
}

/// The guide that ships with Pumasi, or else the first model.
async fn usual_model(client: &Client) -> anyhow::Result<String> {
    let models = client.get::<Models>("/v1/models").await?.data;
    let none = || {
        t!(
            "no model is offered here; start one with: pumasi up --model FILE.gguf",
            "제공되는 모델이 없습니다. 켤 때 주세요: pumasi up --model 파일.gguf"
        )
    };
    Ok(node::usual(&models).with_context(none)?.id.clone())
}

fn message(role: &str, text: &str) -> Message {
    Message { role: role.into(), content: Some(Content::Text(text.into())), ..Message::default() }
}

fn read_line(prompt: bool) -> anyhow::Result<Option<String>> {
    if prompt {
        print::write("> ");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let line = line.trim().to_owned();
    Ok((!line.is_empty()).then_some(line))
}

async fn turn(client: &Client, args: &Args, model: &str, messages: &[Message], json: bool) -> anyhow::Result<Answer> {
    let request = ChatRequest {
        model: model.into(),
        messages: messages.to_vec(),
        stream: true,
        max_completion_tokens: args.max_tokens,
        temperature: args.temperature,
        seed: args.seed,
        provider: args.routing(),
        ..ChatRequest::default()
    };
    let answer = ask(client, &request, !json).await?;
    if json {
        print::json(&json!({
            "model": model, "provider": answer.provider, "answer": answer.text, "finish_reason": answer.finish,
            "usage": answer.usage,
        }))?;
        return Ok(answer);
    }
    print::line("");
    if let Some(usage) = &answer.usage {
        cost(usage, args.bill);
    }
    Ok(answer)
}

/// One quiet line under the answer, and the bill if it is asked for.
fn cost(usage: &Usage, lines: bool) {
    let Some(bill) = &usage.bill else { return };
    let (credits, tokens) = (print::credits(&bill.pico), usage.total_tokens);
    let people = bill.lines.iter().filter(|line| line.pico != "0").count();
    let receipt = &bill.receipt;
    eprintln!(
        "{}",
        t!(
            "— {credits} credits for {tokens} tokens, paid to {people}; receipt {receipt}",
            "— {tokens}토큰에 {credits} 크레딧, {people}곳에 치름, 영수증 {receipt}"
        )
    );
    if lines {
        eprint!("{}", print::bill(bill));
    }
}

async fn ask(client: &Client, request: &ChatRequest, show: bool) -> anyhow::Result<Answer> {
    let response = client.send(Method::POST, "/v1/chat/completions", Some(request)).await?;
    let mut bytes = response.bytes_stream();
    let mut buffer = Vec::new();
    let mut answer = Answer { text: String::new(), provider: None, finish: None, usage: None };
    while let Some(piece) = bytes.next().await {
        buffer.extend(piece.with_context(|| t!("the answer broke off", "답이 끊겼습니다"))?);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(data) = line.strip_prefix("data:").map(str::trim)
                && data != "[DONE]"
            {
                take(data, &mut answer, show)?;
            }
        }
    }
    Ok(answer)
}

/// Takes one event of the stream.
fn take(data: &str, answer: &mut Answer, show: bool) -> anyhow::Result<()> {
    if let Ok(error) = serde_json::from_str::<ErrorBody>(data) {
        bail!("{}", error.error.message);
    }
    let chunk: ChatChunk = serde_json::from_str(data)?;
    for choice in chunk.choices {
        let text = choice.delta.content.unwrap_or_default();
        if show {
            print::write(&text);
        }
        answer.text += &text;
        answer.finish = choice.finish_reason.or(answer.finish.take());
    }
    answer.provider = chunk.provider.or(answer.provider.take());
    answer.usage = chunk.usage.or(answer.usage.take());
    Ok(())
}
