//! The journal: every entry of the log in order, in one append-only file. `docs/journal.md` gives the format and the
//! reasons.

mod append;
mod frame;
mod mark;
mod read;
mod recover;

pub(crate) use append::{Appender, create};
pub(crate) use frame::{FRAME_BYTES, HEADER_BYTES, holds_group, open_header, put_record, take_record};
pub(crate) use mark::{acknowledged, open_mark};
pub(crate) use read::{Damage, Raw};
pub(crate) use recover::{ScanError, Tail, scan};

/// The journal's file in a replica's folder.
pub(crate) const FILE: &str = "journal";
