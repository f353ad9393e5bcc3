//! `pumasi prove` and `pumasi verify`: what is proved is checked where nothing runs, and what was changed is refused.

use serde_json::Value;
use std::{fs, time::Duration};

use crate::{
    harness::{Home, Node, receipt},
    join::{found, join_as, link},
};

/// A proof of something, in a file of the home.
fn proved(home: &Home, what: &str, name: &str) -> (String, Value) {
    let file = home.path(name).to_str().unwrap().to_owned();
    let said = home.pumasi(&["prove", what, "--out", &file, "--json"]).json();
    assert_eq!(said["proof"].as_str().unwrap(), fs::read_to_string(&file).unwrap(), "{what}");
    (file, said)
}

#[tokio::test]
async fn each_thing_is_proved_and_checked_where_nothing_runs() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let node = home.start();
    let id = receipt(&node.ask("hello", 5).await);
    node.until(&format!("/receipts/{id}"), |view| !view["voucher"].is_null()).await;
    let said = home.pumasi(&["prove", &id]).bad();
    assert!(said.contains("is not settled yet"), "{said}");
    // A stop settles.
    assert!(node.stop().success());
    let node = home.start();
    let view = node.until(&format!("/receipts/{id}"), |view| !view["settlement"].is_null()).await;
    let artifact = node.get("/ledger/artifacts").await["artifacts"][0]["id"].as_str().unwrap().to_owned();
    let settled = view["settlement"]["entry"].to_string();
    let operation = node.get(&format!("/ledger/operations/{settled}")).await;
    let channel = operation["operation"]["channel"].as_str().unwrap().to_owned();
    let offer = view["offer"].as_str().unwrap().to_owned();
    let publication = node.get(&format!("/ledger/operations?artifact={artifact}")).await;
    let published = publication["operations"].as_array().unwrap().last().unwrap()["entry"].to_string();
    let nobody = "7".repeat(64);
    let mut files = Vec::new();
    for (what, word) in [
        ("you", "credits after"),
        (&nobody, "the ledger does not know the account 777"),
        (&artifact, "was published as"),
        (node.model(), "was published as"),
        (&channel, "settled by 1 receipts"),
        (&offer, "the offer"),
        ("0", "was founded so"),
        (&published, "published"),
        (&settled, "settled the channel"),
        (&id, "5 out"),
        (&format!("chatcmpl-{id}"), "is settled: number 1 of the channel"),
    ] {
        let (file, said) = proved(&home, what, &format!("{}.tlog-proof", files.len()));
        assert!(said["proved"].as_str().unwrap().contains(word), "{what}: {said}");
        files.push((file, said));
    }
    let far = elsewhere.path("far").to_str().unwrap().to_owned();
    let said = elsewhere.pumasi(&["prove", "you", "--ledger", &node.address, "--out", &far]).good();
    assert!(said.contains("credits after") && said.contains("signed by"), "{said}");
    assert!(node.stop().success());

    let network = files[0].1["network"].as_str().unwrap().to_owned();
    for (file, before) in &files {
        let mut said = elsewhere.pumasi(&["verify", file, "--network", &network, "--json"]).json();
        assert_eq!(said["good"], true);
        for field in ["file", "proof"] {
            said[field] = before[field].clone();
        }
        assert_eq!(&said, before, "what was said when it was written");
        assert_eq!(home.pumasi(&["verify", file]).code, Some(0), "the folder's own network is known");
    }
    let said = elsewhere.pumasi(&["verify", &files[0].0]).bad();
    assert!(said.contains("--network") && said.contains(&network), "{said}");
    let other = format!("sha256:{}", "0".repeat(64));
    let said = elsewhere.pumasi(&["verify", &files[0].0, "--network", &other]).bad();
    assert!(said.contains("proves nothing") && said.contains(&network), "{said}");
    for (file, _) in &files {
        changed_is_refused(&home, file);
    }
}

/// A file with one byte changed, at a few places.
fn changed_is_refused(home: &Home, file: &str) {
    let good = fs::read(file).unwrap();
    let (bad, parts) = (home.path("bad.tlog-proof"), 7);
    // Whoever changes the first line has a file that is no proof.
    for at in (1..parts).map(|part| good.len() * part / parts) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&bad, bytes).unwrap();
        let ran = home.pumasi(&["verify", bad.to_str().unwrap(), "--json"]);
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((ran.code, &said["good"]), (Some(1), &false.into()), "byte {at} of {file}: {said}");
    }
}

#[tokio::test]
async fn what_cannot_be_proved_or_checked_is_said_in_a_sentence() {
    let home = Home::new();
    let said = home.pumasi(&["prove", "you"]).bad();
    assert!(said.contains("nothing runs on"), "{said}");
    let node = home.start_with(&["--listen", "127.0.0.1:0"]);
    for (what, word) in [
        ("nobody", "nobody has the name"),
        ("9999", "no such entry"),
        ("you/nothing", "nothing is published"),
        (&"0".repeat(32), "there is no receipt"),
    ] {
        let said = home.pumasi(&["prove", what]).bad();
        assert!(said.contains(word), "{what}: {said}");
    }
    drop(node);
    let file = home.path("note.txt");
    fs::write(&file, "c2sp.org/tlog-pro").unwrap();
    let said = home.pumasi(&["verify", file.to_str().unwrap()]).bad();
    assert!(said.contains("is no proof") && said.contains("--key"), "{said}");
    fs::write(&file, "c2sp.org/tlog-proof@v1").unwrap();
    let said = home.pumasi(&["verify", file.to_str().unwrap()]).bad();
    assert!(said.contains("proves nothing"), "{said}");
}

/// How many signatures a checkpoint has.
async fn signatures(node: &Node) -> usize {
    node.text("/log/checkpoint").await.matches('\u{2014}').count()
}

#[tokio::test]
async fn a_machine_that_joined_is_a_witness() {
    let (owner, joined) = (Home::new(), Home::new());
    let ledger = found(&owner);
    let others = link(&ledger).address.replace("https://", "");
    let witness = join_as(&joined, &link(&ledger), &["--gateway", "--public", "127.0.0.1:0", "--name", "seer"]);
    let key = witness.ready["witness"].as_str().unwrap().to_owned();
    assert_eq!(witness.text("/witness").await.trim(), key);
    assert_eq!(signatures(&ledger).await, 1);
    assert!(ledger.stop().success());

    let at = link(&witness).to_string();
    let ledger = owner.start_with(&["--listen", "127.0.0.1:0", "--public", &others, "--witness", &at]);
    for _ in 0..600 {
        if signatures(&ledger).await == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (file, _) = proved(&owner, "you", "you.tlog-proof");
    let said = owner.pumasi(&["verify", &file, "--witness", &key]).good();
    assert!(said.contains("witnessed by") && said.contains("pumasi.witness/"), "{said}");
    let said = joined.pumasi(&["verify", &file, "--json"]).json();
    assert_eq!(said["good"], true, "a machine that joined knows the network");
    let (name, rest) = key.split_once('+').unwrap();
    let other = format!("{name}x+{rest}");
    assert_eq!(owner.pumasi(&["verify", &file, "--witness", &other]).code, Some(2), "a name and a key belong together");
    let (entry, _) = proved(&joined, "0", "0.tlog-proof");
    joined.pumasi(&["verify", &entry, "--witness", &key]).good();
    let (founder, third) = (Home::new(), Home::new());
    let own = found(&founder);
    let said = third.pumasi(&["up", "--join", &link(&own).to_string(), "--gateway", "--witness", &at]);
    assert!(said.code == Some(1) && said.stderr.contains("--witness is for"), "{said:?}");
}
