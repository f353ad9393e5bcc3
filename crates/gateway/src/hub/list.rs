//! `GET /api/models` and `/api/datasets`: the repositories whose files are stored here, the newest first.

use api::hub::Repository as Described;
use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, header},
};
use std::sync::Arc;

use super::{
    about::described,
    account::base,
    repository::{Repository, Type},
};
use crate::{
    artifacts::{Index, LATEST, blocking},
    error::Problem,
    gateway::Buyer,
};

/// How many are shown at most, and if nothing is said.
const LIMIT_MAX: usize = 500;
/// The longest search.
const QUERY_MAX: usize = 200;

/// Clients send names several times, and many that mean nothing here.
type Wishes = Query<Vec<(String, String)>>;
type Listed = Result<(HeaderMap, Json<Vec<Described>>), Problem>;

pub async fn models(State(buyer): State<Arc<Buyer>>, headers: HeaderMap, Query(wishes): Wishes) -> Listed {
    list(&buyer, Type::Model, &headers, wishes).await
}

pub async fn datasets(State(buyer): State<Arc<Buyer>>, headers: HeaderMap, Query(wishes): Wishes) -> Listed {
    list(&buyer, Type::Dataset, &headers, wishes).await
}

async fn list(buyer: &Buyer, of: Type, headers: &HeaderMap, wishes: Vec<(String, String)>) -> Listed {
    let first = |name: &str| wishes.iter().find(|(wish, _)| wish == name).map(|(_, value)| value.clone());
    let search = first("search").unwrap_or_default();
    if search.chars().count() > QUERY_MAX {
        return Err(Problem::field("search", format!("search with at most {QUERY_MAX} characters")));
    }
    let limit = first("limit").and_then(|limit| limit.parse().ok()).unwrap_or(LIMIT_MAX).clamp(1, LIMIT_MAX);
    let (author, after) = (first("author"), first("cursor"));
    let filters = wishes.iter().filter(|(name, _)| name == "filter").map(|(_, filter)| filter.to_lowercase()).collect();
    let (index, wanted) = (buyer.library.fresh().await?, Wanted { of, search, author, filters, after, limit });
    let mut found = blocking(move || found(&index, &wanted)).await?;
    let mut more = HeaderMap::new();
    if found.len() > limit
        && let Some(last) = found.get(limit - 1)
    {
        let kept =
            wishes.iter().filter(|(name, _)| name != "cursor").map(|(name, value)| (name.as_str(), value.as_str()));
        let next = reqwest::Url::parse_with_params(
            &format!("{}/api/{}", base(headers)?, if of == Type::Model { "models" } else { "datasets" }),
            kept.chain([("cursor", last.sha.as_str())]),
        );
        let next = next.map_err(|_| Problem::field("host", "the header host must name this node's address"))?;
        let link = HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).map_err(|_| Problem::internal())?;
        more.insert(header::LINK, link);
        found.truncate(limit);
    }
    Ok((more, Json(found)))
}

/// Which repositories are looked for.
struct Wanted {
    of: Type,
    search: String,
    author: Option<String>,
    filters: Vec<String>,
    /// The commit of the last one that was shown.
    after: Option<String>,
    limit: usize,
}

/// A page of them, and one more if there are more.
fn found(index: &Index, wanted: &Wanted) -> Vec<Described> {
    let works = index.works.iter().zip(index.words.find(&wanted.search)).rev();
    let works = works.filter(|(work, found)| *found && work.listed && wanted.of.has(work.artifact.publish.kind));
    let named = works.flat_map(|(work, _)| work.tags.iter().map(move |tag| (work, tag)));
    let repositories = named.filter_map(|(work, tag)| {
        let (id, tag) = tag.split_once(':')?;
        let (publisher, name) = id.split_once('/')?;
        let is_wanted = tag == LATEST && wanted.author.as_deref().is_none_or(|author| author == publisher);
        is_wanted.then(|| described(index, &Repository::new(wanted.of, publisher.into(), name.into()), work))
    });
    let has = |one: &Described, filter: &String| one.tags.iter().any(|tag| tag.to_lowercase() == *filter);
    let mut all = repositories.filter(|one| wanted.filters.iter().all(|filter| has(one, filter)));
    if let Some(after) = &wanted.after {
        all.by_ref().find(|one| one.sha == *after);
    }
    // One more tells that there are more.
    all.take(wanted.limit + 1).collect()
}
