//! The teller: shows readers each group that is durable, and only then answers everybody in it.

use std::sync::{
    Arc, RwLock,
    mpsc::{Receiver, SyncSender},
};

use crate::{
    group::Group,
    lock::{read, write},
    proof::stood,
    view::View,
    writer::{Job, Waiting},
};

/// With so many operations that the index has yet to learn, which are kept in memory, what comes next waits.
const FRESH_MAX: usize = 131_072;

/// Shows and answers while the committer goes on.
pub(crate) struct Teller {
    pub view: Arc<RwLock<View>>,
    /// Tells the keeper that something is new.
    pub news: SyncSender<()>,
}

impl Teller {
    /// Runs until the committer has ended.
    pub(crate) fn run(self, groups: Receiver<Group>, send: impl Fn(Job)) {
        for mut group in groups {
            self.tell(&mut group);
            if group.was_big() {
                send(Job::Reuse(Box::new(group)));
            }
        }
    }

    /// Shows a group that is durable, answers everybody in it, and leaves nothing in it but its memory.
    pub(crate) fn tell(&self, group: &mut Group) {
        let wrote = !group.change.done.is_empty();
        if wrote {
            write(&self.view).publish(&mut group.change);
        }
        for (Waiting { tell, places }, verdicts) in group.answers.drain(..) {
            drop(places);
            // Whoever went away asks again with the same bytes.
            drop(tell.send(verdicts));
        }
        for ((key, tell), ways) in group.questions.drain(..).zip(group.ways.drain(..)) {
            let view = read(&self.view);
            drop(tell.send((stood(key, ways, |key| view.record(key).cloned()), view.head())));
        }
        if wrote {
            self.tell_keeper();
        }
    }

    /// If one piece of news waits already, the keeper will see this too. If the index is far behind, what comes next waits for
    /// it.
    fn tell_keeper(&self) {
        let behind = read(&self.view).unindexed > FRESH_MAX;
        let _ = if behind { self.news.send(()).map_err(drop) } else { self.news.try_send(()).map_err(drop) };
    }
}
