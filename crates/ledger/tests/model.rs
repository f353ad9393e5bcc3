//! Random runs against a model that remembers what happened and computes every balance anew from that.

mod cast;
mod every;
mod frozen;
mod naive;
mod proof;
mod world;

use ledger::{Amount, Deposits, Digest, Fees, Key, Operation, Outcome, Record, Reject, Request, State, Time, encode};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use cast::{account, assert_conserved, sign};
use every::operations;
use naive::Model;
use world::{PEOPLE, Step, World, founding, funding, step};

/// A ledger, the model beside it, and what has come of it all.
struct Run {
    state: State,
    model: Model,
    world: World,
    now: u64,
    seen: Seen,
}

#[derive(Default)]
struct Seen {
    operations: usize,
    applied: BTreeMap<String, usize>,
    refused: BTreeSet<Reject>,
}

type Records = BTreeMap<Key, Vec<u8>>;

fn records(state: &State) -> Records {
    state.records().map(|(key, record)| (key, encode(&record))).collect()
}

impl Run {
    fn new(genesis: ledger::Genesis) -> Self {
        let now = genesis.founded.0;
        let state = State::new(genesis.clone()).unwrap();
        Self { state, model: Model::new(genesis), world: World::default(), now, seen: Seen::default() }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.now += u64::from(step.wait_ms);
        let (request, signer) = self.world.request(&self.state, step);
        let signed = sign(request, if step.spoil == 6 { "mallory" } else { &signer });
        let (asked, bytes) = (signed.body.clone(), encode(&signed).len());
        let (before, state_before) = (records(&self.state), self.state.clone());
        // What is asked for now and then only, so that the changes of several operations are hashed together.
        if step.other.is_multiple_of(4) {
            self.state.root();
        }
        let result =
            signed.into_verified(self.state.network()).and_then(|verified| self.state.apply(Time(self.now), &verified));
        self.seen.operations += 1;
        match result {
            Err(reject) if reject.is_admission() => {
                self.seen.refused.insert(reject);
                prop_assert!(before == records(&self.state), "{} changed something", reject.name());
            }
            Err(reject) => {
                self.seen.refused.insert(reject);
                self.model.charge(&asked, bytes);
                self.assert_only_paid(&before, &state_before, &asked)?;
            }
            Ok(outcome) => {
                self.model.charge(&asked, bytes);
                self.happened(&state_before, &asked, &outcome)?;
            }
        }
        assert_conserved(&self.state);
        self.model.assert_agrees(&self.state)
    }

    /// A refusal behind the door takes time, sequence and fee, and changes nothing else.
    fn assert_only_paid(&self, before: &Records, old: &State, asked: &Request) -> Result<(), TestCaseError> {
        let beneficiary = old.genesis().beneficiary;
        for (key, record) in self.state.records() {
            let was = before.get(&key).cloned().unwrap_or_default();
            match (&key, record) {
                (Key::Totals, Record::Totals(totals)) => {
                    let mut expected = old.totals().clone();
                    (expected.time, expected.operations) = (Time(self.now), expected.operations + 1);
                    prop_assert_eq!(totals, expected);
                }
                (Key::Account(id), Record::Account(is)) if *id == asked.account || *id == beneficiary => {
                    let mut expected = old.account(id);
                    expected.balance = is.balance; // the model knows it
                    expected.sequence += u64::from(*id == asked.account);
                    prop_assert_eq!(is, expected);
                }
                (_, record) => prop_assert!(encode(&record) == was, "{key:?} changed"),
            }
        }
        prop_assert!(before.keys().all(|key| self.state.get(key).is_some()), "a record is gone");
        Ok(())
    }

    fn happened(&mut self, old: &State, asked: &Request, outcome: &Outcome) -> Result<(), TestCaseError> {
        *self.seen.applied.entry(every::name(&asked.operation)).or_default() += 1;
        if let Operation::Rotate { .. } = asked.operation {
            let who = PEOPLE.iter().position(|name| account(name) == asked.account).unwrap();
            self.world.keys[who] += 1;
        }
        match outcome.effect {
            ledger::Effect::Offered(id) => self.world.offers.push(id),
            ledger::Effect::Opened(id) => self.world.channels.push(id),
            _ => {}
        }
        self.model.happened((old, &self.state), asked, &outcome.effect)
    }
}

/// Checks that a rebuilt state is the same: the incremental root is that of the records alone.
///
/// # Panics
/// If not.
fn assert_rebuilds(state: &mut State) {
    let mut rebuilt = State::from_records(state.genesis().clone(), state.records()).expect("its own records");
    assert_eq!(rebuilt.root(), state.root(), "the root of the same records");
    assert!(records(&rebuilt) == records(state), "records differ");
}

/// What must hold of any state, and costs more than a step should.
fn settle_accounts(run: &mut Run) -> Result<(), TestCaseError> {
    let root = run.state.root();
    run.state.take_changes(|key, _| panic!("{key:?} was told already"));
    assert_rebuilds(&mut run.state);
    prop_assert_eq!(run.state.root(), root);
    proof::assert_proves_all(&mut run.state)?;
    naive::assert_payout_has_no_order(&run.state)
}

#[test]
fn a_market_of_chance_keeps_its_books() {
    let seen = RefCell::new(Seen::default());
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let runs = (founding(), proptest::collection::vec(step(), 50..250));
    let play = |(genesis, steps): (ledger::Genesis, Vec<Step>)| {
        let mut run = Run::new(genesis);
        for (number, step) in funding().chain(steps).enumerate() {
            run.step(&step)?;
            if number % 64 == 63 {
                settle_accounts(&mut run)?;
            }
        }
        settle_accounts(&mut run)?;
        let mut seen = seen.borrow_mut();
        seen.operations += run.seen.operations;
        run.seen.applied.into_iter().for_each(|(verb, times)| *seen.applied.entry(verb).or_default() += times);
        seen.refused.extend(run.seen.refused);
        Ok(())
    };
    TestRunner::new(config).run(&runs, play).unwrap_or_else(|failure| panic!("{failure}"));
    let seen = seen.into_inner();
    assert!(seen.operations > 3_000, "{} operations", seen.operations);
    println!("applied {:?}\nrefused {:?}", seen.applied, seen.refused);
    let every: BTreeSet<String> = operations().into_iter().map(|(_, name)| name).collect();
    assert_eq!(seen.applied.into_keys().collect::<BTreeSet<_>>(), every, "each operation is applied at least once");
    assert!(seen.refused.len() > 30, "most refusals come");
}

/// A step made of a number: the same in every run.
fn fixed_step(number: u32) -> Step {
    let [by, verb, which, other, high, low, wait_ms, spoil, ..] = Digest::of(&number.to_le_bytes()).0;
    Step { by, verb, which, other, amount: u16::from_le_bytes([low, high]), wait_ms: wait_ms % 40, spoil }
}

#[test]
fn a_fixed_history_leads_to_the_roots_it_led_to() {
    let mut genesis = cast::genesis();
    genesis.fees = Fees { operation: Amount(2), byte: Amount(1), pot: Amount(3) };
    genesis.deposits = Deposits { name: Amount(10), artifact: Amount(20), offer: Amount(30), channel: Amount(40) };
    let mut run = Run::new(genesis);
    let mut text = String::new();
    for (number, step) in funding().chain((0..600).map(fixed_step)).enumerate() {
        run.step(&step).unwrap();
        if number % 40 == 39 {
            text.push_str(&format!("{} operations: {}\n", number + 1, run.state.root()));
        }
    }
    settle_accounts(&mut run).unwrap();
    assert!(run.seen.applied.len() >= 17, "it is about nearly everything: {:?}", run.seen.applied);
    frozen::assert_frozen("history.txt", &text);
}
