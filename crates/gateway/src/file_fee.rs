//! What a gateway may ask for its own traffic: a fee for each byte of a weight file that it serves, by whatever address. It is
//! charged to the API key in the gateway's books, like the gateway's fee for an answer, and is not money on the ledger.
//!
//! Only weight files, as the ledger lists them: cards, code, data and manifests are free, so that anybody sees what a work is
//! made of and how open it is. The owner pays nothing, and neither does whoever only asks how long a file is.

use api::owner::{bearer, is_owner};
use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blobs::http::Served;
use ledger::{Amount, Digest};
use std::{
    io,
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::{
    error::{Error, Problem},
    gateway::Buyer,
    money::{KeyId, Reservation},
    records,
};

/// Bytes of a gigabyte, by which the fee is told.
const GB: u64 = 1_000_000_000;
/// What all of the bytes of an answer cost.
const COST: HeaderName = HeaderName::from_static("x-pumasi-cost");
/// Clients of registries send what they have only where they are asked for it.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"pumasi: an API key as the password\"");
/// Whoever did not pay must not get what somebody else paid for out of a cache on the way.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Put beside a request that pays nothing.
#[derive(Debug, Clone, Copy)]
pub struct Spared;

/// What so many bytes of weights cost.
fn cost(rate: u64, bytes: u64) -> Amount {
    // Two numbers of 64 bits have a product of 128.
    Amount(u128::from(rate) * u128::from(bytes))
}

/// Asks the fee for what a request is answered with, if it is a weight file.
pub async fn charged(State(buyer): State<Arc<Buyer>>, request: Request, next: Next) -> Response {
    let rate = buyer.config.file_fee;
    if rate == 0 {
        return next.run(request).await;
    }
    let (asks_only, registry) = (request.method() == Method::HEAD, request.uri().path().starts_with("/v2/"));
    let pays = match request.extensions().get::<Spared>() {
        Some(Spared) => Pays::Nothing,
        None => Pays::of(&buyer, request.headers()),
    };
    let mut answer = next.run(request).await;
    if registry && answer.status() == StatusCode::OK {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
    let Some((file, bytes)) = sent(&answer) else { return answer };
    let index = buyer.library.fresh().await.unwrap_or_else(|_| buyer.library.index());
    let Some(name) = index.weights_of(file) else { return answer };
    let cost = cost(rate, bytes);
    answer.headers_mut().insert(header::CACHE_CONTROL, PRIVATE);
    answer.headers_mut().extend(HeaderValue::from_str(&cost.to_string()).map(|cost| (COST, cost)));
    if asks_only || pays == Pays::Nothing {
        return answer;
    }
    let priced = format!(
        "these {bytes} bytes of {name} cost {cost} credits: {} for a GB of weights is what this gateway asks for serving them",
        self::cost(rate, GB)
    );
    let reserved = match pays {
        Pays::Key(key) => buyer
            .money
            .reserve_for_file(key, cost)
            .map(|held| (key, held))
            .map_err(|free| too_little(&buyer, &priced, key, free)),
        _ => Err(without_key(&priced, name, pays)),
    };
    let (key, held) = match reserved {
        Ok(reserved) => reserved,
        Err(problem) => {
            buyer.counts.without_money.fetch_add(1, Ordering::Relaxed);
            return refused(problem, registry && !matches!(pays, Pays::Key(_)));
        }
    };
    let (out, taken) = mpsc::channel(1);
    let (head, body) = answer.into_parts();
    let delivery = Delivery { buyer, key, rate, bytes, held };
    tokio::spawn(delivery.send(body.into_data_stream(), out));
    Response::from_parts(head, Body::from_stream(ReceiverStream::new(taken)))
}

/// Which file an answer carries, and how much of it.
fn sent(answer: &Response) -> Option<(Digest, u64)> {
    let Served(file) = *answer.extensions().get().filter(|_| answer.status().is_success())?;
    let bytes = answer.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (bytes > 0).then_some((file, bytes))
}

/// Who pays for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pays {
    /// The owner does not.
    Nothing,
    Key(KeyId),
    /// What was sent is no API key that may be used here.
    Unknown,
    Nobody,
}

impl Pays {
    fn of(buyer: &Buyer, headers: &HeaderMap) -> Self {
        if is_owner(headers, &buyer.config.owner_token) {
            return Self::Nothing;
        }
        let password = password(headers);
        match password.as_deref().or_else(|| bearer(headers)) {
            Some(secret) => buyer.keys.check(secret).map_or(Self::Unknown, Self::Key),
            None => Self::Nobody,
        }
    }
}

/// The password of `Authorization: Basic`, under any name.
fn password(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(sent.strip_prefix("Basic ")?.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned()).filter(|password| !password.is_empty())
}

/// The key has too little.
fn too_little(buyer: &Buyer, priced: &str, key: KeyId, free: Amount) -> Problem {
    let how = buyer.top_ups(key);
    Problem::money(format!("{priced}, and the API key has {free} free now; top it up: {how}"))
}

/// Nobody pays who could.
fn without_key(priced: &str, name: &str, pays: Pays) -> Problem {
    let lacks = match pays {
        Pays::Unknown => "what was sent is no API key that may be used here",
        _ => "no API key was sent",
    };
    Problem::money(format!(
        "{priced}, and {lacks}; get one from its owner (pumasi key new) and send it (HF_TOKEN), or look whether another node \
         has them for nothing: pumasi pull {name}"
    ))
}

/// A registry's client sends a key once it is asked for one, and no earlier.
fn refused(mut problem: Problem, challenge: bool) -> Response {
    if !challenge {
        return problem.into_response();
    }
    (problem.status, problem.detail.code) = (StatusCode::UNAUTHORIZED, Some("unauthorized".to_owned()));
    ([(header::WWW_AUTHENTICATE, CHALLENGE)], problem).into_response()
}

/// A file on its way to whoever pays for it.
struct Delivery {
    buyer: Arc<Buyer>,
    key: KeyId,
    rate: u64,
    bytes: u64,
    held: Reservation,
}

impl Delivery {
    /// Sends a body, and charges for what of it was taken. All of it is charged before its last piece goes out, so that
    /// whoever has the file sees what it cost.
    async fn send(self, mut body: BodyDataStream, out: mpsc::Sender<io::Result<Bytes>>) {
        let mut taken = 0u64;
        while let Some(piece) = body.next().await {
            let Ok(room) = out.reserve().await else { break };
            let Ok(piece) = piece.map_err(io::Error::other).inspect_err(|error| {
                tracing::error!(%error, "a file could not be read to its end");
            }) else {
                break;
            };
            taken = taken.saturating_add(piece.len() as u64);
            if taken >= self.bytes {
                let charged = self.charge(taken).await.map_err(io::Error::other);
                return room.send(charged.map(|()| piece));
            }
            room.send(Ok(piece));
        }
        drop(self.charge(taken).await);
        // The connection must not end as if this were all.
        drop(out.send(Err(io::ErrorKind::UnexpectedEof.into())).await);
    }

    /// What was set aside and is not charged is free again.
    async fn charge(self, bytes: u64) -> Result<(), Error> {
        let (key, cost) = (self.key, cost(self.rate, bytes.min(self.bytes)));
        let written = self.buyer.books.write(move |books| records::charge_for_file(books, key, cost)).await;
        written.inspect_err(|error| tracing::error!(%error, "a file that was sent could not be charged"))?;
        self.buyer.money.lock().spend_for_file(key, cost);
        drop(self.held);
        Ok(())
    }
}
