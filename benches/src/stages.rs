//! What each stage of a paid request costs by itself.

use api::{exchange::AnswerRequest, openai::ChatRequest, text::Encoded};
use books::Books;
use ledger::{
    ChannelId, Digest, Finish, Head, Keypair, OfferId, Order, OrderId, Receipt, Signed, Tally, Time, Usage, salted,
};
use std::{hint::black_box, time::Instant};

const NETWORK: Digest = Digest([1; 32]);

/// Prints the stages, each with its share of a request's time.
pub async fn print(each_us: f64) {
    let key = Keypair::from_secret(&[7; 32]);
    let order = key.sign(NETWORK, order());
    let receipt = key.sign(NETWORK, receipt(&order));
    let request = crate::world::chat("say 5", 20).to_string();
    let chat: ChatRequest = serde_json::from_str(&request).expect("a request");
    let sent = AnswerRequest {
        order: Encoded(order.clone()),
        salt: Encoded([3; 32]),
        request: request.clone(),
        voucher: None,
    };
    let wire = serde_json::to_string(&sent).expect("JSON");
    let mut tally = Tally::new(ChannelId([2; 32]));
    let write = books().await;
    let rows = [
        ("sign order and receipt", 2.0 * time(|| key.sign(NETWORK, order_of(&order)))),
        ("check order and receipt", 2.0 * time(|| assert!(order.verify(NETWORK, key.public())))),
        ("digest request and answer, both sides", 4.0 * time(|| salted(&[3; 32], request.as_bytes()))),
        (
            "receipt's leaf under the root, both sides",
            2.0 * time(|| tally.push_receipt(receipt.digest(), OfferId([4; 32]), Usage::default())),
        ),
        (
            "read and write the request, both hops",
            2.0 * time(|| serde_json::from_str::<ChatRequest>(&request).expect("JSON"))
                + time(|| serde_json::to_string(&chat).expect("JSON")),
        ),
        (
            "read and write the order's message",
            time(|| serde_json::from_str::<AnswerRequest>(&wire).expect("JSON"))
                + time(|| serde_json::to_string(&sent).expect("JSON")),
        ),
        ("SQLite, four rows in shared commits", write),
    ];
    println!(
        "\n| stage | µs of one core | of a request's {:.0} µs on two cores |\n| --- | ---: | ---: |",
        2.0 * each_us
    );
    for (name, us) in rows {
        println!("| {name} | {us:.1} | {:.0} % |", us / (2.0 * each_us) * 100.0);
    }
    let rest = 2.0 * each_us - rows.iter().map(|row| row.1).sum::<f64>();
    println!(
        "| the rest: HTTP of three hops and the load itself, tasks, waiting | {rest:.1} | {:.0} % |",
        rest / (2.0 * each_us) * 100.0
    );
}

/// Microseconds of one call.
fn time<T>(mut call: impl FnMut() -> T) -> f64 {
    for _ in 0..1_000 {
        black_box(call());
    }
    let (begun, calls) = (Instant::now(), 10_000);
    for _ in 0..calls {
        black_box(call());
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn order_of(order: &Signed<Order>) -> Order {
    order.body.clone()
}

fn order() -> Order {
    Order {
        channel: ChannelId([2; 32]),
        id: OrderId([5; 16]),
        offer: OfferId([4; 32]),
        request: NETWORK,
        limit: Usage { input: 100, output: 100 },
        expires: Time(1),
    }
}

fn receipt(order: &Signed<Order>) -> Receipt {
    let head = Head { size: 1, root: NETWORK };
    let (usage, finish) = (Usage { input: 7, output: 5 }, Finish::Stop);
    Receipt { order: order.clone(), number: 1, answer: NETWORK, usage, finish, time: Time(2), head }
}

/// Microseconds of four rows of 300 bytes, 64 writers at once sharing commits as the doors do.
async fn books() -> f64 {
    let dir = tempfile::tempdir().expect("a folder");
    let books = Books::open(&dir.path().join("books"), &["CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB) STRICT"]);
    let books = std::sync::Arc::new(books.expect("books"));
    let (begun, writers, each) = (Instant::now(), 64, 200);
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let books = std::sync::Arc::clone(&books);
            tokio::spawn(async move {
                for _ in 0..each {
                    let row = |books: &rusqlite::Connection| {
                        books.prepare_cached("INSERT INTO t (bytes) VALUES (?)")?.execute([vec![0u8; 300]])
                    };
                    books.write(row).await.expect("a write");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a writer");
    }
    4.0 * begun.elapsed().as_secs_f64() * 1e6 / f64::from(writers * each)
}
