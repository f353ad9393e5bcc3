//! `pumasi worker`: runs one model for the process that started this one. Not for people.

use std::process::ExitCode;

/// What is asked; the engine reads the rest from what it inherits.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For the engine.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<String>,
}

pub fn run(_: Args) -> ExitCode {
    engine::worker_main()
}
