//! Order and durability: journal, snapshot, public log, audit.
//!
//! [`Replica`] is the ledger in this process. It orders operations, stamps the time, makes them durable in groups and
//! answers only then; `docs/journal.md` says how, and what a crash at any point leaves. It serves `/ledger` and `/log`
//! ([`Replica::router`]). [`audit::audit`] replays a log from its entries alone. [`watch::Watched`] is a ledger elsewhere whose
//! heads are remembered and compared.

pub mod audit;
mod checker;
mod commit;
mod cosigned;
mod decide;
mod disk;
mod elsewhere;
mod entries;
mod error;
mod group;
mod head;
mod http;
mod income;
mod index;
mod journal;
mod keeper;
mod list;
mod lock;
mod open;
mod proof;
mod recovery;
mod replay;
mod replica;
mod shape;
mod snapshot;
mod tell;
mod tile;
mod verify;
mod view;
pub mod watch;
mod writer;

pub use audit::audit;
pub use error::Error;
pub use open::{Config, network};
pub use replica::Replica;

#[cfg(any(test, feature = "fuzz"))]
pub mod target;
#[cfg(test)]
mod tests;
