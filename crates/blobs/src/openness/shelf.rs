//! What one artifact brings: its files that are here, what each stands for, and under which license.

use ledger::{ArtifactId, Digest, Kind};
use serde::Deserialize;
use std::{collections::BTreeMap, io::Read as _};

use super::{
    convention,
    declaration::Declaration,
    license::made_for,
    part::{Part, Type},
};
use crate::{Manifest, Store};

/// Where a manifest says its license.
const LICENSES: &str = "org.opencontainers.image.licenses";
/// A card is at the top of its file, and so is the line with a file's license.
const TOP: u64 = 64 << 10;
const LINE_WITHIN: u64 = 2 << 10;
/// What a declaration may be called.
const DECLARATIONS: [&str; 4] = ["mof.yml", "MOF.yml", "mof.yaml", "MOF.yaml"];

/// An artifact, as far as openness asks about it.
#[derive(Debug, Clone)]
pub struct Work {
    /// Whose manifest the store may have.
    pub id: ArtifactId,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Which artifacts it declares as parents.
    pub parents: Vec<ArtifactId>,
}

/// A work with what is here of it.
pub struct Shelf<'a> {
    pub work: &'a Work,
    /// False if its manifest is not here: then it brings nothing.
    pub here: bool,
    /// Path and digest of each file that is here.
    files: BTreeMap<String, Digest>,
    license: Option<String>,
    /// Ids by the names of the files in `LICENSES/`.
    texts: Vec<String>,
    card: Card,
    pub declaration: Option<Result<Declaration, String>>,
}

/// A file that stands for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: String,
    pub license: Option<String>,
}

/// What a card at the top of a `README.md` says, as far as it is asked here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Card {
    license: Option<Texts>,
    base_model: Option<Texts>,
    base_model_relation: Option<String>,
    #[serde(skip)]
    stands: bool,
}

/// One text, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

impl<'a> Shelf<'a> {
    /// Reads what the store has of a work.
    pub fn read(store: &Store, work: &'a Work) -> Self {
        let manifest = store.manifest(work.id).ok();
        let here = manifest.is_some();
        let files: BTreeMap<_, _> =
            manifest.iter().flat_map(Manifest::files).filter_map(|file| present(store, file)).collect();
        let top = |name: &str| files.get(name).and_then(|digest| head(store, *digest, TOP));
        let card = top("README.md").map(|text| Card::read(&text)).unwrap_or_default();
        let said = manifest.and_then(|manifest| manifest.annotations().get(LICENSES).cloned());
        let by_card = || card.license.as_ref().map(|license| license.all().join(" OR "));
        // A dataset's card speaks for its data; anything else is under what it was published under.
        let license = if work.kind == Kind::Dataset { by_card().or(said) } else { said.or_else(by_card) };
        let text = |path: &String| {
            Some(path.strip_prefix("LICENSES/")?.trim_end_matches(".txt").trim_end_matches(".md").to_owned())
        };
        let texts = files.keys().filter_map(text).collect();
        let written = DECLARATIONS.iter().find_map(|name| files.get(*name));
        let declaration =
            written.and_then(|digest| head(store, *digest, 1 << 20)).map(|text| Declaration::parse(&text));
        Self { work, here, files, license, texts, card, declaration }
    }

    /// True if nothing was trained here: its card says that weights were only converted or merged.
    pub fn is_converted(&self) -> bool {
        let relation = self.card.base_model_relation.as_deref().map(str::trim);
        matches!(relation, Some("quantized" | "merge"))
    }

    /// The models that its card says it is built on.
    pub fn bases(&self) -> &[String] {
        self.card.base_model.as_ref().map(Texts::all).unwrap_or_default()
    }

    /// Paths of the files here that lie at a location: that file, or everything in that folder.
    pub fn at(&self, location: &str) -> Vec<&str> {
        let location = location.trim_start_matches("./").trim_end_matches('/');
        let lies = |path: &&str| {
            location == "."
                || *path == location
                || path.strip_prefix(location).is_some_and(|rest| rest.starts_with('/'))
        };
        self.files.keys().map(String::as_str).filter(lies).collect()
    }

    /// What each file stands for by its name, and a README only if a card is in it.
    pub fn by_convention(&self, store: &Store) -> BTreeMap<Part, Vec<Found>> {
        let mut found: BTreeMap<Part, Vec<Found>> = BTreeMap::new();
        for path in self.files.keys() {
            let readme = path == "README.md" && self.work.kind.runs() && !self.card.stands;
            if let Some(part) = convention::part(self.work.kind, path).filter(|_| !readme) {
                found.entry(part).or_default().push(self.found(store, part.kind(), path));
            }
        }
        found
    }

    /// Files that tell the architecture where no code does.
    pub fn shape(&self, store: &Store) -> Vec<Found> {
        let tells = |path: &&String| *path == "config.json" || path.ends_with(".gguf");
        let tells = |path: &&String| self.work.kind.runs() && tells(path);
        self.files.keys().filter(tells).take(1).map(|path| self.found(store, Type::Code, path)).collect()
    }

    /// A file here with its license, for a component of that type.
    pub fn found(&self, store: &Store, kind: Type, path: &str) -> Found {
        Found { path: path.to_owned(), license: self.license_of(store, kind, path) }
    }

    /// What the file says itself; else what the declaration says for the type; else what lies in `LICENSES/` for the type; else
    /// what the artifact is under.
    fn license_of(&self, store: &Store, kind: Type, path: &str) -> Option<String> {
        let own = || matches!(kind, Type::Code | Type::Document).then(|| self.line_in(store, path)).flatten();
        let declared = || self.declaration.as_ref()?.as_ref().ok()?.license_for(kind).map(str::to_owned);
        let lying = || made_for(&self.texts, kind).map(str::to_owned);
        own().or_else(declared).or_else(lying).or_else(|| self.license.clone())
    }

    /// The license on a line of the file's first two kibibytes, as SPDX writes it.
    fn line_in(&self, store: &Store, path: &str) -> Option<String> {
        let top = head(store, *self.files.get(path)?, LINE_WITHIN)?;
        let said = top.lines().find_map(|line| line.split_once("SPDX-License-Identifier:"))?.1;
        let said = said.trim().trim_end_matches("-->").trim_end_matches("*/").trim();
        (!said.is_empty()).then(|| said.to_owned())
    }
}

impl Card {
    /// A card that cannot be read is one all the same, and says nothing.
    fn read(text: &str) -> Self {
        let Some(rest) = text.trim_start_matches('\u{feff}').strip_prefix("---") else { return Self::default() };
        let Some((yaml, _)) = rest.split_once("\n---") else { return Self::default() };
        Self { stands: true, ..serde_saphyr::from_str(yaml).unwrap_or_default() }
    }
}

fn present(store: &Store, file: &crate::Descriptor) -> Option<(String, Digest)> {
    let size = std::fs::metadata(store.path(file.digest)).ok()?.len();
    (size == file.size && size > 0).then(|| (file.path().to_owned(), file.digest))
}

/// The first bytes of a blob as text.
fn head(store: &Store, digest: Digest, most: u64) -> Option<String> {
    let mut bytes = Vec::new();
    store.open_blob(digest).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
