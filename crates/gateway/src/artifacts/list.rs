//! `GET /artifacts`: what there is, by words, kind, license and publisher.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use blobs::{Store, openness::Class};
use ledger::{AccountId, ArtifactId, Usage};
use serde::Deserialize;
use std::{cmp::Reverse, sync::Arc};

use super::{
    draft::{DraftRates, Kind},
    library::{Index, Work, blocking},
    openness,
    view::{Summaries, Summary},
};
use crate::{catalog::Shelf, error::Problem, gateway::Buyer};

/// How many are shown at most, and if nothing is said.
const LIMIT_MAX: usize = 500;
const LIMIT: usize = 50;
/// The longest search: each word of it is looked for among all.
const QUERY_MAX: usize = 200;
/// An answer of the usual size, to compare prices by.
pub const TYPICAL: Usage = Usage { input: 1_000, output: 500 };

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Words, or beginnings of words, all of which must be there.
    q: Option<String>,
    kind: Option<Kind>,
    license: Option<String>,
    /// At least this class: what is of class I is of II and III too.
    openness: Option<Class>,
    /// A name or an id.
    publisher: Option<String>,
    #[serde(default)]
    sort: Sort,
    limit: Option<usize>,
    /// The last one that was shown.
    after: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Newest,
    Oldest,
    Name,
    /// Cheapest for an answer of the usual size first; what nobody offers last.
    Price,
    /// What most others are built on first.
    Children,
}

pub async fn list(
    State(buyer): State<Arc<Buyer>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Summaries>, Problem> {
    let Query(wanted) = query.map_err(|error| Problem::field("query", error.body_text()))?;
    let (index, shelf) = (buyer.library.fresh().await?, buyer.catalog.shelf());
    let publisher = match &wanted.publisher {
        Some(text) => Some(index.account_id(text).ok_or_else(|| {
            Problem::unknown("publisher", "account_not_found", format!("nobody has the name {text:?}"))
        })?),
        None => None,
    };
    let words = wanted.q.as_deref().unwrap_or_default();
    if words.chars().count() > QUERY_MAX {
        return Err(Problem::field("q", format!("search with at most {QUERY_MAX} characters")));
    }
    let store = Arc::clone(&buyer.config.store);
    blocking(move || page(&store, &index, &shelf, &wanted, publisher)).await?.map(Json)
}

fn page(
    store: &Store,
    index: &Index,
    shelf: &Shelf,
    wanted: &Wanted,
    publisher: Option<AccountId>,
) -> Result<Summaries, Problem> {
    let words = wanted.q.as_deref().unwrap_or_default();
    let found = index.words.find(words);
    let fits = |work: &&Work| {
        let license = work.facts.license.as_deref();
        wanted.kind.is_none_or(|kind| kind == work.artifact.publish.kind.into())
            && publisher.is_none_or(|publisher| publisher == work.artifact.publisher)
            && wanted.license.as_deref().is_none_or(|one| license.is_some_and(|text| has_license(text, one)))
            && wanted
                .openness
                .is_none_or(|least| openness::class(store, index, work).is_some_and(|class| class <= least))
    };
    let works = index.works.iter().zip(found).filter(|(_, found)| *found).map(|(work, _)| work);
    let mut works: Vec<&Work> = works.filter(fits).collect();
    sort(&mut works, wanted.sort, shelf);
    let begin = match &wanted.after {
        Some(after) => {
            let last: ArtifactId = after.parse().map_err(|error| Problem::field("after", format!("{error}")))?;
            let at = works.iter().position(|work| work.id == last);
            at.ok_or_else(|| Problem::field("after", "that artifact is not in this list; begin again"))? + 1
        }
        None => 0,
    };
    let limit = wanted.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let rest = works.get(begin..).unwrap_or_default();
    let page: Vec<Summary> = rest.iter().take(limit).map(|work| summary(store, index, shelf, work)).collect();
    let next = page.last().filter(|_| rest.len() > limit).map(|last| last.id.to_string());
    Ok(Summaries { artifacts: page, found: works.len(), next })
}

fn sort(works: &mut [&Work], by: Sort, shelf: &Shelf) {
    match by {
        Sort::Newest => works.reverse(),
        Sort::Oldest => {}
        Sort::Name => works.sort_by(|a, b| a.name.cmp(&b.name)),
        Sort::Price => works.sort_by_cached_key(|work| {
            let cheapest = cheapest(shelf, work.id).and_then(|offer| offer.price.cost(TYPICAL));
            (cheapest.is_none(), cheapest)
        }),
        Sort::Children => works.sort_by_key(|work| (Reverse(work.children), Reverse(work.artifact.ordinal))),
    }
}

/// True if an SPDX expression names a license, in any case.
fn has_license(expression: &str, license: &str) -> bool {
    let mut names = expression.split(|c: char| c.is_whitespace() || c == '(' || c == ')');
    expression.eq_ignore_ascii_case(license) || names.any(|name| name.eq_ignore_ascii_case(license))
}

/// The cheapest standing offer for an answer of the usual size.
pub fn cheapest(shelf: &Shelf, id: ArtifactId) -> Option<&crate::catalog::Offered> {
    let offers = shelf.offers.get(&id)?;
    offers.iter().min_by_key(|offer| (offer.price.cost(TYPICAL), offer.id)).map(Arc::as_ref)
}

/// A work as a list shows it.
pub fn summary(store: &Store, index: &Index, shelf: &Shelf, work: &Work) -> Summary {
    let publish = &work.artifact.publish;
    let royalties = work.artifact.priced.iter().filter_map(|id| index.get(*id));
    let facts = work.facts.clone();
    Summary {
        id: work.id,
        name: work.name.clone(),
        publisher: index.account(work.artifact.publisher),
        kind: publish.kind.into(),
        title: facts.title,
        description: facts.description,
        license: facts.license,
        openness: openness::class(store, index, work),
        royalty: publish.royalty.into(),
        royalties: sum(royalties.map(|work| work.artifact.publish.royalty)),
        price: cheapest(shelf, work.id).map(|offer| sum(offer.price.lines.iter().map(|line| line.rates))),
        children: work.children,
        time: work.artifact.time.0,
        retired: work.artifact.retired,
        unclaimed: facts.unclaimed,
        stored: work.listed,
    }
}

/// For the eye: what is beyond all rates that anybody could pay is shown as the highest.
fn sum(rates: impl Iterator<Item = ledger::Rates>) -> DraftRates {
    rates.fold(DraftRates::default(), |sum, rates| DraftRates {
        input: sum.input.saturating_add(rates.input),
        output: sum.output.saturating_add(rates.output),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_license_is_found_in_an_expression() {
        for (expression, license, found) in [
            ("Apache-2.0", "apache-2.0", true),
            ("MIT OR Apache-2.0", "MIT", true),
            ("(MIT AND CC-BY-4.0)", "cc-by-4.0", true),
            ("Apache-2.0", "Apache", false),
            ("MIT", "", false),
        ] {
            assert_eq!(super::has_license(expression, license), found, "{expression} {license}");
        }
    }
}
