//! `pumasi publish`: puts a work on the ledger, after showing what it will be.

use anyhow::bail;
use gateway::artifacts::{Draft, Preview};
use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use crate::{client::Client, home::Home, print, t};

/// Shows what a draft will be, asks whether to go on unless `yes`, and publishes it.
pub async fn submit(home: &Home, draft: &Draft, yes: bool, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::owner(home)?;
    let preview: Preview = client.post("/artifacts/preview", draft).await?;
    if !json {
        show(&preview);
    }
    if !yes && !confirmed()? {
        bail!(t!("nothing was published", "아무것도 올리지 않았습니다"));
    }
    let published: Preview = client.post("/artifacts", draft).await?;
    if json {
        print::json(&published)?;
    } else {
        print::line(&t!("published {}", "올렸습니다: {}", published.name));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(preview: &Preview) {
    print::line(&preview.name);
    print::write(&print::bill(&preview.price));
    preview.notes.iter().for_each(|note| eprintln!("{note}"));
}

fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(t!("this needs your yes: give it with --yes", "동의가 필요합니다: --yes를 붙이세요"));
    }
    eprint!("{} ", t!("Publish it? [y/N]", "올릴까요? [y/N]"));
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "예" | "네"))
}
