//! What a crash or a broken connection left open: orders without an outcome. What they hold stays set aside until their
//! provider answers, at most a day; a receipt that it signed is paid within the order's limits.

use api::exchange::OrderState;
use ledger::{Order, OrderId, Receipt, RefusalReason, Signed};
use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::{
    ask::Ticket,
    cashier::Item,
    channels::{Of, Paying},
    error::Error,
    gateway::{Buyer, now},
    limits::DAY_MS,
    read::within,
    records::{self, Found, State},
};

const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(30);

impl Buyer {
    /// An order came to nothing: says so in the books and releases what it held.
    pub async fn fail_order(&self, ticket: Ticket) {
        self.end_failed(ticket.id()).await;
        drop(ticket.reservation);
    }

    /// Says in the books that an order came to nothing.
    pub async fn end_failed(&self, id: OrderId) {
        if let Err(error) = self.books.write(move |books| records::end_order(books, id, State::Failed, None)).await {
            tracing::error!(%error, order = %id, "an order's end could not be written down; it is asked for again at the next start");
        }
        self.running().remove(&id);
    }

    /// Nobody knows what became of an order: its provider is asked until it answers.
    pub fn leave_open(self: &Arc<Self>, ticket: Ticket) {
        let id = ticket.id();
        self.held().insert(id, ticket.reservation);
        self.running().remove(&id);
        tokio::spawn(Arc::clone(self).find_out(ticket.paying, ticket.order, now()));
    }

    /// At start: sets aside what orders of earlier runs hold, and asks for their outcome. `lost` are the orders' channels
    /// that are no longer there.
    pub async fn hold_open_orders(self: &Arc<Self>, lost: &HashSet<ledger::ChannelId>) -> Result<(), Error> {
        for ordered in records::open_orders(&self.books)? {
            let (id, channel) = (ordered.order.body.id, ordered.order.body.channel);
            match self.channels.get(channel) {
                Some(paying) => {
                    let reservation = self.money.hold(ordered.key, channel, ordered.worst);
                    self.held().insert(id, reservation);
                    tokio::spawn(Arc::clone(self).find_out(paying, ordered.order, ordered.created));
                }
                None if lost.contains(&channel) => self.end_failed(id).await,
                None => {}
            }
        }
        Ok(())
    }

    /// The same for one channel, once it is taken up.
    pub fn hold_orders_of(self: &Arc<Self>, channel: ledger::ChannelId) -> Result<(), Error> {
        let Some(paying) = self.channels.get(channel) else { return Ok(()) };
        for ordered in records::open_orders(&self.books)? {
            let (id, order) = (ordered.order.body.id, ordered.order);
            if order.body.channel == channel {
                self.held().insert(id, self.money.hold(ordered.key, channel, ordered.worst));
                tokio::spawn(Arc::clone(self).find_out(Arc::clone(&paying), order, ordered.created));
            }
        }
        Ok(())
    }

    /// Asks the provider what became of an order until it says.
    async fn find_out(self: Arc<Self>, paying: Arc<Paying>, order: Signed<Order>, created: u64) {
        let (id, mut pause) = (order.body.id, PAUSE_FIRST);
        let path = format!("/exchange/channels/{}/orders/{id}", paying.id);
        while now() < created.saturating_add(DAY_MS) {
            match self.ask_provider::<OrderState>(paying.provider, &path).await {
                // The cashier asks for the receipts before it, if there are any that it does not know.
                Ok(OrderState::Answered { receipt }) if receipt.0.body.order == order => {
                    if let Some(item) = self.judge_found(receipt.0, &paying.of).await {
                        paying.cashier.pay(item);
                        // Nothing, unless it was paid in the meantime.
                        drop(self.held().remove(&id));
                        return;
                    }
                }
                Ok(OrderState::Unknown | OrderState::Failed) => break,
                Ok(OrderState::Running | OrderState::Answered { .. }) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.end_failed(id).await;
        drop(self.held().remove(&id));
    }

    /// What to do with a receipt that no running answer brought. `None` if one will bring it, or it is not the provider's.
    pub async fn judge_found(&self, receipt: Signed<Receipt>, of: &Of) -> Option<Item> {
        let (order, id) = (&receipt.body.order, receipt.body.order.body.id);
        if self.running().contains(&id) || !receipt.verify(self.network(), of.provider_key) {
            return None;
        }
        let (key, open) = match records::order(&self.books, id) {
            Ok(Found::Whole(ordered)) => (ordered.key, ordered.order == *order && ordered.state == State::Open),
            Ok(Found::Forgotten) => (None, false),
            // Signed and lost with the machine's last second: what we signed, we pay.
            Ok(Found::Nothing) => (None, order.verify(self.network(), of.signer.key())),
            Err(error) => {
                tracing::error!(%error, "the books cannot be read; a receipt waits");
                return None;
            }
        };
        // Orders can be seen by others than their provider, who have channels of their own.
        if !open || order.body.channel != of.channel {
            return Some(Item::refused(receipt));
        }
        let verdict = self.judge_limits(&receipt).await?;
        let reservation = self.held().remove(&id);
        Some(Item { receipt, verdict, key, reservation, done: None })
    }

    /// Without frames, the order's limits hold. `None` if the price cannot be had now.
    async fn judge_limits(&self, receipt: &Signed<Receipt>) -> Option<Result<crate::money::Worst, RefusalReason>> {
        let (usage, order) = (receipt.body.usage, &receipt.body.order.body);
        if let Err(reason) = within(usage, order.limit, RefusalReason::LimitExceeded) {
            return Some(Err(reason));
        }
        let price = self.catalog.price(order.offer).await.ok()?;
        Some(self.cost(&price, usage).ok_or(RefusalReason::LimitExceeded))
    }
}
