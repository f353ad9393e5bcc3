//! From frames to a paid receipt. This runs in a task of its own, so that a client that goes away is still billed for what
//! came, and no more: the provider is told to stop, and the frames are read on to the receipt.

use api::{
    exchange::{Frame, cancel_path},
    openai::TokenLogprob,
    view::{Bill, BillLine, What},
};
use ledger::{Finish, Receipt, RefusalReason, Signed, Usage, salted};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

use crate::{
    ask::{Asked, Ticket},
    cashier::Item,
    error::Problem,
    frames::Frames,
    gateway::Buyer,
    money::Worst,
};

/// Events that may wait for a slow client before its answer waits too.
const EVENTS_MAX: usize = 64;

/// What a client's answer is made of.
pub enum Event {
    /// More text.
    Text {
        text: String,
        logprobs: Vec<TokenLogprob>,
    },
    /// The end.
    Done(Box<Done>),
    /// It failed; nothing is billed.
    Failed(Problem),
}

/// The end of an answer.
pub struct Done {
    pub finish: Finish,
    pub usage: Usage,
    /// What was charged. Without lines if the receipt was refused.
    pub bill: Bill,
}

/// Reads an answer to its end, whether or not anybody reads the events.
pub fn read(buyer: &Arc<Buyer>, asked: Asked) -> mpsc::Receiver<Event> {
    let (events, reader) = mpsc::channel(EVENTS_MAX);
    let Asked { ticket, frames, input } = asked;
    let streamed = Streamed { text: String::new(), usage: Usage { input, output: 0 } };
    let reading = Reading { buyer: Arc::clone(buyer), ticket, streamed, events };
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
    events: mpsc::Sender<Event>,
}

impl Reading {
    async fn run(mut self, mut frames: Frames) {
        let mut stopped = false;
        loop {
            let frame = tokio::select! {
                frame = frames.next() => frame,
                () = self.events.closed(), if !stopped => {
                    stopped = true;
                    self.cancel();
                    continue;
                }
            };
            match frame {
                Some(Frame::Delta { text, input, output, logprobs }) => {
                    let over = self.delta(text, Usage { input, output }, logprobs).await;
                    if over && !stopped {
                        stopped = true;
                        self.cancel();
                    }
                }
                Some(Frame::Receipt { receipt }) => return self.receipt(receipt.0).await,
                Some(Frame::Failed { message }) => return self.failed(message).await,
                Some(Frame::Accepted { .. }) => {}
                None => return self.broken().await,
            }
        }
    }

    /// Passes text on. True if the provider goes beyond the order's limit and must stop.
    async fn delta(&mut self, text: String, counted: Usage, logprobs: Vec<TokenLogprob>) -> bool {
        let limit = self.ticket.order.body.limit;
        self.streamed.text += &text;
        self.streamed.usage = counted;
        if counted.output > limit.output {
            return true;
        }
        if !text.is_empty() {
            drop(self.events.send(Event::Text { text, logprobs }).await);
        }
        false
    }

    /// Tells the provider to stop; the frames go on to the receipt.
    fn cancel(&self) {
        let url = format!("{}{}", self.ticket.offered.address, cancel_path(self.ticket.id()));
        let request = self.buyer.client.post(url);
        tokio::spawn(async move { drop(request.send().await) });
    }

    /// Holds the receipt against the order and the frames, and has it paid or refused.
    async fn receipt(self, receipt: Signed<Receipt>) {
        let Self { buyer, ticket, streamed, events } = self;
        if !is_for(&receipt, &ticket, &buyer) {
            tracing::warn!(order = %ticket.id(), "a provider's receipt is not signed by it, or is for another order");
            buyer.leave_open(ticket);
            drop(events.send(Event::Failed(Problem::upstream("the provider ended with no good receipt"))).await);
            return;
        }
        let (usage, finish) = (receipt.body.usage, receipt.body.finish);
        let verdict = judge(&receipt, &ticket, &streamed).and_then(|()| {
            buyer.cost(&ticket.offered.price, usage).ok_or(RefusalReason::LimitExceeded)
        });
        let bill = match &verdict {
            Ok(_) => buyer.bill(&ticket.offered.price, ticket.id(), usage),
            Err(_) => None,
        };
        let (done, paid) = oneshot::channel();
        let (id, key, reservation) = (ticket.id(), Some(ticket.key), Some(ticket.reservation));
        ticket.paying.cashier.pay(Item { receipt, verdict, key, reservation, done: Some(done) });
        let paid = paid.await.unwrap_or(false);
        buyer.running().remove(&id);
        let nothing = || Bill { receipt: id.to_string(), lines: Vec::new(), pico: "0".into() };
        let bill = bill.filter(|_| paid).unwrap_or_else(nothing);
        drop(events.send(Event::Done(Box::new(Done { finish, usage: streamed.usage, bill }))).await);
    }

    async fn failed(self, message: String) {
        self.buyer.fail_order(self.ticket).await;
        let problem = Problem::upstream(format!("the provider could not finish: {message} (nothing is billed)"));
        drop(self.events.send(Event::Failed(problem)).await);
    }

    /// The connection ended without a receipt. If the provider signed one, it is asked for.
    async fn broken(self) {
        self.buyer.leave_open(self.ticket);
        let problem = Problem::upstream("the provider broke off; nothing is billed unless it shows a signed receipt");
        drop(self.events.send(Event::Failed(problem)).await);
    }
}

/// True if the provider of the channel signed this receipt, for exactly this order.
fn is_for(receipt: &Signed<Receipt>, ticket: &Ticket, buyer: &Buyer) -> bool {
    receipt.body.order == ticket.order && receipt.verify(buyer.network(), ticket.paying.provider_key)
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
