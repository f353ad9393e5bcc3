//! What survives: a gateway that stops with answers under way, a provider that is gone for a while.

use ledger::Amount;
use std::time::Duration;

use crate::world::{World, chat, cost, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_starts_again_pays_what_was_delivered() {
    let world = World::new().await;
    let (_seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 200);
    let paid = buyer.spent().await.0;
    // The books as a killed process leaves them: an order is out, and its outcome is not known.
    let mut body = chat("slow 50", 50);
    body["stream"] = true.into();
    let answer = buyer.request(&key, &body).send().await.unwrap();
    let id = answer.headers()["x-pumasi-receipt"].to_str().unwrap().to_owned();
    let copy = world.path("copy.db");
    tokio::time::sleep(Duration::from_millis(200)).await;
    copy_books(&world.path("gateway.db"), &copy);
    drop(answer);
    buyer.stop().await;
    let again = world.buyer_with(|config| config.books = copy).await;
    eventually("the order is paid", async || again.receipt(&id, None).await.1["state"] == "paid").await;
    let (_, receipt) = again.receipt(&id, None).await;
    let (input, output) = (receipt["input"].as_u64().unwrap(), receipt["output"].as_u64().unwrap());
    assert!(output > 0);
    let (spent, reserved) = again.spent().await;
    assert_eq!(spent, Amount(paid.0 + cost(input, output).0));
    assert_eq!(reserved, Amount::ZERO);
    assert_eq!(again.ask(&key, "say 5", 20).await.0, 200, "and it goes on");
}

/// Copies a SQLite file with its write-ahead log.
fn copy_books(from: &std::path::Path, to: &std::path::Path) {
    for suffix in ["", "-wal"] {
        let with = |path: &std::path::Path| format!("{}{suffix}", path.display());
        std::fs::copy(with(from), with(to)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_provider_lets_channels_go_whose_numbers_it_forgot() {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    assert_eq!(buyer.ask(&key, "say 5", 20).await.0, 200);
    let before = buyer.channels().await;
    seller.kill();
    let _restored = world.restored_seller().await;
    buyer.gateway.refresh().await.unwrap();
    eventually("another channel is opened", async || buyer.ask(&key, "say 5", 20).await.0 == 200).await;
    let after = buyer.channels().await;
    assert_eq!(after.len(), 1, "the other one was released: {after:?}");
    assert_ne!(after[0]["id"], before[0]["id"]);
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_order_holds_stays_set_aside_until_its_provider_answers() {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let mut body = chat("slow 500", 500);
    body["stream"] = true.into();
    let answer = buyer.request(&key, &body).send().await.unwrap();
    let copy = world.path("copy.db");
    tokio::time::sleep(Duration::from_millis(100)).await;
    copy_books(&world.path("gateway.db"), &copy);
    seller.kill();
    drop(answer);
    buyer.stop().await;
    let again = world.buyer_with(|config| config.books = copy).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(again.spent().await.1 > Amount::ZERO, "its provider is gone, so nobody knows");
    let _seller = world.honest_seller().await;
    eventually("the provider says what became of it", async || again.spent().await.1 == Amount::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_settled_and_old_leaves_the_books_and_only_its_leaf_stays() {
    let world = World::new().await;
    let (seller, buyer) = (world.honest_seller().await, world.buyer().await);
    let key = buyer.new_key(Amount::credits(1)).await;
    let id = |answer: &serde_json::Value| answer["usage"]["bill"]["receipt"].as_str().unwrap().to_owned();
    let settled = id(&buyer.ask(&key, "say 5", 20).await.1);
    eventually("it is settled", async || {
        seller.provider.settle_now().await;
        buyer.receipt(&settled, None).await.1["settlement"].is_object()
    })
    .await;
    let open = id(&buyer.ask(&key, "say 5", 20).await.1);
    buyer.gateway.close().await;
    buyer.stop().await;
    let again = world.buyer_with(|config| config.retention = Duration::ZERO).await;
    eventually("the settled one is forgotten", async || {
        again.receipt(&settled, None).await.1["error"]["code"] == "receipt_forgotten"
    })
    .await;
    assert_eq!(again.receipt(&open, None).await.1["state"], "paid", "what is not settled is kept");
    assert_eq!(again.spent().await, (Amount(cost(crate::upstream::INPUT, 5).0 * 2), Amount::ZERO));
    assert_eq!(again.receipt(&open, None).await.1["voucher"]["index"], 1, "the leaves prove it still");
    assert_eq!(again.ask(&key, "say 5", 20).await.0, 200);
}
