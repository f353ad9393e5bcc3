//! `pumasi prove`: writes a proof of one thing into a file that stands alone. It is checked before it is written.

use anyhow::{Context as _, bail};
use api::{
    proof::{Claim, Proof, Settled},
    view::ReceiptView,
};
use ledger::{AccountId, ChannelId, Digest, Key, OfferId, OrderId};
use serde_json::{Value, json};
use std::{path::PathBuf, process::ExitCode};

use super::audit::link;
use crate::{
    client::{self, Client},
    home::Home,
    names, node, print,
    proved::Proved,
    t,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An account (name or id), an artifact (PUBLISHER/NAME[:TAG] or digest), a channel (ch_…), an offer (of_…), an entry of the
    /// log (number), or the id of a settled receipt
    #[arg(id = "to_prove", value_name = "WHAT")]
    what: String,
    /// Where the proof goes [default: printed]
    #[arg(id = "proof_file", long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    /// The ledger's address, perhaps with #KEY [default: this folder's running node]
    #[arg(id = "proving_ledger", long = "ledger", value_name = "URL")]
    ledger: Option<String>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let (client, network) = match &args.ledger {
        Some(url) => (Client::stranger(&link(url)?)?, None),
        None => (Client::owner(home)?, node::network_of(home)?),
    };
    let proof = prove(&client, &args.what).await?;
    // Of a ledger at an address it is known only what it says itself.
    let network = network.unwrap_or_else(|| proof.genesis.network());
    let proved = Proved::check(&proof, network, &[]);
    let proved = proved.map_err(|what| {
        anyhow::anyhow!(t!("the ledger's proof is WRONG: {what}", "원장이 준 증명이 틀렸습니다: {what}"))
    })?;
    let text = proof.to_string();
    match &args.out {
        Some(out) => std::fs::write(out, &text).with_context(|| out.display().to_string())?,
        None if !json => {
            print::write(&text);
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    if json {
        let mut said = proved.json();
        said["file"] = json!(args.out);
        said["proof"] = text.into();
        print::json(&said)?;
    } else {
        proved.say();
    }
    Ok(ExitCode::SUCCESS)
}

/// Gets a proof of what a text means.
async fn prove(client: &Client, what: &str) -> anyhow::Result<Proof> {
    // Its id may be of digits alone, and is longer than any entry's number.
    if let Ok(order) = what.strip_prefix("chatcmpl-").unwrap_or(what).parse::<OrderId>() {
        return receipt(client, order).await;
    }
    if let Ok(entry) = what.parse::<u64>() {
        return fetch(client, &format!("entry/{entry}")).await;
    }
    let key = if let Ok(channel) = what.parse::<ChannelId>() {
        Key::Channel(channel)
    } else if let Ok(offer) = what.parse::<OfferId>() {
        Key::Offer(offer)
    } else if what.contains('/') || what.parse::<Digest>().is_ok() {
        Key::Artifact(names::artifact(client, what).await?)
    } else {
        Key::Account(account(client, what).await?)
    };
    fetch(client, &format!("state/{}", hex::encode(ledger::encode(&key)))).await
}

async fn account(client: &Client, text: &str) -> anyhow::Result<AccountId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let account: Value = client.get(&client::path(&["ledger", "accounts", text], &[])).await?;
    let id = account["id"].as_str().and_then(|id| id.parse().ok());
    id.with_context(|| t!("nobody has the name {text}", "{text}이라는 이름은 없습니다"))
}

/// The settlement of a receipt, with the receipt's way to the root of what was settled.
async fn receipt(client: &Client, order: OrderId) -> anyhow::Result<Proof> {
    let view: ReceiptView = client.get(&format!("/receipts/{order}")).await?;
    let (Some(receipt), Some(voucher), Some(settlement)) = (view.receipt, view.voucher, view.settlement) else {
        bail!(t!(
            "the receipt {order} is not settled yet; providers settle every minute or so",
            "영수증 {order}은 아직 정산되지 않았습니다. 제공자는 1분쯤마다 정산합니다"
        ));
    };
    let proof = fetch(client, &format!("entry/{}", settlement.entry)).await?;
    let path = voucher.path.iter().map(|hash| hash.parse().ok()).collect::<Option<Vec<Digest>>>();
    let (Some(path), Claim::Entry(settlement)) = (path, proof.claim) else {
        bail!(t!("the gateway's answer makes no sense", "게이트웨이의 답이 말이 되지 않습니다"));
    };
    let settled = Settled { receipt: receipt.0, path, settlement: *settlement };
    Ok(Proof { claim: Claim::Settled(Box::new(settled)), ..proof })
}

async fn fetch(client: &Client, what: &str) -> anyhow::Result<Proof> {
    let text = client.text(&format!("/ledger/proof/{what}"), api::proof::BYTES_MAX).await?;
    Proof::parse(&text).map_err(|what| {
        anyhow::anyhow!(t!("the ledger gave no proof: {what}", "원장이 증명을 주지 않았습니다: {what}"))
    })
}
