//! What this provider offers or tries to, in this run, as its owner sees it.

use api::offers::{BackendView, OfferState, OwnOffer};
use ledger::{ArtifactId, OfferId, Time, Usage};
use std::{
    collections::HashSet,
    sync::{
        Arc, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{By, Plan};
use crate::{
    Backend,
    provider::{Seller, now},
};

/// What was answered of an offer in this run.
#[derive(Debug, Default)]
pub struct Tallies {
    running: AtomicU64,
    answered: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
}

impl Tallies {
    /// An answer begins.
    pub fn begin(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer ended.
    pub fn end(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// It was receipted.
    pub fn count(&self, usage: Usage) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.input.fetch_add(usage.input, Ordering::Relaxed);
        self.output.fetch_add(usage.output, Ordering::Relaxed);
    }
}

/// The list.
#[derive(Default)]
pub struct Own {
    last: u64,
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    number: u64,
    plan: Plan,
    state: OfferState,
    offer: Option<OfferId>,
    message: Option<String>,
    notes: Vec<String>,
    /// What the server calls the model.
    upstream_model: Option<String>,
    context: Option<u32>,
    since: Time,
    tallies: Arc<Tallies>,
}

impl Own {
    /// Something is being tried.
    pub fn begin(&mut self, plan: &Plan) -> u64 {
        self.last += 1;
        // An earlier failure is not news any more.
        self.forget_failed(plan.artifact);
        self.entries.push(Entry {
            number: self.last,
            plan: plan.clone(),
            state: OfferState::Loading,
            offer: None,
            message: None,
            notes: Vec::new(),
            upstream_model: None,
            context: None,
            since: now(),
            tallies: Arc::default(),
        });
        self.last
    }

    fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.number == number)
    }

    /// It runs, with this context, and its owner should know this.
    pub fn runs(&mut self, number: u64, context: u32, upstream_model: Option<String>, notes: Vec<String>) {
        if let Some(entry) = self.entry(number) {
            (entry.context, entry.upstream_model, entry.notes) = (Some(context), upstream_model, notes);
        }
    }

    /// It stands on the ledger and is answered. It may be the very offer that stood before.
    pub fn stands(&mut self, number: u64, id: OfferId, since: Time) {
        self.entries.retain(|entry| entry.offer != Some(id));
        if let Some(entry) = self.entry(number) {
            (entry.state, entry.offer, entry.since) = (OfferState::Running, Some(id), since);
        }
    }

    /// It is not offered, and why.
    pub fn fail(&mut self, number: u64, message: String) {
        if let Some(entry) = self.entry(number) {
            (entry.state, entry.message) = (OfferState::Failed, Some(message));
        }
    }

    /// True until its owner gave it up.
    pub fn is_wanted(&mut self, number: u64) -> bool {
        self.entry(number).is_some()
    }

    /// True if an artifact is being tried.
    pub fn is_loading(&self, artifact: ArtifactId) -> bool {
        self.entries.iter().any(|entry| entry.plan.artifact == artifact && entry.state == OfferState::Loading)
    }

    /// What is being tried of an artifact is not wanted any more.
    pub fn give_up(&mut self, artifact: ArtifactId) {
        self.entries.retain(|entry| entry.plan.artifact != artifact || entry.state != OfferState::Loading);
    }

    /// Failures with an artifact are not news any more.
    pub fn forget_failed(&mut self, artifact: ArtifactId) {
        self.entries.retain(|entry| entry.plan.artifact != artifact || entry.state != OfferState::Failed);
    }

    /// Its counters, which go on while it moves to another worker.
    pub fn tallies(&mut self, number: u64) -> Arc<Tallies> {
        self.entry(number).map(|entry| Arc::clone(&entry.tallies)).unwrap_or_default()
    }

    /// An artifact is not offered any more, but by one offer. Gives the offers that end.
    pub fn leave(&mut self, artifact: ArtifactId, but: Option<OfferId>) -> HashSet<OfferId> {
        let of = |entry: &&mut Entry| entry.plan.artifact == artifact && entry.offer != but;
        let ends = self.entries.iter_mut().filter(of).filter(|entry| entry.state == OfferState::Running);
        ends.filter_map(|entry| {
            entry.state = OfferState::Withdrawn;
            entry.offer
        })
        .collect()
    }

    /// The artifact of an offer.
    pub fn artifact(&self, offer: OfferId) -> Option<ArtifactId> {
        self.entries.iter().find(|entry| entry.offer == Some(offer)).map(|entry| entry.plan.artifact)
    }

    /// True if there is anything of an artifact.
    pub fn has(&self, artifact: ArtifactId) -> bool {
        self.entries.iter().any(|entry| entry.plan.artifact == artifact && entry.state != OfferState::Withdrawn)
    }

    /// What failed at servers that may be back, and does not stand otherwise.
    pub fn failed_upstreams(&self) -> Vec<Plan> {
        let stands = |artifact| {
            self.entries.iter().any(|entry| entry.plan.artifact == artifact && entry.state == OfferState::Running)
        };
        let failed = self.entries.iter().filter(|entry| entry.state == OfferState::Failed);
        let servers = failed.filter(|entry| entry.plan.base().is_none() && !stands(entry.plan.artifact));
        servers.map(|entry| entry.plan.clone()).collect()
    }
}

impl Seller {
    /// The list, to read or change it.
    pub fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is offered here or tried. What was withdrawn is there as long as its last answers run.
    pub async fn own_offers(&self) -> Vec<OwnOffer> {
        let entries = {
            let mut own = self.own();
            let ended = |entry: &Entry| {
                entry.state == OfferState::Withdrawn && entry.tallies.running.load(Ordering::Relaxed) == 0
            };
            own.entries.retain(|entry| !ended(entry));
            own.entries.clone()
        };
        let mut shown = Vec::new();
        for entry in entries {
            shown.push(self.show(entry).await);
        }
        shown
    }

    /// One of them.
    pub async fn own_offer(&self, number: u64) -> Option<OwnOffer> {
        let entry = self.own().entry(number).cloned()?;
        Some(self.show(entry).await)
    }

    async fn show(&self, entry: Entry) -> OwnOffer {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OwnOffer {
            number: entry.number,
            id: entry.offer.map(|id| id.to_string()),
            artifact: entry.plan.artifact.to_string(),
            name: self.name(entry.plan.artifact).await,
            state: entry.state,
            backend: self.backend(&entry).await,
            fee: entry.plan.fee,
            context: entry.context,
            since: entry.since.0,
            running: count(&entry.tallies.running),
            answered: count(&entry.tallies.answered),
            input: count(&entry.tallies.input),
            output: count(&entry.tallies.output),
            message: entry.message,
            notes: entry.notes,
        }
    }

    async fn backend(&self, entry: &Entry) -> BackendView {
        match &entry.plan.by {
            By::Upstream { server, .. } => {
                let model = entry.upstream_model.clone().or_else(|| server.model.clone()).unwrap_or_default();
                BackendView::Upstream { url: server.url.clone(), model }
            }
            By::Worker { base, .. } => {
                let served = entry
                    .offer
                    .and_then(|offer| self.served.read().unwrap_or_else(PoisonError::into_inner).get(&offer).cloned());
                let pid = served.and_then(|served| match &served.backend {
                    Backend::Worker { engine, .. } => Some(engine.pid()).filter(|pid| *pid != 0),
                    Backend::Upstream(_) => None,
                });
                let base = match base {
                    Some(base) => Some(self.name(base.0).await),
                    None => None,
                };
                BackendView::Worker { base, pid, memory_bytes: pid.and_then(memory_bytes) }
            }
        }
    }
}

/// The memory of a process that is in use; known on Linux.
fn memory_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Digest;

    #[test]
    fn other_terms_end_the_offer_before_and_a_failure_does_not() {
        let (mut own, artifact) = (Own::default(), Digest([1; 32]));
        let plan = Plan::model(artifact);
        let (a, b) = (OfferId([1; 32]), OfferId([2; 32]));
        let states = |own: &Own| own.entries.iter().map(|entry| entry.state).collect::<Vec<_>>();
        let first = own.begin(&plan);
        assert!(own.is_loading(artifact));
        own.stands(first, a, Time(1));
        let second = own.begin(&plan);
        own.fail(second, "no memory".into());
        assert_eq!(states(&own), [OfferState::Running, OfferState::Failed]);
        let third = own.begin(&plan);
        own.stands(third, b, Time(2));
        assert_eq!(own.leave(artifact, Some(b)), HashSet::from([a]));
        assert_eq!(states(&own), [OfferState::Withdrawn, OfferState::Running]);
        let fourth = own.begin(&plan);
        own.stands(fourth, b, Time(3));
        assert_eq!(states(&own), [OfferState::Withdrawn, OfferState::Running], "the same terms are the same offer");
        let fifth = own.begin(&plan);
        own.give_up(artifact);
        assert!(!own.is_wanted(fifth) && own.is_wanted(fourth));
    }
}
