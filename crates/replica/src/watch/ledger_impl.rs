//! A watched ledger as doors and wallet know it.

use api::{
    Applied, Ledger, LedgerError, List, Settled,
    income::{Earnings, Received},
    log::{Entry, SignedHead},
};
use async_trait::async_trait;
use ledger::{AccountId, ChannelId, Genesis, Head, Key, Record, Request, Signed, log_tree};
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

    async fn received(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError> {
        self.trusted()?;
        self.ledger.received(account, from).await
    }

    async fn earnings(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError> {
        self.trusted()?;
        self.ledger.earnings(account, days).await
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
        let away = |reason| LedgerError::Unreachable { address: self.link().address.clone(), reason };
        let (index, at) = (entry / BLOCK, entry % BLOCK);
        let width = BLOCK.min(head.size - index * BLOCK);
        let mut entries = self.log.bundle(index, width).await.map_err(away)?;
        let bytes = entries.swap_remove(usize::try_from(at).unwrap_or_default());
        let (leaf, edge) = walk::leaf(&self.log, entry, head.size).await.map_err(away)?;
        let is_it = matches!(
            ledger::decode::<Entry>(&bytes),
            Ok(Entry::Operation { at, signed, result: 0 }) if at == applied.at && signed == *operation
        );
        if is_it && leaf == log_tree::leaf(&bytes) && edge.root() == head.root {
            return Ok(());
        }
        let why = format!("it says that an operation is done as entry {entry}, and its log does not hold it there");
        Err(self.doubt(&why))
    }
}
