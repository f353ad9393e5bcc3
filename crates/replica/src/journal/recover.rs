//! Tells a torn tail, which a crash may leave, from damage, which it cannot.
//!
//! Groups are written one at a time, each after the one before was synced, and each ends with a root entry. So a crash
//! leaves at most one group that is not whole: the last, which nobody was answered about. It is cut. Anything else that
//! cannot be read is damage: below the mark, or with the beginning of a later group behind it.

use std::io::{self, Read as _};

use super::{
    frame::holds_group,
    read::{Damage, Raw, ReadError, Records},
};
use crate::disk::{ReadFrom, Stored};

/// How a journal ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Whole groups end here.
    pub end: u64,
    /// Where the last whole group begins.
    pub last_group: u64,
    /// Bytes of a torn group behind them.
    pub torn_bytes: u64,
    /// Whole records among those.
    pub torn_entries: u64,
}

/// What scanning may run into: reading fails, or whoever looks at the groups finds something.
pub(crate) enum ScanError<E> {
    Io(io::Error),
    Damage(Damage),
    Found(E),
}

/// Reads all whole groups and hands them to `each`; decides about what is left. `acknowledged` is the mark.
///
/// # Errors
/// [`ScanError::Damage`] if something acknowledged cannot be read, and whatever `each` finds.
pub(crate) fn scan<E>(
    file: &dyn Stored,
    acknowledged: u64,
    mut each: impl FnMut(Vec<Raw>) -> Result<(), E>,
) -> Result<Tail, ScanError<E>> {
    let length = file.length().map_err(ScanError::Io)?;
    let mut records = Records::new(file, length);
    let mut tail = Tail { end: records.offset, last_group: records.offset, ..Tail::default() };
    let mut group = Vec::new();
    let damage = loop {
        match records.next() {
            Ok(Some(raw)) => {
                let whole = raw.ends_group();
                group.push(raw);
                if whole {
                    (tail.last_group, tail.end) = (tail.end, records.offset);
                    each(std::mem::take(&mut group)).map_err(ScanError::Found)?;
                }
            }
            Ok(None) => break None,
            Err(ReadError::Io(error)) => return Err(ScanError::Io(error)),
            Err(ReadError::Damage(damage)) => break Some(damage),
        }
    };
    tail.torn_bytes = length.saturating_sub(tail.end);
    tail.torn_entries = group.len() as u64;
    let cut_short = || Damage {
        entry: records.entry,
        offset: records.offset,
        what: format!("{acknowledged} bytes were acknowledged, and the file has {length}"),
    };
    if tail.end < acknowledged {
        return Err(ScanError::Damage(damage.unwrap_or_else(cut_short)));
    }
    match damage {
        Some(damage) if group_follows(file, damage.offset).map_err(ScanError::Io)? => Err(ScanError::Damage(damage)),
        _ => Ok(tail),
    }
}

/// True if a group begins behind the damage at `offset`: then the damaged one was synced.
fn group_follows(file: &dyn Stored, offset: u64) -> io::Result<bool> {
    let mut bytes = Vec::new();
    ReadFrom { file, at: offset + 1 }.read_to_end(&mut bytes)?;
    Ok(holds_group(&bytes))
}
