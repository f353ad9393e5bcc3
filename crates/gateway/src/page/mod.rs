//! The web page: its files, which are built into the program, and plain HTML for whoever reads without script.
//!
//! What strangers wrote is served from the same address as the page, so every answer says what a browser may do with it: the
//! page runs its own script and talks to this address alone, and nothing else runs at all. `docs/page.md` has the whole of it.

mod files;
mod plain;
mod wanted;
mod words;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::Response,
    routing::get,
};

pub use plain::for_readers;
pub use wanted::korean as reads_korean;

/// What the page may do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// What a page without script may do.
const PLAIN_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// What anything else may do.
const NO_POLICY: &str = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The files of the page.
pub fn router() -> Router {
    Router::new()
        .route("/", get(files::index))
        .route("/assets/{*path}", get(files::asset))
        .route("/icon.svg", get(files::icon))
        .route("/plain.css", get(files::plain_style))
}

/// Tells browsers what they may do with an answer, where it does not say so itself.
pub async fn guard(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, NO_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}
