//! What a replica serves: the ledger's machine interface, the same as JSON for people, and the public log.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /ledger` | network, totals, replicas, head |
//! | `GET /ledger/accounts/{id or name}` | an account |
//! | `GET /ledger/accounts/{id or name}/earnings?days=` | what an account earned lately |
//! | `GET /ledger/artifacts` | all artifacts, newest first |
//! | `GET /ledger/artifacts/{digest}`, `…/{publisher}/{name:tag}` | an artifact with its pot and its last days |
//! | `GET /ledger/offers?artifact=&provider=&withdrawn=` | offers |
//! | `GET /ledger/channels/{id}` | a channel |
//! | `GET /ledger/operations?account=&artifact=&channel=&before=&limit=` | operations, newest first |
//! | `GET /ledger/operations/{entry}` | an operation |
//! | `GET /ledger/proof/entry/{entry}`, `…/state/{hex of a key}` | a proof that stands alone (`api::proof`) |
//! | `GET /log/checkpoint`, `/log/tile/{L}/{N}`, `/log/tile/entries/{N}` | the log as C2SP tlog-tiles |
//!
//! What `api::HttpLedger` asks is listed there. Amounts are text of pico-credits, times milliseconds since 1970.

mod browse;
mod error;
mod log;
mod operation;
mod operations;
mod proof;
mod view;
mod wire;

use axum::{Router, routing::get};

use crate::Replica;

impl Replica {
    /// The routes `/ledger` and `/log`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/ledger", get(browse::ledger))
            .route("/ledger/accounts/{account}", get(browse::account))
            .route("/ledger/accounts/{account}/earnings", get(browse::earnings))
            .route("/ledger/artifacts", get(browse::artifacts))
            .route("/ledger/artifacts/{artifact}", get(browse::artifact))
            .route("/ledger/artifacts/{publisher}/{tag}", get(browse::tagged))
            .route("/ledger/offers", get(browse::offers))
            .route("/ledger/channels/{channel}", get(browse::channel))
            .route("/ledger/operations", get(operations::list).post(wire::submit))
            .route("/ledger/operations/{entry}", get(operations::one))
            .route("/ledger/genesis", get(wire::genesis))
            .route("/ledger/state/{key}", get(wire::state))
            .route("/ledger/list/{list}", get(wire::list))
            .route("/ledger/settled/{channel}/{number}", get(wire::settled))
            .route("/ledger/received/{account}/{entry}", get(wire::received))
            .route("/ledger/earnings/{account}/{days}", get(wire::earnings))
            .route("/ledger/proof/state/{key}", get(proof::state))
            .route("/ledger/proof/entry/{entry}", get(proof::entry))
            .route("/ledger/used", get(wire::used))
            .route("/log/checkpoint", get(log::checkpoint))
            .route("/log/tile/{*path}", get(log::tile))
            .with_state(self.clone())
    }
}
