//! What can go wrong here, and how the wire says it.

use api::{
    exchange::{Refused, RefusedCode},
    openai::{ErrorBody, ErrorDetail},
    owner::OWNER_ONLY,
};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// Why the provider could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The books failed.
    #[error(transparent)]
    Books(#[from] books::Error),
    /// The ledger refused or is away.
    #[error(transparent)]
    Ledger(#[from] api::LedgerError),
    /// The wallet could not act.
    #[error(transparent)]
    Wallet(#[from] wallet::Error),
    /// A file is missing or bad.
    #[error(transparent)]
    Blobs(#[from] blobs::Error),
    /// A model does not run.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The artifact has nothing that can be run here.
    #[error("{0}")]
    NotRunnable(String),
    /// What stands in the books cannot be read.
    #[error("the provider's books hold something that cannot be: {0}")]
    Damaged(&'static str),
}

impl Error {
    /// The ledger's refusal, if it was one.
    pub const fn reject(&self) -> Option<ledger::Reject> {
        match self {
            Self::Wallet(error) => error.reject(),
            Self::Ledger(api::LedgerError::Rejected { reject, .. }) => Some(*reject),
            _ => None,
        }
    }
}

/// A refusal with a sentence.
pub fn refused(code: RefusedCode, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into(), input: None, field: None }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "an order or voucher failed");
        refused(RefusedCode::Failed, "the provider failed; try another one, or again later")
    }
}

impl From<books::Error> for Refusal {
    fn from(error: books::Error) -> Self {
        Self(Error::from(error).into())
    }
}

/// A refusal as an HTTP answer.
pub struct Refusal(pub Refused);

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self(refused)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}

/// A problem as the owner sees it: OpenAI's error body, as everywhere but between gateways and providers.
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Somebody else than the owner asks.
    pub fn stranger() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", OWNER_ONLY)
    }

    /// The body cannot be read.
    pub fn body(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", message)
    }

    /// It does not go together with something that goes on.
    pub fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// There is no such thing.
    pub fn unknown(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "offer_not_found", message)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match &error {
            Error::NotRunnable(_) | Error::Blobs(_) | Error::Engine(_) => {
                Self::new(StatusCode::BAD_REQUEST, "not_runnable", message)
            }
            Error::Ledger(api::LedgerError::Unknown(..)) => {
                Self::new(StatusCode::NOT_FOUND, "artifact_not_found", message)
            }
            _ => match error.reject() {
                Some(reject) => {
                    Self::new(StatusCode::CONFLICT, "ledger_refused", format!("the ledger refused: {reject}"))
                }
                None => {
                    tracing::error!(%error, "an owner's request failed");
                    Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
                }
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = if self.status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let code = Some(self.code.to_owned());
        let error = ErrorDetail { message: self.message, kind: kind.into(), param: None, code };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}
