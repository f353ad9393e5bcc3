//! The committer: ends a group with the state's root, and makes it durable with one sync.

use api::log::Entry;
use ledger::state_tree::{self, Tree};
use std::{
    ops::Range,
    path::PathBuf,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, sync_channel},
    },
};
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::{
    group::Group,
    journal::Appender,
    lock::write,
    proof::ways,
    tell::Teller,
    view::{Change, View},
    writer::{Job, SENT_MAX},
};

/// Fewer changes and entries than these are not worth a thread.
const FEW_HASHES: usize = 256;

/// The one thread that writes the journal.
pub(crate) struct Committer {
    /// Over the records of all that is durable, between two groups.
    pub tree: Tree,
    pub journal: Appender,
    /// To say in it why writing stops.
    pub view: Arc<RwLock<View>>,
    pub path: PathBuf,
}

impl Committer {
    /// Runs until the writer has ended, or the journal cannot be written.
    pub(crate) fn run(mut self, groups: Receiver<Group>, writer: &WeakUnboundedSender<Job>, teller: Teller) {
        let send = |job| drop(writer.upgrade().map(|writer| writer.send(job)));
        std::thread::scope(|scope| {
            let (durable, committed) = sync_channel(1);
            let teller = scope.spawn(|| teller.run(committed, send));
            while let Ok(mut group) = groups.recv()
                && self.commit(&mut group).is_ok()
            {
                send(Job::Durable);
                if durable.send(group).is_err() {
                    break;
                }
            }
            drop(durable);
            if teller.join().is_err() {
                tracing::error!("the ledger's teller failed, so nothing is answered any more. Restart");
            }
        });
        // The writer sees that nobody takes its next group.
        drop(groups);
        (0..SENT_MAX).for_each(|_| send(Job::Durable));
    }

    /// Makes a group durable.
    ///
    /// # Errors
    /// If the journal failed: then nobody may be answered, and the writer's state is ahead of what is durable.
    pub(crate) fn commit(&mut self, group: &mut Group) -> std::io::Result<()> {
        if !group.change.done.is_empty() {
            let start = self.journal.end();
            self.seal(group);
            self.journal.commit(&group.bytes).inspect_err(|error| self.stop(error))?;
            group.change.leaves.iter_mut().for_each(|(offset, _)| *offset += start);
            group.change.end = self.journal.end();
        }
        // The head's last entry is the root of this tree.
        group.ways = group.questions.iter().map(|(key, _)| ways(&self.tree, key)).collect();
        Ok(())
    }

    /// Says why writing stops, before those who wait learn that nobody will answer.
    fn stop(&self, error: &std::io::Error) {
        let path = self.path.display();
        let stopped = format!("{path} cannot be written ({error}), so nothing is written any more; reading goes on");
        tracing::error!("{stopped}. Mend the cause and restart");
        write(&self.view).stopped = Some(stopped);
    }

    /// Ends a group with the state's root. Of many hashes another thread makes half: those of one half of the state's tree,
    /// and of half of the log's leaves.
    fn seal(&mut self, group: &mut Group) {
        let Change { paths, records, .. } = &group.change;
        let changes: Vec<_> = paths.iter().zip(records).map(|(path, (_, record))| (*path, record.as_deref())).collect();
        let entries = group.unhashed();
        let hash = |entries: &[Range<usize>]| entries.iter().map(|entry| group.leaf(entry)).collect::<Vec<_>>();
        let mut leaves = Vec::new();
        if changes.len() + entries.len() < FEW_HASHES {
            self.tree.learn(changes, state_tree::in_turn);
            leaves.extend(hash(entries));
        } else {
            let (first, second) = entries.split_at(entries.len() / 2);
            self.tree.learn(changes, |left, right| {
                std::thread::scope(|scope| {
                    let other = scope.spawn(|| {
                        right();
                        hash(second)
                    });
                    left();
                    leaves.extend(hash(first));
                    leaves.extend(other.join().expect("the hashing thread failed"));
                });
            });
        }
        group.change.leaves.extend(leaves);
        group.put(&Entry::Root { root: self.tree.root() });
        group.hash_some();
    }
}
