//! `pumasi withdraw`: takes an offer back.

use anyhow::{Context as _, bail};
use api::offers::{OfferState, OwnOffer, OwnOffers};
use reqwest::Method;
use serde_json::json;
use std::process::ExitCode;

use crate::{client::Client, home::Home, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is offered here, by its name or digest, or the offer
    #[arg(value_name = "NAME|OFFER")]
    withdrawn: String,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::provider(home)?;
    let offers: OwnOffers = client.get("/offers").await?;
    let found = find(&offers.data, &args.withdrawn)?;
    let (name, id) = (found.name.clone(), found.id.clone());
    client.send::<()>(Method::DELETE, &format!("/offers/{}", found.artifact), None).await?;
    if json {
        print::json(&json!({ "withdrawn": name, "artifact": found.artifact, "offer": id }))?;
    } else {
        print::line(&t!("withdrawn: {name}", "거두었습니다: {name}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The offer that is meant: by its id, the artifact's digest, its name with or without tag, or the last part of it.
fn find<'a>(offers: &'a [OwnOffer], text: &str) -> anyhow::Result<&'a OwnOffer> {
    let full = |offer: &&OwnOffer| {
        let untagged = offer.name.strip_suffix(":latest");
        offer.id.as_deref() == Some(text) || offer.artifact == text || offer.name == text || untagged == Some(text)
    };
    let bare = |offer: &&OwnOffer| {
        let name = offer.name.split_once('/').map_or(offer.name.as_str(), |(_, name)| name);
        name == text || name.strip_suffix(":latest") == Some(text)
    };
    let stands = |offer: &&OwnOffer| offer.state != OfferState::Withdrawn;
    if let Some(offer) = offers.iter().filter(stands).find(full) {
        return Ok(offer);
    }
    let mut found = offers.iter().filter(stands).filter(bare);
    let first = found.next().with_context(|| {
        t!(
            "{text} is not offered here; see what is: pumasi ps",
            "{text}은 여기서 제공하지 않습니다. 무엇이 있는지 보려면: pumasi ps"
        )
    })?;
    if found.any(|other| other.artifact != first.artifact) {
        bail!(t!(
            "several things that are offered here are called {text}; say which with its publisher: pumasi ps",
            "{text}이라는 것이 여럿입니다. 게시자까지 적으세요: pumasi ps"
        ));
    }
    Ok(first)
}
