//! Which artifact is meant by a repository and a revision.

use ledger::{ArtifactId, Kind};
use std::{collections::BTreeMap, sync::Arc};

use crate::{
    artifacts::{Index, LATEST, Work, blocking},
    error::Problem,
    gateway::Buyer,
};

/// The branch that every repository has.
pub const MAIN: &str = "main";
/// Digits of a commit's id.
const COMMIT_DIGITS: usize = 40;

/// Which repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// All that is no dataset.
    Model,
    Dataset,
}

impl Type {
    /// Whether an artifact is among them.
    pub fn has(self, kind: Kind) -> bool {
        (kind == Kind::Dataset) == (self == Self::Dataset)
    }

    /// Why a work whose card says that it is of a kind cannot be among them; nothing if it can.
    pub fn contradicted(self, kind: Kind) -> Option<String> {
        let kind_is = blobs::recognize::word(kind);
        let sentence =
            || format!("the card says that this is {kind_is}; upload it with --repo-type {}", self.other().word());
        (!self.has(kind)).then(sentence)
    }

    /// The other ones.
    const fn other(self) -> Self {
        match self {
            Self::Model => Self::Dataset,
            Self::Dataset => Self::Model,
        }
    }

    /// One of them, in a sentence.
    const fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
        }
    }

    /// What stands before a repository's name in addresses that are not below `/api`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
        }
    }
}

/// The commit that stands for an artifact.
pub fn commit_of(id: ArtifactId) -> String {
    first_digits(&hex::encode(id.0))
}

/// The first forty digits of a hash, for clients that know SHA-1 only.
pub fn first_digits(hash: &str) -> String {
    hash.chars().take(COMMIT_DIGITS).collect()
}

/// A repository by its name, which nothing may stand under yet.
#[derive(Debug, Clone)]
pub struct Repository {
    pub of: Type,
    pub publisher: String,
    pub name: String,
}

impl Repository {
    pub fn new(of: Type, publisher: String, name: String) -> Self {
        Self { of, publisher, name }
    }

    /// `publisher/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.publisher, self.name)
    }

    /// Its versions, oldest first. They need not be stored here.
    pub fn versions<'a>(&self, index: &'a Index) -> Vec<&'a Work> {
        let tagged = index.tags(&self.id()).map(|(_, id)| id);
        let account = index.account_id(&self.publisher);
        let published = account.into_iter().flat_map(|account| index.versions(account, &self.name));
        let all = published.chain(tagged.filter_map(|id| index.get(id)));
        let by_time: BTreeMap<u64, &Work> = all.map(|work| (work.artifact.ordinal, work)).collect();
        by_time.into_values().filter(|work| self.of.has(work.artifact.publish.kind)).collect()
    }

    /// Checks that nothing of the other type has this name: its tags would be moved.
    ///
    /// # Errors
    /// [`Problem`] if so.
    pub fn is_free(&self, index: &Index) -> Result<(), Problem> {
        let other = Self { of: self.of.other(), ..self.clone() };
        if self.versions(index).is_empty() && !other.versions(index).is_empty() {
            let message = format!("{} is a {}; choose another name", self.id(), other.of.word());
            return Err(Problem::conflict("artifact_exists", message));
        }
        Ok(())
    }

    /// What a revision means: `main`, a tag, a commit or an artifact's id.
    ///
    /// # Errors
    /// [`Problem`] if there is no such repository, or no such revision of it.
    pub fn at<'a>(&self, index: &'a Index, revision: &str) -> Result<&'a Work, Problem> {
        let versions = self.versions(index);
        let newest = *versions.last().ok_or_else(|| self.unknown())?;
        let tag = if revision == MAIN { LATEST } else { revision };
        let tagged = index.tags(&self.id()).find(|(name, _)| *name == tag).map(|(_, id)| id);
        let found = match tagged {
            Some(id) => versions.iter().find(|work| work.id == id),
            None if revision == MAIN => Some(&newest),
            None => versions.iter().find(|work| {
                commit_of(work.id) == revision || work.id.to_string().trim_start_matches("sha256:") == revision
            }),
        };
        found.copied().ok_or_else(|| {
            let message = format!("{} has no tag and no commit {:?}", self.id(), shown(revision));
            Problem::unknown("revision", "RevisionNotFound", message)
        })
    }

    /// The same, if its files are stored here, with them.
    ///
    /// # Errors
    /// As above, or if they are not stored here.
    pub async fn stored(&self, buyer: &Buyer, revision: &str) -> Result<Stored, Problem> {
        let index = buyer.library.fresh().await?;
        let work = self.at(&index, revision)?;
        if !work.listed {
            let message = format!(
                "the files of {} are not stored here; who has this node gets them with: pumasi pull {}",
                work.name, work.name
            );
            return Err(Problem::unknown("repository", "RepoNotFound", message));
        }
        let (id, store) = (work.id, Arc::clone(&buyer.config.store));
        let manifest = blocking(move || store.manifest(id)).await??;
        Ok(Stored { index, id, manifest })
    }

    fn unknown(&self) -> Problem {
        let what = self.of.word();
        let message =
            format!("there is no {what} {:?} on this ledger; GET /artifacts lists what there is", shown(&self.id()));
        Problem::unknown("repository", "RepoNotFound", message)
    }
}

/// A stranger's text in a message.
fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

/// A version whose files are stored here.
pub struct Stored {
    pub index: Arc<Index>,
    pub id: ArtifactId,
    pub manifest: blobs::Manifest,
}

impl Stored {
    pub fn work(&self) -> Result<&Work, Problem> {
        self.index.get(self.id).ok_or_else(Problem::internal)
    }

    /// A file by its path.
    pub fn file(&self, path: &str) -> Result<&blobs::Descriptor, Problem> {
        let found = self.manifest.files().iter().find(|file| file.path() == path);
        found.ok_or_else(|| missing(path, self.id))
    }
}

/// There is no such file or folder.
pub fn missing(path: &str, id: ArtifactId) -> Problem {
    let message = format!("there is no {:?} in commit {}", shown(path), commit_of(id));
    Problem::unknown("path", "EntryNotFound", message)
}
