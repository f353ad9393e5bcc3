//! `POST /api/validate-yaml`: clients send a card before they upload it, and show their user what is said of it. So here, before
//! it is for good, stands what was understood: kind, license, lineage, royalty, and what is wrong.

use api::hub::{CardToCheck, Checked, Said};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use std::sync::Arc;

use super::repository::Type;
use crate::{
    artifacts::{Understood, understand},
    dialects::read_body,
    error::Problem,
    gateway::Buyer,
};

pub async fn validate(
    State(buyer): State<Arc<Buyer>>,
    request: Request,
) -> Result<(StatusCode, Json<Checked>), Problem> {
    let card: CardToCheck = read_body(request).await?;
    let index = buyer.library.fresh().await?;
    let of = if card.repo_type.as_deref() == Some("dataset") { Type::Dataset } else { Type::Model };
    let Understood { said, mut wrong, kind } = understand(&buyer, index, &card.content);
    wrong.extend(kind.and_then(|kind| of.contradicted(kind)));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let sentences = |texts: Vec<String>| texts.into_iter().map(|message| Said { message }).collect();
    Ok((status, Json(Checked { errors: sentences(wrong), warnings: sentences(said) })))
}
