//! `pumasi wallet`: the accounts of this folder and what they have.

use std::process::ExitCode;

use crate::{client::Client, home::Home, node::WalletView, print, t};

pub async fn run(home: &Home, json: bool) -> anyhow::Result<ExitCode> {
    let wallet: WalletView = Client::owner(home)?.get("/wallet").await?;
    if json {
        print::json(&wallet)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = wallet.accounts.iter().map(|account| account.role.len()).max().unwrap_or(0);
    for account in &wallet.accounts {
        let name = account.name.as_deref().unwrap_or("-");
        println!("{:width$}  {}  {}  {name}", account.role, &account.id[..12.min(account.id.len())], print::credits(&account.balance_pico));
    }
    println!();
    println!("{}", t!("in channels {}", "채널에 {}", print::credits(&wallet.channels_pico)));
    println!("{}", t!("royalties not yet paid out {}", "아직 나누지 않은 로열티 {}", print::credits(&wallet.pots_pico)));
    println!("{}", t!("These are play credits of this machine's own network.", "이 컴퓨터만의 네트워크에서 쓰는 놀이 크레딧입니다."));
    Ok(ExitCode::SUCCESS)
}
