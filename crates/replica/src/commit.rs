//! The committer: ends a group with the state's root, makes it durable with one sync, shows it to readers, and only then answers.

use api::log::Entry;
use ledger::{
    Key,
    state_tree::{self, Tree},
};
use std::{
    ops::Range,
    path::PathBuf,
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, SyncSender},
    },
};
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::{
    group::Group,
    journal::Appender,
    lock::{read, write},
    proof::stands,
    view::{Change, View},
    writer::{Job, Waiting},
};

/// With so many operations that the index has yet to learn, which are kept in memory, the committer waits.
const FRESH_MAX: usize = 131_072;
/// Fewer changes and entries than these are not worth a thread.
const FEW_HASHES: usize = 256;

/// The one thread that writes the journal.
pub(crate) struct Committer {
    /// Over the records as readers see them, between two groups.
    pub tree: Tree,
    pub journal: Appender,
    pub view: Arc<RwLock<View>>,
    /// Tells the keeper that something is new.
    pub news: SyncSender<()>,
    pub path: PathBuf,
}

impl Committer {
    /// Runs until the writer has ended, or the journal cannot be written.
    pub(crate) fn run(mut self, groups: Receiver<Group>, writer: &WeakUnboundedSender<Job>) {
        let free = || drop(writer.upgrade().map(|writer| writer.send(Job::Free)));
        while let Ok(group) = groups.recv() {
            if self.commit(group, free).is_err() {
                break;
            }
        }
        // The writer sees that nobody takes its next group.
        drop(groups);
        free();
    }

    /// Commits a group, then answers everybody in it. Says `free` as soon as the group is durable: while readers get to see
    /// it, the writer ends the next one.
    ///
    /// # Errors
    /// If the journal failed: then nobody was answered, and the writer's state is ahead of what is durable.
    pub(crate) fn commit(&mut self, mut group: Group, free: impl FnOnce()) -> std::io::Result<()> {
        let wrote = !group.change.done.is_empty();
        let start = self.journal.end();
        if wrote {
            self.seal(&mut group);
            self.journal.commit(&group.bytes).inspect_err(|error| self.stop(error))?;
        }
        free();
        if wrote {
            group.change.leaves.iter_mut().for_each(|(offset, _)| *offset += start);
            group.change.end = self.journal.end();
            write(&self.view).publish(group.change);
        }
        for (Waiting { tell, places }, verdicts) in group.answers {
            drop(places);
            // Whoever went away asks again with the same bytes.
            drop(tell.send(verdicts));
        }
        for (key, tell) in group.questions {
            // The head's last entry is the root of what readers see.
            let view = read(&self.view);
            drop(tell.send((stands(&self.tree, key, |key: &Key| view.record(key).cloned()), view.head())));
        }
        if wrote {
            self.tell_keeper();
        }
        Ok(())
    }

    /// If one piece of news waits already, the keeper will see this too. If the index is far behind, what comes next waits for
    /// it.
    fn tell_keeper(&self) {
        let behind = read(&self.view).unindexed() > FRESH_MAX;
        let _ = if behind { self.news.send(()).map_err(drop) } else { self.news.try_send(()).map_err(drop) };
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
