//! Durability, held against faults: thousands of runs over a simulated disk and clock, each repeated by its seed.

mod run;

use ledger::Digest;
use std::sync::atomic::{AtomicU64, Ordering};

use self::run::Run;
use crate::{
    Error,
    journal::{self, HEADER_BYTES},
    snapshot,
    target::{
        chance::Chance,
        disk::{After, Fault, Part},
    },
};

/// Every fault, in every form.
const FAULTS: [Fault; 9] = [
    Fault::Stop(Part::Nothing),
    Fault::Stop(Part::Some),
    Fault::Stop(Part::All),
    Fault::Fail(Part::Nothing),
    Fault::Fail(Part::Some),
    Fault::Fail(Part::All),
    Fault::Full(Part::Nothing),
    Fault::Full(Part::Some),
    Fault::Full(Part::All),
];
/// Starts of a run before its last ones.
const LIVES: usize = 3;

/// A run with these faults; what is between its starts is `after`, or chance.
fn play(seed: u64, faults: &[(u64, Fault)], after: Option<After>) -> Digest {
    let (mut run, mut chance) = (Run::new(seed, faults), Chance::new(seed ^ 0x5eed));
    for _ in 0..LIVES {
        run.live();
        run.stop(after.unwrap_or_else(|| chance.pick(&[After::Kill, After::PowerFailure])));
    }
    run.finish()
}

/// Plays runs on all cores; says which one failed.
fn play_all(runs: u64, play: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(number)));
                    assert!(played.is_ok(), "run {number} failed, for the reason above");
                }
            });
        }
    });
}

#[test]
fn every_fault_at_every_change_of_the_disk_loses_nothing() {
    let run = |seed| {
        let mut run = Run::new(seed, &[]);
        for _ in 0..LIVES {
            run.live();
            run.stop(After::Kill);
        }
        run.disk.changes()
    };
    for seed in 0..2 {
        let (changes, forms) = (run(seed), FAULTS.len() as u64);
        assert!(changes > 30, "{changes} changes");
        play_all(changes * forms * 2, |number| {
            let (at, form, after) = (number / forms / 2, number / 2 % forms, number % 2);
            let after = if after == 0 { After::Kill } else { After::PowerFailure };
            play(seed, &[(at, FAULTS[form as usize])], Some(after));
        });
    }
}

/// The faults of a seed: up to four, anywhere.
fn some_faults(seed: u64) -> Vec<(u64, Fault)> {
    let mut chance = Chance::new(seed);
    (0..chance.below(5)).map(|_| (chance.below(90), chance.pick(&FAULTS))).collect()
}

#[test]
fn faults_upon_faults_lose_nothing() {
    play_all(1_000, |seed| {
        play(seed, &some_faults(seed), None);
    });
}

#[test]
fn the_same_seed_gives_the_same_run_twice() {
    let mut digests: Vec<Digest> = Vec::new();
    for seed in 0..40 {
        let digest = play(seed, &some_faults(seed), None);
        assert_eq!(play(seed, &some_faults(seed), None), digest, "seed {seed}");
        digests.push(digest);
    }
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 40, "another seed is another run");
}

/// Flips a bit of any file between two starts. What was acknowledged is there, or the start refuses and changes nothing.
fn play_flipped(seed: u64) {
    let (mut run, mut chance) = (Run::new(seed, &[]), Chance::new(seed ^ 0xf11b));
    for _ in 0..LIVES {
        run.live();
        let after = chance.pick(&[After::Kill, After::PowerFailure]);
        run.stop(after);
        let names = run.disk.names();
        let name = &names[chance.index(names.len())];
        let bytes = run.disk.bytes(name).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let (byte, bit) = (chance.index(bytes.len()), chance.below(8) as u8);
        // Without the mark nobody can tell that the last group was acknowledged: docs/journal.md, Torn or damaged.
        let known = journal::acknowledged(&run.disk).max(snapshot::read(&run.disk).map_or(0, |taken| taken.bytes));
        let (_, end) = run.head.unwrap();
        if after == After::PowerFailure && known < end && name == journal::FILE {
            continue;
        }
        let before: Vec<_> = names.iter().map(|name| run.disk.bytes(name)).collect();
        run.disk.flip(name, byte, bit);
        let started = if name == snapshot::CHECKPOINT { Ok(()) } else { run.try_start() };
        let refused = match started {
            Ok(()) => false,
            Err(Error::Damaged { path, offset, .. }) => {
                assert!(path.ends_with(journal::FILE) && offset <= byte as u64, "{path:?} {offset}");
                true
            }
            Err(Error::NotJournal(_)) => byte < HEADER_BYTES,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(refused, name == journal::FILE, "bit {bit} of byte {byte} of {name}");
        if refused || name == snapshot::CHECKPOINT {
            run.disk.flip(name, byte, bit);
            let now: Vec<_> = names.iter().map(|name| run.disk.bytes(name)).collect();
            assert!(now == before, "a start that refuses changes nothing");
        }
    }
    run.finish();
}

#[test]
fn a_flipped_bit_of_any_file_is_found_or_does_no_harm() {
    play_all(600, play_flipped);
}
