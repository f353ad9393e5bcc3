//! The one place where an artifact's openness is asked for.

use blobs::{
    Store,
    openness::{Class, Openness, Work as Shown},
};
use ledger::ArtifactId;
use std::{cmp::Reverse, collections::HashSet};

use super::library::{Index, Work};

/// Of a lineage no more works are looked at.
const WORKS_MAX: usize = 1_000;

/// How open an artifact is, computed from what is stored here of it and its lineage.
pub fn of_work(store: &Store, index: &Index, work: &Work) -> Openness {
    of(store, index, shown(work))
}

/// The same of what may not be published yet.
pub fn of(store: &Store, index: &Index, first: Shown) -> Openness {
    let ancestors = index.closure(&first.parents, WORKS_MAX);
    let mut known: HashSet<ArtifactId> = ancestors.iter().copied().chain([first.id]).collect();
    let judging = index.evaluations().filter(|work| work.artifact.publish.parents.iter().any(|id| known.contains(id)));
    let judging: Vec<&Work> = judging.take(WORKS_MAX).collect();
    let mut works = vec![first];
    works.extend(ancestors.into_iter().filter_map(|id| index.get(id)).map(shown));
    works.extend(judging.into_iter().filter(|work| known.insert(work.id)).map(shown));
    // A lineage has one order, whatever way it was walked.
    if let Some(others) = works.get_mut(1..) {
        others.sort_by_key(|work| index.get(work.id).map(|work| Reverse(work.artifact.ordinal)));
    }
    Openness::of(store, &works)
}

fn shown(work: &Work) -> Shown {
    let publish = &work.artifact.publish;
    Shown { id: work.id, name: work.name.clone(), kind: publish.kind, parents: publish.parents.clone() }
}

/// The class alone, computed once for each state of the library.
pub fn class(store: &Store, index: &Index, work: &Work) -> Option<Class> {
    *work.class.get_or_init(|| {
        let asked = work.listed && work.artifact.publish.kind.runs();
        asked.then(|| of_work(store, index, work).class).flatten()
    })
}
