//! What people call artifacts on the command line: `publisher/name[:tag]`, a bare `name[:tag]`, or a digest.

use anyhow::{Context as _, bail};
use ledger::ArtifactId;
use serde_json::Value;
use std::collections::BTreeSet;

use crate::{
    client::{Client, Refused},
    t,
};

/// The tag of a name without one.
const LATEST: &str = "latest";

/// The artifact that is meant.
///
/// # Errors
/// If there is none, or a bare name has several publishers.
pub async fn artifact(client: &Client, text: &str) -> anyhow::Result<ArtifactId> {
    if let Ok(digest) = text.parse() {
        return Ok(digest);
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    if text.is_empty() || !text.chars().all(good) {
        return unknown(text);
    }
    let (publisher, rest) = match text.split_once('/') {
        Some((publisher, rest)) => (Some(publisher.to_owned()), rest),
        None => (None, text),
    };
    let (name, tag) = rest.split_once(':').unwrap_or((rest, LATEST));
    let publishers = match publisher {
        Some(publisher) => BTreeSet::from([publisher]),
        None => publishers(client, name).await?,
    };
    let mut found: BTreeSet<String> = BTreeSet::new();
    for publisher in publishers {
        match client.get::<Value>(&format!("/ledger/artifacts/{publisher}/{name}:{tag}")).await {
            Ok(shown) => found.extend(shown["id"].as_str().map(str::to_owned)),
            Err(error) if error.downcast_ref::<Refused>().is_some_and(Refused::is_for_good) => {}
            // Whoever could not be asked may well have it.
            Err(error) => return Err(error),
        }
    }
    if found.len() > 1 {
        bail!(t!(
            "several publishers have a {text}; say whose with publisher/{text}",
            "{text}이라는 것을 올린 이가 여럿입니다. 게시자/{text}처럼 적으세요"
        ));
    }
    match found.first() {
        Some(id) => id.parse().with_context(|| id.clone()),
        // A tag may stand under another name than the work was published under; a gateway knows all of them.
        None => client.artifact(text).await.map(|view| view.summary.id).or_else(|_| unknown(text)),
    }
}

fn unknown(text: &str) -> anyhow::Result<ArtifactId> {
    bail!(t!(
        "nothing is published as {text}; a name is publisher/name, perhaps with :tag",
        "{text}이라는 이름으로 올라온 것이 없습니다. 이름은 게시자/이름, 또는 뒤에 :태그가 붙습니다"
    ))
}

/// Whoever published something under a name.
async fn publishers(client: &Client, name: &str) -> anyhow::Result<BTreeSet<String>> {
    let all: Value = client.get("/ledger/artifacts").await?;
    let all = all["artifacts"].as_array().cloned().unwrap_or_default();
    let called = all.iter().filter(|artifact| artifact["name"] == name);
    Ok(called.filter_map(|artifact| artifact["publisher"].as_str().map(str::to_owned)).collect())
}
