//! The one place that turns what went wrong into HTTP: a status, and `{"error": {message, type, param, code}}`.

use api::{
    LedgerError,
    openai::{ErrorBody, ErrorDetail},
};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// A request that cannot be answered as asked.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    kind: &'static str,
    param: Option<&'static str>,
    /// The number of the ledger's refusal.
    code: Option<u16>,
    message: String,
}

impl Failure {
    /// A parameter that cannot be read.
    pub(super) fn bad(param: &'static str, message: &(impl ToString + ?Sized)) -> Self {
        let (status, kind) = (StatusCode::BAD_REQUEST, "invalid_request_error");
        Self { status, kind, param: Some(param), code: None, message: message.to_string() }
    }

    /// Something that is not there.
    pub(super) fn missing(message: &(impl ToString + ?Sized)) -> Self {
        let (status, kind) = (StatusCode::NOT_FOUND, "not_found_error");
        Self { status, kind, param: None, code: None, message: message.to_string() }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let (status, kind, code) = match &error {
            LedgerError::Rejected { reject, .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "ledger_refusal", Some(reject.number()))
            }
            LedgerError::Unknown(..) => (StatusCode::NOT_FOUND, "not_found_error", None),
            LedgerError::Unreachable { .. } | LedgerError::Distrusted(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable_error", None)
            }
            LedgerError::Nonsense(_) => (StatusCode::BAD_GATEWAY, "server_error", None),
        };
        Self { status, kind, param: None, code, message: error.to_string() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = ErrorDetail {
            message: self.message,
            kind: self.kind.to_owned(),
            param: self.param.map(str::to_owned),
            code: self.code.map(|number| number.to_string()),
        };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}
