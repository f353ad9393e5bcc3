//! `pumasi open`: opens the page in a browser, by a link that works once.

use serde::{Deserialize, Serialize};
use std::{
    process::{ExitCode, Stdio},
    time::Duration,
};
use tokio::process::Command;

use crate::{client::Client, home::Home, print, t};

/// A browser that cannot be started says so by then.
const FAILS_WITHIN: Duration = Duration::from_secs(3);

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the link, and open nothing
    #[arg(long = "print", id = "print_link")]
    print: bool,
}

/// The answer to `POST /session/links`.
#[derive(Deserialize)]
struct Link {
    link: String,
    expires_in_s: u64,
}

/// What `--json` says.
#[derive(Serialize)]
struct Opened {
    link: String,
    expires_in_s: u64,
    opened: bool,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::owner(home)?;
    let Link { link, expires_in_s } = client.post("/session/links", &()).await?;
    let opened = !args.print && open(&link).await;
    if json {
        print::json(&Opened { link, expires_in_s, opened })?;
        return Ok(ExitCode::SUCCESS);
    }
    let minutes = expires_in_s / 60;
    if opened {
        print::line(&t!(
            "The page is in your browser. If it is not, open this:",
            "브라우저에 페이지를 열었습니다. 보이지 않으면 이 주소를 여세요:"
        ));
    } else if !args.print {
        print::line(&t!("Open this in a browser on this machine:", "이 컴퓨터의 브라우저에서 여세요:"));
    }
    print::line(&link);
    // Whoever asks for the link alone gets it alone.
    if !args.print {
        print::line(&t!(
            "It works once, within {minutes} minutes.",
            "한 번만 쓸 수 있고, {minutes}분 뒤에는 쓸 수 없습니다."
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives an address to the browser; false where there is none to see it in.
async fn open(link: &str) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let opener = match cfg!(target_os = "macos") {
        true => "open",
        false if set("DISPLAY") || set("WAYLAND_DISPLAY") => "xdg-open",
        false => return false,
    };
    let quiet = Stdio::null;
    let run = Command::new(opener).arg(link).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    let Ok(mut run) = run else { return false };
    // Where it is the browser itself, it goes on for as long as that is open.
    tokio::time::timeout(FAILS_WITHIN, run.wait())
        .await
        .map_or(true, |ended| ended.is_ok_and(|status| status.success()))
}
