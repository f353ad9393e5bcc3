//! The routes of [`api::exchange`] and [`api::offers`].

use api::{
    exchange::{AnswerRequest, FRAMES, Frame, OrderState, Receipts, RefusedCode, Vouched, VoucherUpdate},
    text::Encoded,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::JsonRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use futures::StreamExt as _;
use ledger::{ChannelId, OrderId};
use serde_json::Value;
use std::{
    str::FromStr,
    sync::{Arc, PoisonError, atomic::Ordering},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    answer,
    error::{Refusal, refused},
    owner,
    provider::Seller,
    records,
};

/// An order with a long conversation.
const BODY_MAX: usize = 20 << 20;
/// Receipts of one answer.
const RECEIPTS_MAX: u32 = 1_000;

pub fn router(seller: Arc<Seller>) -> Router {
    Router::new()
        .route("/exchange/answers", post(answers))
        .route("/exchange/answers/{order}/cancel", post(cancel))
        .route("/exchange/vouchers", post(vouchers))
        .route("/exchange/channels/{channel}/receipts", get(receipts))
        .route("/exchange/channels/{channel}/voucher", get(voucher))
        .route("/exchange/channels/{channel}/orders/{order}", get(order))
        .route("/offers", get(owner::list).post(owner::begin))
        .route("/offers/{id}", delete(owner::withdraw))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(seller)
}

/// Reads a body, or says in our own words why not.
fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    body.map(|Json(body)| body).map_err(|error| refused(RefusedCode::Malformed, error.body_text()).into())
}

fn parse<T: FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| refused(RefusedCode::Malformed, "the address names no channel or order").into())
}

async fn answers(
    State(seller): State<Arc<Seller>>,
    body: Result<Json<AnswerRequest>, JsonRejection>,
) -> Result<Response, Refusal> {
    let request = read(body)?;
    let frames = answer::answer(Arc::clone(&seller), request).await.inspect_err(|_| {
        seller.counts.refused.fetch_add(1, Ordering::Relaxed);
    })?;
    let lines = ReceiverStream::new(frames).map(|frame| line(&frame));
    Ok(([(header::CONTENT_TYPE, FRAMES)], Body::from_stream(lines)).into_response())
}

fn line(frame: &Frame) -> Result<bytes::Bytes, serde_json::Error> {
    let mut line = serde_json::to_vec(frame)?;
    line.push(b'\n');
    Ok(line.into())
}

/// Knowing the order's random id is the right to stop it.
async fn cancel(State(seller): State<Arc<Seller>>, Path(order): Path<String>) -> Result<StatusCode, Refusal> {
    let order: OrderId = parse(&order)?;
    if let Some(stop) = seller.running.lock().unwrap_or_else(PoisonError::into_inner).get(&order) {
        stop.notify_one();
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn vouchers(
    State(seller): State<Arc<Seller>>,
    body: Result<Json<VoucherUpdate>, JsonRejection>,
) -> Result<StatusCode, Refusal> {
    seller.accept_voucher(&read(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn receipts(
    State(seller): State<Arc<Seller>>,
    Path(channel): Path<String>,
    Query(query): Query<Value>,
) -> Result<Json<Receipts>, Refusal> {
    let channel: ChannelId = parse(&channel)?;
    let from = query["from"].as_str().map_or(Ok(1), parse::<u64>)?;
    let receipts = records::receipts(&seller.books, channel, from, RECEIPTS_MAX)?;
    Ok(Json(Receipts { receipts: receipts.into_iter().map(Encoded).collect() }))
}

async fn voucher(
    State(seller): State<Arc<Seller>>,
    Path(channel): Path<String>,
    Query(query): Query<Value>,
) -> Result<Json<Vouched>, Refusal> {
    let channel: ChannelId = parse(&channel)?;
    let from = query["from"].as_str().map_or(Ok(0), parse::<u64>)?;
    let voucher = records::channel(&seller.books, channel)?.and_then(|(_, voucher)| voucher).map(Encoded);
    let refusals = records::refusals(&seller.books, channel, from)?;
    Ok(Json(Vouched { voucher, refusals: refusals.into_iter().map(Encoded).collect() }))
}

async fn order(
    State(seller): State<Arc<Seller>>,
    Path((channel, order)): Path<(String, String)>,
) -> Result<Json<OrderState>, Refusal> {
    let (channel, order): (ChannelId, OrderId) = (parse(&channel)?, parse(&order)?);
    let running = seller.running.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&order);
    let state = match records::order(&seller.books, channel, order)? {
        Some(Some(receipt)) => OrderState::Answered { receipt: Encoded(receipt) },
        _ if running => OrderState::Running,
        Some(None) => OrderState::Failed,
        None => OrderState::Unknown,
    };
    Ok(Json(state))
}
