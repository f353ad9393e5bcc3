//! The command line as a client of the running node.

use anyhow::{Context as _, anyhow, bail};
use gateway::artifacts::ArtifactView;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

use crate::{home::Home, node::Network, print, t};

/// A stranger who is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// No refusal is longer.
const REFUSAL_MAX: usize = 64 << 10;

/// A path and query whose parts may hold anything: `["artifacts", "you/x"]` becomes `/artifacts/you%2Fx`.
pub fn path(parts: &[&str], query: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("http://node") else { return String::new() };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().extend(parts);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path())
}

/// A connection to the running node.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: String,
    token: String,
}

/// The node answered that it does not do it.
#[derive(Debug)]
pub struct Refused {
    status: u16,
    message: String,
}

impl Refused {
    /// True if it was not done and will not be; false if it may have been, or may be at another try.
    pub const fn is_for_good(&self) -> bool {
        self.status < 500
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (HTTP {})", self.message, self.status)
    }
}

impl std::error::Error for Refused {}

impl Client {
    /// The node of this folder, with its owner's token.
    pub fn owner(home: &Home) -> anyhow::Result<Self> {
        // Where nothing runs there may not even be a folder for a token.
        home.running()?;
        Self::with(home, home.owner_token()?)
    }

    /// The same for what only a gateway does.
    ///
    /// # Errors
    /// If this machine joined as a provider alone: a sentence that says what to do.
    pub fn gateway(home: &Home) -> anyhow::Result<Self> {
        if Network::read(home)?.is_some_and(|network| !network.gateway) {
            let command = home.command();
            bail!(t!(
                "this machine joined as a provider alone, and only a gateway does this: stop it, and start it with: {command} up --gateway --provider",
                "이 컴퓨터는 공급자로만 함께하고 있는데, 이 일은 게이트웨이가 합니다. 끄고 이렇게 다시 켜세요: {command} up --gateway --provider"
            ));
        }
        Self::owner(home)
    }

    /// The same for what only a provider does.
    ///
    /// # Errors
    /// If this machine joined as a gateway alone: a sentence that says what to do.
    pub fn provider(home: &Home) -> anyhow::Result<Self> {
        if Network::read(home)?.is_some_and(|network| !network.provider) {
            let command = home.command();
            bail!(t!(
                "this machine joined as a gateway alone, and only a provider does this: stop it, and start it with: {command} up --gateway --provider",
                "이 컴퓨터는 게이트웨이로만 함께하고 있는데, 이 일은 공급자가 합니다. 끄고 이렇게 다시 켜세요: {command} up --gateway --provider"
            ));
        }
        Self::owner(home)
    }

    /// The node of this folder, with the API key of `PUMASI_API_KEY` or the folder's first one.
    pub fn user(home: &Home) -> anyhow::Result<Self> {
        Self::gateway(home)?;
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
        let http = link.client()?.read_timeout(SILENCE).build()?;
        Ok(Self { http, address: link.address.clone(), token: String::new() })
    }

    /// The same with an API key of it, if there is one.
    pub fn with_key(self, key: Option<String>) -> Self {
        Self { token: key.unwrap_or_default(), ..self }
    }

    /// A GET whose answer its caller reads as it comes.
    pub fn request(&self, path: &str) -> RequestBuilder {
        let request = self.http.get(format!("{}{path}", self.address));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
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
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await) }
    }

    /// An artifact by any of its names.
    pub async fn artifact(&self, name: &str) -> anyhow::Result<ArtifactView> {
        self.get(&path(&["artifacts", named(name)?], &[])).await
    }

    async fn answered(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        request.send().await.map_err(|error| {
            let (address, why) = (&self.address, api::link::reason(&error));
            match self.token.is_empty() {
                true => anyhow!(t!(
                    "nothing answers at {address} ({why}); look at the address, or try again later",
                    "{address}에서 답이 없습니다({why}). 주소를 살피거나 나중에 다시 해 보세요"
                )),
                false => anyhow!(t!(
                    "nothing answers at {address} ({why}); start it with: pumasi up",
                    "{address}에서 답이 없습니다({why}). 먼저 켜세요: pumasi up"
                )),
            }
        })
    }

    /// GET, read as JSON whether or not it went well.
    pub async fn get_any<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.http.get(format!("{}{path}", self.address)).bearer_auth(&self.token);
        Ok(self.answered(request).await?.json().await?)
    }

    /// GET of a text that is not longer than so many bytes.
    pub async fn text(&self, path: &str, bytes_max: usize) -> anyhow::Result<String> {
        let answer = self.send::<()>(Method::GET, path, None).await?;
        let bytes = api::link::read_body(answer, bytes_max).await.map_err(anyhow::Error::msg)?;
        Ok(String::from_utf8(bytes)?)
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

/// What a node says is wrong.
pub async fn refusal(answer: Response) -> anyhow::Error {
    let status = answer.status();
    let text = api::link::read_body(answer, REFUSAL_MAX).await.unwrap_or_default();
    match serde_json::from_slice::<api::openai::ErrorBody>(&text) {
        Ok(body) => Refused { status: status.as_u16(), message: print::of_node(body.error.message) }.into(),
        Err(_) => anyhow!("HTTP {status}: {}", String::from_utf8_lossy(&text).trim()),
    }
}

/// A name of an artifact as a part of a path: an address would leave some out.
pub fn named(name: &str) -> anyhow::Result<&str> {
    if matches!(name.trim(), "" | "." | "..") {
        bail!(t!("{name:?} is no name of an artifact", "{name:?}은(는) 이름이 아닙니다"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_holds_anything() {
        assert_eq!(super::path(&["artifacts", "you/한:1 ?#%"], &[]), "/artifacts/you%2F%ED%95%9C:1%20%3F%23%25");
        assert_eq!(super::path(&["artifacts"], &[("q", "a&b 한")]), "/artifacts?q=a%26b+%ED%95%9C");
        assert_eq!(super::path(&["artifacts", ".."], &[]), "/artifacts", "never above");
    }
}
