//! `pumasi completions`: a completion script for a shell.

use clap::CommandFactory as _;
use std::process::ExitCode;

use crate::{cli::Cli, language};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub fn run(args: &Args) -> ExitCode {
    let mut command = language::translate(Cli::command());
    clap_complete::generate(args.shell, &mut command, "pumasi", &mut std::io::stdout());
    ExitCode::SUCCESS
}
