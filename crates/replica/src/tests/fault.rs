//! A disk that fails: each fault in both forms, failed and not stored, failed but stored.

use super::*;
use crate::journal::Storage;
use std::{fs::File, io, io::Write as _};

/// What goes wrong with the second group that is committed after the start.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The disk is full at once.
    Full,
    /// The disk is full in the middle of the group.
    FullWithin,
    /// The sync fails, and nothing was stored.
    SyncLost,
    /// The sync fails, and everything was stored.
    SyncStored,
}

struct Faulty {
    file: File,
    fault: Fault,
    groups: u32,
}

impl Storage for Faulty {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.groups += 1;
        match self.fault {
            Fault::Full if self.groups == 2 => Err(io::ErrorKind::StorageFull.into()),
            Fault::FullWithin if self.groups == 2 => {
                self.file.write_all(&bytes[..bytes.len() / 2])?;
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => self.file.write_all(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        match self.fault {
            Fault::SyncStored if self.groups == 2 => Err(io::Error::other("the disk said no")),
            Fault::SyncLost if self.groups == 2 => {
                // One operation and a root are far longer than this.
                self.file.set_len(before - 60)?;
                Err(io::Error::other("the disk said no"))
            }
            _ => self.file.sync_data(),
        }
    }
}

fn with(fault: Fault) {
    let dir = tempfile::tempdir().unwrap();
    let storage = move |file| -> Box<dyn Storage> { Box::new(Faulty { file, fault, groups: 0 }) };
    let replica = Replica::open_on(config(dir.path()), storage).unwrap();
    submit(&replica, &issue(0, 1, 1)).unwrap();
    let head = futures::executor::block_on(replica.head()).unwrap();

    for _ in 0..2 {
        let error = submit(&replica, &issue(1, 1, 1)).unwrap_err();
        assert!(matches!(error, LedgerError::Unreachable { .. }), "{fault:?}: {error}");
        assert!(error.to_string().contains("nothing is written any more"), "{fault:?}: {error}");
    }
    assert_eq!(balance(&replica, 1), Amount::credits(1), "{fault:?}: readers see what is durable");
    assert_eq!(futures::executor::block_on(replica.head()).unwrap(), head);
    drop(replica);

    let replica = open(dir.path());
    let stored = if fault == Fault::SyncStored { 2 } else { 1 };
    assert_eq!(balance(&replica, 1), Amount::credits(stored), "{fault:?}");
    submit(&replica, &issue(1, 1, 1)).unwrap();
    assert_eq!(balance(&replica, 1), Amount::credits(2), "{fault:?}: once, never twice");
}

#[test]
fn a_full_disk_stops_writing_not_reading() {
    with(Fault::Full);
    with(Fault::FullWithin);
}

#[test]
fn a_failed_sync_stops_writing_whatever_was_stored() {
    with(Fault::SyncLost);
    with(Fault::SyncStored);
}
