//! What can go wrong here, and how the wire says it.

use api::exchange::{Refused, RefusedCode};
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

/// A refusal with a sentence.
pub fn refused(code: RefusedCode, message: impl Into<String>) -> Refused {
    Refused { code, message: message.into(), input: None }
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
