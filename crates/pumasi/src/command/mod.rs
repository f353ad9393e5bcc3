//! One file per command.

pub mod audit;
pub mod bill;
pub mod chat;
pub mod completions;
pub mod import;
pub mod key;
pub mod ls;
pub mod offer;
pub mod open;
pub mod prove;
pub mod ps;
pub mod publish;
pub mod pull;
pub mod retire;
pub mod rm;
pub mod show;
pub mod sign;
pub mod status;
pub mod tag;
pub mod up;
pub mod verify;
pub mod wallet;
pub mod withdraw;
pub mod worker;
