//! Ollama's models on this disk: `manifests/HOST/NAMESPACE/MODEL/TAG`, each an OCI-like manifest, and `blobs/sha256-…`. Newer
//! versions keep the manifests among the blobs too, with links to them in `manifests-v2`, and one manifest may list several,
//! one for each program that runs models.

use anyhow::{Context as _, bail};
use gateway::artifacts::Source;
use ledger::Digest;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{Listed, OnDisk, Work, home_dir, path_of};
use crate::t;

const HOST: &str = "registry.ollama.ai";
/// What the same registry is called too.
const ALIASES: &[&str] = &[HOST, "ollama.com", "www.ollama.com"];
/// Folders of manifests, the newer first.
const FOLDERS: &[&str] = &["manifests-v2", "manifests"];
const NAMESPACE: &str = "library";
const TAG: &str = "latest";
/// Longest manifest, and most layers.
const MANIFEST_MAX: u64 = 1 << 20;
const LAYERS_MAX: usize = 1_000;
/// What a layer's media type begins with.
const TYPE: &str = "application/vnd.ollama.image.";

/// The name of a model, with what Ollama adds to a short one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    host: String,
    namespace: String,
    model: String,
    tag: String,
}

/// A manifest, a list of them, or in such a list the digest of one.
#[derive(Debug, Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    manifests: Vec<Self>,
    /// The program that it is for.
    runner: Option<String>,
    /// Of its weights.
    format: Option<String>,
    digest: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    #[serde(with = "api::text")]
    digest: Digest,
    size: u64,
}

impl Name {
    /// Reads `[[HOST/]NAMESPACE/]MODEL[:TAG]`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let (path, tag) = match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (text, TAG),
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (host, namespace, model) = match parts.as_slice() {
            [model] => (HOST, NAMESPACE, *model),
            [namespace, model] => (HOST, *namespace, *model),
            [host, namespace, model] => (*host, *namespace, *model),
            _ => ("", "", ""),
        };
        let plain = |part: &str, more: &[u8]| {
            let good = part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c) || more.contains(&c));
            good && (1..=96).contains(&part.len()) && !part.starts_with('.')
        };
        let host = if ALIASES.contains(&host) { HOST } else { host };
        if !plain(host, b":") || ![namespace, model, tag].iter().all(|part| plain(part, b"")) {
            bail!(t!("{text:?} is no name of a model", "{text:?}은 모델 이름이 아닙니다"));
        }
        let [host, namespace, model, tag] = [host, namespace, model, tag].map(str::to_owned);
        Ok(Self { host, namespace, model, tag })
    }

    /// Reads `HOST/NAMESPACE/MODEL/TAG`, a path.
    fn of(path: &Path) -> Option<Self> {
        let parts: Vec<&str> = path.components().map(|part| part.as_os_str().to_str()).collect::<Option<_>>()?;
        let [host, namespace, model, tag] = parts.as_slice() else { return None };
        Self::parse(&format!("{host}/{namespace}/{model}:{tag}")).ok()
    }

    /// Where its manifest may lie.
    fn places(&self, root: &Path) -> Vec<PathBuf> {
        let host = [self.host.as_str()];
        let hosts = if self.host == HOST { ALIASES } else { &host[..] };
        let place = |folder: &str, host: &str| {
            root.join(folder).join(host).join(&self.namespace).join(&self.model).join(&self.tag)
        };
        FOLDERS.iter().flat_map(|folder| hosts.iter().map(|host| place(folder, host))).collect()
    }

    /// As Ollama shows it.
    fn short(&self) -> String {
        let parts = [(&self.host, HOST), (&self.namespace, NAMESPACE)];
        let kept = parts.iter().skip_while(|(part, usual)| part == usual).map(|(part, _)| format!("{part}/"));
        format!("{}{}:{}", kept.collect::<String>(), self.model, self.tag)
    }

    /// Where people look at it.
    fn url(&self) -> String {
        let Self { host, namespace, model, tag } = self;
        match host.as_str() {
            HOST if namespace == NAMESPACE => format!("https://ollama.com/library/{model}:{tag}"),
            HOST => format!("https://ollama.com/{namespace}/{model}:{tag}"),
            "hf.co" | "huggingface.co" => format!("https://huggingface.co/{namespace}/{model}"),
            host => format!("https://{host}/{namespace}/{model}:{tag}"),
        }
    }
}

/// Folders in which Ollama keeps models, as a user's program or as a service.
fn roots() -> anyhow::Result<Vec<PathBuf>> {
    if let Some(path) = path_of("OLLAMA_MODELS") {
        return Ok(vec![path]);
    }
    Ok(vec![home_dir()?.join(".ollama/models"), PathBuf::from("/usr/share/ollama/.ollama/models")])
}

/// What is there.
pub fn list() -> anyhow::Result<Vec<Listed>> {
    let roots = roots()?;
    let mut listed = Vec::new();
    for (root, folder) in roots.iter().flat_map(|root| FOLDERS.iter().map(move |folder| (root, root.join(folder)))) {
        let tags = (0..4).fold(vec![folder.clone()], |at, _| at.iter().flat_map(|at| entries(at)).collect());
        for path in tags {
            let Some(name) = path.strip_prefix(&folder).ok().and_then(Name::of) else { continue };
            if let Ok((layers, _)) = read(root, &path) {
                let bytes = layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add);
                listed.push(Listed { what: format!("ollama:{}", name.short()), bytes });
            }
        }
    }
    if listed.is_empty() {
        let places: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
        bail!(t!(
            "there is no model of Ollama in {}; OLLAMA_MODELS names another folder",
            "{}에 올라마 모델이 없습니다. 다른 폴더는 OLLAMA_MODELS로 알려 주세요",
            places.join(", ")
        ));
    }
    listed.sort_by(|a, b| a.what.cmp(&b.what));
    listed.dedup_by(|a, b| a.what == b.what);
    Ok(listed)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Finds a model.
pub fn find(name: &Name) -> anyhow::Result<Work> {
    let roots = roots()?;
    let places = roots.iter().flat_map(|root| name.places(root).into_iter().map(move |place| (root, place)));
    let (root, place) = places.into_iter().find(|(_, place)| place.is_file()).with_context(|| {
        let short = name.short();
        t!(
            "Ollama has no model {short} on this disk; see what there is with: pumasi import ollama:",
            "이 디스크에 올라마 모델 {short}가 없습니다. 있는 것을 보려면: pumasi import ollama:"
        )
    })?;
    let (layers, digest) = read(root, &place)?;
    if !layers.iter().any(|layer| matches!(kind(layer), "model" | "adapter")) {
        bail!(t!(
            "{} has no weights in GGUF, and other forms of Ollama's cannot be imported",
            "{}에는 GGUF 가중치가 없습니다. 올라마의 다른 형식은 가져올 수 없습니다",
            name.short()
        ));
    }
    let (mut found, mut counts) = (Vec::new(), BTreeMap::<&str, u32>::new());
    for layer in &layers {
        let count = counts.entry(kind(layer)).and_modify(|count| *count += 1).or_insert(1);
        let Some(title) = title(kind(layer), &name.model, *count) else { continue };
        let path = root.join("blobs").join(layer.digest.to_string().replace(':', "-"));
        if !path.is_file() {
            bail!(t!(
                "{} is not whole on this disk; fetch it again with: ollama pull {0}",
                "{}이 이 디스크에 온전히 있지 않습니다. 다시 받으세요: ollama pull {0}",
                name.short()
            ));
        }
        found.push(OnDisk { title, path, digest: Some(layer.digest) });
    }
    // The library is Ollama's own shelf of other people's works.
    let authors = if name.namespace == NAMESPACE { Vec::new() } else { vec![name.namespace.clone()] };
    Ok(Work {
        name: name.model.clone(),
        tag: (name.tag != TAG).then(|| name.tag.clone()),
        source: Source { url: name.url(), revision: Some(digest.to_string()), authors },
        stored: Vec::new(),
        found,
        notes: Vec::new(),
    })
}

/// The layers of a manifest, and the digest by which Ollama knows it. Of several the one with GGUF weights is taken.
fn read(root: &Path, path: &Path) -> anyhow::Result<(Vec<Layer>, Digest)> {
    let (manifest, digest) = parse(root, path)?;
    let gguf = |child: &&Manifest| {
        let runner = child.runner.as_deref().is_some_and(|runner| matches!(runner, "ollama" | "llamacpp"));
        child.format.as_deref().map_or(runner, |format| format == "gguf")
    };
    let layers = match manifest.manifests.iter().find(gguf) {
        None => manifest.layers,
        Some(Manifest { digest: Some(named), layers, .. }) if layers.is_empty() => {
            let (child, found) = parse(root, &root.join("blobs").join(named.replace(':', "-")))?;
            if found.to_string() != *named {
                bail!(bad(path));
            }
            child.layers
        }
        Some(_) => {
            manifest.manifests.into_iter().find(|child| gguf(&child)).map_or_else(Vec::new, |child| child.layers)
        }
    };
    if layers.len() > LAYERS_MAX {
        bail!(bad(path));
    }
    Ok((layers, digest))
}

/// Parses one manifest. It may be a link, but not to anything outside of Ollama's folder.
fn parse(root: &Path, path: &Path) -> anyhow::Result<(Manifest, Digest)> {
    let inside = path.canonicalize().is_ok_and(|file| root.canonicalize().is_ok_and(|root| file.starts_with(root)));
    if !inside {
        bail!(bad(path));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    file.take(MANIFEST_MAX + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    match serde_json::from_slice(&bytes) {
        Ok(manifest) if bytes.len() as u64 <= MANIFEST_MAX => Ok((manifest, Digest::of(&bytes))),
        _ => bail!(bad(path)),
    }
}

fn bad(path: &Path) -> String {
    t!("{} is no manifest of Ollama's", "{}은 올라마 매니페스트가 아닙니다", path.display())
}

fn kind(layer: &Layer) -> &str {
    layer.media_type.strip_prefix(TYPE).unwrap_or_default()
}

/// The path within the artifact of a model's layer. What a model says and how it is asked lies in a folder of its own.
fn title(kind: &str, model: &str, count: u32) -> Option<String> {
    let more = if count > 1 { format!("-{count}") } else { String::new() };
    Some(match kind {
        "model" => format!("{model}{more}.gguf"),
        "adapter" => format!("adapter{more}.gguf"),
        "projector" => format!("mmproj{more}.gguf"),
        "license" => format!("LICENSE{more}"),
        "template" | "system" | "prompt" => format!("ollama/{kind}{more}"),
        "params" | "messages" => format!("ollama/{kind}{more}.json"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_completed() {
        for (text, short, url) in [
            ("llama3.2", "llama3.2:latest", "https://ollama.com/library/llama3.2:latest"),
            ("llama3.2:1b", "llama3.2:1b", "https://ollama.com/library/llama3.2:1b"),
            ("ollama.com/library/llama3.2", "llama3.2:latest", "https://ollama.com/library/llama3.2:latest"),
            ("kim/tiny", "kim/tiny:latest", "https://ollama.com/kim/tiny:latest"),
            ("hf.co/kim/tiny:Q4_0", "hf.co/kim/tiny:Q4_0", "https://huggingface.co/kim/tiny"),
            ("localhost:5000/kim/tiny", "localhost:5000/kim/tiny:latest", "https://localhost:5000/kim/tiny:latest"),
        ] {
            let name = Name::parse(text).unwrap();
            assert_eq!((name.short().as_str(), name.url().as_str()), (short, url), "{text}");
        }
        for bad in ["", "a/b/c/d", "../a", "a:..", "a b", "a:", "/a", "a/../b"] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }
}
