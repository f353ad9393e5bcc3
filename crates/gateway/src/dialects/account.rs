//! OpenRouter's questions about money: what an API key may spend and did, and what one answer cost. Credits are exact JSON
//! numbers.

use api::{
    text::{date, rfc3339},
    view::{Bill, CostDetails, cost},
};
use axum::{
    Json,
    extract::{Query, State},
    http::HeaderMap,
};
use ledger::{Amount, Finish, Key, Record, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::sync::Arc;

use super::answer::reason;
use crate::{
    error::Problem,
    gateway::{Buyer, now},
    limits::DAY_MS,
    money::{KeyId, Purse},
    receipts::order_of,
    records::{self, Found, Ordered, State as Ended},
    routes::api_key,
};

/// The body of every answer here.
#[derive(Serialize)]
pub struct Data<T> {
    data: T,
}

#[derive(Serialize)]
pub struct Credits {
    /// The budget.
    total_credits: Box<RawValue>,
    /// What of it was spent.
    total_usage: Box<RawValue>,
}

#[derive(Serialize)]
pub struct KeyInfo {
    /// The key's name.
    label: String,
    /// The budget.
    limit: Box<RawValue>,
    /// What of it is neither spent nor reserved for answers that run.
    limit_remaining: Box<RawValue>,
    /// Always null: a budget does not come back by itself.
    limit_reset: Option<String>,
    /// What was spent.
    usage: Box<RawValue>,
    /// What of that was today, since Monday, and since the first of the month (UTC).
    usage_daily: Box<RawValue>,
    usage_weekly: Box<RawValue>,
    usage_monthly: Box<RawValue>,
    /// What was for files; OpenRouter has none.
    usage_files: Box<RawValue>,
    is_free_tier: bool,
    /// As RFC 3339.
    expires_at: Option<String>,
    #[serde(flatten)]
    openrouters: Value,
}

/// What OpenRouter's clients want told of a key and nothing here stands for: keys of others, ranks, free models.
fn of_keys_there() -> Value {
    json!({
        "rate_limit": { "requests": -1, "interval": "1d", "note": "there is none; the budget is the limit" },
        "byok_usage": 0, "byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0,
        "include_byok_in_limit": false, "is_management_key": false, "is_provisioning_key": false,
        "creator_user_id": null, "organization_id": null, "workspace_id": null,
        "budgets": [], "effective_budget": null, "allowed_data_regions": ["global"],
        "free_model_daily_requests": { "limit": 0, "used": 0, "remaining": 0 },
    })
}

fn purse(buyer: &Buyer, key: KeyId) -> Purse {
    buyer.money.lock().keys.get(&key).copied().unwrap_or_default()
}

pub async fn credits(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<Data<Credits>>, Problem> {
    let purse = purse(&buyer, api_key(&buyer, &headers)?);
    Ok(Json(Data { data: Credits { total_credits: cost(purse.total), total_usage: cost(purse.spent) } }))
}

pub async fn key(State(buyer): State<Arc<Buyer>>, headers: HeaderMap) -> Result<Json<Data<KeyInfo>>, Problem> {
    let key = api_key(&buyer, &headers)?;
    let (purse, (label, expires)) = (purse(&buyer, key), buyer.keys.of_id(key).unwrap_or_default());
    let begins = begins(now());
    let days = records::spent_since(&buyer.books, key, begins.into_iter().min().unwrap_or_default())?;
    let [daily, weekly, monthly] =
        begins.map(|first| cost(days.iter().filter(|(day, _)| *day >= first).map(|(_, amount)| *amount).sum()));
    let data = KeyInfo {
        label,
        limit: cost(purse.total),
        limit_remaining: cost(purse.free()),
        limit_reset: None,
        usage: cost(purse.spent),
        usage_daily: daily,
        usage_weekly: weekly,
        usage_monthly: monthly,
        usage_files: cost(purse.files),
        is_free_tier: false,
        expires_at: expires.map(rfc3339),
        openrouters: of_keys_there(),
    };
    Ok(Json(Data { data }))
}

/// The days, counted from 1970, on which the day, the week and the month of a time began.
fn begins(time: u64) -> [u64; 3] {
    let day = time / DAY_MS;
    // 1970 began on a Thursday.
    let (since_monday, of_month) = ((day + 3) % 7, date(time)[8..].parse::<u64>().unwrap_or(1));
    [day, day.saturating_sub(since_monday), day.saturating_sub(of_month.saturating_sub(1))]
}

/// The query of `GET /generation`.
#[derive(Deserialize)]
pub struct Asked {
    id: Option<String>,
}

/// An answer that the key paid for. Nothing of the conversation is known any more.
#[derive(Serialize)]
pub struct Generation {
    /// The receipt's id.
    id: String,
    /// The artifact that answered.
    model: String,
    provider_name: String,
    /// As RFC 3339.
    created_at: String,
    tokens_prompt: u64,
    tokens_completion: u64,
    native_tokens_prompt: u64,
    native_tokens_completion: u64,
    /// None while it runs, and where it failed.
    finish_reason: Option<&'static str>,
    native_finish_reason: Option<&'static str>,
    cancelled: bool,
    total_cost: Box<RawValue>,
    /// The same.
    usage: Box<RawValue>,
    upstream_inference_cost: Box<RawValue>,
    bill: Option<Bill>,
    #[serde(flatten)]
    openrouters: Value,
}

/// What OpenRouter's clients want told of an answer and nobody here knows, or nothing here stands for.
fn of_answers_there() -> Value {
    json!({
        "api_type": null, "app_id": null, "cache_discount": null, "data_region": "global", "external_user": null,
        "generation_time": null, "http_referer": null, "is_byok": false, "latency": null, "moderation_latency": null,
        "native_tokens_cached": null, "native_tokens_completion_images": null, "native_tokens_reasoning": null,
        "num_fetches": null, "num_input_audio_prompt": null, "num_media_completion": null, "num_media_prompt": null,
        "num_search_results": null, "origin": "", "preset_id": null, "provider_responses": null, "router": null,
        "service_tier": null, "streamed": null, "upstream_id": null, "user_agent": null, "web_search_engine": null,
        "workspace_id": null,
    })
}

pub async fn generation(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Query(Asked { id }): Query<Asked>,
) -> Result<Json<Data<Generation>>, Problem> {
    let key = api_key(&buyer, &headers)?;
    let id = id.ok_or_else(|| Problem::field("id", "which answer? add ?id= and the id of one"))?;
    let shown: String = id.chars().take(100).collect();
    // Whether somebody else's answer exists is not told.
    let unknown = || Problem::unknown("id", "receipt_not_found", format!("this API key paid for no answer {shown:?}"));
    let found = match order_of(&id) {
        Some(order) => records::order(&buyer.books, order)?,
        None => Found::Nothing,
    };
    match found {
        Found::Whole(ordered) if ordered.key == Some(key) => Ok(Json(Data { data: view(&buyer, &ordered).await? })),
        _ => Err(unknown()),
    }
}

async fn view(buyer: &Buyer, ordered: &Ordered) -> Result<Generation, Problem> {
    let order = &ordered.order.body;
    let receipt = ordered.receipt.as_ref().filter(|_| ordered.state == Ended::Paid).map(|receipt| &receipt.body);
    let usage = receipt.map_or(Usage::default(), |receipt| receipt.usage);
    let bill = match receipt {
        Some(_) => buyer.bill(&*buyer.catalog.price(order.offer).await?, order.id, usage),
        None => None,
    };
    let offer = match buyer.config.ledger.get(&Key::Offer(order.offer)).await? {
        Some(Record::Offer(offer)) => Some(offer),
        _ => None,
    };
    let shelf = buyer.catalog.shelf();
    let total = bill.as_ref().and_then(|bill| bill.pico.parse().ok()).map(Amount).unwrap_or_default();
    Ok(Generation {
        id: order.id.to_string(),
        model: offer.as_ref().map(|offer| shelf.names.artifact(offer.offer.artifact)).unwrap_or_default(),
        provider_name: offer.as_ref().map(|offer| shelf.names.account(offer.provider)).unwrap_or_default(),
        created_at: rfc3339(ordered.created),
        tokens_prompt: usage.input,
        tokens_completion: usage.output,
        native_tokens_prompt: usage.input,
        native_tokens_completion: usage.output,
        finish_reason: receipt.map(|receipt| reason(receipt.finish)),
        native_finish_reason: receipt.map(|receipt| reason(receipt.finish)),
        cancelled: receipt.is_some_and(|receipt| receipt.finish == Finish::Cancelled),
        total_cost: cost(total),
        usage: cost(total),
        upstream_inference_cost: CostDetails::of(bill.iter().map(|bill| (bill, usage))).upstream_inference_cost,
        bill,
        openrouters: of_answers_there(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_weeks_and_months_begin_at_midnight_of_utc() {
        // Thursday 1970-01-01; Sunday 2026-11-29, Monday 2026-11-30 and Tuesday 2026-12-01, days 20,786 to 20,788.
        for (day, expected) in [
            (0, [0, 0, 0]),
            (20_786, [20_786, 20_780, 20_758]),
            (20_787, [20_787, 20_787, 20_758]),
            (20_788, [20_788, 20_787, 20_788]),
        ] {
            assert_eq!(begins(day * DAY_MS), expected);
            assert_eq!(begins(day * DAY_MS + DAY_MS - 1), expected);
        }
    }
}
