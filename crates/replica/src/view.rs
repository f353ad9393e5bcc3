//! What readers see: everything that is durable, and nothing else.

use imbl::OrdMap;
use ledger::{AccountId, ChannelId, Digest, Head, Key, Record, State};
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
    pub fresh: VecDeque<Arc<Fresh>>,
    /// How many operations those are.
    pub unindexed: usize,
    /// Why writing stopped, if it did.
    pub stopped: Option<String>,
}

/// A group that the index has yet to learn.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub done: Vec<Done>,
    /// The head after it.
    pub head: Head,
}

/// What a group changed.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub records: Vec<(Key, Option<Arc<Record>>)>,
    /// Where the leaf of each record lies in the state's tree.
    pub paths: Vec<Digest>,
    /// Offset and leaf hash of each entry.
    pub leaves: Vec<(u64, Digest)>,
    pub done: Vec<Done>,
    pub end: u64,
    /// What stood there before: memory for what will stand elsewhere.
    pub old: Vec<Arc<Record>>,
}

impl Change {
    /// A record in memory of an old one that nobody reads any more, if there is one.
    pub(crate) fn keep(&mut self, record: Record) -> Arc<Record> {
        let Some(mut old) = self.old.pop() else { return Arc::new(record) };
        match Arc::get_mut(&mut old) {
            Some(place) => *place = record,
            None => old = Arc::new(record),
        }
        old
    }
}

impl View {
    /// Takes a group in, once it is durable.
    pub(crate) fn publish(&mut self, change: &mut Change) {
        for (key, record) in change.records.drain(..) {
            match record {
                Some(record) => change.old.extend(self.records.insert(key, record)),
                None => change.old.extend(self.records.remove(&key)),
            }
        }
        for (offset, leaf) in change.leaves.drain(..) {
            self.shape.push(offset, leaf);
        }
        self.unindexed += change.done.len();
        self.fresh.push_back(Arc::new(Fresh { done: std::mem::take(&mut change.done), head: self.head() }));
        self.end = change.end;
    }

    /// Takes in what a state holds, which grew from one with the records here: most of them stay as they are.
    pub(crate) fn catch_up(&mut self, state: &State) {
        let mut standing = 0;
        for (key, record) in state.records() {
            standing += 1;
            if self.records.get(&key).is_none_or(|old| **old != record) {
                self.records.insert(key, Arc::new(record));
            }
        }
        if self.records.len() > standing {
            let gone = self.records.keys().filter(|key| state.get(key).is_none());
            let gone: Vec<Key> = gone.cloned().collect();
            gone.iter().for_each(|key| drop(self.records.remove(key)));
        }
    }

    /// The operations that the index has yet to learn, in the order of the log.
    pub(crate) fn fresh(&self) -> impl Iterator<Item = &Done> {
        self.fresh.iter().flat_map(|group| &group.done)
    }

    /// The first groups of what is fresh, with about `count` operations.
    pub(crate) fn unlearned(&self, count: usize) -> Vec<Arc<Fresh>> {
        let mut before = 0;
        let wanted = |group: &&Arc<Fresh>| {
            let wanted = before < count;
            before += group.done.len();
            wanted
        };
        self.fresh.iter().take_while(wanted).cloned().collect()
    }

    /// Forgets the first groups, which the index knows. They are given back: dropping them takes its time.
    pub(crate) fn learned(&mut self, groups: usize) -> Vec<Arc<Fresh>> {
        let learned: Vec<_> = self.fresh.drain(..groups).collect();
        self.unindexed -= learned.iter().map(|group| group.done.len()).sum::<usize>();
        learned
    }

    /// What stands under a key.
    pub(crate) fn record(&self, key: &Key) -> Option<&Record> {
        self.records.get(key).map(Arc::as_ref)
    }

    pub(crate) fn head(&self) -> Head {
        self.shape.head()
    }

    /// An operation that the index has yet to learn.
    pub(crate) fn fresh_operation(&self, account: AccountId, sequence: u64) -> Option<Done> {
        let is = |done: &&Done| done.signed.body.account == account && done.signed.body.sequence == sequence;
        self.fresh().find(is).cloned()
    }

    /// The first settlement that the index has yet to learn and that covers a receipt.
    pub(crate) fn fresh_settlement(&self, channel: ChannelId, number: u64) -> Option<api::Settled> {
        self.fresh().filter(|done| done.answer.is_ok()).find_map(|done| match &done.signed.body.operation {
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
