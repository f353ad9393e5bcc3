//! What strangers may leave as a journal: the target takes any bytes, and checks what must hold whatever comes of them. Tests try
//! the corpus and bytes of chance on it, and `fuzz/` what measured coverage leads to; in the program there is none of this.

#[path = "../../examples/history/chance.rs"]
#[cfg_attr(not(test), expect(dead_code, reason = "a fuzzer chooses itself"))]
pub(crate) mod chance;
#[cfg_attr(not(test), expect(dead_code, reason = "a fuzzer plans no faults of the disk"))]
pub(crate) mod disk;

use ledger::{AccountId, Deposits, Fees, Genesis, Keypair, Limits, Time};
use std::{path::Path, sync::Arc};

use self::disk::SimulatedDisk;
use crate::{
    Config, Error,
    audit::{auditor::Auditor, folder},
    journal,
    lock::read,
    open::{Ground, Ready},
    writer,
};

/// A key by number; number 0 is the issuer and the replica.
pub(crate) fn key(number: u8) -> Keypair {
    Keypair::from_secret(&[number; 32])
}

pub(crate) fn account(number: u8) -> AccountId {
    key(number).public().into()
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        origin: "pumasi.test/replica".into(),
        founded: Time(1_000),
        issuer: account(0),
        replicas: vec![key(0).public()],
        beneficiary: account(0),
        fees: Fees::default(),
        deposits: Deposits::default(),
        royalty_max: 1_000_000,
        dispute_window_ms: 0,
        limits: Limits::CEILING,
    }
}

pub(crate) fn config(dir: &Path) -> Config {
    Config { dir: dir.to_owned(), genesis: Some(genesis()), key: Arc::new(key(0)) }
}

/// A byte that says how much of it is acknowledged, in 255th parts, and a journal. Start and audit are of one mind
/// about it, and a start that refuses changes nothing. True if it starts.
pub fn journal(bytes: &[u8]) -> bool {
    let Some((part, bytes)) = bytes.split_first() else { return false };
    let (dir, disk) = (tempfile::tempdir().unwrap(), SimulatedDisk::new(0, []));
    crate::disk::put(&disk, journal::FILE, bytes).unwrap();
    journal::open_mark(&disk).unwrap().set(bytes.len() as u64 * u64::from(*part) / 255);
    let audited = folder::audit(&disk, dir.path(), Auditor::new(None, |_| {}, |_| {}));
    let ground = Ground { disk: Arc::new(disk.clone()), clock: Arc::new(writer::now) };
    match (audited, Ready::new(config(dir.path()), ground)) {
        (Ok((report, _)), Ok(ready)) => {
            assert_eq!(read(&ready.inner.view).head(), report.head);
            true
        }
        (Ok(_), Err(Error::OtherNetwork { .. } | Error::NotReplica(_))) => false,
        (Err(_), Err(_)) => {
            assert!(disk.bytes(journal::FILE).unwrap() == bytes, "a start that refuses changed something");
            false
        }
        (Ok(_), Err(error)) => panic!("an audit finds nothing, and the start says: {error}"),
        (Err(finding), Ok(_)) => panic!("it starts, and an audit says: {finding}"),
    }
}

/// Whether it begins a group, and its entry.
type Record = (bool, Vec<u8>);

/// A target's input in pieces, of which each can be changed and still have a good checksum.
#[derive(Clone)]
pub struct Pieces {
    /// How much is acknowledged, and the header.
    pub(crate) head: Vec<u8>,
    records: Vec<Record>,
    /// What is no record.
    rest: Vec<u8>,
}

/// A change of some of its pieces. Numbers beyond what there is begin again from the first.
#[derive(Debug, Clone)]
pub enum Forgery {
    /// A record is left out.
    Drop(usize),
    /// Two change places.
    Swap(usize, usize),
    /// One is there twice.
    Repeat(usize),
    /// One begins a group, or no longer does.
    Begin(usize),
    /// A byte of one is another.
    Change(usize, usize, u8),
}

impl Pieces {
    /// Takes an input apart.
    pub fn of(bytes: &[u8]) -> Self {
        let (head, mut rest) = bytes.split_at(bytes.len().min(1 + journal::HEADER_BYTES));
        let mut records = Vec::new();
        while let Some((frame, entry, after)) = journal::take_record(rest) {
            records.push((frame.begins_group(), entry.to_vec()));
            rest = after;
        }
        Self { head: head.to_vec(), records, rest: rest.to_vec() }
    }

    /// The entry of a record, if there are records.
    pub fn entry(&mut self, at: usize) -> Option<&mut Vec<u8>> {
        let at = at.checked_rem(self.records.len())?;
        Some(&mut self.records[at].1)
    }

    /// Changes it.
    pub fn forge(&mut self, forgery: &Forgery) {
        let (count, records) = (self.records.len(), &mut self.records);
        if count == 0 {
            return;
        }
        match *forgery {
            Forgery::Drop(at) if count > 1 => drop(records.remove(at % count)),
            Forgery::Drop(_) => {}
            Forgery::Swap(one, other) => records.swap(one % count, other % count),
            Forgery::Repeat(at) => records.insert(at % count, records[at % count].clone()),
            Forgery::Begin(at) => records[at % count].0 ^= true,
            Forgery::Change(at, byte, to) => {
                let entry = &mut records[at % count].1;
                let byte = byte % entry.len();
                entry[byte] = to;
            }
        }
    }

    /// The input again.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        self.records.iter().for_each(|(begins, entry)| journal::put_record(*begins, &mut bytes, |to| to.extend(entry)));
        bytes.extend(&self.rest);
        bytes
    }
}
