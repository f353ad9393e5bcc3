//! Artifacts: publish, tag, retire; the lineage and its priced works.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use crate::{AccountId, Artifact, ArtifactId, Digest, Effect, Pot, Publish, Reject, State, Weight};

const PAYEES_MAX: usize = 16;

impl State {
    pub(crate) fn publish(&mut self, publisher: AccountId, publish: &Publish) -> Result<Effect, Reject> {
        if self.artifact(&publish.manifest).is_some() {
            return Err(Reject::ArtifactExists);
        }
        if !label_good(&publish.name) || !label_good(&publish.tag) {
            return Err(Reject::ArtifactNameInvalid);
        }
        if !payees_good(publish) {
            return Err(Reject::PayeesInvalid);
        }
        let royalty_max = self.genesis().royalty_max;
        if publish.royalty.input > royalty_max || publish.royalty.output > royalty_max {
            return Err(Reject::RoyaltyTooHigh);
        }
        self.check_parents(&publish.parents)?;
        if !ascending(&publish.weights) || publish.weights.len() > size(self.genesis().limits.weights) {
            return Err(Reject::WeightsInvalid);
        }
        let priced = self.priced_works(publish)?;
        self.check_ancestors(publisher, publish)?;
        self.set_aside(publisher, self.genesis().deposits.artifact)?;
        self.write_artifact(publisher, publish, priced);
        Ok(Effect::Published(publish.manifest))
    }

    /// Writes a publication that was checked.
    fn write_artifact(&mut self, publisher: AccountId, publish: &Publish, priced: Vec<ArtifactId>) {
        let id = publish.manifest;
        let totals = self.change_totals();
        let artifact = Artifact {
            publisher,
            publish: publish.clone(),
            time: totals.time,
            ordinal: totals.artifacts,
            priced,
            retired: false,
        };
        totals.artifacts = totals.artifacts.saturating_add(1);
        for weight in &publish.weights {
            if self.weight(weight).is_none() {
                self.put_weight(*weight, Weight { first: id, lifted: false });
            }
        }
        if !publish.royalty.is_zero() {
            let paid = publish.payees.iter().map(|_| crate::Amount::ZERO).collect();
            self.put_pot(id, Pot { lifetime: crate::Amount::ZERO, paid });
        }
        self.put_tag(publisher, publish.name.clone(), publish.tag.clone(), id);
        self.put_artifact(id, artifact);
    }

    fn check_parents(&self, parents: &[ArtifactId]) -> Result<(), Reject> {
        if !ascending(parents) || parents.len() > size(self.genesis().limits.parents) {
            return Err(Reject::ParentsInvalid);
        }
        let artifacts = parents.iter().map(|parent| self.artifact(parent));
        let artifacts = artifacts.collect::<Option<Vec<_>>>().ok_or(Reject::ParentUnknown)?;
        if artifacts.iter().any(|artifact| artifact.retired) { Err(Reject::ParentRetired) } else { Ok(()) }
    }

    /// The distinct works of the lineage that ask a royalty. Each parent's list is complete, so their union is.
    fn priced_works(&self, publish: &Publish) -> Result<Vec<ArtifactId>, Reject> {
        let mut works = BTreeSet::new();
        if !publish.royalty.is_zero() {
            works.insert(publish.manifest);
        }
        for parent in publish.parents.iter().filter_map(|parent| self.artifact(parent)) {
            works.extend(parent.priced.iter().copied());
            if works.len() > size(self.genesis().limits.priced_works) {
                return Err(Reject::LineageTooWide);
            }
        }
        if works.len() > size(self.genesis().limits.priced_works) {
            return Err(Reject::LineageTooWide);
        }
        Ok(works.into_iter().collect())
    }

    /// A weight file that someone else published first obliges that artifact to be an ancestor; one's own, its parents, so
    /// that nobody leaves a royalty behind by publishing the same file again.
    fn check_ancestors(&self, publisher: AccountId, publish: &Publish) -> Result<(), Reject> {
        let mut owed = BTreeSet::new();
        for weight in publish.weights.iter().filter_map(|weight| self.weight(weight)) {
            match self.artifact(&weight.first).filter(|_| !weight.lifted) {
                Some(first) if first.publisher == publisher => owed.extend(first.publish.parents.iter().copied()),
                Some(_) => drop(owed.insert(weight.first)),
                None => {}
            }
        }
        if owed.is_empty() || owed.is_subset(&self.ancestors_since(&publish.parents, &owed)?) {
            Ok(())
        } else {
            Err(Reject::AncestorMissing)
        }
    }

    /// The parents and their ancestors, as far as they are not older than the oldest artifact in `owed`. An ancestor's
    /// ordinal is below its descendants', so whatever of `owed` is an ancestor is among them. The whole set is found and
    /// then counted, so that the answer does not depend on the way of the walk.
    fn ancestors_since(
        &self,
        parents: &[ArtifactId],
        owed: &BTreeSet<ArtifactId>,
    ) -> Result<BTreeSet<ArtifactId>, Reject> {
        let oldest = owed.iter().filter_map(|id| self.artifact(id)).map(|a| a.ordinal).min().unwrap_or_default();
        let mut waiting: Vec<ArtifactId> = parents.to_vec();
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            let Some(artifact) = self.artifact(&id).filter(|artifact| artifact.ordinal >= oldest) else { continue };
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > size(self.genesis().limits.lineage_walk) {
                return Err(Reject::LineageTooWide);
            }
            waiting.extend(artifact.publish.parents.iter().copied());
        }
        Ok(seen)
    }

    pub(crate) fn tag(&mut self, by: AccountId, name: &str, tag: &str, id: ArtifactId) -> Result<Effect, Reject> {
        if !label_good(name) || !label_good(tag) {
            return Err(Reject::ArtifactNameInvalid);
        }
        let artifact = self.artifact(&id).ok_or(Reject::ArtifactUnknown)?;
        if artifact.publisher != by {
            return Err(Reject::NotPublisher);
        }
        self.put_tag(by, String::from(name), String::from(tag), id);
        Ok(Effect::Done)
    }

    pub(crate) fn retire(&mut self, by: AccountId, id: ArtifactId) -> Result<Effect, Reject> {
        let mut artifact = self.artifact(&id).ok_or(Reject::ArtifactUnknown)?.clone();
        if artifact.publisher != by {
            return Err(Reject::NotPublisher);
        }
        if artifact.retired {
            return Err(Reject::ArtifactRetired);
        }
        artifact.retired = true;
        self.put_artifact(id, artifact);
        Ok(Effect::Done)
    }
}

/// True for an artifact's name or a tag.
fn label_good(label: &str) -> bool {
    (1..=64).contains(&label.len())
        && label.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && label.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn payees_good(publish: &Publish) -> bool {
    let payees = &publish.payees;
    let needed = !publish.royalty.is_zero();
    payees.len() <= PAYEES_MAX
        && payees.is_sorted_by(|a, b| a.account < b.account)
        && payees.iter().all(|payee| payee.weight > 0)
        && (!needed || !payees.is_empty())
}

/// True for distinct digests in ascending order: one list has one encoding.
pub(crate) fn ascending(digests: &[Digest]) -> bool {
    digests.is_sorted_by(|a, b| a < b)
}

/// A limit as a length.
pub(crate) fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
