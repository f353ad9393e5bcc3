//! `pumasi audit`: what is right passes, from a folder and over HTTP; one changed byte is found and its place is said.

use serde_json::{Value, json};
use std::{fs, path::Path};

use crate::harness::Home;

#[tokio::test]
async fn a_right_ledger_passes_from_a_folder_and_over_http() {
    let home = Home::new();
    let node = home.start();
    node.ask("hello", 3).await;
    let far = Home::new().pumasi(&["audit", &node.address, "--json"]).json();
    let near = home.pumasi(&["audit", "--json"]).json();
    assert_eq!((&far["good"], &far["network"], &far["head"]), (&json!(true), &near["network"], &near["head"]));
    assert_eq!(far["head"], far["signed_head"]);
    assert!(node.stop().success());
    let said = Home::new().pumasi(&["audit", home.path("").to_str().unwrap()]).good();
    assert!(said.contains("The ledger is right") && said.contains("settlements: 1"), "{said}");
}

#[tokio::test]
async fn a_log_must_lead_to_a_head_that_was_kept() {
    let home = Home::new();
    let node = home.start();
    let (kept, forged) = (home.path("kept"), home.path("forged"));
    let note = node.text("/log/checkpoint").await;
    fs::write(&kept, &note).unwrap();
    node.ask("hello", 3).await;
    assert!(node.stop().success());
    let audit = |head: &Path| home.pumasi(&["audit", "--head", head.to_str().unwrap()]);
    assert!(audit(&kept).good().contains("still leads to it"));
    let mut lines: Vec<String> = note.lines().map(str::to_owned).collect();
    lines[2] = "A".repeat(43) + "=";
    fs::write(&forged, lines.join("\n")).unwrap();
    let said = audit(&forged).bad();
    assert!(said.contains("WRONG") && said.contains("rewritten"), "{said}");
    let unsigned = note.split_once("\n\n").unwrap().0.to_owned() + "\n\n";
    fs::write(&forged, unsigned).unwrap();
    let said = audit(&forged).bad();
    assert!(said.contains("no replica of the network signed"), "{said}");
    fs::write(&forged, "nonsense").unwrap();
    audit(&forged).bad();
}

#[tokio::test]
async fn one_flipped_byte_of_the_journal_is_found_by_audit_and_up() {
    let home = Home::new();
    home.start().stop();
    let path = home.path("ledger/journal");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let ran = home.pumasi(&["audit", "--json"]);
    let finding: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &finding["good"], finding["entry"].is_u64()), (Some(1), &json!(false), true), "{finding}");
    let said = home.pumasi(&["audit"]).bad();
    assert!(said.contains("entry") && said.contains("byte"), "{said}");
    // Without the snapshot everything is replayed at the start.
    for entry in fs::read_dir(home.path("ledger")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("snapshot") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let said = home.pumasi(&["up", "--listen", "127.0.0.1:0"]).bad();
    assert!(said.contains("is damaged at byte"), "{said}");
}

#[tokio::test]
async fn a_ledger_that_is_not_there_is_not_called_wrong() {
    let said = Home::new().pumasi(&["audit"]).bad();
    assert!(said.contains("not audited") && !said.contains("WRONG"), "{said}");
    let said = Home::new().pumasi(&["audit", "http://127.0.0.1:1"]).bad();
    assert!(said.contains("not audited"), "{said}");
}
