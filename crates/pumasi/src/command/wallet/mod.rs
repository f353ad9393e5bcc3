//! `pumasi wallet`: what this folder's accounts have and earned, sending, and their keys.

mod backup;
mod earnings;
mod limit;
mod passphrase;
mod restore;
mod rotate;
mod send;
mod show;

pub use show::limit_reached;
use std::process::ExitCode;

use crate::home::Home;

/// What is asked; nothing for an overview.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What was earned, by work and day, and by this machine
    Earnings(earnings::Args),
    /// Send credits to somebody
    Send(send::Args),
    /// How much may go into channels without asking
    Limit(limit::Args),
    /// Give an account a new signing key
    Rotate(rotate::Args),
    /// Seal the keys by a passphrase, or change or remove it
    Passphrase(passphrase::Args),
    /// Write everything that cannot be had again into one sealed file
    Backup(backup::Args),
    /// Make a folder from a backup
    Restore(restore::Args),
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    match args.command {
        None => show::run(home, json).await,
        Some(Command::Earnings(args)) => earnings::run(home, &args, json).await,
        Some(Command::Send(args)) => send::run(home, args, json).await,
        Some(Command::Limit(args)) => limit::run(home, &args, json).await,
        Some(Command::Rotate(args)) => rotate::run(home, args, json).await,
        Some(Command::Passphrase(args)) => passphrase::run(home, &args, json).await,
        Some(Command::Backup(args)) => backup::run(home, &args, json).await,
        Some(Command::Restore(args)) => restore::run(home, &args, json).await,
    }
}
