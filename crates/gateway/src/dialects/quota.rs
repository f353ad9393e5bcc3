//! What an answer's headers say of the API key's budget, in both families that clients read. There is no limit of so many
//! requests a minute here; what runs out is money. So a request counts as one of this size, and a token as one of output,
//! at the prices of the offer that answers. Nothing comes back by itself, so no header says when.

use axum::http::{HeaderName, HeaderValue};
use ledger::{Amount, Usage};

use crate::{ask::Ticket, gateway::Buyer};

/// How much of a budget is left, in requests and in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    requests: Left,
    tokens: Left,
}

/// How many fit into the budget, and into what is free of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    limit: u128,
    remaining: u128,
}

impl Quota {
    /// Of the key that pays an order. None where an answer costs nothing.
    pub fn of(buyer: &Buyer, ticket: &Ticket) -> Option<Self> {
        let purse = buyer.money.lock().keys.get(&ticket.key).copied()?;
        let price = |usage| buyer.cost(&ticket.offered.price, usage).map(|cost| cost.key);
        let (request, token) = (price(ticket.order.body.limit)?, price(Usage { input: 0, output: 1 })?);
        let fit = |amount: Amount, one: Amount| amount.0.checked_div(one.0);
        let left = |one| Some(Left { limit: fit(purse.total, one)?, remaining: fit(purse.free(), one)? });
        Some(Self { requests: left(request)?, tokens: left(token)? })
    }

    /// OpenAI's headers, and those of the IETF's draft (draft-ietf-httpapi-ratelimit-headers).
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let Self { requests, tokens } = self;
        [
            ("x-ratelimit-limit-requests", requests.limit.to_string()),
            ("x-ratelimit-remaining-requests", requests.remaining.to_string()),
            ("x-ratelimit-limit-tokens", tokens.limit.to_string()),
            ("x-ratelimit-remaining-tokens", tokens.remaining.to_string()),
            (
                "ratelimit-policy",
                format!("\"requests\";q={}, \"tokens\";q={};qu=\"tokens\"", requests.limit, tokens.limit),
            ),
            ("ratelimit", format!("\"requests\";r={}, \"tokens\";r={}", requests.remaining, tokens.remaining)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?)))
        .collect()
    }
}
