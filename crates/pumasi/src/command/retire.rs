//! `pumasi retire`: takes an artifact out of use for everything new.

use anyhow::bail;
use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{client::Client, home::Home, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one: NAME, PUBLISHER/NAME:TAG, or a digest
    #[arg(id = "artifact", value_name = "NAME")]
    artifact: String,
    /// Retire it without asking
    #[arg(long, id = "yes")]
    yes: bool,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    let artifact = client.artifact(&args.artifact).await?;
    let (id, name) = (artifact.summary.id, &artifact.summary.name);
    eprintln!(
        "{}",
        t!(
            "{name} will take no new children and no new offers, for good. What is built on it, and its royalty, go on.",
            "{name}을(를) 바탕으로 한 새 작업과 새 제공 조건은 앞으로 받지 않으며, 되돌릴 수 없습니다. 이미 있는 것과 로열티는 그대로입니다."
        )
    );
    if !args.yes && !print::confirmed(&t!("Retire it? [y/N]", "은퇴시킬까요? [y/N]"), json)? {
        bail!(t!("nothing was retired", "아무것도 은퇴시키지 않았습니다"));
    }
    let answer: Value = client.post(&format!("/artifacts/{id}/retire"), &json!({})).await?;
    if json {
        print::json(&answer)?;
    } else {
        print::line(&t!("retired {name}", "은퇴시켰습니다: {name}"));
    }
    Ok(ExitCode::SUCCESS)
}
