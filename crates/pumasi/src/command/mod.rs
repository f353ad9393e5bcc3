//! One file per command.

pub mod audit;
pub mod bill;
pub mod chat;
pub mod completions;
pub mod key;
pub mod publish;
pub mod sign;
pub mod status;
pub mod up;
pub mod verify;
pub mod wallet;
pub mod worker;
