//! A disk that fails under the threads of a replica: each fault in both forms, failed and not stored, failed but stored.

use super::*;
use crate::target::disk::{After, Fault, Part, SimulatedDisk};
use ledger::Verified;

/// A fault of the write of a group, or, one change later, of its sync.
fn with(changes_before: u64, fault: Fault, stored: bool) {
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(1, []));
    let replica = open_on(dir.path(), &disk).unwrap();
    submit(&replica, &issue(0, 1, 1)).unwrap();
    let head = futures::executor::block_on(replica.head()).unwrap();
    disk.fail(changes_before, fault);

    for _ in 0..2 {
        let error = submit(&replica, &issue(1, 1, 1)).unwrap_err();
        assert!(matches!(error, LedgerError::Unreachable { .. }), "{fault:?}: {error}");
        assert!(error.to_string().contains("nothing is written any more"), "{fault:?}: {error}");
    }
    assert_eq!(balance(&replica, 1), Amount::credits(1), "{fault:?}: readers see what is durable");
    assert_eq!(futures::executor::block_on(replica.head()).unwrap(), head);
    drop(replica);

    disk.restart(After::PowerFailure);
    let replica = open_on(dir.path(), &disk).unwrap();
    assert_eq!(balance(&replica, 1), Amount::credits(if stored { 2 } else { 1 }), "{fault:?}");
    submit(&replica, &issue(1, 1, 1)).unwrap();
    assert_eq!(balance(&replica, 1), Amount::credits(2), "{fault:?}: once, never twice");
}

#[test]
fn a_full_disk_stops_writing_not_reading() {
    with(0, Fault::Full(Part::Nothing), false);
    with(0, Fault::Full(Part::Some), false);
}

#[test]
fn a_failed_sync_stops_writing_whatever_was_stored() {
    with(1, Fault::Fail(Part::Nothing), false);
    with(1, Fault::Fail(Part::All), true);
}

/// Founding fails where it syncs the name of the journal. The next start finds the journal all the same, in the system's
/// memory, and what it acknowledges must not be lost with the name.
#[test]
fn a_ledger_that_was_founded_in_memory_alone_outlasts_a_power_failure() {
    for seed in 0..16 {
        let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(seed, []));
        // A new file, cut, written, synced and moved.
        disk.fail(5, Fault::Fail(Part::Nothing));
        assert!(matches!(open_on(dir.path(), &disk), Err(Error::Io { .. })));
        disk.restart(After::Kill);
        let replica = open_on(dir.path(), &disk).unwrap();
        submit(&replica, &issue(0, 1, 1)).unwrap();
        disk.fail(0, Fault::Stop(Part::Nothing));
        drop(replica);
        disk.restart(After::PowerFailure);
        let replica = open_on(dir.path(), &disk).unwrap();
        assert_eq!(balance(&replica, 1), Amount::credits(1), "seed {seed}");
    }
}

/// Full groups are handed to the committer while it still has another one. If that one fails, everybody in all of them hears of
/// it, and what was acknowledged before stands.
#[test]
fn nobody_waits_for_a_journal_that_failed() {
    const BATCH: u64 = 8_192;
    let network = genesis().network();
    let operations: Vec<_> = (0..4 * BATCH).map(|sequence| issue(sequence, 1, 1)).collect();
    let operations = Verified::of_many(operations, network).into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    for changes in 0..4 {
        let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(changes, []));
        let replica = open_on(dir.path(), &disk).unwrap();
        disk.fail(changes, Fault::Fail(Part::Nothing));
        let (tell, told) = std::sync::mpsc::channel();
        let (asked, batches) =
            (replica.clone(), operations.chunks(BATCH as usize).map(<[_]>::to_vec).collect::<Vec<_>>());
        let clients = std::thread::spawn(move || {
            let batches = batches.into_iter().map(|batch| asked.submit_verified(batch));
            tell.send(futures::executor::block_on(futures::future::join_all(batches)).concat())
        });
        let answers = told.recv_timeout(std::time::Duration::from_secs(60)).expect("everybody is answered");
        let done = answers.iter().take_while(|answer| answer.is_ok()).count();
        assert!(answers[done..].iter().all(|answer| matches!(answer, Err(LedgerError::Unreachable { .. }))));
        assert!(changes > 1 || done == 0, "the first group failed");
        drop((clients.join(), replica));
        disk.restart(After::PowerFailure);
        let stands = balance(&open_on(dir.path(), &disk).unwrap(), 1);
        assert_eq!(stands, Amount::credits(done.try_into().unwrap()), "{changes} changes before the fault");
    }
}
