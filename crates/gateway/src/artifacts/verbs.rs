//! What the publisher does with what stands: tag, retire; and the owner with what is stored: forget.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
};
use ledger::{ArtifactId, Operation};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{
    check::check_tag,
    library::{Index, blocking},
};
use crate::{error::Problem, gateway::Buyer, owner::owner};

/// A new tag.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTag {
    /// None: the artifact's own name.
    name: Option<String>,
    tag: String,
}

/// `POST /artifacts/{digest}/tags`: points a tag at an artifact of one's own.
pub async fn tag(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(artifact): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    owner(&buyer, &headers)?;
    let new: NewTag = serde_json::from_slice(&body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body is not a tag: {error}")))?;
    let (index, artifact) = mine(&buyer, &artifact).await?;
    let own = index.get(artifact).map(|work| work.artifact.publish.name.clone()).unwrap_or_default();
    let (name, tag) = (new.name.unwrap_or(own), new.tag);
    check_tag(&name)?;
    check_tag(&tag)?;
    let full = format!("{}/{name}:{tag}", index.account(buyer.config.payer.id()));
    if !index.resolve(&full).is_ok_and(|work| work.id == artifact) {
        buyer.config.payer.submit(Operation::Tag { name, tag, artifact }).await?;
        buyer.library.refresh().await?;
    }
    Ok(Json(json!({ "id": artifact.to_string(), "name": full })))
}

/// `POST /artifacts/{digest}/retire`: no new children and offers; what stands on it goes on.
pub async fn retire(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(artifact): Path<String>,
) -> Result<Json<Value>, Problem> {
    owner(&buyer, &headers)?;
    let (index, artifact) = mine(&buyer, &artifact).await?;
    if !index.get(artifact).is_some_and(|work| work.artifact.retired) {
        buyer.config.payer.submit(Operation::Retire { artifact }).await?;
        buyer.library.refresh().await?;
    }
    Ok(Json(json!({ "id": artifact.to_string(), "retired": true })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct How {
    #[serde(default)]
    force: bool,
}

/// `DELETE /artifacts/{digest}`: forgets the files that are stored here. The ledger's record stays.
pub async fn forget(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(artifact): Path<String>,
    how: Result<Query<How>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    owner(&buyer, &headers)?;
    let Query(how) = how.map_err(|error| Problem::field("query", error.body_text()))?;
    let id = digest(&artifact)?;
    buyer.catalog.refresh().await?;
    let index = buyer.library.refresh().await?;
    let store = Arc::clone(&buyer.config.store);
    if !blocking(move || store.is_public(id)).await?? {
        let message = format!("the files of {} are not stored here", index.artifact(id));
        return Err(Problem::unknown("artifact", "artifact_not_found", message));
    }
    if let Some(offered) = offered_here(&buyer, &index, id) {
        let message =
            format!("this node offers {}, which needs it; withdraw that offer first", index.artifact(offered));
        return Err(Problem::conflict("artifact_offered", message));
    }
    let published = index.get(id).is_some_and(|work| work.artifact.publisher == buyer.config.payer.id());
    if published && !how.force && !offered_elsewhere(&buyer, id) {
        let message = format!(
            "{} was published here and no other copy is known: whoever wants it would find nothing; \
             force it if that is what you want",
            index.artifact(id)
        );
        return Err(Problem::conflict("artifact_only_copy", message));
    }
    let store = Arc::clone(&buyer.config.store);
    blocking(move || store.remove(id)).await??;
    buyer.library.refresh().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the provider beside this gateway offers and is, or is built on, an artifact.
fn offered_here(buyer: &Buyer, index: &Index, id: ArtifactId) -> Option<ArtifactId> {
    let (here, shelf) = (buyer.config.beside.as_ref()?.0, buyer.catalog.shelf());
    let offered = shelf.offers.iter().filter(|(_, offers)| offers.iter().any(|offer| offer.record.provider == here));
    let mut offered = offered.map(|(artifact, _)| *artifact);
    offered.find(|artifact| index.closure(&[*artifact], usize::MAX).contains(&id))
}

fn offered_elsewhere(buyer: &Buyer, id: ArtifactId) -> bool {
    let here = buyer.config.beside.as_ref().map(|(provider, _)| *provider);
    let shelf = buyer.catalog.shelf();
    shelf.offers.get(&id).is_some_and(|offers| offers.iter().any(|offer| Some(offer.record.provider) != here))
}

fn digest(text: &str) -> Result<ArtifactId, Problem> {
    text.parse().map_err(|error| Problem::field("artifact", format!("{error}")))
}

/// An artifact of the owner's.
async fn mine(buyer: &Buyer, text: &str) -> Result<(Arc<Index>, ArtifactId), Problem> {
    let id = digest(text)?;
    let index = buyer.library.refresh().await?;
    let work = index.resolve(text).map_err(|message| Problem::unknown("artifact", "artifact_not_found", message))?;
    if work.artifact.publisher != buyer.config.payer.id() {
        let publisher = index.account(work.artifact.publisher);
        let message = format!("{} was published by {publisher}, and only its publisher may do this", work.name);
        return Err(Problem::conflict("not_publisher", message));
    }
    Ok((index, id))
}
