//! Artifacts as an OCI registry to pull from (OCI distribution specification 1.1), for `skopeo`, `oras` and others: what is
//! listed here, under the names of the ledger. Manifests are served as they are stored, so that their digests are the artifacts'
//! ids. Nothing is pushed: what is published is said first, and signed.

use api::registry::{Catalog, Tags};
use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use ledger::Digest;
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};

use crate::{
    artifacts::{Index, Work, blocking},
    error::Problem,
    gateway::Buyer,
};

/// Names are shown at once at most, and if nothing is said.
const LIMIT: usize = 1_000;
/// Which digest a manifest has.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Clients know by it that this is a registry.
const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("docker-distribution-api-version"), HeaderValue::from_static("registry/2.0"));

/// The routes, below `/v2`.
pub fn router() -> Router<Arc<Buyer>> {
    Router::new()
        .route("/_catalog", get(catalog))
        .route("/{publisher}/{name}/tags/list", get(tags))
        .route("/{publisher}/{name}/manifests/{reference}", get(manifest))
        .route("/{publisher}/{name}/blobs/{digest}", get(blob))
        .method_not_allowed_fallback(no_such)
        .fallback(no_such)
}

/// `GET /v2/`: that this is a registry, and asks no credentials.
pub async fn version() -> Response {
    ([VERSION], Json(json!({}))).into_response()
}

/// Which names are wanted.
#[derive(Debug, Deserialize)]
struct Page {
    n: Option<usize>,
    /// The last one that was shown.
    last: Option<String>,
}

async fn catalog(State(buyer): State<Arc<Buyer>>, Query(page): Query<Page>) -> Result<Response, Problem> {
    let index = buyer.library.fresh().await?;
    let names = blocking(move || {
        let tags = index.works.iter().filter(|work| work.listed).flat_map(|work| &work.tags);
        tags.filter_map(|tag| Some(tag.split_once(':')?.0.to_owned())).collect::<BTreeSet<_>>()
    });
    let (repositories, next) = page.of(names.await?, "/v2/_catalog");
    Ok((next, Json(Catalog { repositories })).into_response())
}

async fn tags(
    State(buyer): State<Arc<Buyer>>,
    Path((publisher, name)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Response, Problem> {
    let (index, name) = (buyer.library.fresh().await?, format!("{publisher}/{name}"));
    let all = {
        let name = name.clone();
        blocking(move || {
            let works = index.works.iter().filter(|work| work.listed);
            works.flat_map(|work| tags_of(work, &name)).map(str::to_owned).collect::<BTreeSet<_>>()
        })
    };
    let all = all.await?;
    if all.is_empty() {
        let message =
            format!("nothing of {name} is stored here; `pumasi show {name}` tells whether there is such a work");
        return Err(Problem::refused(StatusCode::NOT_FOUND, "name_unknown", message));
    }
    let (tags, next) = page.of(all, &format!("/v2/{name}/tags/list"));
    Ok((next, Json(Tags { name, tags })).into_response())
}

impl Page {
    /// The names of this page, and where the next one is.
    fn of(&self, names: BTreeSet<String>, path: &str) -> (Vec<String>, Option<[(HeaderName, String); 1]>) {
        let wanted = self.n.unwrap_or(LIMIT).min(LIMIT);
        let mut left = names.into_iter().filter(|name| self.last.as_ref().is_none_or(|last| name > last));
        let shown: Vec<String> = left.by_ref().take(wanted).collect();
        let last = shown.last().filter(|_| left.next().is_some());
        // Names hold nothing that an address would have to escape.
        let next = last.map(|last| [(header::LINK, format!("<{path}?n={wanted}&last={last}>; rel=\"next\""))]);
        (shown, next)
    }
}

/// The tags of a work in a repository.
fn tags_of<'a>(work: &'a Work, repository: &'a str) -> impl Iterator<Item = &'a str> {
    work.tags.iter().filter_map(move |tag| tag.strip_prefix(repository)?.strip_prefix(':'))
}

async fn manifest(
    State(buyer): State<Arc<Buyer>>,
    Path((publisher, name, reference)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let index = buyer.library.fresh().await?;
    let id = find(&index, &format!("{publisher}/{name}"), &reference)?;
    let mut answer = blobs::http::stored(&buyer.config.store, id, request).await?;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(blobs::MANIFEST));
    headers.extend(HeaderValue::from_str(&id.to_string()).map(|digest| (CONTENT_DIGEST, digest)));
    if reference.parse::<Digest>().is_err() {
        // A tag moves.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    Ok(answer)
}

/// The artifact that a repository has under a tag or digest, if its files are here.
fn find(index: &Index, repository: &str, reference: &str) -> Result<Digest, Problem> {
    let unknown = |message| Problem::refused(StatusCode::NOT_FOUND, "manifest_unknown", message);
    let work = match reference.parse::<Digest>() {
        Ok(id) => index.get(id).filter(|work| {
            let published = format!("{}/{}", index.account(work.artifact.publisher), work.artifact.publish.name);
            published == repository || tags_of(work, repository).next().is_some()
        }),
        Err(_) => index.resolve(&format!("{repository}:{reference}")).ok(),
    };
    let work = work.ok_or_else(|| unknown(format!("{repository} has no {reference} on this ledger")))?;
    if !work.listed {
        let message = format!("the files of {repository} are not here; fetch them first: pumasi pull {}", work.id);
        return Err(unknown(message));
    }
    Ok(work.id)
}

/// A file, or a manifest as one. From whom it comes does not matter, so neither does the repository.
async fn blob(
    State(buyer): State<Arc<Buyer>>,
    Path((_, _, digest)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let digest: Digest = digest.parse().map_err(|error| {
        Problem::refused(StatusCode::BAD_REQUEST, "digest_invalid", format!("{digest:.100}: {error}"))
    })?;
    let store = Arc::clone(&buyer.config.store);
    let here = move || store.is_public(digest).map(|public| public && store.contains(digest));
    if !blocking(here).await?? {
        let message = format!("there is no public {digest} here; another node may have it");
        return Err(Problem::refused(StatusCode::NOT_FOUND, "blob_unknown", message));
    }
    let mut answer = blobs::http::stored(&buyer.config.store, digest, request).await?;
    answer.headers_mut().extend(HeaderValue::from_str(&digest.to_string()).map(|digest| (CONTENT_DIGEST, digest)));
    Ok(answer)
}

/// What a registry may do beside, above all to take what is pushed.
async fn no_such(method: Method) -> Problem {
    match method {
        Method::GET | Method::HEAD => Problem::refused(
            StatusCode::NOT_FOUND,
            "unsupported",
            "here are manifests, blobs and tags of PUBLISHER/NAME, and nothing else of a registry",
        ),
        _ => Problem::refused(
            StatusCode::METHOD_NOT_ALLOWED,
            "unsupported",
            "nothing is pushed to this registry; publish with: pumasi publish",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_pages() {
        let all = || BTreeSet::from(["a", "b", "c"].map(str::to_owned));
        for (n, last, shown, next) in [
            (None, None, &["a", "b", "c"][..], None),
            (Some(2), None, &["a", "b"], Some("</v2/x?n=2&last=b>; rel=\"next\"")),
            (Some(2), Some("b"), &["c"], None),
            (Some(3), None, &["a", "b", "c"], None),
            (Some(1), Some("aa"), &["b"], Some("</v2/x?n=1&last=b>; rel=\"next\"")),
            (Some(0), None, &[], None),
            (Some(9), Some("c"), &[], None),
        ] {
            let page = Page { n, last: last.map(str::to_owned) };
            let (names, link) = page.of(all(), "/v2/x");
            assert_eq!(names, shown, "{n:?} {last:?}");
            assert_eq!(link.map(|[(_, text)]| text).as_deref(), next, "{n:?} {last:?}");
        }
    }
}
