//! The whole system as its users meet it: the real binary, a data folder of its own, the command line and HTTP.

mod audit;
mod bill;
mod chat;
mod crash;
mod harness;
mod help;
mod models;
mod routes;
mod signing;
mod start;
