//! The shape of the log in memory: enough to find any entry in the journal and any hash of the tree, at 40 bytes for
//! each block of 256 entries.

use ledger::{Digest, Head, log_tree::Frontier};

/// Entries in a block: as many as a tile is wide.
pub(crate) const BLOCK: u64 = 256;
/// A block is a subtree of so many levels.
pub(crate) const BLOCK_LEVELS: u32 = BLOCK.trailing_zeros();

/// Where blocks of entries lie, and the roots over whole blocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// The tree over full blocks.
    full: Frontier,
    /// The tree over the entries of the block that is not full.
    block: Frontier,
    /// Where each block begins in the journal.
    offsets: Vec<u64>,
    /// The root over each full block.
    roots: Vec<Digest>,
}

impl Shape {
    /// Adds an entry by its leaf hash; its record begins at `offset`.
    pub(crate) fn push(&mut self, offset: u64, leaf: Digest) {
        if self.block.size() == 0 {
            self.offsets.push(offset);
        }
        self.block.push_leaf(leaf);
        if self.block.size() == BLOCK {
            let root = std::mem::take(&mut self.block).root();
            self.full.push_tree(BLOCK_LEVELS, root).expect("blocks behind whole blocks");
            self.roots.push(root);
        }
    }

    /// Number of entries.
    pub(crate) const fn size(&self) -> u64 {
        self.full.size() + self.block.size()
    }

    /// Size and root.
    pub(crate) fn head(&self) -> Head {
        Head { size: self.size(), root: self.frontier().root() }
    }

    /// The right edge of the tree.
    pub(crate) fn frontier(&self) -> Frontier {
        self.full.followed_by(&self.block).expect("a part of a block behind whole blocks")
    }

    /// Where a block begins in the journal, and where the next one does, if there is one.
    pub(crate) fn block(&self, block: u64) -> Option<(u64, Option<u64>)> {
        let at = usize::try_from(block).ok()?;
        Some((*self.offsets.get(at)?, self.offsets.get(at + 1).copied()))
    }

    /// The roots over full blocks.
    pub(crate) fn roots(&self) -> &[Digest] {
        &self.roots
    }
}
