//! The audit: replays a log from its entries alone and finds the first wrong place.

pub(crate) mod auditor;
pub(crate) mod folder;
mod money;
mod url;

use ledger::{Amount, Digest, Head, Outcome, Request, State, Time};
use std::path::PathBuf;

use crate::disk::Files;

/// Where the log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A replica's folder; the replica may be running.
    Folder(PathBuf),
    /// Somebody's replica or gateway, such as `http://127.0.0.1:7420`; only `/log` is asked.
    Url(api::Link),
}

/// What an audit that found nothing wrong has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The network. Compare it with the one you mean: a log can be right about another network.
    pub network: Digest,
    /// The log's origin.
    pub origin: String,
    /// Entries of every kind.
    pub entries: u64,
    /// Operations that were applied.
    pub applied: u64,
    /// Operations that were refused, and whose refusal is in the log.
    pub refused: u64,
    /// Settlements.
    pub settlements: u64,
    /// What they paid, fees and royalties together.
    pub settled: Amount,
    /// What was paid out of pots.
    pub paid_out: Amount,
    /// Credits in the world: issued and not redeemed.
    pub supply: Amount,
    /// The log's size and root, as recomputed.
    pub head: Head,
    /// The newest head that a replica signed and that was checked; none in a folder that was never closed.
    pub signed: Option<Head>,
    /// Bytes behind the last whole group of a folder: a group that is being written, or that a crash tore.
    pub unfinished_bytes: u64,
}

/// What is wrong, or why that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The first wrong place.
    #[error("entry {entry} is wrong{}: {what}", place(.path, .offset))]
    Wrong {
        /// The entry.
        entry: u64,
        /// The file, if the log is one.
        path: Option<PathBuf>,
        /// Where in the file the entry's record begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The entries may be right, and the log as a whole is not what was signed or remembered, or money was made or lost.
    #[error("{0}")]
    History(String),
    /// The log cannot be read; nothing is known about it.
    #[error("the log cannot be read: {0}")]
    Unreadable(String),
}

fn place(path: &Option<PathBuf>, offset: &u64) -> String {
    path.as_ref().map_or_else(String::new, |path| format!(" (byte {offset} of {})", path.display()))
}

/// How far an audit is: entries checked, and how many there are as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries checked.
    pub done: u64,
    /// Entries there are, if known.
    pub of: Option<u64>,
}

/// Replays a log: checksums, canonical encoding, every signature, time, every result, the state's root after each group,
/// tree heads, and the sums of money. `remembered` is a head seen before, to which the log must still lead.
///
/// # Errors
/// The first [`Finding`].
pub async fn audit(
    source: &Source,
    remembered: Option<Head>,
    progress: impl FnMut(Progress) + Send,
) -> Result<Report, Finding> {
    audit_watched(source, remembered, progress, |_| {}).await.map(|(report, _)| report)
}

/// An operation that was applied, and the state right after it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Its entry in the log.
    pub entry: u64,
    /// When.
    pub at: Time,
    /// What was asked, by whom.
    pub request: &'a Request,
    /// What it did.
    pub outcome: &'a Outcome,
    /// After it. A channel that is finished later is still here.
    pub state: &'a State,
}

/// The audit of [`audit`] for whoever wants to prove something with the log: `watch` sees each operation as it is applied,
/// and the state that the log leads to is handed out. What was seen counts only if there is no finding in the end.
///
/// # Errors
/// The first [`Finding`].
pub async fn audit_watched(
    source: &Source,
    remembered: Option<Head>,
    progress: impl FnMut(Progress) + Send,
    watch: impl FnMut(Step<'_>) + Send,
) -> Result<(Report, State), Finding> {
    let auditor = auditor::Auditor::new(remembered, progress, watch);
    match source {
        Source::Folder(dir) => folder::audit(&Files(dir.clone()), dir, auditor),
        Source::Url(link) => url::audit(link.clone(), auditor).await,
    }
}
