//! The one binary of Pumasi.

mod backup;
mod cli;
mod client;
mod command;
mod home;
mod import;
mod language;
mod layout;
mod names;
mod node;
mod passphrase;
mod print;
mod proof;
mod proved;
mod rate;

use clap::{CommandFactory as _, FromArgMatches as _};
use std::process::ExitCode;

use cli::{Cli, Command};

fn main() -> ExitCode {
    api::link::choose_cryptography();
    let matches = language::translate(Cli::command()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if let Command::Worker(args) = cli.command {
        return command::worker::run(args);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(cli)));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pumasi: {}", print::error(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let home = home::Home::find(cli.home)?;
    match cli.command {
        Command::Up(args) => command::up::run(home, args, cli.json).await,
        Command::Open(args) => command::open::run(&home, args, cli.json).await,
        Command::Chat(args) => command::chat::run(&home, args, cli.json).await,
        Command::Offer(args) => command::offer::run(&home, args, cli.json).await,
        Command::Withdraw(args) => command::withdraw::run(&home, args, cli.json).await,
        Command::Ps => command::ps::run(&home, cli.json).await,
        Command::Publish(args) => command::publish::run(&home, args, cli.json).await,
        Command::Tag(args) => command::tag::run(&home, args, cli.json).await,
        Command::Retire(args) => command::retire::run(&home, args, cli.json).await,
        Command::Show(args) => command::show::run(&home, args, cli.json).await,
        Command::Ls(args) => command::ls::run(&home, args, cli.json).await,
        Command::Pull(args) => command::pull::run(&home, args, cli.json).await,
        Command::Rm(args) => command::rm::run(&home, args, cli.json).await,
        Command::Wallet(args) => command::wallet::run(&home, args, cli.json).await,
        Command::Key(command) => command::key::run(&home, command, cli.json).await,
        Command::Import(args) => command::import::run(&home, args, cli.json).await,
        Command::Bill(args) => command::bill::run(&home, args, cli.json).await,
        Command::Audit(args) => command::audit::run(&home, args, cli.json).await,
        Command::Prove(args) => command::prove::run(&home, args, cli.json).await,
        Command::Sign(args) => command::sign::run(args, cli.json),
        Command::Verify(args) => command::verify::run(&home, args, cli.json),
        Command::Status => command::status::run(&home, cli.json).await,
        Command::Completions(args) => Ok(command::completions::run(&args)),
        Command::Worker(args) => Ok(command::worker::run(args)),
    }
}
