//! How many tokens a request has, without an answer. A provider refuses an order that allows no tokens at all, and says how many
//! there are: its own tokenizer counted, and nothing is owed. So nothing is reserved or written down here, either.

use api::{
    exchange::{AnswerRequest, Refused},
    openai::ChatRequest,
    text::Encoded,
};
use ledger::{Order, OrderId, Time, Usage, salted};
use reqwest::Method;
use std::{sync::Arc, time::Duration};

use crate::{
    ask,
    catalog::Offered,
    error::Problem,
    gateway::{Buyer, REFUSAL_MAX, now, read_json},
    money::KeyId,
};

/// How long a provider may take, its channel included.
const PATIENCE: Duration = Duration::from_secs(15);
const ORDER_LIFETIME_MS: u64 = 60_000;

/// The input tokens of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// The model's own tokenizer counted them.
    Exact(u64),
    /// Nobody could count: the most that they can be, by the offer's bound.
    AtMost(u64),
}

/// Counts with the first offer whose provider can.
pub async fn count(buyer: &Arc<Buyer>, key: KeyId, request: &ChatRequest) -> Result<Count, Problem> {
    let (offers, text) = (buyer.offers_for(key, request).await?, ask::told(request)?);
    for offered in &offers {
        // A channel that is being opened is opened to its end, whether or not anybody still waits for it.
        let asked = tokio::spawn(count_at(Arc::clone(buyer), Arc::clone(offered), text.clone()));
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(Ok(input))) => return Ok(Count::Exact(input)),
            Ok(Ok(Err(problem))) => tracing::info!(reason = problem.detail.message, "a provider counted no tokens"),
            Ok(Err(_)) | Err(_) => tracing::info!("a provider took too long to count tokens"),
        }
    }
    let bound = offers.iter().map(|offered| ask::limit(offered, request).input).min();
    bound.map(Count::AtMost).ok_or_else(|| Problem::unavailable("nobody offers this model now; try again in a moment"))
}

async fn count_at(buyer: Arc<Buyer>, offered: Arc<Offered>, request: String) -> Result<u64, Problem> {
    let paying = buyer.channel_for(&offered).await.map_err(|error| buyer.explain(error))?;
    let (mut id, mut salt) = ([0; 16], [0; 32]);
    let random = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut salt));
    random.map_err(|_| Problem::unavailable("the system gives no random numbers"))?;
    let order = Order {
        channel: paying.id,
        id: OrderId(id),
        offer: offered.id,
        request: salted(&salt, request.as_bytes()),
        limit: Usage::default(),
        expires: Time(now().saturating_add(ORDER_LIFETIME_MS)),
    };
    let order = Encoded(paying.of.signer.sign(order));
    let body = AnswerRequest { order, salt: Encoded(salt), request, voucher: None };
    let post = buyer.request(Method::POST, &offered.door, "/exchange/answers").map_err(Problem::upstream)?;
    let answer = post.json(&body).send().await.map_err(|error| Problem::upstream(api::link::reason(&error)))?;
    let refused: Refused = read_json(answer, REFUSAL_MAX).await.map_err(Problem::upstream)?;
    refused.input.ok_or_else(|| Problem::upstream(refused.message))
}
