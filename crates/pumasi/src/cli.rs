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
    /// Open the page in a browser, by a link that works once
    Open(command::open::Args),
    /// What is running
    Status,
    /// Ask a model, and see the answer and what it cost
    Chat(command::chat::Args),
    /// Bring a model or dataset from the Hugging Face Hub, Ollama or this disk; its authors are named
    Import(command::import::Args),
    /// Publish a file or folder, with what it is built on and what its use pays
    Publish(command::publish::Args),
    /// Point a tag at something you published
    Tag(command::tag::Args),
    /// Take something you published out of use for everything new
    Retire(command::retire::Args),
    /// What is published: search and list
    Ls(command::ls::Args),
    /// Everything about one artifact: lineage, royalties, offers, files, earnings, history
    Show(command::show::Args),
    /// Fetch an artifact to this machine
    Pull(command::pull::Args),
    /// Forget the files of an artifact on this machine
    Rm(command::rm::Args),
    /// Offer a model or an adapter for pay
    Offer(command::offer::Args),
    /// Take an offer back
    Withdraw(command::withdraw::Args),
    /// What is offered here, and how it goes
    Ps,
    /// What this folder's accounts have and earned; send, and keep safe
    Wallet(command::wallet::Args),
    /// API keys: make, list, raise, revoke
    #[command(subcommand)]
    Key(command::key::Command),
    /// Recompute and prove the bill of a receipt
    Bill(command::bill::Args),
    /// Replay the whole ledger; check every signature, price, sum and root
    Audit(command::audit::Args),
    /// Write a proof of a balance, an artifact, a channel, an entry or a settled receipt, which anybody checks without asking
    Prove(command::prove::Args),
    /// Sign a model's files, so that others can tell whose they are and that nothing changed (OpenSSF Model Signing)
    Sign(command::sign::Args),
    /// Check a model's files against a signature, or a proof of `pumasi prove`
    Verify(command::verify::Args),
    /// Print a completion script for a shell
    Completions(command::completions::Args),
    /// Run one model for the process that started this one
    #[command(hide = true)]
    Worker(command::worker::Args),
}
