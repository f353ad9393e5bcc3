//! What is offered, and how it is answered: what the books keep of it.

use api::offers::{Fee, Server};
use ledger::{ArtifactId, Rates};
use serde::{Deserialize, Serialize};

/// What a provider asks for each token, if nobody says otherwise: 0.1 and 0.2 credits per million.
const FEE: Rates = Rates { input: 100_000, output: 200_000 };
/// Tokens of a conversation, if nobody says otherwise and the model can.
const CONTEXT: u32 = 4_096;
/// A context is within these.
pub const CONTEXT_MIN: u32 = 16;
pub const CONTEXT_MAX: u32 = 1 << 24;

/// What is to be offered, and how it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is offered.
    #[serde(with = "api::text")]
    pub artifact: ArtifactId,
    /// What is asked for each token.
    pub fee: Fee,
    /// What answers.
    pub by: By,
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum By {
    /// A worker here.
    Worker {
        /// The model that it loads, where an adapter is offered.
        base: Option<Base>,
        /// The most tokens of one conversation; less if the model was trained with less.
        context: u32,
        /// Threads; none for what suits the model.
        threads: Option<u32>,
    },
    /// A server that already runs.
    Upstream {
        /// Which, and how it is asked.
        server: Server,
        /// The most tokens of one conversation; none for what the server tells.
        context: Option<u32>,
    },
}

/// The model that an adapter runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Base(#[serde(with = "api::text")] pub ArtifactId);

impl Plan {
    /// A model in a worker here, with the usual terms.
    pub fn model(artifact: ArtifactId) -> Self {
        Self { artifact, fee: FEE.into(), by: By::Worker { base: None, context: CONTEXT, threads: None } }
    }

    /// The same with another context or other threads, where something else than the model's server decides that.
    #[must_use]
    pub fn with(mut self, context: Option<u32>, threads: Option<u32>) -> Self {
        if let By::Worker { context: mine, threads: my_threads, .. } = &mut self.by {
            *mine = context.unwrap_or(*mine);
            *my_threads = threads.or(*my_threads);
        }
        self
    }

    /// The model that its worker loads, if there is one.
    pub fn base(&self) -> Option<ArtifactId> {
        match &self.by {
            By::Worker { base, .. } => Some(base.map_or(self.artifact, |base| base.0)),
            By::Upstream { .. } => None,
        }
    }

    /// The adapter that its worker answers with, if there is one.
    pub fn adapter(&self) -> Option<ArtifactId> {
        matches!(self.by, By::Worker { base: Some(_), .. }).then_some(self.artifact)
    }
}
