//! The audit finds what was changed, wherever it was changed.

use super::*;
use crate::{
    audit::{self, Finding, Report, Source},
    group::Group,
    journal::{self, Raw},
    replay::Replay,
};
use api::log::Entry;
use ledger::Head;

fn audit(dir: &Path, remembered: Option<Head>) -> Result<Report, Finding> {
    futures::executor::block_on(audit::audit(&Source::Folder(dir.to_owned()), remembered, |_| {}))
}

/// The entries of a history: credits for accounts 1 and 2, a transfer, a refused one.
fn history() -> (tempfile::TempDir, Vec<Entry>) {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for operation in [issue(0, 1, 10), issue(1, 2, 20), transfer(1, 0, 2, 3)] {
        submit(&replica, &operation).unwrap();
    }
    submit(&replica, &transfer(2, 0, 1, 99)).unwrap_err();
    let size = futures::executor::block_on(replica.head()).unwrap().head.size;
    let entries = (0..size).map(|entry| replica.0.log_entry(entry).unwrap()).collect();
    (dir, entries)
}

/// A folder whose journal holds these entries, with good checksums: what a dishonest operator writes.
fn forged(entries: &[Entry]) -> tempfile::TempDir {
    let mut bytes = Vec::new();
    let mut group = Group::at(0);
    for entry in entries {
        group.put(entry);
        if matches!(entry, Entry::Root { .. }) {
            bytes.extend(std::mem::replace(&mut group, Group::at(0)).bytes);
        }
    }
    bytes.extend(group.bytes);
    let dir = tempfile::tempdir().unwrap();
    journal::create(&Files(dir.path().to_owned()), dir.path(), genesis().network(), &bytes).unwrap();
    dir
}

/// Asserts that the audit names `entry` and says `what`.
#[track_caller]
fn check(entries: &[Entry], entry: u64, what: &str) {
    let dir = forged(entries);
    let finding = audit(dir.path(), None).unwrap_err();
    let Finding::Wrong { entry: found, path: Some(_), .. } = &finding else { panic!("{finding}") };
    assert_eq!(*found, entry, "{finding}");
    assert!(finding.to_string().contains(what), "{finding}");
    assert!(Replica::open(config(dir.path())).is_err(), "the start finds it too");
}

fn operation(entry: &mut Entry) -> (&mut Time, &mut Signed<Request>, &mut u16) {
    match entry {
        Entry::Operation { at, signed, result } => (at, signed, result),
        _ => panic!("not an operation"),
    }
}

#[test]
fn an_honest_log_passes() {
    let (dir, entries) = history();
    let running = audit(dir.path(), None).unwrap();
    assert_eq!((running.applied, running.refused, running.entries), (3, 1, 10));
    assert_eq!(running.supply, Amount::credits(30));
    assert_eq!(running.network, genesis().network());
    drop(open(dir.path()));
    let closed = audit(dir.path(), Some(running.head)).unwrap();
    assert_eq!(closed.signed, Some(closed.head));
    assert_eq!(audit(forged(&entries).path(), Some(closed.head)).unwrap().head, closed.head);
}

#[test]
fn a_changed_amount_is_found() {
    let (_, mut entries) = history();
    let (_, signed, _) = operation(&mut entries[6]);
    signed.body.operation = transfer(1, 0, 2, 4).body.operation;
    check(&entries, 6, "signature");
}

#[test]
fn a_forged_signature_is_found() {
    let (_, mut entries) = history();
    operation(&mut entries[2]).1.signature.0[3] ^= 1;
    check(&entries, 2, "signature");
}

#[test]
fn a_dropped_entry_is_found() {
    let (_, mut entries) = history();
    entries.drain(2..4);
    check(&entries, 2, "earlier operation of the account is missing");
    let (_, mut entries) = history();
    entries.drain(6..8);
    check(&entries, 7, "root");
}

#[test]
fn swapped_entries_are_found() {
    let (_, mut entries) = history();
    entries.swap(2, 4);
    check(&entries, 2, "earlier operation of the account is missing");
    let (_, mut entries) = history();
    entries.swap(3, 5);
    check(&entries, 3, "root");
}

#[test]
fn a_changed_result_time_or_root_is_found() {
    let (_, mut entries) = history();
    *operation(&mut entries[8]).2 = 0;
    check(&entries, 8, "result");
    *operation(&mut entries[8]).2 = ledger::Reject::SelfTransfer.number();
    check(&entries, 8, "result");
    let (_, mut entries) = history();
    *operation(&mut entries[4]).0 = Time(1);
    check(&entries, 4, "Time cannot go back");
    let (_, mut entries) = history();
    entries[5] = Entry::Root { root: Digest([1; 32]) };
    check(&entries, 5, "root");
    let (_, mut entries) = history();
    entries.insert(4, entries[0].clone());
    check(&entries, 4, "founding");
}

#[test]
fn a_group_that_holds_nothing_or_too_much_is_found() {
    let (_, mut entries) = history();
    entries.insert(6, entries[5].clone());
    check(&entries, 6, "a root follows a root");
    let (_, mut entries) = history();
    entries.remove(1);
    check(&entries, 1, "the first group");
}

#[test]
fn what_stands_before_an_unreadable_entry_is_found_first() {
    let (_, mut entries) = history();
    operation(&mut entries[4]).1.signature.0[3] ^= 1;
    let raw = |(entry, of): (u64, &Entry)| Raw { entry, offset: 0, bytes: ledger::encode(of) };
    let mut raws: Vec<_> = (0..).zip(&entries).map(raw).collect();
    raws[6].bytes.push(0);
    let wrong = Replay::found(&raws[0]).unwrap().feed(&raws[1..]).unwrap_err();
    assert_eq!(wrong.entry, 4, "{}", wrong.what);
    let wrong = Replay::found(&raws[0]).unwrap().feed(&raws[5..]).unwrap_err();
    assert_eq!(wrong.entry, 5, "{}", wrong.what);
}

#[test]
fn a_head_that_contradicts_what_stands_before_a_wrong_entry_is_found_first() {
    let (_, mut entries) = history();
    operation(&mut entries[6]).1.signature.0[3] ^= 1;
    for (size, first) in [(4, "rewritten"), (8, "signature")] {
        let finding = audit(forged(&entries).path(), Some(Head { size, root: Digest([1; 32]) })).unwrap_err();
        assert!(finding.to_string().contains(first), "{finding}");
    }
}

#[test]
fn a_rewritten_history_is_found_by_whoever_kept_a_head() {
    let (dir, entries) = history();
    let kept = audit(dir.path(), None).unwrap().head;
    let other = tempfile::tempdir().unwrap();
    let replica = open(other.path());
    for sequence in 0..5 {
        submit(&replica, &issue(sequence, 1, 10)).unwrap();
    }
    drop(replica);
    audit(other.path(), None).unwrap();
    let rewritten = audit(other.path(), Some(kept)).unwrap_err();
    assert!(rewritten.to_string().contains("rewritten"), "{rewritten}");
    let shorter = audit(forged(&entries[..8]).path(), Some(kept)).unwrap_err();
    assert!(shorter.to_string().contains("the log has 8 entries"), "{shorter}");
}

#[test]
fn a_head_that_no_replica_signed_is_found() {
    let (dir, _) = history();
    let path = dir.path().join("checkpoint");
    let note = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, note.replace("\n10\n", "\n9\n")).unwrap();
    let finding = audit(dir.path(), None).unwrap_err();
    assert!(finding.to_string().contains("signed"), "{finding}");
}

#[test]
fn a_flipped_byte_is_found_and_its_place_said() {
    let dir = killed(2);
    let path = dir.path().join(journal::FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let finding = audit(dir.path(), None).unwrap_err();
    assert!(matches!(finding, Finding::Wrong { entry: 5, .. }), "{finding}");
    assert!(finding.to_string().contains("checksum"), "{finding}");
}

#[test]
fn a_folder_without_a_log_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let finding = audit(dir.path(), None).unwrap_err();
    assert!(matches!(finding, Finding::Unreadable(_)), "{finding}");
}
