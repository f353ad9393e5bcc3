//! A group: operations that were decided, and become durable together.

use api::log::Entry;
use ledger::{Digest, Key, log_tree};
use std::ops::Range;

use crate::{
    decide::Done,
    journal::{FRAME_BYTES, put_record},
    proof::Ways,
    view::Change,
    writer::{Asking, GROUP_MAX, Verdict, Waiting},
};

/// So many leaves are hashed before the next look at what came.
const SOME_LEAVES: usize = 32;

/// A group that is being put together.
#[derive(Default)]
pub(crate) struct Group {
    /// As it will lie in the journal.
    pub bytes: Vec<u8>,
    pub change: Change,
    /// Who is told what, once all of it is durable.
    pub answers: Vec<(Waiting, Vec<Verdict>)>,
    /// What is to be proved then.
    pub questions: Vec<(Key, Asking)>,
    /// The ways of those, from when it was durable on.
    pub ways: Vec<Ways>,
    /// Where each entry lies in `bytes`.
    entries: Vec<Range<usize>>,
    /// The number of its first entry.
    first: u64,
}

impl Group {
    /// An empty group that begins with entry number `first`.
    pub(crate) fn at(first: u64) -> Self {
        Self { first, ..Self::default() }
    }

    /// The same in the memory of this one, which is over: memory that is new costs the system's time, page by page.
    pub(crate) fn again(mut self, first: u64) -> Self {
        self.bytes.clear();
        self.entries.clear();
        self.change.paths.clear();
        Self { first, ..self }
    }

    /// True if its memory is worth keeping.
    pub(crate) const fn was_big(&self) -> bool {
        self.entries.len() > SOME_LEAVES
    }

    /// True if nobody waits for anything in it.
    pub(crate) const fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.questions.is_empty()
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.change.done.len() >= GROUP_MAX
    }

    /// The number of the next entry.
    pub(crate) const fn next(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Appends an operation, whose signed encoding is `encoded`.
    pub(crate) fn put_operation(&mut self, done: Done, encoded: &[u8]) {
        self.put_record(|to| Entry::put_operation(done.at, encoded, done.result(), to));
        self.change.done.push(done);
    }

    /// Appends an entry.
    pub(crate) fn put(&mut self, entry: &Entry) {
        self.put_record(|to| to.extend(ledger::encode(entry)));
    }

    fn put_record(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        put_record(start == 0, &mut self.bytes, put);
        self.entries.push(start + FRAME_BYTES..self.bytes.len());
    }

    /// Hashes some entries that are not hashed yet. False if there are none.
    pub(crate) fn hash_some(&mut self) -> bool {
        let some = self.unhashed().iter().take(SOME_LEAVES).map(|entry| self.leaf(entry)).collect::<Vec<_>>();
        self.change.leaves.extend(&some);
        !some.is_empty()
    }

    /// The entries that are not hashed yet.
    pub(crate) fn unhashed(&self) -> &[Range<usize>] {
        &self.entries[self.change.leaves.len()..]
    }

    /// Where the record of an entry begins in the group, and the entry's hash as a leaf of the log.
    pub(crate) fn leaf(&self, entry: &Range<usize>) -> (u64, Digest) {
        ((entry.start - FRAME_BYTES) as u64, log_tree::leaf(&self.bytes[entry.clone()]))
    }
}
