//! `pumasi wallet`: the accounts of this folder, what they have, and what came in lately.

use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{
    client::Client,
    home::Home,
    node::{Network, WalletView},
    print, t,
};

/// So many of the newest transfers are shown.
const TRANSFERS: usize = 5;

pub async fn run(home: &Home, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::owner(home)?;
    let wallet: WalletView = client.get("/wallet").await?;
    // A node without a gateway has neither.
    let limits: Option<Value> = client.get("/channels/limits").await.ok();
    let transfers: Option<Value> = client.get("/keys/transfers").await.ok();
    if json {
        let mut shown = serde_json::to_value(&wallet)?;
        shown["limits"] = json!(limits);
        shown["transfers"] = json!(transfers.map(|list| list["data"].clone()));
        print::json(&shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![vec![t!("for", "쓰임"), t!("name", "이름"), t!("credits", "크레딧"), t!("account", "계정")]];
    rows.extend(wallet.accounts.iter().map(|account| {
        let name = account.name.clone().unwrap_or_else(|| "-".into());
        vec![account.role.clone(), name, print::credits(&account.balance_pico), account.id.clone()]
    }));
    print::table(&rows);
    print::line("");
    print::line(&t!("in channels {}", "채널에 {}", print::credits(&wallet.channels_pico)));
    print::line(&t!("royalties not yet paid out {}", "아직 나누지 않은 로열티 {}", print::credits(&wallet.pots_pico)));
    let (days, royalties) = (wallet.lately.days, print::credits(&wallet.lately.royalties_pico));
    let fees = print::credits(&wallet.lately.fees_pico);
    print::line(&t!(
        "earned in {days} days {royalties} by works, {fees} by this machine",
        "{days}일 동안 번 것: 작품으로 {royalties}, 이 컴퓨터로 {fees}"
    ));
    show_transfers(transfers.as_ref());
    if let Some(warning) = limits.as_ref().and_then(limit_reached) {
        print::line(&warning);
    }
    print::line(&whose(Network::read(home)?.as_ref()));
    Ok(ExitCode::SUCCESS)
}

/// On whose network these credits are worth something.
fn whose(joined: Option<&Network>) -> String {
    match joined {
        Some(network) => t!(
            "These are credits of the network whose ledger is at {}.",
            "{}에 원장이 있는 네트워크의 크레딧입니다.",
            network.ledger.address
        ),
        None => t!(
            "These are play credits of this machine's own network.",
            "이 컴퓨터만의 네트워크에서 쓰는 연습용 크레딧입니다."
        ),
    }
}

/// What to know, and to do, once no more deposits are made.
pub fn limit_reached(limits: &Value) -> Option<String> {
    if limits["reached"] != true {
        return None;
    }
    let text = |field: &str| limits[field].as_str().unwrap_or_default().to_owned();
    let (used, per_day) = (text("used"), text("per_day"));
    Some(t!(
        "The daily limit for deposits is reached ({used} of {per_day} credits in 24 hours): channels that run empty are not filled. Raise it with: pumasi wallet limit --per-day CREDITS",
        "하루 예치 한도에 닿았습니다 (24시간에 {per_day} 중 {used} 크레딧). 채널이 비어도 더 채우지 않습니다. 늘리려면: pumasi wallet limit --per-day 크레딧"
    ))
}

fn show_transfers(list: Option<&Value>) {
    let transfers = list.and_then(|list| list["data"].as_array()).map(Vec::as_slice).unwrap_or_default();
    if transfers.is_empty() {
        return;
    }
    print::line("");
    print::line(&t!("received:", "받은 것:"));
    let row = |transfer: &Value| {
        let text = |field: &str| transfer[field].as_str().unwrap_or_default().to_owned();
        let day = print::date(transfer["time"].as_u64().unwrap_or_default());
        vec![format!("  {day}"), text("amount"), t!("from {}", "보낸 이 {}", text("from")), use_of(transfer)]
    };
    print::table(&transfers.iter().take(TRANSFERS).map(row).collect::<Vec<_>>());
    print::line("");
}

/// What a transfer was for, as far as that is known.
fn use_of(transfer: &Value) -> String {
    let raised = transfer["raised"] == true;
    match transfer["key"].as_str() {
        Some(key) if raised => t!("raised the budget of {key}", "{key}의 예산을 늘렸습니다"),
        Some(key) => t!(
            "for {key}, which may not be used any more; it is yours",
            "이제 쓸 수 없는 {key} 앞으로 왔습니다. 주인의 것입니다"
        ),
        None => String::new(),
    }
}
