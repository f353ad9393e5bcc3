//! The Merkle tree of RFC 6962 (section 2.1) over SHA-256: for a voucher's receipts and for the public log.

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use core::ops::Range;

use crate::{Digest, Head};

/// The hash of a leaf whose data is `data`.
pub fn leaf(data: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], data])
}

/// The hash of an inner node.
pub fn node(left: Digest, right: Digest) -> Digest {
    Digest::of_parts(&[&[1], &left.0, &right.0])
}

/// The right edge of a growing tree: enough to append and to give the root, in O(log n) memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, largest first: one for each 1 in the binary form of `size`.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf whose data is a digest.
    pub fn push(&mut self, data: Digest) {
        self.push_leaf(leaf(&data.0));
    }

    /// Appends a leaf that was hashed already.
    pub fn push_leaf(&mut self, hash: Digest) {
        self.merge(0, hash);
        self.size = self.size.saturating_add(1);
    }

    /// Appends a complete subtree of 2^`level` leaves by its root. Gives `None`, and changes nothing, if the tree's size is not
    /// a multiple of that, or grows too large.
    pub fn push_tree(&mut self, level: u32, root: Digest) -> Option<()> {
        let leaves = 1u64.checked_shl(level)?;
        let size = self.size.checked_add(leaves)?;
        if self.size.checked_rem(leaves)? != 0 {
            return None;
        }
        self.merge(level, root);
        self.size = size;
        Some(())
    }

    /// The tree whose leaves are this one's, and then another one's. `None` if the other's subtrees do not fit there, or the tree
    /// grows too large.
    pub fn followed_by(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        let levels = (0..u64::BITS).rev().filter(|level| other.size & 1u64.unbounded_shl(*level) != 0);
        for (level, root) in levels.zip(&other.peaks) {
            both.push_tree(level, *root)?;
        }
        Some(both)
    }

    /// Joins a new subtree with each one of its size to the left.
    fn merge(&mut self, level: u32, hash: Digest) {
        let mut hash = hash;
        for _ in 0..self.size.checked_shr(level).unwrap_or(0).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(left, hash);
            }
        }
        self.peaks.push(hash);
    }

    /// The root; SHA-256 of nothing for the empty tree.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(&last) = peaks.next() else { return Digest::of(&[]) };
        peaks.fold(last, |right, &left| node(left, right))
    }
}

/// The root over leaf hashes.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|&hash| frontier.push_leaf(hash));
    frontier.root()
}

/// The largest power of two below `n`, for `n` of at least 2 (RFC 6962's k).
const fn split(n: u64) -> u64 {
    n.div_ceil(2).next_power_of_two()
}

/// The leaves whose roots are the inclusion proof of leaf `index` (PATH of RFC 6962, 2.1.1), or `None` if there is no such leaf.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut from, mut to, mut siblings) = (0u64, size, Vec::new());
    while to.saturating_sub(from) > 1 {
        let middle = from.saturating_add(split(to.saturating_sub(from)));
        if index < middle {
            siblings.push(middle..to);
            to = middle;
        } else {
            siblings.push(from..middle);
            from = middle;
        }
    }
    siblings.reverse();
    Some(siblings)
}

/// The leaves whose roots are the proof that a tree of `size` leaves begins with its first `old` ones (PROOF of RFC 6962,
/// 2.1.2); none are needed for no leaves or all. `None` if there are fewer than `old`.
pub fn consistency(old: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if old > size {
        return None;
    }
    let (mut from, mut to, mut parts) = (0u64, size, Vec::new());
    while old != to && old != 0 {
        let middle = from.saturating_add(split(to.saturating_sub(from)));
        if old <= middle {
            parts.push(middle..to);
            to = middle;
        } else {
            parts.push(from..middle);
            from = middle;
        }
    }
    if from > 0 {
        parts.push(from..to);
    }
    parts.reverse();
    Some(parts)
}

/// The inclusion proof of leaf `index`, or `None` if there is no such leaf.
pub fn prove(leaves: &[Digest], index: usize) -> Option<Vec<Digest>> {
    let (index, size) = (u64::try_from(index).ok()?, u64::try_from(leaves.len()).ok()?);
    let part = |part: &Range<u64>| {
        let (from, to) = (usize::try_from(part.start).ok()?, usize::try_from(part.end).ok()?);
        leaves.get(from..to).map(root)
    };
    inclusion(index, size)?.iter().map(part).collect()
}

/// The root that a leaf hash and its path lead to (RFC 9162, 2.1.3.2), or `None` if the path has another length.
pub fn follow(hash: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    let mut index = Some(index).filter(|&i| i < size)?;
    let mut last = size.checked_sub(1)?;
    let mut hash = hash;
    for &sibling in path {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            hash = node(sibling, hash);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(hash, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// True if a proof of [`consistency`] shows that the tree with the head `new` begins with all leaves of the one with the head
/// `old` (RFC 9162, 2.1.4.2).
pub fn extends(old: Head, new: Head, proof: &[Digest]) -> bool {
    if old.size == 0 || old.size >= new.size {
        let nothing = old.size == 0 && old.root == Digest::of(&[]);
        return proof.is_empty() && (old == new || (nothing && new.size > 0));
    }
    // A whole tree of a power of two is itself a part of the larger one, and is left out of the proof.
    let whole = old.size.is_power_of_two().then_some(old.root);
    let mut parts = whole.iter().chain(proof);
    let (mut index, mut last) = (old.size.saturating_sub(1), new.size.saturating_sub(1));
    while index & 1 == 1 {
        index >>= 1;
        last >>= 1;
    }
    let Some(&first) = parts.next() else { return false };
    let (mut before, mut after) = (first, first);
    for &part in parts {
        if last == 0 {
            return false;
        }
        if index & 1 == 1 || index == last {
            (before, after) = (node(part, before), node(part, after));
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            after = node(after, part);
        }
        index >>= 1;
        last >>= 1;
    }
    last == 0 && before == old.root && after == new.root
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn every_leaf_is_proved_and_no_other() {
        for size in 1..40u64 {
            let leaves: Vec<_> = (0..size).map(|i| leaf(&i.to_be_bytes())).collect();
            for index in 0..size {
                let at = usize::try_from(index).unwrap();
                let (path, hash) = (prove(&leaves, at).unwrap(), leaves[at]);
                assert_eq!(follow(hash, index, size, &path), Some(root(&leaves)));
                assert_ne!(follow(leaf(b"x"), index, size, &path), Some(root(&leaves)));
                assert_ne!(follow(hash, index + 1, size, &path), Some(root(&leaves)), "{index} of {size}");
                let longer = [&path[..], &[leaf(b"x")]].concat();
                assert_eq!(follow(hash, index, size, &longer), None, "{index} of {size}");
                if let [shorter @ .., _] = &path[..] {
                    assert_eq!(follow(hash, index, size, shorter), None, "{index} of {size}");
                }
            }
        }
    }

    /// The roots over parts of some leaves.
    fn roots(leaves: &[Digest], parts: Vec<Range<u64>>) -> Vec<Digest> {
        let at = |n: u64| usize::try_from(n).unwrap();
        parts.into_iter().map(|part| root(&leaves[at(part.start)..at(part.end)])).collect()
    }

    #[test]
    fn a_longer_log_is_proved_to_begin_with_a_shorter_one_and_with_no_other() {
        let leaves: Vec<_> = (0..40u64).map(|i| leaf(&i.to_be_bytes())).collect();
        let head = |size: u64| Head { size, root: root(&leaves[..usize::try_from(size).unwrap()]) };
        for new in 1..40u64 {
            for old in 0..=new {
                let proof = roots(&leaves, consistency(old, new).unwrap());
                assert!(extends(head(old), head(new), &proof), "{old} to {new}");
                assert_eq!(proof.is_empty(), old == 0 || old == new);
                let other = |head: Head| Head { root: leaf(b"x"), ..head };
                assert!(!extends(other(head(old)), head(new), &proof), "another beginning: {old} to {new}");
                let rewritten = other(head(new));
                assert_eq!(extends(head(old), rewritten, &proof), old == 0, "another end: {old} to {new}");
                assert_eq!(extends(head(old), head(new + 1), &proof), old == 0, "{old} to more than {new}");
                let longer: Vec<_> = proof.iter().copied().chain([leaf(b"x")]).collect();
                assert!(!extends(head(old), head(new), &longer), "{old} to {new}");
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at] = leaf(b"x");
                    assert!(!extends(head(old), head(new), &changed), "{old} to {new}, part {at}");
                    changed.remove(at);
                    assert!(!extends(head(old), head(new), &changed), "{old} to {new}, without {at}");
                }
            }
        }
        assert_eq!(consistency(2, 1), None);
        assert!(!extends(head(2), head(1), &[]));
    }

    #[test]
    fn subtrees_make_the_same_tree_as_their_leaves() {
        let leaves: Vec<_> = (0..64u64).map(|i| leaf(&i.to_be_bytes())).collect();
        for (sizes, fits) in [(vec![3u32, 1, 0, 0, 2], true), (vec![0, 0, 1, 2, 3, 4, 5], true), (vec![1, 2], false)] {
            let (mut by_leaf, mut by_tree) = (Frontier::new(), Frontier::new());
            let pushed = sizes.iter().all(|level| {
                let from = usize::try_from(by_tree.size()).unwrap();
                let part = &leaves[from..from + (1 << level)];
                part.iter().for_each(|hash| by_leaf.push_leaf(*hash));
                by_tree.push_tree(*level, root(part)).is_some()
            });
            assert_eq!((pushed, pushed && by_leaf == by_tree), (fits, fits), "{sizes:?}");
        }
        for (first, all) in [(0, 0), (0, 7), (8, 8), (8, 13), (48, 63), (6, 7)] {
            let edge = |part: &[Digest]| {
                let mut edge = Frontier::new();
                part.iter().for_each(|hash| edge.push_leaf(*hash));
                edge
            };
            let both = edge(&leaves[..first]).followed_by(&edge(&leaves[first..all]));
            assert_eq!(both, Some(edge(&leaves[..all])), "{first} of {all}");
        }
        assert_eq!(
            Frontier { size: 1, peaks: vec![leaves[0]] }.followed_by(&Frontier { size: 2, peaks: vec![leaves[1]] }),
            None
        );
        assert_eq!(Frontier { size: 1 << 63, peaks: vec![leaf(b"")] }.push_tree(63, leaf(b"")), None);
        assert_eq!(Frontier::new().push_tree(64, leaf(b"")), None);
    }

    #[test]
    fn the_root_is_that_of_rfc_6962() {
        assert_eq!(root(&[]).0[..4], [0xe3, 0xb0, 0xc4, 0x42]);
        let leaves: Vec<_> = [&b"a"[..], b"b", b"c"].iter().map(|data| leaf(data)).collect();
        assert_eq!(root(&leaves), node(node(leaves[0], leaves[1]), leaves[2]));
    }
}
