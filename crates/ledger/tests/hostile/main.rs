//! What strangers may send: operations with a field wrong, and bytes of chance.

#[path = "../cast/mod.rs"]
mod cast;
#[path = "../corpus/mod.rs"]
mod corpus;
#[path = "../every/mod.rs"]
mod every;
mod fields;
mod fuzz;
mod shop;
mod target;
