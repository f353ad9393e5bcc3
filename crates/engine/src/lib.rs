//! Runs a model in a worker process.
