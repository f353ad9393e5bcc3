//! The audit of a replica's folder.

use ledger::State;
use std::{io, path::Path};

use super::{Finding, Progress, Report, Step, auditor::Auditor};
use crate::{
    Error,
    disk::{self, Disk},
    journal::{self, Raw, ScanError, scan},
    recovery::read_header,
    snapshot::CHECKPOINT,
};

/// So many entries are checked together.
const TOGETHER: usize = 4_096;

/// Audits what lies on a disk. `dir` is where its folder is.
pub(crate) fn audit<P: FnMut(Progress), W: FnMut(Step<'_>)>(
    disk: &dyn Disk,
    dir: &Path,
    mut auditor: Auditor<P, W>,
) -> Result<(Report, State), Finding> {
    let path = dir.join(journal::FILE);
    let unreadable = |error: Error| Finding::Unreadable(error.to_string());
    // First the mark and the head, then the journal, which may be growing.
    let acknowledged = journal::acknowledged(disk);
    let note = match disk::read(disk, CHECKPOINT) {
        // Bytes that are no text make no good note.
        Ok(note) => Some(String::from_utf8_lossy(&note).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(unreadable(Error::Io { path: dir.join(CHECKPOINT), source })),
    };
    let file = disk.open(journal::FILE).map_err(Error::io(&path)).map_err(unreadable)?;
    let network = read_header(&path, &*file).map_err(unreadable)?;
    auditor.path = Some(path.clone());
    // Groups are often of one operation; together their signatures are worth all cores.
    let mut entries = Vec::new();
    let each = |group: Vec<Raw>| {
        entries.extend(group);
        if entries.len() < TOGETHER {
            Ok(())
        } else {
            feed(&mut auditor, &std::mem::take(&mut entries), note.as_deref())
        }
    };
    let scanned = scan(&*file, acknowledged, each);
    // What comes before a damaged record is checked first: the first wrong place is told.
    feed(&mut auditor, &entries, note.as_deref())?;
    let tail = scanned.map_err(|error| match error {
        ScanError::Io(source) => unreadable(Error::Io { path: path.clone(), source }),
        ScanError::Damage(damage) => {
            Finding::Wrong { entry: damage.entry, path: Some(path.clone()), offset: damage.offset, what: damage.what }
        }
        ScanError::Found(finding) => finding,
    })?;
    if auditor.network().is_some_and(|found| found != network) {
        return Err(Finding::History(format!(
            "the file's header names the network {network}, which its log did not found"
        )));
    }
    auditor.finish(tail.torn_bytes)
}

fn feed<P: FnMut(Progress), W: FnMut(Step<'_>)>(
    auditor: &mut Auditor<P, W>,
    group: &[Raw],
    note: Option<&str>,
) -> Result<(), Finding> {
    let first = auditor.genesis().is_none();
    if let (true, [genesis, rest @ ..]) = (first, group) {
        auditor.feed(std::slice::from_ref(genesis))?;
        note.map_or(Ok(()), |note| auditor.expect_note(note))?;
        return auditor.feed(rest);
    }
    auditor.feed(group)
}
