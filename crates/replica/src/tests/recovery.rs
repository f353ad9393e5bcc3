//! Torn tails are cut, damage is found and its place said, and what was acknowledged is there again.

use super::*;
use crate::{
    audit::{Source, audit},
    group::Group,
    journal,
    snapshot::{self, Snapshot},
};
use api::log::Entry;
use ledger::{Key, Record, log_tree::Frontier};
use std::{fs, ops::Range};

fn journal_of(dir: &Path) -> Vec<u8> {
    fs::read(dir.join(journal::FILE)).unwrap()
}

/// Where each record lies, and whether it ends a group.
fn records(bytes: &[u8]) -> Vec<(Range<usize>, bool)> {
    let (mut at, mut records) = (journal::HEADER_BYTES, Vec::new());
    while let Some((_, entry, rest)) = journal::take_record(&bytes[at..]) {
        let end = bytes.len() - rest.len();
        records.push((at..end, entry[0] == 2));
        at = end;
    }
    records
}

/// A folder with this journal and mark, and nothing else.
fn folder(journal: &[u8], acknowledged: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(journal::FILE), journal).unwrap();
    journal::open_mark(&Files(dir.path().to_owned())).unwrap().set(acknowledged);
    dir
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let killed = killed(3);
    let bytes = journal_of(killed.path());
    let records = records(&bytes);
    let ends: Vec<_> = records.iter().filter(|record| record.1).map(|record| record.0.end).collect();
    let [.., acknowledged, whole] = ends[..] else { panic!("two groups at least") };
    assert_eq!(whole, bytes.len());
    for length in acknowledged..=whole {
        let dir = folder(&bytes[..length], acknowledged as u64);
        let replica = open(dir.path());
        let expected = if length == whole { 3 } else { 2 };
        assert_eq!(balance(&replica, 1), Amount::credits(expected), "cut to {length} bytes");
        assert_eq!(journal_of(dir.path()).len(), if length == whole { whole } else { acknowledged });
        let sequence = u64::from(expected);
        submit(&replica, &issue(sequence, 1, 1)).unwrap();
    }
}

#[test]
fn an_acknowledged_group_that_is_gone_is_missed() {
    let killed = killed(3);
    let bytes = journal_of(killed.path());
    for (record, _) in records(&bytes) {
        let dir = folder(&bytes[..record.start], bytes.len() as u64);
        let error = Replica::open(config(dir.path())).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }
}

#[test]
fn every_flipped_byte_is_found_and_its_place_said() {
    let killed = killed(2);
    let bytes = journal_of(killed.path());
    let records = records(&bytes);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x40;
        let dir = folder(&flipped, bytes.len() as u64);
        match Replica::open(config(dir.path())).unwrap_err() {
            Error::NotJournal(_) => assert!(at < journal::HEADER_BYTES, "byte {at}"),
            Error::Damaged { offset, entry, .. } => {
                let found = records.iter().position(|(record, _)| record.contains(&at)).unwrap();
                assert_eq!((entry, offset), (found as u64, records[found].0.start as u64), "byte {at}");
            }
            error => panic!("byte {at}: {error}"),
        }
        assert_eq!(journal_of(dir.path()), flipped, "nothing may be changed");
    }
}

#[test]
fn damage_before_a_later_group_is_found_without_a_mark() {
    let killed = killed(3);
    let bytes = journal_of(killed.path());
    let records = records(&bytes);
    let last_group = records[records.len() - 2].0.start;
    for at in journal::HEADER_BYTES..last_group {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let dir = folder(&flipped, 0);
        fs::remove_file(dir.path().join("acknowledged")).unwrap();
        let error = Replica::open(config(dir.path())).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "byte {at}: {error}");
    }
}

/// Such an operation, torn, would look like a damaged one before a later group: whoever sent it could keep the ledger from
/// starting again.
#[test]
fn an_operation_that_holds_the_beginning_of_a_group_is_turned_away() {
    let mut record = Vec::new();
    journal::put_record(true, &mut record, |to| to.push(0));
    record.resize(32, 0);
    let reference = Digest(record.try_into().unwrap());
    let operation = sign(0, 0, Operation::Issue { to: account(1), amount: Amount::credits(1), reference });
    let mut group = Group::at(2);
    group.put(&Entry::Operation { at: Time(2_000), signed: operation.clone(), result: 0 });
    let founded = killed(0);
    let torn = [&journal_of(founded.path())[..], &group.bytes[..group.bytes.len() - 20]].concat();
    let error = Replica::open(config(folder(&torn, 0).path())).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "what it would do: {error}");

    let replica = open(founded.path());
    let malformed = LedgerError::Rejected { reject: ledger::Reject::Malformed, entry: None };
    assert_eq!(submit(&replica, &operation), Err(malformed));
    submit(&replica, &issue(0, 1, 1)).unwrap();
}

#[test]
fn a_journal_without_its_founding_document_is_refused() {
    let killed = killed(0);
    let bytes = journal_of(killed.path());
    for length in [journal::HEADER_BYTES, journal::HEADER_BYTES + 20] {
        let dir = folder(&bytes[..length], 0);
        let error = Replica::open(config(dir.path())).unwrap_err();
        assert!(error.to_string().contains("founding document"), "{error}");
        assert_eq!(journal_of(dir.path()), bytes[..length]);
    }
}

#[test]
fn a_snapshot_gives_what_a_replay_gives() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for sequence in 0..5 {
        submit(&replica, &issue(sequence, 1, 3)).unwrap();
    }
    let head = futures::executor::block_on(replica.head()).unwrap();
    drop(replica);
    assert!(dir.path().join("snapshot").exists());
    let from_snapshot = open(dir.path());
    assert_eq!(futures::executor::block_on(from_snapshot.head()).unwrap(), head);
    assert_eq!(balance(&from_snapshot, 1), Amount::credits(15));
    let applied = submit(&from_snapshot, &issue(2, 1, 3)).unwrap();
    drop(from_snapshot);
    for derived in ["snapshot", "index.sqlite", "acknowledged", "checkpoint"] {
        fs::remove_file(dir.path().join(derived)).unwrap();
    }
    let replayed = open(dir.path());
    assert_eq!(futures::executor::block_on(replayed.head()).unwrap(), head);
    assert_eq!(balance(&replayed, 1), Amount::credits(15));
    assert_eq!(submit(&replayed, &issue(2, 1, 3)).unwrap(), applied);
}

#[test]
fn a_snapshot_of_another_history_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    submit(&replica, &issue(0, 1, 3)).unwrap();
    drop(replica);
    let other = tempfile::tempdir().unwrap();
    let replica = open(other.path());
    submit(&replica, &issue(0, 1, 4)).unwrap();
    drop(replica);
    fs::copy(other.path().join(journal::FILE), dir.path().join(journal::FILE)).unwrap();
    let error = Replica::open(config(dir.path())).unwrap_err();
    assert!(error.to_string().contains("different histories"), "{error}");
}

/// Its records must be the journal's, whatever its log is; and its log, whatever its records are.
#[test]
fn a_snapshot_of_which_a_half_was_changed_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    submit(&replica, &issue(0, 1, 3)).unwrap();
    drop(replica);
    let disk = Files(dir.path().to_owned());
    let good = snapshot::read(&disk).unwrap();
    let mut richer = good.clone();
    let record = richer.records.get_mut(&Key::Account(account(1))).unwrap();
    let Record::Account(account) = Arc::make_mut(record) else { panic!() };
    account.balance = Amount::credits(4);
    let mut frontier = Frontier::new();
    (0..good.entries()).for_each(|number| frontier.push_leaf(Digest::of(&number.to_le_bytes())));
    let elsewhere = Snapshot { frontier, ..good.clone() };
    for changed in [richer, elsewhere] {
        snapshot::write(&disk, dir.path(), &changed, "").unwrap();
        let error = Replica::open(config(dir.path())).unwrap_err();
        assert!(error.to_string().contains("different histories"), "{error}");
    }
    snapshot::write(&disk, dir.path(), &good, "").unwrap();
    assert_eq!(balance(&open(dir.path()), 1), Amount::credits(3));
}

/// Where mark and index are lost, the snapshot still says what was acknowledged.
#[test]
fn a_journal_shorter_than_its_snapshot_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for sequence in 0..2 {
        submit(&replica, &issue(sequence, 1, 1)).unwrap();
    }
    drop(replica);
    let bytes = journal_of(dir.path());
    let last_group = records(&bytes)[4].0.start;
    fs::write(dir.path().join(journal::FILE), &bytes[..last_group]).unwrap();
    for lost in ["acknowledged", "index.sqlite"] {
        fs::remove_file(dir.path().join(lost)).unwrap();
        let error = Replica::open(config(dir.path())).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "without {lost}: {error}");
        assert_eq!(journal_of(dir.path()), bytes[..last_group]);
    }
}

#[test]
fn a_journal_that_is_gone_is_not_founded_again() {
    let killed = killed(1);
    fs::remove_file(killed.path().join(journal::FILE)).unwrap();
    let error = Replica::open(config(killed.path())).unwrap_err();
    assert!(error.to_string().contains("the file is gone"), "{error}");
    assert!(!killed.path().join(journal::FILE).exists());
}

#[test]
fn a_header_of_another_network_is_found() {
    let killed = killed(1);
    let groups = &journal_of(killed.path())[journal::HEADER_BYTES..];
    let dir = tempfile::tempdir().unwrap();
    journal::create(&Files(dir.path().to_owned()), dir.path(), Digest([1; 32]), groups).unwrap();
    let error = Replica::open(config(dir.path())).unwrap_err();
    assert!(error.to_string().contains("the network in the file's header"), "{error}");
    let folder = Source::Folder(dir.path().to_owned());
    let finding = futures::executor::block_on(audit(&folder, None, |_| {})).unwrap_err();
    assert!(finding.to_string().contains("header names the network"), "{finding}");
}

#[test]
fn an_index_of_another_history_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    let kept = submit(&replica, &issue(0, 1, 3)).unwrap();
    drop(replica);
    let other = tempfile::tempdir().unwrap();
    let replica = open(other.path());
    submit(&replica, &sign(2, 0, Operation::Name { name: "two".into() })).unwrap();
    drop(replica);
    fs::copy(other.path().join("index.sqlite"), dir.path().join("index.sqlite")).unwrap();
    let replica = open(dir.path());
    assert_eq!(submit(&replica, &issue(0, 1, 3)).unwrap(), kept);
}

/// The formats are for good: another digest here is another format, and needs another version in the header.
#[test]
fn the_formats_are_frozen() {
    let mut group = Group::at(0);
    group.put(&Entry::Genesis(genesis()));
    group.put(&Entry::Root { root: Digest([5; 32]) });
    let mut bytes = std::mem::replace(&mut group, Group::at(2)).bytes;
    group.put(&Entry::Operation { at: Time(2_000), signed: issue(0, 1, 10), result: 24 });
    group.put(&Entry::Root { root: Digest([6; 32]) });
    bytes.extend(group.bytes);
    let dir = tempfile::tempdir().unwrap();
    journal::create(&Files(dir.path().to_owned()), dir.path(), genesis().network(), &bytes).unwrap();
    let frozen = "sha256:6539fb307da49cba6b75cecd4bc5495c8e97e49c8796bf17689eb5733de49e73";
    assert_eq!(Digest::of(&journal_of(dir.path())).to_string(), frozen);
}
