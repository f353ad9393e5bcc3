//! What the owner does with money: sending, earning, limits, and topping up other people's API keys.

use ledger::Amount;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{Home, Node},
    publish::{BARE, model_folder, publish},
};

fn amount(value: &Value) -> Amount {
    Amount(value.as_str().unwrap().parse().unwrap())
}

/// What a role has.
pub fn balance(home: &Home, role: &str) -> Amount {
    let wallet = home.pumasi(&["wallet", "--json"]).json();
    let accounts = wallet["accounts"].as_array().unwrap();
    amount(&accounts.iter().find(|account| account["role"] == role).unwrap()["balance_pico"])
}

#[tokio::test]
async fn credits_are_sent_and_the_answer_names_the_log_entry() {
    let home = Home::new();
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    let before = balance(&home, "payer");
    let sent = home.pumasi(&["wallet", "send", "this-machine", "1.25", "--for", "invoice 7", "--yes", "--json"]).json();
    let entry = node.get(&format!("/ledger/operations/{}", sent["entry"])).await;
    assert_eq!(entry["operation"]["kind"], "transfer");
    assert_eq!(entry["operation"]["amount"], "1250000000000");
    assert_eq!(entry["operation"]["reference"], ledger::Digest::of(b"invoice 7").to_string());
    assert_eq!(balance(&home, "payer"), before.minus("1.25".parse().unwrap()).unwrap());
    assert_eq!(balance(&home, "provider"), "1.25".parse().unwrap());
    let id = node.get("/ledger/accounts/this-machine").await["id"].as_str().unwrap().to_owned();
    let again = home.pumasi(&["wallet", "send", &id, "1.25", "--for", "invoice 7", "--yes"]);
    assert!(again.stderr.contains(&format!("log entry {}", sent["entry"])), "{again:?}");
    assert!(again.good().contains("sent 1.25 credits to this-machine"));
    let back = home.pumasi(&["wallet", "send", "you", "0.5", "--from", "provider", "--yes"]).good();
    assert!(back.contains("sent 0.5 credits to you: log entry"), "{back}");
    assert!(std::fs::read_dir(home.path("sending")).unwrap().next().is_none(), "every wish was answered");
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn bad_wishes_get_a_sentence_and_move_nothing() {
    let home = Home::new();
    let _node = home.start_with(&["--listen", "127.0.0.1:0"]);
    let before = balance(&home, "payer");
    for (args, said) in [
        (&["wallet", "send", "nobody-here", "1", "--yes"][..], "nobody on this ledger is called nobody-here"),
        (&["wallet", "send", "this-machine", "0", "--yes"], "more than 0"),
        (&["wallet", "send", "you", "1", "--yes"], "to itself"),
        (&["wallet", "send", "this-machine", "9000000", "--yes"], "the ledger refused"),
        (&["wallet", "send", "this-machine", "1"], "--yes"),
        (
            &["wallet", "send", "this-machine", "1", "--from", "nobody", "--yes"],
            "no account nobody in this folder; there are: gateway",
        ),
        (&["wallet", "send", "this-machine", "1", "--for", "key:laptop", "--yes"], "is not the id of an API key"),
        (&["wallet", "rotate", "nobody"], "no account nobody in this folder"),
        (&["wallet", "rotate", "replica"], "cannot be rotated"),
        (&["wallet", "limit", "--deposit", "0"], "must be more than 0"),
        (&["wallet", "limit", "--deposit", "20000"], "beyond the daily limit of 10000"),
        (&["key", "topup", "key_77", "1"], "there is no API key key_77"),
        (&["key", "topup", "key_1", "0"], "more than 0"),
    ] {
        let ran = home.pumasi(args);
        assert_eq!(ran.code, Some(1), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
    }
    for args in
        [&["wallet", "send", "you"][..], &["wallet", "send", "you", "ten"], &["wallet", "earnings", "--days", "0"]]
    {
        assert_eq!(home.pumasi(args).code, Some(2), "{args:?}");
    }
    assert_eq!(balance(&home, "payer"), before);
    assert!(!home.path("keys/nobody.key").exists());
    let new = home.pumasi(&["wallet", "send", &"ab".repeat(32), "1", "--yes"]);
    assert!(new.stderr.contains("never did or received anything"), "{new:?}");
}

#[tokio::test]
async fn a_wish_that_was_interrupted_is_done_once() {
    let home = Home::new();
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    let before = balance(&home, "payer");
    let id = "0123456789abcdef0123456789abcdef";
    let transfer = json!({ "id": id, "to": "this-machine", "amount": "3" });
    for _ in 0..2 {
        let (status, sent) =
            node.send(Method::POST, "/wallet/transfers", Some(&node.owner_token), Some(transfer.clone())).await;
        assert_eq!(status, StatusCode::OK, "{sent}");
    }
    assert_eq!(balance(&home, "payer"), before.minus(Amount::credits(3)).unwrap());
    let other = json!({ "id": id, "to": "this-machine", "amount": "4" });
    let (status, refused) = node.send(Method::POST, "/wallet/transfers", Some(&node.owner_token), Some(other)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    // What the command line leaves behind if it is killed after the node has sent.
    let wish = r#"{"id":"","to":"this-machine","amount":"3"}"#;
    let wish = home.path("sending").join(ledger::Digest::of(wish.as_bytes()).to_string().replace("sha256:", ""));
    std::fs::create_dir_all(home.path("sending")).unwrap();
    std::fs::write(&wish, id).unwrap();
    let said = home.pumasi(&["wallet", "send", "this-machine", "3", "--yes"]).good();
    assert!(said.contains("has sent this already"), "{said}");
    assert!(!wish.exists());
    assert_eq!(balance(&home, "payer"), before.minus(Amount::credits(3)).unwrap());
    home.pumasi(&["wallet", "send", "this-machine", "3", "--yes"]).good();
    assert_eq!(balance(&home, "payer"), before.minus(Amount::credits(6)).unwrap());
}

#[tokio::test]
async fn earnings_are_shown_by_work_and_day() {
    let home = Home::new();
    let node = home.start_with(BARE);
    publish(&home, &model_folder(&home), 10, &[]);
    home.pumasi(&["offer", "stories"]).good();
    assert!(node.stop().success());
    let node = home.start_with(BARE);
    assert!(home.pumasi(&["wallet", "earnings"]).good().contains("nothing was settled"));
    let answer = node.ask("Once upon a time", 8).await;
    assert!(node.stop().success());
    let node = home.start_with(BARE);
    let lines = answer["usage"]["bill"]["lines"].as_array().unwrap();
    let paid = |what: &str| amount(&lines.iter().find(|line| line["what"] == what).unwrap()["pico"]);
    let path = "/ledger/accounts/this-machine/earnings";
    node.until(path, |earned| earned["fees"].as_array().is_some_and(|days| days.len() == 1)).await;
    let earned = home.pumasi(&["wallet", "earnings", "--days", "1", "--json"]).json();
    let (royalty, fee) = (&earned["royalties"][0], &earned["fees"][0]);
    assert_eq!((amount(&royalty["pico"]), amount(&fee["pico"])), (paid("royalty"), paid("provider_fee")));
    assert_eq!((&royalty["name"], &royalty["day"]), (&json!(node.model()), &fee["day"]));
    assert_eq!(royalty["input"], answer["usage"]["prompt_tokens"]);
    assert_eq!(fee["output"], answer["usage"]["completion_tokens"]);
    let shown = home.pumasi(&["wallet", "earnings"]).good();
    assert!(shown.contains(node.model()) && shown.contains(&paid("royalty").to_string()), "{shown}");
    let wallet = home.pumasi(&["wallet", "--json"]).json();
    assert_eq!(amount(&wallet["lately"]["fees_pico"]), paid("provider_fee"));
}

/// The API keys, with their budgets.
async fn keys(node: &Node) -> Vec<Value> {
    let (_, keys) = node.send(Method::GET, "/keys", Some(&node.owner_token), None).await;
    keys["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_transfer_for_an_api_key_raises_its_budget_once() {
    let home = Home::new();
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    home.pumasi(&["wallet", "send", "play-bank", "100", "--yes"]).good();
    home.pumasi(&["key", "new", "--budget", "1", "--name", "old"]).good();
    home.pumasi(&["key", "revoke", "key_2"]).good();
    for (to, credits) in [("key:key_1", "2.5"), ("key:key_2", "3"), ("key:key_9", "4"), ("a gift", "5")] {
        home.pumasi(&["wallet", "send", "you", credits, "--from", "issuer", "--for", to, "--yes"]).good();
    }
    let wallet = home.pumasi(&["wallet", "--json"]).json();
    let transfers = wallet["transfers"].as_array().unwrap();
    let seen: Vec<_> =
        transfers.iter().map(|transfer| (&transfer["amount"], &transfer["key"], &transfer["raised"])).collect();
    let rows = json!([["5", null, false], ["4", null, false], ["3", "key_2", false], ["2.5", "key_1", true]]);
    let expected: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row[0], &row[1], &row[2])).collect();
    assert_eq!(seen, expected);
    assert_eq!(transfers[0]["from"], "play-bank");
    let shown = home.pumasi(&["wallet"]).good();
    assert!(shown.contains("raised the budget of key_1") && shown.contains("may not be used any more"), "{shown}");
    let budgets: Vec<_> = keys(&node).await.into_iter().map(|key| key["budget"].clone()).collect();
    assert_eq!(budgets, ["1002.5", "1"]);
    assert_eq!(home.pumasi(&["key", "topup", "key_1", "7.5", "--json"]).json()["budget"], "1010");
    assert!(home.pumasi(&["key", "topup", "key_2", "1"]).bad().contains("revoked"));
    node.kill();
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    let budgets: Vec<_> = keys(&node).await.into_iter().map(|key| key["budget"].clone()).collect();
    assert_eq!(budgets, ["1010", "1"], "each was seen once");
}

#[tokio::test]
async fn the_owners_limits_hold_and_reaching_them_is_said() {
    let home = Home::new();
    let node = home.start();
    let set = home.pumasi(&["wallet", "limit", "--per-day", "5", "--deposit", "5", "--json"]).json();
    assert_eq!(
        (&set["per_day"], &set["deposit"], &set["used"], &set["reached"]),
        (&json!("5"), &json!("5"), &json!("0"), &json!(false))
    );
    node.ask("hello", 2).await;
    let channels = node.send(Method::GET, "/channels", Some(&node.owner_token), None).await.1;
    assert_eq!(channels["data"][0]["deposit"], "5");
    for command in [&["wallet"][..], &["wallet", "limit"], &["status"]] {
        let said = home.pumasi(command).good();
        assert!(said.contains("daily limit for deposits is reached (5 of 5") && said.contains("--per-day"), "{said}");
    }
    node.kill();
    let node = home.start();
    let limits = home.pumasi(&["wallet", "limit", "--json"]).json();
    assert_eq!((&limits["per_day"], &limits["used"]), (&json!("5"), &json!("5")), "they are in the books");
    home.pumasi(&["wallet", "limit", "--per-day", "0"]).good();
    let channel = channels["data"][0]["id"].as_str().unwrap();
    let closed = node.send(Method::POST, &format!("/channels/{channel}/close"), Some(&node.owner_token), None).await.0;
    assert_eq!(closed, StatusCode::ACCEPTED);
    let (status, refused) = node.ask_as(&node.api_key, "hello", 2).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
    assert!(refused["error"]["message"].as_str().unwrap().contains("--per-day"), "{refused}");
    home.pumasi(&["wallet", "limit", "--per-day", "100"]).good();
    node.ask("hello", 2).await;
}
