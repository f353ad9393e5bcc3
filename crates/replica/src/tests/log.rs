//! The routes: the machine interface through `api::HttpLedger`, the log as tiles, the audit over HTTP.

use super::*;
use crate::{
    audit::{Finding, Source, audit},
    tile,
};
use api::{HttpLedger, List};
use ledger::{Key, Record, Reject, log_tree};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_over_http_is_the_ledger() {
    let served = served(3).await;
    let remote = HttpLedger::new(served.link()).unwrap();
    assert_eq!(remote.genesis().await.unwrap().network(), genesis().network());
    assert_eq!(remote.head().await.unwrap(), served.replica.head().await.unwrap());
    let operation = transfer(1, 0, 2, 2);
    let applied = remote.submit(&operation).await.unwrap();
    assert_eq!(remote.submit(&operation).await.unwrap(), applied);
    let refused = LedgerError::Rejected { reject: Reject::BalanceTooLow, entry: Some(applied.entry + 2) };
    assert_eq!(remote.submit(&transfer(2, 0, 1, 9)).await, Err(refused));
    let name = "a".repeat(20_000);
    let too_large = LedgerError::Rejected { reject: Reject::TooLarge, entry: None };
    assert_eq!(remote.submit(&sign(1, 1, Operation::Name { name })).await, Err(too_large));
    assert_eq!(remote.account(account(2)).await.unwrap().balance, Amount::credits(2));
    assert_eq!(remote.get(&Key::Name("nobody".into())).await, Ok(None));
    let accounts = remote.list(List::Accounts).await.unwrap();
    assert_eq!(accounts, served.replica.list(List::Accounts).await.unwrap());
    assert!(accounts.iter().all(|(_, record)| matches!(record, Record::Account(_))));
    assert_eq!(remote.settled(ledger::ChannelId([1; 32]), 1).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audit_over_http_agrees_with_one_of_the_folder() {
    let served = served(300).await;
    let source = Source::Url(served.link());
    let report = audit(&source, None, |_| {}).await.unwrap();
    assert_eq!(report.entries, 602);
    assert_eq!(report.supply, Amount::credits(300));
    assert_eq!(Some(report.head), report.signed);
    served.replica.submit(&issue(300, 1, 1)).await.unwrap();
    let later = audit(&source, Some(report.head), |_| {}).await.unwrap();
    assert_eq!(later.applied, 301);
    let nowhere = Source::Url("http://127.0.0.1:1".parse().unwrap());
    let finding = audit(&nowhere, None, |_| {}).await.unwrap_err();
    assert!(matches!(finding, Finding::Unreadable(_)), "{finding}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiles_hold_the_tree() {
    let served = served(300).await;
    let head = served.replica.head().await.unwrap().head;
    let mut leaves = Vec::new();
    for (path, width) in [("000", 256), ("001", 256), ("002.p/90", 90)] {
        let bundle = served.get(&format!("/log/tile/entries/{path}")).await.bytes().await.unwrap();
        let hashes: Vec<_> = tile::open_bundle(&bundle).unwrap().iter().map(|entry| log_tree::leaf(entry)).collect();
        assert_eq!(hashes.len(), width);
        let tile = served.get(&format!("/log/tile/0/{path}")).await.bytes().await.unwrap();
        assert_eq!(tile, tile::hashes(&hashes));
        leaves.extend(hashes);
    }
    assert_eq!((log_tree::root(&leaves), 602), (head.root, head.size));
    let upper = served.get("/log/tile/1/000.p/2").await.bytes().await.unwrap();
    let roots: Vec<_> = leaves.chunks_exact(256).map(log_tree::root).collect();
    assert_eq!(upper, tile::hashes(&roots));
    for missing in ["0/002", "0/002.p/91", "entries/003.p/1", "1/000.p/3", "2/000.p/1", "63/000"] {
        assert_eq!(served.get(&format!("/log/tile/{missing}")).await.status(), 404, "{missing}");
    }
    for wrong in ["0/0", "0/001/002", "x/000", "0/000.p/0", "0/000.p/256", "0/x000/001", "64/000"] {
        assert_eq!(served.get(&format!("/log/tile/{wrong}")).await.status(), 400, "{wrong}");
    }
}

#[test]
fn tiles_have_one_path_each() {
    let at = |level, index, width| tile::Tile { level, index, width };
    for (path, tile) in [
        ("0/x001/x234/067", at(Some(0), 1_234_067, 256)),
        ("entries/x001/067.p/8", at(None, 1_067, 8)),
        ("3/000", at(Some(3), 0, 256)),
    ] {
        assert_eq!(tile::parse(path), Some(tile));
        assert_eq!(tile::path_of(tile), path);
    }
}
