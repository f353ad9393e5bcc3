//! `up --model FILE`, and what was offered before: files are taken in, tried, published under the person's account, and offered.
//! A model is published only after it ran once.

use anyhow::{Context as _, bail};
use api::Ledger;
use blobs::{Manifest, Store, gguf::Header};
use ledger::{ArtifactId, Digest, Key, Record};
use provider::{Plan, Provider, Ready, Seen};
use std::{collections::BTreeMap, fs::File, io::ErrorKind, path::Path, sync::Arc};

use super::{
    Config, blocking,
    publish::{self, Work},
};
use crate::{print, t};

/// What the models of a node are made with.
pub struct Models<'a> {
    pub wallet: &'a wallet::Wallet,
    pub ledger: &'a Arc<dyn Ledger>,
    pub store: &'a Arc<Store>,
    pub provider: &'a Arc<Provider>,
}

/// A file that was just taken in.
struct Taken {
    artifact: ArtifactId,
    /// What it is called among its artifact's files.
    title: String,
    seen: Seen,
    /// True if it is taken out again, should it not run.
    new: bool,
}

impl Models<'_> {
    /// Offers the given files and everything that was offered before. Gives a sentence for each earlier offer that cannot be
    /// answered any more; the others are offered all the same.
    ///
    /// # Errors
    /// If a given file cannot be offered; then nothing of what was given is published.
    pub async fn offer_all(&self, config: &Config) -> anyhow::Result<Vec<String>> {
        self.provider.recall().await?;
        // All are looked at before one is taken in.
        for path in &config.models {
            readable(path)?;
        }
        let mut given: Vec<Taken> = Vec::new();
        for path in &config.models {
            let taken = self.take(path, &given).await?;
            given.push(taken);
        }
        let mut tried = Vec::new();
        for taken in &given {
            match self.ready(taken, config).await {
                Ok(ready) => tried.push(ready),
                Err(error) => {
                    self.take_back(&given);
                    bail!(t!(
                        "{} does not run here: {}",
                        "{}은(는) 여기서 돌지 않습니다: {}",
                        taken.title,
                        print::error(&error)
                    ));
                }
            }
        }
        for (taken, ready) in given.iter().zip(tried) {
            self.stand(taken, ready)
                .await
                .with_context(|| t!("{} cannot be offered", "{}을 제공할 수 없습니다", taken.title))?;
        }
        self.offer_kept(config, &given).await
    }

    /// Offers again what was offered before.
    async fn offer_kept(&self, config: &Config, given: &[Taken]) -> anyhow::Result<Vec<String>> {
        let kept =
            self.provider.kept()?.into_iter().filter(|plan| !given.iter().any(|taken| taken.artifact == plan.artifact));
        let plans: Vec<Plan> = kept.map(|plan| plan.with(config.context, config.threads)).collect();
        let label = t!("checking and loading models", "모델 확인하고 올리는 중");
        print::waiting(label, self.provider.load_together(&plans)).await;
        let mut notes = Vec::new();
        for plan in plans {
            let name = self.provider.name(plan.artifact).await;
            let label = t!("checking and loading {name}", "{name} 확인하고 올리는 중");
            if let Err(error) = print::waiting(label, self.provider.again(plan)).await {
                notes.push(t!(
                    "{name} does not run any more, and is not offered now: {error:#}",
                    "{name}은 이제 돌지 않아서 지금은 제공하지 않습니다: {error:#}"
                ));
            }
        }
        Ok(notes)
    }

    /// Stores a file, unless it is there. The same weights are the same work, whatever their file is called now.
    async fn take(&self, path: &Path, given: &[Taken]) -> anyhow::Result<Taken> {
        let title = title(path)?;
        let seen = Seen::at(path).with_context(|| path.display().to_string())?;
        let of = |artifact, new| Taken { artifact, title: title.clone(), seen: seen.clone(), new };
        if let Some(artifact) = self.provider.taken_in(&seen)?.filter(|artifact| self.store.contains(*artifact)) {
            return Ok(of(artifact, false));
        }
        let (store, file) = (Arc::clone(self.store), path.to_owned());
        let label = t!("taking in {title}", "{title} 들이는 중");
        let put = move || {
            let mut progress = print::Progress::new(label);
            let of = file.metadata().map(|meta| meta.len()).ok();
            Ok(store.put_file(&file, |bytes| progress.tell(bytes, of))?)
        };
        let (weights, bytes) = blocking(put).await?;
        if let Some(artifact) = self.work_with(weights, given).await? {
            return Ok(of(artifact, false));
        }
        let manifest =
            Manifest::new(vec![(title.clone(), weights, bytes)], BTreeMap::new()).map_err(anyhow::Error::msg)?;
        let artifact = manifest.digest();
        let new = !self.store.manifests()?.contains(&artifact);
        // Stored, and not listed: it is public only once it is published.
        self.store.put_bytes(&manifest.bytes())?;
        Ok(of(artifact, new))
    }

    /// The work here that has these weights: the one that the ledger calls first, or one that was taken in before.
    async fn work_with(&self, weights: Digest, given: &[Taken]) -> anyhow::Result<Option<ArtifactId>> {
        if let Some(Record::Weight(weight)) = self.ledger.get(&Key::Weight(weights)).await?
            && self.store.contains(weight.first)
        {
            return Ok(Some(weight.first));
        }
        for artifact in given.iter().map(|taken| taken.artifact).chain(self.store.manifests()?) {
            if self.store.manifest(artifact)?.weights() == [weights] {
                return Ok(Some(artifact));
            }
        }
        Ok(None)
    }

    fn take_back(&self, given: &[Taken]) {
        for taken in given.iter().filter(|taken| taken.new) {
            if let Err(error) = self.store.remove(taken.artifact) {
                tracing::warn!(%error, "a file that was taken in could not be taken out again");
            }
        }
    }

    /// Has a model answer once, with the terms that it had before, or the usual ones.
    async fn ready(&self, taken: &Taken, config: &Config) -> anyhow::Result<Ready> {
        let before = self.provider.plan(taken.artifact)?.filter(|plan| plan.base().is_some());
        let plan = before.unwrap_or_else(|| Plan::model(taken.artifact)).with(config.context, config.threads);
        let label = t!("checking and loading {}", "{} 확인하고 올리는 중", taken.title);
        Ok(print::waiting(label, self.provider.ready(plan)).await?)
    }

    /// Publishes a model that ran, if that was not done, and offers it.
    async fn stand(&self, taken: &Taken, ready: Ready) -> anyhow::Result<()> {
        let artifact = taken.artifact;
        let manifest = self.store.manifest(artifact)?;
        if self.ledger.get(&Key::Artifact(artifact)).await?.is_none() {
            let work = Work { artifact, weights: manifest.weights(), file: taken.title.clone() };
            publish::publish(self.wallet, self.ledger, work).await?;
        }
        self.store.put_manifest(&manifest, Some(&taken.title))?;
        self.provider.take_in(taken.seen.clone(), artifact).await?;
        self.provider.stand(ready).await?;
        Ok(())
    }
}

/// Refuses what is not a whole GGUF model, with a sentence.
fn readable(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!(t!("there is no file {shown}", "{shown} 파일이 없습니다")),
        _ => unreadable(path, &error),
    })?;
    if meta.is_dir() {
        bail!(t!(
            "{shown} is a folder; name the GGUF file in it",
            "{shown}은 폴더입니다. 그 안의 GGUF 파일을 적으세요"
        ));
    }
    if !meta.is_file() {
        bail!(t!("{shown} is not a file", "{shown}은 파일이 아닙니다"));
    }
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let header = Header::read(&mut file).map_err(|reason| {
        anyhow::anyhow!(t!(
            "{shown} cannot be used: {reason}. Models are GGUF files",
            "{shown}을 쓸 수 없습니다: {reason}. 모델은 GGUF 파일이어야 합니다"
        ))
    })?;
    if header.is_adapter() {
        bail!(t!(
            "{shown} is an adapter; it needs the model it was made for",
            "{shown}은 어댑터입니다. 바탕 모델이 있어야 합니다"
        ));
    }
    if header.tensors == 0 {
        bail!(t!("{shown} is a vocabulary without weights", "{shown}에는 어휘만 있고 가중치가 없습니다"));
    }
    title(path).map(drop)
}

fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!(t!("{} cannot be read: {error}", "{}을 읽을 수 없습니다: {error}", path.display()))
}

/// The name of the file within its artifact, which ends in `.gguf`.
fn title(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| t!("the name of {} is not text", "{}의 이름이 글자가 아닙니다", path.display()))?;
    let stem = match Path::new(name).extension() {
        Some(extension) if extension.eq_ignore_ascii_case("gguf") => &name[..name.len() - ".gguf".len()],
        _ => name,
    };
    Ok(format!("{stem}.gguf"))
}
