//! One operation decided: what the log says of it, and what the index keeps beside.

use ledger::{ArtifactId, Operation, Outcome, Reject, Request, Signed, State, Time, Usage, Verified};
use std::sync::Arc;

/// An operation that left a trace.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// Its index in the log.
    pub entry: u64,
    /// Its time.
    pub at: Time,
    /// As it was signed.
    pub signed: Arc<Signed<Request>>,
    /// What became of it; never an admission refusal.
    pub answer: Result<Outcome, Reject>,
    /// If it settled: tokens by the artifact that was run, newer than the settlement before.
    pub used: Vec<(ArtifactId, Usage)>,
}

impl Done {
    /// Applies an operation as entry number `entry`.
    ///
    /// # Errors
    /// The admission refusal; then nothing changed.
    pub(crate) fn decide(state: &mut State, entry: u64, at: Time, operation: &Verified) -> Result<Self, Reject> {
        let used = used(state, operation.request());
        let answer = state.apply(at, operation);
        match answer {
            Err(reject) if reject.is_admission() => Err(reject),
            answer => {
                let used = if answer.is_ok() { used } else { Vec::new() };
                Ok(Self { entry, at, signed: Arc::clone(operation.signed()), answer, used })
            }
        }
    }

    /// Its result in the log.
    pub(crate) fn result(&self) -> u16 {
        self.answer.as_ref().map_or_else(|reject| reject.number(), |_| 0)
    }

    /// What whoever submitted it is told.
    pub(crate) fn reply(&self) -> Result<api::Applied, api::LedgerError> {
        match &self.answer {
            Ok(outcome) => Ok(api::Applied { entry: self.entry, at: self.at, outcome: outcome.clone() }),
            Err(reject) => Err(api::LedgerError::Rejected { reject: *reject, entry: Some(self.entry) }),
        }
    }
}

/// What a settlement would add to each line, if the request is one.
fn used(state: &State, request: &Request) -> Vec<(ArtifactId, Usage)> {
    let Operation::Settle { voucher } = &request.operation else {
        return Vec::new();
    };
    let Some(channel) = state.channel(&voucher.body.channel) else {
        return Vec::new();
    };
    let line = |line: &ledger::Line| {
        let artifact = state.offer(&line.offer)?.offer.artifact;
        let before = channel.usage.binary_search_by_key(&line.offer, |line| line.offer);
        let before = before.ok().and_then(|at| channel.usage.get(at)).map_or(Usage::default(), |line| line.usage);
        Some((artifact, line.usage.minus(before)?))
    };
    voucher.body.usage.iter().filter_map(line).collect()
}
