//! `GET /artifacts`: what there is, by words and by what is asked of it.

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
    figures::Figures,
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
    /// Pico-credits per token that neither rate of the cheapest offer exceeds; what nobody offers has no price.
    price_max: Option<u64>,
    /// A name or an id of what must be among the parents.
    parent: Option<String>,
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
    /// What earned most royalties first.
    Earned,
    /// What most tokens of settled answers stand on first.
    Use,
}

/// What there is at one moment.
pub struct Now {
    pub store: Arc<Store>,
    pub index: Arc<Index>,
    pub shelf: Arc<Shelf>,
    pub figures: Arc<Figures>,
}

/// The account and the artifact that a query names.
struct Named {
    publisher: Option<AccountId>,
    parent: Option<ArtifactId>,
}

pub async fn list(
    State(buyer): State<Arc<Buyer>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Summaries>, Problem> {
    let Query(wanted) = query.map_err(|error| Problem::field("query", error.body_text()))?;
    let now = Now::of(&buyer).await?;
    let named = Named::of(&wanted, &now.index)?;
    let words = wanted.q.as_deref().unwrap_or_default();
    if words.chars().count() > QUERY_MAX {
        return Err(Problem::field("q", format!("search with at most {QUERY_MAX} characters")));
    }
    blocking(move || page(&now, &wanted, &named)).await?.map(Json)
}

impl Named {
    fn of(wanted: &Wanted, index: &Index) -> Result<Self, Problem> {
        let publisher = |text: &String| {
            index.account_id(text).ok_or_else(|| {
                Problem::unknown("publisher", "account_not_found", format!("nobody has the name {text:?}"))
            })
        };
        let parent = |text: &String| {
            let found = index.resolve(text).map(|work| work.id);
            found.map_err(|message| Problem::unknown("parent", "artifact_not_found", message))
        };
        Ok(Self {
            publisher: wanted.publisher.as_ref().map(publisher).transpose()?,
            parent: wanted.parent.as_ref().map(parent).transpose()?,
        })
    }
}

fn page(now: &Now, wanted: &Wanted, named: &Named) -> Result<Summaries, Problem> {
    let found = now.index.words.find(wanted.q.as_deref().unwrap_or_default());
    let works = now.index.works.iter().zip(found).filter(|(_, found)| *found).map(|(work, _)| work);
    let mut works: Vec<&Work> = works.filter(|work| fits(now, wanted, named, work)).collect();
    sort(&mut works, wanted.sort, now);
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
    let page: Vec<Summary> = rest.iter().take(limit).map(|work| now.summary(work)).collect();
    let next = page.last().filter(|_| rest.len() > limit).map(|last| last.id.to_string());
    Ok(Summaries { artifacts: page, found: works.len(), next })
}

/// True for a work that every filter lets through.
fn fits(now: &Now, wanted: &Wanted, named: &Named, work: &Work) -> bool {
    let (publish, license) = (&work.artifact.publish, work.facts.license.as_deref());
    let within = |max: u64| now.price(work.id).is_some_and(|price| price.input <= max && price.output <= max);
    wanted.kind.is_none_or(|kind| kind == publish.kind.into())
        && named.publisher.is_none_or(|publisher| publisher == work.artifact.publisher)
        && named.parent.is_none_or(|parent| publish.parents.contains(&parent))
        && wanted.license.as_deref().is_none_or(|one| license.is_some_and(|text| has_license(text, one)))
        && wanted.price_max.is_none_or(within)
        && wanted.openness.is_none_or(|least| now.class(work).is_some_and(|class| class <= least))
}

fn sort(works: &mut [&Work], by: Sort, now: &Now) {
    match by {
        Sort::Newest => works.reverse(),
        Sort::Oldest => {}
        Sort::Name => works.sort_by(|a, b| a.name.cmp(&b.name)),
        Sort::Price => works.sort_by_cached_key(|work| {
            let cheapest = cheapest(&now.shelf, work.id).and_then(|offer| offer.price.cost(TYPICAL));
            (cheapest.is_none(), cheapest)
        }),
        Sort::Children => works.sort_by_key(|work| (Reverse(work.children), Reverse(work.artifact.ordinal))),
        Sort::Earned => works.sort_by_cached_key(|work| {
            let earned = now.figures.earned(work.id);
            (Reverse(earned), Reverse(work.artifact.ordinal))
        }),
        Sort::Use => works.sort_by_cached_key(|work| {
            let used = now.figures.used(work.id);
            (Reverse(used.input.saturating_add(used.output)), Reverse(work.artifact.ordinal))
        }),
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

impl Now {
    pub async fn of(buyer: &Buyer) -> Result<Self, Problem> {
        let index = buyer.library.fresh().await?;
        let (store, shelf) = (Arc::clone(&buyer.config.store), buyer.catalog.shelf());
        Ok(Self { store, index, shelf, figures: buyer.library.figures() })
    }

    /// A work as a list shows it.
    pub fn summary(&self, work: &Work) -> Summary {
        let publish = &work.artifact.publish;
        let royalties = work.artifact.priced.iter().filter_map(|id| self.index.get(*id));
        let facts = work.facts.clone();
        Summary {
            id: work.id,
            name: work.name.clone(),
            publisher: self.index.account(work.artifact.publisher),
            kind: publish.kind.into(),
            title: facts.title,
            description: facts.description,
            license: facts.license,
            openness: self.class(work),
            royalty: publish.royalty.into(),
            royalties: sum(royalties.map(|work| work.artifact.publish.royalty)),
            price: self.price(work.id),
            children: work.children,
            used: self.figures.used(work.id).into(),
            earned_pico: self.figures.earned(work.id).0.to_string(),
            time: work.artifact.time.0,
            retired: work.artifact.retired,
            unclaimed: facts.unclaimed,
            stored: work.listed,
        }
    }

    fn class(&self, work: &Work) -> Option<Class> {
        openness::class(&self.store, &self.index, work)
    }

    /// What the cheapest standing offer costs, everyone's share included.
    fn price(&self, id: ArtifactId) -> Option<DraftRates> {
        cheapest(&self.shelf, id).map(|offer| sum(offer.price.lines.iter().map(|line| line.rates)))
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
