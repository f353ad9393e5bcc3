//! Transfers received and earnings: fresh and indexed, in process and over HTTP the same.

use super::*;
use api::{HttpLedger, income::Received};

/// The entries of what an account received from an entry on.
async fn entries(ledger: &dyn api::Ledger, number: u8, from: u64) -> Vec<u64> {
    ledger.received(account(number), from).await.unwrap().iter().map(|received| received.entry).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_are_told_once_each_and_in_order() {
    let served = served(1).await;
    let mut sent = Vec::new();
    for sequence in 0..5 {
        let to = if sequence == 2 { 3 } else { 2 };
        sent.push((to, served.replica.submit(&transfer(1, sequence, to, 0)).await.err()));
    }
    assert!(sent.iter().all(|(_, refused)| refused.is_some()), "nothing is no transfer");
    let mut expected = Vec::new();
    served.replica.submit(&issue(1, 1, 100)).await.unwrap();
    for sequence in 5..12 {
        let to = if sequence == 7 { 3 } else { 2 };
        let applied = served.replica.submit(&transfer(1, sequence, to, 1)).await.unwrap();
        expected.extend((to == 2).then_some(applied.entry));
        assert_eq!(entries(&served.replica, 2, 0).await, expected, "fresh or known");
    }
    served.replica.close();
    let http = HttpLedger::new(served.link()).unwrap();
    assert_eq!(entries(&served.replica, 2, 0).await, expected);
    assert_eq!(entries(&http, 2, 0).await, expected);
    assert_eq!(entries(&http, 2, expected[2] + 1).await, expected[3..]);
    assert_eq!(entries(&http, 2, expected[5] + 1).await, Vec::<u64>::new());
    assert_eq!(entries(&http, 1, 0).await, Vec::<u64>::new(), "issuing is no transfer");
    let last = http.received(account(2), expected[5]).await.unwrap().remove(0);
    let Received { from, amount, reference, .. } = last;
    assert_eq!((from, amount, reference), (account(1), Amount::credits(1), Digest([7; 32])));
}
