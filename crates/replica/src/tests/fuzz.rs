//! Bytes of chance as a journal. More of them: `PROPTEST_CASES=1000000 cargo test --release -p replica fuzz`. What breaks
//! something is printed as small as it gets, and belongs into `corpus/` beside this file.

use super::{
    simulation::disk::{After, SimulatedDisk},
    *,
};
use crate::{
    audit::{auditor::Auditor, folder},
    disk, journal,
    lock::read,
    open::Ready,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use std::{path::PathBuf, sync::LazyLock};

/// Target: a byte that says how much of it is acknowledged, in 255th parts, and a journal. Start and audit are of one mind
/// about it, and a start that refuses changes nothing. True if it starts.
fn journal(bytes: &[u8]) -> bool {
    let Some((part, bytes)) = bytes.split_first() else { return false };
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(0, []));
    disk::put(&disk, journal::FILE, bytes).unwrap();
    journal::open_mark(&disk).unwrap().set(bytes.len() as u64 * u64::from(*part) / 255);
    let audited = folder::audit(&disk, dir.path(), Auditor::new(None, |_| {}, |_| {}));
    let ground = Ground { disk: Arc::new(disk.clone()), clock: Arc::new(writer::now) };
    match (audited, Ready::new(config(dir.path()), ground)) {
        (Ok((report, _)), Ok(ready)) => {
            assert_eq!(read(&ready.inner.view).head(), report.head);
            true
        }
        (Ok(_), Err(Error::OtherNetwork { .. } | Error::NotReplica(_))) => false,
        (Err(_), Err(_)) => {
            assert!(disk.bytes(journal::FILE).unwrap() == bytes, "a start that refuses changed something");
            false
        }
        (Ok(_), Err(error)) => panic!("an audit finds nothing, and the start says: {error}"),
        (Err(finding), Ok(_)) => panic!("it starts, and an audit says: {finding}"),
    }
}

/// Whether it begins a group, and its entry.
type Record = (bool, Vec<u8>);

/// A journal of several groups: its header and its records.
static GOOD: LazyLock<(Vec<u8>, Vec<Record>)> = LazyLock::new(|| {
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(0, []));
    let replica = open_on(dir.path(), &disk).unwrap();
    for operation in [issue(0, 1, 9), transfer(1, 0, 2, 3), sign(2, 0, Operation::Name { name: "two".into() })] {
        submit(&replica, &operation).unwrap();
    }
    submit(&replica, &transfer(2, 1, 1, 99)).unwrap_err();
    drop(replica);
    disk.restart(After::Kill);
    let bytes = disk.bytes(journal::FILE).unwrap();
    let (header, mut rest) = bytes.split_at(journal::HEADER_BYTES);
    let mut records = Vec::new();
    while let Some((frame, entry, after)) = journal::take_record(rest) {
        records.push((frame.begins_group(), entry.to_vec()));
        rest = after;
    }
    (header.to_vec(), records)
});

/// What is done to the records before they are written, with good checksums.
#[derive(Debug, Clone)]
enum Forgery {
    Drop(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index),
    Begin(prop::sample::Index),
    Change(prop::sample::Index, prop::sample::Index, u8),
}

fn forge(records: &mut Vec<Record>, forgery: &Forgery) {
    let length = records.len();
    match forgery {
        Forgery::Drop(at) if length > 1 => drop(records.remove(at.index(length))),
        Forgery::Drop(_) => {}
        Forgery::Swap(one, other) => records.swap(one.index(length), other.index(length)),
        Forgery::Repeat(at) => records.insert(at.index(length), at.get(records).clone()),
        Forgery::Begin(at) => records[at.index(length)].0 ^= true,
        Forgery::Change(at, byte, to) => {
            let entry = &mut records[at.index(length)].1;
            let byte = byte.index(entry.len());
            entry[byte] = *to;
        }
    }
}

fn any_journal() -> impl Strategy<Value = Vec<u8>> {
    let index = any::<prop::sample::Index>;
    let forgery = prop_oneof![
        index().prop_map(Forgery::Drop),
        (index(), index()).prop_map(|(one, other)| Forgery::Swap(one, other)),
        index().prop_map(Forgery::Repeat),
        index().prop_map(Forgery::Begin),
        (index(), index(), any::<u8>()).prop_map(|(at, byte, to)| Forgery::Change(at, byte, to)),
    ];
    let damage = vec((index(), any::<u8>()), 0..3);
    let cut = prop_oneof![2 => Just(None), 1 => index().prop_map(Some)];
    (any::<u8>(), vec(forgery, 0..3), damage, cut).prop_map(|(part, forgeries, damage, cut)| {
        let (header, mut records) = GOOD.clone();
        forgeries.iter().for_each(|forgery| forge(&mut records, forgery));
        let mut bytes = [&[part][..], &header].concat();
        records.iter().for_each(|(begins, entry)| journal::put_record(*begins, &mut bytes, |to| to.extend(entry)));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_journal_does_harm(bytes in any_journal()) {
        journal(&bytes);
    }
}

/// Of the corpus, what a ledger starts with: start and audit of one mind could both be wrong.
const STARTS: [&str; 6] = [
    "flipped-in-the-last-group",
    "torn-between-records",
    "torn-in-a-root",
    "torn-in-an-operation",
    "whole",
    "zeros-behind",
];

#[test]
fn the_corpus_does_no_harm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let starts = |file: &PathBuf| {
        println!("{}", file.display());
        journal(&std::fs::read(file).unwrap())
    };
    files.retain(starts);
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, STARTS);
}

/// Journals that are all refused at once would try little.
#[test]
fn journals_of_chance_start_and_do_not() {
    let (mut runner, inputs) = (TestRunner::deterministic(), any_journal());
    let started = (0..400).filter(|_| journal(&inputs.new_tree(&mut runner).unwrap().current())).count();
    println!("of 400 journals {started} start");
    assert!((40..360).contains(&started), "{started}");
}
