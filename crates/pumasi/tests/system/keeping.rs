//! Keys that are rotated and sealed, backups, and older folders.

use ledger::Amount;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    harness::{Home, Node, model, owned, receipt, sum},
    wallet::balance,
};

/// A private file with a passphrase.
fn secret(home: &Home, name: &str, text: &str) -> String {
    let path = home.path(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_while_answers_run_and_the_node_is_killed() {
    let home = Arc::new(Home::new());
    let node = home.start();
    node.ask("a channel with the first keys", 2).await;
    assert!(node.stop().success());
    let node = home.start();
    let accounts = home.pumasi(&["wallet", "--json"]).json()["accounts"].clone();
    drop(node);
    let ids =
        |accounts: &Value| -> Vec<Value> { accounts.as_array().unwrap().iter().map(|a| a["id"].clone()).collect() };
    for _ in 0..3 {
        let node = Arc::new(home.start());
        let answered = Arc::new(AtomicUsize::new(0));
        let asking: Vec<_> = (0..3)
            .map(|task| {
                let (node, answered) = (Arc::clone(&node), Arc::clone(&answered));
                tokio::spawn(async move {
                    let body = json!({ "model": node.model(), "max_tokens": 20, "messages": [{ "role": "user", "content": format!("{task}") }] });
                    let post = || node.http().post(format!("{}/v1/chat/completions", node.address)).bearer_auth(&node.api_key).json(&body).send();
                    while let Ok(answer) = post().await {
                        assert!(answer.status().is_success(), "{:?}", answer.text().await);
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let rotating = {
            let home = Arc::clone(&home);
            tokio::task::spawn_blocking(move || {
                for role in ["gateway", "provider", "payer"] {
                    home.pumasi(&["wallet", "rotate", role]).good();
                }
                // Killed meanwhile.
                while home.pumasi(&["wallet", "rotate", "payer"]).code == Some(0) {}
            })
        };
        while answered.load(Ordering::SeqCst) < 6 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let before = fs::read_to_string(home.path("keys/payer.key")).unwrap().lines().count();
        while fs::read_to_string(home.path("keys/payer.key")).unwrap().lines().count() < before + 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        node.kill_now();
        for task in asking {
            task.await.unwrap();
        }
        rotating.await.unwrap();
        home.pumasi(&["audit"]).good();
    }
    let node = home.start();
    assert_eq!(ids(&home.pumasi(&["wallet", "--json"]).json()["accounts"]), ids(&accounts));
    node.ask("still through the first channel", 2).await;
    while sum(&owned(&node, "/keys").await, "reserved") != Amount::ZERO {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(node.stop().success());
    let node = home.start();
    let (keys, channels) = (owned(&node, "/keys").await, owned(&node, "/channels").await);
    assert_eq!(channels.len(), 1, "no rotation made a new channel necessary: {channels:?}");
    assert_eq!(sum(&channels, "spent"), sum(&channels, "settled"));
    assert_eq!(sum(&keys, "spent"), sum(&channels, "settled"));
    home.pumasi(&["wallet", "send", "this-machine", "1", "--yes"]).good();
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn sealed_keys_open_by_their_passphrase_alone() {
    let home = Home::new();
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    let had = balance(&home, "payer");
    let good = secret(&home, "good", "correct horse battery");
    let new = |file: &str| [("PUMASI_NEW_PASSPHRASE_FILE", file.to_owned())];
    let env = |pairs: &[(&'static str, String)], home: &Home, args: &[&str]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        home.pumasi_with(args, &pairs)
    };
    let running = env(&new(&good), &home, &["wallet", "passphrase"]).bad();
    assert!(running.contains("already runs"), "{running}");
    assert!(node.stop().success());
    assert!(home.pumasi(&["wallet", "passphrase"]).bad().contains("PUMASI_NEW_PASSPHRASE_FILE"));
    let short = secret(&home, "short", "short");
    assert!(env(&new(&short), &home, &["wallet", "passphrase"]).bad().contains("at least 8"));
    env(&new(&good), &home, &["wallet", "passphrase"]).good();
    assert!(home.read("keys/payer.key").starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));

    let up = ["up", "--listen", "127.0.0.1:0"];
    let said = home.pumasi(&up).bad();
    assert!(said.contains("PUMASI_PASSPHRASE_FILE"), "{said}");
    let open = |file: &str| [("PUMASI_PASSPHRASE_FILE", file.to_owned())];
    assert!(env(&open(&short), &home, &up).bad().contains("not the passphrase"));
    let seen = secret(&home, "seen", "correct horse battery");
    fs::set_permissions(&seen, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(env(&open(&seen), &home, &up).bad().contains("chmod 600"));
    let credentials = home.path("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::copy(&good, credentials.join("passphrase")).unwrap();
    for by in [("PUMASI_PASSPHRASE_FILE", good.as_str()), ("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())] {
        let node = home.start_in(&["--listen", "127.0.0.1:0"], &[by]);
        assert_eq!(balance(&home, "payer"), had);
        home.pumasi(&["wallet", "rotate"]).good();
        assert!(home.read("keys/payer.key").starts_with("-----BEGIN AGE"), "a rotated key is sealed too");
        assert!(node.stop().success());
    }
    env(&open(&good), &home, &["wallet", "passphrase", "--remove"]).good();
    assert!(home.read("keys/payer.key").starts_with("account "));
    drop(home.start_with(&["--listen", "127.0.0.1:0"]));
}

/// What unlocks and opens backups here.
fn backup_env(home: &Home) -> [(&'static str, String); 1] {
    [("PUMASI_BACKUP_PASSPHRASE_FILE", secret(home, "backup-passphrase", "paper in a drawer"))]
}

#[tokio::test]
async fn a_backup_of_a_running_node_becomes_a_node_again() {
    let home = Home::new();
    let node = home.start();
    let first = receipt(&node.ask("before the backup", 8).await);
    let [(variable, passphrase)] = backup_env(&home);
    let env = [(variable, passphrase.as_str())];
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("pumasi.age").to_str().unwrap().to_owned();
    let made = home.pumasi_with(&["wallet", "backup", &file, "--json"], &env).json();
    assert_eq!(made["about"]["network"], node.get("/ledger").await["network"]);
    assert_eq!(made["about"]["accounts"].as_array().map(|accounts| accounts.len() > 4), Some(true));
    assert!(home.pumasi_with(&["wallet", "backup", &file], &env).bad().contains("is there already"));
    node.ask("after the backup", 8).await;
    node.kill();

    let restored = Home::new();
    let said = home.pumasi_with(&["wallet", "restore", &file], &env).bad();
    assert!(said.contains("has keys already"), "{said}");
    let wrong = secret(&restored, "wrong", "some other words");
    let said = restored.pumasi_with(&["wallet", "restore", &file], &[(variable, &wrong)]).bad();
    assert!(said.contains("not the passphrase"), "{said}");
    let torn = restored.path("torn.age");
    let bytes = fs::read(&file).unwrap();
    fs::write(&torn, &bytes[..bytes.len() - 1_000]).unwrap();
    let said = restored.pumasi_with(&["wallet", "restore", torn.to_str().unwrap()], &env).bad();
    assert!(said.contains("was not restored"), "{said}");
    assert!(!restored.path("keys/payer.key").exists() && !restored.path("restoring").exists());
    let said = restored.pumasi_with(&["wallet", "restore", &file], &env).good();
    assert!(said.contains("you") && said.contains("Never run the old folder again"), "{said}");

    let node = restored.start();
    assert!(!restored.path("restored").exists(), "the doors know it");
    assert_eq!(node.get(&format!("/receipts/{first}")).await["state"], "paid");
    ask_once_it_answers(&node).await;
    assert!(node.stop().success());
    let node = restored.start();
    let (keys, channels) = (owned(&node, "/keys").await, owned(&node, "/channels").await);
    assert_eq!(sum(&channels, "spent"), sum(&channels, "settled"));
    assert_eq!(sum(&keys, "spent"), sum(&channels, "settled"), "{keys:?} {channels:?}");
    restored.pumasi(&["audit"]).good();
}

/// A restored gateway compares first.
async fn ask_once_it_answers(node: &Node) -> Value {
    for _ in 0..600 {
        let (status, answer) = node.ask_as(&node.api_key, "hello again", 4).await;
        match status {
            StatusCode::OK => return answer,
            StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(Duration::from_millis(100)).await,
            status => panic!("{status}: {answer}"),
        }
    }
    panic!("it does not answer");
}

/// Copies of books that a stopped node left.
fn keep(home: &Home, name: &str) -> (PathBuf, Vec<u8>) {
    (home.path(name), fs::read(home.path(name)).unwrap())
}

#[tokio::test]
async fn older_books_of_a_gateway_catch_up_before_they_sign() {
    let home = Home::new();
    let node = home.start();
    node.ask("known to the old books", 4).await;
    assert!(node.stop().success());
    let (path, old) = keep(&home, "gateway.db");
    let node = home.start();
    let mut later = Vec::new();
    for number in 0..3 {
        later.push(receipt(&node.ask(&format!("unknown to them {number}"), 4).await));
    }
    assert!(node.stop().success());
    fs::write(&path, old).unwrap();
    fs::write(home.path("restored"), "").unwrap();
    let node = home.start();
    ask_once_it_answers(&node).await;
    for id in &later {
        let known = node.get(&format!("/receipts/{id}")).await;
        assert_eq!(known["state"], "paid", "{known}");
    }
    assert!(node.stop().success());
    let node = home.start();
    let channels = owned(&node, "/channels").await;
    assert_eq!((channels.len(), &channels[0]["closing"]), (1, &json!(false)), "{channels:?}");
    assert_eq!(sum(&channels, "spent"), sum(&channels, "settled"));
    let (_, wallet) = node.send(Method::GET, "/wallet", Some(&node.owner_token), None).await;
    assert_eq!(wallet["accounts"].as_array().map(Vec::is_empty), Some(false));
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn a_channel_that_does_not_fit_is_closed_and_another_one_opened() {
    let home = Home::new();
    let node = home.start();
    node.ask("known", 4).await;
    assert!(node.stop().success());
    let (gateway, old_gateway) = keep(&home, "gateway.db");
    let (provider, old_provider) = keep(&home, "provider.db");
    let node = home.start();
    node.ask("settled, and in nobody's books", 4).await;
    assert!(node.stop().success());
    fs::write(gateway, old_gateway).unwrap();
    fs::write(provider, old_provider).unwrap();
    fs::write(home.path("restored"), "").unwrap();
    let node = home.start();
    ask_once_it_answers(&node).await;
    let channels = owned(&node, "/channels").await;
    let closing: Vec<bool> = channels.iter().map(|channel| channel["closing"] == true).collect();
    assert_eq!((closing.len(), closing.iter().filter(|closing| **closing).count()), (2, 1), "{channels:?}");
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn a_folder_of_layout_1_is_brought_up_to_date() {
    let home = Home::new();
    let fixture = fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/layout-1.tar")).unwrap();
    tar::Archive::new(fixture).unpack(home.path("")).unwrap();
    fs::set_permissions(home.path("keys"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(home.read("version"), "1");
    let first: Vec<String> = home.read("keys/payer.key").lines().map(str::to_owned).collect();
    for interrupted in [false, true] {
        if interrupted {
            // Killed before the version was written, with one file yet to be rewritten.
            fs::write(home.path("version"), "1\n").unwrap();
            fs::write(home.path("keys/payer.key"), format!("{}\n", first[0])).unwrap();
        }
        let node = home.start_with(&["--listen", "127.0.0.1:0"]);
        assert_eq!(home.read("version"), "2");
        assert!(home.read("keys/payer.key").ends_with(&format!("key {}", first[0])));
        assert_eq!(balance(&home, "payer"), Amount::credits(999_900));
        assert_eq!(sum(&owned(&node, "/channels").await, "settled"), "0.0000126".parse().unwrap());
        let names: Vec<_> = owned(&node, "/keys").await.into_iter().map(|key| key["name"].clone()).collect();
        assert_eq!(names, ["first key", "laptop"]);
        let earned = node.get("/ledger/accounts/this-machine/earnings?days=3000").await;
        assert_eq!(earned["fees"].as_array().map(Vec::len), Some(1), "the index was made again: {earned}");
        assert!(node.stop().success());
    }
    home.pumasi(&["audit"]).good();
    // The same file under the same name is the same work again: its bytes were not in the folder.
    let file = home.path("stories.gguf");
    fs::copy(model(), &file).unwrap();
    let node = home.start_with(&["--listen", "127.0.0.1:0", "--model", file.to_str().unwrap()]);
    node.ask("the old channel goes on", 3).await;
    assert_eq!(owned(&node, "/channels").await.len(), 1);
}

#[test]
fn an_unknown_layout_is_refused_plainly() {
    let home = Home::new();
    for (version, said) in [("3", "use a newer program"), ("0", "no layout"), ("two", "no layout")] {
        fs::write(home.path("version"), version).unwrap();
        let sentence = home.pumasi(&["up", "--listen", "127.0.0.1:0"]).bad();
        assert!(sentence.contains(said), "{sentence}");
        assert!(!home.path("keys").exists());
    }
}
