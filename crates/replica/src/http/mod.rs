//! What a replica serves: the ledger's machine interface, the same as JSON for people, and the public log.

mod error;
mod log;
mod wire;

use axum::{
    Router,
    routing::{get, post},
};

use crate::Replica;

impl Replica {
    /// The routes `/ledger` and `/log`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/ledger/genesis", get(wire::genesis))
            .route("/ledger/operations", post(wire::submit))
            .route("/ledger/state/{key}", get(wire::state))
            .route("/ledger/list/{list}", get(wire::list))
            .route("/ledger/settled/{channel}/{number}", get(wire::settled))
            .route("/log/checkpoint", get(log::checkpoint))
            .route("/log/tile/{*path}", get(log::tile))
            .with_state(self.clone())
    }
}
