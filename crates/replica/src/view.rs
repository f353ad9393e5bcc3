//! What readers see: everything that is durable, and nothing else.

use imbl::OrdMap;
use ledger::{AccountId, ChannelId, Digest, Head, Key, Record};
use std::{collections::VecDeque, sync::Arc};

use crate::{decide::Done, shape::Shape, snapshot::Snapshot};

/// The durable part of a ledger.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// Copying the map shares it: a snapshot is taken in a moment, however much there is.
    pub records: OrdMap<Key, Arc<Record>>,
    pub shape: Shape,
    /// Where the durable part of the journal ends, in bytes.
    pub end: u64,
    /// What the index has yet to learn, in the order of the log.
    pub fresh: VecDeque<Arc<Done>>,
    /// The head after each group of those.
    pub heads: VecDeque<Head>,
    /// Why writing stopped, if it did.
    pub stopped: Option<String>,
}

/// What a group changed.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub records: Vec<(Key, Option<Arc<Record>>)>,
    /// Where the leaf of each record lies in the state's tree.
    pub paths: Vec<Digest>,
    /// Offset and leaf hash of each entry.
    pub leaves: Vec<(u64, Digest)>,
    pub done: Vec<Arc<Done>>,
    pub end: u64,
}

impl View {
    /// Takes a group in, once it is durable.
    pub(crate) fn publish(&mut self, change: Change) {
        for (key, record) in change.records {
            match record {
                Some(record) => drop(self.records.insert(key, record)),
                None => drop(self.records.remove(&key)),
            }
        }
        for (offset, leaf) in change.leaves {
            self.shape.push(offset, leaf);
        }
        self.fresh.extend(change.done);
        self.heads.push_back(self.head());
        self.end = change.end;
    }

    /// The first groups of what is fresh, with about `count` operations, and the head after them.
    pub(crate) fn unlearned(&self, count: usize) -> (Vec<Arc<Done>>, Head) {
        let before = |head: &Head| self.fresh.partition_point(|done| done.entry < head.size);
        let groups = self.heads.partition_point(|head| before(head) < count);
        let head = self.heads.get(groups).or(self.heads.back()).copied().unwrap_or_else(|| self.head());
        (self.fresh.iter().take(before(&head)).cloned().collect(), head)
    }

    /// Forgets the first operations, which the index knows, up to a head. They are given back: dropping them takes its time.
    pub(crate) fn learned(&mut self, count: usize, head: Head) -> Vec<Arc<Done>> {
        let groups = self.heads.partition_point(|group| group.size <= head.size);
        self.heads.drain(..groups);
        self.fresh.drain(..count).collect()
    }

    /// What stands under a key.
    pub(crate) fn record(&self, key: &Key) -> Option<&Record> {
        self.records.get(key).map(Arc::as_ref)
    }

    pub(crate) fn head(&self) -> Head {
        self.shape.head()
    }

    /// An operation that the index has yet to learn.
    pub(crate) fn fresh_operation(&self, account: AccountId, sequence: u64) -> Option<Arc<Done>> {
        let is = |done: &&Arc<Done>| done.signed.body.account == account && done.signed.body.sequence == sequence;
        self.fresh.iter().find(is).cloned()
    }

    /// The first settlement that the index has yet to learn and that covers a receipt.
    pub(crate) fn fresh_settlement(&self, channel: ChannelId, number: u64) -> Option<api::Settled> {
        self.fresh.iter().filter(|done| done.answer.is_ok()).find_map(|done| match &done.signed.body.operation {
            ledger::Operation::Settle { voucher }
                if voucher.body.channel == channel && voucher.body.number >= number =>
            {
                Some(api::Settled { entry: done.entry, at: done.at, voucher: voucher.clone() })
            }
            _ => None,
        })
    }

    /// The sequence that an account's next operation must have.
    pub(crate) fn sequence(&self, account: AccountId) -> u64 {
        match self.record(&Key::Account(account)) {
            Some(Record::Account(account)) => account.sequence,
            _ => 0,
        }
    }

    pub(crate) fn snapshot(&self, network: Digest) -> Snapshot {
        Snapshot { network, bytes: self.end, frontier: self.shape.frontier(), records: self.records.clone() }
    }
}
