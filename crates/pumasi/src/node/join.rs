//! Joining: this folder lives on somebody else's ledger, with accounts and books of its own.

use anyhow::{Context as _, bail};
use api::{Ledger, LedgerError};
use ledger::{Key, Operation, Reject};
use replica::watch::{REMEMBERED, Watched, contradiction};
use std::{sync::Arc, time::Duration};
use wallet::Wallet;

use super::network::Network;
use crate::{home::Home, print, t};

/// A ledger that was never joined has to answer within this time: its address may be mistyped.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);
/// The longest name that leaves room for what is put behind it, of the 39 characters that the ledger takes.
const NAME_MAX: usize = 30;
/// Finds the ledger and remembers it. One that was joined before is waited for.
pub async fn find(home: &Home, network: &mut Network) -> anyhow::Result<Arc<Watched>> {
    if let Some(said) = contradiction(home.dir()) {
        bail!(t!(
            "{said}. Nothing is ordered or answered while {} is there; read it, and what docs/joining.md says about it",
            "{said}. {}이 있는 동안은 주문도 답도 하지 않습니다. 그 파일과 docs/joining.md를 읽어 보세요",
            home.path("contradiction.txt").display()
        ));
    }
    let known = network.network.is_some();
    if !known {
        // Of a ledger that was looked at and not joined.
        drop(std::fs::remove_file(home.path(REMEMBERED)));
    }
    let watched = Arc::new(Watched::open(network.ledger.clone(), home.dir())?);
    let address = network.ledger.address.clone();
    let label = t!("waiting for the ledger at {address}", "{address}의 원장을 기다리는 중");
    let genesis =
        print::waiting(label, answered(&watched, known)).await.map_err(|error| not_joined(&address, &error))?;
    network.check(home, genesis.network())?;
    // Its word is taken from here on only as far as its log leads.
    print::waiting(t!("checking its log", "로그를 확인하는 중"), first_look(&watched, known)).await?;
    network.network = Some(genesis.network().to_string());
    Ok(watched)
}

async fn answered(watched: &Watched, known: bool) -> Result<Arc<ledger::Genesis>, LedgerError> {
    let begun = tokio::time::Instant::now();
    loop {
        match watched.genesis().await {
            Err(LedgerError::Unreachable { .. }) if known || begun.elapsed() < FIRST_ANSWER => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

async fn first_look(watched: &Watched, known: bool) -> Result<(), LedgerError> {
    loop {
        match watched.look().await {
            Err(LedgerError::Unreachable { .. }) if known => tokio::time::sleep(PAUSE).await,
            answer => return answer.map(drop),
        }
    }
}

fn not_joined(address: &str, error: &LedgerError) -> anyhow::Error {
    anyhow::anyhow!(match error {
        LedgerError::Unreachable { reason, .. } => t!(
            "the ledger at {address} was not reached: {reason}. Check the address and the key behind the #, and whether it is on",
            "{address}의 원장에 닿지 못했습니다: {reason}. 주소와 # 뒤의 키, 그리고 켜져 있는지 확인하세요"
        ),
        error => t!(
            "there is no ledger at {address} that this program understands: {error}",
            "{address}에는 이 프로그램이 아는 원장이 없습니다: {error}"
        ),
    })
}

/// The roles that have a name on the ledger, and what is put behind the machine's for each.
fn named(network: &Network) -> Vec<(&'static str, &'static str)> {
    let parts =
        [("payer", "", true), ("provider", "-provider", network.provider), ("gateway", "-gateway", network.gateway)];
    parts.into_iter().filter(|(.., used)| *used).map(|(role, behind, _)| (role, behind)).collect()
}

/// Names the accounts, as far as that was not done before. Gives what the owner should know.
pub async fn prepare_accounts(
    wallet: &Wallet,
    ledger: &Arc<dyn Ledger>,
    network: &Network,
    name: Option<&str>,
) -> anyhow::Result<Vec<String>> {
    let mut unnamed = Vec::new();
    for (role, behind) in named(network) {
        let account = wallet.account(role)?;
        if ledger.account(account.id()).await?.name.is_none() {
            unnamed.push((account, behind));
        }
    }
    // A part that is added later is named as the first ones were.
    let earlier = ledger.account(wallet.account("payer")?.id()).await?.name;
    let base = name.map(str::to_owned).or(earlier).unwrap_or_else(machine_name);
    let mut notes = Vec::new();
    for (_, behind) in &unnamed {
        let wanted = format!("{base}{behind}");
        if ledger.get(&Key::Name(wanted.clone())).await?.is_some() {
            bail!(taken(&wanted));
        }
    }
    for (account, behind) in unnamed {
        let wanted = format!("{base}{behind}");
        match account.submit(Operation::Name { name: wanted.clone() }).await {
            Ok(_) => {}
            Err(error) => match error.reject() {
                Some(Reject::BalanceTooLow) => notes.push(t!(
                    "the account {} has no credits for a name yet",
                    "계정 {}에는 아직 이름을 살 크레딧이 없습니다",
                    account.id()
                )),
                Some(Reject::NameTaken) => bail!(taken(&wanted)),
                Some(Reject::NameReserved | Reject::NameInvalid) => bail!(t!(
                    "{wanted} cannot be a name on this ledger; choose another one with --name: 2 to 30 of a-z, 0-9 and hyphens",
                    "{wanted}은 이 원장의 이름이 될 수 없습니다. --name으로 다른 이름을 고르세요: a-z, 0-9, 붙임표 2~30자"
                )),
                _ => {
                    return Err(error)
                        .context(t!("the name {wanted} was not taken", "{wanted} 이름을 얻지 못했습니다"));
                }
            },
        }
    }
    Ok(notes)
}

fn taken(name: &str) -> String {
    t!(
        "somebody else has the name {name} on this ledger; choose another one with --name",
        "이 원장에서 {name}은 이미 다른 이의 이름입니다. --name으로 다른 이름을 고르세요"
    )
}

/// What a gateway whose account is empty should ask for.
pub async fn advice(wallet: &Wallet, ledger: &Arc<dyn Ledger>, network: &Network) -> anyhow::Result<Option<String>> {
    let id = wallet.account("payer")?.id();
    let account = ledger.account(id).await?;
    if !network.gateway || !account.balance.is_zero() {
        return Ok(None);
    }
    let channels = ledger.list(api::List::Channels(id)).await?;
    if channels.iter().any(|(_, record)| matches!(record, ledger::Record::Channel(channel) if channel.payer == id)) {
        return Ok(None);
    }
    let name = account.name.unwrap_or_else(|| id.to_string());
    Ok(Some(t!(
        "The account {name} pays for what is asked here, and has no credits. Whoever has some on this ledger sends it some with: \
         pumasi wallet send {name} 1000",
        "여기서 묻는 값은 계정 {name}에서 나가는데, 지금은 크레딧이 없습니다. 이 원장에 크레딧을 가진 분께 이렇게 부탁하세요: \
         pumasi wallet send {name} 1000"
    )))
}

/// A name from the machine's, as the ledger takes it.
fn machine_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    slug(&host)
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.trim().chars() {
        let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        if slug.len() < NAME_MAX && (c != '-' || !(slug.is_empty() || slug.ends_with('-'))) {
            slug.push(c);
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.len() < 2 { "machine".into() } else { slug.into() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machine_gives_a_name_that_the_ledger_takes() {
        for (machine, name) in
            [("Kim's-MacBook.local\n", "kim-s-macbook-local"), ("품앗이", "machine"), ("a", "machine")]
        {
            assert_eq!(super::slug(machine), name);
        }
        assert!(super::slug(&"long-".repeat(20)).len() <= super::NAME_MAX);
    }
}
