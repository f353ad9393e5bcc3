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
    let (dir, key) = (home.path("ledger"), keys.pair(wallet::REPLICA)?);
    let config = |genesis| replica::Config { dir: dir.clone(), genesis, key: Arc::clone(&key) };
    let opened = open(config(None)).await?;
    if let Err(replica::Error::NotFounded(_)) = opened {
        return Ok(open(config(Some(genesis(keys)?))).await??);
    }
    Ok(opened?)
}

/// Replaying a long journal takes its time.
async fn open(config: replica::Config) -> anyhow::Result<Result<replica::Replica, replica::Error>> {
    Ok(tokio::task::spawn_blocking(move || replica::Replica::open(config)).await?)
}

/// A network of this folder alone: nothing costs a fee, and nothing is set aside beside what channels hold.
fn genesis(keys: &Keys) -> anyhow::Result<Genesis> {
    let (issuer, replica) = (keys.id("issuer")?, keys.pair(wallet::REPLICA)?.public());
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let tag: String = issuer.to_string().chars().take(8).collect();
    Ok(Genesis {
        origin: format!("pumasi.play/{tag}"),
        founded: Time(u64::try_from(since.as_millis())?),
        issuer,
        replicas: vec![replica],
        beneficiary: issuer,
        fees: Fees::default(),
        deposits: Deposits::default(),
        royalty_max: 1_000_000_000,
        dispute_window_ms: DAY_MS,
        limits: Limits::CEILING,
    })
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
