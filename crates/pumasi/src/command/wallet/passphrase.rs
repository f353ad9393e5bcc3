//! `pumasi wallet passphrase`: seals the keys by a passphrase, changes it, or removes it.

use serde_json::json;
use std::process::ExitCode;

use crate::{home::Home, layout, passphrase, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leave the keys unsealed
    #[arg(long)]
    remove: bool,
}

pub async fn run(home: &Home, args: &Args, json: bool) -> anyhow::Result<ExitCode> {
    let mut keys = layout::open_keys(home, passphrase::of_keys(home)?)?;
    let was_sealed = wallet::Keys::is_sealed(&home.path("keys"))?;
    let new = match args.remove {
        true => None,
        false => Some(passphrase::fresh(passphrase::NEW_FILE, &t!("New passphrase: ", "새 암호: "))?),
    };
    keys.reseal(new)?;
    if json {
        print::json(&json!({ "sealed": !args.remove }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&match (args.remove, was_sealed) {
        (true, _) => t!("the keys are not sealed any more", "이제 키에 암호가 걸려 있지 않습니다"),
        (false, true) => t!("the passphrase was changed", "암호를 바꾸었습니다"),
        (false, false) => t!(
            "the keys are sealed; each start asks for the passphrase",
            "키에 암호를 걸었습니다. 켤 때마다 암호를 묻습니다"
        ),
    });
    if !args.remove {
        print::line(&t!(
            "Nobody can open them without it, and nobody can find it out: keep it.",
            "암호를 잊으면 아무도 열 수 없고 찾아 줄 수도 없습니다. 잘 간직하세요."
        ));
    }
    Ok(ExitCode::SUCCESS)
}
