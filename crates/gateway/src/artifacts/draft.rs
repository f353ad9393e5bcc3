//! What is sent to publish something, and what is answered before it is: for the command line and the page alike.

use api::view::Bill;
use blobs::openness::Openness;
use ledger::{ArtifactId, Digest};
use serde::{Deserialize, Serialize};

/// The body of `POST /artifacts` and of `POST /artifacts/preview`. The files are in the store already.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// `name` or `name:tag`; without a tag it is `latest`.
    pub name: String,
    /// At least one.
    pub files: Vec<DraftFile>,
    /// None: as the files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Names or digests. None: as the files say, as far as it is published here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<String>>,
    /// None: as it stands, if these very files are published already, or else as the card says, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub royalty: Option<DraftRates>,
    /// None: as it stands, or else as the card says, or the publisher alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payees: Vec<DraftPayee>,
    /// An SPDX expression. None: as the files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Somebody else's work, brought here: it asks no royalty and is marked unclaimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// A file of an artifact.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftFile {
    /// Within the artifact, with `/`.
    pub path: String,
    /// Of its bytes.
    #[serde(with = "api::text")]
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// Pico-credits per token, which is micro-credits per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftRates {
    /// For each input token.
    pub input: u64,
    /// For each output token.
    pub output: u64,
}

/// Who is paid of a royalty.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftPayee {
    /// An account's name or id.
    pub account: String,
    /// Its part, compared with the others'.
    pub weight: u32,
}

/// Where an imported work comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Such as `https://huggingface.co/OWNER/NAME`.
    pub url: String,
    /// The commit or version there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Who made it, as far as the source says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
}

/// What an artifact is, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Weights that run on their own.
    Model,
    /// Weights that change a model.
    Adapter,
    /// Data.
    Dataset,
    /// Training or evaluation code.
    Recipe,
    /// Results of judging an artifact.
    Evaluation,
}

impl From<Kind> for ledger::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Model => Self::Model,
            Kind::Adapter => Self::Adapter,
            Kind::Dataset => Self::Dataset,
            Kind::Recipe => Self::Recipe,
            Kind::Evaluation => Self::Evaluation,
        }
    }
}

impl From<ledger::Kind> for Kind {
    fn from(kind: ledger::Kind) -> Self {
        match kind {
            ledger::Kind::Model => Self::Model,
            ledger::Kind::Adapter => Self::Adapter,
            ledger::Kind::Dataset => Self::Dataset,
            ledger::Kind::Recipe => Self::Recipe,
            ledger::Kind::Evaluation => Self::Evaluation,
        }
    }
}

impl Kind {
    /// As JSON and the command line write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Adapter => "adapter",
            Self::Dataset => "dataset",
            Self::Recipe => "recipe",
            Self::Evaluation => "evaluation",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Model, Self::Adapter, Self::Dataset, Self::Recipe, Self::Evaluation];
        let found = all.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| "expected model, adapter, dataset, recipe or evaluation".into())
    }
}

impl From<DraftRates> for ledger::Rates {
    fn from(rates: DraftRates) -> Self {
        Self { input: rates.input, output: rates.output }
    }
}

impl From<ledger::Rates> for DraftRates {
    fn from(rates: ledger::Rates) -> Self {
        Self { input: rates.input, output: rates.output }
    }
}

/// What would be published: the answer to `POST /artifacts/preview`, and, once it is, to `POST /artifacts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    /// The artifact's id.
    #[serde(with = "api::text")]
    pub id: ArtifactId,
    /// `publisher/name:tag`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// As the card says.
    pub title: Option<String>,
    /// Of weights, such as `llama`.
    pub architecture: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// How open it is, and what is missing.
    pub openness: Openness,
    /// What it asks of every use, for ever.
    pub royalty: DraftRates,
    /// Who is paid of it: names.
    pub payees: Vec<DraftPayee>,
    /// How many files it has.
    pub files: usize,
    /// And of how many bytes.
    pub bytes: u64,
    /// What it is built on: names.
    pub parents: Vec<String>,
    /// What the files say it is built on and is not published here.
    pub unresolved: Vec<String>,
    /// What the files say it is built on, is published here, and is not named as a parent.
    pub left_out: Vec<String>,
    /// What its name points at now, if that is something else.
    #[serde(default, with = "id_or_none")]
    pub replaces: Option<ArtifactId>,
    /// What an answer of a typical size costs beside the provider's fee, with everyone's line.
    pub price: Bill,
    /// What the publisher should know before it is for good.
    pub notes: Vec<String>,
    /// True if this very artifact stands already.
    pub published: bool,
}

mod id_or_none {
    //! An id as text, or null.
    use ledger::ArtifactId;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(id: &Option<ArtifactId>, serializer: S) -> Result<S::Ok, S::Error> {
        id.map(|id| id.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ArtifactId>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
