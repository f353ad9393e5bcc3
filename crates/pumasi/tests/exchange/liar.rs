//! A provider that lies as no honest one can: it signs what it likes.

use api::{
    exchange::{AnswerRequest, Frame, OrderState, Receipts, Refused},
    text::Encoded,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use futures::StreamExt as _;
use ledger::{Amount, Finish, Head, Operation, Order, OrderId, Receipt, Register, Signed, Time, Usage, salted};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

use crate::world::{FEE, World, cost, eventually, terms};

/// How it lies.
#[derive(Clone, Copy, PartialEq)]
enum Lie {
    /// It breaks off before the receipt, and then shows three receipts for the one order.
    SignsThrice,
    /// Its receipts have numbers that nobody gave before.
    LeavesOut,
    /// It says that another order's receipt is that of the order it is asked for.
    ShowsAnother,
    /// Text for ever, and not a token of it counted.
    Floods,
    /// It sends the order on to somebody else.
    Redirects,
    /// It refuses, and says why for ever.
    RefusesForEver,
}

/// An order with its salt.
type Ordered = (Signed<Order>, [u8; 32]);

#[derive(Clone)]
struct Liar {
    lie: Lie,
    account: wallet::Account,
    seen: Arc<Mutex<Vec<Ordered>>>,
    /// What came where it was not registered.
    elsewhere: Arc<AtomicU64>,
}

const TEXT: &str = "one two";
const COUNTED: Usage = Usage { input: 3, output: 2 };

impl Liar {
    /// Puts it on the ledger with an offer of the usual price.
    async fn start(world: &World, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let account = world.wallet.account("provider").unwrap();
        let liar = Self { lie, account, seen: Arc::default(), elsewhere: Arc::default() };
        let router = Router::new()
            .route("/exchange/answers", post(answers))
            .route("/exchange/channels/{channel}/receipts", get(receipts))
            .route("/exchange/channels/{channel}/orders/{order}", get(order))
            .route("/exchange/vouchers", post(async || ()))
            .route("/elsewhere", post(elsewhere))
            .fallback(async || ())
            .with_state(liar.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        world.submit("provider", Operation::Register(Register { address, tls_key: None })).await;
        world.submit("provider", Operation::Offer(terms(FEE))).await;
        liar
    }

    fn receipt(&self, (order, salt): &Ordered, number: u64) -> Encoded<Signed<Receipt>> {
        let answer = salted(salt, TEXT.as_bytes());
        let head = Head { size: 0, root: ledger::Digest([0; 32]) };
        let (order, time) = (order.clone(), Time(1));
        Encoded(self.account.sign(Receipt { order, number, answer, usage: COUNTED, finish: Finish::Stop, time, head }))
    }

    fn orders(&self) -> Vec<Ordered> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answers(State(liar): State<Liar>, Json(request): Json<AnswerRequest>) -> Response {
    let seen = (request.order.0, request.salt.0);
    liar.seen.lock().unwrap().push(seen.clone());
    let delta = |text: &str, output| Frame::Delta { text: text.into(), input: 3, output, logprobs: Vec::new() };
    let mut frames = vec![Frame::Accepted { input: 3 }, delta(TEXT, 2)];
    match liar.lie {
        Lie::LeavesOut => frames.push(Frame::Receipt { receipt: liar.receipt(&seen, 1_000_000), stop: None }),
        Lie::SignsThrice | Lie::ShowsAnother => {}
        Lie::Floods => {
            let flood = line(&delta(&"x".repeat(1 << 16), 0));
            let begin = futures::stream::iter([line(&frames[0])]);
            let all = begin.chain(futures::stream::repeat(flood)).map(Ok::<_, std::io::Error>);
            return Body::from_stream(all).into_response();
        }
        Lie::Redirects => return Redirect::temporary("/elsewhere").into_response(),
        Lie::RefusesForEver => {
            let piece = "x".repeat(1 << 16);
            let all = futures::stream::repeat(piece).map(Ok::<_, std::io::Error>);
            return (axum::http::StatusCode::BAD_REQUEST, Body::from_stream(all)).into_response();
        }
    }
    frames.iter().map(line).collect::<String>().into_response()
}

fn line(frame: &Frame) -> String {
    serde_json::to_string(frame).unwrap() + "\n"
}

async fn receipts(State(liar): State<Liar>, request: Request) -> Json<Receipts> {
    let from: u64 = request.uri().query().unwrap().strip_prefix("from=").unwrap().parse().unwrap();
    let shown: Vec<_> = match liar.lie {
        Lie::SignsThrice => {
            liar.orders().iter().flat_map(|seen| (1..=3).map(|number| liar.receipt(seen, number))).collect()
        }
        _ => Vec::new(),
    };
    Json(Receipts { receipts: shown.into_iter().filter(|receipt| receipt.0.body.number >= from).collect() })
}

async fn order(State(liar): State<Liar>, Path((_, order)): Path<(String, String)>) -> Json<OrderState> {
    let (orders, order): (_, OrderId) = (liar.orders(), order.parse().unwrap());
    let asked = orders.iter().position(|(seen, _)| seen.body.id == order);
    Json(match (liar.lie, asked) {
        (Lie::SignsThrice, Some(at)) => OrderState::Answered { receipt: liar.receipt(&orders[at], 3) },
        (Lie::ShowsAnother, Some(1)) => OrderState::Answered { receipt: liar.receipt(&orders[0], 1) },
        (Lie::ShowsAnother, _) => OrderState::Running,
        _ => OrderState::Unknown,
    })
}

async fn elsewhere(State(liar): State<Liar>) -> Json<Refused> {
    liar.elsewhere.fetch_add(1, Ordering::Relaxed);
    Json(Refused { code: api::exchange::RefusedCode::Busy, message: "here".into(), input: None, field: None })
}

fn paid() -> Amount {
    cost(COUNTED.input, COUNTED.output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_its_provider_signs_three_times_is_paid_once() {
    let world = World::new().await;
    let _liar = Liar::start(&world, Lie::SignsThrice).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 502);
    eventually("it is paid", async || buyer.spent().await.0 >= paid()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(buyer.spent().await, (paid(), Amount::ZERO));
    assert_eq!(buyer.channels().await[0]["spent"], paid().to_string(), "the channel pays once, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_left_out_does_not_keep_a_client_waiting() {
    let world = World::new().await;
    let _liar = Liar::start(&world, Lie::LeavesOut).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    let ask = buyer.ask(&key, "say 5", 20);
    let (status, answer) = tokio::time::timeout(Duration::from_secs(20), ask).await.expect("the client waits for ever");
    assert_eq!((status, answer["choices"][0]["message"]["content"].as_str()), (200, Some(TEXT)));
    let (spent, reserved) = buyer.spent().await;
    assert!(spent.is_zero() && !reserved.is_zero(), "its provider is not paid before it gives the numbers before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_orders_receipt_does_not_end_an_order() {
    let world = World::new().await;
    let liar = Liar::start(&world, Lie::ShowsAnother).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 502);
    let one = buyer.spent().await.1;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 502);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount(one.0 * 2)), "no order was answered yet");
    let ids: Vec<String> = liar.orders().iter().map(|(order, _)| order.body.id.to_string()).collect();
    for id in ids {
        assert_eq!(buyer.receipt(&id, None).await.1["state"], "running");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_without_end_and_without_tokens_is_not_read_for_ever() {
    let world = World::new().await;
    let _liar = Liar::start(&world, Lie::Floods).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    let ask = buyer.ask(&key, "say 5", 20);
    let (status, answer) = tokio::time::timeout(Duration::from_secs(20), ask).await.expect("it is read for ever");
    assert_eq!((status, answer["error"]["code"].as_str()), (502, Some("provider_failed")), "{answer}");
    eventually("nothing is billed", async || buyer.spent().await == (Amount::ZERO, Amount::ZERO)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_goes_where_its_provider_registered_and_nowhere_else() {
    let world = World::new().await;
    let liar = Liar::start(&world, Lie::Redirects).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 502);
    assert_eq!((liar.orders().len(), liar.elsewhere.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_without_end_is_not_read_for_ever() {
    let world = World::new().await;
    let _liar = Liar::start(&world, Lie::RefusesForEver).await;
    let buyer = world.buyer().await;
    let key = buyer.new_key(Amount::credits(1)).await;
    let (begun, ask) = (Instant::now(), buyer.ask(&key, "say 5", 20));
    let (status, _) = tokio::time::timeout(Duration::from_secs(20), ask).await.expect("it is read for ever");
    assert_eq!(status, 502);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
