//! One file per command.

pub mod audit;
pub mod bill;
pub mod chat;
pub mod completions;
pub mod import;
pub mod key;
pub mod publish;
pub mod status;
pub mod up;
pub mod wallet;
pub mod worker;
