//! Runs models: one worker process per model over llama.cpp, because a bad file can abort or own the process that reads
//! it, and that must never be the one with keys and money.
//!
//! [`Engine`] is the parent's side: it starts the worker, passes requests, and streams [`Event`]s. [`worker_main`] is the
//! worker: it loads one model with its adapters and answers many requests at once ([`worker`]'s scheduler). They talk over
//! a socket pair that the worker inherits as its standard input.

mod handle;
mod message;
mod owner;
pub mod random_model;
mod request;
mod worker;

pub use handle::{Config, Engine, Error, Events};
pub use message::Info;
pub use request::{Event, Fault, Finish, Hold, Instead, Prompt, Request, Sampling, TokenLogprob, Tool};
pub use worker::main as worker_main;

/// Name and version of the engine, as offers and receipts name it.
pub const ENGINE: &str = "llama.cpp ggml-0.26.0 (llama-cpp-2 0.1.160)";

/// Set for the worker: how often a thread looks whether the others are done before it sleeps. Without a limit two workers on
/// the same cores, or anything else that runs there, slow each other down a hundredfold (measured: docs/engine.md); lower, and
/// sleeping costs more than the work. Read by GCC's OpenMP, with which llama.cpp is built.
pub const SPIN: (&str, &str) = ("GOMP_SPINCOUNT", "2000");
