//! What came in to an account, and what was used for it, from the records, the index and the journal.

use api::{
    LedgerError,
    income::{Earnings, Fee, RECEIVED_MAX, Received, Royalty},
    log::Entry,
};
use ledger::{AccountId, Amount, ArtifactId, Operation, Payee, Pot, Record, Request, Signed, Time, Usage};
use std::{cmp::Reverse, collections::BTreeMap};

use crate::{Replica, index::sum, lock::read};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

impl Replica {
    /// The transfers to an account from entry `from` on, oldest first.
    pub(crate) fn received_by(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError> {
        // What is fresh first: it moves to the index, never back. What is in both is told once.
        let mut found: BTreeMap<u64, Received> = {
            let view = read(&self.0.view);
            let done = view.fresh().filter(|done| done.entry >= from && done.answer.is_ok());
            done.filter_map(|done| Some((done.entry, received(account, done.entry, done.at, &done.signed)?))).collect()
        };
        let known = self.0.index.received(account, from, RECEIVED_MAX).map_err(|error| self.0.unreachable(&error))?;
        for entry in known {
            let Entry::Operation { at, signed, .. } = self.0.log_entry(entry)? else { continue };
            found.extend(received(account, entry, at, &signed).map(|received| (entry, received)));
        }
        Ok(found.into_values().take(RECEIVED_MAX).collect())
    }

    /// What an account earned on its last `days` days.
    pub(crate) fn earned_by(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError> {
        let first = ((self.0.clock)().0 / DAY_MS).saturating_add(1).saturating_sub(u64::from(days));
        let failed = |error| self.0.unreachable(&error);
        let mut royalties = Vec::new();
        for (artifact, payees) in self.works_of(account) {
            for (day, usage, earned) in self.0.index.days_since(artifact, first).map_err(failed)? {
                royalties.push(Royalty { artifact, day, usage, amount: part(&payees, account, earned) });
            }
        }
        royalties.sort_by_key(|royalty| (Reverse(royalty.day), Reverse(royalty.amount), royalty.artifact));
        let fees = self.0.index.fees_since(account, first).map_err(failed)?;
        let fees = fees.into_iter().map(|(day, usage, amount)| Fee { day, usage, amount }).collect();
        Ok(Earnings { royalties, fees })
    }

    /// Tokens of all settled answers that each artifact ran itself.
    pub(crate) fn used_by_all(&self) -> Result<Vec<(ArtifactId, Usage)>, LedgerError> {
        // What is fresh first: it moves to the index, never back. What the index knew by then counts there.
        let fresh: Vec<_> = read(&self.0.view).fresh.iter().cloned().collect();
        let (entries, known) = self.0.index.used().map_err(|error| self.0.unreachable(&error))?;
        let mut used: BTreeMap<ArtifactId, Usage> = known.into_iter().collect();
        let newer = fresh.iter().flat_map(|group| &group.done).filter(|done| done.entry >= entries);
        for (artifact, usage) in newer.flat_map(|done| &done.used) {
            let before = used.entry(*artifact).or_default();
            *before = sum(*before, *usage);
        }
        used.retain(|_, usage| *usage != Usage::default());
        Ok(used.into_iter().collect())
    }

    /// The artifacts that pay an account.
    fn works_of(&self, account: AccountId) -> Vec<(ArtifactId, Vec<Payee>)> {
        let work = |(key, record)| match (key, record) {
            (ledger::Key::Artifact(id), Record::Artifact(artifact)) => {
                let payees = artifact.publish.payees;
                payees.iter().any(|payee| payee.account == account).then_some((id, payees))
            }
            _ => None,
        };
        read(&self.0.view).list(api::List::Artifacts).into_iter().filter_map(work).collect()
    }
}

/// A transfer to an account, if that is what an applied operation is.
fn received(account: AccountId, entry: u64, at: Time, signed: &Signed<Request>) -> Option<Received> {
    match &signed.body.operation {
        Operation::Transfer { to, amount, reference } if *to == account => {
            Some(Received { entry, at, from: signed.body.account, amount: *amount, reference: *reference })
        }
        _ => None,
    }
}

/// A payee's part of what a pot received.
fn part(payees: &[Payee], account: AccountId, earned: Amount) -> Amount {
    let due = Pot { lifetime: earned, paid: vec![Amount::ZERO; payees.len()] }.due(payees);
    payees.iter().zip(due).filter(|(payee, _)| payee.account == account).map(|(_, due)| due).sum()
}
