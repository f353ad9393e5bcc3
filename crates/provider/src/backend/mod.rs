//! What answers: a worker on this machine, or an OpenAI-compatible server.

mod hold;
mod upstream;
mod worker;

use api::{
    exchange::Refused,
    openai::{ChatRequest, TokenLogprob},
};
use ledger::{Finish, Usage};

pub use upstream::{Own, Upstream, check};

/// What answers the orders of an offer.
#[derive(Clone)]
pub enum Backend {
    /// A model in a worker process, with one of its adapters or none.
    Worker {
        /// The model.
        engine: engine::Engine,
        /// The adapter's id.
        adapter: Option<String>,
        /// How tokens are chosen where a request does not say.
        usual: engine::Sampling,
    },
    /// A server that already runs.
    Upstream(Upstream),
}

/// One step of an answer.
#[derive(Debug)]
pub enum Step {
    /// The input fits.
    Accepted {
        /// Input tokens, as far as they are known.
        input: u64,
    },
    /// The input has more tokens than were ordered.
    TooLong {
        /// Input tokens.
        input: u64,
    },
    /// The next tokens of the prompt.
    Prompt {
        /// True if nothing comes before the first of them.
        first: bool,
        /// If they were to be measured.
        logprobs: Vec<TokenLogprob>,
    },
    /// More text.
    Text {
        /// Whole characters; may be empty where only the counts changed.
        text: String,
        /// Input and output tokens so far.
        usage: Usage,
        /// If asked for.
        logprobs: Vec<TokenLogprob>,
    },
    /// The end.
    Done {
        /// Why.
        finish: Finish,
        /// Input and output tokens.
        usage: Usage,
        /// The text that ended it, if it was one of those that the request names.
        stop: Option<String>,
    },
    /// The request itself is at fault; it would fail anywhere.
    Unanswerable(Refused),
    /// It failed.
    Failed(String),
}

/// A running answer. Dropping it stops the model.
pub enum Running {
    Worker(worker::Running),
    Upstream(upstream::Running),
}

impl Backend {
    /// Begins to answer, within a limit of tokens. Within no tokens at all, a worker tells how many the input has.
    pub async fn begin(&self, request: &ChatRequest, limit: Usage) -> Result<Running, Refused> {
        match self {
            Self::Worker { engine, adapter, usual } => {
                worker::begin(engine, adapter.clone(), *usual, request, limit).await.map(Running::Worker)
            }
            Self::Upstream(upstream) => upstream.begin(request, limit).await.map(Running::Upstream),
        }
    }
}

impl Running {
    /// The next step. Nothing follows `TooLong`, `Unanswerable`, `Done` and `Failed`.
    pub async fn next(&mut self) -> Step {
        match self {
            Self::Worker(running) => running.next().await,
            Self::Upstream(running) => running.next().await,
        }
    }
}
