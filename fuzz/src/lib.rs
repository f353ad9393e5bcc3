//! The targets of the ledger's own tests, where fuzzers reach them too.

#[path = "../../crates/ledger/tests/cast/mod.rs"]
pub mod cast;
#[path = "../../crates/ledger/tests/hostile/shop.rs"]
pub mod shop;
#[path = "../../crates/ledger/tests/stage/mod.rs"]
pub mod stage;
#[path = "../../crates/ledger/tests/hostile/target.rs"]
pub mod target;
