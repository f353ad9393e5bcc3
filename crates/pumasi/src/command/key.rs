//! `pumasi key`: API keys.

use reqwest::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{client::Client, home::Home, print, t};

/// What is asked.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make an API key with a budget, and show it once
    New {
        /// Credits it may spend, such as 10 or 0.5
        #[arg(long, value_name = "CREDITS")]
        budget: ledger::Amount,
        /// A name to recognize it by
        #[arg(long)]
        name: Option<String>,
        /// Days until it expires
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_in_days: Option<u32>,
    },
    /// The API keys and what they spent
    Ls,
    /// Raise the budget of an API key
    Topup {
        /// The key's id, as `key ls` shows it
        id: String,
        /// Credits more that it may spend
        #[arg(value_name = "AMOUNT")]
        amount: ledger::Amount,
    },
    /// Revoke an API key
    Revoke {
        /// The key's id, as `key ls` shows it
        id: String,
    },
}

pub async fn run(home: &Home, command: Command, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    match command {
        Command::New { budget, name, expires_in_days } => {
            let expires_in_s = expires_in_days.map(|days| u64::from(days) * 86_400);
            let body = json!({ "budget": budget.to_string(), "name": name, "expires_in_s": expires_in_s });
            let key: Value = client.post("/keys", &body).await?;
            if json {
                print::json(&key)?;
            } else {
                print::line(key["key"].as_str().unwrap_or_default());
                eprintln!("{}", t!("This key is shown only once.", "이 키는 지금 한 번만 보입니다."));
            }
        }
        Command::Ls => {
            let keys: Value = client.get("/keys").await?;
            if json { print::json(&keys)? } else { list(&keys) }
        }
        Command::Topup { id, amount } => {
            let body = json!({ "amount": amount.to_string() });
            let key: Value = client.post(&format!("/keys/{id}/topup"), &body).await?;
            if json {
                print::json(&key)?;
            } else {
                let budget = key["budget"].as_str().unwrap_or_default();
                print::line(&t!(
                    "{id} may spend {budget} credits in all",
                    "{id}는 이제 모두 {budget} 크레딧까지 쓸 수 있습니다"
                ));
            }
        }
        Command::Revoke { id } => {
            client.send::<()>(Method::DELETE, &format!("/keys/{id}"), None).await?;
            if json {
                print::json(&json!({ "revoked": id }))?;
            } else {
                print::line(&t!("revoked {id}", "폐기했습니다: {id}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(keys: &Value) {
    let keys = keys["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if keys.is_empty() {
        return print::line(&t!(
            "no keys; make one with: pumasi key new --budget 10",
            "키가 없습니다. 만들려면: pumasi key new --budget 10"
        ));
    }
    let head = [t!("id", "id"), t!("state", "상태"), t!("spent", "쓴 것"), t!("budget", "예산"), t!("name", "이름")];
    let row = |key: &Value| {
        ["id", "state", "spent", "budget", "name"].map(|field| key[field].as_str().unwrap_or_default().to_owned())
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(keys.iter().map(row)).map(Vec::from).collect();
    print::table(&rows);
}
