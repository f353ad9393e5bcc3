//! `pumasi rm`: forgets the files of an artifact on this machine.

use ledger::ArtifactId;
use reqwest::Method;
use serde_json::json;
use std::process::ExitCode;

use crate::{client::Client, home::Home, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one: NAME, PUBLISHER/NAME:TAG, or a digest
    #[arg(id = "artifact", value_name = "NAME")]
    artifact: String,
    /// Forget it even if it was published here and no other copy is known
    #[arg(long)]
    force: bool,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    let id = match args.artifact.parse::<ArtifactId>() {
        Ok(id) => id,
        Err(_) => client.artifact(&args.artifact).await?.summary.id,
    };
    client.send::<()>(Method::DELETE, &format!("/artifacts/{id}?force={}", args.force), None).await?;
    if json {
        print::json(&json!({ "removed": id.to_string() }))?;
    } else {
        print::line(&t!(
            "removed {id} from this machine; the ledger keeps its record",
            "이 컴퓨터에서 {id}의 파일을 지웠습니다. 원장의 기록은 남아 있습니다"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
