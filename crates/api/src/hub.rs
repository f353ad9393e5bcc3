//! The Hugging Face Hub's API, as far as an exchange has what it is about. Unknown fields are ignored, as the Hub does. Times are
//! RFC 3339. Source: the requests of `huggingface_hub` 2.4, and <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer to `GET /api/whoami-v2`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Who {
    /// Always `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The account's id.
    pub id: String,
    /// Its name: what stands before the slash of its repositories.
    pub name: String,
    /// The same.
    pub fullname: String,
    /// Nobody acts for several here.
    pub orgs: Vec<()>,
    /// What the token may do.
    pub auth: Auth,
}

/// By what somebody is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Auth {
    /// Always `access_token`.
    #[serde(rename = "type")]
    pub kind: String,
    /// It.
    #[serde(rename = "accessToken")]
    pub access_token: AccessToken,
}

/// What a token may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    /// Its name.
    pub display_name: String,
    /// `write` publishes; `read` does not.
    pub role: String,
}

/// The body of `POST /api/repos/create`.
#[derive(Debug, Clone, Deserialize)]
pub struct NewRepository {
    /// What stands after the slash.
    pub name: String,
    /// What stands before it; none: the account's own name.
    pub organization: Option<String>,
    /// `model`, which is meant if nothing is said, or `dataset`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Older clients say it so.
    #[serde(default)]
    pub private: Option<bool>,
    /// `public`, which is meant if nothing is said, or else.
    #[serde(default)]
    pub visibility: Option<String>,
}

/// Where a repository is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RepositoryUrl {
    /// For people and clients.
    pub url: String,
    /// `publisher/name`.
    pub name: String,
    /// The same.
    pub id: String,
    /// That it is there already. Clients to which this is good go on with the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A repository at one of its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// `publisher/name`.
    pub id: String,
    /// The same, of models, for older clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// The publisher.
    pub author: String,
    /// The commit.
    pub sha: String,
    /// When this version was published.
    pub last_modified: String,
    /// When the first one was.
    pub created_at: String,
    /// Always false, like the next two: what is published is for all.
    pub private: bool,
    /// See above.
    pub gated: bool,
    /// See above.
    pub disabled: bool,
    /// Facts as `name:value`, as the Hub writes them, and the architecture.
    pub tags: Vec<String>,
    /// Facts.
    pub card_data: CardData,
    /// Files; not in a list of repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub siblings: Option<Vec<Sibling>>,
}

/// Facts about a repository, as the ledger has them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CardData {
    /// An SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What it was made from and is no dataset: names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_model: Vec<String>,
    /// Datasets it was made from: names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<String>,
}

/// A file in a description of a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sibling {
    /// Its path.
    pub rfilename: String,
    /// Bytes.
    pub size: u64,
    /// The first forty digits of its SHA-256.
    #[serde(rename = "blobId")]
    pub blob_id: String,
    /// Every file is one of Git LFS.
    pub lfs: SiblingLfs,
}

/// A file's pointer, as a description of a repository writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiblingLfs {
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Bytes of the pointer.
    pub pointer_size: u64,
}

/// A file or folder of a tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// `file` or `directory`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a file the first forty digits of its SHA-256; of a folder those of the hash of what is below.
    pub oid: String,
    /// Bytes; of a folder 0.
    pub size: u64,
    /// From the root.
    pub path: String,
    /// Every file is one of Git LFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lfs: Option<EntryLfs>,
}

/// A file's pointer, as a tree writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryLfs {
    /// SHA-256 of the bytes.
    pub oid: String,
    /// Bytes.
    pub size: u64,
    /// Bytes of the pointer.
    pub pointer_size: u64,
}

/// The tags of a repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refs {
    /// `main`.
    pub branches: Vec<Ref>,
    /// Always empty.
    pub converts: Vec<Ref>,
    /// All tags.
    pub tags: Vec<Ref>,
}

/// A name of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ref {
    /// Short.
    pub name: String,
    /// As git writes it.
    #[serde(rename = "ref")]
    pub full: String,
    /// The version.
    pub target_commit: String,
}

/// A version in a history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Commit {
    /// The version.
    pub id: String,
    /// What whoever made it said in short, where that is known, or else what it is.
    pub title: String,
    /// What was said more, or else its digest here.
    pub message: String,
    /// Its publisher.
    pub authors: Vec<Author>,
    /// When.
    pub date: String,
}

/// Who made a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Author {
    /// A name, or an id.
    pub user: String,
}

/// The body of `POST …/preupload/{revision}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Preupload {
    /// What will be sent.
    pub files: Vec<Announced>,
}

/// A file that will be sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Announced {
    /// From the root.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// How files are to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ways {
    /// In the order of the question.
    pub files: Vec<Way>,
}

/// How a file is to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// From the root.
    pub path: String,
    /// `regular`, in the commit; or `lfs`, before it.
    pub upload_mode: String,
    /// Always false.
    pub should_ignore: bool,
}

/// A line of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "camelCase")]
pub enum Line {
    /// The first.
    Header(Header),
    /// A file whose bytes stand in it, under `content`.
    File(Inline),
    /// A file that was sent before.
    LfsFile(Sent),
    /// A file that goes.
    DeletedFile(Deleted),
    /// A folder that goes.
    DeletedFolder(Deleted),
}

/// What a commit says first. Its words are kept beside the version: one content is one version, whatever is said of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// What the revision must point at.
    #[serde(default)]
    pub parent_commit: Option<String>,
    /// Its words in short.
    #[serde(default)]
    pub summary: Option<String>,
    /// More of them.
    #[serde(default)]
    pub description: Option<String>,
}

/// A file within a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Inline {
    /// From the root.
    pub path: String,
    /// Always `base64`.
    pub encoding: String,
}

/// A file that was sent before the commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sent {
    /// From the root.
    pub path: String,
    /// Always `sha256`.
    pub algo: String,
    /// The hash.
    pub oid: String,
    /// Bytes; not all clients say it.
    #[serde(default)]
    pub size: Option<u64>,
}

/// What goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deleted {
    /// From the root.
    pub path: String,
}

/// A commit was published.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Committed {
    /// Always true.
    pub success: bool,
    /// Where clients expect it.
    pub commit_url: String,
    /// The version.
    pub commit_oid: String,
}

/// The body of `POST …/branch/{name}` and of `POST …/tag/{revision}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRef {
    /// Of a branch: what it points at; none: `main`.
    #[serde(default)]
    pub starting_point: Option<String>,
    /// Of a tag: its name.
    #[serde(default)]
    pub tag: Option<String>,
}

/// The body of `POST /api/validate-yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CardToCheck {
    /// The whole card.
    pub content: String,
    /// `model` or `dataset`.
    #[serde(default)]
    pub repo_type: Option<String>,
}

/// What is wrong with a card, and what was understood, which clients show as warnings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Checked {
    /// With any of them the status is 400.
    pub errors: Vec<Said>,
    /// The rest.
    pub warnings: Vec<Said>,
}

/// A sentence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    /// It.
    pub message: String,
}

/// The body of `POST …/info/lfs/objects/batch`.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch {
    /// `upload`.
    pub operation: String,
    /// What is to be sent.
    pub objects: Vec<Object>,
}

/// A file of Git LFS.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Object {
    /// SHA-256 of its bytes.
    pub oid: String,
    /// How many.
    pub size: u64,
}

/// How files of Git LFS are to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchAnswer {
    /// Always `basic`.
    pub transfer: String,
    /// In the order of the question.
    pub objects: Vec<ObjectAnswer>,
}

/// How a file of Git LFS is to be sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectAnswer {
    /// Which.
    #[serde(flatten)]
    pub object: Object,
    /// `upload` and then `verify`; none if the file is here already.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, Action>,
}

/// An address to send something to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Action {
    /// It.
    pub href: String,
}

/// The body of every error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: String,
}
