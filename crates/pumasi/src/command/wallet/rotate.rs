//! `pumasi wallet rotate`: a new signing key for an account.

use serde_json::Value;
use std::process::ExitCode;

use crate::{client::Client, home::Home, node::Rotate, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whose key, as `pumasi wallet` lists them [default: payer]
    #[arg(value_name = "ROLE")]
    role: Option<String>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::owner(home)?;
    let label = t!("giving it a new key", "새 키로 바꾸는 중");
    let rotated: Value = print::waiting(label, client.post("/wallet/rotate", &Rotate { role: args.role })).await?;
    if json {
        print::json(&rotated)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |field: &str| rotated[field].as_str().unwrap_or_default().to_owned();
    let (role, account) = (text("role"), text("account"));
    print::line(&t!(
        "{role} has a new key; its account stays {account}",
        "{role}의 키를 바꾸었습니다. 계정은 그대로 {account}입니다"
    ));
    print::line(&t!(
        "A backup from before has the old key only: make a new one with: pumasi wallet backup FILE",
        "전에 만든 백업에는 옛 키만 있습니다. 새로 만드세요: pumasi wallet backup 파일"
    ));
    Ok(ExitCode::SUCCESS)
}
