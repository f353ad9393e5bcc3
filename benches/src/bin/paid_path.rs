//! Paid requests per second through gateway and provider, with a real ledger, in front of a server that costs nothing: what
//! metering, signing, bookkeeping and the second hop cost. Everything runs in this process, the load included.
//!
//! `cargo run --release -p benches --bin paid_path [seconds] [connections]`

#[path = "../stages.rs"]
mod stages;
#[path = "../../../crates/pumasi/tests/exchange/upstream.rs"]
mod upstream;
#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../../../crates/pumasi/tests/exchange/world.rs"]
mod world;

use benches::{machine, memory_mb, requests, thread_seconds};
use ledger::Amount;
use std::time::Duration;

fn main() {
    api::link::choose_cryptography();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(10, |text| text.parse().expect("seconds"));
    let connections = arguments.next().map_or(64, |text| text.parse().expect("connections"));
    let time = Duration::from_secs(seconds);

    let free = requests::upstream().await;
    let world = world::World::new_with(format!("http://{free}/v1")).await;
    let _seller = world.honest_seller().await;
    let buyer = world.buyer_with(|config| config.channel_deposit = Amount::credits(1_000)).await;
    let key = buyer.new_key(Amount::credits(1_000_000)).await;
    let body = world::chat("say 5", 20).to_string();
    let paid = requests::Target {
        address: buyer.address.trim_start_matches("http://").to_owned(),
        path: "/v1/chat/completions",
        bearer: key,
        body: body.clone(),
    };
    let straight =
        requests::Target { address: free.to_string(), path: "/v1/chat/completions", bearer: String::new(), body };

    println!("{}", machine());
    let unpaid = requests::run(&straight, connections, time / 4).await;
    println!("straight to the server  {unpaid}");
    drop(requests::run(&paid, connections, time / 4).await);
    let before = thread_seconds("books");
    let done = requests::run(&paid, connections, time).await;
    let books_us = (thread_seconds("books") - before) * 1e6 / done.count() as f64;
    println!("paid                    {done}");
    println!("most memory of the whole process {:.0} MB", memory_mb());
    println!("{}", machine());
    stages::print(done.each_us(), books_us).await;
    eprintln!("checking the books and the log");
    world::eventually("nothing is set aside any more", async || buyer.spent().await.1 == Amount::ZERO).await;
    world.audit().await;
}
