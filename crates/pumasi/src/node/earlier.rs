//! What layout 1 of the data folder kept in `models.json` goes into the provider's books, once.

use anyhow::Context as _;
use ledger::ArtifactId;
use provider::{Plan, Provider, Seen};
use serde::Deserialize;
use std::fs;

use crate::home::Home;

const FILE: &str = "models.json";

#[derive(Deserialize)]
struct Shelf {
    models: Vec<Entry>,
}

/// A model that was run.
#[derive(Deserialize)]
struct Entry {
    #[serde(with = "api::text")]
    artifact: ArtifactId,
    context: u32,
    file: Option<File>,
}

/// The file that it came from.
#[derive(Deserialize)]
struct File {
    path: String,
    bytes: u64,
    modified_ns: u128,
}

/// Takes over `models.json`, if it is there. Interrupted, the next start does it again, to the same end.
pub async fn take_over(home: &Home, provider: &Provider) -> anyhow::Result<()> {
    let Some(text) = home.read(FILE)? else { return Ok(()) };
    let shelf: Shelf = serde_json::from_str(&text).with_context(|| home.path(FILE).display().to_string())?;
    for Entry { artifact, context, file } in shelf.models {
        provider.keep(Plan::model(artifact).with(Some(context), None)).await?;
        if let Some(File { path, bytes, modified_ns }) = file {
            provider.take_in(Seen { path, bytes, modified_ns }, artifact).await?;
        }
    }
    fs::remove_file(home.path(FILE))?;
    Ok(())
}
