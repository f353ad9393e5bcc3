//! What leaves the books: after settlement and a stated retention, of orders and receipts only ids and leaf digests stay. They
//! prove what was settled, and an order that was answered once is still known.

use ledger::{ChannelId, Key, Record};

use crate::{
    error::Error,
    gateway::{Buyer, now},
    records,
};

/// Orders that one write forgets: the answers of the moment wait for it.
const AT_ONCE: u32 = 500;

impl Buyer {
    /// Forgets what is settled and older than the retention. False if it must be tried again.
    pub async fn forget(&self) -> bool {
        let done = self.forget_settled().await;
        done.inspect_err(|error| tracing::warn!(%error, "old orders were not forgotten; it will be tried again"))
            .is_ok()
    }

    async fn forget_settled(&self) -> Result<(), Error> {
        let retention = u64::try_from(self.config.retention.as_millis()).unwrap_or(u64::MAX);
        let before = now().saturating_sub(retention);
        for kept in records::channels(&self.books)? {
            let settled = self.settled(kept.id).await?;
            loop {
                let forget =
                    move |books: &rusqlite::Connection| records::forget(books, kept.id, settled, before, AT_ONCE);
                if self.books.write(forget).await? < AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Up to which number a channel is settled. Nothing of one that is gone will ever be settled.
    async fn settled(&self, id: ChannelId) -> Result<u64, Error> {
        match self.config.ledger.get(&Key::Channel(id)).await? {
            Some(Record::Channel(channel)) => Ok(channel.number),
            _ => Ok(u64::MAX),
        }
    }
}
