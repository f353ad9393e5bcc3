//! The ledger of a node: kept in this folder, or somebody else's, which is watched and passed on.

use api::{Ledger, Link, link::reason, witness::Cosigner};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
    routing::any,
};
use replica::watch::{
    Watched,
    witness::{self, Witness},
};
use reqwest::Url;
use std::{sync::Arc, time::Duration};

use super::routes::{no_route, problem};

/// What comes of it before the first byte.
const BEGINS: Duration = Duration::from_secs(30);

/// The ledger of a node.
#[derive(Clone)]
pub enum Side {
    /// In this process.
    Own(replica::Replica),
    /// At somebody's address, and this machine as its witness.
    Joined(Arc<Watched>, Witness),
}

impl Side {
    /// As the doors know it.
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        match self {
            Self::Own(replica) => Arc::new(replica.clone()),
            Self::Joined(watched, _) => Arc::clone(watched) as Arc<dyn Ledger>,
        }
    }

    /// `/ledger` and `/log`: answered here, or passed on. And what a witness answers.
    pub fn router(&self) -> anyhow::Result<Router> {
        Ok(match self {
            Self::Own(replica) => replica.router().merge(witness::router(None)),
            Self::Joined(watched, witness) => relay(watched.link())?.merge(witness::router(Some(witness.clone()))),
        })
    }

    /// As which this machine cosigns the heads of the ledger that it joined.
    pub fn cosigner(&self) -> Option<Cosigner> {
        match self {
            Self::Own(_) => None,
            Self::Joined(_, witness) => Some(witness.cosigner()),
        }
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        match self {
            Self::Own(replica) => replica.metrics(),
            Self::Joined(watched, _) => {
                let trusted = u8::from(watched.standing().trouble().is_none());
                format!("# TYPE pumasi_ledger_trusted gauge\npumasi_ledger_trusted {trusted}\n")
            }
        }
    }

    /// Why not everything works, if so.
    pub fn stopped(&self) -> Option<String> {
        match self {
            Self::Own(replica) => replica.stopped(),
            Self::Joined(..) => self.distrusted(),
        }
    }

    /// Why nothing may be ordered or answered, if so: the ledger that would pay for it is not what it was.
    pub fn distrusted(&self) -> Option<String> {
        match self {
            Self::Own(_) => None,
            Self::Joined(watched, _) => watched.standing().trouble().map(str::to_owned),
        }
    }

    /// What its owner should know.
    pub fn remarks(&self) -> Vec<String> {
        match self {
            Self::Own(_) => Vec::new(),
            Self::Joined(watched, _) => watched.remarks(),
        }
    }

    /// Leaves everything written. Blocks.
    pub fn close(&self) {
        if let Self::Own(replica) = self {
            replica.close();
        }
    }
}

/// Passes on what is asked about the ledger, and nothing else.
#[derive(Clone)]
struct Relay {
    to: Link,
    client: reqwest::Client,
}

fn relay(to: &Link) -> anyhow::Result<Router> {
    let client = to.client()?.read_timeout(BEGINS).build()?;
    let pass = || any(pass_on);
    Ok(Router::new()
        .route("/ledger", pass())
        .route("/ledger/{*path}", pass())
        .route("/log/{*path}", pass())
        .with_state(Relay { to: to.clone(), client }))
}

/// Where a path is at the ledger. `/ledger/../keys` looks like the ledger's here, and would not be there.
fn place(to: &Link, uri: &Uri) -> Option<Url> {
    let (base, asked) = (Url::parse(&to.address).ok()?, uri.path());
    let url = Url::parse(&format!("{}{}", to.address, uri.path_and_query()?)).ok()?;
    (url.path() == format!("{}{asked}", base.path().trim_end_matches('/'))).then_some(url)
}

/// True for what is read and does nothing. A ledger elsewhere must not have a browser run something at this address.
fn is_data(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default();
    ["application/json", "application/octet-stream", "text/plain"].iter().any(|data| kind.starts_with(data))
}

async fn pass_on(State(relay): State<Relay>, request: Request) -> Response {
    let Some(url) = place(&relay.to, request.uri()) else { return no_route(request).await };
    let operation = request.method() == Method::POST && request.uri().path() == "/ledger/operations";
    let asks = match *request.method() {
        Method::GET => relay.client.get(url),
        Method::POST if operation => {
            // One byte more than can be good: the ledger says then that it is too much.
            let Ok(body) = axum::body::to_bytes(request.into_body(), ledger::OPERATION_BYTES_MAX + 1).await else {
                return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "this is larger than any operation may be");
            };
            relay.client.post(url).body(body)
        }
        _ => {
            return problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "invalid_method",
                "the ledger is read here, and takes operations",
            );
        }
    };
    let answer = match asks.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let (address, reason) = (&relay.to.address, reason(&error));
            let message = format!("the ledger at {address} does not answer ({reason}); try again in a moment");
            return problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &message);
        }
    };
    let mut passed = Response::builder().status(answer.status());
    for name in [header::CONTENT_TYPE, header::CACHE_CONTROL, header::CONTENT_LENGTH] {
        if let Some(value) = answer.headers().get(&name).filter(|value| name != header::CONTENT_TYPE || is_data(value))
        {
            passed = passed.header(name, value);
        }
    }
    let passed = passed.body(Body::from_stream(answer.bytes_stream()));
    passed
        .unwrap_or_else(|_| problem(StatusCode::BAD_GATEWAY, "unavailable", "the ledger's answer cannot be passed on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_beside_the_ledger_is_passed_on() {
        for (to, asked, expected) in [
            ("http://10.0.0.1:7420", "/ledger", Some("http://10.0.0.1:7420/ledger")),
            (
                "https://a.example/x",
                "/log/tile/0/x001/002.p/3?a=b",
                Some("https://a.example/x/log/tile/0/x001/002.p/3?a=b"),
            ),
            ("http://10.0.0.1:7420", "/ledger/../metrics", None),
            ("http://10.0.0.1:7420", "/ledger/%2e%2E/keys", None),
            ("http://10.0.0.1:7420", "/ledger/..%5ckeys", Some("http://10.0.0.1:7420/ledger/..%5ckeys")),
            ("http://10.0.0.1:7420", "/ledger/.", None),
        ] {
            let found = place(&to.parse().unwrap(), &asked.parse().unwrap());
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{asked}");
        }
    }
}
