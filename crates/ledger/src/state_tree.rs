//! The Merkle tree over all state: a binary trie on the SHA-256 of each record's key, in which a subtree of one record is
//! that record's leaf. Its root depends on the records alone, not on the order in which they came.

use alloc::{sync::Arc, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Digest, Key, Record, encode};

/// The hash of an empty subtree.
const EMPTY: Digest = Digest([0; 32]);

/// The hash of a record's leaf: SHA-256 of 0, the path, and the SHA-256 of the record's encoding.
pub fn leaf(path: Digest, record: &Record) -> Digest {
    leaf_of(path, Digest::of(&encode(record)))
}

fn leaf_of(path: Digest, record: Digest) -> Digest {
    Digest::of_parts(&[&[0], &path.0, &record.0])
}

fn inner(left: Digest, right: Digest) -> Digest {
    Digest::of_parts(&[&[1], &left.0, &right.0])
}

/// Where a key's leaf lies: the SHA-256 of its encoding, read from the highest bit of the first byte.
pub fn path(key: &Key) -> Digest {
    Digest::of(&encode(key))
}

/// True if the path turns right at `depth`.
fn right_at(path: Digest, depth: usize) -> bool {
    let byte = path.0.get(depth >> 3).copied().unwrap_or_default();
    byte & (0x80u8 >> (depth & 7)) != 0
}

#[derive(Debug, Clone, Default)]
enum Node {
    #[default]
    Empty,
    /// A path and the digest of the record there. Hashing it again costs less than the memory for its hash.
    Leaf(Digest, Digest),
    /// Shared with copies of the tree until one of them changes here.
    Inner(Arc<Inner>),
}

#[derive(Debug, Clone)]
struct Inner {
    left: Node,
    right: Node,
    /// `None` while a change below waits for [`Tree::root`].
    hash: Option<Digest>,
}

impl Node {
    fn hash(&self) -> Digest {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(path, record) => leaf_of(*path, *record),
            Self::Inner(node) => node.hash.unwrap_or_else(|| inner(node.left.hash(), node.right.hash())),
        }
    }

    /// Hashes what changed, and keeps the hashes.
    fn settle(&mut self) -> Digest {
        match self {
            Self::Inner(node) if node.hash.is_none() => {
                let node = Arc::make_mut(node);
                *node.hash.insert(inner(node.left.settle(), node.right.settle()))
            }
            settled => settled.hash(),
        }
    }

    fn put(self, path: Digest, record: Digest, depth: usize) -> Self {
        match self {
            Self::Empty => Self::Leaf(path, record),
            Self::Leaf(old, _) if old == path => Self::Leaf(path, record),
            Self::Leaf(old, old_record) => {
                let (mut left, mut right) = (Self::Empty, Self::Empty);
                *if right_at(old, depth) { &mut right } else { &mut left } = Self::Leaf(old, old_record);
                Self::Inner(Arc::new(Inner { left, right, hash: None })).put(path, record, depth)
            }
            Self::Inner(mut shared) => {
                let node = Arc::make_mut(&mut shared);
                let child = node.child(path, depth);
                *child = core::mem::take(child).put(path, record, depth.saturating_add(1));
                node.hash = None;
                Self::Inner(shared)
            }
        }
    }

    fn remove(self, path: Digest, depth: usize) -> Self {
        match self {
            Self::Leaf(old, _) if old == path => Self::Empty,
            Self::Inner(mut shared) => {
                let node = Arc::make_mut(&mut shared);
                let child = node.child(path, depth);
                *child = core::mem::take(child).remove(path, depth.saturating_add(1));
                node.hash = None;
                match (&mut node.left, &mut node.right) {
                    (Self::Empty, only @ (Self::Leaf(..) | Self::Empty)) | (only @ Self::Leaf(..), Self::Empty) => {
                        core::mem::take(only)
                    }
                    _ => Self::Inner(shared),
                }
            }
            other => other,
        }
    }
}

impl Inner {
    fn child(&mut self, path: Digest, depth: usize) -> &mut Node {
        if right_at(path, depth) { &mut self.right } else { &mut self.left }
    }
}

/// The tree. Changes are O(log n) and hashed together when the root is asked for. A copy costs nothing: it shares what does not
/// change later.
#[derive(Debug, Clone, Default)]
pub struct Tree(Node);

impl Tree {
    /// Puts or replaces a record.
    pub fn put(&mut self, key: &Key, record: &Record) {
        self.0 = core::mem::take(&mut self.0).put(path(key), Digest::of(&encode(record)), 0);
    }

    /// Takes a record out, if it is there.
    pub fn remove(&mut self, key: &Key) {
        self.0 = core::mem::take(&mut self.0).remove(path(key), 0);
    }

    /// The root: 32 zero bytes if nothing is there.
    pub fn root(&mut self) -> Digest {
        self.0.settle()
    }

    /// The proof that a record is there (or, where another leaf or nothing stands in its place, that it is not).
    pub fn prove(&self, key: &Key) -> Proof {
        let path = path(key);
        let (mut siblings, mut node) = (Vec::new(), &self.0);
        while let Node::Inner(inner) = node {
            let right = right_at(path, siblings.len());
            let (on, off) = if right { (&inner.right, &inner.left) } else { (&inner.left, &inner.right) };
            siblings.push(off.hash());
            node = on;
        }
        let end = match node {
            Node::Leaf(path, record) => Some((*path, *record)),
            _ => None,
        };
        Proof { siblings, end }
    }
}

/// A path from a leaf to the root.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proof {
    /// The other child at each step, from the root down.
    pub siblings: Vec<Digest>,
    /// Path and record's digest of the leaf where the walk ends, if one is there. The leaf's hash is made from both, so that
    /// nobody can say that a leaf lies elsewhere and so deny a record that stands.
    pub end: Option<(Digest, Digest)>,
}

impl Proof {
    /// True if under `root` the key holds exactly this record, or nothing if there is none.
    pub fn verify(&self, root: Digest, key: &Key, record: Option<&Record>) -> bool {
        self.root(key, record) == Some(root)
    }

    /// The root under which the key holds exactly this record, or nothing if there is none; `None` if this proves something else.
    pub fn root(&self, key: &Key, record: Option<&Record>) -> Option<Digest> {
        let path = path(key);
        let here = match (record, self.end) {
            (Some(record), Some((at, digest))) => at == path && digest == Digest::of(&encode(record)),
            (None, Some((at, _))) => {
                at != path && (0..self.siblings.len()).all(|d| right_at(at, d) == right_at(path, d))
            }
            (Some(_), None) => false,
            (None, None) => true,
        };
        let mut hash = self.end.map_or(EMPTY, |(at, digest)| leaf_of(at, digest));
        for (depth, &sibling) in self.siblings.iter().enumerate().rev() {
            hash = if right_at(path, depth) { inner(sibling, hash) } else { inner(hash, sibling) };
        }
        (here && self.siblings.len() <= 256).then_some(hash)
    }
}
