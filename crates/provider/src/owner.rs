//! The owner's routes: what is offered here, offering more, taking it back ([`api::offers`]).

use api::{
    offers::{NewOffer, OwnOffer, OwnOffers},
    owner::is_owner,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use ledger::{ArtifactId, OfferId};
use std::sync::Arc;

use crate::{error::Problem, provider::Seller};

fn owner(seller: &Seller, headers: &HeaderMap) -> Result<(), Problem> {
    if is_owner(headers, &seller.config.owner_token) { Ok(()) } else { Err(Problem::stranger()) }
}

pub async fn list(State(seller): State<Arc<Seller>>, headers: HeaderMap) -> Result<Json<OwnOffers>, Problem> {
    owner(&seller, &headers)?;
    Ok(Json(OwnOffers { object: "list".into(), data: seller.own_offers().await }))
}

/// Begins to offer something. It goes on whether or not anybody waits for it.
pub async fn begin(
    State(seller): State<Arc<Seller>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<OwnOffer>), Problem> {
    owner(&seller, &headers)?;
    let new: NewOffer = serde_json::from_slice(&body)
        .map_err(|error| Problem::body(format!("the body is not a new offer: {error}")))?;
    let plan = seller.plan(new).await?;
    let number = {
        let mut own = seller.own();
        if own.is_loading(plan.artifact) {
            return Err(Problem::conflict("it is being loaded already; wait until that ends, or take it back first"));
        }
        own.begin(&plan)
    };
    let begun = seller.own_offer(number).await.ok_or_else(|| Problem::conflict("it was taken back at once"))?;
    tokio::spawn(async move {
        let stands = match seller.ready(plan, number).await {
            Ok(ready) => seller.stand(ready).await,
            Err(error) => Err(error),
        };
        if let Err(error) = stands {
            seller.own().fail(number, error.to_string());
        }
    });
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

pub async fn withdraw(
    State(seller): State<Arc<Seller>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    owner(&seller, &headers)?;
    let artifact = match (id.parse::<OfferId>(), id.parse::<ArtifactId>()) {
        (Ok(offer), _) => seller.own().artifact(offer),
        (_, Ok(artifact)) => Some(artifact).filter(|artifact| seller.own().has(*artifact)),
        _ => None,
    };
    let artifact = artifact.ok_or_else(|| Problem::unknown(&format!("{id} is not offered here")))?;
    seller.withdraw(artifact).await?;
    Ok(StatusCode::NO_CONTENT)
}
