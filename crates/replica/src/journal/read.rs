//! Reads a journal from its first record to its last.

use std::io::{self, BufReader, Read as _};

use super::frame::{FRAME_BYTES, Frame, HEADER_BYTES};
use crate::disk::{ReadFrom, Stored};

/// One record as it lies in the journal.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    /// Its index in the log.
    pub entry: u64,
    /// Where its record begins in the file, if it is from a file.
    pub offset: u64,
    /// The entry's canonical encoding.
    pub bytes: Vec<u8>,
}

impl Raw {
    /// True for a [`api::log::Entry::Root`], which ends a group.
    pub(crate) fn ends_group(&self) -> bool {
        self.bytes.first() == Some(&2)
    }
}

/// Where a journal stops being readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The log entry that lies there.
    pub entry: u64,
    /// Where its record begins.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

/// Why the next record cannot be had.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The system's word.
    Io(io::Error),
    /// It is not whole.
    Damage(Damage),
}

/// The records of a file, one after the other.
pub(crate) struct Records<'a> {
    reader: BufReader<ReadFrom<'a>>,
    /// Where the next record begins.
    pub offset: u64,
    /// Its index in the log.
    pub entry: u64,
    /// Where the file ended when it was opened.
    end: u64,
    /// True if the next record must begin a group.
    at_group: bool,
}

impl<'a> Records<'a> {
    /// Begins after the header. `end` bounds what is read.
    pub(crate) fn new(file: &'a dyn Stored, end: u64) -> Self {
        let at = HEADER_BYTES as u64;
        let reader = BufReader::with_capacity(1 << 18, ReadFrom { file, at });
        Self { reader, offset: at, entry: 0, end, at_group: true }
    }

    /// The next record, or `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Damage`], after which nothing can be read on.
    pub(crate) fn next(&mut self) -> Result<Option<Raw>, ReadError> {
        let left = self.end.saturating_sub(self.offset);
        if left == 0 {
            return Ok(None);
        }
        if left < FRAME_BYTES as u64 {
            return Err(self.damage("the file ends within a record"));
        }
        let mut frame = [0; FRAME_BYTES];
        self.reader.read_exact(&mut frame).map_err(ReadError::Io)?;
        let Some(frame) = Frame::open(frame) else { return Err(self.damage("a record has an impossible length")) };
        let whole = (FRAME_BYTES + frame.entry_bytes()) as u64;
        if left < whole {
            return Err(self.damage("the file ends within a record"));
        }
        let mut bytes = vec![0; frame.entry_bytes()];
        self.reader.read_exact(&mut bytes).map_err(ReadError::Io)?;
        if !frame.fits(&bytes) {
            return Err(self.damage("the checksum of a record is wrong"));
        }
        if frame.begins_group() != self.at_group {
            return Err(self.damage("a record is not where it was written"));
        }
        let raw = Raw { entry: self.entry, offset: self.offset, bytes };
        self.offset += whole;
        self.entry += 1;
        self.at_group = raw.ends_group();
        Ok(Some(raw))
    }

    fn damage(&self, what: &str) -> ReadError {
        ReadError::Damage(Damage { entry: self.entry, offset: self.offset, what: what.to_owned() })
    }
}
