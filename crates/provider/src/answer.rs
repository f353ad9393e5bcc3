//! One order, from its checks to its receipt.

use api::{
    exchange::{AnswerRequest, Frame, Refused, RefusedCode, VoucherUpdate},
    openai::ChatRequest,
    text::Encoded,
};
use ledger::{Amount, Finish, Order, Receipt, Signed, Usage, salted};
use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::timeout,
};

use crate::{
    backend::{Running, Step},
    channel::Unpaid,
    error::refused,
    provider::{Seller, Served, now},
    records,
};

/// Frames on their way before the answer waits for its reader.
const FRAMES_MAX: usize = 64;
/// A gateway that takes no frame for so long is gone.
const READER_WAIT: Duration = Duration::from_secs(60);
/// An order that could wait for longer would have to be remembered for longer.
const LIFETIME_MAX_MS: u64 = 60 * 60 * 1_000;
/// Stop texts are looked for after each token, for all conversations of a model by one thread.
const STOPS_MAX: usize = 16;
const STOP_BYTES_MAX: usize = 4_096;

/// An order that was taken: its worst case is set aside until this is dropped.
struct Taken {
    seller: Arc<Seller>,
    order: Signed<Order>,
    served: Arc<Served>,
    salt: [u8; 32],
    worst: Amount,
    stop: Arc<Notify>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let order = &self.order.body;
        let mut running = self.seller.running.lock().unwrap_or_else(PoisonError::into_inner);
        // The same order sent again must not take the place of the one that is being answered.
        if running.get(&order.id).is_some_and(|stop| Arc::ptr_eq(stop, &self.stop)) {
            running.remove(&order.id);
        }
        drop(running);
        self.served.tallies.end();
        self.seller.credit().release(order.channel, self.worst);
    }
}

/// Takes an order and begins to answer. The frames come through the channel; when its reader goes away, the answer stops,
/// and what was delivered is still receipted.
///
/// # Errors
/// A refusal; then nothing is owed.
pub async fn answer(seller: Arc<Seller>, request: AnswerRequest) -> Result<mpsc::Receiver<Frame>, Refused> {
    let taken = take(seller, &request).await?;
    let chat: ChatRequest = serde_json::from_str(&request.request)
        .map_err(|error| refused(RefusedCode::Malformed, format!("the request cannot be read: {error}")))?;
    check(&chat, taken.order.body.limit)?;
    if taken.order.body.limit == Usage::default() {
        return Err(count(&taken, &chat).await);
    }
    // The model begins while the order is written down; nothing of its answer goes out before.
    let (written, begun) = tokio::join!(write_down(&taken), begin(&taken, &chat));
    written?;
    let (running, input) = begun?;
    let (frames, reader) = mpsc::channel(FRAMES_MAX);
    drop(frames.send(Frame::Accepted { input }).await);
    tokio::spawn(async move { deliver(&taken, running, input, &frames).await });
    Ok(reader)
}

/// Refuses what would cost other conversations too much time, and what leaves nothing to do.
fn check(chat: &ChatRequest, limit: Usage) -> Result<(), Refused> {
    if limit.output == 0 && limit.input > 0 && !chat.reads_only() {
        return Err(refused(RefusedCode::Malformed, "the order allows no output"));
    }
    let stops = chat.stop.as_ref().map(api::openai::Stop::texts).unwrap_or_default();
    if stops.len() > STOPS_MAX || stops.iter().any(|text| text.len() > STOP_BYTES_MAX) {
        return Err(refused(RefusedCode::Malformed, "too many or too long texts that end the answer"));
    }
    Ok(())
}

/// An order that allows no tokens at all asks how many the input has. It is refused with the count; nothing can be owed, so it
/// need not be remembered.
async fn count(taken: &Taken, chat: &ChatRequest) -> Refused {
    let begun = begin(taken, chat).await;
    begun.err().unwrap_or_else(|| refused(RefusedCode::Malformed, "the order allows no output"))
}

/// Remembers the order, so that it is answered only once.
async fn write_down(taken: &Taken) -> Result<(), Refused> {
    let kept = taken.order.body.clone();
    let fresh =
        taken.seller.books.write(move |books| records::take_order(books, &kept)).await.map_err(crate::Error::from)?;
    if fresh { Ok(()) } else { Err(refused(RefusedCode::Repeated, "this order was taken before")) }
}

/// Begins to answer; gives the true input.
async fn begin(taken: &Taken, chat: &ChatRequest) -> Result<(Running, u64), Refused> {
    let limit = taken.order.body.limit;
    let mut running = taken.served.backend.begin(chat, limit).await?;
    match running.next().await {
        Step::Accepted { input } => Ok((running, input)),
        Step::TooLong { input } => Err(too_long(input, limit.input)),
        Step::Failed(message) => Err(refused(RefusedCode::Failed, message)),
        Step::Unanswerable(refused) => Err(refused),
        Step::Prompt { .. } | Step::Text { .. } | Step::Done { .. } => {
            Err(refused(RefusedCode::Failed, "the model answered out of turn"))
        }
    }
}

fn too_long(input: u64, limit: u64) -> Refused {
    let message =
        format!("the input has {input} tokens, and the order allows {limit}; order that many, or ask for less");
    Refused { input: Some(input), ..refused(RefusedCode::InputTooLong, message) }
}

/// The checks, in this order: channel, signature, offer, time, request, limits, room.
async fn take(seller: Arc<Seller>, request: &AnswerRequest) -> Result<Taken, Refused> {
    let (order, salt) = (&request.order.0, request.salt.0);
    let body = &order.body;
    if !seller.load_channel(body.channel).await? {
        return Err(refused(RefusedCode::ChannelUnknown, "there is no such channel with this provider"));
    }
    let gateway_key = seller.credit().channels.get(&body.channel).map(|seen| seen.channel.gateway_key);
    if !gateway_key.is_some_and(|key| order.verify(seller.genesis_network(), key)) {
        return Err(refused(RefusedCode::BadSignature, "the order is not signed by the channel's gateway key"));
    }
    let served = seller.served.read().unwrap_or_else(PoisonError::into_inner).get(&body.offer).cloned();
    let served = served
        .ok_or_else(|| refused(RefusedCode::OfferUnknown, "this offer is not served here now; look for another"))?;
    if body.expires < now() {
        return Err(refused(RefusedCode::Expired, "the order expired; check the clocks, and order again"));
    }
    if body.expires > now().plus(LIFETIME_MAX_MS) {
        return Err(refused(
            RefusedCode::Malformed,
            "the order expires too late; an hour is the most, so check the clocks",
        ));
    }
    if salted(&salt, request.request.as_bytes()) != body.request {
        return Err(refused(RefusedCode::Malformed, "the request is not the one that was ordered"));
    }
    let limit = body.limit;
    if limit.input > u64::from(served.context) || limit.output > u64::from(served.context) {
        return Err(refused(RefusedCode::Malformed, "the order allows more tokens than the offer's context"));
    }
    let worst =
        served.price.cost(limit).ok_or_else(|| refused(RefusedCode::Malformed, "the order's limits are impossible"))?;
    reserve(&seller, body, worst, request.voucher.as_ref()).await?;
    let stop = Arc::new(Notify::new());
    served.tallies.begin();
    let taken =
        Taken { order: order.clone(), served, salt, worst, stop: Arc::clone(&stop), seller: Arc::clone(&seller) };
    seller.running.lock().unwrap_or_else(PoisonError::into_inner).entry(body.id).or_insert(stop);
    Ok(taken)
}

/// Sets the worst case aside. The voucher that came along is taken in the background, unless it is needed to make room; if
/// there still is none, looks once whether the payer put more on the ledger.
async fn reserve(
    seller: &Arc<Seller>,
    order: &Order,
    worst: Amount,
    voucher: Option<&VoucherUpdate>,
) -> Result<(), Refused> {
    let limits = seller.limits();
    let first = seller.credit().reserve(order.channel, worst, &limits, now().0);
    match (first, voucher) {
        (Err(refused), _) if refused.code != RefusedCode::CreditExceeded => Err(refused),
        (Err(_), voucher) => {
            if let Some(voucher) = voucher {
                seller.accept_voucher(voucher).await?;
            }
            // A ledger that is away stops nobody whose credit is enough without it.
            if let Err(error) = seller.refresh_channel(order.channel).await {
                tracing::warn!(%error, channel = %order.channel, "the ledger was not asked about a channel");
            }
            seller.credit().reserve(order.channel, worst, &limits, now().0)
        }
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(voucher)) => {
            let (seller, voucher) = (Arc::clone(seller), voucher.clone());
            tokio::spawn(async move {
                if let Err(refused) = seller.accept_voucher(&voucher).await {
                    tracing::warn!(%refused, "a voucher that came with an order was not taken");
                }
            });
            Ok(())
        }
    }
}

/// How an answer ended.
enum End {
    /// With the text that ended it, if one did.
    Done(Finish, Option<String>),
    Failed(String),
}

/// Passes the answer on, and signs the receipt.
async fn deliver(taken: &Taken, mut running: Running, input: u64, frames: &mpsc::Sender<Frame>) {
    let limit = taken.order.body.limit;
    let (mut text, mut usage) = (String::new(), Usage { input, output: 0 });
    let end = loop {
        let step = tokio::select! {
            step = running.next() => step,
            () = taken.stop.notified() => break End::Done(Finish::Cancelled, None),
            () = frames.closed() => break End::Done(Finish::Cancelled, None),
        };
        match step {
            Step::Text { text: new, usage: counted, logprobs } => {
                let counted = within(counted, limit);
                let frame = Frame::Delta { text: new.clone(), input: counted.input, output: counted.output, logprobs };
                if !pass_on(taken, frames, frame).await {
                    break End::Done(Finish::Cancelled, None);
                }
                text += &new;
                usage = counted;
            }
            Step::Prompt { first, logprobs } => {
                if !pass_on(taken, frames, Frame::Prompt { first, logprobs }).await {
                    break End::Done(Finish::Cancelled, None);
                }
            }
            Step::Done { finish, usage: counted, stop } => {
                usage = settle_counts(taken, usage, within(counted, limit), frames).await;
                break End::Done(finish, stop);
            }
            Step::Failed(message) => break End::Failed(message),
            Step::Unanswerable(refused) => break End::Failed(refused.message),
            Step::Accepted { .. } | Step::TooLong { .. } => {}
        }
    };
    drop(running);
    let last = match end {
        End::Done(finish, stop) => {
            let signed = sign(taken, &text, usage, finish).await;
            signed.map(|receipt| Frame::Receipt { receipt: Encoded(receipt), stop })
        }
        End::Failed(message) => Err(message),
    };
    let frame = last.unwrap_or_else(|message| {
        taken.seller.counts.failed.fetch_add(1, Ordering::Relaxed);
        Frame::Failed { message }
    });
    // Nobody has to be there: a receipt is asked for again.
    drop(timeout(READER_WAIT, frames.send(frame)).await);
}

/// Passes a frame on. False if nobody takes it, or the answer is to stop.
async fn pass_on(taken: &Taken, frames: &mpsc::Sender<Frame>, frame: Frame) -> bool {
    tokio::select! {
        sent = timeout(READER_WAIT, frames.send(frame)) => matches!(sent, Ok(Ok(()))),
        () = taken.stop.notified() => false,
    }
}

fn within(usage: Usage, limit: Usage) -> Usage {
    Usage { input: usage.input.min(limit.input), output: usage.output.min(limit.output) }
}

/// Tokens that gave no text are told in a frame of their own: a receipt never counts more than the frames.
async fn settle_counts(taken: &Taken, told: Usage, counted: Usage, frames: &mpsc::Sender<Frame>) -> Usage {
    if counted != told {
        let frame =
            Frame::Delta { text: String::new(), input: counted.input, output: counted.output, logprobs: Vec::new() };
        if !pass_on(taken, frames, frame).await {
            return told;
        }
    }
    counted
}

/// Gives the answer its number, signs the receipt, writes it down and syncs; only then may anybody see it.
async fn sign(taken: &Taken, text: &str, usage: Usage, finish: Finish) -> Result<Signed<Receipt>, String> {
    let (seller, order) = (&taken.seller, &taken.order);
    let answer = salted(&taken.salt, text.as_bytes());
    let head = *seller.head.read().unwrap_or_else(PoisonError::into_inner);
    let cost = taken.served.price.cost(usage).unwrap_or_default();
    let channel = order.body.channel;
    let (receipt, mut write, queued) = {
        let mut credit = seller.credit();
        let seen = credit.channels.get_mut(&channel).ok_or("the channel was finished in the meantime")?;
        if seen.broken {
            return Err("the provider cannot write its books".into());
        }
        let signer = seller.config.account.signer(seen.channel.provider_key);
        let signer = signer.ok_or("the key that the channel was opened with is gone")?;
        let time = now();
        let body = Receipt { order: order.clone(), number: seen.next_number(), answer, usage, finish, time, head };
        // Signed under the lock: the next number depends on this one.
        let receipt = signer.sign(body);
        seen.push(Unpaid { leaf: receipt.digest(), offer: order.body.offer, usage, cost, time: time.0 });
        let kept = receipt.clone();
        let mut write = Box::pin(seller.books.write_synced(move |books| records::put_receipt(books, &kept)));
        // Queued under the lock, too: a process that is killed must not leave a later number in the books without this one.
        let queued = write.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        (receipt, write, queued)
    };
    let written = match queued {
        Poll::Ready(written) => written,
        Poll::Pending => write.as_mut().await,
    };
    if let Err(error) = written {
        tracing::error!(%error, "a receipt could not be written; its channel stops until a restart");
        if let Some(seen) = seller.credit().channels.get_mut(&channel) {
            seen.broken = true;
        }
        return Err("the provider could not write its books".into());
    }
    taken.served.tallies.count(usage);
    seller.counts.answered.fetch_add(1, Ordering::Relaxed);
    seller.counts.input.fetch_add(usage.input, Ordering::Relaxed);
    seller.counts.output.fetch_add(usage.output, Ordering::Relaxed);
    Ok(receipt)
}
