//! Bills are recomputed and proved, online and offline, and what is false in them is found.

use serde_json::Value;

use crate::harness::{Home, Node, receipt};

/// The outcome of each check.
fn outcomes(proof: &Value) -> Vec<&str> {
    proof["checks"].as_array().unwrap().iter().map(|check| check["outcome"].as_str().unwrap()).collect()
}

/// An answer whose receipt is under a voucher.
async fn vouched(node: &Node) -> String {
    let id = receipt(&node.ask("hello", 5).await);
    node.until(&format!("/receipts/{id}"), |view| !view["voucher"].is_null()).await;
    id
}

/// The receipt of an answer that was settled, saved, and the node stopped.
async fn saved(home: &Home) -> (Value, String) {
    let node = home.start();
    let id = vouched(&node).await;
    assert!(node.stop().success());
    let node = home.start();
    let view = node.get(&format!("/receipts/{id}")).await;
    assert!(node.stop().success());
    let path = home.path("receipt.json");
    std::fs::write(&path, view.to_string()).unwrap();
    (view, path.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_bill_is_proved_as_far_as_it_is_settled() {
    let home = Home::new();
    let node = home.start();
    let id = vouched(&node).await;
    let proof = home.pumasi(&["bill", &id, "--json"]).json();
    assert_eq!(outcomes(&proof), ["holds", "holds", "holds", "holds", "holds", "not_yet"], "{proof}");
    assert_eq!(proof["bill"], node.get(&format!("/receipts/{id}")).await["bill"]);
    assert!(node.stop().success());

    let node = home.start();
    let proof = home.pumasi(&["bill", &id, "--json"]).json();
    assert_eq!(outcomes(&proof), ["holds"; 7], "settled, and under a signed head: {proof}");
    let said = home.pumasi(&["bill", &format!("chatcmpl-{id}")]).good();
    assert!(
        said.contains("running the model") && said.contains("settled on the ledger") && !said.contains("not yet"),
        "{said}"
    );
    let far = home.pumasi(&["bill", &id, "--log", &node.address, "--json"]).json();
    assert_eq!(outcomes(&far), ["holds"; 7]);
}

#[tokio::test]
async fn a_saved_receipt_is_proved_when_nothing_runs() {
    let home = Home::new();
    let (view, path) = saved(&home).await;
    let proof = home.pumasi(&["bill", &path, "--json"]).json();
    assert_eq!(outcomes(&proof), ["holds"; 7], "{proof}");
    let other = Home::new();
    let log = home.path("ledger");
    let far = other.pumasi(&["bill", &path, "--log", log.to_str().unwrap(), "--json"]).json();
    assert_eq!((outcomes(&far), &far["bill"]), (vec!["holds"; 7], &view["bill"]));
    let said = other.pumasi(&["bill", &path]).bad();
    assert!(said.contains("cannot be read"), "without a log nothing is proved: {said}");
    let said = home.pumasi(&["bill", view["id"].as_str().unwrap()]).bad();
    assert!(said.contains("pumasi up"), "an id needs a running node: {said}");
}

#[tokio::test]
async fn what_is_false_in_a_receipt_is_found() {
    let home = Home::new();
    let (view, path) = saved(&home).await;
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut view = view.clone();
        change(&mut view);
        assert_ne!(view.to_string(), self::view(&path), "the change changes something");
        let bad = home.path("bad.json");
        std::fs::write(&bad, view.to_string()).unwrap();
        let ran = home.pumasi(&["bill", bad.to_str().unwrap(), "--json"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let proof: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(outcomes(&proof).last(), Some(&"wrong"));
        proof["checks"].as_array().unwrap().last().unwrap()["what"].as_str().unwrap().to_owned()
    };
    let said = wrong(&|view| view["bill"]["lines"][0]["pico"] = "1".into());
    assert!(said.contains("the ledger's prices make"), "{said}");
    let said = wrong(&|view| drop(view["bill"]["lines"].as_array_mut().unwrap().pop()));
    assert!(said.contains("0 lines"), "{said}");
    let said = wrong(&|view| view["bill"]["pico"] = "1".into());
    assert!(said.contains("sum"), "{said}");
    let said = wrong(&|view| view["input"] = 1_000.into());
    assert!(said.contains("is shown with others"), "{said}");
    let said = wrong(&|view| view["network"] = format!("sha256:{}", "0".repeat(64)).into());
    assert!(said.contains("network"), "{said}");
    let said = wrong(&|view| view["voucher"]["index"] = 1.into());
    assert!(said.contains("voucher's root"), "{said}");
    let said = wrong(&|view| flip(&mut view["receipt"]));
    assert!(said.contains("not signed by the channel's provider key"), "{said}");
    let said = wrong(&|view| flip(&mut view["voucher"]["voucher"]));
    assert!(said.contains("the voucher is not signed"), "{said}");
}

fn view(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Changes a bit of the signature, which is last, in base64.
fn flip(encoded: &mut Value) {
    let text = encoded.as_str().unwrap();
    let at = text.len() - 8;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    *encoded = format!("{}{other}{}", &text[..at], &text[at + 1..]).into();
}

#[tokio::test]
async fn what_is_no_receipt_is_said() {
    let home = Home::new();
    let node = home.start();
    let said = home.pumasi(&["bill", "0123"]).bad();
    assert!(said.contains("there is no receipt 0123"), "{said}");
    let path = home.path("note.txt");
    std::fs::write(&path, "hello").unwrap();
    let said = home.pumasi(&["bill", path.to_str().unwrap()]).bad();
    assert!(said.contains("is not a saved receipt"), "{said}");
    drop(node);
}
