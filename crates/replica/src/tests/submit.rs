//! Submission: answers, repetition, refusals, many at once.

use super::*;
use crate::target::disk::SimulatedDisk;
use ledger::Reject;
use std::time::Duration;

#[test]
fn the_same_bytes_get_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    let first = issue(0, 1, 5);
    let answer = submit(&replica, &first);
    assert_eq!(answer.as_ref().unwrap().entry, 2);
    assert_eq!(submit(&replica, &first), answer);
    let refused = transfer(1, 0, 1, 1);
    let refusal = submit(&replica, &refused);
    assert_eq!(refusal, Err(LedgerError::Rejected { reject: Reject::SelfTransfer, entry: Some(4) }));
    assert_eq!(submit(&replica, &refused), refusal);
    let other = submit(&replica, &issue(0, 1, 6));
    assert_eq!(other, Err(LedgerError::Rejected { reject: Reject::SequencePast, entry: None }));
    let foreign = Request { key: key(9).public(), ..first.body.clone() };
    let foreign = submit(&replica, &key(9).sign(genesis().network(), foreign));
    assert_eq!(foreign, Err(LedgerError::Rejected { reject: Reject::KeyNotCurrent, entry: None }));
    drop(replica);

    let replica = open(dir.path());
    assert_eq!(submit(&replica, &first), answer);
    assert_eq!(submit(&replica, &refused), refusal);
    assert_eq!(submit(&replica, &issue(0, 1, 6)), other, "also once the index alone knows the first");
    assert_eq!(balance(&replica, 1), Amount::credits(5));
    let late = Request { not_after: Time(1), ..first.body };
    let expired = Err(LedgerError::Rejected { reject: Reject::Expired, entry: None });
    assert_eq!(submit(&replica, &key(0).sign(genesis().network(), late.clone())), expired);
    let foreign = Request { key: key(9).public(), ..late };
    assert_eq!(submit(&replica, &key(9).sign(genesis().network(), foreign)), expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_bytes_twice_at_once_get_the_same_answer() {
    let dir = tempfile::tempdir().unwrap();
    // While the first is synced the others wait, and come into one group.
    let replica = open_on(dir.path(), &SimulatedDisk::slow(Duration::from_millis(20))).unwrap();
    let (first, then) = (issue(0, 1, 1), issue(1, 1, 1));
    let (_, one, other) = tokio::join!(replica.submit(&first), replica.submit(&then), replica.submit(&then));
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(balance(&replica, 1), Amount::credits(2));
}

#[test]
fn a_refusal_at_the_door_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    let before = futures::executor::block_on(replica.head()).unwrap();
    let at_the_door = |reject| Err(LedgerError::Rejected { reject, entry: None });
    assert_eq!(submit(&replica, &issue(1, 1, 5)), at_the_door(Reject::SequenceFuture));
    let mut forged = issue(0, 1, 5);
    forged.body.sequence = 1;
    assert_eq!(submit(&replica, &forged), at_the_door(Reject::BadSignature));
    assert_eq!(futures::executor::block_on(replica.head()).unwrap(), before);
}

/// Each in its order gets what it would get alone, also where the ones before it decide what that is.
#[tokio::test]
async fn operations_that_are_submitted_together_get_the_answers_that_each_gets() {
    let (together, apart) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (together, apart) = (open(together.path()), open(apart.path()));
    let mut forged = issue(5, 1, 5);
    forged.signature.0[3] ^= 1;
    let mut operations =
        vec![issue(0, 1, 10), transfer(1, 0, 2, 3), transfer(1, 1, 1, 1), transfer(2, 5, 1, 1), forged];
    operations.extend((1..700).map(|sequence| issue(sequence, 3, 1)));
    operations.push(operations[1].clone());
    let mut alone = Vec::new();
    for operation in &operations {
        alone.push(apart.submit(operation).await);
    }
    let refusals = alone.iter().filter(|answer| answer.is_err()).count();
    assert_eq!((refusals, &alone[1]), (3, &alone[alone.len() - 1]));
    // In one group there are no roots between, so entries differ, and the clock may.
    let seen = |answers: Vec<Result<Applied, LedgerError>>| -> Vec<_> {
        let refused = |error| match error {
            LedgerError::Rejected { reject, entry } => (reject, entry.is_some()),
            error => panic!("{error}"),
        };
        answers.into_iter().map(|answer| answer.map(|applied| applied.outcome).map_err(refused)).collect()
    };
    let answers = together.submit_all(operations.clone()).await;
    assert_eq!(answers[1], answers[answers.len() - 1]);
    assert_eq!(seen(answers.clone()), seen(alone));
    assert_eq!(together.submit_all(operations).await, answers, "the same bytes get the same answers");
    assert_eq!(together.head().await.unwrap().head.size, 2 + 702 + 1);
}

#[tokio::test]
async fn more_than_a_group_is_submitted_in_groups() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    let operations: Vec<_> = (0..10_000).map(|sequence| issue(sequence, 3, 1)).collect();
    assert!(replica.submit_all(operations).await.iter().all(Result::is_ok));
    assert_eq!(balance(&replica, 3), Amount::credits(10_000));
    replica.close();
    let closed = replica.submit_all(vec![issue(10_000, 3, 1), issue(10_001, 3, 1)]).await;
    assert!(closed.len() == 2 && closed.iter().all(|answer| matches!(answer, Err(LedgerError::Unreachable { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_syncs() {
    let dir = tempfile::tempdir().unwrap();
    // What comes while a sync takes its time waits for the next one.
    let replica = open_on(dir.path(), &SimulatedDisk::slow(Duration::from_millis(5))).unwrap();
    for number in 1..=64 {
        replica.submit(&issue(u64::from(number) - 1, number, 100)).await.unwrap();
    }
    let before = replica.head().await.unwrap().head.size;
    let submitters = (1..=64u8).map(|number| {
        let replica = replica.clone();
        tokio::spawn(async move {
            let mut answered = Vec::new();
            for sequence in 0..10 {
                let operation = transfer(number, sequence, number % 64 + 1, 1);
                answered.push((replica.submit(&operation).await.unwrap(), operation));
            }
            answered
        })
    });
    let answered = futures::future::join_all(submitters).await;
    let entries = replica.head().await.unwrap().head.size - before;
    assert!(entries < 640 + 320, "640 operations took {} groups", entries - 640);
    for number in 1..=64 {
        assert_eq!(balance(&replica, number), Amount::credits(100));
    }
    // The keeper took them into the index meanwhile, and forgot none.
    for (answer, operation) in answered.into_iter().flat_map(|submitter| submitter.unwrap()) {
        assert_eq!(replica.submit(&operation).await.unwrap(), answer);
    }
}

#[test]
fn one_process_has_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = Replica::open(config(dir.path())).unwrap_err();
    assert!(matches!(second, Error::Locked(_)), "{second}");
    first.close();
    let closed = submit(&first, &issue(0, 1, 1)).unwrap_err();
    assert!(matches!(closed, LedgerError::Unreachable { .. }));
    assert_eq!(balance(&first, 1), Amount::ZERO);
    open(dir.path());
}

#[test]
fn folder_genesis_and_key_must_match() {
    let dir = tempfile::tempdir().unwrap();
    let unfounded = Replica::open(Config { genesis: None, ..config(dir.path()) }).unwrap_err();
    assert!(matches!(unfounded, Error::NotFounded(_)), "{unfounded}");
    drop(open(dir.path()));
    let other = Genesis { origin: "pumasi.test/other".into(), ..genesis() };
    let other = Replica::open(Config { genesis: Some(other), ..config(dir.path()) }).unwrap_err();
    assert!(matches!(other, Error::OtherNetwork { .. }), "{other}");
    let stranger = Replica::open(Config { key: Arc::new(key(9)), ..config(dir.path()) }).unwrap_err();
    assert!(matches!(stranger, Error::NotReplica(_)), "{stranger}");
    drop(Replica::open(Config { genesis: None, ..config(dir.path()) }).unwrap());
}
