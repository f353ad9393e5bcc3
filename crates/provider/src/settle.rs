//! Settling and paying out, by a timer.

use api::List;
use ledger::{Amount, ArtifactId, ChannelId, Key, Operation, Record};
use std::{sync::Arc, sync::PoisonError, time::Duration};
use tokio::time::Instant;

use crate::{
    Error,
    provider::{Seller, now},
    records,
};

/// How often the timer looks.
const TICK: Duration = Duration::from_secs(1);
/// How often expired orders and old receipts are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// Channels are looked up on the ledger this often.
const REFRESH_EVERY: Duration = Duration::from_secs(30);

impl Seller {
    /// Runs until it is aborted.
    pub async fn tick(self: Arc<Self>) {
        let (mut settled, mut forgot, mut refreshed) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            tokio::time::sleep(TICK).await;
            if let Ok(signed) = self.config.ledger.head().await {
                *self.head.write().unwrap_or_else(PoisonError::into_inner) = signed.head;
            }
            if refreshed.elapsed() >= REFRESH_EVERY {
                refreshed = Instant::now();
                self.refresh_all().await;
            }
            let due = settled.elapsed() >= self.config.settle_every;
            self.settle_all(if due { Amount(1) } else { self.config.settle_at }).await;
            if due {
                settled = Instant::now();
                self.pay_out(self.config.payout_at).await;
            }
            if forgot.elapsed() >= FORGET_EVERY {
                forgot = Instant::now();
                self.forget().await;
            }
        }
    }

    async fn refresh_all(&self) {
        let ids: Vec<ChannelId> = self.credit().channels.keys().copied().collect();
        for id in ids {
            if let Err(error) = self.refresh_channel(id).await {
                tracing::warn!(%error, channel = %id, "the ledger was not asked about a channel");
            }
        }
    }

    async fn forget(&self) {
        let (now, retention) = (now().0, u64::try_from(self.config.retention.as_millis()).unwrap_or(u64::MAX));
        let settled = self.credit().channels.iter().map(|(id, seen)| (*id, seen.settled)).collect();
        if let Err(error) = self.books.write(move |books| records::forget(books, now, retention, &settled)).await {
            tracing::warn!(%error, "old orders and receipts were not forgotten");
        }
    }

    /// After a restore: receipts and vouchers of other people's gateways may be missing here, so the numbers of new receipts
    /// could be taken already. Their channels are settled as far as the books go, and released; their gateways open others.
    pub async fn let_go(&self) -> Result<(), Error> {
        let account = &self.config.account;
        for (key, record) in self.config.ledger.list(List::Channels(account.id())).await? {
            let (Key::Channel(id), Record::Channel(channel)) = (key, record) else { continue };
            if channel.provider != account.id() || Some(channel.payer) == self.config.own_payer {
                continue;
            }
            let newer = self.load_channel(id).await?
                && self.credit().channels.get(&id).is_some_and(|seen| seen.channel.number > seen.settled);
            if newer && let Err(error) = self.settle(id).await {
                tracing::warn!(%error, channel = %id, "a channel from before the restore was not settled");
            }
            account.submit(Operation::Release { channel: id }).await?;
            self.refresh_channel(id).await?;
        }
        Ok(())
    }

    /// Settles each channel that has at least `least` vouched for and not settled, or is closing.
    pub async fn settle_all(&self, least: Amount) {
        let due: Vec<ChannelId> = {
            let credit = self.credit();
            let newer = credit.channels.iter().filter(|(_, seen)| seen.channel.number > seen.settled);
            newer
                .filter(|(_, seen)| seen.channel.closing.is_some() || seen.unsettled() >= least)
                .map(|(id, _)| *id)
                .collect()
        };
        for id in due {
            if let Err(error) = self.settle(id).await {
                tracing::warn!(%error, channel = %id, "a channel was not settled; it will be tried again");
            }
        }
    }

    async fn settle(&self, id: ChannelId) -> Result<(), Error> {
        let newest = self.credit().channels.get(&id).map(|seen| (seen.voucher.clone(), seen.channel.spent));
        let Some((Some(voucher), spent)) = newest else { return Ok(()) };
        let number = voucher.body.number;
        self.config.account.submit(Operation::Settle { voucher }).await?;
        let mut credit = self.credit();
        if let Some(seen) = credit.channels.get_mut(&id) {
            seen.settled = seen.settled.max(number);
            seen.settled_spent = seen.settled_spent.max(spent);
            let payer = seen.channel.payer;
            credit.prove(payer, spent);
        }
        Ok(())
    }

    /// Empties every pot that holds at least `least`, 64 at a time.
    pub async fn pay_out(&self, least: Amount) {
        let pots = match self.config.ledger.list(List::Pots).await {
            Ok(pots) => pots,
            Err(error) => return tracing::warn!(%error, "the pots could not be listed"),
        };
        let full = pots.into_iter().filter_map(|(key, record)| match (key, record) {
            (Key::Pot(id), Record::Pot(pot)) if pot.balance() >= least => Some(id),
            _ => None,
        });
        let full: Vec<ArtifactId> = full.collect();
        let most = usize::try_from(self.genesis.limits.payout_pots).unwrap_or(64).max(1);
        for artifacts in full.chunks(most) {
            match self.config.account.submit(Operation::Payout { artifacts: artifacts.to_vec() }).await {
                // What is left in a pot can be less than a payee's smallest share.
                Err(error) if error.reject() == Some(ledger::Reject::NothingDue) => {}
                Err(error) => tracing::warn!(%error, "pots were not paid out; it will be tried again"),
                Ok(_) => {}
            }
        }
    }
}
