//! Who pays what: bills, budgets, clients and servers that go away.

use futures::StreamExt as _;
use ledger::{Amount, Rates};
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    upstream::INPUT,
    world::{BASE_ROYALTY, FEE, TUNED_ROYALTY, World, chat, cost, eventually},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_pays_everyone_it_stands_on() {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let answer = buyer.request(&key, &chat("say 5", 50)).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let (id, header_cost) = (header("x-pumasi-receipt"), header("x-pumasi-cost"));
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "w0 w1 w2 w3 w4 ");
    assert_eq!(answer["usage"]["completion_tokens"], 5);
    assert_eq!(header_cost, cost(INPUT, 5).to_string());
    let bill = &answer["usage"]["bill"];
    let lines: Vec<(&str, &str, u128)> = bill["lines"].as_array().unwrap().iter().map(line).collect();
    let of = |rates: Rates| rates.cost(ledger::Usage { input: INPUT, output: 5 }).unwrap().0;
    let expected = [
        ("runner", "provider_fee", of(FEE)),
        ("maker/model:latest", "royalty", of(BASE_ROYALTY)),
        ("tuner/model:latest", "royalty", of(TUNED_ROYALTY)),
    ];
    assert_eq!(lines, expected);
    assert_eq!(bill["pico"], lines.iter().map(|line| line.2).sum::<u128>().to_string());

    assert_eq!(buyer.receipt(&id, Some(&key)).await.1["state"], "paid");
    eventually("the provider has the voucher and settles it", async || {
        seller.provider.settle_now().await;
        world.balance("provider").await == Amount(of(FEE))
    })
    .await;
    assert_eq!(world.balance("maker").await, Amount(of(BASE_ROYALTY)));
    assert_eq!(world.balance("tuner").await, Amount(of(TUNED_ROYALTY)));
    let (_, receipt) = buyer.receipt(&id, Some(&key)).await;
    assert!(
        receipt["settlement"]["entry"].is_u64() && receipt["voucher"]["path"].is_array() && receipt["salt"].is_string()
    );
    assert!(buyer.receipt(&id, None).await.1.get("salt").is_none(), "salts are for the key's holder");
    world.audit().await;
}

fn line(line: &Value) -> (&str, &str, u128) {
    let text = |field: &str| line[field].as_str().unwrap();
    (text("payee"), text("what"), text("pico").parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateways_fee_is_a_line_and_charged_to_the_key_alone() {
    let world = World::new().await;
    let _seller = world.honest_seller().await;
    let fee = Rates { input: 3, output: 4 };
    let buyer = world.buyer_with(|config| config.fee = fee).await;
    let key = buyer.new_key(Amount::credits(1)).await;
    let (_, answer) = buyer.ask(&key, "say 5", 50).await;
    let lines = answer["usage"]["bill"]["lines"].as_array().unwrap();
    let gateway = 3 * INPUT + 4 * 5;
    assert_eq!(line(lines.last().unwrap()).1, "gateway_fee");
    assert_eq!(line(lines.last().unwrap()).2, u128::from(gateway));
    assert_eq!(answer["usage"]["bill"]["pico"], (cost(INPUT, 5).0 + u128::from(gateway)).to_string());
    assert_eq!(buyer.spent().await.0, Amount(cost(INPUT, 5).0 + u128::from(gateway)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_never_go_above_a_budget_for_fifty() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    // The worst case of a request: its bytes and one message in, 20 tokens out. What it costs: 7 in, 5 out.
    let worst = cost("user".len() as u64 + "say 5".len() as u64 + 8, 20);
    let each = cost(INPUT, 5);
    let budget = Amount(each.0 * 49 + worst.0);
    let key = buyer.new_key(budget).await;
    let all = futures::future::join_all((0..200).map(|_| buyer.ask(&key, "say 5", 20))).await;
    let paid = all.iter().filter(|(status, _)| *status == 200).count();
    let refused =
        all.iter().filter(|(status, body)| *status == 402 && body["error"]["code"] == "insufficient_quota").count();
    assert_eq!(paid + refused, 200, "{all:?}");
    assert!((1..=50).contains(&paid), "{paid}");
    let (spent, reserved) = buyer.spent().await;
    assert_eq!((spent, reserved), (Amount(each.0 * paid as u128), Amount::ZERO));
    // Reservations are released: those who try again succeed, until fifty were paid.
    let mut paid = paid;
    while buyer.ask(&key, "say 5", 20).await.0 == 200 {
        paid += 1;
    }
    assert_eq!(paid, 50);
    assert_eq!(buyer.spent().await, (Amount(each.0 * 50), Amount::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_is_billed_for_what_came() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let mut body = chat("slow 200", 200);
    body["stream"] = true.into();
    let answer = buyer.request(&key, &body).send().await.unwrap();
    let id = answer.headers()["x-pumasi-receipt"].to_str().unwrap().to_owned();
    let mut pieces = answer.bytes_stream();
    for _ in 0..3 {
        pieces.next().await.unwrap().unwrap();
    }
    drop(pieces);
    eventually("the order is paid", async || buyer.receipt(&id, None).await.1["state"] == "paid").await;
    let (_, receipt) = buyer.receipt(&id, None).await;
    let output = receipt["output"].as_u64().unwrap();
    assert!((1..150).contains(&output), "{output} tokens are billed");
    let input = receipt["input"].as_u64().unwrap();
    assert_eq!(buyer.spent().await, (cost(input, output), Amount::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_before_the_first_token_does_not_stop_the_channel() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let ask = buyer.request(&key, &chat("late 200", 200)).timeout(Duration::from_millis(200)).send();
    assert!(ask.await.is_err(), "the client went away");
    eventually("the order came to its end", async || {
        let (spent, reserved) = buyer.spent().await;
        reserved == Amount::ZERO && spent < cost(INPUT, 200)
    })
    .await;
    let begun = std::time::Instant::now();
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 200);
    assert!(begun.elapsed() < Duration::from_secs(3), "its receipt waits for that of the client that went away");
    eventually("and it is paid", async || buyer.spent().await.0 >= cost(INPUT, 5)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_keeps_to_no_limit_is_cut() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let ask = buyer.ask(&key, "endless 1", 20);
    let (status, answer) = tokio::time::timeout(Duration::from_secs(20), ask).await.expect("it goes on for ever");
    assert_eq!((status, &answer["choices"][0]["finish_reason"]), (200, &json!("length")), "{answer}");
    assert_eq!(answer["usage"]["completion_tokens"], 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_paid_nothing() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let (status, body) = buyer.ask(&key, "die 3", 20).await;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("provider_failed")));
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
    let mut streamed = chat("die 3", 20);
    streamed["stream"] = true.into();
    let text = buyer.request(&key, &streamed).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("w2") && text.contains("\"error\"") && text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
    assert_eq!(buyer.ask(&key, "say 3", 20).await.0, 200, "and the channel goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_answer_is_passed_over() {
    let world = World::new().await;
    let cheap = Rates { input: 1, output: 1 };
    let gone = world.seller("second", cheap, async |address| address).await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let (_, answer) = buyer.ask(&key, "say 1", 20).await;
    assert_eq!(answer["usage"]["bill"]["lines"][0]["id"], world.id("second").to_string(), "the cheaper one is asked");
    gone.kill();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (status, answer) = buyer.ask(&key, "say 1", 20).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["usage"]["bill"]["lines"][0]["id"], world.id("provider").to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_topped_up_within_the_owners_limit() {
    let world = World::new().await;
    let (_seller, request) = (world.honest_seller().await, cost(18, 100));
    let buyer = world
        .buyer_with(|config| {
            config.channel_deposit = request;
            config.top_up_below = Amount(1);
            config.top_up_limit_per_day = Amount(request.0 * 2);
        })
        .await;
    let key = buyer.new_key(Amount::credits(1)).await;
    let mut answered = 0;
    let last = loop {
        let (status, body) = buyer.ask(&key, "say 90", 100).await;
        if status != 200 {
            break (status, body);
        }
        answered += 1;
    };
    assert_eq!(last.0, 402, "{last:?}");
    assert!(last.1["error"]["message"].as_str().unwrap().contains("wallet limit --per-day"), "{last:?}");
    assert_eq!(answered, 2, "the deposit and one top-up, each for one answer and its worst case");
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let with = |field: &str, value: Value| {
        let mut body = chat("say 1", 5);
        body[field] = value;
        body
    };
    let image = json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "data:," } }] }]);
    for (body, status, param) in [
        (with("model", json!("nobody/nothing")), 404, Some("model")),
        (with("messages", json!([])), 400, Some("messages")),
        (with("messages", json!([{ "role": "king", "content": "x" }])), 400, Some("messages")),
        (with("messages", image), 400, Some("messages")),
        (with("temperature", json!(3)), 400, Some("temperature")),
        (with("n", json!(17)), 400, Some("n")),
        (with("max_tokens", json!(0)), 400, Some("max_tokens")),
        (with("response_format", json!({ "type": "xml" })), 400, Some("response_format")),
        (with("stop", json!(vec!["x"; 17])), 400, Some("stop")),
        (with("messages", json!("x")), 400, None),
    ] {
        let answer = buyer.request(&key, &body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{body}");
        let error = answer.json::<Value>().await.unwrap()["error"].clone();
        assert_eq!(error["param"].as_str(), param, "{body}: {error}");
        assert!(["message", "type", "param", "code"].iter().all(|name| error.get(name).is_some()), "{error}");
    }
    let answer = buyer.request("sk-pumasi-unknown", &chat("say 1", 5)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    assert_eq!(buyer.receipt("00", None).await.0, 404);
    assert_eq!(buyer.spent().await, (Amount::ZERO, Amount::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_that_the_ledger_refused_does_not_count_toward_the_day() {
    let world = World::new().await;
    let _seller = world.honest_seller().await;
    let buyer = world
        .buyer_with(|config| {
            config.channel_deposit = Amount::credits(20_000_000);
            config.top_up_limit_per_day = Amount::credits(50_000_000);
        })
        .await;
    let key = buyer.new_key(Amount::credits(1)).await;
    for _ in 0..3 {
        let (status, answer) = buyer.ask(&key, "say 1", 20).await;
        assert_eq!(status, 402);
        assert!(answer["error"]["message"].as_str().unwrap().contains("not enough credits"), "{answer}");
    }
    let issue = ledger::Operation::Issue {
        to: world.id("payer"),
        amount: Amount::credits(20_000_000),
        reference: ledger::Digest([1; 32]),
    };
    world.submit("issuer", issue).await;
    assert_eq!(buyer.ask(&key, "say 1", 20).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_its_provider_released_is_replaced() {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 1", 20).await.0, 200);
    let first = buyer.channels().await[0]["id"].as_str().unwrap().to_owned();
    seller.provider.settle_now().await;
    world.submit("provider", ledger::Operation::Release { channel: first.parse().unwrap() }).await;
    seller.kill();
    // It started again, and knows no such channel.
    let _seller = world.honest_seller().await;
    buyer.gateway.refresh().await.unwrap();
    let (status, answer) = buyer.ask(&key, "say 1", 20).await;
    assert_eq!(status, 200, "{answer}");
    assert_ne!(buyer.channels().await[0]["id"].as_str().unwrap(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_runs_while_its_channel_is_closed_is_paid() {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let closing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let id = buyer.channels().await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(buyer.close_channel(&id).await, 202);
        assert_eq!(buyer.close_channel(&id).await, 409, "the ledger's refusal is not its silence");
    };
    let ((status, answer), ()) = tokio::join!(buyer.ask(&key, "slow 50", 50), closing);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(buyer.spent().await.0, cost(INPUT, 50));
    let fee = FEE.cost(ledger::Usage { input: INPUT, output: 50 }).unwrap();
    eventually("its provider is paid", async || {
        seller.provider.settle_now().await;
        world.balance("provider").await == fee
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_are_signed_at_once_are_written_down_in_their_order() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    for _ in 0..10 {
        let all = futures::future::join_all((0..60).map(|_| buyer.ask(&key, "say 1", 5))).await;
        assert!(all.iter().all(|(status, _)| *status == 200), "{all:?}");
    }
    assert_eq!(buyer.spent().await, (Amount(cost(INPUT, 1).0 * 600), Amount::ZERO));
}
