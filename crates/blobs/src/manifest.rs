//! Manifests: which files an artifact has. One content has one byte string, and its digest names the artifact.

use ledger::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Media type of a manifest (OCI image specification 1.1).
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What the manifest describes (CNCF ModelPack).
const ARTIFACT: &str = "application/vnd.cncf.model.manifest.v1+json";
/// The empty object, as OCI asks for where there is no configuration.
const EMPTY_CONFIG: &str = "application/vnd.oci.empty.v1+json";
/// The bytes of an empty configuration.
pub const EMPTY: &[u8] = b"{}";
/// Where a layer's file name stands.
const TITLE: &str = "org.opencontainers.image.title";
/// Weights, and everything else (CNCF ModelPack: raw, not archived).
const WEIGHT: &str = "application/vnd.cncf.model.weight.v1.raw";
const DOCUMENT: &str = "application/vnd.cncf.model.doc.v1.raw";
const CONFIG: &str = "application/vnd.cncf.model.weight.config.v1.raw";
/// No manifest is longer.
const BYTES_MAX: usize = 4 << 20;

/// An artifact's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: u8,
    media_type: String,
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// A file, or anything else that is named by digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Of its bytes.
    #[serde(with = "digest_text")]
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Its file name among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// The file's path within the artifact.
    pub fn path(&self) -> &str {
        self.annotations.get(TITLE).map_or("", String::as_str)
    }

    fn file(path: String, digest: Digest, size: u64) -> Self {
        let media_type = match path.rsplit('.').next() {
            Some("gguf" | "safetensors") => WEIGHT,
            Some("json" | "jinja" | "model") => CONFIG,
            _ => DOCUMENT,
        };
        Self { media_type: media_type.into(), digest, size, annotations: BTreeMap::from([(TITLE.into(), path)]) }
    }
}

impl Manifest {
    /// The manifest of some files: path, digest, size. `annotations` become part of it, and so of its digest.
    ///
    /// # Errors
    /// A sentence, if the paths are not those of distinct files within a folder.
    pub fn new(files: Vec<(String, Digest, u64)>, annotations: BTreeMap<String, String>) -> Result<Self, String> {
        let mut layers: Vec<_> =
            files.into_iter().map(|(path, digest, size)| Descriptor::file(path, digest, size)).collect();
        layers.sort_by(|a, b| a.path().cmp(b.path()));
        let config = Descriptor {
            media_type: EMPTY_CONFIG.into(),
            digest: Digest::of(EMPTY),
            size: EMPTY.len() as u64,
            annotations: BTreeMap::new(),
        };
        let manifest = Self {
            schema_version: 2,
            media_type: MANIFEST.into(),
            artifact_type: ARTIFACT.into(),
            config,
            layers,
            annotations,
        };
        manifest.check().map(|()| manifest)
    }

    /// Reads a manifest, ours or a stranger's.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > BYTES_MAX {
            return Err("the manifest is longer than 4 MiB".into());
        }
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("the manifest is not one: {error}"))?;
        manifest.check().map(|()| manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema_version != 2 || self.media_type != MANIFEST {
            return Err("the manifest is not an OCI image manifest".into());
        }
        let mut seen = BTreeSet::new();
        let mut total = 0u64;
        for layer in &self.layers {
            let path = layer.path();
            if !path_good(path) {
                return Err(format!("the manifest names a file {path:?}, which is no path within a folder"));
            }
            if !seen.insert(path) {
                return Err(format!("the manifest names {path:?} twice"));
            }
            total = total.checked_add(layer.size).ok_or("the manifest's sizes are impossible")?;
        }
        // A file cannot be a folder as well.
        let folder = seen.iter().find(|path| path.match_indices('/').any(|(at, _)| seen.contains(&path[..at])));
        folder.map_or(Ok(()), |path| Err(format!("the manifest uses a file as a folder in {path:?}")))
    }

    /// The canonical bytes: JSON without blanks, members in this order, files in order of path.
    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest is JSON")
    }

    /// The artifact's id.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    /// The files, in order of path.
    pub fn files(&self) -> &[Descriptor] {
        &self.layers
    }

    /// Everything the manifest needs beside itself.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }

    /// Facts that were written into it.
    pub const fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    /// Digests of the weight files, in ascending order, each once.
    pub fn weights(&self) -> Vec<Digest> {
        let weights = self.layers.iter().filter(|layer| layer.media_type == WEIGHT).map(|layer| layer.digest);
        weights.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// True for a plain relative path: no empty, `.` or `..` part, no backslash, no control character.
pub fn path_good(path: &str) -> bool {
    path.len() <= 1_024
        && !path.chars().any(|c| c.is_control() || c == '\\')
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

pub mod digest_text {
    //! A digest as OCI writes it.
    use ledger::Digest;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// `sha256:…`.
    pub fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(digest)
    }

    /// The same.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(paths: &[&str]) -> Result<Manifest, String> {
        let files = paths.iter().map(|path| ((*path).to_owned(), Digest([1; 32]), 1)).collect();
        Manifest::new(files, BTreeMap::new())
    }

    #[test]
    fn one_content_has_one_digest() {
        let (a, b) = (of(&["a.gguf", "b/c.md"]).unwrap(), of(&["b/c.md", "a.gguf"]).unwrap());
        assert_eq!(a.digest(), b.digest());
        assert_eq!(Manifest::parse(&a.bytes()).unwrap(), a);
        assert_eq!(a.weights(), [Digest([1; 32])]);
    }

    #[test]
    fn paths_stay_inside() {
        for path in ["", "/a", "../a", "a/../b", "a//b", "a\\b", "a\0", "./a", "a/"] {
            assert!(of(&[path]).is_err(), "{path:?}");
        }
        assert!(of(&["a", "a"]).is_err());
        assert!(of(&["a", "a/b"]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(at in 0usize..400, byte: u8) {
            let mut bytes = of(&["a.gguf", "b/c.md"]).unwrap().bytes();
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(manifest) = Manifest::parse(&bytes) {
                prop_assert!(manifest.files().iter().all(|file| path_good(file.path())));
            }
        }
    }
}
