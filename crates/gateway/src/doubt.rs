//! After a restore: this gateway may have signed vouchers that its books do not know any more, and a voucher that contradicts one
//! of them must never be signed. So each channel is in doubt until its provider, or the ledger, showed the newest voucher, and
//! the receipts and refusals under it lead to exactly its root. Nothing is ordered or signed on a channel in doubt; one that
//! cannot be compared, or does not fit, is closed: its provider settles what it holds, and the rest comes back.

use api::exchange::{Receipts, Vouched};
use ledger::{Channel, ChannelId, Key, Operation, Refusal, Signed, Tally, Time, Voucher, log_tree};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    cashier::Row,
    error::Error,
    gateway::{Buyer, now},
    money::{KeyId, Worst},
    records::{self, Found, Kept, State},
};

const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A provider that says nothing for so long has its channel closed; another one is opened when it is needed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a channel stays in doubt.
enum Doubt {
    /// For now.
    Away(String),
    /// For good.
    Differs(&'static str),
}

impl<E: Into<Error>> From<E> for Doubt {
    fn from(error: E) -> Self {
        Self::Away(error.into().to_string())
    }
}

/// What a channel's books must say.
struct Caught {
    kept: Kept,
    rows: Vec<Row>,
}

impl Buyer {
    /// The folder was restored: every channel is in doubt.
    pub async fn doubt_all(&self) -> Result<(), Error> {
        let on_ledger = self.channels_on_ledger().await?.into_iter().map(|(id, _)| id);
        let kept = records::channels(&self.books)?.into_iter().map(|kept| kept.id);
        let ids: HashSet<ChannelId> = on_ledger.chain(kept).collect();
        self.books.write_synced(move |books| ids.into_iter().try_for_each(|id| records::put_doubt(books, id))).await?;
        Ok(())
    }

    /// Works until a channel is in doubt no more, or gone.
    pub async fn clear_doubt(self: Arc<Self>, id: ChannelId, channel: Channel, kept: Option<Kept>) {
        let (begun, mut pause, mut hopeless) = (Instant::now(), PAUSE_FIRST, false);
        loop {
            let caught = if hopeless {
                Err(Doubt::Away(String::new()))
            } else {
                self.catch_up(id, &channel, kept.as_ref()).await
            };
            match caught {
                Ok(caught) => match self.adopt(id, &channel, caught).await {
                    Ok(()) => return,
                    Err(error) => tracing::error!(%error, channel = %id, "a restored channel was not taken up"),
                },
                Err(Doubt::Differs(what)) => {
                    tracing::warn!(channel = %id, what, "a restored channel does not fit its newest voucher and is closed");
                    hopeless = true;
                }
                Err(Doubt::Away(reason)) => tracing::debug!(channel = %id, reason, "a restored channel stays in doubt"),
            }
            if hopeless || begun.elapsed() > PATIENCE {
                self.channels.give_up(id);
                match self.wind_up(id).await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(%error, channel = %id, "a restored channel was not closed; it will be tried again");
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Closes a channel, and fetches what is left in it once its time is over. True if it is gone.
    async fn wind_up(&self, id: ChannelId) -> Result<bool, Error> {
        let payer = &self.config.payer;
        match self.config.ledger.get(&Key::Channel(id)).await? {
            Some(ledger::Record::Channel(channel)) => match channel.closing {
                None => drop(payer.submit(Operation::Close { channel: id }).await?),
                Some(end) if end < Time(now()) => drop(payer.submit(Operation::Finish { channel: id }).await?),
                Some(_) => {}
            },
            _ => {
                for ordered in records::open_orders(&self.books)? {
                    if ordered.order.body.channel == id {
                        self.end_failed(ordered.order.body.id).await;
                    }
                }
                self.books.write(move |books| records::remove_doubt(books, id)).await?;
                self.channels.clear(id);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds the newest voucher, and what leads to it from the books.
    async fn catch_up(&self, id: ChannelId, channel: &Channel, kept: Option<&Kept>) -> Result<Caught, Doubt> {
        let (mut tally, mut voucher) =
            kept.map_or_else(|| (Tally::new(id), None), |kept| (kept.tally.clone(), kept.voucher.clone()));
        let path = format!("/exchange/channels/{id}/voucher?from={}", tally.number());
        let vouched: Vouched = self.ask_provider(channel.provider, &path).await.map_err(Doubt::Away)?;
        let settled = self.config.ledger.settled(id, channel.number.max(1)).await?.map(|settled| settled.voucher);
        let ours = |voucher: &Signed<Voucher>| {
            voucher.body.channel == id && voucher.verify(self.network(), channel.gateway_key)
        };
        let shown = vouched.voucher.map(|voucher| voucher.0).into_iter().chain(settled).filter(ours);
        let newest = shown.max_by_key(|voucher| voucher.body.number);
        let mut rows = Vec::new();
        if let Some(newest) = newest {
            if newest.body.number <= tally.number() {
                self.check_under(id, &newest)?;
            } else {
                let refusals = vouched.refusals.into_iter().map(|refusal| refusal.0);
                let refusals = refusals.filter(|refusal: &Signed<Refusal>| {
                    refusal.body.channel == id && refusal.verify(self.network(), channel.gateway_key)
                });
                let refusals = refusals.map(|refusal| (refusal.body.number, refusal)).collect();
                rows = self.follow(channel, &mut tally, &newest, &refusals).await?;
            }
            if voucher.as_ref().is_none_or(|voucher| voucher.body.number < newest.body.number) {
                voucher = Some(newest);
            }
        }
        if channel.number > tally.number() {
            return Err(Doubt::Differs("more is settled than can be accounted for"));
        }
        Ok(Caught { kept: Kept { id, tally, voucher }, rows })
    }

    /// A voucher that is not newer than the books must be of the same leaves.
    fn check_under(&self, id: ChannelId, voucher: &Signed<Voucher>) -> Result<(), Doubt> {
        let leaves = records::leaves(&self.books, id, voucher.body.number)?;
        let hashes: Vec<_> = leaves.iter().map(|leaf| log_tree::leaf(&leaf.0)).collect();
        match log_tree::root(&hashes) == voucher.body.root {
            true => Ok(()),
            false => Err(Doubt::Differs("an older voucher has another root")),
        }
    }

    /// Pushes what the provider shows until the voucher is reached; it must be reached exactly.
    async fn follow(
        &self,
        channel: &Channel,
        tally: &mut Tally,
        to: &Signed<Voucher>,
        refusals: &HashMap<u64, Signed<Refusal>>,
    ) -> Result<Vec<Row>, Doubt> {
        let (id, mut rows) = (to.body.channel, Vec::new());
        while tally.number() < to.body.number {
            let next = tally.number() + 1;
            let path = format!("/exchange/channels/{id}/receipts?from={next}");
            let page: Receipts = self.ask_provider(channel.provider, &path).await.map_err(Doubt::Away)?;
            if page.receipts.first().is_none_or(|receipt| receipt.0.body.number != next) {
                return Err(Doubt::Differs("receipts under the newest voucher are not shown any more"));
            }
            for receipt in page.receipts.into_iter().map(|receipt| receipt.0) {
                if tally.number() == to.body.number {
                    break;
                }
                let (number, order) = (receipt.body.number, receipt.body.order.body.clone());
                let signed = receipt.verify(self.network(), channel.provider_key) && order.channel == id;
                if !signed || number != tally.number() + 1 {
                    return Err(Doubt::Differs("a receipt that is shown is not the channel's"));
                }
                let leaf = receipt.digest();
                let refusal = refusals.get(&number).filter(|refusal| refusal.body.receipt == leaf).cloned();
                let (leaf, charge) = match &refusal {
                    Some(refusal) => {
                        tally.push_refusal(refusal.digest());
                        (refusal.digest(), None)
                    }
                    None => {
                        tally
                            .push_receipt(leaf, order.offer, receipt.body.usage)
                            .ok_or(Doubt::Differs("the receipts count too much"))?;
                        (leaf, self.charge_for(&order, receipt.body.usage).await?)
                    }
                };
                rows.push(Row { order: Some(order.id), receipt, leaf, refusal, charge });
            }
        }
        if tally.voucher() == to.body { Ok(rows) } else { Err(Doubt::Differs("the receipts lead to another root")) }
    }

    /// Whom an answer is charged to, if its order is in the books and has no outcome.
    async fn charge_for(
        &self,
        order: &ledger::Order,
        usage: ledger::Usage,
    ) -> Result<Option<(KeyId, ledger::Amount)>, Doubt> {
        let Found::Whole(ordered) = records::order(&self.books, order.id)? else { return Ok(None) };
        let Some(key) = ordered.key.filter(|_| ordered.state == State::Open) else { return Ok(None) };
        let price = self.catalog.price(order.offer).await?;
        Ok(self.cost(&price, usage).map(|cost| (key, cost.key)))
    }

    /// Writes down what was caught up with, and takes the channel up.
    async fn adopt(self: &Arc<Self>, id: ChannelId, channel: &Channel, caught: Caught) -> Result<(), Error> {
        let Caught { kept, rows } = caught;
        let charges: Vec<_> = rows.iter().filter_map(|row| row.charge).collect();
        let (provider, tally, voucher) = (channel.provider, kept.tally.clone(), kept.voucher.clone());
        let write = move |books: &rusqlite::Connection| {
            records::put_channel(books, id, provider, &tally)?;
            rows.iter().try_for_each(|row| row.write(books, id))?;
            records::put_tally(books, id, &tally)?;
            if let Some(voucher) = &voucher {
                records::put_voucher(books, voucher)?;
            }
            records::remove_doubt(books, id)
        };
        self.books.write_synced(write).await?;
        for (key, cost) in charges {
            self.money.lock().spend(Some(key), id, Worst { key: cost, channel: ledger::Amount::ZERO });
        }
        self.take_up(id, channel, Some(kept)).await?;
        self.channels.clear(id);
        self.hold_orders_of(id)
    }
}
