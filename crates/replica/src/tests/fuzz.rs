//! Bytes of chance as a journal. More of them: `PROPTEST_CASES=1000000 cargo test --release -p replica fuzz`. What breaks
//! something is printed as small as it gets, and belongs into `corpus/` beside this file.

use super::*;
use crate::target::{
    Forgery, Pieces,
    disk::{After, SimulatedDisk},
    journal,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use std::{path::PathBuf, sync::LazyLock};

/// A journal of several groups, all of it acknowledged.
static GOOD: LazyLock<Pieces> = LazyLock::new(|| {
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(0, []));
    let replica = open_on(dir.path(), &disk).unwrap();
    for operation in [issue(0, 1, 9), transfer(1, 0, 2, 3), sign(2, 0, Operation::Name { name: "two".into() })] {
        submit(&replica, &operation).unwrap();
    }
    submit(&replica, &transfer(2, 1, 1, 99)).unwrap_err();
    drop(replica);
    disk.restart(After::Kill);
    Pieces::of(&[&[255][..], &disk.bytes(crate::journal::FILE).unwrap()].concat())
});

fn any_journal() -> impl Strategy<Value = Vec<u8>> {
    let (index, number) = (any::<prop::sample::Index>, any::<usize>);
    let forgery = prop_oneof![
        number().prop_map(Forgery::Drop),
        (number(), number()).prop_map(|(one, other)| Forgery::Swap(one, other)),
        number().prop_map(Forgery::Repeat),
        number().prop_map(Forgery::Begin),
        (number(), number(), any::<u8>()).prop_map(|(at, byte, to)| Forgery::Change(at, byte, to)),
    ];
    let damage = vec((index(), any::<u8>()), 0..3);
    let cut = prop_oneof![2 => Just(None), 1 => index().prop_map(Some)];
    (any::<u8>(), vec(forgery, 0..3), damage, cut).prop_map(|(part, forgeries, damage, cut)| {
        let mut pieces = GOOD.clone();
        pieces.head[0] = part;
        forgeries.iter().for_each(|forgery| pieces.forge(forgery));
        let mut bytes = pieces.bytes();
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

/// Of the corpus that people made, what a ledger starts with: start and audit of one mind could both be wrong.
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
    let names = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap());
    assert_eq!(names.filter(|name| !name.starts_with("found-")).collect::<Vec<_>>(), STARTS);
}

/// Journals that are all refused at once would try little.
#[test]
fn journals_of_chance_start_and_do_not() {
    let (mut runner, inputs) = (TestRunner::deterministic(), any_journal());
    let started = (0..400).filter(|_| journal(&inputs.new_tree(&mut runner).unwrap().current())).count();
    println!("of 400 journals {started} start");
    assert!((40..360).contains(&started), "{started}");
}
