//! The checker: the signatures of all operations that wait are checked together, then the writer gets them in their order.

use ledger::{Digest, Request, Signed};
use tokio::sync::mpsc;

use crate::{
    verify::verify,
    writer::{Job, Waiting},
};

/// Operations that nobody checked yet, and who waits for them.
pub(crate) struct Unchecked {
    pub operations: Vec<Signed<Request>>,
    pub waiting: Waiting,
}

/// The thread that checks.
pub(crate) struct Checker {
    pub network: Digest,
    pub writer: mpsc::UnboundedSender<Job>,
}

impl Checker {
    /// Runs until nobody can submit any more.
    pub(crate) fn run(self, mut queue: mpsc::UnboundedReceiver<Unchecked>) {
        let mut jobs = Vec::new();
        while queue.blocking_recv_many(&mut jobs, usize::MAX) > 0 {
            self.turn(&mut jobs);
        }
    }

    /// Checks all that wait.
    pub(crate) fn turn(&self, jobs: &mut Vec<Unchecked>) {
        let (mut operations, mut waiting) = (Vec::new(), Vec::with_capacity(jobs.len()));
        for job in jobs.drain(..) {
            waiting.push((job.operations.len(), job.waiting));
            operations.extend(job.operations);
        }
        verify(self.network, operations, |verified| {
            for (count, waiting) in waiting {
                // If the writer ended, those who wait see that nobody answers.
                drop(self.writer.send(Job::Submit(verified.take(count).collect(), waiting)));
            }
        });
    }
}
