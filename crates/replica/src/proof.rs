//! Proofs for whoever was not there: what an entry of the log is, and what stands in the state, each under a signed head.

use api::{
    log::SignedHead,
    proof::{Claim, Proof, Stood},
};
use imbl::OrdMap;
use ledger::{
    Digest, Head, Key, Record, log_tree,
    log_tree::Frontier,
    state_tree::{self, Tree},
};
use std::{io, ops::Range, sync::Arc};
use tokio::sync::oneshot;

use crate::{
    lock::{hold, read},
    replica::Inner,
    shape::{BLOCK, BLOCK_LEVELS},
    writer::Job,
};

impl Inner {
    /// Proves an entry, or gives `None` beyond the end of the log.
    ///
    /// # Errors
    /// The system's, or a damaged record.
    pub(crate) fn prove_entry(&self, index: u64) -> io::Result<Option<Proof>> {
        let newest = self.signed_head();
        // Better an earlier head that others saw too than the newest one.
        let signed = self.signer.newest_cosigned().filter(|seen| index < seen.head.size).unwrap_or(newest);
        let Some(bytes) = self.entry(index)?.filter(|_| index < signed.head.size) else { return Ok(None) };
        let entry = ledger::decode(&bytes).map_err(|reject| io::Error::other(reject.to_string()))?;
        self.under(signed, index, Claim::Entry(Box::new(entry)))
    }

    /// Proves what stands under a key, or that nothing does. The committer has the tree; when it is gone nothing changes any
    /// more, and a tree is made once from what readers see.
    ///
    /// # Errors
    /// The system's, or a damaged record.
    pub(crate) async fn prove_state(&self, key: Key) -> io::Result<Option<Proof>> {
        let (tell, told) = oneshot::channel();
        let job = Job::Prove(key.clone(), tell);
        let sent = hold(&self.ways_in).as_ref().is_some_and(|ways| ways.writer.send(job).is_ok());
        let told = if sent { told.await.ok() } else { None };
        let (stood, head) = match told {
            Some(told) => told,
            None => {
                let Last { tree, records, head } = self.last.get_or_init(|| self.last());
                let ways = ways(tree, &key);
                (stood(key, ways, |key| records.get(key).map(|record| (**record).clone())), *head)
            }
        };
        // Each group ends with the root of the state after it.
        self.under(self.signer.sign(head), head.size.saturating_sub(1), Claim::Stood(Box::new(stood)))
    }

    /// What readers see, with a tree of its own.
    fn last(&self) -> Last {
        let view = read(&self.view);
        let (records, head) = (view.records.clone(), view.head());
        drop(view);
        let mut tree = Tree::default();
        let all = records.iter().map(|(key, record)| (state_tree::path(key), Some(&**record)));
        tree.learn(all.collect(), state_tree::in_turn);
        Last { tree, records, head }
    }

    fn signed_head(&self) -> SignedHead {
        let head = read(&self.view).head();
        self.signer.sign(head)
    }

    /// A claim of an entry, with the way from there to a head.
    fn under(&self, signed: SignedHead, index: u64, claim: Claim) -> io::Result<Option<Proof>> {
        let Some(parts) = log_tree::inclusion(index, signed.head.size) else { return Ok(None) };
        let path = self.roots(&parts)?;
        let genesis = (*self.genesis).clone();
        Ok(Some(Proof { genesis, claim, index, path, checkpoint: signed.note }))
    }

    /// The proof that the log under a head begins with its first `old` entries, or `None` if it is shorter.
    ///
    /// # Errors
    /// The system's, or a damaged record.
    pub(crate) fn prove_growth(&self, old: u64, head: Head) -> io::Result<Option<Vec<Digest>>> {
        log_tree::consistency(old, head.size).map(|parts| self.roots(&parts)).transpose()
    }

    /// The roots over parts of the log that are in [`log_tree::inclusion`] or [`log_tree::consistency`]: a part of more than a
    /// block begins with one, a smaller one lies in it.
    fn roots(&self, parts: &[Range<u64>]) -> io::Result<Vec<Digest>> {
        let mut leaves = Leaves { inner: self, block: u64::MAX, hashes: Vec::new() };
        parts.iter().map(|part| leaves.root(part)).collect()
    }
}

/// The ways to the root of the tree over all records from a key and from the totals.
pub(crate) type Ways = [state_tree::Proof; 2];

pub(crate) fn ways(tree: &Tree, key: &Key) -> Ways {
    [tree.prove(key), tree.prove(&Key::Totals)]
}

/// What stands under a key, with its ways.
pub(crate) fn stood(key: Key, [proof, totals_proof]: Ways, record: impl Fn(&Key) -> Option<Record>) -> Stood {
    let Some(Record::Totals(totals)) = record(&Key::Totals) else { panic!("no totals among the records") };
    Stood { record: record(&key), key, proof, totals, totals_proof }
}

/// What stands when nothing changes any more.
pub(crate) struct Last {
    tree: Tree,
    records: OrdMap<Key, Arc<Record>>,
    head: Head,
}

/// The leaves of the block that was read last.
struct Leaves<'a> {
    inner: &'a Inner,
    block: u64,
    hashes: Vec<Digest>,
}

impl Leaves<'_> {
    fn root(&mut self, part: &Range<u64>) -> io::Result<Digest> {
        let mut tree = Frontier::new();
        let mut from = part.start;
        if from.is_multiple_of(BLOCK) {
            let blocks = |entry: u64| usize::try_from(entry / BLOCK).unwrap_or(usize::MAX);
            // Copied, so that nobody waits while they are hashed.
            let whole = read(&self.inner.view).shape.roots().get(blocks(from)..blocks(part.end)).map(<[_]>::to_vec);
            for root in whole.unwrap_or_default() {
                tree.push_tree(BLOCK_LEVELS, root).ok_or_else(|| io::Error::other("a block that is not whole"))?;
                from += BLOCK;
            }
        }
        for leaf in self.of(from..part.end)? {
            tree.push_leaf(*leaf);
        }
        Ok(tree.root())
    }

    /// The leaves of a part of one block.
    fn of(&mut self, part: Range<u64>) -> io::Result<&[Digest]> {
        if part.is_empty() {
            return Ok(&[]);
        }
        let block = part.start / BLOCK;
        if self.block != block {
            self.hashes = self.inner.block(block)?.iter().map(|entry| log_tree::leaf(entry)).collect();
            self.block = block;
        }
        let place = |entry: u64| usize::try_from(entry - block * BLOCK).unwrap_or(usize::MAX);
        let short = || io::Error::other("the journal is shorter than its head");
        self.hashes.get(place(part.start)..place(part.end)).ok_or_else(short)
    }
}
