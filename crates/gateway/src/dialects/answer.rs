//! What all dialects share: from inner requests to answers that run, and from their events to pieces or to a whole.

use api::{
    held::Held,
    openai::{ChatRequest, TokenLogprob, Usage},
    view::{CostDetails, cost},
};
use axum::{
    body::Bytes,
    extract::{FromRequest as _, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse},
};
use futures::{Stream, StreamExt as _, future};
use ledger::{Amount, Finish};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::{fits, quota::Quota};
use crate::{
    ask,
    calls::Call,
    error::Problem,
    gateway::{Buyer, now},
    money::KeyId,
    read::{self, Done, Event},
    routes::{BODY_MAX, api_key},
};

/// Names the receipt of the first answer: `GET /receipts/{id}`.
const RECEIPT: HeaderName = HeaderName::from_static("x-pumasi-receipt");
/// Credits, as in `usage.cost`; only of answers that are not streamed.
const COST: HeaderName = HeaderName::from_static("x-pumasi-cost");
/// The same for a LiteLLM that passes it on.
const LITELLM_COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");

/// An answer that began.
pub struct Answer {
    /// The receipt's id.
    pub receipt: String,
    /// Milliseconds since 1970.
    pub created: u64,
    /// The artifact, by name.
    pub model: String,
    /// Who answers, by name.
    pub provider: String,
    /// Names the offer, in the form in which OpenAI names what runs.
    pub fingerprint: String,
    /// Input tokens by the provider's word; 0 where it does not know yet.
    pub input: u64,
    quota: Option<Quota>,
    events: mpsc::Receiver<Event>,
}

/// An answer that ended well.
pub struct Whole {
    /// Of the prompt, if it was measured. `first`: nothing comes before the first of them.
    pub prompt: Vec<TokenLogprob>,
    pub first: bool,
    pub text: String,
    pub logprobs: Vec<TokenLogprob>,
    pub calls: Vec<Call>,
    pub done: Done,
}

/// Counts a request, and how it failed.
pub async fn counted(buyer: &Buyer, answer: impl Future<Output = Result<Response, Problem>>) -> Response {
    buyer.counts.requests.fetch_add(1, Ordering::Relaxed);
    answer.await.unwrap_or_else(|problem| {
        let money = problem.status == StatusCode::PAYMENT_REQUIRED;
        let counter = if money { &buyer.counts.without_money } else { &buyer.counts.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        problem.into_response()
    })
}

/// The API key of a request, and its body. The key comes first: nobody's body is not read.
pub async fn read_paid<T: DeserializeOwned>(buyer: &Buyer, request: Request) -> Result<(KeyId, T), Problem> {
    let key = api_key(buyer, request.headers())?;
    Ok((key, read_body(request).await?))
}

/// The body of a request, whatever it says of its content type.
pub async fn read_body<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    // What says that it is too long need not come first.
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if said.is_some_and(|said: usize| said > BODY_MAX) {
        return Err(too_long());
    }
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_long(),
        status => Problem::body(status, rejection.body_text()),
    })?;
    serde_json::from_slice(&body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}")))
}

/// The body is.
pub fn too_long() -> Problem {
    let message = format!("the body is longer than {} MiB; send less", BODY_MAX >> 20);
    Problem::body(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// Asks, and gives the answer once it runs.
pub async fn begin(buyer: &Arc<Buyer>, key: KeyId, request: ChatRequest) -> Result<Answer, Problem> {
    fits::check(&request)?;
    let (tell, told) = oneshot::channel();
    tokio::spawn(run(Arc::clone(buyer), key, request, tell));
    told.await.map_err(|_| Problem::unavailable("the gateway stops; try again in a moment"))?
}

/// The same for the several answers of one request: each is an order of its own.
pub async fn begin_all(buyer: &Arc<Buyer>, key: KeyId, requests: Vec<ChatRequest>) -> Result<Vec<Answer>, Problem> {
    if requests.len() > 1 {
        // So that a request which costs too much ends before anything of it is ordered.
        ask::afford(buyer, key, &requests).await?;
    }
    future::try_join_all(requests.into_iter().map(|request| begin(buyer, key, request))).await
}

/// Asks and begins to read, in a task of its own: if the client goes away before the first token, an order may already be
/// out, and its receipt must be read all the same. Then the events have no reader, and the answer is stopped.
async fn run(buyer: Arc<Buyer>, key: KeyId, request: ChatRequest, tell: oneshot::Sender<Result<Answer, Problem>>) {
    let held = Held::of(&request).unwrap_or_default();
    let tools = held.tools.into_iter().map(|function| function.name).collect();
    let asked = ask::ask(&buyer, key, &request, &|| tell.is_closed()).await;
    let begun = asked.map(|asked| {
        let (ticket, input) = (&asked.ticket, asked.input);
        let (record, shelf) = (&ticket.offered.record, buyer.catalog.shelf());
        Answer {
            receipt: ticket.id().to_string(),
            created: now(),
            model: shelf.names.artifact(record.offer.artifact),
            provider: shelf.names.account(record.provider),
            fingerprint: format!("fp_{}", hex::encode(&ticket.order.body.offer.0[..5])),
            input,
            quota: Quota::of(&buyer, ticket),
            events: read::read(&buyer, asked, tools),
        }
    });
    drop(tell.send(begun));
}

impl Answer {
    /// Waits for the end.
    pub async fn whole(mut self) -> Result<Whole, Problem> {
        let (mut text, mut logprobs, mut calls) = (String::new(), Vec::new(), Vec::new());
        let (mut prompt, mut first) = (Vec::new(), false);
        while let Some(event) = self.events.recv().await {
            match event {
                Event::Prompt { first: begins, logprobs: tokens } => {
                    first |= begins;
                    prompt.extend(tokens);
                }
                Event::Call(call) => calls.push(call),
                Event::Text { text: new, logprobs: tokens } => {
                    text += &new;
                    logprobs.extend(tokens);
                }
                Event::Failed(problem) => return Err(problem),
                Event::Done(done) => return Ok(Whole { prompt, first, text, logprobs, calls, done: *done }),
            }
        }
        Err(Problem::upstream("the answer ended without an end"))
    }

    /// What the headers of every dialect say of it.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.extend(HeaderValue::from_str(&self.receipt).ok().map(|receipt| (RECEIPT, receipt)));
        headers.extend(self.quota.iter().flat_map(Quota::headers));
        headers
    }
}

/// Waits for the ends of several answers, which run beside each other.
pub async fn wholes(answers: Vec<Answer>) -> Result<Vec<Whole>, Problem> {
    future::try_join_all(answers.into_iter().map(Answer::whole)).await
}

/// The events of several answers as they come, each with its answer's place. Nothing follows the first failure.
pub fn events(answers: Vec<Answer>) -> impl Stream<Item = (usize, Event)> + Send + 'static {
    let each = answers.into_iter().enumerate();
    let each = each.map(|(at, answer)| ReceiverStream::new(answer.events).map(move |event| (at, event)));
    let mut failed = false;
    futures::stream::select_all(each).take_while(move |(_, event)| {
        let goes_on = !failed;
        failed |= matches!(event, Event::Failed(_));
        future::ready(goes_on)
    })
}

/// What an answer cost, over all.
pub fn total(done: &Done) -> Amount {
    Amount(done.bill.pico.parse().unwrap_or_default())
}

/// How an answer's cost falls apart.
pub fn details(done: &Done) -> CostDetails {
    CostDetails::of([(&done.bill, done.usage)].into_iter())
}

/// What all answers of one request used and cost together, as OpenAI's dialects tell it.
pub fn usage(dones: Vec<Done>) -> Usage {
    let total: Amount = dones.iter().map(total).sum();
    let count = |of: fn(&Done) -> u64| dones.iter().map(of).fold(0, u64::saturating_add);
    let (input, output) = (count(|done| done.usage.input), count(|done| done.usage.output));
    let details = CostDetails::of(dones.iter().map(|done| (&done.bill, done.usage)));
    let mut bills: Vec<_> = dones.into_iter().map(|done| done.bill).collect();
    let bill = if bills.len() == 1 { bills.pop() } else { None };
    Usage {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input.saturating_add(output),
        cost: Some(cost(total)),
        cost_details: Some(details),
        bill,
        bills,
    }
}

/// Why an answer ended, in OpenAI's words.
pub const fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Cancelled => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

/// Says in an answer's headers what it cost.
pub fn with_cost(mut headers: HeaderMap, total: Amount) -> HeaderMap {
    if let Ok(value) = HeaderValue::from_str(&total.to_string()) {
        headers.extend([(COST, value.clone()), (LITELLM_COST, value)]);
    }
    headers
}

/// Server-sent events.
pub fn stream(headers: HeaderMap, events: impl Stream<Item = sse::Event> + Send + 'static) -> Response {
    (headers, Sse::new(events.map(Ok::<_, Infallible>)).keep_alive(sse::KeepAlive::default())).into_response()
}

/// A server-sent event with JSON.
pub fn data<T: Serialize>(value: &T) -> sse::Event {
    sse::Event::default().data(serde_json::to_string(value).unwrap_or_default())
}

/// A piece that comes before the usage: where that has a piece of its own, all others have null in its place.
pub fn piece<T: Serialize>(piece: &T, separate_usage: bool) -> sse::Event {
    #[derive(Serialize)]
    struct Before<'a, T> {
        #[serde(flatten)]
        piece: &'a T,
        usage: (),
    }
    if separate_usage { data(&Before { piece, usage: () }) } else { data(piece) }
}

/// A server-sent event with a name and JSON.
pub fn named_data<T: Serialize>(name: &str, value: &T) -> sse::Event {
    sse::Event::default().event(name).data(serde_json::to_string(value).unwrap_or_default())
}

/// The end of a stream of OpenAI's.
pub fn end_mark() -> sse::Event {
    sse::Event::default().data("[DONE]")
}
