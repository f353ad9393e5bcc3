//! Gateway and provider with a real ledger between them, in one process, in front of a model's server whose answers the tests
//! choose; where a provider must lie or a line must break, a proxy on the way does it.

mod books;
mod calls;
mod choice;
mod dialects;
mod liar;
mod list;
mod money;
mod openrouter;
mod orders;
mod publish;
mod tamper;
mod upstream;
mod world;
