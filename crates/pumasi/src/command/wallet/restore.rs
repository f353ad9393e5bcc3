//! `pumasi wallet restore`: a folder from a backup.

use std::{path::PathBuf, process::ExitCode};

use crate::{backup, home::Home, passphrase, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup
    #[arg(id = "backup_file", value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(home: &Home, args: &Args, json: bool) -> anyhow::Result<ExitCode> {
    let question = t!("Passphrase of the backup: ", "백업의 암호: ");
    let about = backup::restore(home, &args.file, || passphrase::known(passphrase::BACKUP_FILE, &question))?;
    if json {
        print::json(&about)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (dir, made) = (home.dir().display(), print::date(about.made));
    print::line(&t!("restored into {dir}, as of {made} (UTC):", "{dir}에 되살렸습니다. {made} (UTC)의 것입니다:"));
    let row = |account: &backup::Account| {
        vec![format!("  {}", account.role), account.name.clone().unwrap_or_else(|| "-".into()), account.id.clone()]
    };
    print::table(&about.accounts.iter().map(row).collect::<Vec<_>>());
    print::line(&t!(
        "Start it with: {} up. Never run the old folder again: two of them would sign against each other.",
        "켜려면: {} up. 옛 폴더는 다시 켜지 마세요. 둘이 서로 어긋나게 서명합니다.",
        home.command()
    ));
    Ok(ExitCode::SUCCESS)
}
