//! Ollama's questions about models: what is offered here stands for what it would keep.

use api::{
    ollama::{Details, Model, Models, Named, Shown, Version},
    openai,
    text::rfc3339,
};
use axum::{
    Json,
    extract::{Request, State},
    response::Response,
};
use blobs::{Descriptor, Manifest};
use ledger::{ArtifactId, Kind};
use serde_json::{Map, json};
use std::sync::Arc;

use super::super::{answer::read_body, models::freshen};
use crate::{
    artifacts::{Index, Work, blocking, cheapest},
    error::Problem,
    gateway::Buyer,
};

/// The version of Ollama whose API this is. Clients look whether it is new enough for what they send.
const SPOKEN: &str = "0.33.0";

/// Clients count the time until then.
const NEVER: &str = "9999-12-31T23:59:59Z";

pub async fn version() -> Json<Version> {
    Json(Version { version: SPOKEN.into() })
}

/// What is offered is there, and loaded.
pub async fn list(State(buyer): State<Arc<Buyer>>) -> Result<Json<Models>, Problem> {
    Ok(Json(Models { models: offered(&buyer).await?.into_iter().map(|(model, _)| model).collect() }))
}

/// All models, each with its license.
async fn offered(buyer: &Arc<Buyer>) -> Result<Vec<(Model, String)>, Problem> {
    freshen(buyer).await;
    let (listed, index) = (buyer.catalog.models().data, buyer.library.fresh().await?);
    let (shelf, store) = (buyer.catalog.shelf(), Arc::clone(&buyer.config.store));
    let view = move || {
        let of = |listed: openai::Model| {
            let work = index.get(listed.digest.parse().ok()?)?;
            let offer = cheapest(&shelf, work.id)?.record.offer.clone();
            let manifest = if work.listed { store.manifest(work.id).ok() } else { None };
            let files = manifest.as_ref().map(Manifest::files).unwrap_or_default();
            let license = work.facts.license.clone().unwrap_or_default();
            let model = Model {
                name: listed.id.clone(),
                model: listed.id,
                modified_at: rfc3339(work.artifact.time.0),
                size: files.iter().map(|file| file.size).fold(0, u64::saturating_add),
                digest: hex::encode(work.id.0),
                details: details(&index, work, files, offer.quantization),
                context_length: offer.context,
                expires_at: NEVER,
                size_vram: 0,
            };
            Some((model, license))
        };
        listed.into_iter().filter_map(of).collect()
    };
    blocking(view).await
}

fn details(index: &Index, work: &Work, files: &[Descriptor], quantization_level: String) -> Details {
    let family = work.facts.architecture.clone().unwrap_or_default();
    let has = |form: &&str| files.iter().any(|file| file.path().ends_with(&format!(".{form}")));
    Details {
        parent_model: work.artifact.publish.parents.iter().find_map(|parent| model(index, *parent)).unwrap_or_default(),
        format: ["gguf", "safetensors"].into_iter().find(has).unwrap_or_default().into(),
        families: Some(family.clone()).filter(|family| !family.is_empty()).into_iter().collect(),
        family,
        parameter_size: String::new(),
        quantization_level,
    }
}

/// The name of an artifact, if it is a model: datasets and recipes are parents, too.
fn model(index: &Index, id: ArtifactId) -> Option<String> {
    index.get(id).filter(|work| work.artifact.publish.kind == Kind::Model).map(|_| index.artifact(id))
}

pub async fn show(State(buyer): State<Arc<Buyer>>, request: Request) -> Result<Json<Shown>, Problem> {
    let (name, _) = named(read_body(request).await?)?;
    let offers = buyer.catalog.find(&name).await?;
    let id = offers.first().map(|offered| buyer.catalog.shelf().names.artifact(offered.record.offer.artifact));
    let found = offered(&buyer).await?.into_iter().find(|(model, _)| Some(&model.name) == id.as_ref());
    let (Model { name, modified_at, details, context_length, .. }, license) =
        found.ok_or_else(|| buyer.catalog.unknown(&name))?;
    // Clients look for the context below the name of the architecture.
    let family = if details.family.is_empty() { "unknown" } else { &details.family };
    let mut model_info = Map::new();
    model_info.insert("general.architecture".into(), json!(family));
    model_info.insert("general.basename".into(), json!(name));
    model_info.insert(format!("{family}.context_length"), json!(context_length));
    let capabilities = vec!["completion".into()];
    Ok(Json(Shown { template: String::new(), license, details, model_info, capabilities, modified_at }))
}

/// What is offered here need not be fetched; what is not, cannot be.
pub async fn pull(State(buyer): State<Arc<Buyer>>, request: Request) -> Result<Response, Problem> {
    let (name, streams) = named(read_body(request).await?)?;
    buyer.catalog.find(&name).await?;
    Ok(super::progress("success", streams))
}

fn named(named: Named) -> Result<(String, bool), Problem> {
    let name = named.model.or(named.name).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Problem::field("model", "which model? GET /api/tags lists what is offered here"))?;
    Ok((name, named.stream != Some(false)))
}
