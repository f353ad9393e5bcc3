//! The whole system as its users meet it: the real binary, a data folder of its own, the command line and HTTP.

mod audit;
mod bill;
mod chat;
mod crash;
mod dialects;
mod guide;
mod harness;
mod help;
mod hub;
mod import;
mod join;
mod keeping;
mod kills;
mod models;
mod offers;
mod page;
mod proofs;
mod publish;
mod pull;
mod routes;
mod servers;
mod signing;
mod start;
mod stranger;
mod wallet;
