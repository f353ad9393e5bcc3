//! `pumasi wallet backup`: everything that cannot be had again, in one sealed file.

use serde_json::{Value, json};
use std::{path::PathBuf, process::ExitCode};

use crate::{
    backup::{self, About, Account},
    client::{Client, Refused},
    home::Home,
    layout,
    node::{AccountView, WalletView},
    passphrase, print, t,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the backup is written
    #[arg(id = "backup_file", value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(home: &Home, args: &Args, json: bool) -> anyhow::Result<ExitCode> {
    let about = about(home).await?;
    let question = t!("Passphrase for the backup: ", "백업의 암호: ");
    let passphrase = passphrase::fresh(passphrase::BACKUP_FILE, &question)?;
    let bytes = backup::write(home, &args.file, &passphrase, &about)?;
    if json {
        print::json(&json!({ "file": args.file, "bytes": bytes, "about": about }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (file, kib) = (args.file.display(), bytes.div_ceil(1_024));
    print::line(&t!("wrote {file} ({kib} KiB)", "{file}에 썼습니다 ({kib} KiB)"));
    print::line(&t!(
        "Keep it elsewhere, and its passphrase too. It is of this moment: make another one now and then, and after each rotation.",
        "다른 곳에 두고, 암호도 잘 간직하세요. 지금 이 순간의 것이니 가끔, 그리고 키를 바꿀 때마다 새로 만드세요."
    ));
    Ok(ExitCode::SUCCESS)
}

/// What the node says of the folder; or, if none runs, what the keys say.
async fn about(home: &Home) -> anyhow::Result<About> {
    if home.running().is_ok() {
        let client = Client::owner(home)?;
        match client.get::<WalletView>("/wallet").await {
            Ok(wallet) => {
                let ledger: Option<Value> = client.get("/ledger").await.ok();
                let account = |view: AccountView| Account { role: view.role, id: view.id, name: view.name };
                let network = ledger.and_then(|ledger| ledger["network"].as_str().map(str::to_owned));
                return Ok(About::new(network, wallet.accounts.into_iter().map(account).collect()));
            }
            Err(error) if error.is::<Refused>() => return Err(error),
            // It was killed, and left behind where it listened.
            Err(_) => {}
        }
    }
    if !home.path("keys").exists() {
        anyhow::bail!(t!("{} has no keys", "{}에는 키가 없습니다", home.dir().display()));
    }
    let keys = layout::open_keys(home, passphrase::of_keys(home)?)?;
    let account = |role: String| Ok(Account { id: keys.id(&role)?.to_string(), role, name: None });
    let accounts = keys.roles()?.into_iter().map(account).collect::<Result<_, wallet::Error>>()?;
    Ok(About::new(None, accounts))
}
