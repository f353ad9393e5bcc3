//! From a request to a running answer: an offer is chosen, the worst case set aside, an order signed and written down, and
//! its provider asked. A provider that fails before the first token is passed over.

use api::{
    exchange::{AnswerRequest, Frame, Refused, RefusedCode},
    link::reason,
    openai::ChatRequest,
    text::Encoded,
};
use ledger::{Amount, ChannelId, Order, OrderId, Signed, Time, Usage, salted};
use reqwest::Method;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    catalog::Offered,
    channels::Paying,
    error::{Error, Problem},
    frames::Frames,
    gateway::{Buyer, REFUSAL_MAX, now, read_json},
    money::{KeyId, Purse, Reservation, Short, Worst},
    records::{self, Ordered, State},
    speed::Watch,
};

/// A provider must begin within this time after the order.
const ORDER_LIFETIME_MS: u64 = 120_000;
/// A provider has this long until the first frame.
const FIRST_FRAME: Duration = Duration::from_secs(120);
/// How long a request waits for a provider's credit before another provider is looked for.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// How long a request waits for the ledger.
const LEDGER_WAIT: Duration = Duration::from_secs(15);
/// A channel that others empty as fast as it is filled is filled so often for one request.
const TOP_UPS: usize = 3;

/// An answer that a provider began.
pub struct Asked {
    pub ticket: Ticket,
    pub frames: Frames,
    /// Input tokens, by the provider's word.
    pub input: u64,
    /// Takes its time.
    pub watch: Watch,
}

/// An order that was sent: what is needed to pay or end it.
pub struct Ticket {
    pub key: KeyId,
    pub order: Signed<Order>,
    pub salt: [u8; 32],
    pub offered: Arc<Offered>,
    pub paying: Arc<Paying>,
    pub reservation: Reservation,
}

impl Ticket {
    pub const fn id(&self) -> OrderId {
        self.order.body.id
    }
}

/// Tells whether the client went away.
type Gone<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// Why an offer did not answer.
enum Failure {
    /// Another one would not either.
    Final(Problem),
    /// Another one might; this one fails.
    Elsewhere(Problem),
    /// Another one might; this one is well, and does not fit the request or the money there is.
    Unfit(Problem),
    /// Its provider does not answer it any more: the catalog may be old.
    Stale(Problem),
}

impl Failure {
    /// Another offer may do: its provider's channel is open already, say.
    fn unfit(self) -> Self {
        Self::Unfit(self.into_problem())
    }

    fn into_problem(self) -> Problem {
        let (Self::Final(problem) | Self::Elsewhere(problem) | Self::Unfit(problem) | Self::Stale(problem)) = self;
        problem
    }
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

/// Refuses requests that a key's budget cannot pay together, before anything of them is ordered. What runs beside them may still
/// take what they need.
pub async fn afford(buyer: &Arc<Buyer>, key: KeyId, requests: &[ChatRequest]) -> Result<(), Problem> {
    let mut worst = Amount::ZERO;
    for request in requests {
        let offers = buyer.offers_for(key, request).await?;
        let cost = offers.first().and_then(|offered| buyer.cost(&offered.price, limit(offered, request)));
        worst = cost.and_then(|cost| worst.plus(cost.key)).ok_or_else(no_price)?;
    }
    let free = buyer.money.lock().keys.get(&key).map_or(Amount::ZERO, Purse::free);
    if free < worst { Err(buyer.too_little(key, worst, free)) } else { Ok(()) }
}

/// What a provider is told of a request. What the client thinks of others is not a provider's to know.
pub fn told(request: &ChatRequest) -> Result<String, Problem> {
    let told = ChatRequest { provider: None, ..request.clone() };
    serde_json::to_string(&told).map_err(|error| Problem::field("messages", error.to_string()))
}

/// The most tokens that a request can take, told without a tokenizer.
pub fn limit(offered: &Offered, request: &ChatRequest) -> Usage {
    let offer = &offered.record.offer;
    let messages = u64::try_from(request.messages.len()).unwrap_or(u64::MAX).max(1);
    let input = offer.bound.input_max(offer.context, request.text_bytes(), messages);
    let output = request.output_max().unwrap_or(offer.default_output).min(offer.context);
    Usage { input, output: output.into() }
}

/// Asks the best offer that answers.
///
/// `gone` tells whether the client went away; then nothing more is ordered.
pub async fn ask(buyer: &Arc<Buyer>, key: KeyId, request: &ChatRequest, gone: Gone<'_>) -> Result<Asked, Problem> {
    let text = told(request)?;
    let asking = Asking { buyer, key, request, text: &text, gone };
    match asking.ask_all(false).await {
        Err(Failure::Stale(_)) => {
            buyer.catalog.catch_up().await?;
            asking.ask_all(true).await
        }
        answer => answer,
    }
    .map_err(Failure::into_problem)
}

/// One request, and whose.
struct Asking<'a> {
    buyer: &'a Arc<Buyer>,
    key: KeyId,
    request: &'a ChatRequest,
    text: &'a str,
    gone: Gone<'a>,
}

impl Asking<'_> {
    /// Asks one offer after the other until one answers. Where the catalog is `fresh`, a provider that does not know its own
    /// offer fails like any other.
    async fn ask_all(&self, fresh: bool) -> Result<Asked, Failure> {
        let Self { buyer, key, request, text, gone } = *self;
        let mut last = None;
        for offered in buyer.offers_for(key, request).await? {
            let attempt = Attempt { buyer, key, request, text, offered: &offered, gone };
            match attempt.run().await {
                Err(Failure::Unfit(problem)) => last = Some(problem),
                Err(Failure::Stale(problem)) if !fresh => return Err(Failure::Stale(problem)),
                Err(Failure::Elsewhere(problem) | Failure::Stale(problem)) => {
                    buyer.catalog.mark_failed(offered.record.provider);
                    last = Some(problem);
                }
                answer => return answer,
            }
        }
        let nobody = || Problem::unavailable("nobody offers this model now; try again in a moment");
        Err(Failure::Final(last.unwrap_or_else(nobody)))
    }
}

/// One request at one offer.
struct Attempt<'a> {
    buyer: &'a Arc<Buyer>,
    key: KeyId,
    request: &'a ChatRequest,
    text: &'a str,
    offered: &'a Arc<Offered>,
    gone: Gone<'a>,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Asked, Failure> {
        let mut paying = self.channel().await?;
        let (mut limit, mut corrected, mut replaced) = (limit(self.offered, self.request), false, false);
        let (begun, mut pause) = (Instant::now(), PAUSE_FIRST);
        loop {
            if (self.gone)() {
                return Err(Failure::Final(Problem::unavailable("the client went away")));
            }
            let ticket = self.order(&paying, limit).await?;
            let refused = match self.send(ticket).await? {
                Ok(asked) => return Ok(asked),
                Err(refused) => refused,
            };
            match (refused.code, refused.input) {
                (RefusedCode::InputTooLong, Some(input)) if !corrected && input <= self.context() => {
                    (limit.input, corrected) = (input, true);
                }
                (RefusedCode::CreditExceeded, _) if begun.elapsed() < PATIENCE => {
                    paying.cashier.flush().await;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                // Its provider released it, say: what the ledger says decides.
                (RefusedCode::ChannelUnknown, _) if !replaced && self.buyer.has_ended(&paying).await? => {
                    replaced = true;
                    paying = self.channel().await?;
                }
                _ => return Err(self.give_up(refused)),
            }
        }
    }

    /// The channel to the provider. Opening one may have to wait for the ledger; the client does not wait for long.
    async fn channel(&self) -> Result<Arc<Paying>, Failure> {
        let (buyer, offered) = (Arc::clone(self.buyer), Arc::clone(self.offered));
        self.patiently(async move { buyer.channel_for(&offered).await }).await.map_err(Failure::unfit)
    }

    async fn top_up(&self, id: ChannelId, need: Amount) -> Result<(), Failure> {
        let buyer = Arc::clone(self.buyer);
        self.patiently(async move { buyer.top_up(id, need).await.map(drop) }).await
    }

    /// Work on the ledger goes on to its end, whether or not anybody still waits for it.
    async fn patiently<T, W>(&self, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match tokio::time::timeout(LEDGER_WAIT, tokio::spawn(work)).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(error))) => Err(Failure::Final(self.buyer.explain(error))),
            Ok(Err(_)) => Err(Failure::Final(Problem::unavailable("the gateway failed; its log says why"))),
            Err(_) => Err(Failure::Final(Problem::unavailable("the ledger does not answer; try again in a moment"))),
        }
    }

    fn context(&self) -> u64 {
        self.offered.record.offer.context.into()
    }

    fn give_up(&self, refused: Refused) -> Failure {
        let context = self.context();
        let asked = if self.request.prompt.is_some() { "prompt" } else { "messages" };
        match (refused.code, refused.input) {
            (RefusedCode::InputTooLong, Some(input)) => {
                let message = format!(
                    "the conversation has {input} tokens, and this model reads at most {context} with the answer; shorten it"
                );
                Failure::Unfit(Problem::too_long(asked, message))
            }
            (RefusedCode::Malformed, _) => {
                Failure::Unfit(Problem::field(refused.field.as_deref().unwrap_or(asked), refused.message))
            }
            (RefusedCode::CreditExceeded | RefusedCode::Busy, _) => Failure::Elsewhere(Problem::unavailable(format!(
                "the provider has too much to do ({}); try again in a moment",
                refused.message
            ))),
            (RefusedCode::OfferUnknown, _) => Failure::Stale(Problem::upstream(refused.message)),
            _ => Failure::Elsewhere(Problem::upstream(refused.message)),
        }
    }

    /// Sets the worst case aside, signs the order and writes it down.
    async fn order(&self, paying: &Arc<Paying>, limit: Usage) -> Result<Ticket, Failure> {
        let worst = self.buyer.cost(&self.offered.price, limit).ok_or_else(no_price)?;
        let reservation = self.reserve(paying, worst).await?;
        let (mut id, mut salt) = ([0; 16], [0; 32]);
        let random = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut salt));
        random.map_err(|_| Problem::unavailable("the system gives no random numbers"))?;
        let created = now();
        let body = Order {
            channel: paying.id,
            id: OrderId(id),
            offer: self.offered.id,
            request: salted(&salt, self.text.as_bytes()),
            limit,
            expires: Time(created.saturating_add(ORDER_LIFETIME_MS)),
        };
        let order = paying.of.signer.sign(body);
        let ordered = Ordered {
            key: Some(self.key),
            order: order.clone(),
            salt,
            worst,
            created,
            state: State::Open,
            number: None,
            receipt: None,
        };
        self.buyer.running().insert(OrderId(id));
        if let Err(error) = self.buyer.books.write(move |books| records::put_order(books, &ordered)).await {
            self.buyer.running().remove(&OrderId(id));
            return Err(Failure::from(error));
        }
        let (offered, paying) = (Arc::clone(self.offered), Arc::clone(paying));
        Ok(Ticket { key: self.key, order, salt, offered, paying, reservation })
    }

    async fn reserve(&self, paying: &Paying, worst: Worst) -> Result<Reservation, Failure> {
        for _ in 0..=TOP_UPS {
            match self.buyer.money.reserve(self.key, paying.id, worst) {
                Ok(reservation) => return Ok(reservation),
                Err(Short::Key(free)) => return Err(Failure::Unfit(self.buyer.too_little(self.key, worst.key, free))),
                Err(Short::Channel) => self.top_up(paying.id, worst.channel).await?,
            }
        }
        Err(Failure::Elsewhere(Problem::unavailable(
            "the channel to the provider is being filled; try again in a moment",
        )))
    }

    /// Sends the order with its request. The order is ended here if the provider refuses it.
    async fn send(&self, ticket: Ticket) -> Result<Result<Asked, Refused>, Failure> {
        let voucher = ticket.paying.cashier.take_along();
        let body = AnswerRequest {
            order: Encoded(ticket.order.clone()),
            salt: Encoded(ticket.salt),
            request: self.text.to_owned(),
            voucher,
        };
        let watch = Watch::start();
        let post = self.buyer.request(Method::POST, &self.offered.door, "/exchange/answers");
        let sent = first_frame(post.map(|post| post.json(&body)));
        match tokio::time::timeout(FIRST_FRAME, sent).await {
            Ok(Ok(First::Frames(frames, input))) => Ok(Ok(Asked { ticket, frames, input, watch })),
            Ok(Ok(First::Refused(refused))) => {
                ticket.paying.cashier.give_back(body.voucher);
                self.buyer.fail_order(ticket).await;
                Ok(Err(refused))
            }
            Ok(Err(Broken { reached: false, reason })) => {
                ticket.paying.cashier.give_back(body.voucher);
                self.buyer.fail_order(ticket).await;
                Err(Failure::Elsewhere(Problem::upstream(format!(
                    "the provider does not answer ({reason}); try again"
                ))))
            }
            broken => {
                let reason =
                    broken.ok().and_then(Result::err).map_or_else(|| "it took too long".into(), |broken| broken.reason);
                ticket.paying.cashier.give_back(body.voucher);
                self.buyer.leave_open(ticket);
                Err(Failure::Elsewhere(Problem::upstream(format!("the provider broke off ({reason}); try again"))))
            }
        }
    }
}

fn no_price() -> Problem {
    Problem::field("max_tokens", "that many tokens have no price")
}

impl Buyer {
    /// How an API key's budget is raised.
    pub fn top_ups(&self, key: KeyId) -> String {
        let payer = self.catalog.shelf().names.account(self.config.payer.id());
        format!(
            "pumasi key topup key_{key} CREDITS (its owner), or pumasi wallet send {payer} CREDITS --for key:key_{key} (anybody \
             on this ledger)"
        )
    }

    fn too_little(&self, key: KeyId, worst: Amount, free: Amount) -> Problem {
        let how = self.top_ups(key);
        Problem::money(format!(
            "this could cost up to {worst} credits, and the API key has {free} free now; lower max_tokens, wait for running \
             answers to end, or top it up: {how}"
        ))
    }
}

/// How a provider began.
enum First {
    Frames(Frames, u64),
    Refused(Refused),
}

/// The connection failed.
struct Broken {
    /// True if the provider may have the order.
    reached: bool,
    reason: String,
}

async fn first_frame(post: Result<reqwest::RequestBuilder, String>) -> Result<First, Broken> {
    let broken = |error: reqwest::Error| Broken { reached: !error.is_connect(), reason: reason(&error) };
    let post = post.map_err(|reason| Broken { reached: false, reason })?;
    let answer = post.send().await.map_err(broken)?;
    if !answer.status().is_success() {
        let status = answer.status();
        let refused = read_json::<Refused>(answer, REFUSAL_MAX).await;
        return refused.map(First::Refused).map_err(|_| Broken { reached: true, reason: format!("HTTP {status}") });
    }
    let mut frames = Frames::new(answer);
    match frames.next().await {
        Some(Frame::Accepted { input }) => Ok(First::Frames(frames, input)),
        _ => Err(Broken { reached: true, reason: "its answer does not begin as it must".into() }),
    }
}
