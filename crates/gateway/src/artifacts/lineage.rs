//! The lineage as a tree that fits on a page.

use ledger::ArtifactId;
use std::collections::HashSet;

use super::{
    library::{Index, Work},
    view::{Branch, Lineage},
};

/// Parents of parents that are shown.
const DEPTH_MAX: usize = 16;
/// Works that are shown.
const WORKS_MAX: usize = 200;
/// Works that are counted.
pub const COUNT_MAX: usize = 65_536;

/// What a work is built on. One that is reached by two ways is shown with its parents once, and marked elsewhere.
pub fn lineage(index: &Index, work: &Work) -> Lineage {
    let mut tree = Tree { index, seen: HashSet::new(), room: WORKS_MAX };
    let parents = tree.branches(&work.artifact.publish.parents, 1);
    let all = index.closure(&work.artifact.publish.parents, COUNT_MAX);
    Lineage { parents, left_out: all.difference(&tree.seen).count() }
}

struct Tree<'a> {
    index: &'a Index,
    seen: HashSet<ArtifactId>,
    room: usize,
}

impl Tree<'_> {
    fn branches(&mut self, parents: &[ArtifactId], depth: usize) -> Vec<Branch> {
        parents.iter().filter_map(|parent| self.branch(*parent, depth)).collect()
    }

    fn branch(&mut self, id: ArtifactId, depth: usize) -> Option<Branch> {
        let index = self.index;
        let work = index.get(id)?;
        self.room = self.room.checked_sub(1)?;
        let again = !self.seen.insert(id);
        let publish = &work.artifact.publish;
        let deeper = !again && depth < DEPTH_MAX;
        Some(Branch {
            id,
            name: work.name.clone(),
            kind: publish.kind.into(),
            royalty: publish.royalty.into(),
            retired: work.artifact.retired,
            again,
            parents: if deeper { self.branches(&publish.parents, depth + 1) } else { Vec::new() },
        })
    }
}
