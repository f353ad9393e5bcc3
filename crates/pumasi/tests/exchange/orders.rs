//! Orders that a provider must not take, whoever signed them.

use api::{
    exchange::{AnswerRequest, VoucherUpdate},
    text::Encoded,
};
use ledger::{Amount, ChannelId, Digest, OfferId, Order, OrderId, Time, Usage, Voucher, salted};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::world::{Buyer, FEE, Seller, World, chat};

const SALT: [u8; 32] = [5; 32];

/// A channel, and what an order through it needs.
struct Stage {
    world: World,
    _seller: Seller,
    _buyer: Buyer,
    channel: ChannelId,
    offer: OfferId,
    address: String,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let mut address = String::new();
        let seller = world
            .seller("provider", FEE, async |at| {
                address.clone_from(&at);
                at
            })
            .await;
        let buyer = world.buyer().await;
        let key = buyer.new_key(Amount::credits(1)).await;
        assert_eq!(buyer.ask(&key, "say 1", 20).await.0, 200);
        let channel = buyer.channels().await[0]["id"].as_str().unwrap().parse().unwrap();
        let offer = seller.provider.offers()[0];
        Self { world, _seller: seller, _buyer: buyer, channel, offer, address }
    }

    async fn order(&self, request: &Value, change: impl FnOnce(&mut Order)) -> (u16, Value) {
        let request = request.to_string();
        let mut order = Order {
            channel: self.channel,
            id: OrderId([9; 16]),
            offer: self.offer,
            request: salted(&SALT, request.as_bytes()),
            limit: Usage { input: 50, output: 20 },
            expires: now().plus(60_000),
        };
        change(&mut order);
        let order = Encoded(self.world.wallet.account("gateway").unwrap().sign(order));
        let body = AnswerRequest { order, salt: Encoded(SALT), request, voucher: None };
        let answer =
            self.world.http.post(format!("{}/exchange/answers", self.address)).json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }
}

fn now() -> Time {
    Time(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_never_expires_could_be_sent_again_for_ever() {
    let stage = Stage::new().await;
    let say = chat("say 1", 20);
    let (status, refused) = stage.order(&say, |order| order.expires = Time(u64::MAX)).await;
    assert_eq!((status, &refused["code"]), (400, &json!("malformed")));
    assert_eq!(stage.order(&say, |order| order.expires = Time(1)).await.1["code"], "expired");
    assert_eq!(stage.order(&say, |_| {}).await.0, 200);
    assert_eq!(stage.order(&say, |_| {}).await.1["code"], "repeated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_would_hold_up_others_is_refused() {
    let stage = Stage::new().await;
    let say = chat("say 1", 20);
    assert_eq!(stage.order(&say, |order| order.limit.output = 0).await.1["code"], "malformed");
    assert_eq!(stage.order(&say, |order| order.limit.input = 1_001).await.1["code"], "malformed");
    let mut stops = say.clone();
    stops["stop"] = (0..1_000).map(|stop| stop.to_string()).collect();
    assert_eq!(stage.order(&stops, |_| {}).await.1["code"], "malformed");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(stage.order(&Value::String(deep), |_| {}).await.1["code"], "malformed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_that_anybody_signed_is_refused() {
    let stage = Stage::new().await;
    let voucher = Voucher { channel: stage.channel, number: 1 << 40, usage: Vec::new(), root: Digest([0; 32]) };
    let voucher = Encoded(stage.world.wallet.account("stranger").unwrap().sign(voucher));
    let body = VoucherUpdate { voucher, refusals: Vec::new() };
    let post = stage.world.http.post(format!("{}/exchange/vouchers", stage.address)).json(&body);
    let refused: Value = post.send().await.unwrap().json().await.unwrap();
    assert!(refused["message"].as_str().unwrap().contains("not signed"), "{refused}");
}
