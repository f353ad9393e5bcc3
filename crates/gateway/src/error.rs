//! What can go wrong here, and how clients are told: OpenAI's error body with all four keys, unless `dialects` gives it another
//! form.

use api::openai::{ErrorBody, ErrorDetail};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// Why the gateway could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The books failed.
    #[error(transparent)]
    Books(#[from] books::Error),
    /// The ledger refused or is away.
    #[error(transparent)]
    Ledger(#[from] api::LedgerError),
    /// The store of artifacts failed.
    #[error(transparent)]
    Store(#[from] blobs::Error),
    /// The wallet could not act.
    #[error(transparent)]
    Wallet(#[from] wallet::Error),
    /// What stands in the books cannot be read.
    #[error("the gateway's books hold something that cannot be: {0}")]
    Damaged(&'static str),
    /// The channel is in doubt after a restore.
    #[error("the channel is compared with its provider after a restore")]
    Doubted,
    /// The owner's limit on top-ups is reached.
    #[error(
        "the daily limit for deposits is reached: {used} credits went into channels in the last 24 hours, and {limit} may; \
         raise it with: pumasi wallet limit --per-day CREDITS"
    )]
    TopUpLimit {
        /// What was deposited in the last 24 hours.
        used: ledger::Amount,
        /// What may be.
        limit: ledger::Amount,
    },
}

/// Bytes of a sentence.
const SENTENCE_MAX: usize = 4_096;

/// A problem as a client sees it.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: ErrorDetail,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, code: &str, message: impl Into<String>) -> Self {
        let code = (!code.is_empty()).then(|| code.to_owned());
        Self { status, detail: ErrorDetail { message: short(message.into()), kind: kind.into(), param: None, code } }
    }

    /// A field is at fault.
    pub fn field(param: &str, message: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "invalid_value", message);
        problem.detail.param = Some(param.to_owned());
        problem
    }

    /// The same, where a dialect has other names for fields, or for the last parts of their names: the first that fits counts.
    pub fn renamed(mut self, names: &[(&str, &str)]) -> Self {
        if let Some(param) = &mut self.detail.param
            && let Some((begin, name)) = names.iter().find_map(|(own, name)| Some((param.strip_suffix(own)?, name)))
        {
            *param = format!("{begin}{name}");
        }
        self
    }

    /// The body cannot be read.
    pub fn body(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "invalid_request_error", "invalid_body", message)
    }

    /// Who asks is not known.
    pub fn key(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", "invalid_api_key", message)
    }

    /// There is no such thing.
    pub fn unknown(param: &str, code: &str, message: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", code, message);
        problem.detail.param = Some(param.to_owned());
        problem
    }

    /// There is not enough money. Clients do not try this again by themselves.
    pub fn money(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "insufficient_quota", "insufficient_quota", message)
    }

    /// The conversation does not fit.
    pub fn too_long(param: &str, message: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", "context_length_exceeded", message);
        problem.detail.param = Some(param.to_owned());
        problem
    }

    /// It does not go with what stands already.
    pub fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "invalid_request_error", code, message)
    }

    /// It is not to be had so.
    pub fn refused(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::new(status, "invalid_request_error", code, message)
    }

    /// The fault is here.
    pub fn internal() -> Self {
        let message = "the gateway failed; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal", message)
    }

    /// Nobody can answer now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "unavailable", message)
    }

    /// A provider failed.
    pub fn upstream(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "server_error", "provider_failed", message)
    }

    pub fn body_json(&self) -> ErrorBody {
        ErrorBody { error: self.detail.clone() }
    }
}

/// A sentence without its middle, if it is too long: it may repeat megabytes of what was sent, and stands in a header, too.
fn short(sentence: String) -> String {
    if sentence.len() <= SENTENCE_MAX {
        return sentence;
    }
    let end = sentence.floor_char_boundary(SENTENCE_MAX / 2);
    let begin = sentence.ceil_char_boundary(sentence.len() - SENTENCE_MAX / 2);
    format!("{} … {}", &sentence[..end], &sentence[begin..])
}

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        let error = error.into();
        tracing::error!(%error, "a request failed");
        match error {
            Error::TopUpLimit { used, limit } => Self::money(format!(
                "the gateway's owner allows deposits of {limit} credits in 24 hours, and {used} are made; wait, or ask the \
                 owner to raise the limit (pumasi wallet limit --per-day CREDITS)"
            )),
            Error::Doubted => Self::unavailable(
                "the gateway was restored from a backup and compares its books with the provider's; try again in a moment",
            ),
            Error::Wallet(wallet) if wallet.reject() == Some(ledger::Reject::BalanceTooLow) => Self::money(
                "the owner of this gateway has too few credits on the ledger for this; the owner can top up the account",
            ),
            Error::Wallet(wallet) if wallet.reject().is_some() => {
                let message = wallet.reject().map(|reject| format!("the ledger refused: {reject}")).unwrap_or_default();
                Self::new(StatusCode::CONFLICT, "invalid_request_error", "ledger_refused", message)
            }
            Error::Ledger(api::LedgerError::Distrusted(why))
            | Error::Wallet(wallet::Error::Ledger(api::LedgerError::Distrusted(why))) => Self::unavailable(why),
            Error::Ledger(api::LedgerError::Unreachable { .. }) | Error::Wallet(_) => {
                Self::unavailable("the ledger does not answer; try again in a moment")
            }
            Error::Store(error @ (blobs::Error::Missing(_) | blobs::Error::Damaged(_))) => {
                Self::conflict("blob_missing", error.to_string())
            }
            _ => Self::internal(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body_json())).into_response();
        // Kept beside the body, so that a dialect can say it in its own words.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_repeats_what_was_sent_stays_short_and_says_what_to_do() {
        let sent = "품앗이 ".repeat(1_000_000);
        let sentence = Problem::body(StatusCode::BAD_REQUEST, format!("no {sent}; do this")).detail.message;
        assert!(sentence.len() < SENTENCE_MAX + 10, "{}", sentence.len());
        assert!(sentence.starts_with("no 품앗이") && sentence.ends_with("; do this"), "{sentence}");
        assert_eq!(Problem::key("as it is").detail.message, "as it is");
    }
}
