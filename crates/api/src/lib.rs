//! The wire: exchange and OpenAI-compatible messages, and the Ledger trait.
