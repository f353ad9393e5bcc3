//! A machine that watches a ledger as its witness: C2SP tlog-witness. What it cosigns follows from the head that it remembers,
//! the same one by which it takes the ledger at its word, so it can never sign two heads that cannot both be true.

use api::{
    Ledger as _, LedgerError,
    log::{SignedHead, signers},
    witness::{AddCheckpoint, Cosigner, cosign},
};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ledger::{Digest, Head, Keypair, log_tree};
use std::sync::Arc;

use super::{Kept, Watched};
use crate::writer::now;

/// A request holds at most 63 hashes and a signed note.
const BODY_MAX: usize = 64 << 10;
/// The type of an answer that is a size, by C2SP tlog-witness.
const SIZE: &str = "text/x.tlog.size";

/// A witness.
#[derive(Debug, Clone)]
pub struct Witness {
    watched: Arc<Watched>,
    key: Arc<Keypair>,
}

impl Witness {
    /// Cosigns what is watched, by a key that signs nothing else.
    pub const fn new(watched: Arc<Watched>, key: Arc<Keypair>) -> Self {
        Self { watched, key }
    }

    /// As which it is known.
    pub fn cosigner(&self) -> Cosigner {
        let key = self.key.public();
        let tag: String = key.to_string().chars().take(16).collect();
        Cosigner { name: format!("pumasi.witness/{tag}"), key }
    }

    async fn add(&self, text: &str) -> Result<String, NotCosigned> {
        let add = AddCheckpoint::parse(text).ok_or(NotCosigned::Malformed)?;
        let accepted = self.watched.accept_grown(&add).await?;
        let line = cosign(&self.key, &self.cosigner().name, &accepted.note, now().0 / 1_000);
        line.ok_or(NotCosigned::Malformed)
    }
}

/// Why a head is not cosigned.
#[derive(Debug)]
pub(crate) enum NotCosigned {
    /// It is not such a request, or its old size is above the new one.
    Malformed,
    /// It is of another log.
    Unknown,
    /// No replica signed it, or the log contradicted itself.
    Untrusted(String),
    /// The remembered head is of another size, or of this size with another root.
    Other(u64),
    /// It is not proved that it follows.
    Unproved,
    /// The ledger's founding document could not be had.
    Away(LedgerError),
}

impl IntoResponse for NotCosigned {
    fn into_response(self) -> Response {
        let (status, said) = match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "this is no request by C2SP tlog-witness\n".into()),
            Self::Unknown => (StatusCode::NOT_FOUND, "this log is not watched here\n".into()),
            Self::Untrusted(why) => (StatusCode::FORBIDDEN, format!("{why}\n")),
            Self::Other(size) => {
                return (StatusCode::CONFLICT, [(CONTENT_TYPE, SIZE)], format!("{size}\n")).into_response();
            }
            Self::Unproved => (StatusCode::UNPROCESSABLE_ENTITY, "the proof does not lead to the new head\n".into()),
            Self::Away(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        };
        (status, said).into_response()
    }
}

impl Watched {
    /// Accepts a head that its log sent with the proof that it follows from the remembered one. Remembered before this returns.
    async fn accept_grown(&self, add: &AddCheckpoint) -> Result<SignedHead, NotCosigned> {
        let genesis = self.ledger.genesis().await.map_err(NotCosigned::Away)?;
        if add.note.lines().next() != Some(&genesis.origin) {
            return Err(NotCosigned::Unknown);
        }
        let (head, _) = signers(&add.note, &genesis.origin, &genesis.replicas).map_err(NotCosigned::Untrusted)?;
        if add.old > head.size {
            return Err(NotCosigned::Malformed);
        }
        let mut kept = self.kept.lock().await;
        self.not_contradicted().map_err(|error| NotCosigned::Untrusted(error.to_string()))?;
        let none = Head { size: 0, root: Digest::of(&[]) };
        let before = kept.as_ref().map_or(none, |kept| kept.signed.head);
        if add.old != before.size {
            return Err(NotCosigned::Other(before.size));
        }
        let shown = SignedHead { head, note: add.note.clone() };
        if let Some(kept) = kept.as_ref().filter(|_| before.size == head.size && before.root != head.root) {
            let size = head.size;
            let why =
                format!("it signed two heads over {size} entries, with the roots {} and {}", before.root, head.root);
            self.contradicted(&kept.signed, &shown, &why);
            return Err(NotCosigned::Other(size));
        }
        if !log_tree::extends(before, head, &add.proof) {
            return Err(NotCosigned::Unproved);
        }
        if before != head {
            self.files.remember(&shown).map_err(NotCosigned::Away)?;
            *kept = Some(Kept { signed: shown.clone(), frontier: None });
        }
        Ok(shown)
    }
}

/// `/add-checkpoint` and `/witness`, for a machine that watches a log or for one that does not.
pub fn router(witness: Option<Witness>) -> Router {
    Router::new().route("/add-checkpoint", post(add_checkpoint)).route("/witness", get(cosigner)).with_state(witness)
}

async fn add_checkpoint(State(witness): State<Option<Witness>>, body: Body) -> Response {
    let Some(witness) = witness else { return NotCosigned::Unknown.into_response() };
    let body = axum::body::to_bytes(body, BODY_MAX).await.ok();
    let Some(text) = body.and_then(|body| String::from_utf8(body.to_vec()).ok()) else {
        return NotCosigned::Malformed.into_response();
    };
    match witness.add(&text).await {
        Ok(line) => line.into_response(),
        Err(not) => not.into_response(),
    }
}

async fn cosigner(State(witness): State<Option<Witness>>) -> Response {
    match witness {
        Some(witness) => format!("{}\n", witness.cosigner()).into_response(),
        None => (StatusCode::NOT_FOUND, "no log is watched here\n").into_response(),
    }
}
