//! The checker: the signatures of all operations that wait are checked together, then the writer gets them in their order.

use api::LedgerError;
use ledger::{Digest, Request, Signed};
use tokio::sync::{mpsc, oneshot};

use crate::{
    commit::{Job, QUEUE_MAX, Verdict},
    verify::verify,
};

/// An operation that nobody checked yet, and who waits for it.
pub(crate) struct Unchecked {
    pub operation: Signed<Request>,
    pub tell: oneshot::Sender<Verdict>,
}

/// The thread that checks.
pub(crate) struct Checker {
    pub network: Digest,
    pub writer: mpsc::Sender<Job>,
}

impl Checker {
    /// Runs until nobody can submit any more.
    pub(crate) fn run(self, mut queue: mpsc::Receiver<Unchecked>) {
        let mut waiting = Vec::new();
        while queue.blocking_recv_many(&mut waiting, QUEUE_MAX) > 0 {
            self.turn(&mut waiting);
        }
    }

    /// Checks all that wait.
    pub(crate) fn turn(&self, waiting: &mut Vec<Unchecked>) {
        let (operations, tell): (Vec<_>, Vec<_>) =
            waiting.drain(..).map(|Unchecked { operation, tell }| (operation, tell)).unzip();
        verify(self.network, operations, |verified| {
            for (verified, tell) in verified.zip(tell) {
                match verified {
                    // If the writer ended, those who wait see that nobody answers.
                    Ok(operation) => drop(self.writer.blocking_send(Job { operation, tell })),
                    Err(reject) => {
                        let refused = LedgerError::Rejected { reject, entry: None };
                        drop(tell.send(Verdict::Answered(Err(refused))));
                    }
                }
            }
        });
    }
}
