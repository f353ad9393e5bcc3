//! From frames to a paid receipt. This runs in a task of its own, so that a client that goes away is still billed for what
//! came, and no more: the provider is told to stop, and the frames are read on to the receipt.

use api::{
    exchange::{Frame, cancel_path},
    openai::TokenLogprob,
    view::{Bill, BillLine, What},
};
use ledger::{Finish, Receipt, RefusalReason, Signed, Usage, salted};
use reqwest::Method;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

use crate::{
    ask::{Asked, Ticket},
    calls::{Call, Calls, Said},
    cashier::Item,
    error::Problem,
    frames::Frames,
    gateway::Buyer,
    money::Worst,
    speed::Watch,
};

/// Events that may wait for a slow client before its answer waits too.
const EVENTS_MAX: usize = 64;
/// A client that takes nothing for so long is gone.
const CLIENT_WAIT: Duration = Duration::from_secs(60);
/// A provider that was told to stop has this long to come to its receipt.
const STOP_WAIT: Duration = Duration::from_secs(60);
/// A client waits this long for its receipt's turn; a provider that leaves out a number makes it wait for ever.
const TURN_WAIT: Duration = Duration::from_secs(5);
/// The longest text of one token, with room to spare; and text that may come before the first one is counted.
const TOKEN_BYTES_MAX: u64 = 1_024;
const UNCOUNTED_BYTES_MAX: u64 = 64 << 10;

/// What a client's answer is made of.
pub enum Event {
    /// The next tokens of the prompt, if they were to be measured. `first`: nothing comes before the first of them.
    Prompt { first: bool, logprobs: Vec<TokenLogprob> },
    /// More text.
    Text { text: String, logprobs: Vec<TokenLogprob> },
    /// A call of a tool.
    Call(Call),
    /// The end.
    Done(Box<Done>),
    /// It failed; nothing is billed.
    Failed(Problem),
}

/// The end of an answer.
pub struct Done {
    pub finish: Finish,
    /// The text that ended it, of those that the request named; by the provider's word.
    pub stop: Option<String>,
    pub usage: Usage,
    /// What was charged. Without lines if the receipt was refused.
    pub bill: Bill,
}

/// Reads an answer to its end, whether or not anybody reads the events. `tools`: what may be called in it.
pub fn read(buyer: &Arc<Buyer>, asked: Asked, tools: Vec<String>) -> mpsc::Receiver<Event> {
    let (events, reader) = mpsc::channel(EVENTS_MAX);
    let Asked { ticket, frames, input, watch } = asked;
    let streamed = Streamed { text: String::new(), usage: Usage { input, output: 0 } };
    let calls = Calls::new(tools, &ticket.id().to_string());
    let reading = Reading { buyer: Arc::clone(buyer), ticket, streamed, calls, events, watch, stopped: None };
    tokio::spawn(reading.run(frames));
    reader
}

/// What the frames carried.
struct Streamed {
    text: String,
    usage: Usage,
}

struct Reading {
    buyer: Arc<Buyer>,
    ticket: Ticket,
    streamed: Streamed,
    calls: Calls,
    events: mpsc::Sender<Event>,
    watch: Watch,
    /// When the provider was told to stop; nothing is passed on from then on.
    stopped: Option<Instant>,
}

impl Reading {
    async fn run(mut self, mut frames: Frames) {
        loop {
            let frame = tokio::select! {
                frame = frames.next() => frame,
                () = self.events.closed(), if self.stopped.is_none() => {
                    self.stop();
                    continue;
                }
                () = over(self.stopped) => return self.broken().await,
            };
            match frame {
                Some(Frame::Delta { text, input, output, logprobs }) => {
                    if !self.delta(text, Usage { input, output }, logprobs).await {
                        self.stop();
                    }
                    if self.floods() {
                        return self.broken().await;
                    }
                }
                Some(Frame::Prompt { first, logprobs }) => {
                    if self.stopped.is_none() && !tell(&self.events, Event::Prompt { first, logprobs }).await {
                        self.stop();
                    }
                }
                Some(Frame::Receipt { receipt, stop }) => return self.receipt(receipt.0, stop).await,
                Some(Frame::Failed { message }) => return self.failed(message).await,
                Some(Frame::Accepted { .. }) => {}
                None => return self.broken().await,
            }
        }
    }

    /// Passes text on. False if the provider goes beyond the order's limit, or the client takes nothing.
    async fn delta(&mut self, text: String, counted: Usage, logprobs: Vec<TokenLogprob>) -> bool {
        let limit = self.ticket.order.body.limit;
        self.streamed.text += &text;
        self.streamed.usage = counted;
        if counted.output > limit.output {
            return false;
        }
        if text.is_empty() || self.stopped.is_some() {
            return true;
        }
        self.watch.text(counted.output);
        let before = Instant::now();
        let taken = self.say(&text, logprobs).await;
        self.watch.waited(before.elapsed());
        taken
    }

    /// Tells what a text says. False if the client does not take it.
    async fn say(&mut self, text: &str, mut logprobs: Vec<TokenLogprob>) -> bool {
        for said in self.calls.push(text) {
            let event = match said {
                Said::Text(text) => Event::Text { text, logprobs: std::mem::take(&mut logprobs) },
                Said::Call(call) => Event::Call(call),
            };
            if !tell(&self.events, event).await {
                return false;
            }
        }
        // The text of these tokens is not told yet, or is a call.
        logprobs.is_empty() || tell(&self.events, Event::Text { text: String::new(), logprobs }).await
    }

    /// True if this is more text than the order's tokens can be.
    fn floods(&self) -> bool {
        let bytes = u64::try_from(self.streamed.text.len()).unwrap_or(u64::MAX);
        bytes > self.ticket.order.body.limit.output.saturating_mul(TOKEN_BYTES_MAX).saturating_add(UNCOUNTED_BYTES_MAX)
    }

    /// Tells the provider to stop; the frames go on to the receipt.
    fn stop(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        self.stopped = Some(Instant::now());
        let path = cancel_path(self.ticket.id());
        if let Ok(request) = self.buyer.request(Method::POST, &self.ticket.offered.door, &path) {
            tokio::spawn(async move { drop(request.send().await) });
        }
    }

    /// Holds the receipt against the order and the frames, and has it paid or refused.
    async fn receipt(self, receipt: Signed<Receipt>, stop: Option<String>) {
        let Self { buyer, ticket, streamed, mut calls, events, watch, .. } = self;
        if !is_for(&receipt, &ticket, &buyer) {
            tracing::warn!(order = %ticket.id(), "a provider's receipt is not signed by it, or is for another order");
            buyer.leave_open(ticket);
            tell(&events, Event::Failed(Problem::upstream("the provider ended with no good receipt"))).await;
            return;
        }
        let (usage, finish) = (receipt.body.usage, receipt.body.finish);
        buyer.config.ledger.hear(receipt.body.head, ticket.paying.provider);
        let verdict = judge(&receipt, &ticket, &streamed)
            .and_then(|()| buyer.cost(&ticket.offered.price, usage).ok_or(RefusalReason::LimitExceeded));
        if let (Ok(_), Some(speed)) = (&verdict, watch.speed()) {
            buyer.speeds.learn(ticket.offered.id, speed);
        }
        let bill = match &verdict {
            Ok(_) => buyer.bill(&ticket.offered.price, ticket.id(), usage),
            Err(_) => None,
        };
        let (done, paid) = oneshot::channel();
        let provider = ticket.paying.provider;
        let (id, key, reservation) = (ticket.id(), Some(ticket.key), Some(ticket.reservation));
        ticket.paying.cashier.pay(Item { receipt, verdict, key, reservation, done: Some(done) });
        let paid = timeout(TURN_WAIT, paid).await.unwrap_or_else(|_| {
            tracing::warn!(order = %id, "a receipt waits for one before it, which its provider does not give");
            buyer.catalog.mark_failed(provider);
            Ok(true)
        });
        let paid = paid.unwrap_or(false);
        buyer.running().remove(&id);
        let nothing = || Bill { receipt: id.to_string(), lines: Vec::new(), pico: "0".into() };
        let bill = bill.filter(|_| paid).unwrap_or_else(nothing);
        // What is billed and what is told are the same tokens.
        let usage = if bill.lines.is_empty() { streamed.usage } else { usage };
        if let Some(text) = calls.flush() {
            tell(&events, Event::Text { text, logprobs: Vec::new() }).await;
        }
        let finish = if finish == Finish::Stop && calls.any() { Finish::ToolCalls } else { finish };
        tell(&events, Event::Done(Box::new(Done { finish, stop, usage, bill }))).await;
    }

    async fn failed(self, message: String) {
        self.buyer.fail_order(self.ticket).await;
        let problem = Problem::upstream(format!("the provider could not finish: {message} (nothing is billed)"));
        tell(&self.events, Event::Failed(problem)).await;
    }

    /// The connection ended without a receipt. If the provider signed one, it is asked for.
    async fn broken(self) {
        self.buyer.leave_open(self.ticket);
        let problem = Problem::upstream("the provider broke off; nothing is billed unless it shows a signed receipt");
        tell(&self.events, Event::Failed(problem)).await;
    }
}

/// Tells the client something. False if it does not take it.
async fn tell(events: &mpsc::Sender<Event>, event: Event) -> bool {
    matches!(timeout(CLIENT_WAIT, events.send(event)).await, Ok(Ok(())))
}

/// Comes when a provider that was told to stop had its time.
async fn over(stopped: Option<Instant>) {
    match stopped {
        Some(at) => sleep_until(at + STOP_WAIT).await,
        None => std::future::pending().await,
    }
}

/// True if the provider of the channel signed this receipt, for exactly this order.
fn is_for(receipt: &Signed<Receipt>, ticket: &Ticket, buyer: &Buyer) -> bool {
    receipt.body.order == ticket.order && receipt.verify(buyer.network(), ticket.paying.of.provider_key)
}

/// A receipt may count what was ordered, and what was streamed.
fn judge(receipt: &Signed<Receipt>, ticket: &Ticket, streamed: &Streamed) -> Result<(), RefusalReason> {
    let counted = receipt.body.usage;
    within(counted, ticket.order.body.limit, RefusalReason::LimitExceeded)?;
    within(counted, streamed.usage, RefusalReason::MoreThanStreamed)?;
    if receipt.body.answer == salted(&ticket.salt, streamed.text.as_bytes()) {
        Ok(())
    } else {
        Err(RefusalReason::AnswerDiffers)
    }
}

/// Refuses counts above a limit.
pub fn within(counted: Usage, limit: Usage, reason: RefusalReason) -> Result<(), RefusalReason> {
    if counted.input <= limit.input && counted.output <= limit.output { Ok(()) } else { Err(reason) }
}

impl Buyer {
    /// What some usage costs: the API key with the gateway's fee, the channel without.
    pub fn cost(&self, price: &ledger::Price, usage: Usage) -> Option<Worst> {
        let channel = price.cost(usage)?;
        Some(Worst { key: channel.plus(self.config.fee.cost(usage)?)?, channel })
    }

    /// The bill of an answer: everybody's line, the gateway's own last, if it asks a fee.
    pub fn bill(&self, price: &ledger::Price, order: ledger::OrderId, usage: Usage) -> Option<Bill> {
        let shelf = self.catalog.shelf();
        let mut bill = Bill::of(order.to_string(), price, usage, |payee| shelf.names.payee(payee))?;
        let fee = self.config.fee;
        if !fee.is_zero() {
            let id = self.config.payer.id();
            bill.lines.push(BillLine {
                payee: shelf.names.account(id),
                id: id.to_string(),
                what: What::GatewayFee,
                input_rate: fee.input,
                output_rate: fee.output,
                pico: fee.cost(usage)?.0.to_string(),
            });
            bill.pico = self.cost(price, usage)?.key.0.to_string();
        }
        Some(bill)
    }
}
