//! One streamed answer of a real model: straight from its worker, and paid, through gateway and provider. Time to the first
//! text, and tokens per second, side by side in one run.
//!
//! `cargo run --release -p benches --bin answer_path MODEL.gguf [answers] [tokens]`; needs the built `pumasi` beside it.

#[path = "../../../crates/pumasi/tests/exchange/upstream.rs"]
mod upstream;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../../crates/pumasi/tests/exchange/world.rs"]
mod world;

use benches::{machine, median};
use engine::{Engine, Event, Prompt, Request, Sampling};
use futures::StreamExt as _;
use ledger::Amount;
use provider::Backend;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Time to the first text, and from there to the last.
struct Timed {
    first: Duration,
    rest: Duration,
    tokens: u32,
}

#[tokio::main]
async fn main() {
    api::link::choose_cryptography();
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().expect("a GGUF file");
    let answers = arguments.next().map_or(100, |text| text.parse().expect("answers"));
    let tokens = arguments.next().map_or(64, |text| text.parse().expect("tokens"));
    let mut config = engine::Config::new(model.clone().into());
    config.program = std::env::current_exe().expect("this program").with_file_name("pumasi");
    config.context = 1_000;
    let engine = Engine::start(config).await.expect("the model runs");

    let world = world::World::new_with(String::new()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let backend = Backend::Worker { engine: engine.clone(), adapter: None, usual: Sampling::default() };
    let _seller = world.seller_of("provider", world::FEE, backend, (listener, address)).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(100)).await;

    println!("{model}, {answers} answers of {tokens} tokens each, {}", machine());
    let (mut straight, mut paid) = (Vec::new(), Vec::new());
    for number in 0..answers + 5 {
        let prompt = format!("Number {number}: once upon a time there was");
        let pair = if number % 2 == 0 {
            let first = ask_worker(&engine, &prompt, tokens).await;
            (first, ask_paid(&buyer, &key, &format!("{prompt} also"), tokens).await)
        } else {
            let first = ask_paid(&buyer, &key, &prompt, tokens).await;
            (ask_worker(&engine, &format!("{prompt} also"), tokens).await, first)
        };
        // The first ones open connections and warm caches.
        if number >= 5 {
            straight.push(pair.0);
            paid.push(pair.1);
        }
    }
    let (a, b) = (report("straight", &straight), report("paid", &paid));
    println!("added to the first text {:.2} ms; tokens per second {:.3} of straight", (b.0 - a.0) * 1e3, b.1 / a.1);
    println!("{}", machine());
}

fn report(name: &str, timed: &[Timed]) -> (f64, f64) {
    let first = median(timed.iter().map(|timed| timed.first.as_secs_f64()).collect());
    let speed = timed.iter().map(|timed| f64::from(timed.tokens.saturating_sub(1)) / timed.rest.as_secs_f64());
    let speed = median(speed.collect());
    println!("{name:>9}: first text after {:.2} ms, then {speed:.1} tokens/s (medians)", first * 1e3);
    (first, speed)
}

async fn ask_worker(engine: &Engine, prompt: &str, tokens: u32) -> Timed {
    let request = Request {
        prompt: Prompt::Chat { messages: json!([{ "role": "user", "content": prompt }]), tools: Value::Null },
        adapter: None,
        input_max: 1_000,
        output_max: tokens,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        stop: Vec::new(),
        logprobs: None,
        measure: None,
        embed: false,
        hold: None,
    };
    let (begun, mut first, mut counted) = (Instant::now(), None, 0);
    let mut events = engine.generate(request).await.expect("the worker runs");
    while let Some(event) = events.next().await {
        match event {
            Event::Piece { output, .. } => {
                first.get_or_insert_with(|| begun.elapsed());
                counted = output;
            }
            Event::Failed { message } => panic!("{message}"),
            _ => {}
        }
    }
    timed(begun, first, counted)
}

async fn ask_paid(buyer: &world::Buyer, key: &str, prompt: &str, tokens: u32) -> Timed {
    let mut body = world::chat(prompt, tokens);
    body["stream"] = true.into();
    body["temperature"] = 0.into();
    let (begun, mut first, mut text) = (Instant::now(), None, String::new());
    let answer = buyer.request(key, &body).send().await.expect("the gateway runs");
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        text += &String::from_utf8_lossy(&piece.expect("the answer goes on"));
        if first.is_none() && text.matches("\"content\":\"").count() > 1 {
            first = Some(begun.elapsed());
        }
        // The rest is the receipt and the bill.
        if text.contains("\"finish_reason\":\"") {
            break;
        }
    }
    let mut usage = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str::<Value>(data).ok()?["usage"]["completion_tokens"].as_u64());
    let counted = usage.next_back().and_then(|count| u32::try_from(count).ok()).expect("a bill");
    timed(begun, first, counted)
}

fn timed(begun: Instant, first: Option<Duration>, tokens: u32) -> Timed {
    let first = first.expect("a text");
    Timed { first, rest: begun.elapsed().saturating_sub(first), tokens }
}
