//! A provider that counts more than it streamed: a proxy before an honest one takes tokens out of the frames' counts.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use futures::StreamExt as _;
use ledger::Amount;
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};
use tokio::net::TcpListener;

use crate::{
    upstream::INPUT,
    world::{FEE, World, chat, cost, eventually},
};

/// What the proxy does.
const HONEST: u8 = 0;
const COUNT_MORE: u8 = 1;
const CHANGE_TEXT: u8 = 2;
const CUT_BEFORE_RECEIPT: u8 = 3;
const SEND_TWICE: u8 = 4;

#[derive(Clone)]
struct Proxy {
    to: String,
    mode: Arc<AtomicU8>,
    http: reqwest::Client,
}

async fn proxy(to: String, mode: Arc<AtomicU8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let router = Router::new().fallback(pass).with_state(Proxy { to, mode, http });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn pass(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str().to_owned();
    let url = format!("{}{path}", proxy.to);
    let send =
        || proxy.http.request(parts.method.clone(), &url).headers(parts.headers.clone()).body(body.clone()).send();
    let sent = send().await.unwrap();
    let status = sent.status();
    let mode = if path == "/exchange/answers" { proxy.mode.load(Ordering::Relaxed) } else { HONEST };
    if mode == SEND_TWICE {
        assert_eq!(send().await.unwrap().status().as_u16(), 409, "an order is taken once");
    }
    if mode == HONEST || mode == SEND_TWICE {
        return (status, Body::from_stream(sent.bytes_stream())).into_response();
    }
    let whole = sent.text().await.unwrap();
    let lines: Vec<_> = whole.lines().filter_map(|line| change(line, mode)).collect();
    let lines = futures::stream::iter(lines).map(|line| Ok::<_, std::io::Error>(line + "\n"));
    (status, Body::from_stream(lines)).into_response()
}

fn change(line: &str, mode: u8) -> Option<String> {
    let mut frame: Value = serde_json::from_str(line).unwrap();
    match (frame["frame"].as_str().unwrap(), mode) {
        ("delta", COUNT_MORE) => frame["output"] = frame["output"].as_u64().unwrap().saturating_sub(1).into(),
        ("delta", CHANGE_TEXT) => frame["text"] = "x".into(),
        ("receipt", CUT_BEFORE_RECEIPT) => return None,
        _ => {}
    }
    Some(frame.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn false_receipts_are_refused_and_the_channel_goes_on() {
    let (world, mode) = (World::new().await, Arc::new(AtomicU8::new(HONEST)));
    let seller = world.seller("provider", FEE, async |address| proxy(address, Arc::clone(&mode)).await).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    for (lie, state) in [(HONEST, "paid"), (COUNT_MORE, "refused"), (CHANGE_TEXT, "refused"), (HONEST, "paid")] {
        mode.store(lie, Ordering::Relaxed);
        let (status, answer) = buyer.ask(&key, "say 5", 20).await;
        assert_eq!(status, 200, "{answer}");
        let id = answer["usage"]["bill"]["receipt"].as_str().unwrap();
        assert_eq!(buyer.receipt(id, None).await.1["state"], state, "{answer}");
    }
    assert_eq!(buyer.spent().await, (Amount(cost(INPUT, 5).0 * 2), Amount::ZERO));
    let fee = FEE.cost(ledger::Usage { input: INPUT, output: 5 }).unwrap();
    eventually("the provider is paid for two of four", async || {
        seller.provider.settle_now().await;
        world.balance("provider").await == Amount(fee.0 * 2)
    })
    .await;
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_gateway_does_not_pay_what_it_refused_before() {
    let (world, mode) = (World::new().await, Arc::new(AtomicU8::new(HONEST)));
    let seller = world.seller("provider", FEE, async |address| proxy(address, Arc::clone(&mode)).await).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 200);
    let old = world.path("old.db");
    books::copy(&world.path("gateway.db"), &old).unwrap();
    for lie in [COUNT_MORE, HONEST] {
        mode.store(lie, Ordering::Relaxed);
        assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 200);
    }
    buyer.gateway.close().await;
    buyer.stop().await;
    let again = world
        .buyer_with(|config| {
            config.books = old;
            config.restored = true;
        })
        .await;
    eventually("the channel is in doubt no more", async || again.ask(&key, "say 5", 20).await.0 == 200).await;
    let each = cost(INPUT, 5).0;
    eventually("what was refused stays refused", async || {
        let channels = again.channels().await;
        channels.len() == 1 && channels[0]["spent"] == Amount(each * 3).to_string() && channels[0]["closing"] == false
    })
    .await;
    assert_eq!(again.spent().await.0, Amount(each * 2), "orders that the books do not know are charged to nobody");
    again.gateway.close().await;
    seller.provider.settle_now().await;
    assert_eq!(again.channels().await[0]["settled"], Amount(each * 3).to_string());
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_sent_twice_is_answered_once_and_can_still_be_stopped() {
    let (world, mode) = (World::new().await, Arc::new(AtomicU8::new(SEND_TWICE)));
    let _seller = world.seller("provider", FEE, async |address| proxy(address, Arc::clone(&mode)).await).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    let mut body = chat("slow 200", 200);
    body["stream"] = true.into();
    let answer = buyer.request(&key, &body).send().await.unwrap();
    let id = answer.headers()["x-pumasi-receipt"].to_str().unwrap().to_owned();
    drop(answer);
    eventually("it is paid", async || buyer.receipt(&id, None).await.1["state"] == "paid").await;
    let output = buyer.receipt(&id, None).await.1["output"].as_u64().unwrap();
    assert!(output < 100, "it was not stopped: {output} tokens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_was_lost_on_the_way_is_asked_for_and_paid() {
    let (world, mode) = (World::new().await, Arc::new(AtomicU8::new(CUT_BEFORE_RECEIPT)));
    let _seller = world.seller("provider", FEE, async |address| proxy(address, Arc::clone(&mode)).await).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 502);
    eventually("it is paid", async || buyer.spent().await == (cost(INPUT, 5), Amount::ZERO)).await;
    mode.store(HONEST, Ordering::Relaxed);
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 200);
}
