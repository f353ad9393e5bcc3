//! The index against a plain list: whatever the parts in which it learned, it answers as looking through all of them does.

use super::*;
use crate::{
    decide::Done,
    index::{Filter, Index, Known, Thing},
    view::Fresh,
};
use ledger::{Effect, Head, Outcome, Reject, Signature};
use proptest::{prelude::*, test_runner::TestCaseError};
use std::collections::HashMap;

const PEOPLE: u8 = 4;

/// What somebody did: who, to whom, and how it went.
#[derive(Debug, Clone, Copy)]
struct Act {
    by: u8,
    to: u8,
    kind: u8,
}

/// Acts in the parts that the index learns, long ones among them.
fn parts() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let act = (0..PEOPLE, 0..PEOPLE, 0..5u8).prop_map(|(by, to, kind)| Act { by, to, kind });
    let part = prop_oneof![3 => prop::collection::vec(act.clone(), 1..4), 1 => prop::collection::vec(act, 1..900)];
    prop::collection::vec(part, 1..12)
}

/// An act as the ledger would have decided it.
fn done(act: Act, entry: u64, sequence: u64) -> Done {
    let Act { by, to, kind } = act;
    let operation = match kind {
        0 => Operation::Retire { artifact: Digest([to; 32]) },
        1 => Operation::Payout { artifacts: vec![Digest([to; 32]), Digest([to; 32])] },
        _ => Operation::Transfer { to: account(to), amount: Amount(1), reference: Digest([7; 32]) },
    };
    let effect = match kind {
        1 => Effect::PaidOut(vec![(account(to), Amount(entry.into())); 2]),
        _ => Effect::Done,
    };
    let (by, not_after) = (account(by), Time(u64::MAX));
    let body = Request { network: Digest([1; 32]), account: by, key: key(0).public(), sequence, not_after, operation };
    let signed = Arc::new(Signed { body, signature: Signature([0; 64]) });
    let answer =
        if kind == 2 { Err(Reject::BalanceTooLow) } else { Ok(Outcome { fee: Amount(sequence.into()), effect }) };
    Done { entry, at: Time(entry), signed, answer, used: Vec::new() }
}

/// Whether an operation concerns somebody or something, and whether it is a transfer that was received.
fn concerns(done: &Done, thing: Thing) -> (bool, bool) {
    let (body, went) = (&done.signed.body, done.answer.is_ok());
    let made = thing == Thing::Account(body.account);
    match &body.operation {
        Operation::Transfer { to, .. } => {
            let named = thing == Thing::Account(*to);
            (made || named, named && went)
        }
        Operation::Retire { artifact } => (made || thing == Thing::Artifact(*artifact), false),
        Operation::Payout { artifacts } => {
            let paid = |(to, _): &(_, _)| thing == Thing::Account(*to);
            let paid = matches!(&done.answer, Ok(Outcome { effect: Effect::PaidOut(all), .. }) if all.iter().any(paid));
            (made || paid || artifacts.iter().any(|artifact| thing == Thing::Artifact(*artifact)), false)
        }
        _ => (made, false),
    }
}

fn known(done: &Done) -> Known {
    Known { entry: done.entry, answer: done.answer.clone() }
}

fn agree(index: &Index, all: &[Done], (before, limit): (u64, usize)) -> Result<(), TestCaseError> {
    let newest = |thing: Option<Thing>| {
        let wanted = |done: &&Done| done.entry < before && thing.is_none_or(|thing| concerns(done, thing).0);
        all.iter().rev().filter(wanted).take(limit).map(known).collect::<Vec<_>>()
    };
    let people = (0..=PEOPLE).map(|number| Thing::Account(account(number)));
    let things = people.chain((0..=PEOPLE).map(|number| Thing::Artifact(Digest([number; 32])))).map(Some);
    for thing in things.chain([None]) {
        let filter = Filter { thing, before: Some(before), limit };
        prop_assert_eq!(index.operations(filter).unwrap(), newest(thing));
    }
    for number in 0..=PEOPLE {
        let account = account(number);
        let received = |done: &&Done| done.entry >= before && concerns(done, Thing::Account(account)).1;
        let received: Vec<u64> = all.iter().filter(received).take(limit).map(|done| done.entry).collect();
        prop_assert_eq!(index.received(account, before, limit).unwrap(), received);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_answers_as_a_plain_list_does(
        parts in parts(),
        places in prop::collection::vec((0..3_000u64, 1..400usize), 8),
        // Runs of one epoch of 2^20 entries lie together.
        start in prop_oneof![Just(1), (1u64 << 20) - 900..1 << 20],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path()).unwrap();
        let (mut all, mut next, mut sequences) = (Vec::new(), start, HashMap::<u8, u64>::new());
        for part in parts {
            let fresh: Vec<Done> = part.into_iter().map(|act| {
                let sequence = sequences.entry(act.by).or_default();
                let done = done(act, next, *sequence);
                (next, *sequence) = (next + 1, *sequence + 1);
                done
            }).collect();
            all.extend(fresh.iter().cloned());
            // A group ends with an entry that is no operation.
            next += 1;
            let head = Head { size: next, root: Digest([9; 32]) };
            let fresh = vec![Arc::new(Fresh { done: fresh, head })];
            index.learn(fresh.clone(), head, false).unwrap();
            index.learn(fresh, head, false).unwrap();
        }
        let places = places.into_iter().map(|(place, limit)| (start + place, limit));
        for place in places.chain([(0, 1), (0, 10_000), (u64::MAX, 1), (u64::MAX, 10_000)]) {
            agree(&index, &all, place)?;
        }
        for entry in start - 1..=next {
            let expected = all.iter().find(|done| done.entry == entry).map(known);
            prop_assert_eq!(index.entry(entry).unwrap(), expected);
        }
        for done in &all {
            let body = &done.signed.body;
            prop_assert_eq!(index.operation(body.account, body.sequence).unwrap(), Some(known(done)));
        }
        for (number, sequence) in sequences {
            prop_assert_eq!(index.operation(account(number), sequence).unwrap(), None, "not made yet");
        }
    }
}
