//! The ledger elsewhere: [`Ledger`] over a replica's HTTP.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /ledger/genesis` | [`Genesis`] |
//! | `POST /ledger/operations` (a signed operation) | `Result<Applied, (reject's number, entry)>` |
//! | `GET /ledger/state/{hex of a key}` | `Option<Record>` |
//! | `GET /ledger/list/{hex of a List}` | `Vec<(Key, Record)>` |
//! | `GET /ledger/settled/{channel}/{number}` | `Option<Settled>` |
//! | `GET /ledger/received/{account}/{entry}` | `Vec<Received>` |
//! | `GET /ledger/earnings/{account}/{days}` | [`Earnings`] |
//! | `GET /ledger/used` | `Vec<(ArtifactId, Usage)>` |
//! | `GET /log/checkpoint` | a signed note |
//!
//! All but the last are canonical encodings, `application/octet-stream`. What a stranger answers is read up to a bound. Reads
//! that fail at once are tried again, because a connection that waited too long breaks when it is used.

use async_trait::async_trait;
use borsh::BorshDeserialize;
use ledger::{AccountId, ArtifactId, ChannelId, Genesis, Key, Record, Reject, Request, Signed, Usage, encode};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

use crate::{
    Applied, Ledger, LedgerError, Link, List, Settled,
    income::{Earnings, Received},
    link::{read_body, reason},
    log,
};

/// What `POST /ledger/operations` answers: applied, or the reject's number and where it is journaled.
pub type SubmitAnswer = Result<Applied, (u16, Option<u64>)>;

/// The longest answer about one thing, and the longest list.
const ANSWER_MAX: usize = 1 << 20;
const LIST_MAX: usize = 256 << 20;
/// A list of that length over a slow line.
const ANSWERED: Duration = Duration::from_secs(60);
/// No byte for so long: nobody is there.
const SILENCE: Duration = Duration::from_secs(10);
/// Reads are tried so often, within so much time.
const TRIES: u32 = 3;
const TRY_WITHIN: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// A ledger at an address.
#[derive(Debug, Clone)]
pub struct HttpLedger {
    link: Link,
    client: reqwest::Client,
    genesis: Arc<OnceCell<Arc<Genesis>>>,
}

impl HttpLedger {
    /// The ledger at a link. Nothing is sent yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(link: Link) -> Result<Self, LedgerError> {
        let failed = |error: String| LedgerError::Nonsense(error);
        let client = link.client().map_err(|error| failed(error.to_string()))?;
        let client = client.read_timeout(SILENCE).timeout(ANSWERED).build().map_err(|error| failed(reason(&error)))?;
        Ok(Self { link, client, genesis: Arc::default() })
    }

    /// Where it is.
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// The newest signed tree head as it is served. Nobody checked who signed it.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn unchecked_note(&self) -> Result<String, LedgerError> {
        let note = self.read("/log/checkpoint", ANSWER_MAX).await?;
        String::from_utf8(note).map_err(|_| LedgerError::Nonsense("its tree head is not text".into()))
    }

    async fn get_encoded<T: BorshDeserialize>(&self, path: &str, bytes_max: usize) -> Result<T, LedgerError> {
        decoded(&self.read(path, bytes_max).await?)
    }

    /// Reads what has no effect, and so may be asked for again.
    async fn read(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, LedgerError> {
        let (begun, mut tries) = (Instant::now(), 1);
        loop {
            match self.bytes(self.client.get(self.url(path)), bytes_max).await {
                Err(LedgerError::Unreachable { .. }) if tries < TRIES && begun.elapsed() < TRY_WITHIN => {
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn bytes(&self, request: reqwest::RequestBuilder, bytes_max: usize) -> Result<Vec<u8>, LedgerError> {
        let answer = request.send().await.map_err(|error| self.unreachable(reason(&error)))?;
        let status = answer.status();
        let body = read_body(answer, bytes_max).await.map_err(|reason| self.unreachable(reason))?;
        if status.is_success() {
            return Ok(body);
        }
        let said: String = String::from_utf8_lossy(&body).trim().chars().take(500).collect();
        let said = format!("HTTP {status}: {said}");
        // A server's error may pass; a client's is for ever: there is no ledger, or one that speaks otherwise.
        Err(if status.is_server_error() { self.unreachable(said) } else { LedgerError::Nonsense(said) })
    }

    fn unreachable(&self, reason: String) -> LedgerError {
        LedgerError::Unreachable { address: self.link.address.clone(), reason }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.link.address)
    }
}

fn decoded<T: BorshDeserialize>(bytes: &[u8]) -> Result<T, LedgerError> {
    ledger::decode(bytes).map_err(|_| LedgerError::Nonsense("not the expected encoding".into()))
}

#[async_trait]
impl Ledger for HttpLedger {
    async fn genesis(&self) -> Result<Arc<Genesis>, LedgerError> {
        let fetch = || async { self.get_encoded("/ledger/genesis", ANSWER_MAX).await.map(Arc::new) };
        self.genesis.get_or_try_init(fetch).await.cloned()
    }

    async fn submit(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
        let request = self.client.post(self.url("/ledger/operations")).body(encode(operation));
        match decoded::<SubmitAnswer>(&self.bytes(request, ANSWER_MAX).await?)? {
            Ok(applied) => Ok(applied),
            Err((number, entry)) => match Reject::from_number(number) {
                Some(reject) => Err(LedgerError::Rejected { reject, entry }),
                None => Err(LedgerError::Nonsense(format!("refusal number {number} is not known here"))),
            },
        }
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError> {
        self.get_encoded(&format!("/ledger/state/{}", hex::encode(encode(key))), ANSWER_MAX).await
    }

    async fn list(&self, list: List) -> Result<Vec<(Key, Record)>, LedgerError> {
        self.get_encoded(&format!("/ledger/list/{}", hex::encode(encode(&list))), LIST_MAX).await
    }

    async fn settled(&self, channel: ChannelId, number: u64) -> Result<Option<Settled>, LedgerError> {
        self.get_encoded(&format!("/ledger/settled/{channel}/{number}"), ANSWER_MAX).await
    }

    async fn received(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError> {
        self.get_encoded(&format!("/ledger/received/{account}/{from}"), ANSWER_MAX).await
    }

    async fn earnings(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError> {
        self.get_encoded(&format!("/ledger/earnings/{account}/{days}"), ANSWER_MAX).await
    }

    async fn used(&self) -> Result<Vec<(ArtifactId, Usage)>, LedgerError> {
        self.get_encoded("/ledger/used", LIST_MAX).await
    }

    async fn head(&self) -> Result<log::SignedHead, LedgerError> {
        let genesis = self.genesis().await?;
        let note = self.unchecked_note().await?;
        let head = log::open_note(&note, &genesis.origin, &genesis.replicas).map_err(LedgerError::Nonsense)?;
        Ok(log::SignedHead { head, note })
    }
}
