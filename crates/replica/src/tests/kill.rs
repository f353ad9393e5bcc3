//! A process that is killed in the middle of its work: what it acknowledged is there, whole and once.

use super::*;
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

/// Names the folder for [`the_victim`], which without it does nothing.
const FOLDER: &str = "PUMASI_TEST_KILLED_LEDGER";
const SUBMITTERS: u8 = 8;

/// The next sequence of each submitter. The issuer made credits for all of them before.
fn sequences(replica: &Replica) -> Vec<u64> {
    let sequence = |number| futures::executor::block_on(replica.account(account(number))).unwrap().sequence;
    (1..=SUBMITTERS).map(sequence).collect()
}

/// Submits from several threads until it is killed, and prints each acknowledged transfer. Runs only as a child of the
/// other test.
#[test]
fn the_victim() {
    let Some(dir) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let replica = open(&dir);
    let starts = sequences(&replica);
    std::thread::scope(|scope| {
        for (number, start) in (1..=SUBMITTERS).zip(starts) {
            let replica = &replica;
            scope.spawn(move || {
                for sequence in start.. {
                    submit(replica, &transfer(number, sequence, number % SUBMITTERS + 1, 1)).unwrap();
                    println!("\nacknowledged {number} {sequence}");
                }
            });
        }
    });
}

/// Runs the victim until it acknowledged `acknowledged` transfers, and kills it. Gives what each submitter may rely on.
fn kill_after(dir: &Path, acknowledged: usize) -> Vec<Option<u64>> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::kill::the_victim", "--nocapture"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = vec![None; usize::from(SUBMITTERS)];
    let mut count = 0;
    // The pipe is read to its end, so what was printed before the kill counts too.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((number, sequence)) = line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let number: usize = number.parse().unwrap();
        last[number - 1] = Some(sequence.parse().unwrap());
        count += 1;
        if count == acknowledged {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= acknowledged, "the victim died by itself after {count}");
    last
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for number in 1..=SUBMITTERS {
        submit(&replica, &issue(u64::from(number) - 1, number, 1_000_000)).unwrap();
    }
    drop(replica);
    for round in 0..6 {
        let acknowledged = kill_after(dir.path(), 50 + 37 * round);
        let replica = open(dir.path());
        for (next, last) in sequences(&replica).into_iter().zip(acknowledged) {
            assert!(last.is_none_or(|last| last < next), "round {round}: {last:?} was acknowledged, next is {next}");
        }
        let supply: Amount = (1..=SUBMITTERS).map(|number| balance(&replica, number)).sum();
        assert_eq!(supply, Amount::credits(8_000_000));
        drop(replica);
        let source = crate::audit::Source::Folder(dir.path().to_owned());
        futures::executor::block_on(crate::audit(&source, None, |_| {})).unwrap();
    }
}
