//! A model file becomes a published work of the person whose node this is: named after the file, without a royalty.

use anyhow::bail;
use api::{Ledger, LedgerError};
use ledger::{AccountId, ArtifactId, Key, Kind, Operation, Payee, Publish, Rates, Record};
use std::sync::Arc;

use crate::t;

/// The tag of the newest version.
const LATEST: &str = "latest";
/// The longest name of an artifact that the ledger takes.
const NAME_MAX: usize = 64;
/// Files of one name that are told apart by a number.
const SAME_NAMES_MAX: u32 = 10_000;

/// A work about to be published.
pub struct Work {
    /// Its manifest's digest.
    pub artifact: ArtifactId,
    /// Digests of its weight files.
    pub weights: Vec<ledger::Digest>,
    /// The file it came from, which names it.
    pub file: String,
}

/// Publishes a work under the person's account.
///
/// # Errors
/// If somebody else published these weights before, or the ledger refuses it.
pub async fn publish(wallet: &wallet::Wallet, ledger: &Arc<dyn Ledger>, work: Work) -> anyhow::Result<()> {
    let account = wallet.account("payer")?;
    for weights in &work.weights {
        if let Some(Record::Weight(weight)) = ledger.get(&Key::Weight(*weights)).await?
            && !weight.lifted
            && ledger.artifact(weight.first).await?.publisher != account.id()
        {
            let first = weight.first;
            bail!(t!(
                "somebody else published these weights as {first}; get that work, and offer it instead",
                "이 가중치는 다른 사람이 먼저 {first}로 올렸습니다. 그 작품을 받아서 제공하세요"
            ));
        }
    }
    let publish = Publish {
        manifest: work.artifact,
        kind: Kind::Model,
        parents: Vec::new(),
        royalty: Rates::ZERO,
        payees: vec![Payee { account: account.id(), weight: 1 }],
        weights: work.weights,
        name: free_name(ledger, account.id(), &slug(&work.file)).await?,
        tag: LATEST.into(),
    };
    account.submit(Operation::Publish(publish)).await?;
    Ok(())
}

/// The first name that nothing of this account has: other weights in a file of the same name are another work, and no newer
/// version of it unless their publisher says so.
async fn free_name(ledger: &Arc<dyn Ledger>, account: AccountId, slug: &str) -> Result<String, LedgerError> {
    let mut name = slug.to_owned();
    for number in 2..SAME_NAMES_MAX {
        if ledger.get(&Key::Tag(account, name.clone(), LATEST.into())).await?.is_none() {
            break;
        }
        name = numbered(slug, number);
    }
    Ok(name)
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
    if slug.is_empty() { "model".to_owned() } else { slug.to_owned() }
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
            ("x.gguf", "x"),
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
