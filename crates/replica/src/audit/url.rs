//! The audit of a log elsewhere, by its checkpoint and entry bundles.

use api::{Link, log::unchecked_head};
use ledger::State;

use super::{Finding, Progress, Report, Step, auditor::Auditor};
use crate::{elsewhere::Log, journal::Raw, shape::BLOCK};

pub(super) async fn audit<P: FnMut(Progress), W: FnMut(Step<'_>)>(
    link: Link,
    mut auditor: Auditor<P, W>,
) -> Result<(Report, State), Finding> {
    let log = Log::new(link).map_err(Finding::Unreadable)?;
    let note = log.checkpoint().await.map_err(Finding::Unreadable)?;
    let size = unchecked_head(&note).map_err(Finding::Unreadable)?.size;
    auditor.of = Some(size);
    for index in 0..size.div_ceil(BLOCK) {
        let width = BLOCK.min(size - index * BLOCK);
        let entries = log.bundle(index, width).await.map_err(Finding::Unreadable)?;
        let raw = |(entry, bytes)| Raw { entry, offset: 0, bytes };
        let entries: Vec<Raw> = (index * BLOCK..).zip(entries).map(raw).collect();
        match entries.split_first() {
            Some((genesis, rest)) if index == 0 => {
                auditor.feed(std::slice::from_ref(genesis))?;
                auditor.expect_note(&note)?;
                auditor.feed(rest)?;
            }
            _ => auditor.feed(&entries)?,
        }
    }
    auditor.finish(0)
}
