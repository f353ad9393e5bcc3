//! A watched ledger as doors and wallet know it.

use api::{
    Applied, Ledger, LedgerError, List, Settled,
    income::{Earnings, RECEIVED_MAX, Received},
    log::{Entry, SignedHead},
};
use async_trait::async_trait;
use ledger::{
    AccountId, ArtifactId, ChannelId, Digest, Genesis, Head, Key, Operation, Record, Request, Signed, Usage, log_tree,
};
use std::sync::Arc;

use super::{Watched, walk};
use crate::shape::BLOCK;

#[async_trait]
impl Ledger for Watched {
    async fn genesis(&self) -> Result<Arc<Genesis>, LedgerError> {
        self.ledger.genesis().await
    }

    /// What was submitted counts as done once the log holds it, under a head that follows from the remembered one.
    async fn submit(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
        self.trusted()?;
        let applied = self.ledger.submit(operation).await?;
        let head = self.look().await?.head;
        if head.size <= applied.entry {
            let why =
                format!("it says that entry {} is done, and its newest head is over {}", applied.entry, head.size);
            return Err(self.doubt(&why));
        }
        self.stands(operation, &applied, head).await?;
        Ok(applied)
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError> {
        self.trusted()?;
        self.ledger.get(key).await
    }

    async fn list(&self, list: List) -> Result<Vec<(Key, Record)>, LedgerError> {
        self.trusted()?;
        self.ledger.list(list).await
    }

    async fn settled(&self, channel: ChannelId, number: u64) -> Result<Option<Settled>, LedgerError> {
        self.trusted()?;
        self.ledger.settled(channel, number).await
    }

    /// What came in raises budgets: each transfer must stand in the log, under a head that follows from the remembered one.
    async fn received(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError> {
        self.trusted()?;
        let received = self.ledger.received(account, from).await?;
        self.came_in(account, from, &received).await?;
        Ok(received)
    }

    async fn earnings(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError> {
        self.trusted()?;
        self.ledger.earnings(account, days).await
    }

    async fn used(&self) -> Result<Vec<(ArtifactId, Usage)>, LedgerError> {
        self.trusted()?;
        self.ledger.used().await
    }

    async fn head(&self) -> Result<SignedHead, LedgerError> {
        self.look().await
    }

    fn hear(&self, head: Head, from: AccountId) {
        self.heard(head, from);
    }
}

impl Watched {
    /// Checks that an operation stands in the log as it was signed, with the result that was answered.
    async fn stands(&self, operation: &Signed<Request>, applied: &Applied, head: Head) -> Result<(), LedgerError> {
        let entry = applied.entry;
        let entries = self.bundle(entry / BLOCK, head).await?;
        let is_it = matches!(
            entry_of(&entries, entry),
            Some(Entry::Operation { at, signed, result: 0 }) if at == applied.at && signed == *operation
        );
        if is_it {
            return Ok(());
        }
        let why = format!("it says that an operation is done as entry {entry}, and its log does not hold it there");
        Err(self.doubt(&why))
    }

    /// Checks that transfers stand in the log as they are told, each of them once.
    async fn came_in(&self, account: AccountId, from: u64, received: &[Received]) -> Result<(), LedgerError> {
        let Some(last) = received.last() else { return Ok(()) };
        let rises = received.is_sorted_by(|a, b| a.entry < b.entry) && received.iter().all(|one| one.entry >= from);
        if !rises || received.len() > RECEIVED_MAX {
            return Err(self.doubt("it tells transfers that were not asked for, or one of them twice"));
        }
        let head = self.look().await?.head;
        let (mut index, mut entries) = (None, Vec::new());
        for transfer in received {
            if transfer.entry < head.size && index != Some(transfer.entry / BLOCK) {
                entries = self.bundle(transfer.entry / BLOCK, head).await?;
                index = Some(transfer.entry / BLOCK);
            }
            if last.entry >= head.size || !is_transfer(entry_of(&entries, transfer.entry), account, transfer) {
                let why =
                    format!("it tells of a transfer as entry {}, and its log does not hold it there", transfer.entry);
                return Err(self.doubt(&why));
            }
        }
        Ok(())
    }

    /// The entries of a bundle, which the head leads to.
    async fn bundle(&self, index: u64, head: Head) -> Result<Vec<Vec<u8>>, LedgerError> {
        let away = |reason| LedgerError::Unreachable { address: self.link().address.clone(), reason };
        let first = index * BLOCK;
        let entries = self.log.bundle(index, BLOCK.min(head.size - first)).await.map_err(away)?;
        let leaves: Vec<Digest> = entries.iter().map(|bytes| log_tree::leaf(bytes)).collect();
        let edge = walk::around(&self.log, first, &leaves, head.size).await.map_err(away)?;
        if edge.root() == head.root {
            return Ok(entries);
        }
        Err(self.doubt(&format!("the entries of its log from {first} on do not lead to its head")))
    }
}

/// One entry of the bundle that holds it.
fn entry_of(bundle: &[Vec<u8>], entry: u64) -> Option<Entry> {
    let place = usize::try_from(entry % BLOCK).ok()?;
    ledger::decode(bundle.get(place)?).ok()
}

/// True for the transfer that is told, to this account, if it was done.
fn is_transfer(entry: Option<Entry>, account: AccountId, told: &Received) -> bool {
    let Some(Entry::Operation { at, signed, result: 0 }) = entry else { return false };
    let Operation::Transfer { to, amount, reference } = signed.body.operation else { return false };
    (at, signed.body.account, to) == (told.at, told.from, account)
        && (amount, reference) == (told.amount, told.reference)
}
