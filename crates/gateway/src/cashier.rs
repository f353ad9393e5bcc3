//! One task per channel that pays. Receipts come in any order and are paid in the order of their numbers: their leaves go
//! under the voucher's root, the API key is charged, and from time to time a voucher is signed for all of them.

use api::exchange::{Receipts, VoucherUpdate};
use api::text::Encoded;
use ledger::{AccountId, Channel, ChannelId, Digest, OrderId, PublicKey, Receipt, Refusal, RefusalReason, Signed, Tally, Voucher};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    gateway::Buyer,
    money::{KeyId, Reservation, Worst},
    records::{self, State},
};

/// A voucher is signed at most this often.
const SIGN_EVERY: Duration = Duration::from_millis(50);
/// A voucher that no order took along is sent alone after this long.
const SEND_AFTER: Duration = Duration::from_secs(1);
/// A gap in the numbers is asked for this often.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// A handle of the task.
pub struct Cashier {
    inbox: mpsc::UnboundedSender<Message>,
    /// A voucher that the next order takes along.
    ready: Arc<Mutex<Option<VoucherUpdate>>>,
}

/// What a receipt is held to be.
pub struct Item {
    pub receipt: Signed<Receipt>,
    /// Pay it, or why not.
    pub verdict: Result<Worst, RefusalReason>,
    /// Whom to charge.
    pub key: Option<KeyId>,
    /// Released once it is decided.
    pub reservation: Option<Reservation>,
    /// Told once it is in the books; true if it was paid.
    pub done: Option<oneshot::Sender<bool>>,
}

enum Message {
    Pay(Box<Item>),
    /// Sign and send what is there, and say when the provider has it.
    Flush(oneshot::Sender<bool>),
}

impl Cashier {
    /// Hands a receipt over.
    pub fn pay(&self, item: Item) {
        drop(self.inbox.send(Message::Pay(Box::new(item))));
    }

    /// A voucher to take along, if one waits.
    pub fn take_along(&self) -> Option<VoucherUpdate> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The order that took it along did not arrive: the next one takes it, or it is sent alone.
    pub fn give_back(&self, update: Option<VoucherUpdate>) {
        if let Some(update) = update {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(update);
        }
    }

    /// Sends the newest voucher now. True if the provider took it.
    pub async fn flush(&self) -> bool {
        let (tell, told) = oneshot::channel();
        self.inbox.send(Message::Flush(tell)).is_ok() && told.await.unwrap_or(false)
    }
}

/// Starts the task of a channel, with what the books know of it.
pub fn start(
    buyer: &Arc<Buyer>,
    id: ChannelId,
    channel: &Channel,
    tally: Tally,
    voucher: Option<Signed<Voucher>>,
) -> Cashier {
    let (inbox, messages) = mpsc::unbounded_channel();
    let ready = Arc::new(Mutex::new(None));
    let task = Task {
        buyer: Arc::clone(buyer),
        id,
        provider: channel.provider,
        provider_key: channel.provider_key,
        tally,
        newest: voucher,
        taken: 0,
        waiting: BTreeMap::new(),
        signed_at: Instant::now(),
        unsent_since: None,
        asked_at: None,
        ready: Arc::clone(&ready),
    };
    tokio::spawn(task.run(messages));
    Cashier { inbox, ready }
}

struct Task {
    buyer: Arc<Buyer>,
    id: ChannelId,
    provider: AccountId,
    provider_key: PublicKey,
    tally: Tally,
    newest: Option<Signed<Voucher>>,
    /// The number of the newest voucher that the provider said it has.
    taken: u64,
    waiting: BTreeMap<u64, Item>,
    signed_at: Instant,
    /// Since when a signed voucher waits to be sent.
    unsent_since: Option<Instant>,
    asked_at: Option<Instant>,
    ready: Arc<Mutex<Option<VoucherUpdate>>>,
}

impl Task {
    async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        // What was answered before this process started.
        self.ask_for_missing().await;
        if self.newest_number() > 0 {
            self.unsent_since = Some(Instant::now());
        }
        loop {
            let pause = if self.is_busy() { SIGN_EVERY } else { SEND_AFTER };
            let mut flushes = Vec::new();
            match tokio::time::timeout(pause, messages.recv()).await {
                Ok(Some(message)) => self.take(message, &mut flushes),
                Ok(None) => return,
                Err(_) => {}
            }
            while let Ok(message) = messages.try_recv() {
                self.take(message, &mut flushes);
            }
            self.pay_in_order().await;
            self.look_for_gap(!flushes.is_empty()).await;
            self.sign(!flushes.is_empty()).await;
            self.send_if_due(flushes).await;
        }
    }

    /// True while something waits for a short timer.
    fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || self.unsent_since.is_some() || self.tally.number() > self.newest_number()
    }

    fn newest_number(&self) -> u64 {
        self.newest.as_ref().map_or(0, |voucher| voucher.body.number)
    }

    fn take(&mut self, message: Message, flushes: &mut Vec<oneshot::Sender<bool>>) {
        match message {
            Message::Pay(item) => self.put(*item),
            Message::Flush(tell) => flushes.push(tell),
        }
    }

    /// Keeps a receipt until its turn. One that stands already is not paid twice.
    fn put(&mut self, item: Item) {
        let number = item.receipt.body.number;
        if number > self.tally.number() {
            self.waiting.entry(number).or_insert(item);
        }
    }

    /// Pays every receipt whose turn has come, with one write.
    async fn pay_in_order(&mut self) {
        let (mut tally, mut items) = (self.tally.clone(), Vec::new());
        while let Some(item) = self.waiting.remove(&(tally.number() + 1)) {
            let item = self.decide(&mut tally, item);
            items.push(item);
        }
        if items.is_empty() {
            return;
        }
        let rows: Vec<Row> = items.iter().map(Row::of).collect();
        let (id, kept) = (self.id, tally.clone());
        let write = move |books: &rusqlite::Connection| {
            rows.iter().try_for_each(|row| row.write(books, id))?;
            records::put_tally(books, id, &kept)
        };
        if let Err(error) = self.buyer.books.write(write).await {
            tracing::error!(%error, channel = %self.id, "receipts could not be written down; they are asked for again");
            return;
        }
        self.tally = tally;
        for decided in items {
            decided.finish(&self.buyer, self.id);
        }
        self.buyer.watch_deposit(self.id);
    }

    /// Puts a receipt, or its refusal, under the root.
    fn decide(&self, tally: &mut Tally, item: Item) -> Decided {
        let receipt = &item.receipt;
        let (order, leaf) = (&receipt.body.order.body, receipt.digest());
        let reason = match &item.verdict {
            Ok(_) if tally.push_receipt(leaf, order.offer, receipt.body.usage).is_some() => {
                return Decided { leaf, refusal: None, item };
            }
            Ok(_) => RefusalReason::LimitExceeded,
            Err(reason) => *reason,
        };
        let body = Refusal { channel: self.id, number: receipt.body.number, receipt: leaf, order: order.id, reason };
        tracing::warn!(channel = %self.id, number = body.number, ?reason, "a receipt is refused; it will not be paid");
        let refusal = self.buyer.config.signer.sign(body);
        tally.push_refusal(refusal.digest());
        Decided { leaf: refusal.digest(), refusal: Some(refusal), item }
    }

    /// A receipt waits for one before it: asks the provider for it.
    async fn look_for_gap(&mut self, at_once: bool) {
        let gap = !self.waiting.is_empty();
        let due = self.asked_at.is_none_or(|at| at.elapsed() > ASK_EVERY);
        if gap && (due || at_once) {
            self.ask_for_missing().await;
            self.pay_in_order().await;
        }
    }

    async fn ask_for_missing(&mut self) {
        self.asked_at = Some(Instant::now());
        loop {
            let from = self.tally.number() + 1;
            let path = format!("/exchange/channels/{}/receipts?from={from}", self.id);
            let Ok(answer) = self.buyer.ask_provider::<Receipts>(self.provider, &path).await else { return };
            let before = self.tally.number();
            for Encoded(receipt) in answer.receipts {
                // One that a running answer brings itself comes with more knowledge; it has a moment to do so.
                if let Some(item) = self.buyer.judge_found(receipt, self.provider_key).await {
                    self.put(item);
                }
            }
            self.pay_in_order().await;
            if self.tally.number() == before {
                return;
            }
        }
    }

    /// Signs a voucher for what was paid since the last one, writes it down and syncs.
    async fn sign(&mut self, at_once: bool) {
        let fresh = self.tally.number() > self.newest_number();
        if !fresh || (!at_once && self.signed_at.elapsed() < SIGN_EVERY) {
            return;
        }
        let voucher = self.buyer.config.signer.sign(self.tally.voucher());
        let kept = voucher.clone();
        if let Err(error) = self.buyer.books.write_synced(move |books| records::put_voucher(books, &kept)).await {
            return tracing::error!(%error, channel = %self.id, "a voucher could not be written down; it is not sent");
        }
        self.signed_at = Instant::now();
        self.unsent_since.get_or_insert(self.signed_at);
        self.newest = Some(voucher);
        let update = self.update();
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = update;
    }

    /// The newest voucher with the refusals that the provider may not know yet.
    fn update(&self) -> Option<VoucherUpdate> {
        let voucher = self.newest.clone()?;
        let refusals = records::refusals(&self.buyer.books, self.id, self.taken).unwrap_or_default();
        Some(VoucherUpdate { voucher: Encoded(voucher), refusals: refusals.into_iter().map(Encoded).collect() })
    }

    async fn send_if_due(&mut self, flushes: Vec<oneshot::Sender<bool>>) {
        let carried = self.ready.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        if carried && flushes.is_empty() {
            self.unsent_since = None;
            return;
        }
        if !carried {
            self.unsent_since.get_or_insert_with(Instant::now);
        }
        let due = self.unsent_since.is_some_and(|since| since.elapsed() >= SEND_AFTER);
        if !due && flushes.is_empty() {
            return;
        }
        let sent = match self.update() {
            Some(update) => self.send(&update).await,
            None => true,
        };
        for tell in flushes {
            // Whoever asked may have gone.
            let _ = tell.send(sent);
        }
    }

    async fn send(&mut self, update: &VoucherUpdate) -> bool {
        let number = update.voucher.0.body.number;
        match self.buyer.tell_provider(self.provider, "/exchange/vouchers", update).await {
            Ok(()) => {
                self.taken = self.taken.max(number);
                self.unsent_since = None;
                self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
                true
            }
            Err(message) => {
                tracing::warn!(channel = %self.id, %message, "the provider did not take the voucher; it is sent again");
                self.unsent_since = Some(Instant::now());
                false
            }
        }
    }
}

/// A receipt that has its place under the root.
struct Decided {
    leaf: Digest,
    refusal: Option<Signed<Refusal>>,
    item: Item,
}

impl Decided {
    /// After the write: money moves in memory too, and whoever waits is told.
    fn finish(self, buyer: &Buyer, channel: ChannelId) {
        let paid = self.refusal.is_none();
        if let (true, Ok(cost)) = (paid, self.item.verdict) {
            buyer.money.lock().spend(self.item.key, channel, cost);
        }
        buyer.counts.count(paid, &self.item.receipt.body.usage);
        drop(self.item.reservation);
        if let Some(done) = self.item.done {
            // The client may have gone.
            let _ = done.send(paid);
        }
    }
}

/// What is written of a decided receipt.
struct Row {
    order: OrderId,
    receipt: Signed<Receipt>,
    leaf: Digest,
    refusal: Option<Signed<Refusal>>,
    charge: Option<(KeyId, ledger::Amount)>,
}

impl Row {
    fn of(decided: &Decided) -> Self {
        let paid = decided.refusal.is_none();
        let cost = decided.item.verdict.as_ref().ok().map(|cost| cost.key).filter(|_| paid);
        Self {
            order: decided.item.receipt.body.order.body.id,
            receipt: decided.item.receipt.clone(),
            leaf: decided.leaf,
            refusal: decided.refusal.clone(),
            charge: decided.item.key.zip(cost),
        }
    }

    fn write(&self, books: &rusqlite::Connection, channel: ChannelId) -> rusqlite::Result<()> {
        let state = if self.refusal.is_some() { State::Refused } else { State::Paid };
        records::end_order(books, self.order, state, Some(&self.receipt))?;
        records::put_leaf(books, channel, self.receipt.body.number, self.leaf, self.refusal.as_ref())?;
        match self.charge {
            Some((key, cost)) => records::charge(books, key, cost),
            None => Ok(()),
        }
    }
}
