//! The ledger as the doors and the wallet know it.

use async_trait::async_trait;
use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{
    AccountId, Artifact, ArtifactId, Channel, ChannelId, Genesis, Head, Key, OfferId, OfferRecord, Outcome, Pot, Price,
    Rates, Record, Reject, Request, Signed, Time, Usage, Voucher,
};
use std::sync::Arc;

use crate::{
    income::{Earnings, Received},
    log::SignedHead,
};

/// A ledger, in this process or elsewhere.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// What the network was founded on.
    async fn genesis(&self) -> Result<Arc<Genesis>, LedgerError>;

    /// Submits an operation. When this returns `Ok` the operation must be durable. Submitting the same bytes again must
    /// give the same answer, not a second effect.
    ///
    /// # Errors
    /// [`LedgerError::Rejected`], or [`LedgerError::Unreachable`], after which the same bytes must be sent again.
    async fn submit(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError>;

    /// One record, as of the newest durable operation.
    async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError>;

    /// All records of one kind, in the order of their keys.
    async fn list(&self, list: List) -> Result<Vec<(Key, Record)>, LedgerError>;

    /// The first settlement of a channel whose voucher covers receipt `number`, if it was settled.
    async fn settled(&self, channel: ChannelId, number: u64) -> Result<Option<Settled>, LedgerError>;

    /// The transfers that an account received in entries from `from` on, oldest first, at most
    /// [`crate::income::RECEIVED_MAX`]. It must leave none out: whoever asks goes on after the last one.
    async fn received(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError>;

    /// What an account earned by settlements on its last `days` days, today included.
    async fn earnings(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError>;

    /// Tokens of all settled answers that each artifact ran itself, in the order of their ids. Those that ran none are left out.
    async fn used(&self) -> Result<Vec<(ArtifactId, Usage)>, LedgerError>;

    /// The newest signed tree head.
    async fn head(&self) -> Result<SignedHead, LedgerError>;

    /// Somebody signed that the log had this head, in a receipt say. Whoever remembers heads may hold it against them.
    fn hear(&self, head: Head, from: AccountId) {
        let _ = (head, from);
    }

    /// An artifact.
    async fn artifact(&self, id: ArtifactId) -> Result<Artifact, LedgerError> {
        match self.get(&Key::Artifact(id)).await? {
            Some(Record::Artifact(artifact)) => Ok(*artifact),
            _ => Err(LedgerError::Unknown("artifact", id.to_string())),
        }
    }

    /// `publisher/name:tag` of an artifact as it was published, or its digest where its publisher has no name.
    async fn name_of(&self, id: ArtifactId) -> Result<String, LedgerError> {
        let artifact = self.artifact(id).await?;
        let publisher = self.account(artifact.publisher).await?.name;
        let (name, tag) = (artifact.publish.name, artifact.publish.tag);
        Ok(publisher.map_or_else(|| id.to_string(), |publisher| format!("{publisher}/{name}:{tag}")))
    }

    /// An offer.
    async fn offer(&self, id: OfferId) -> Result<OfferRecord, LedgerError> {
        match self.get(&Key::Offer(id)).await? {
            Some(Record::Offer(offer)) => Ok(*offer),
            _ => Err(LedgerError::Unknown("offer", id.to_string())),
        }
    }

    /// A channel.
    async fn channel(&self, id: ChannelId) -> Result<Channel, LedgerError> {
        match self.get(&Key::Channel(id)).await? {
            Some(Record::Channel(channel)) => Ok(*channel),
            _ => Err(LedgerError::Unknown("channel", id.to_string())),
        }
    }

    /// An account; one that did nothing yet reads as new.
    async fn account(&self, id: AccountId) -> Result<ledger::Account, LedgerError> {
        match self.get(&Key::Account(id)).await? {
            Some(Record::Account(account)) => Ok(account),
            _ => Ok(ledger::Account::new(id)),
        }
    }

    /// An artifact's pot; empty if it asks no royalty.
    async fn pot(&self, id: ArtifactId) -> Result<Pot, LedgerError> {
        match self.get(&Key::Pot(id)).await? {
            Some(Record::Pot(pot)) => Ok(pot),
            _ => Ok(Pot::default()),
        }
    }

    /// What an offer costs. Offers and royalties never change, so a price may be kept for ever.
    async fn price(&self, id: OfferId) -> Result<Price, LedgerError> {
        let offer = self.offer(id).await?;
        let artifact = self.artifact(offer.offer.artifact).await?;
        let mut royalties = std::collections::BTreeMap::<ArtifactId, Rates>::new();
        for work in &artifact.priced {
            royalties.insert(*work, self.artifact(*work).await?.publish.royalty);
        }
        Price::of(&offer, &artifact, |work| royalties.get(work).copied().ok_or(Reject::ArtifactUnknown))
            .map_err(|reject| LedgerError::Rejected { reject, entry: None })
    }
}

/// What [`Ledger::list`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum List {
    /// All accounts with a record.
    Accounts,
    /// All artifacts.
    Artifacts,
    /// All tags.
    Tags,
    /// All offers, withdrawn ones included.
    Offers,
    /// All pots.
    Pots,
    /// The channels in which this account is payer or provider.
    Channels(AccountId),
}

/// A durable operation.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Applied {
    /// Its index in the public log.
    pub entry: u64,
    /// Its time.
    pub at: Time,
    /// What it did.
    pub outcome: Outcome,
}

/// A settlement in the public log.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settled {
    /// Its index in the log.
    pub entry: u64,
    /// Its time.
    pub at: Time,
    /// The voucher.
    pub voucher: Signed<Voucher>,
}

/// Why the ledger did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It refused. If it journaled the refusal, `entry` is its index in the log.
    #[error("the ledger refused: {reject}")]
    Rejected {
        /// Why.
        reject: Reject,
        /// Where it is journaled; none for a refusal at the door.
        entry: Option<u64>,
    },
    /// It has no such thing.
    #[error("the ledger knows no {0} {1}")]
    Unknown(&'static str, String),
    /// It cannot be reached, or cannot write; what was sent may or may not have been done.
    #[error("the ledger at {address} does not answer: {reason}; try again once it is up")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// It answers, and nothing that it says is taken for now: its history is not the one that it showed before. What was sent
    /// may or may not have been done.
    #[error("{0}")]
    Distrusted(String),
    /// It answered something that cannot be.
    #[error("the ledger's answer makes no sense: {0}")]
    Nonsense(String),
}
