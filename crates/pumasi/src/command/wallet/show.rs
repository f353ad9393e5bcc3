//! `pumasi wallet`: the accounts of this folder and what they have.

use std::process::ExitCode;

use crate::{client::Client, home::Home, node::WalletView, print, t};

pub async fn run(home: &Home, json: bool) -> anyhow::Result<ExitCode> {
    let wallet: WalletView = Client::owner(home)?.get("/wallet").await?;
    if json {
        print::json(&wallet)?;
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
    print::line(&t!(
        "These are play credits of this machine's own network.",
        "이 컴퓨터만의 네트워크에서 쓰는 놀이 크레딧입니다."
    ));
    Ok(ExitCode::SUCCESS)
}
