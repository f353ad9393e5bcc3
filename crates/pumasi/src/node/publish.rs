//! A model file becomes a published work: with an account of its own, a name that follows the file, and a royalty.

use anyhow::Context as _;
use api::{Ledger, List};
use ledger::{ArtifactId, Key, Kind, Operation, Payee, Publish, Rates, Record, Reject};
use std::sync::Arc;

/// What a model asks for each token, if nobody says otherwise: 0.02 and 0.05 credits per million.
const ROYALTY: Rates = Rates { input: 20_000, output: 50_000 };
/// The tag of the newest version.
const LATEST: &str = "latest";
/// The longest name that the ledger takes.
const NAME_MAX: usize = 39;

/// A work about to be published.
pub struct Work {
    /// Its manifest's digest.
    pub artifact: ArtifactId,
    /// Digests of its weight files.
    pub weights: Vec<ledger::Digest>,
    /// The file it came from, which names it.
    pub file: String,
}

/// Publishes a work under an account of its own, as far as that was not done before.
pub async fn publish(wallet: &wallet::Wallet, ledger: &Arc<dyn Ledger>, work: Work) -> anyhow::Result<()> {
    let (account, name) = named_account(wallet, ledger, slug(&work.file)).await?;
    let publish = Publish {
        manifest: work.artifact,
        kind: Kind::Model,
        parents: Vec::new(),
        royalty: ROYALTY,
        payees: vec![Payee { account: account.id(), weight: 1 }],
        weights: work.weights,
        name,
        tag: LATEST.into(),
    };
    account.submit(Operation::Publish(publish)).await?;
    Ok(())
}

/// An account that has published nothing yet, and its name.
async fn named_account(
    wallet: &wallet::Wallet,
    ledger: &Arc<dyn Ledger>,
    slug: String,
) -> anyhow::Result<(wallet::Account, String)> {
    let mut wanted = slug;
    loop {
        let (account, name) = account_for(wallet, ledger, &wanted).await?;
        if ledger.account(account.id()).await?.name.is_some() {
            return Ok((account, name));
        }
        match account.submit(Operation::Name { name: name.clone() }).await {
            // A role's or a path's name is nobody's.
            Err(error) if error.reject() == Some(Reject::NameReserved) && !wanted.starts_with("model-") => {
                wanted = format!("model-{wanted}");
            }
            answer => return answer.map(|_| (account, name)).map_err(Into::into),
        }
    }
}

/// An account that has published nothing yet and is called `slug`, or `slug-2` and so on if others are called so.
async fn account_for(
    wallet: &wallet::Wallet,
    ledger: &Arc<dyn Ledger>,
    slug: &str,
) -> anyhow::Result<(wallet::Account, String)> {
    let mut published = std::collections::BTreeSet::new();
    for (_, record) in ledger.list(List::Artifacts).await? {
        if let Record::Artifact(artifact) = record {
            published.insert(artifact.publisher);
        }
    }
    let roles = wallet.roles()?;
    for number in 1..10_000u32 {
        let name = numbered(slug, number);
        let role = format!("model-{name}");
        let owner = match ledger.get(&Key::Name(name.clone())).await? {
            Some(Record::Name(owner)) => Some(owner),
            _ => None,
        };
        // A key is made only for a name that is free; one that is there may be of a start that was interrupted.
        if owner.is_some() && !roles.contains(&role) {
            continue;
        }
        let account = wallet.account(&role)?;
        if owner.is_none_or(|owner| owner == account.id()) && !published.contains(&account.id()) {
            return Ok((account, name));
        }
    }
    anyhow::bail!("no free name for {slug}")
}

/// `slug` for the first, `slug-2` for the second and so on, within the ledger's limit.
fn numbered(slug: &str, number: u32) -> String {
    if number == 1 {
        return slug.to_owned();
    }
    let suffix = format!("-{number}");
    let kept = slug.get(..NAME_MAX - suffix.len()).unwrap_or(slug).trim_end_matches('-');
    format!("{kept}{suffix}")
}

/// A name that the ledger takes, from a file's name: `Qwen3_0.6B-Q4_0.gguf` becomes `qwen3-0-6b-q4-0`.
fn slug(file: &str) -> String {
    let stem = match file.rsplit_once('.') {
        Some((stem, extension)) if extension.eq_ignore_ascii_case("gguf") => stem,
        _ => file,
    };
    let mut slug = String::new();
    for c in stem.chars() {
        let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        if slug.len() < NAME_MAX && (c != '-' || !(slug.is_empty() || slug.ends_with('-'))) {
            slug.push(c);
        }
    }
    let slug = slug.trim_end_matches('-');
    // A name of one letter is too short.
    if slug.len() < 2 { format!("model-{slug}").trim_end_matches('-').to_owned() } else { slug.to_owned() }
}

/// `publisher/name:tag` of an artifact, or its digest if it has no tag.
pub async fn full_name(ledger: &Arc<dyn Ledger>, id: ArtifactId) -> anyhow::Result<String> {
    let artifact = ledger.artifact(id).await.context("a model that was just published")?;
    let publisher = ledger.account(artifact.publisher).await?.name;
    let (name, tag) = (artifact.publish.name, artifact.publish.tag);
    Ok(publisher.map_or_else(|| id.to_string(), |publisher| format!("{publisher}/{name}:{tag}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_a_name_that_the_ledger_takes() {
        for (file, name) in [
            ("Qwen3_0.6B-Q4_0.gguf", "qwen3-0-6b-q4-0"),
            ("stories260K-f16.GGUF", "stories260k-f16"),
            ("..--a  b--..gguf", "a-b"),
            ("x.gguf", "model-x"),
            ("품앗이.gguf", "model"),
            ("no-extension", "no-extension"),
        ] {
            assert_eq!(slug(file), name, "{file}");
        }
        let long = slug(&"ab-".repeat(40));
        assert!(long.len() <= NAME_MAX && !long.ends_with('-'), "{long}");
    }

    #[test]
    fn the_second_of_a_name_has_a_number() {
        assert_eq!((numbered("a", 1), numbered("a", 2)), ("a".into(), "a-2".into()));
        let long = numbered(&"a".repeat(NAME_MAX), 12);
        assert_eq!((long.len(), long.ends_with("a-12")), (NAME_MAX, true));
    }
}
