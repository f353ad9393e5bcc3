//! Errors in the Hub's form: a sentence as the body's `error` and, since clients ask with HEAD too, in headers.

use api::hub::ErrorBody;
use axum::{
    Json,
    http::{HeaderName, HeaderValue},
    response::{IntoResponse as _, Response},
};

use crate::error::Problem;

const MESSAGE: HeaderName = HeaderName::from_static("x-error-message");
const CODE: HeaderName = HeaderName::from_static("x-error-code");
/// What clients tell apart; any other code here is ours.
const CODES: &[&str] = &["RepoNotFound", "RevisionNotFound", "EntryNotFound"];

/// True for a path that only the Hub's clients ask.
pub fn is_hubs(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let below_api = matches!(&parts[..], ["api", "models" | "datasets" | "repos" | "whoami-v2" | "validate-yaml", ..]);
    let named = parts.strip_prefix(&["datasets"]).unwrap_or(&parts);
    below_api || is_file(path) || matches!(named, [_, _, "info", "lfs", ..])
}

/// True for a path by which a file of a repository is read.
pub fn is_file(path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/').peekable();
    parts.next_if_eq(&"datasets");
    parts.nth(2).is_some_and(|verb| matches!(verb, "resolve" | "raw"))
}

/// True for a path at which something is asked, for no more than an answer, by POST.
pub fn is_question(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    matches!(&parts[..], ["api", "models" | "datasets", _, _, "paths-info", _])
}

/// What went wrong, as the Hub's clients read it.
pub fn told(problem: &Problem) -> Response {
    let detail = &problem.detail;
    let mut answer = (problem.status, Json(ErrorBody { error: detail.message.clone() })).into_response();
    let line: String = detail.message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if let Ok(line) = HeaderValue::from_bytes(line.as_bytes()) {
        answer.headers_mut().insert(MESSAGE, line);
    }
    if let Some(code) = CODES.iter().find(|code| detail.code.as_deref() == Some(code)) {
        answer.headers_mut().insert(CODE, HeaderValue::from_static(code));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_paths_are_known() {
        for (path, hubs) in [
            ("/api/models", true),
            ("/api/models/kim/tiny/tree/main", true),
            ("/api/datasets/kim/tales", true),
            ("/api/repos/create", true),
            ("/api/repos/delete", true),
            ("/kim/tiny/resolve/main/a/b.json", true),
            ("/datasets/kim/tales/resolve/main/a.jsonl", true),
            ("/kim/tiny.git/info/lfs/objects/batch", true),
            ("/api/modelsandmore", false),
            ("/api/tags", false),
            ("/artifacts/kim/tiny", false),
            ("/v1/models/kim/tiny", false),
            ("/", false),
            ("", false),
        ] {
            assert_eq!(is_hubs(path), hubs, "{path}");
        }
    }

    #[test]
    fn a_question_by_post_is_known() {
        for (path, question) in [
            ("/api/models/kim/tiny/paths-info/main", true),
            ("/api/datasets/kim/tales/paths-info/v1", true),
            ("/api/models/kim/tiny/commit/paths-info", false),
            ("/api/models/paths-info/tiny/commit/main", false),
            ("/api/models/kim/tiny/paths-info/../commit/main", false),
            ("/kim/tiny/paths-info/main", false),
        ] {
            assert_eq!(is_question(path), question, "{path}");
        }
    }

    #[test]
    fn a_sentence_is_told_in_headers_whatever_its_letters() {
        let answer = told(&Problem::unknown("path", "EntryNotFound", "there is no\n\"이야기\""));
        assert_eq!(answer.headers()[CODE], "EntryNotFound");
        assert_eq!(answer.headers()[MESSAGE].as_bytes(), "there is no \"이야기\"".as_bytes());
        assert!(!told(&Problem::key("who?")).headers().contains_key(CODE));
    }
}
