//! The seller's door: checks an order, has it answered by a model, signs the receipt, collects vouchers, settles.
//!
//! - [`Provider`]: what `pumasi` starts, and the routes of [`api::exchange`].
//! - [`Backend`]: what answers: a worker on this machine, or an OpenAI-compatible server that already runs.
//! - `credit`: who owes how much; the one place where an order is taken or refused for money.
//! - `offers`: what is offered here, kept in the books: tried once, offered, answered, withdrawn.
//! - `answer`: one order from its checks to its receipt.
//! - `vouchers`, `settle`: being paid.

mod answer;
mod backend;
mod channel;
mod credit;
mod error;
mod offers;
mod owner;
mod provider;
mod records;
mod routes;
mod settle;
mod vouchers;

pub use backend::{Backend, Upstream};
pub use error::Error;
pub use offers::{Plan, Ready, Seen};
pub use provider::{Config, Provider};
