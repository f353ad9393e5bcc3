//! The buyer's door: takes a client's request, chooses an offer, reserves, orders, reads the answer, pays.
//!
//! - [`Gateway`]: what `pumasi` starts, with its routes.
//! - [`artifacts`]: publish, tag, retire, look for, show.
//! - [`dialects`]: what clients speak (OpenAI's, Anthropic's and Ollama's APIs), each translated to one inner request.
//! - [`hub`]: the Hugging Face Hub's API, over the same artifacts.
//! - `choice`: which of several offers; `speed`: how fast each was here.
//! - `ask`: from a request to a running answer; `frames`, `read`: from frames to a paid receipt. `count`: its tokens alone.
//! - `money`: budgets of API keys and deposits of channels, reserved under one lock.
//! - `cashier`: one task per channel that pays receipts in order and signs vouchers.
//! - `limits`: how much is deposited without asking the owner; `received`: transfers that raise an API key's budget.
//! - `registry`: artifacts as an OCI registry to pull from. `file_fee`: what the gateway may ask for serving files.
//! - [`page`]: the web page, and plain HTML of what is public.
//! - `forget`: what leaves the books after its settlement.
//! - `recover`: what a crash or a broken connection left open; `doubt`: what a restored backup may not know.

pub mod artifacts;
mod ask;
mod calls;
mod cashier;
mod catalog;
mod channels;
mod choice;
mod count;
pub mod dialects;
mod doubt;
mod error;
mod file_fee;
mod forget;
mod frames;
mod gateway;
pub mod hub;
mod keys;
mod limits;
mod money;
mod names;
mod owner;
pub mod page;
mod read;
mod receipts;
mod received;
mod records;
mod recover;
mod registry;
mod routes;
mod speed;

pub use error::Error;
pub use file_fee::Spared;
pub use gateway::{Config, Gateway};
pub use keys::reference_of;
