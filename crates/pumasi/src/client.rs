//! The command line as a client of the running node.

use anyhow::{Context as _, bail};
use reqwest::{Method, Response};
use serde::{Serialize, de::DeserializeOwned};

use crate::{home::Home, t};

/// A connection to the running node.
pub struct Client {
    http: reqwest::Client,
    address: String,
    token: String,
}

impl Client {
    /// The node of this folder, with its owner's token.
    pub fn owner(home: &Home) -> anyhow::Result<Self> {
        let token = home.owner_token()?;
        Self::with(home, token)
    }

    /// The node of this folder, with the API key of `PUMASI_API_KEY` or the folder's first one.
    pub fn user(home: &Home) -> anyhow::Result<Self> {
        let named = std::env::var("PUMASI_API_KEY").ok().filter(|key| !key.is_empty());
        let key = match named {
            Some(key) => Some(key),
            None => home.read("api-key")?,
        };
        let key = key.with_context(|| {
            t!(
                "no API key: make one with `pumasi key new`, and set PUMASI_API_KEY",
                "API 키가 없습니다: `pumasi key new`로 만들어 PUMASI_API_KEY에 넣으세요"
            )
        })?;
        Self::with(home, key)
    }

    /// Somebody else's node, asked without a token.
    pub fn stranger(link: &api::Link) -> anyhow::Result<Self> {
        Ok(Self { http: link.client()?.build()?, address: link.address.clone(), token: String::new() })
    }

    fn with(home: &Home, token: String) -> anyhow::Result<Self> {
        let address = home.running()?.address;
        // It is on this machine, whatever proxy the others are behind.
        Ok(Self { http: reqwest::Client::builder().no_proxy().build()?, address, token })
    }

    /// Where the node listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request; an answer that is an error becomes its sentence.
    pub async fn send<B: Serialize>(&self, method: Method, path: &str, body: Option<&B>) -> anyhow::Result<Response> {
        let mut request = self.http.request(method, format!("{}{path}", self.address));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = self.answered(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        let body = serde_json::from_str::<api::openai::ErrorBody>(&text);
        match body {
            Ok(body) => bail!("{} (HTTP {})", body.error.message, status.as_u16()),
            Err(_) => bail!("HTTP {status}: {}", text.trim()),
        }
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Response> {
        request.send().await.with_context(|| {
            let address = &self.address;
            t!(
                "nothing answers at {address}; start it with: pumasi up",
                "{address}에서 답이 없습니다. 먼저 켜세요: pumasi up"
            )
        })
    }

    /// GET, read as JSON whether or not it went well.
    pub async fn get_any<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.http.get(format!("{}{path}", self.address)).bearer_auth(&self.token);
        Ok(self.answered(request).await?.json().await?)
    }

    /// GET, read as JSON.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        Ok(self.send::<()>(Method::GET, path, None).await?.json().await?)
    }

    /// POST, read as JSON.
    pub async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> anyhow::Result<T> {
        Ok(self.send(Method::POST, path, Some(body)).await?.json().await?)
    }
}
