//! Whole replicas in temporary folders: submission, recovery, faults, the log, the audit.

mod audit;
mod fault;
mod fuzz;
mod income;
mod index;
mod kill;
mod log;
mod market;
mod proof;
mod recovery;
mod simulation;
mod submit;
mod watch;
mod witness;

use api::{Applied, Ledger as _, LedgerError};
use ledger::{Amount, Digest, Genesis, Operation, Request, Signed, Time};
use std::{path::Path, sync::Arc};

pub(crate) use crate::target::{account, config, genesis, key};
use crate::{Config, Error, Replica, disk::Files, open::Ground, target::disk::SimulatedDisk, writer};

/// Opens a replica without waiting for an earlier one, whose folder the lock guards.
pub(crate) fn open(dir: &Path) -> Replica {
    Replica::open(config(dir)).unwrap()
}

/// Opens a replica on a simulated disk; its index is in the folder.
pub(crate) fn open_on(dir: &Path, disk: &SimulatedDisk) -> Result<Replica, Error> {
    Replica::open_on(config(dir), Ground { disk: Arc::new(disk.clone()), clock: Arc::new(writer::now) })
}

/// Signs an operation of account `number`.
pub(crate) fn sign(number: u8, sequence: u64, operation: Operation) -> Signed<Request> {
    let (key, network) = (key(number), genesis().network());
    let not_after = Time(u64::MAX);
    let request = Request { network, account: account(number), key: key.public(), sequence, not_after, operation };
    key.sign(network, request)
}

/// The issuer's operation that makes credits for account `to`.
pub(crate) fn issue(sequence: u64, to: u8, credits: u32) -> Signed<Request> {
    let amount = Amount::credits(credits);
    sign(0, sequence, Operation::Issue { to: account(to), amount, reference: Digest([7; 32]) })
}

pub(crate) fn transfer(from: u8, sequence: u64, to: u8, credits: u32) -> Signed<Request> {
    let amount = Amount::credits(credits);
    sign(from, sequence, Operation::Transfer { to: account(to), amount, reference: Digest([7; 32]) })
}

pub(crate) fn submit(replica: &Replica, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
    futures::executor::block_on(replica.submit(operation))
}

pub(crate) fn balance(replica: &Replica, number: u8) -> Amount {
    futures::executor::block_on(replica.account(account(number))).unwrap().balance
}

/// A folder with `groups` groups of one operation each, closed as a kill would leave it: without a snapshot.
pub(crate) fn killed(groups: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for sequence in 0..groups {
        submit(&replica, &issue(sequence, 1, 1)).unwrap();
    }
    replica.close();
    // A founded network that nobody used still gets its snapshot.
    std::fs::remove_file(dir.path().join("snapshot")).unwrap();
    dir
}

/// A replica behind HTTP.
pub(crate) struct Served {
    pub replica: Replica,
    pub base: String,
    dir: tempfile::TempDir,
}

/// A replica with `operations` operations, served on a port of the system's choice.
pub(crate) async fn served(operations: u64) -> Served {
    api::link::choose_cryptography();
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for sequence in 0..operations {
        replica.submit(&issue(sequence, 1, 1)).await.unwrap();
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = replica.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Served { replica, base, dir }
}

impl Served {
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn link(&self) -> api::Link {
        self.base.parse().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.base)).await.unwrap()
    }

    /// The JSON at a path, and its status.
    pub(crate) async fn json(&self, path: &str) -> (u16, serde_json::Value) {
        let answer = self.get(path).await;
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}
