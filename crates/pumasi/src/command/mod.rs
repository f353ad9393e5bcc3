//! One file per command.

pub mod audit;
pub mod bill;
pub mod chat;
pub mod completions;
pub mod import;
pub mod key;
pub mod offer;
pub mod ps;
pub mod publish;
pub mod status;
pub mod up;
pub mod wallet;
pub mod withdraw;
pub mod worker;
