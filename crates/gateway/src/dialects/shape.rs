//! Whose words an error is told in. Handlers give a [`Problem`], whoever asks; here it gets the form that the client
//! expects, and so do the refusals that the router makes itself.

use api::{anthropic, ollama, openrouter, registry};
use axum::{
    Json,
    extract::{OriginalUri, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::answer::too_long;
use crate::{error::Problem, hub};

/// Names a request in answers, errors and reports.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Anthropic's name of the same.
const ANTHROPIC_ID: HeaderName = HeaderName::from_static("request-id");
/// Every client of Anthropic's API sends it.
const ANTHROPIC_VERSION: &str = "anthropic-version";

/// Ends of the paths below which models are asked, and so money is spent.
const ASKING: &[&str] = &[
    "/chat/completions",
    "/completions",
    "/messages",
    "/responses",
    "/embeddings",
    "/api/chat",
    "/api/generate",
    "/api/embed",
];

/// The name of a request, for whoever tells of it while it is answered.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Marks a request of OpenRouter's clients.
#[derive(Debug, Clone, Copy)]
struct OpenRouters;

/// True for a request of OpenRouter's clients, who want other errors within a stream, too.
pub fn is_openrouters(request: &Request) -> bool {
    request.extensions().get::<OpenRouters>().is_some()
}

/// Whose API a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    OpenAi,
    /// What it adds to OpenAI's stands below its own prefix.
    OpenRouter,
    Anthropic,
    Ollama,
    /// Not of models, but of files.
    Registry,
    /// The same.
    Hub,
}

impl Dialect {
    fn of(path: &str, headers: &HeaderMap) -> Self {
        if path.starts_with("/v2/") {
            return Self::Registry;
        }
        if hub::is_hubs(path) {
            return Self::Hub;
        }
        let below_api = path.strip_prefix("/api");
        match below_api.unwrap_or(path).strip_prefix("/v1/") {
            Some(rest) if rest == "messages" || rest.starts_with("messages/") => Self::Anthropic,
            Some(_) if is_anthropics(headers) => Self::Anthropic,
            Some(_) if below_api.is_some() => Self::OpenRouter,
            None if path.starts_with("/api/") && path != "/api/v1" => Self::Ollama,
            _ => Self::OpenAi,
        }
    }

    fn answer(self, problem: &Problem, request_id: Option<&str>) -> Response {
        let (status, detail) = (problem.status, &problem.detail);
        match self {
            Self::OpenAi => (status, Json(problem.body_json())).into_response(),
            Self::OpenRouter => (status, Json(openrouter::ErrorBody::of(status.as_u16(), detail))).into_response(),
            Self::Anthropic => {
                let error = anthropic_detail(problem);
                let body =
                    anthropic::ErrorBody { kind: "error".into(), error, request_id: request_id.map(str::to_owned) };
                (status, Json(body)).into_response()
            }
            Self::Ollama => (status, Json(ollama::ErrorBody { error: named(detail) })).into_response(),
            Self::Registry => {
                let code = detail.code.as_deref().unwrap_or("unknown").to_ascii_uppercase();
                let errors = vec![registry::ErrorDetail { code, message: detail.message.clone() }];
                (status, Json(registry::ErrorBody { errors })).into_response()
            }
            Self::Hub => hub::told(problem),
        }
    }
}

/// True if a client of Anthropic's asks, on paths that others have, too.
pub fn is_anthropics(headers: &HeaderMap) -> bool {
    headers.contains_key(ANTHROPIC_VERSION)
}

/// What went wrong, in Anthropic's words.
pub fn anthropic_detail(problem: &Problem) -> anthropic::ErrorDetail {
    let kind = match problem.status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 => "overloaded_error",
        _ => "api_error",
    };
    anthropic::ErrorDetail { kind: kind.into(), message: named(&problem.detail) }
}

/// The message of an error whose form has no place for the field that is at fault.
pub fn named(detail: &api::openai::ErrorDetail) -> String {
    match &detail.param {
        Some(param) if !detail.message.starts_with(param.as_str()) => format!("{param}: {}", detail.message),
        _ => detail.message.clone(),
    }
}

/// Names the request, and gives what went wrong the form that its client expects.
pub async fn shaped(mut request: Request, next: Next) -> Response {
    let dialect = Dialect::of(request.uri().path(), request.headers());
    let asked = format!("{} {}", request.method(), request.uri().path());
    let id = new_id();
    if let Some(id) = &id {
        request.extensions_mut().insert(RequestId(id.clone()));
    }
    if dialect == Dialect::OpenRouter {
        request.extensions_mut().insert(OpenRouters);
    }
    let mut response = next.run(request).await;
    let told = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = told.or_else(|| routers(&response, &asked)) {
        let shaped = dialect.answer(&problem, id.as_deref());
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            response.headers_mut().remove(name);
        }
        let (parts, body) = shaped.into_parts();
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
    }
    named_by(dialect, id, response)
}

/// A name for a request.
fn new_id() -> Option<String> {
    let mut random = [0; 12];
    getrandom::fill(&mut random).ok().map(|()| format!("req_{}", hex::encode(random)))
}

/// An answer whose headers name its request.
fn named_by(dialect: Dialect, id: Option<String>, mut response: Response) -> Response {
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        if dialect == Dialect::Anthropic {
            response.headers_mut().insert(ANTHROPIC_ID, id.clone());
        }
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// What the router refused by itself: a method, a path that is no text, a query.
fn routers(response: &Response, asked: &str) -> Option<Problem> {
    let status = response.status();
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if !status.is_client_error() || json {
        return None;
    }
    Some(match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let message = format!("there is no {asked} here; the header allow says what there is");
            Problem::refused(status, "method_not_allowed", message)
        }
        StatusCode::PAYLOAD_TOO_LARGE => too_long(),
        _ => Problem::refused(status, "invalid_request", format!("{asked} cannot be read: {status}")),
    })
}

/// There is no such route.
pub async fn no_route(OriginalUri(uri): OriginalUri) -> Problem {
    unknown(uri.path())
}

fn unknown(path: &str) -> Problem {
    let message = format!("there is no {path} here; GET /openapi.json lists what there is");
    Problem::refused(StatusCode::NOT_FOUND, "route_not_found", message)
}

/// Nothing is at the path of a request, nor below where its dialect has routes.
pub fn nowhere(path: &str, headers: &HeaderMap) -> Response {
    outside(path, headers, &unknown(path))
}

/// True if a model is asked by a request with this path, in any dialect.
pub fn asks(path: &str) -> bool {
    ASKING.iter().any(|end| path.ends_with(end))
}

/// Nobody answers now: the refusal of a request with this path, in its own dialect.
pub fn refuse(path: &str, headers: &HeaderMap, why: &str) -> Response {
    outside(path, headers, &Problem::unavailable(why))
}

/// The same of a request whose body was not waited for.
pub fn too_slow(path: &str, headers: &HeaderMap, why: &str) -> Response {
    outside(path, headers, &Problem::refused(StatusCode::REQUEST_TIMEOUT, "body_too_slow", why))
}

/// What is told before a request comes to its dialect: it has a name all the same.
fn outside(path: &str, headers: &HeaderMap, problem: &Problem) -> Response {
    let (dialect, id) = (Dialect::of(path, headers), new_id());
    let answer = dialect.answer(problem, id.as_deref());
    named_by(dialect, id, answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_whose_words_are_expected() {
        let none = HeaderMap::new();
        for (path, dialect) in [
            ("/v1/chat/completions", Dialect::OpenAi),
            ("/v1/nothing", Dialect::OpenAi),
            ("/api/v1/credits", Dialect::OpenRouter),
            ("/api/v1/chat/completions", Dialect::OpenRouter),
            ("/api/v1", Dialect::OpenAi),
            ("/keys", Dialect::OpenAi),
            ("/v1/messages", Dialect::Anthropic),
            ("/v1/messages/count_tokens", Dialect::Anthropic),
            ("/api/v1/messages", Dialect::Anthropic),
            ("/v1/messagesandmore", Dialect::OpenAi),
            ("/api/chat", Dialect::Ollama),
            ("/api/nothing", Dialect::Ollama),
            ("/v2/", Dialect::Registry),
            ("/v2/kim/tiny/tags/list", Dialect::Registry),
            ("/v2x", Dialect::OpenAi),
            ("/api/models/kim/tiny", Dialect::Hub),
            ("/kim/tiny/resolve/main/config.json", Dialect::Hub),
        ] {
            assert_eq!(Dialect::of(path, &none), dialect, "{path}");
        }
        let sent = HeaderMap::from_iter([(HeaderName::from_static(ANTHROPIC_VERSION), "2023-06-01".parse().unwrap())]);
        assert_eq!(Dialect::of("/v1/models", &sent), Dialect::Anthropic);
        assert_eq!(Dialect::of("/api/tags", &sent), Dialect::Ollama);
    }

    #[tokio::test]
    async fn a_node_that_stops_says_so_in_the_dialects_own_words() {
        for (path, begins) in [
            ("/v1/chat/completions", "{\"error\":{\"message\":\"later\""),
            ("/v1/messages", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"later\"}"),
            ("/api/v1/chat/completions", "{\"error\":{\"code\":503,\"message\":\"later\",\"metadata\":{"),
            ("/api/chat", "{\"error\":\"later\"}"),
        ] {
            let refused = refuse(path, &HeaderMap::new(), "later");
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
            let body = axum::body::to_bytes(refused.into_body(), 1_000).await.unwrap();
            assert!(body.starts_with(begins.as_bytes()), "{path}: {}", String::from_utf8_lossy(&body));
            assert_eq!(too_slow(path, &HeaderMap::new(), "later").status(), StatusCode::REQUEST_TIMEOUT);
        }
    }

    #[tokio::test]
    async fn a_refusal_outside_of_a_dialect_names_its_request_in_body_and_headers_alike() {
        for refused in
            [refuse("/v1/messages", &HeaderMap::new(), "a"), too_slow("/v1/messages", &HeaderMap::new(), "a")]
        {
            let (head, body) = refused.into_parts();
            let body = axum::body::to_bytes(body, 1_000).await.unwrap();
            let body: anthropic::ErrorBody = serde_json::from_slice(&body).unwrap();
            let id = body.request_id.unwrap();
            assert!(id.starts_with("req_"));
            assert!([ANTHROPIC_ID, REQUEST_ID].iter().all(|name| head.headers[name] == id));
        }
        let other = refuse("/v1/chat/completions", &HeaderMap::new(), "a");
        assert!(other.headers().contains_key(REQUEST_ID) && !other.headers().contains_key(ANTHROPIC_ID));
    }

    #[test]
    fn what_asks_a_model_is_known_by_its_path() {
        let asking = ["/v1/chat/completions", "/api/v1/completions", "/v1/messages", "/api/chat", "/api/generate"];
        assert!(asking.into_iter().all(asks));
        assert!(!["/v1/models", "/v1/messages/count_tokens", "/api/tags", "/exchange/answers"].into_iter().any(asks));
    }
}
