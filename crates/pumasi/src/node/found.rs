//! Founding: the first start of a folder makes keys, a network of its own, and play credits.

use api::Ledger;
use ledger::{Amount, Deposits, Digest, Fees, Genesis, Key, Limits, Operation, Record, Time};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use wallet::{Keys, Wallet};

use crate::home::Home;

/// What the payer of a play network gets.
const PLAY_CREDITS: Amount = Amount::credits(1_000_000);
/// The names that a play network's accounts take.
const NAMES: &[(&str, &str)] =
    &[("issuer", "play-bank"), ("provider", "this-machine"), ("payer", "you"), ("gateway", "this-gateway")];
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Opens the folder's ledger, founding it if it is not there.
pub async fn open_replica(home: &Home, keys: &Keys) -> anyhow::Result<replica::Replica> {
    let (issuer, replica) = (keys.pair("issuer")?, keys.pair("replica")?);
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let tag: String = issuer.public().to_string().chars().take(8).collect();
    let genesis = Genesis {
        origin: format!("pumasi.play/{tag}"),
        founded: Time(u64::try_from(since.as_millis())?),
        issuer: issuer.public().into(),
        replicas: vec![replica.public()],
        beneficiary: issuer.public().into(),
        fees: Fees::default(),
        deposits: Deposits::default(),
        royalty_max: 1_000_000_000,
        dispute_window_ms: DAY_MS,
        limits: Limits::CEILING,
    };
    let config = replica::Config { dir: home.path("ledger"), genesis: Some(genesis), key: replica, ..Default::default() };
    Ok(replica::Replica::open(config).await?)
}

/// Names the accounts and gives the payer its play credits, as far as that was not done before.
pub async fn prepare_accounts(wallet: &Wallet, ledger: &Arc<dyn Ledger>) -> anyhow::Result<()> {
    for (role, name) in NAMES {
        let account = wallet.account(role)?;
        if ledger.account(account.id()).await?.name.is_none() {
            account.submit(Operation::Name { name: (*name).into() }).await?;
        }
    }
    let issued = match ledger.get(&Key::Totals).await? {
        Some(Record::Totals(totals)) => totals.issued,
        _ => Amount::ZERO,
    };
    if issued.is_zero() {
        let to = wallet.account("payer")?.id();
        let issue = Operation::Issue { to, amount: PLAY_CREDITS, reference: Digest([0; 32]) };
        wallet.account("issuer")?.submit(issue).await?;
    }
    Ok(())
}
