//! Nothing that was delivered is lost and nothing is paid twice, whatever is killed.

use futures::StreamExt as _;
use ledger::Amount;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::harness::{Home, Node, owned, receipt, sum};

/// Asks from six tasks at once, and kills the node while they do, some time after so many answers. Gives the receipts of
/// the answers that came whole.
async fn kill_under_load(node: Node, answers: usize, later: Duration) -> Vec<String> {
    let (node, whole) = (Arc::new(node), Arc::new(Mutex::new(Vec::new())));
    let tasks: Vec<_> = (0..6)
        .map(|task| {
            let (node, whole) = (Arc::clone(&node), Arc::clone(&whole));
            tokio::spawn(async move {
                for number in 0.. {
                    let Some(answer) = try_ask(&node, &format!("{task} {number}")).await else { return };
                    whole.lock().unwrap().push(receipt(&answer));
                }
            })
        })
        .collect();
    eventually("answers come", async || whole.lock().unwrap().len() >= answers).await;
    tokio::time::sleep(later).await;
    node.kill_now();
    for task in tasks {
        task.await.unwrap();
    }
    Arc::into_inner(whole).unwrap().into_inner().unwrap()
}

/// Waits until something is so.
async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came to this: {what}");
}

/// Asks; `None` once nobody answers.
async fn try_ask(node: &Node, prompt: &str) -> Option<Value> {
    let messages = json!([{ "role": "user", "content": prompt }]);
    let body = json!({ "model": node.model(), "messages": messages, "max_tokens": 40 });
    let post = node.http().post(format!("{}/v1/chat/completions", node.address)).bearer_auth(&node.api_key).json(&body);
    let answer = post.send().await.ok()?;
    let status = answer.status();
    let body: Value = answer.json().await.ok()?;
    assert_eq!(status, StatusCode::OK, "{body}");
    Some(body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_goes_on_and_books_and_ledger_agree() {
    let home = Home::new();
    drop(home.start());
    let mut whole: Vec<String> = Vec::new();
    for round in 0..6u64 {
        whole.extend(kill_under_load(home.start(), 3 + round as usize, Duration::from_millis(23 * round)).await);
        home.pumasi(&["audit"]).good();
    }
    let node = home.start();
    for id in &whole {
        node.until(&format!("/receipts/{id}"), |view| view["state"] == "paid").await;
    }
    nothing_is_open(&node).await;
    assert!(node.stop().success());
    let node = home.start();
    let (keys, channels) = (owned(&node, "/keys").await, owned(&node, "/channels").await);
    assert_eq!(sum(&channels, "spent"), sum(&channels, "settled"), "everything vouched for is settled: {channels:?}");
    assert_eq!(sum(&keys, "spent"), sum(&channels, "settled"), "what keys spent is what the ledger moved: {keys:?}");
    home.pumasi(&["audit"]).good();
}

/// Waits until no order is without an outcome.
async fn nothing_is_open(node: &Node) {
    eventually("nothing is set aside", async || sum(&owned(node, "/keys").await, "reserved") == Amount::ZERO).await;
}

/// The worker processes of a node.
fn workers(node: &Node) -> Vec<i32> {
    let of = |entry: std::fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, parent) = (fields.next()?, fields.next()?.parse::<u32>().ok()?);
        (parent == node.pid() && state != "Z").then_some(pid)
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect()
}

fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_in_mid_stream_costs_nothing_and_comes_back() {
    let home = Home::new();
    let node = home.start();
    let messages = json!([{ "role": "user", "content": "Once upon a time" }]);
    // A random seed may end early: ask until one is caught in the middle.
    for seed in 0.. {
        assert!(seed < 50, "no answer was long enough to be interrupted");
        let spent = sum(&owned(&node, "/keys").await, "spent");
        let body =
            json!({ "model": node.model(), "messages": messages, "max_tokens": 400, "seed": seed, "stream": true });
        let post =
            node.http().post(format!("{}/v1/chat/completions", node.address)).bearer_auth(&node.api_key).json(&body);
        let answer = post.send().await.unwrap();
        let id = answer.headers()["x-pumasi-receipt"].to_str().unwrap().to_owned();
        let mut pieces = answer.bytes_stream();
        let mut text = String::from_utf8_lossy(&pieces.next().await.unwrap().unwrap()).into_owned();
        workers(&node).into_iter().for_each(kill);
        while let Some(piece) = pieces.next().await {
            text += &String::from_utf8_lossy(&piece.unwrap());
        }
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        if text.contains("\"finish_reason\":\"") {
            continue;
        }
        assert!(text.contains("\"error\""), "{text}");
        assert_eq!(node.get(&format!("/receipts/{id}")).await["state"], "failed");
        nothing_is_open(&node).await;
        assert_eq!(sum(&owned(&node, "/keys").await, "spent"), spent);
        break;
    }
    for attempt in 0.. {
        let (status, body) = node.ask_as(&node.api_key, "again", 5).await;
        if status == StatusCode::OK {
            break;
        }
        assert!(attempt < 100, "the worker does not come back: {body}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_at_once_stay_within_a_budget_for_fifty() {
    let home = Home::new();
    let node = home.start();
    let one = node.ask("hello", 8).await;
    let each: u128 = one["usage"]["bill"]["pico"].as_str().unwrap().parse().unwrap();
    let budget = Amount(each * 50);
    let body = json!({ "budget": budget.to_string(), "name": "fifty" });
    let (_, key) = node.send(Method::POST, "/keys", Some(&node.owner_token), Some(body)).await;
    let key = key["key"].as_str().unwrap().to_owned();
    let all = futures::future::join_all((0..200).map(|_| node.ask_as(&key, "hello", 8))).await;
    let paid = all.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    let refused = all.iter().filter(|(status, _)| *status == StatusCode::PAYMENT_REQUIRED).count();
    assert_eq!(paid + refused, 200, "{all:?}");
    assert!(paid > 0, "{:?}", all[0]);
    let mut paid = paid as u128;
    while node.ask_as(&key, "hello", 8).await.0 == StatusCode::OK {
        paid += 1;
    }
    let keys = owned(&node, "/keys").await;
    let spent = sum(&keys[keys.len() - 1..], "spent");
    assert_eq!(spent, Amount(each * paid));
    assert!(spent <= budget && paid > 25, "{paid}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_of_the_journal_is_found_and_named() {
    let home = Home::new();
    let node = home.start();
    node.ask("hello", 5).await;
    assert!(node.stop().success());
    let path = home.path("ledger").join("journal");
    let good = std::fs::read(&path).unwrap();
    for part in [0.1, 0.5, 0.9] {
        let at = (good.len() as f64 * part) as usize;
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        for args in [&["audit"][..], &["up", "--listen", "127.0.0.1:0"]] {
            let ran = home.pumasi(args);
            assert_eq!(ran.code, Some(1), "{ran:?}");
            assert!(ran.stderr.contains("byte ") && ran.stderr.contains("journal"), "{args:?}: {}", ran.stderr);
        }
    }
    std::fs::write(&path, &good).unwrap();
    home.pumasi(&["audit"]).good();
    home.start();
}
