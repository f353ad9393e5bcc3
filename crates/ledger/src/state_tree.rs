//! The Merkle tree over all state: a binary trie on the SHA-256 of each record's key, in which a subtree of one record is
//! that record's leaf. Its root depends on the records alone, not on the order in which they came.

use alloc::{boxed::Box, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Digest, Key, Record, encode, encode_to};

/// The hash of an empty subtree.
const EMPTY: Digest = Digest([0; 32]);

/// The hash of a record's leaf: SHA-256 of 0, the path, and the SHA-256 of the record's encoding.
pub fn leaf(path: Digest, record: &Record) -> Digest {
    leaf_of(path, Digest::of(&encode(record)))
}

/// The digest of a record's encoding, which is made in `bytes`.
pub(crate) fn digest(record: &Record, bytes: &mut Vec<u8>) -> Digest {
    bytes.clear();
    encode_to(record, bytes);
    Digest::of(bytes)
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

/// What a change puts at a path: a record's digest, or nothing.
type Change = (Digest, Option<Digest>);

#[derive(Debug, Clone, Default)]
enum Node {
    #[default]
    Empty,
    /// A path and the digest of the record there.
    Leaf(Digest, Digest),
    Inner(Box<Inner>),
}

/// A subtree of more than one record.
#[derive(Debug, Clone)]
struct Inner {
    left: Node,
    right: Node,
    /// Kept here and not below, so that a change has to look at its own path alone.
    left_hash: Digest,
    right_hash: Digest,
}

impl Default for Inner {
    fn default() -> Self {
        Self { left: Node::Empty, right: Node::Empty, left_hash: EMPTY, right_hash: EMPTY }
    }
}

impl Node {
    /// Makes changes below, which are in the order of their paths, each path once. Gives the new hash.
    fn update(&mut self, changes: &[Change], depth: usize) -> Digest {
        match (&*self, changes) {
            (Self::Empty, [(path, Some(record))]) => *self = Self::Leaf(*path, *record),
            (Self::Empty, [] | [(_, None)]) => {}
            (Self::Leaf(old, _), [(path, record)]) if old == path => {
                *self = record.map_or(Self::Empty, |record| Self::Leaf(*path, record));
            }
            _ => return self.spread(changes, depth),
        }
        self.small_hash()
    }

    /// The hash of a subtree of one record or none.
    fn small_hash(&self) -> Digest {
        if let Self::Leaf(path, record) = self { leaf_of(*path, *record) } else { EMPTY }
    }

    /// Makes changes of more than one place.
    fn spread(&mut self, changes: &[Change], depth: usize) -> Digest {
        let mut inner = match core::mem::take(self) {
            Self::Inner(inner) => inner,
            small => {
                let mut inner = Box::<Inner>::default();
                let hash = small.small_hash();
                match small {
                    Self::Leaf(path, _) if right_at(path, depth) => (inner.right, inner.right_hash) = (small, hash),
                    _ => (inner.left, inner.left_hash) = (small, hash),
                }
                inner
            }
        };
        let (left, right) = changes.split_at(changes.partition_point(|(path, _)| !right_at(*path, depth)));
        let below = depth.saturating_add(1);
        if !left.is_empty() {
            inner.left_hash = inner.left.update(left, below);
        }
        if !right.is_empty() {
            inner.right_hash = inner.right.update(right, below);
        }
        *self = Self::Inner(inner);
        self.settle()
    }

    /// Makes of a subtree what it is with its new halves. Gives its hash.
    fn settle(&mut self) -> Digest {
        let Self::Inner(inner) = self else { return self.small_hash() };
        let (hash, small) = match (&mut inner.left, &mut inner.right) {
            (Self::Empty, only @ (Self::Leaf(..) | Self::Empty)) => (inner.right_hash, core::mem::take(only)),
            (only @ Self::Leaf(..), Self::Empty) => (inner.left_hash, core::mem::take(only)),
            _ => return self::inner(inner.left_hash, inner.right_hash),
        };
        *self = small;
        hash
    }
}

/// What one half of the tree has to do.
pub type Half<'a> = &'a mut (dyn FnMut() + Send);

/// One after the other.
pub fn in_turn(left: Half<'_>, right: Half<'_>) {
    left();
    right();
}

/// The tree. Changes are O(log n) each, and less if many are made together.
#[derive(Debug, Clone)]
pub struct Tree {
    top: Node,
    root: Digest,
}

impl Default for Tree {
    fn default() -> Self {
        Self { top: Node::Empty, root: EMPTY }
    }
}

impl Tree {
    /// Puts, replaces and removes records: at each path (see [`path`]) the digest of the record's encoding that stands there
    /// from now on, or nothing.
    ///
    /// # Panics
    /// If a path is there twice.
    pub fn update(&mut self, mut changes: Vec<(Digest, Option<Digest>)>) {
        changes.sort_unstable();
        assert!(changes.is_sorted_by(|one, next| one.0 < next.0), "two changes at one path");
        if !changes.is_empty() {
            self.root = self.top.update(&changes, 0);
        }
    }

    /// Puts, replaces and removes records: at each path (see [`path`]) what stands there from now on, or nothing. The left
    /// and the right half of the tree learn apart: `both` is called once and must call each, in any order or at once.
    ///
    /// # Panics
    /// If a path is there twice.
    pub fn learn(&mut self, mut changes: Vec<(Digest, Option<&Record>)>, both: impl FnOnce(Half<'_>, Half<'_>)) {
        let hashed = |part: &[(Digest, Option<&Record>)]| -> Vec<Change> {
            let mut bytes = Vec::new();
            part.iter().map(|(path, record)| (*path, record.map(|record| digest(record, &mut bytes)))).collect()
        };
        changes.sort_unstable_by_key(|(path, _)| *path);
        assert!(changes.is_sorted_by(|one, next| one.0 < next.0), "two changes at one path");
        let (left, right) = changes.split_at(changes.partition_point(|(path, _)| !right_at(*path, 0)));
        let Node::Inner(inner) = &mut self.top else {
            return both(&mut || self.update(hashed(&changes)), &mut || {});
        };
        let Inner { left: left_node, right: right_node, left_hash, right_hash } = &mut **inner;
        let learn = |node: &mut Node, hash: &mut Digest, part: &[(Digest, Option<&Record>)]| {
            if !part.is_empty() {
                *hash = node.update(&hashed(part), 1);
            }
        };
        both(&mut || learn(left_node, left_hash, left), &mut || learn(right_node, right_hash, right));
        self.root = self.top.settle();
    }

    /// The root: 32 zero bytes if nothing is there.
    pub const fn root(&self) -> Digest {
        self.root
    }

    /// The proof that a record is there (or, where another leaf or nothing stands in its place, that it is not).
    pub fn prove(&self, key: &Key) -> Proof {
        let path = path(key);
        let (mut siblings, mut node) = (Vec::new(), &self.top);
        while let Node::Inner(inner) = node {
            let right = right_at(path, siblings.len());
            siblings.push(if right { inner.left_hash } else { inner.right_hash });
            node = if right { &inner.right } else { &inner.left };
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
