//! One task per channel that pays. Receipts come in any order and are paid in the order of their numbers: their leaves go
//! under the voucher's root, the API key is charged, and from time to time a voucher is signed for all of them.

use api::exchange::{Receipts, VoucherUpdate};
use api::text::Encoded;
use ledger::{AccountId, Channel, ChannelId, Digest, OrderId, Receipt, Refusal, RefusalReason, Signed, Tally, Voucher};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    channels::Of,
    gateway::{Buyer, now},
    money::{KeyId, Reservation, Worst},
    records::{self, Found, State},
};

/// A voucher is signed at most this often.
const SIGN_EVERY: Duration = Duration::from_millis(50);
/// A voucher that no order took along is sent alone after this long.
const SEND_AFTER: Duration = Duration::from_secs(1);
/// A voucher that an order took along is sent again after this long: nobody said that it was taken.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);
/// A gap in the numbers is asked for this often, and less and less often while nothing comes.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The longest pause before something is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A provider that shows so many receipts for nothing is not asked any more: each costs a line in the books.
const LIES_MAX: u32 = 1_000;
/// What waits for a number that its provider does not give is held so long.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

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

impl Item {
    /// A receipt that answers no order, or one that was paid already.
    pub const fn refused(receipt: Signed<Receipt>) -> Self {
        Self { receipt, verdict: Err(RefusalReason::OrderUnknown), key: None, reservation: None, done: None }
    }

    /// True for what [`Self::refused`] makes.
    const fn is_foreign(&self) -> bool {
        matches!(self.verdict, Err(RefusalReason::OrderUnknown))
    }

    const fn order(&self) -> OrderId {
        self.receipt.body.order.body.id
    }
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
pub fn start(buyer: &Arc<Buyer>, of: Of, channel: &Channel, tally: Tally, voucher: Option<Signed<Voucher>>) -> Cashier {
    let (inbox, messages) = mpsc::unbounded_channel();
    let ready = Arc::new(Mutex::new(None));
    let task = Task {
        buyer: Arc::clone(buyer),
        id: of.channel,
        provider: channel.provider,
        of,
        tally,
        newest: voucher,
        taken: channel.number,
        waiting: BTreeMap::new(),
        signed_at: Instant::now(),
        unsent_since: None,
        unconfirmed_since: None,
        send_pause: Duration::ZERO,
        asked_at: None,
        ask_pause: ASK_EVERY,
        lies: 0,
        ready: Arc::clone(&ready),
    };
    tokio::spawn(task.run(messages));
    Cashier { inbox, ready }
}

struct Task {
    buyer: Arc<Buyer>,
    id: ChannelId,
    provider: AccountId,
    of: Of,
    tally: Tally,
    newest: Option<Signed<Voucher>>,
    /// The number of the newest voucher that the provider said it has.
    taken: u64,
    waiting: BTreeMap<u64, Item>,
    signed_at: Instant,
    /// Since when a signed voucher waits to be sent.
    unsent_since: Option<Instant>,
    /// Since when the provider has not said that it has the newest one.
    unconfirmed_since: Option<Instant>,
    /// Longer after each failure.
    send_pause: Duration,
    asked_at: Option<Instant>,
    ask_pause: Duration,
    /// Receipts that were shown for no order of ours.
    lies: u32,
    ready: Arc<Mutex<Option<VoucherUpdate>>>,
}

impl Task {
    async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        // What was answered before this process started.
        self.ask_for_missing().await;
        if self.newest_number() > self.taken {
            self.make_ready();
        }
        loop {
            let pause = if self.is_busy() { SIGN_EVERY } else { SEND_AFTER };
            let mut flushes = Vec::new();
            match tokio::time::timeout(pause, messages.recv()).await {
                Ok(Some(message)) => self.take(message, &mut flushes).await,
                Ok(None) => return self.end().await,
                Err(_) => {}
            }
            while let Ok(message) = messages.try_recv() {
                self.take(message, &mut flushes).await;
            }
            self.pay_in_order().await;
            self.look_for_gap(!flushes.is_empty()).await;
            self.sign(!flushes.is_empty()).await;
            self.send_if_due(flushes).await;
        }
    }

    /// Nobody can bring a receipt any more: signs and sends what was not sent.
    async fn end(mut self) {
        self.pay_in_order().await;
        self.sign(true).await;
        if let Some(update) = self.update().filter(|update| update.voucher.0.body.number > self.taken) {
            self.send(&update).await;
        }
    }

    /// True while something waits for a short timer.
    fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || self.unsent_since.is_some() || self.tally.number() > self.newest_number()
    }

    fn newest_number(&self) -> u64 {
        self.newest.as_ref().map_or(0, |voucher| voucher.body.number)
    }

    async fn take(&mut self, message: Message, flushes: &mut Vec<oneshot::Sender<bool>>) {
        match message {
            Message::Pay(item) => self.put(*item).await,
            Message::Flush(tell) => flushes.push(tell),
        }
    }

    /// Keeps a receipt until its turn. One that stands already is not paid twice; an order whose receipt has the number of
    /// another comes to nothing.
    async fn put(&mut self, item: Item) {
        let (number, order) = (item.receipt.body.number, item.order());
        let given_away = self.waiting.get(&number).is_some_and(|first| first.order() != order);
        if number <= self.tally.number() || given_away {
            self.buyer.end_failed(order).await;
        } else {
            self.waiting.entry(number).or_insert(item);
        }
    }

    /// Pays every receipt whose turn has come, with one write.
    async fn pay_in_order(&mut self) {
        let (mut tally, mut items, mut ended) = (self.tally.clone(), Vec::new(), HashSet::new());
        while let Some(mut item) = self.waiting.remove(&(tally.number() + 1)) {
            // An order is paid once, however often its provider signs it.
            if item.verdict.is_ok() && (!ended.insert(item.order()) || self.was_paid(&item)) {
                item.verdict = Err(RefusalReason::OrderUnknown);
            }
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
            tracing::error!(%error, channel = %self.id, "receipts could not be written down; it will be tried again");
            self.waiting.extend(items.into_iter().map(|decided| (decided.item.receipt.body.number, decided.item)));
            tokio::time::sleep(SEND_AFTER).await;
            return;
        }
        self.tally = tally;
        for decided in items {
            decided.finish(&self.buyer, self.id);
        }
        self.buyer.watch_deposit(self.id);
    }

    /// True if the order of a receipt that no running answer brought was paid since the receipt was judged.
    fn was_paid(&self, item: &Item) -> bool {
        let live = item.done.is_some();
        !live
            && match records::order(&self.buyer.books, item.order()) {
                Ok(Found::Whole(ordered)) => ordered.state != State::Open,
                Ok(Found::Nothing) => false,
                Ok(Found::Forgotten) | Err(_) => true,
            }
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
        let refusal = self.of.signer.sign(body);
        tally.push_refusal(refusal.digest());
        Decided { leaf: refusal.digest(), refusal: Some(refusal), item }
    }

    /// A receipt waits for one before it: asks the provider for it.
    async fn look_for_gap(&mut self, at_once: bool) {
        if self.waiting.is_empty() {
            self.ask_pause = ASK_EVERY;
            return;
        }
        let due = self.asked_at.is_none_or(|at| at.elapsed() > self.ask_pause);
        if due || at_once {
            let before = self.tally.number();
            self.ask_for_missing().await;
            self.ask_pause = if self.tally.number() > before { ASK_EVERY } else { (self.ask_pause * 2).min(PAUSE_MAX) };
            self.let_go().await;
        }
    }

    /// Gives up receipts that waited a day for one before them: their provider did not want to be paid.
    async fn let_go(&mut self) {
        let old = |item: &Item| item.receipt.body.order.body.expires.0.saturating_add(DAY_MS) < now();
        let numbers: Vec<u64> = self.waiting.iter().filter(|(_, item)| old(item)).map(|(number, _)| *number).collect();
        for item in numbers.into_iter().filter_map(|number| self.waiting.remove(&number)).collect::<Vec<_>>() {
            self.buyer.end_failed(item.order()).await;
        }
    }

    /// Keeps a receipt that the provider showed when it was asked.
    async fn put_found(&mut self, receipt: Signed<Receipt>) {
        let (order, number) = (receipt.body.order.body.id, receipt.body.number);
        // A running answer brought another number for the same order. Only one of them is paid: the one with its frames.
        let twice = self.waiting.iter().any(|(place, item)| *place != number && item.order() == order);
        let item = if twice && receipt.verify(self.buyer.network(), self.of.provider_key) {
            Some(Item::refused(receipt))
        } else {
            self.buyer.judge_found(receipt, &self.of).await
        };
        let Some(item) = item else { return };
        if number > self.tally.number() && item.is_foreign() {
            self.lies = self.lies.saturating_add(1);
        }
        self.put(item).await;
    }

    async fn ask_for_missing(&mut self) {
        self.asked_at = Some(Instant::now());
        while self.lies < LIES_MAX {
            let from = self.tally.number() + 1;
            let path = format!("/exchange/channels/{}/receipts?from={from}", self.id);
            let Ok(answer) = self.buyer.ask_provider::<Receipts>(self.provider, &path).await else { return };
            let before = self.tally.number();
            for Encoded(receipt) in answer.receipts {
                // One that a running answer brings itself comes with more knowledge; it has a moment to do so.
                self.put_found(receipt).await;
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
        let voucher = self.of.signer.sign(self.tally.voucher());
        let kept = voucher.clone();
        if let Err(error) = self.buyer.books.write_synced(move |books| records::put_voucher(books, &kept)).await {
            return tracing::error!(%error, channel = %self.id, "a voucher could not be written down; it is not sent");
        }
        self.signed_at = Instant::now();
        self.newest = Some(voucher);
        self.make_ready();
    }

    /// The next order takes the newest voucher along.
    fn make_ready(&mut self) {
        self.unsent_since.get_or_insert_with(Instant::now);
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
        let sent = if self.newest_number() > self.taken {
            self.is_due(&flushes) && self.send_newest().await
        } else {
            (self.unsent_since, self.unconfirmed_since) = (None, None);
            true
        };
        for tell in flushes {
            // Whoever asked may have gone.
            let _ = tell.send(sent);
        }
    }

    /// Whether the newest voucher, which the provider did not say that it has, is sent now.
    fn is_due(&mut self, flushes: &[oneshot::Sender<bool>]) -> bool {
        let carried = self.ready.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        let since = |started: &mut Option<Instant>| started.get_or_insert_with(Instant::now).elapsed();
        let unconfirmed = since(&mut self.unconfirmed_since);
        let unsent = if carried {
            self.unsent_since = None;
            Duration::ZERO
        } else {
            since(&mut self.unsent_since)
        };
        let due = unsent >= SEND_AFTER.max(self.send_pause) || unconfirmed >= CONFIRM_AFTER.max(self.send_pause);
        due || !flushes.is_empty()
    }

    async fn send_newest(&mut self) -> bool {
        match self.update() {
            Some(update) => self.send(&update).await,
            None => true,
        }
    }

    async fn send(&mut self, update: &VoucherUpdate) -> bool {
        let number = update.voucher.0.body.number;
        match self.buyer.tell_provider(self.provider, "/exchange/vouchers", update).await {
            Ok(()) => {
                self.taken = self.taken.max(number);
                (self.unsent_since, self.unconfirmed_since, self.send_pause) = (None, None, Duration::ZERO);
                self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
                true
            }
            Err(message) => {
                tracing::warn!(channel = %self.id, %message, "the provider did not take the voucher; it is sent again");
                self.unsent_since = self.unsent_since.map(|_| Instant::now());
                self.unconfirmed_since = Some(Instant::now());
                self.send_pause = (self.send_pause * 2).clamp(SEND_AFTER, PAUSE_MAX);
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
pub struct Row {
    /// The order that this ends; none if the receipt answers no order, or one that has another receipt.
    pub order: Option<OrderId>,
    pub receipt: Signed<Receipt>,
    pub leaf: Digest,
    pub refusal: Option<Signed<Refusal>>,
    pub charge: Option<(KeyId, ledger::Amount)>,
}

impl Row {
    fn of(decided: &Decided) -> Self {
        let paid = decided.refusal.is_none();
        let cost = decided.item.verdict.as_ref().ok().map(|cost| cost.key).filter(|_| paid);
        Self {
            order: Some(decided.item.order()).filter(|_| !decided.item.is_foreign()),
            receipt: decided.item.receipt.clone(),
            leaf: decided.leaf,
            refusal: decided.refusal.clone(),
            charge: decided.item.key.zip(cost),
        }
    }

    pub fn write(&self, books: &rusqlite::Connection, channel: ChannelId) -> rusqlite::Result<()> {
        let state = if self.refusal.is_some() { State::Refused } else { State::Paid };
        if let Some(order) = self.order {
            let ended = records::end_order(books, order, state, Some(&self.receipt))?;
            if !ended && state == State::Paid {
                records::put_lost(books, &self.receipt, now())?;
            }
        }
        records::put_leaf(books, channel, self.receipt.body.number, self.leaf, self.refusal.as_ref())?;
        match self.charge {
            Some((key, cost)) => records::charge(books, key, cost),
            None => Ok(()),
        }
    }
}
