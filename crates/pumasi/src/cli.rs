//! The command line: what can be asked, one file per command.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

use crate::command;

/// An open exchange for open-source AI: every use is metered, and each answer pays everyone whose work it stands on.
#[derive(Debug, Parser)]
#[command(name = "pumasi", version, propagate_version = true)]
pub struct Cli {
    /// The data folder [default: $XDG_DATA_HOME/pumasi]
    #[arg(long, global = true, env = "PUMASI_HOME", value_name = "DIR", hide_env_values = true)]
    pub home: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn Pumasi on, on this machine
    Up(command::up::Args),
    /// Ask a model, and see the answer and what it cost
    Chat(command::chat::Args),
    /// The accounts of this folder and what they have
    Wallet,
    /// API keys: make, list, revoke
    #[command(subcommand)]
    Key(command::key::Command),
    /// Recompute and prove the bill of a receipt
    Bill(command::bill::Args),
    /// Replay the whole ledger; check every signature, price, sum and root
    Audit(command::audit::Args),
    /// Sign a model's files, so that others can tell whose they are and that nothing changed (OpenSSF Model Signing)
    Sign(command::sign::Args),
    /// Check a model's files against a signature
    Verify(command::verify::Args),
    /// What is running
    Status,
    /// Print a completion script for a shell
    Completions(command::completions::Args),
    /// Run one model for the process that started this one
    #[command(hide = true)]
    Worker(command::worker::Args),
}
