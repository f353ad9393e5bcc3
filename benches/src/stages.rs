//! What each stage of a paid request costs by itself.

use api::{exchange::AnswerRequest, openai::ChatRequest, text::Encoded};
use ledger::{
    ChannelId, Digest, Finish, Head, Keypair, OfferId, Order, OrderId, Receipt, Signed, Tally, Time, Usage, salted,
};
use std::{hint::black_box, time::Instant};

const NETWORK: Digest = Digest([1; 32]);

/// Prints the stages, each with its share of a request's time. `books_us` is what the books' threads took for one.
pub async fn print(each_us: f64, books_us: f64) {
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
    let hop = hop(&wire).await;
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
        ("SQLite: the two threads of the books, in the run itself", books_us),
        ("HTTP, two whole hops and the server's half of a third", 2.5 * hop),
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
        "| the rest: the load itself, cancelable streams, tasks, waiting for the disk | {rest:.1} | {:.0} % |",
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

/// Microseconds of one core for one hop: the client and the server that the doors use, an order's message one way and five
/// frames back, 64 at once.
async fn hop(message: &str) -> f64 {
    let router = axum::Router::new().route("/", axum::routing::post(async |_: String| frames()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (begun, askers, each) = (Instant::now(), 64, 200);
    let tasks = (0..askers).map(|_| {
        let (client, url, message) = (client.clone(), url.clone(), message.to_owned());
        tokio::spawn(async move {
            for _ in 0..each {
                let answer = client.post(&url).body(message.clone()).send().await.expect("an answer");
                black_box(answer.bytes().await.expect("a whole one"));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("an asker");
    }
    server.abort();
    2.0 * begun.elapsed().as_secs_f64() * 1e6 / f64::from(askers * each)
}

/// A body that comes in five pieces.
fn frames() -> axum::body::Body {
    let pieces = (0..5).map(|word| Ok::<_, std::io::Error>(format!("{{\"frame\":\"delta\",\"text\":\"w{word} \"}}\n")));
    axum::body::Body::from_stream(futures::stream::iter(pieces))
}
