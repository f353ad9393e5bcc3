//! From an artifact in the store to a model that runs: digest first, then the header, then the worker.

use blobs::{Store, gguf::Header};
use engine::Engine;
use ledger::{ArtifactId, Digest};
use std::{path::PathBuf, sync::Arc};

use crate::Error;

/// How a model is run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The most tokens of one conversation; less if the model was trained with less.
    pub context: u32,
    /// Conversations at once.
    pub sequences: u32,
    /// Threads; none for as many as there are cores.
    pub threads: Option<u32>,
}

/// Starts a worker for a model artifact, with adapter artifacts that fit it; requests name an adapter by its digest.
///
/// # Errors
/// If a file is missing, damaged or not one that can be run.
pub async fn load(
    store: &Arc<Store>,
    model: ArtifactId,
    adapters: &[ArtifactId],
    settings: Settings,
) -> Result<(Engine, Header), Error> {
    let (model, header) = check(store, model).await?;
    let mut config = engine::Config::new(model);
    let trained = header.context_length().and_then(|length| u32::try_from(length).ok()).filter(|length| *length > 0);
    config.context = trained.unwrap_or(settings.context).min(settings.context);
    config.sequences = settings.sequences;
    config.threads = settings.threads.unwrap_or(config.threads);
    for adapter in adapters {
        config.adapters.push((adapter.to_string(), check(store, *adapter).await?.0));
    }
    Ok((Engine::start(config).await?, header))
}

/// The artifact's GGUF file, verified and parsed.
async fn check(store: &Arc<Store>, artifact: ArtifactId) -> Result<(PathBuf, Header), Error> {
    let store = Arc::clone(store);
    let work = move || {
        let manifest = store.manifest(artifact)?;
        let mut files = manifest.files().iter().filter(|file| file.path().ends_with(".gguf"));
        let one = files.next().filter(|_| files.next().is_none());
        let file = one.ok_or_else(|| Error::NotRunnable(format!("{artifact} has not exactly one GGUF file")))?;
        store.verify(file.digest)?;
        read(&store, file.digest)
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Damaged("a check that did not end")))
}

fn read(store: &Store, digest: Digest) -> Result<(PathBuf, Header), Error> {
    let path = store.path(digest);
    let header = Header::read(&mut store.open_blob(digest)?);
    let header = header.map_err(|reason| Error::NotRunnable(format!("{}: {reason}", path.display())))?;
    if header.tensors == 0 {
        return Err(Error::NotRunnable(format!("{} is a vocabulary without weights", path.display())));
    }
    Ok((path, header))
}
