//! Where a script is played: reads a line, does what it says, and tells what is wrong with it.

mod asked;
mod words;

use ledger::{
    Amount, ChannelId, Digest, Effect, Genesis, Key, OfferId, Operation, Outcome, Record, Reject, Request, State, Time,
    encode,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::cast::{account, assert_conserved, genesis, key, request, sign};
pub use words::Words;

/// What a line may be wrong about.
pub type Wrong = String;

/// A ledger and the names that a script gave to things on it.
pub struct Stage {
    genesis: Genesis,
    /// Founded by the first line that needs it; the lines before may change the genesis.
    state: Option<State>,
    now: Time,
    /// Which key somebody rotated to.
    keys: BTreeMap<String, String>,
    offers: BTreeMap<String, OfferId>,
    channels: BTreeMap<String, ChannelId>,
    /// Names by what they stand for, to tell effects.
    labels: BTreeMap<[u8; 32], String>,
    /// Verbs that were applied.
    pub applied: BTreeSet<String>,
    /// Refusals that came.
    pub refused: BTreeSet<Reject>,
}

/// Target: text as a script. Most of its lines do not hold; the stage checks whatever they ask for all the same.
pub fn play(bytes: &[u8]) {
    let mut stage = Stage::new(genesis());
    for line in String::from_utf8_lossy(bytes).lines() {
        drop(stage.play(line));
    }
}

impl Stage {
    /// An empty stage.
    pub fn new(genesis: Genesis) -> Self {
        Self {
            now: genesis.founded,
            genesis,
            state: None,
            keys: BTreeMap::new(),
            offers: BTreeMap::new(),
            channels: BTreeMap::new(),
            labels: BTreeMap::new(),
            applied: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    fn state(&mut self) -> &mut State {
        self.state.get_or_insert_with(|| State::new(self.genesis.clone()).expect("the script's genesis"))
    }

    /// Plays one line.
    pub fn play(&mut self, line: &str) -> Result<(), Wrong> {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            return Ok(());
        }
        if let Some((asked, expected)) = line.split_once(" = ") {
            return self.check(Words::of(asked)?, expected.trim());
        }
        let mut words = Words::of(line)?;
        match words.next()?.as_str() {
            "at" => self.now = Time(words.number()?),
            "fee" | "deposit" | "limit" | "royalty_max" | "window" => self.found(Words::of(line)?)?,
            _ => {
                let mut words = Words::of(line)?;
                self.holds(&mut words)?;
                return words.end();
            }
        }
        Ok(())
    }

    fn found(&mut self, mut words: Words) -> Result<(), Wrong> {
        if self.state.is_some() {
            return Err("the network is founded already".into());
        }
        let (group, genesis) = (words.next()?, &mut self.genesis);
        let name = if matches!(group.as_str(), "fee" | "deposit" | "limit") { words.next()? } else { String::new() };
        match (group.as_str(), name.as_str()) {
            ("fee", "operation") => genesis.fees.operation = words.amount()?,
            ("fee", "byte") => genesis.fees.byte = words.amount()?,
            ("fee", "pot") => genesis.fees.pot = words.amount()?,
            ("deposit", "name") => genesis.deposits.name = words.amount()?,
            ("deposit", "artifact") => genesis.deposits.artifact = words.amount()?,
            ("deposit", "offer") => genesis.deposits.offer = words.amount()?,
            ("deposit", "channel") => genesis.deposits.channel = words.amount()?,
            ("limit", "parents") => genesis.limits.parents = words.number()?,
            ("limit", "weights") => genesis.limits.weights = words.number()?,
            ("limit", "priced_works") => genesis.limits.priced_works = words.number()?,
            ("limit", "lineage_walk") => genesis.limits.lineage_walk = words.number()?,
            ("limit", "voucher_offers") => genesis.limits.voucher_offers = words.number()?,
            ("limit", "settlement_pots") => genesis.limits.settlement_pots = words.number()?,
            ("limit", "payout_pots") => genesis.limits.payout_pots = words.number()?,
            ("royalty_max", _) => genesis.royalty_max = words.number()?,
            ("window", _) => genesis.dispute_window_ms = words.number()?,
            _ => return Err(format!("no such part of a genesis: {group} {name}")),
        }
        words.end()
    }

    /// Asks the ledger, and compares what comes of it. The single place that calls `apply`.
    fn check(&mut self, mut words: Words, expected: &str) -> Result<(), Wrong> {
        let (who, verb) = (words.next()?, words.next()?);
        let current = self.keys.get(&who).cloned().unwrap_or_else(|| who.clone());
        let operation = self.operation(&who, &verb, &mut words)?;
        let mut asked = request(self.state(), (&who, &current), operation.clone());
        let signer = spoil(&mut asked, &mut words, &current)?;
        let label = words.label.take();
        words.end()?;

        let (now, network) = (self.now, self.state().network());
        let before = self.state().clone();
        let verified = sign(asked, &signer).into_verified(network);
        let result = verified.and_then(|verified| self.state().apply(now, &verified));
        assert_conserved(self.state());
        if let Err(reject) = result {
            assert_left_alone(&before, self.state(), &who, reject);
        }
        match &result {
            Ok(outcome) => {
                self.remember(&who, &operation, &outcome.effect, label);
                self.applied.insert(verb);
            }
            Err(reject) => {
                self.refused.insert(*reject);
            }
        }
        self.compare(&result, expected)
    }

    fn compare(&self, result: &Result<Outcome, Reject>, expected: &str) -> Result<(), Wrong> {
        let (first, behind) = expected.split_once(" over ").unwrap_or((expected, ""));
        let told = match result {
            Err(reject) => reject.name().to_owned(),
            Ok(_) if first == "ok" => "ok".to_owned(),
            Ok(outcome) => self.tell(&outcome.effect),
        };
        let wanted = first.split_whitespace().collect::<Vec<_>>().join(" ");
        if told != wanted {
            return Err(format!("it is {told}"));
        }
        let number = |name: &str| Reject::ALL.iter().find(|reject| reject.name() == name).map(|reject| reject.number());
        if !behind.is_empty() && number(behind).ok_or(format!("no refusal {behind}"))? <= number(&wanted).unwrap_or(0) {
            return Err(format!("{behind} stands before {wanted}"));
        }
        Ok(())
    }

    fn remember(&mut self, who: &str, operation: &Operation, effect: &Effect, label: Option<String>) {
        let label = label.unwrap_or_default();
        match (operation, effect) {
            (Operation::Rotate { .. }, _) => {
                self.keys.insert(who.to_owned(), label);
            }
            (_, Effect::Offered(id)) => {
                self.offers.insert(label, *id);
            }
            (_, Effect::Opened(id)) => {
                self.channels.insert(label, *id);
            }
            _ => {}
        }
    }

    fn tell(&self, effect: &Effect) -> String {
        let label = |id: [u8; 32]| self.labels.get(&id).cloned().unwrap_or_else(|| "somebody".into());
        let mut parts: Vec<String> = match effect {
            Effect::Settled(_, settlement) => {
                settlement.royalties.iter().map(|c| format!("{}={}", label(c.artifact.0), c.amount)).collect()
            }
            Effect::PaidOut(paid) => paid.iter().map(|(id, amount)| format!("{}={amount}", label(id.0))).collect(),
            Effect::Finished { returned, .. } => vec![format!("returned={returned}")],
            _ => Vec::new(),
        };
        parts.sort();
        if let Effect::Settled(_, settlement) = effect {
            parts.insert(0, format!("fee={}", settlement.fee));
            parts.push(format!("total={}", settlement.total));
        }
        parts.insert(0, "ok".into());
        parts.join(" ")
    }

    /// Something that must be so.
    fn holds(&mut self, words: &mut Words) -> Result<(), Wrong> {
        let what = words.next()?;
        let ours = match what.as_str() {
            "balance" => self.state().account(&account(&words.next()?)).balance.to_string(),
            "sequence" => self.state().account(&account(&words.next()?)).sequence.to_string(),
            "key" => self.state().account(&account(&words.next()?)).key.to_string(),
            "pot" => self.pot(&words.next()?)?.balance().to_string(),
            "lifetime" => self.pot(&words.next()?)?.lifetime.to_string(),
            "deposits" => self.state().totals().deposits.to_string(),
            "pots" => self.state().totals().pots.to_string(),
            "operations" => self.state().totals().operations.to_string(),
            "supply" => {
                let totals = self.state().totals();
                totals.issued.minus(totals.redeemed).unwrap_or_default().to_string()
            }
            "named" => {
                let name = words.next()?;
                let owner = self.state().named(&name);
                owner.map_or("nobody".into(), |owner| self.labels.get(&owner.0).cloned().unwrap_or_default())
            }
            "tag" => {
                let key = Key::Tag(account(&words.next()?), words.next()?, words.next()?);
                match self.state().get(&key) {
                    Some(Record::Tag(id)) => self.labels.get(&id.0).cloned().unwrap_or_default(),
                    _ => "nothing".into(),
                }
            }
            "priced" => self.priced(&words.next()?)?,
            "channel" => self.channel(&words.next()?),
            _ => return Err(format!("nobody knows what {what} means")),
        };
        let mut wanted = words.rest();
        if what == "key" {
            wanted = key(&wanted).public().to_string();
        }
        if matches!(what.as_str(), "balance" | "pot" | "lifetime" | "deposits" | "pots" | "supply") {
            wanted = wanted.parse::<Amount>().map_err(|error| error.to_string())?.to_string();
        }
        if ours == wanted { Ok(()) } else { Err(format!("it is {ours}")) }
    }

    fn pot(&mut self, artifact: &str) -> Result<ledger::Pot, Wrong> {
        self.state().pot(&Digest::of(artifact.as_bytes())).cloned().ok_or("there is no such pot".into())
    }

    fn priced(&mut self, artifact: &str) -> Result<String, Wrong> {
        let artifact = self.state().artifact(&Digest::of(artifact.as_bytes())).cloned().ok_or("no such artifact")?;
        let mut names: Vec<_> =
            artifact.priced.iter().map(|id| self.labels.get(&id.0).cloned().unwrap_or_default()).collect();
        names.sort();
        Ok(if names.is_empty() { "nothing".into() } else { names.join(",") })
    }

    fn channel(&mut self, label: &str) -> String {
        let id = self.channels.get(label).copied();
        match id.and_then(|id| self.state().channel(&id).cloned()) {
            None => "gone".into(),
            Some(c) => {
                let closing = c.closing.map_or("open".into(), |end| format!("closing={}", end.0));
                format!("deposit={} spent={} number={} {closing}", c.deposit, c.spent, c.number)
            }
        }
    }
}

/// Applies the arguments that make a request wrong at the door. Says who signs.
fn spoil(asked: &mut Request, words: &mut Words, current: &str) -> Result<String, Wrong> {
    if let Some(by) = words.take("seq") {
        let by: i64 = by.parse().map_err(|_| "seq= takes +1 or -1")?;
        asked.sequence = asked.sequence.checked_add_signed(by).ok_or("there is no such sequence")?;
    }
    if let Some(time) = words.take("until") {
        asked.not_after = Time(words::number(&time)?);
    }
    if let Some(network) = words.take("network") {
        asked.network = Digest::of(network.as_bytes());
    }
    let mut signer = current.to_owned();
    if let Some(claims) = words.take("claims") {
        asked.key = key(&claims).public();
        signer = claims;
    }
    Ok(words.take("signer").unwrap_or(signer))
}

/// Checks that a refused operation changed nothing, or no more than time, sequence and fee.
///
/// # Panics
/// If it did.
fn assert_left_alone(before: &State, after: &State, who: &str, reject: Reject) {
    let by_key =
        |state: &State| state.records().map(|(key, record)| (key, encode(&record))).collect::<BTreeMap<_, _>>();
    let (mut old, mut new) = (by_key(before), by_key(after));
    if !reject.is_admission() {
        for key in [Key::Totals, Key::Account(account(who)), Key::Account(before.genesis().beneficiary)] {
            old.remove(&key);
            new.remove(&key);
        }
        let (was, is) = (before.account(&account(who)), after.account(&account(who)));
        assert_eq!(is.sequence, was.sequence + 1, "a refusal takes the sequence");
        assert_eq!((is.key, is.name, is.door), (was.key, was.name, was.door), "a refusal changed the account");
    }
    assert!(old == new, "{} changed something", reject.name());
}
