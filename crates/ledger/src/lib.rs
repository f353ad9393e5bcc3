//! The rules of Pumasi: accounts, artifacts, royalties, offers, channels, orders, receipts, vouchers.
//!
//! Everything here is exact and pure. This crate sees no clock, socket, thread, float or hash map; time is handed in.
//! [`State::apply`] is the only way anything changes: it takes one [`Verified`] operation and either applies it whole
//! or refuses it with a numbered [`Reject`]. [`Operation`] is the closed list of what can be asked, [`Reject`] the
//! closed list of why not; together they are the product in two files. `docs/ledger.md` says the same in prose and
//! bytes, so that an auditor can be written from it alone.

#![no_std]
#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::too_many_arguments
)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects))]

extern crate alloc;

mod account;
mod amount;
mod artifact;
mod channel;
mod genesis;
mod id;
pub mod log_tree;
mod offer;
mod operation;
mod order;
mod payout;
mod record;
mod reject;
mod signature;
mod signed;
mod state;
pub mod state_tree;
mod table;
mod voucher;

pub use amount::{Amount, Rates, Usage};
pub use channel::{Charge, Settlement};
pub use genesis::{Deposits, Fees, Genesis, Limits};
pub use id::{AccountId, ArtifactId, ChannelId, Digest, OfferId, OrderId, ParseError, PublicKey, Signature, Time};
pub use offer::{Bill, BillLine, Payee as BillPayee, Price, PriceLine};
pub use operation::{Bound, Kind, Offer, Operation, Payee, Publish, Register, Request};
pub use order::{Finish, Head, Order, Receipt, Refusal, RefusalReason, salted};
pub use record::{Account, Artifact, Channel, Key, OfferRecord, Pot, Record, Totals, Weight};
pub use reject::Reject;
pub use signature::verify_signature;
pub use signed::{KeyProof, Keypair, OPERATION_BYTES_MAX, Signable, Signed, Verified};
pub use state::{Effect, Outcome, State};
pub use voucher::{Line, Tally, Voucher};

/// Encodes a value canonically: one byte string per value (Borsh, see `docs/ledger.md`).
pub fn encode<T: borsh::BorshSerialize + ?Sized>(value: &T) -> alloc::vec::Vec<u8> {
    let mut bytes = alloc::vec::Vec::new();
    encode_to(value, &mut bytes);
    bytes
}

/// Appends the canonical encoding of a value.
pub fn encode_to<T: borsh::BorshSerialize + ?Sized>(value: &T, to: &mut alloc::vec::Vec<u8>) {
    // Writing to memory fails for collections longer than u32::MAX only, and our limits are far below.
    let written = value.serialize(to);
    debug_assert!(written.is_ok(), "a collection longer than any limit");
}

/// Decodes exactly one value; trailing or malformed bytes are refused.
///
/// # Errors
/// [`Reject::Malformed`] if the bytes are not the canonical encoding of a `T`.
pub fn decode<T: borsh::BorshDeserialize>(bytes: &[u8]) -> Result<T, Reject> {
    borsh::from_slice(bytes).map_err(|_| Reject::Malformed)
}
