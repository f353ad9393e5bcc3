//! What a manifest's annotations say of an artifact: OCI's own keys where there is one.

use blobs::{Manifest, recognize::Recognized};
use std::collections::BTreeMap;

use super::draft::Source;

const TITLE: &str = "org.opencontainers.image.title";
const DESCRIPTION: &str = "org.opencontainers.image.description";
const LICENSES: &str = "org.opencontainers.image.licenses";
const AUTHORS: &str = "org.opencontainers.image.authors";
const SOURCE: &str = "org.opencontainers.image.source";
const REVISION: &str = "org.opencontainers.image.revision";
const UNCLAIMED: &str = "ai.pumasi.unclaimed";
const ARCHITECTURE: &str = "ai.pumasi.architecture";
/// No fact is longer: what is read from strangers' files is shown in lists.
const CHARS_MAX: usize = 1_000;

/// What is known of an artifact whose manifest is stored.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub title: Option<String>,
    pub description: Option<String>,
    pub license: Option<String>,
    pub architecture: Option<String>,
    pub authors: Option<String>,
    pub source: Option<String>,
    pub unclaimed: bool,
}

impl Facts {
    pub fn of(manifest: &Manifest) -> Self {
        let text = |key: &str| manifest.annotations().get(key).map(|text| clipped(text));
        Self {
            title: text(TITLE),
            description: text(DESCRIPTION),
            license: text(LICENSES),
            architecture: text(ARCHITECTURE),
            authors: text(AUTHORS),
            source: text(SOURCE),
            unclaimed: text(UNCLAIMED).as_deref() == Some("true"),
        }
    }
}

/// What is written into a manifest, and so becomes part of the artifact's id.
pub fn annotations(read: &Recognized, license: Option<&str>, source: Option<&Source>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut put = |key: &str, text: Option<&str>| {
        if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
            facts.insert(key.to_owned(), clipped(text));
        }
    };
    put(TITLE, read.title.as_deref());
    put(DESCRIPTION, read.description.as_deref());
    put(LICENSES, license);
    put(ARCHITECTURE, read.architecture.as_deref());
    let authors = source.map(|source| &source.authors).filter(|authors| !authors.is_empty());
    put(AUTHORS, Some(authors.unwrap_or(&read.authors).join(", ").as_str()));
    put(SOURCE, source.map(|source| source.url.as_str()));
    put(REVISION, source.and_then(|source| source.revision.as_deref()));
    put(UNCLAIMED, source.map(|_| "true"));
    facts
}

/// One line without control characters, cut where it is too long: a stranger's words end up in somebody's terminal.
pub fn clipped(text: &str) -> String {
    let line: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    line.join(" ").chars().take(CHARS_MAX).collect()
}
