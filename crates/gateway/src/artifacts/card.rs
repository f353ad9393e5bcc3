//! An artifact's card: the `README.md` that its publisher wrote, or else facts for the Hub's programs, from what the ledger says.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use blobs::{Descriptor, Manifest, card::Facts};
use ledger::Kind;
use std::sync::Arc;

use super::{
    library::{Index, LATEST, Work, blocking},
    show::find,
};
use crate::{error::Problem, gateway::Buyer};

const MARKDOWN: HeaderValue = HeaderValue::from_static("text/markdown; charset=utf-8");

/// The card of an artifact: that of its files byte for byte, or one that is written now.
pub async fn card(buyer: &Buyer, name: &str, request: Request) -> Result<Response, Problem> {
    let (index, id) = find(buyer, name).await?;
    let work = index.get(id).ok_or_else(Problem::internal)?;
    if work.listed {
        let store = Arc::clone(&buyer.config.store);
        let manifest = blocking(move || store.manifest(id)).await??;
        if let Some(card) = of(&manifest) {
            let mut answer = blobs::http::stored(&buyer.config.store, card.digest, request).await?;
            answer.headers_mut().insert(header::CONTENT_TYPE, MARKDOWN);
            // The name may mean another work tomorrow.
            answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            return Ok(answer);
        }
    }
    Ok(([(header::CONTENT_TYPE, MARKDOWN)], facts(&index, work).to_string()).into_response())
}

/// The file that is the card.
pub fn of(manifest: &Manifest) -> Option<&Descriptor> {
    manifest.files().iter().find(|file| file.path().eq_ignore_ascii_case("README.md"))
}

/// What the ledger, and the manifest if it is here, say of a work.
fn facts(index: &Index, work: &Work) -> Facts {
    let publish = &work.artifact.publish;
    let named = |wanted: fn(Kind) -> bool| {
        let parents = publish.parents.iter().filter_map(|id| index.get(*id));
        parents.filter(|parent| wanted(parent.artifact.publish.kind)).map(|parent| called(index, parent)).collect()
    };
    let base_models: Vec<String> = named(|kind| matches!(kind, Kind::Model | Kind::Adapter));
    // What was done with a single model does not stand on the ledger; the Hub guesses it from the files, as we do.
    let relation = match (publish.kind, base_models.len()) {
        (_, 0) => None,
        (Kind::Adapter, _) => Some("adapter"),
        (Kind::Model, 2..) => Some("merge"),
        _ => None,
    };
    Facts {
        license: work.facts.license.clone(),
        base_models,
        relation: relation.map(str::to_owned),
        datasets: named(|kind| kind == Kind::Dataset),
        tags: vec!["pumasi".into(), super::Kind::from(publish.kind).name().into()],
        parents: publish.parents.iter().map(ToString::to_string).collect(),
        kind: super::Kind::from(publish.kind).name(),
        royalty: publish.royalty,
    }
}

/// A name as short as it can be: the tag `latest` is understood.
fn called(index: &Index, work: &Work) -> String {
    let short = work.name.strip_suffix(LATEST).and_then(|name| name.strip_suffix(':')).unwrap_or(&work.name);
    let same = index.resolve_parent(short).is_some_and(|found| found.id == work.id);
    if same { short.to_owned() } else { work.id.to_string() }
}
