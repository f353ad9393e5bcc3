//! What every audit checks, wherever the entries come from.

use api::log::open_note;
use ledger::{Amount, Digest, Effect, Genesis, Head, State, log_tree, log_tree::Frontier};
use std::path::PathBuf;

use super::{Finding, Progress, Report, Step, money};
use crate::{
    decide::Done,
    journal::{Damage, Raw},
    replay::Replay,
};

/// The sums of money are checked once in so many entries, and at the end.
const MONEY_ENTRIES: u64 = 16_384;

/// A head that the log must lead to.
struct Expected {
    head: Head,
    whose: &'static str,
}

/// An audit under way.
pub(crate) struct Auditor<P, W> {
    /// The file, if the log is one.
    pub path: Option<PathBuf>,
    /// Entries there are, if known.
    pub of: Option<u64>,
    progress: P,
    watch: W,
    replay: Option<Replay>,
    frontier: Frontier,
    expected: Vec<Expected>,
    signed: Option<Head>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    applied: u64,
    refused: u64,
    settlements: u64,
    settled: Amount,
    paid_out: Amount,
}

impl<P: FnMut(Progress), W: FnMut(Step<'_>)> Auditor<P, W> {
    pub(crate) fn new(remembered: Option<Head>, progress: P, watch: W) -> Self {
        let expected = remembered.map(|head| Expected { head, whose: "that was remembered" });
        Self {
            path: None,
            of: None,
            progress,
            watch,
            replay: None,
            frontier: Frontier::new(),
            expected: expected.into_iter().collect(),
            signed: None,
            counts: Counts::default(),
        }
    }

    /// Checks the next entries.
    pub(super) fn feed(&mut self, entries: &[Raw]) -> Result<(), Finding> {
        let before = self.frontier.size();
        let replayed = self.replay(entries);
        // Heads over what stands before a wrong entry come first: the first wrong place is told.
        let good = |raw: &&Raw| replayed.as_ref().err().is_none_or(|damage| raw.entry < damage.entry);
        for raw in entries.iter().take_while(good) {
            self.frontier.push_leaf(log_tree::leaf(&raw.bytes));
            self.check_heads()?;
        }
        let done = replayed.map_err(|damage| self.wrong(damage))?;
        done.iter().for_each(|done| self.counts.add(done));
        if before / MONEY_ENTRIES != self.frontier.size() / MONEY_ENTRIES {
            self.check_money()?;
        }
        (self.progress)(Progress { done: self.frontier.size(), of: self.of });
        Ok(())
    }

    fn replay(&mut self, entries: &[Raw]) -> Result<Vec<Done>, Damage> {
        let (replay, entries) = match (&mut self.replay, entries) {
            (Some(replay), entries) => (replay, entries),
            (None, [first, rest @ ..]) => (self.replay.insert(Replay::found(first)?), rest),
            (None, []) => return Ok(Vec::new()),
        };
        let watch = &mut self.watch;
        replay.feed_watched(entries, |state, done| {
            if let Ok(outcome) = &done.answer {
                watch(Step { entry: done.entry, at: done.at, request: &done.signed.body, outcome, state });
            }
        })
    }

    pub(super) fn wrong(&self, damage: Damage) -> Finding {
        let Damage { entry, offset, what } = damage;
        Finding::Wrong { entry, path: self.path.clone(), offset, what }
    }

    fn check_heads(&self) -> Result<(), Finding> {
        let size = self.frontier.size();
        for Expected { head, whose } in self.expected.iter().filter(|expected| expected.head.size == size) {
            let root = self.frontier.root();
            if head.root != root {
                return Err(Finding::History(format!(
                    "the log was rewritten: its first {size} entries have the root {root}, and the head {whose} says {}",
                    head.root
                )));
            }
        }
        Ok(())
    }

    fn check_money(&self) -> Result<(), Finding> {
        let state = self.replay.as_ref().map(|replay| &replay.state);
        state.map_or(Ok(()), money::check).map_err(|what| {
            Finding::History(format!("after {} entries {what}; this is a fault in the rules", self.frontier.size()))
        })
    }

    /// The founding document, once the first entry was fed.
    pub(super) fn genesis(&self) -> Option<&Genesis> {
        self.replay.as_ref().map(|replay| replay.state.genesis())
    }

    /// Checks a signed head. If it is about entries that are yet to come, they are compared when they do.
    pub(super) fn expect_note(&mut self, note: &str) -> Result<(), Finding> {
        let Some(genesis) = self.genesis() else { return Ok(()) };
        let head = open_note(note, &genesis.origin, &genesis.replicas);
        let head = head.map_err(|what| Finding::History(format!("the signed head is not good: {what}")))?;
        self.expected.push(Expected { head, whose: "that the replica signed" });
        self.signed = Some(head);
        self.check_heads()
    }

    /// Ends the audit: the log is complete. Gives the state it led to as well.
    pub(super) fn finish(self, unfinished_bytes: u64) -> Result<(Report, State), Finding> {
        let size = self.frontier.size();
        if let Some(Expected { head, whose }) = self.expected.iter().find(|expected| expected.head.size > size) {
            let more = head.size;
            return Err(Finding::History(format!("the log has {size} entries, and the head {whose} is over {more}")));
        }
        self.check_money()?;
        let Some(Replay { state, at_root: true, .. }) = self.replay else {
            return Err(Finding::History("the log does not end with the root of the state".into()));
        };
        let (totals, counts) = (state.totals(), self.counts);
        let report = Report {
            network: state.network(),
            origin: state.genesis().origin.clone(),
            entries: size,
            applied: counts.applied,
            refused: counts.refused,
            settlements: counts.settlements,
            settled: counts.settled,
            paid_out: counts.paid_out,
            supply: totals.issued.minus(totals.redeemed).unwrap_or_default(),
            head: Head { size, root: self.frontier.root() },
            signed: self.signed,
            unfinished_bytes,
        };
        Ok((report, state))
    }

    /// The network, once the first entry was fed.
    pub(super) fn network(&self) -> Option<Digest> {
        self.replay.as_ref().map(|replay| replay.state.network())
    }
}

impl Counts {
    fn add(&mut self, done: &Done) {
        let Ok(outcome) = &done.answer else {
            self.refused += 1;
            return;
        };
        self.applied += 1;
        match &outcome.effect {
            Effect::Settled(_, settlement) => {
                self.settlements += 1;
                self.settled = self.settled.plus(settlement.total).unwrap_or(self.settled);
            }
            Effect::PaidOut(payments) => {
                let sum = payments.iter().try_fold(self.paid_out, |sum, (_, amount)| sum.plus(*amount));
                self.paid_out = sum.unwrap_or(self.paid_out);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{account, genesis};
    use ledger::{Account, Key, Record};

    /// No log leads to wrong sums as long as the rules are right. Should they not be, the end of each audit tells.
    #[test]
    fn the_sums_of_money_are_checked_at_the_end() {
        let good = State::new(genesis()).unwrap();
        let finish = |state: State| {
            let mut auditor = Auditor::new(None, |_| {}, |_| {});
            auditor.replay = Some(Replay::resume(state, 2));
            auditor.finish(0).map(|(report, _)| report.supply)
        };
        assert_eq!(finish(good.clone()), Ok(Amount::ZERO));
        let rich = Account { balance: Amount(1), ..Account::new(account(1)) };
        let records = good.records().chain([(Key::Account(account(1)), Record::Account(rich))]);
        let wrong = State::from_records(genesis(), records).unwrap();
        let Err(Finding::History(said)) = finish(wrong) else { panic!("a credit out of nothing") };
        assert!(said.contains("a fault in the rules"), "{said}");
    }
}
