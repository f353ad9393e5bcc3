//! `GET /artifacts/{name or digest}`: everything about one.

use api::view::{Bill, price_lines};
use axum::{
    Json,
    extract::{Path, Query, Request, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use blobs::Store;
use ledger::{ArtifactId, Price, PriceLine};
use serde::Deserialize;
use std::{collections::BTreeMap, io::Read as _, sync::Arc};

use super::{
    bom, card,
    draft::{DraftFile, DraftPayee},
    facts::clipped,
    library::{Index, Work, blocking},
    lineage::lineage,
    list::{Now, TYPICAL},
    openness,
    view::{ArtifactView, OfferView, Owned, Summary, Version},
};
use crate::{catalog::Shelf, error::Problem, gateway::Buyer};

/// Of a card more is not shown.
const CARD_MAX: u64 = 256 << 10;

/// In which form it is wanted; none for ours.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    format: Option<Format>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A bill of materials, with the whole lineage.
    Bom,
    /// The card, for the Hub's programs.
    Card,
}

/// What is wanted, or what is wrong with the query.
type Asked = Result<Query<Wanted>, QueryRejection>;

pub async fn show(
    State(buyer): State<Arc<Buyer>>,
    Path(name): Path<String>,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    answer(&buyer, &name, asked, request).await
}

/// The same where the slash of the name is not escaped.
pub async fn show_named(
    State(buyer): State<Arc<Buyer>>,
    Path((publisher, name)): Path<(String, String)>,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    answer(&buyer, &format!("{publisher}/{name}"), asked, request).await
}

async fn answer(buyer: &Buyer, name: &str, asked: Asked, request: Request) -> Result<Response, Problem> {
    let Query(wanted) = asked.map_err(|error| Problem::field("format", error.body_text()))?;
    match wanted.format {
        None => named(buyer, name).await.map(|view| Json(view).into_response()),
        Some(Format::Bom) => bom::bom(buyer, name).await,
        Some(Format::Card) => card::card(buyer, name, request).await,
    }
}

/// The artifact that a name means, in the library as it is now.
pub async fn find(buyer: &Buyer, name: &str) -> Result<(Arc<Index>, ArtifactId), Problem> {
    let index = buyer.library.fresh().await?;
    let found = index.resolve(name).map(|work| work.id);
    let id = found.map_err(|message| Problem::unknown("artifact", "artifact_not_found", message))?;
    Ok((index, id))
}

async fn named(buyer: &Buyer, name: &str) -> Result<ArtifactView, Problem> {
    buyer.catalog.freshen().await?;
    let now = Arc::new(Now::of(buyer).await?);
    let (index, shelf) = (&now.index, &now.shelf);
    let work = index.resolve(name).map_err(|message| Problem::unknown("artifact", "artifact_not_found", message))?;
    let pot = buyer.config.ledger.pot(work.id).await?;
    let (at, id) = (Arc::clone(&now), work.id);
    let read = move || {
        let work = at.index.get(id)?;
        let stored = if work.listed { Stored::read(&at.store, id) } else { Stored::default() };
        Some((stored, at.summary(work), openness::of_work(&at.store, &at.index, work)))
    };
    let (stored, summary, openness_detail) = blocking(read).await?.ok_or_else(Problem::internal)?;
    let publish = &work.artifact.publish;
    let payee = |payee: &ledger::Payee| DraftPayee { account: index.account(payee.account), weight: payee.weight };
    let version = |work: &Work| Version {
        id: work.id,
        tags: work.tags.clone(),
        royalty: work.artifact.publish.royalty.into(),
        time: work.artifact.time.0,
        retired: work.artifact.retired,
    };
    Ok(ArtifactView {
        // Both from one look at the pot.
        summary: Summary { earned_pico: pot.lifetime.0.to_string(), ..summary },
        in_pot_pico: pot.balance().0.to_string(),
        openness_detail,
        by: owned(index, work.artifact.publisher),
        tags: work.tags.clone(),
        versions: index.versions(work.artifact.publisher, &publish.name).map(version).collect(),
        architecture: work.facts.architecture.clone(),
        annotations: stored.annotations,
        card: stored.card,
        files: stored.files,
        weights: publish.weights.iter().map(ToString::to_string).collect(),
        file_fee: buyer.config.file_fee,
        lineage: lineage(index, work),
        payees: publish.payees.iter().map(payee).collect(),
        offers: offers(index, shelf, work.id),
        typical: typical(index, shelf, work)?,
    })
}

fn owned(index: &Index, id: ledger::AccountId) -> Owned {
    Owned { name: index.account(id), id: id.to_string() }
}

fn offers(index: &Index, shelf: &Shelf, id: ArtifactId) -> Vec<OfferView> {
    let mut offers: Vec<_> = shelf.offers.get(&id).into_iter().flatten().collect();
    offers.sort_by_key(|offer| (offer.price.cost(TYPICAL), offer.id));
    let view = |offer: &Arc<crate::catalog::Offered>| OfferView {
        id: offer.id,
        provider: owned(index, offer.record.provider),
        engine: offer.record.offer.engine.clone(),
        quantization: offer.record.offer.quantization.clone(),
        context: offer.record.offer.context,
        fee: offer.record.offer.fee.into(),
        lines: price_lines(&offer.price, |payee| index.payee(payee)),
    };
    offers.into_iter().map(view).collect()
}

/// The bill of an answer of the usual size.
fn typical(index: &Index, shelf: &Shelf, work: &Work) -> Result<Bill, Problem> {
    let price = match super::list::cheapest(shelf, work.id) {
        Some(offer) => (*offer.price).clone(),
        None => royalties(index, &work.artifact.priced),
    };
    Bill::of(String::new(), &price, TYPICAL, |payee| index.payee(payee)).ok_or_else(Problem::internal)
}

/// A price of royalties alone.
pub fn royalties(index: &Index, works: &[ArtifactId]) -> Price {
    let line =
        |work: &Work| PriceLine { payee: ledger::BillPayee::Artifact(work.id), rates: work.artifact.publish.royalty };
    Price { lines: works.iter().filter_map(|id| index.get(*id)).map(line).collect() }
}

/// What the store tells of an artifact.
#[derive(Default)]
struct Stored {
    annotations: BTreeMap<String, String>,
    files: Option<Vec<DraftFile>>,
    card: Option<String>,
}

impl Stored {
    /// What cannot be read is not there.
    fn read(store: &Store, id: ArtifactId) -> Self {
        let Ok(manifest) = store.manifest(id) else { return Self::default() };
        let file =
            |file: &blobs::Descriptor| DraftFile { path: file.path().to_owned(), digest: file.digest, size: file.size };
        let text = card::of(&manifest).and_then(|card| {
            let mut bytes = Vec::new();
            store.open_blob(card.digest).ok()?.take(CARD_MAX).read_to_end(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        });
        Self {
            annotations: manifest.annotations().iter().map(|(key, text)| (clipped(key), clipped(text))).collect(),
            files: Some(manifest.files().iter().map(file).collect()),
            card: text,
        }
    }
}
