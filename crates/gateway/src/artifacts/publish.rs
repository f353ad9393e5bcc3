//! `POST /artifacts`: publishes a draft. Files first, then the manifest, which nobody sees yet, then the ledger's operation,
//! and then the listing that makes all of it public. Whatever is interrupted is finished by doing it again, or at the next
//! start.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use ledger::Operation;
use std::sync::Arc;
use wallet::Account;

use super::{
    check::{Plan, plan},
    draft::{Draft, Preview},
    library::blocking,
};
use crate::{
    error::Problem,
    gateway::{Buyer, Gateway},
    owner::owner,
};

/// What would be published.
pub async fn preview(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Preview>, Problem> {
    owner(&buyer, &headers)?;
    Ok(Json(plan(&buyer, buyer.config.payer.id(), &draft(&body)?).await?.preview))
}

/// Publishes it. The same draft again gives the same artifact; under another name or tag, that tag is moved to it.
pub async fn publish(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Preview>), Problem> {
    owner(&buyer, &headers)?;
    let draft = draft(&body)?;
    // Whoever asks may be gone before it is done; it is done all the same.
    let task = tokio::spawn(async move { put(&buyer, &buyer.config.payer, &draft).await });
    let (new, preview) = task.await.map_err(|_| Problem::internal())??;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(preview)))
}

fn draft(body: &[u8]) -> Result<Draft, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::body(StatusCode::BAD_REQUEST, format!("the body is not a draft: {error}")))
}

/// Publishes a draft under an account. Gives whether it is new, and what stands now.
async fn put(buyer: &Buyer, publisher: &Account, draft: &Draft) -> Result<(bool, Preview), Problem> {
    let _turn = buyer.publishing.lock().await;
    put_held(buyer, publisher, draft).await
}

/// The same for whoever holds `Buyer::publishing`: one after the other, so that what was checked still holds.
pub async fn put_held(buyer: &Buyer, publisher: &Account, draft: &Draft) -> Result<(bool, Preview), Problem> {
    let Plan { manifest, publish, mut preview, standing } = plan(buyer, publisher.id(), draft).await?;
    let store = Arc::clone(&buyer.config.store);
    blocking(move || store.put_manifest_blob(&manifest)).await??;
    let new = standing.is_none();
    let pointed = |work: &super::library::Work| work.id == publish.manifest;
    if new {
        publisher.submit(Operation::Publish(publish)).await?;
    } else if !buyer.library.index().resolve(&preview.name).is_ok_and(pointed) {
        let (name, tag, artifact) = (publish.name, publish.tag, publish.manifest);
        publisher.submit(Operation::Tag { name, tag, artifact }).await?;
    }
    let (store, id, name) = (Arc::clone(&buyer.config.store), preview.id, preview.name.clone());
    blocking(move || store.list(id, Some(&name))).await??;
    buyer.library.published(preview.id).await?;
    preview.published = true;
    Ok((new, preview))
}

impl Gateway {
    /// Publishes a draft, whose files are stored, under an account of this folder. Done again, it changes nothing.
    ///
    /// # Errors
    /// A sentence with what is wrong.
    pub async fn publish_as(&self, publisher: &Account, draft: &Draft) -> Result<Preview, String> {
        let (_, preview) = put(self.buyer(), publisher, draft).await.map_err(|problem| problem.detail.message)?;
        Ok(preview)
    }
}

impl Buyer {
    /// Lists what an earlier run published and did not come to list.
    pub async fn list_published(&self) -> Result<(), Problem> {
        let (index, me) = (self.library.refresh().await?, self.config.payer.id());
        let mine = index.works.iter().filter(|work| work.artifact.publisher == me && !work.listed);
        let mine: Vec<_> = mine.map(|work| (work.id, work.name.clone())).collect();
        let store = Arc::clone(&self.config.store);
        blocking(move || {
            for (id, name) in mine {
                let manifest = store.manifest(id).ok();
                let whole = manifest.is_some_and(|all| all.blobs().all(|blob| store.contains(blob.digest)));
                if let Err(error) = if whole { store.list(id, Some(&name)) } else { Ok(()) } {
                    tracing::warn!(%error, name, "a published artifact could not be listed");
                }
            }
        })
        .await?;
        self.library.refresh().await.map(drop)
    }
}
