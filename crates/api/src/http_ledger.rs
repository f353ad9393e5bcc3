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
//! | `GET /log/checkpoint` | a signed note |
//!
//! All but the last are canonical encodings, `application/octet-stream`.

use async_trait::async_trait;
use borsh::BorshDeserialize;
use ledger::{AccountId, ChannelId, Genesis, Key, Record, Reject, Request, Signed, encode};
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

use crate::{
    Applied, Ledger, LedgerError, List, Settled,
    income::{Earnings, Received},
    log,
};

/// What `POST /ledger/operations` answers: applied, or the reject's number and where it is journaled.
pub type SubmitAnswer = Result<Applied, (u16, Option<u64>)>;

/// A ledger at an address.
#[derive(Debug, Clone)]
pub struct HttpLedger {
    base: String,
    client: reqwest::Client,
    genesis: Arc<OnceCell<Arc<Genesis>>>,
}

impl HttpLedger {
    /// The ledger at `http://host:port`. Nothing is sent yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(base: &str) -> Result<Self, LedgerError> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| LedgerError::Nonsense(error.to_string()))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), client, genesis: Arc::default() })
    }

    async fn call<T: BorshDeserialize>(&self, request: reqwest::RequestBuilder) -> Result<T, LedgerError> {
        ledger::decode(&self.bytes(request).await?)
            .map_err(|_| LedgerError::Nonsense("not the expected encoding".into()))
    }

    async fn bytes(&self, request: reqwest::RequestBuilder) -> Result<bytes::Bytes, LedgerError> {
        let unreachable = |error: reqwest::Error| LedgerError::Unreachable {
            address: self.base.clone(),
            reason: error.without_url().to_string(),
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return Ok(body);
        }
        let reason = format!("HTTP {status}: {}", String::from_utf8_lossy(&body).trim());
        Err(LedgerError::Unreachable { address: self.base.clone(), reason })
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

#[async_trait]
impl Ledger for HttpLedger {
    async fn genesis(&self) -> Result<Arc<Genesis>, LedgerError> {
        let fetch = || async { self.call(self.client.get(self.url("/ledger/genesis"))).await.map(Arc::new) };
        self.genesis.get_or_try_init(fetch).await.cloned()
    }

    async fn submit(&self, operation: &Signed<Request>) -> Result<Applied, LedgerError> {
        let request = self.client.post(self.url("/ledger/operations")).body(encode(operation));
        match self.call::<SubmitAnswer>(request).await? {
            Ok(applied) => Ok(applied),
            Err((number, entry)) => match Reject::from_number(number) {
                Some(reject) => Err(LedgerError::Rejected { reject, entry }),
                None => Err(LedgerError::Nonsense(format!("refusal number {number} is not known here"))),
            },
        }
    }

    async fn get(&self, key: &Key) -> Result<Option<Record>, LedgerError> {
        self.call(self.client.get(self.url(&format!("/ledger/state/{}", hex::encode(encode(key)))))).await
    }

    async fn list(&self, list: List) -> Result<Vec<(Key, Record)>, LedgerError> {
        self.call(self.client.get(self.url(&format!("/ledger/list/{}", hex::encode(encode(&list)))))).await
    }

    async fn settled(&self, channel: ChannelId, number: u64) -> Result<Option<Settled>, LedgerError> {
        self.call(self.client.get(self.url(&format!("/ledger/settled/{channel}/{number}")))).await
    }

    async fn received(&self, account: AccountId, from: u64) -> Result<Vec<Received>, LedgerError> {
        self.call(self.client.get(self.url(&format!("/ledger/received/{account}/{from}")))).await
    }

    async fn earnings(&self, account: AccountId, days: u32) -> Result<Earnings, LedgerError> {
        self.call(self.client.get(self.url(&format!("/ledger/earnings/{account}/{days}")))).await
    }

    async fn head(&self) -> Result<log::SignedHead, LedgerError> {
        let genesis = self.genesis().await?;
        let note = self.bytes(self.client.get(self.url("/log/checkpoint"))).await?;
        let note = String::from_utf8_lossy(&note).into_owned();
        let head = log::open_note(&note, &genesis.origin, &genesis.replicas).map_err(LedgerError::Nonsense)?;
        Ok(log::SignedHead { head, note })
    }
}
