//! The rules as tables: `tests/scripts/*.txt`. Each line is one operation and its expected result, or something that must
//! be so at that point. [`Stage::check`] is the single place here that calls `apply`.
//!
//! ```text
//! fee operation 0.001                                   the network, before the first operation
//! at 5000                                               what the clock says from here on
//! alice  transfer bob 5                      = ok       somebody asks something, and what comes of it
//! alice  transfer alice 0                    = AmountZero over SelfTransfer
//! balance alice 5                                       somebody has so many credits
//! ```
//!
//! `over` names a reason that applies too and stands behind. Any operation can be spoiled at the door by `seq=`, `until=`,
//! `claims=` (the key in the request), `signer=` and `network=other`. Artifacts, weight files, offers and channels have the
//! names that the script gives them.

mod cast;
mod corpus;
mod every;
mod stage;

use ledger::{Digest, Fees, Genesis, Limits, Operation, Reject, State, Time, decode, encode};
use std::{collections::BTreeSet, fs, path::Path};

use proptest::prelude::*;

use cast::{account, genesis, key, request, sign};
use every::operations;
use stage::{Stage, play};

fn scripts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
    files.into_iter().map(|file| (name(&file), fs::read_to_string(&file).unwrap())).collect()
}

/// Plays every script; says which refusals and which operations were seen.
fn play_all() -> (BTreeSet<Reject>, BTreeSet<String>) {
    let (mut refused, mut applied, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (name, text) in scripts() {
        let mut stage = Stage::new(genesis());
        for (index, line) in text.lines().enumerate() {
            if let Err(told) = stage.play(line) {
                wrong.push(format!("{name}:{}: {line}\n    {told}", index + 1));
            }
        }
        assert!(!stage.applied.is_empty(), "{name} applies nothing");
        refused.extend(stage.refused);
        applied.extend(stage.applied);
    }
    assert!(wrong.is_empty(), "{} lines do not hold:\n{}", wrong.len(), wrong.join("\n"));
    (refused, applied)
}

/// Refusals that no script can produce: why, and the test below that does.
const ELSEWHERE: &[(Reject, &str, fn())] = &[
    (Reject::GenesisInvalid, "no operation founds a network", a_genesis_that_cannot_found_a_network_is_refused),
    (Reject::Malformed, "a script writes operations, never bytes", bytes_that_are_no_operation_are_refused),
];

#[test]
fn every_line_of_every_script_holds_and_every_refusal_is_produced() {
    let (refused, applied) = play_all();
    for reject in Reject::ALL {
        let elsewhere = ELSEWHERE.iter().any(|(other, ..)| other == reject);
        assert!(refused.contains(reject) != elsewhere, "{}: in a script {}", reject.name(), refused.contains(reject));
    }
    let verbs = operations().into_iter().map(|(_, name)| name.to_lowercase());
    assert_eq!(applied, verbs.collect(), "each is applied by a script");
}

#[test]
fn a_script_that_expects_too_much_fails() {
    let play = |line: &str| Stage::new(genesis()).play(line);
    assert!(play("issuer issue alice 5 = ok").is_ok());
    assert!(play("issuer issue alice 5 = AmountZero").is_err());
    assert!(play("issuer issue alice 0 = ok").is_err());
    assert!(play("issuer issue alice 0 = AmountZero over NotIssuer").is_err(), "this order is not that of the numbers");
    assert!(play("balance alice 5").is_err());
    assert!(play("issuer issue alice 5 whim=1 = ok").is_err(), "an argument nobody reads");
    assert!(play("what").is_err());
}

#[test]
fn numbers_rise_without_repetition_and_admission_ends_below_20() {
    assert!(Reject::ALL.is_sorted_by(|a, b| a.number() < b.number()));
    for reject in Reject::ALL {
        assert_eq!(Reject::from_number(reject.number()), Some(*reject));
        assert_eq!(reject.is_admission(), *reject <= Reject::FeeUnpaid);
    }
    assert_eq!(Reject::from_number(12), None);
}

#[test]
fn a_genesis_that_cannot_found_a_network_is_refused() {
    let refused = |spoil: fn(&mut Genesis)| {
        let mut genesis = genesis();
        spoil(&mut genesis);
        State::new(genesis).err() == Some(Reject::GenesisInvalid)
    };
    assert!(!refused(|_| ()));
    assert!(!refused(|g| g.origin = "a".repeat(128)));
    assert!(!refused(|g| g.limits = Limits { parents: 0, ..g.limits }));
    assert!(refused(|g| g.origin.clear()));
    assert!(refused(|g| g.origin = "a b".into()));
    assert!(refused(|g| g.origin = "a+b".into()));
    assert!(refused(|g| g.origin = "a\n".into()));
    assert!(refused(|g| g.origin = "ä".into()));
    assert!(refused(|g| g.origin = "a".repeat(129)));
    assert!(refused(|g| g.replicas.clear()));
    assert!(refused(|g| g.replicas.push(g.replicas[0])));
    assert!(refused(|g| {
        g.replicas = (0..65).map(|i| key(&format!("replica {i}")).public()).collect();
        g.replicas.sort();
    }));
    assert!(refused(|g| {
        g.replicas = vec![key("a").public(), key("b").public()];
        g.replicas.sort_by(|a, b| b.cmp(a));
    }));
    assert!(refused(|g| g.limits.parents = 65));
    assert!(refused(|g| g.limits.weights = 257));
    assert!(refused(|g| g.limits.priced_works = 257));
    assert!(refused(|g| g.limits.lineage_walk = 65_537));
    assert!(refused(|g| g.limits.voucher_offers = 65));
    assert!(refused(|g| g.limits.settlement_pots = 1_025));
    assert!(refused(|g| g.limits.payout_pots = 65));
}

#[test]
fn bytes_that_are_no_operation_are_refused() {
    let state = State::new(genesis()).unwrap();
    let lift = Operation::Lift { weight: Digest::of(b"w") };
    let bytes = encode(&sign(request(&state, ("alice", "alice"), lift), "alice"));
    let read = |bytes: &[u8]| decode::<ledger::Signed<ledger::Request>>(bytes).err();
    assert_eq!(read(&bytes), None);
    assert_eq!(read(&bytes[..bytes.len() - 1]), Some(Reject::Malformed));
    assert_eq!(read(&[&bytes[..], &[0]].concat()), Some(Reject::Malformed), "something behind it");
    let mut unknown = bytes;
    // The operation's number stands behind network, account, key, sequence and not_after.
    unknown[112] = 19;
    assert_eq!(read(&unknown), Some(Reject::Malformed), "there is no operation 19");
}

#[test]
fn an_operation_may_be_16_kib_long_and_no_byte_longer() {
    let state = State::new(genesis()).unwrap();
    let signed =
        |length| sign(request(&state, ("alice", "alice"), Operation::Name { name: "a".repeat(length) }), "alice");
    let rest = encode(&signed(0)).len();
    for (bytes, refused) in [(16_384, None), (16_385, Some(Reject::TooLarge))] {
        assert_eq!(signed(bytes - rest).into_verified(state.network()).err(), refused, "{bytes}");
    }
}

#[test]
fn a_record_under_another_kind_of_key_is_refused() {
    let state = State::new(genesis()).unwrap();
    let totals = state.records().next().unwrap().1;
    let wrong = [(ledger::Key::Name("alice".into()), totals)];
    assert_eq!(State::from_records(genesis(), wrong).err(), Some(Reject::Malformed));
}

/// A verified operation is bound to the network it was verified for; a state of another one refuses it all the same.
#[test]
fn an_operation_verified_for_another_network_is_refused() {
    let elsewhere = Genesis { origin: "pumasi.test/elsewhere".into(), ..genesis() };
    let (state, mut other) = (State::new(genesis()).unwrap(), State::new(elsewhere).unwrap());
    let lift = Operation::Lift { weight: Digest::of(b"w") };
    let signed = sign(request(&state, ("issuer", "issuer"), lift), "issuer");
    let verified = signed.into_verified(state.network()).unwrap();
    assert_eq!(other.apply(Time(2_000), &verified), Err(Reject::WrongNetwork));
}

/// A fee that no amount can hold is one nobody can pay, not an overflow.
#[test]
fn fees_beyond_any_amount_are_unpaid() {
    let fees = Fees { byte: ledger::Amount(u128::MAX), ..Fees::default() };
    let state = State::new(Genesis { fees, ..genesis() }).unwrap();
    let redeem = Operation::Redeem { amount: ledger::Amount(1), reference: Digest([0; 32]) };
    let asked = request(&state, ("alice", "alice"), redeem);
    assert_eq!(state.admit(Time(2_000), &asked, 300), Err(Reject::FeeUnpaid));
    assert_eq!(state.account(&account("alice")).sequence, 0);
}

#[test]
fn the_corpus_does_no_harm() {
    corpus::replay("script", play);
}

/// A script with some of its lines replaced by those of any script, or some of their words by those of any line.
fn any_script() -> impl Strategy<Value = String> {
    let scripts: Vec<Vec<String>> =
        scripts().into_iter().map(|(_, text)| text.lines().map(str::to_owned).collect()).collect();
    let lines: Vec<String> = scripts.concat();
    let index = any::<prop::sample::Index>;
    let changes = proptest::collection::vec((index(), index(), index(), any::<bool>()), 1..20);
    (prop::sample::select(scripts), changes).prop_map(move |(mut script, changes)| {
        for (at, from, word, whole) in changes {
            let (at, from) = (at.index(script.len()), from.get(&lines));
            if whole {
                script[at].clone_from(from);
            } else if script[at].contains(" = ") && from.contains(" = ") {
                let mut words: Vec<_> = script[at].split(' ').filter(|word| !word.is_empty()).collect();
                let others: Vec<_> = from.split(' ').filter(|word| !word.is_empty()).collect();
                let place = word.index(words.len().min(others.len()));
                words[place] = others[place];
                script[at] = words.join(" ");
            }
        }
        script.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// More of them: `PROPTEST_CASES=100000 cargo test --release -p ledger --test script`.
    #[test]
    fn no_script_does_harm(script in any_script()) {
        play(script.as_bytes());
    }
}
