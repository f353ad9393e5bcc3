//! `pumasi wallet limit`: how much may go into channels without asking.

use ledger::Amount;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

use super::show::limit_reached;
use crate::{client::Client, home::Home, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The most credits that go into channels in 24 hours; 0 for none
    #[arg(long, value_name = "CREDITS")]
    per_day: Option<Amount>,
    /// How many credits a channel is opened with, and topped up by
    #[arg(long, value_name = "CREDITS")]
    deposit: Option<Amount>,
}

pub async fn run(home: &Home, args: &Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    let text = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
    let limits: Value = if args.per_day.is_none() && args.deposit.is_none() {
        client.get("/channels/limits").await?
    } else {
        let body = json!({ "per_day": text(args.per_day), "deposit": text(args.deposit) });
        client.send(Method::PUT, "/channels/limits", Some(&body)).await?.json().await?
    };
    if json {
        print::json(&limits)?;
        return Ok(ExitCode::SUCCESS);
    }
    let field = |name: &str| limits[name].as_str().unwrap_or_default().to_owned();
    print::table(&[
        vec![t!("deposit", "예치금"), field("deposit")],
        vec![t!("most in 24 hours", "24시간 한도"), field("per_day")],
        vec![t!("used of it", "쓴 한도"), field("used")],
    ]);
    if let Some(warning) = limit_reached(&limits) {
        print::line(&warning);
    }
    Ok(ExitCode::SUCCESS)
}
