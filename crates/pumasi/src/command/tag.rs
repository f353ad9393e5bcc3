//! `pumasi tag`: points a tag at a published artifact.

use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{client::Client, home::Home, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one: NAME, PUBLISHER/NAME:TAG, or a digest
    #[arg(id = "artifact", value_name = "NAME")]
    artifact: String,
    /// The tag that will point at it, such as latest or v2
    #[arg(id = "new_tag", value_name = "NEWTAG")]
    tag: String,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    let artifact = client.artifact(&args.artifact).await?;
    let path = format!("/artifacts/{}/tags", artifact.summary.id);
    let answer: Value = client.post(&path, &json!({ "tag": args.tag })).await?;
    if json {
        print::json(&answer)?;
    } else {
        let name = answer["name"].as_str().unwrap_or_default();
        let id = artifact.summary.id;
        print::line(&t!("{name} points at {id}", "이제 {name}이(가) 가리키는 것: {id}"));
    }
    Ok(ExitCode::SUCCESS)
}
