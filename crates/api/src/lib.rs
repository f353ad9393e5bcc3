//! The wire: every message between Pumasi's parts and to its clients, one definition each, and the [`Ledger`] trait.
//!
//! - [`Ledger`]: what the doors know of the ledger, in process or over HTTP ([`HttpLedger`]).
//! - [`Link`]: where something is reached and by which key it is known; TLS between machines.
//! - [`exchange`]: between a gateway and a provider.
//! - [`openai`]: between a client and a gateway, and what every other dialect is translated to: [`completions`], [`responses`],
//!   [`anthropic`], [`ollama`]; [`routing`]: which providers the client wants; [`openrouter`]: what else is told of models.
//! - [`offers`]: between an owner and his provider; [`owner`]: whether it is the owner who asks.
//! - [`hub`]: between the Hugging Face Hub's clients and a gateway.
//! - [`income`]: transfers received, and earnings.
//! - [`log`]: the public log's entries and signed heads; [`proof`]: what one of them proves, in a file that stands alone.
//! - [`registry`]: an OCI registry to pull artifacts from.
//! - [`view`]: JSON that people and pages read.
//! - [`witness`]: cosignatures under a head, and how a log asks for one.

pub mod anthropic;
pub mod completions;
pub mod embeddings;
pub mod exchange;
pub mod held;
mod http_ledger;
pub mod hub;
pub mod income;
mod ledger_trait;
pub mod link;
pub mod log;
pub mod offers;
pub mod ollama;
pub mod openai;
pub mod openrouter;
pub mod owner;
pub mod proof;
pub mod registry;
pub mod responses;
pub mod routing;
pub mod text;
pub mod view;
pub mod witness;

pub use http_ledger::{HttpLedger, SubmitAnswer};
pub use ledger_trait::{Applied, Ledger, LedgerError, List, Settled};
pub use link::Link;
