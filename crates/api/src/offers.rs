//! Between an owner and the provider of his node: what is offered here, offering more, taking it back.
//!
//! | route | body | answer |
//! | --- | --- | --- |
//! | `GET /offers` | | [`OwnOffers`] |
//! | `POST /offers` | [`NewOffer`] | 202 and the [`OwnOffer`] that begins; `GET /offers` tells what became of its `number` |
//! | `DELETE /offers/{id}` | | 204; `id` is an offer's id, or an artifact's digest for everything that concerns it |

use ledger::{ArtifactId, Bound, OfferId, Rates};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What to offer, and at which terms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOffer {
    /// A model, or an adapter whose lineage has a model that is stored here.
    #[serde(with = "crate::text")]
    pub artifact: ArtifactId,
    /// None: what it was before, or else the usual fee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Fee>,
    /// The most tokens of one conversation. None: what it was before, or else the usual; of a server, what it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Threads of the worker. None: what it was before, or else what suits the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// A server that already runs the model. None: a worker here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Server>,
}

impl NewOffer {
    /// An offer of an artifact with what was before, or is usual.
    pub const fn usual(artifact: ArtifactId) -> Self {
        Self { artifact, fee: None, context: None, threads: None, upstream: None }
    }
}

/// An OpenAI-compatible server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where its API begins, such as `http://127.0.0.1:8000/v1`.
    pub url: String,
    /// What it calls the model. None: its only model, or the artifact's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The file with its key, readable by its owner alone. The key itself is never sent, kept or shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// How many tokens a request can have at most. None: [`TokenBound::SAFE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<TokenBound>,
}

/// Pico-credits per token, which is micro-credits per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// For each input token.
    pub input: u64,
    /// For each output token.
    pub output: u64,
}

/// [`Bound`] as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBound {
    /// Tokens per byte of text.
    pub per_byte: u16,
    /// Tokens per message, beside its text.
    pub per_message: u16,
    /// Tokens of every request.
    pub constant: u16,
}

impl TokenBound {
    /// Holds for tokenizers that take text as it is (no token is shorter than a byte) and for the templates of known models.
    pub const SAFE: Self = Self { per_byte: 1, per_message: 64, constant: 1_024 };
}

/// Everything that a provider offers, or tries to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnOffers {
    /// `list`.
    pub object: String,
    /// In the order in which they began.
    pub data: Vec<OwnOffer>,
}

/// Something that a provider offers, or tries to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OwnOffer {
    /// Names it as long as the node runs.
    pub number: u64,
    /// The offer on the ledger, once there is one.
    pub id: Option<String>,
    /// The artifact.
    pub artifact: String,
    /// `publisher/name:tag`, or the digest.
    pub name: String,
    /// How it is.
    pub state: OfferState,
    /// What is in the way, if it failed.
    pub message: Option<String>,
    /// What the owner should know.
    pub notes: Vec<String>,
    /// What answers.
    pub backend: BackendView,
    /// What is asked for each token.
    pub fee: Fee,
    /// The most tokens of one conversation, as far as it is known.
    pub context: Option<u32>,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Answers that run.
    pub running: u64,
    /// Answers since then.
    pub answered: u64,
    /// Input tokens of them.
    pub input: u64,
    /// Output tokens of them.
    pub output: u64,
}

/// How an offer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OfferState {
    /// Being checked and loaded; not on the ledger yet.
    Loading,
    /// Stands on the ledger and is answered.
    Running,
    /// Cannot be answered, and is not offered.
    Failed,
    /// Taken back; its last answers still run.
    Withdrawn,
}

/// What answers an offer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum BackendView {
    /// A worker process here.
    Worker {
        /// The model that an adapter runs on.
        base: Option<String>,
        /// Its process, while there is one.
        pid: Option<u32>,
        /// The memory of that process, the mapped model file included; known on Linux.
        memory_bytes: Option<u64>,
    },
    /// A server that already runs.
    Upstream {
        /// Where its API begins.
        url: String,
        /// What it calls the model.
        model: String,
    },
}

impl OwnOffer {
    /// The offer's id.
    pub fn offer(&self) -> Option<OfferId> {
        self.id.as_ref().and_then(|id| id.parse().ok())
    }
}

impl From<Fee> for Rates {
    fn from(fee: Fee) -> Self {
        Self { input: fee.input, output: fee.output }
    }
}

impl From<Rates> for Fee {
    fn from(rates: Rates) -> Self {
        Self { input: rates.input, output: rates.output }
    }
}

impl From<TokenBound> for Bound {
    fn from(bound: TokenBound) -> Self {
        Self { per_byte: bound.per_byte, per_message: bound.per_message, constant: bound.constant }
    }
}
