//! `pumasi wallet send`: credits to somebody, after showing who that is.
//!
//! Each wish has an id, which is written into the folder before it is sent and removed once it was answered. So a command that
//! was interrupted and is run again asks for the same wish, and the wallet does it once.

use anyhow::{Context as _, bail};
use ledger::Amount;
use std::process::ExitCode;

use crate::{
    client::{Client, Refused},
    home::Home,
    node::{Transfer, TransferPreview, Transferred},
    print, t,
};

/// The folder of wishes that were not answered.
const WISHES: &str = "sending";

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who receives: a name or an account's id
    #[arg(value_name = "NAME")]
    to: String,
    /// How many credits, such as 10 or 0.5
    #[arg(value_name = "AMOUNT")]
    amount: Amount,
    /// What for, such as an invoice number; `key:ID` tops up an API key of the receiver's gateway
    #[arg(long = "for", value_name = "REFERENCE")]
    purpose: Option<String>,
    /// The account that sends [default: payer]
    #[arg(long = "from", value_name = "ROLE")]
    sender: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let Args { to, amount, purpose, sender, yes } = args;
    check_key(purpose.as_deref())?;
    let client = Client::owner(home)?;
    let mut transfer = Transfer { id: String::new(), from: sender, to, amount: amount.to_string(), purpose };
    let wish = Wish::of(home, &mut transfer)?;
    let preview: TransferPreview = match client.post("/wallet/transfers/preview", &transfer).await {
        Ok(preview) => preview,
        Err(error) => return Err(wish.end_if_refused(error)),
    };
    if let Some(entry) = preview.done {
        wish.end();
        print_done(entry, json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !json {
        show(&preview);
    }
    warn(&preview);
    let question = t!("Send it? [y/N]", "보낼까요? [y/N]");
    if !yes && !print::confirmed(&question, json).inspect_err(|_| wish.end_if_new())? {
        wish.end_if_new();
        bail!(t!("nothing was sent", "아무것도 보내지 않았습니다"));
    }
    wish.keep()?;
    let label = t!("sending", "보내는 중");
    let sent = print::waiting(label, client.post("/wallet/transfers", &transfer)).await;
    let sent: Transferred = sent.map_err(|error| wish.end_if_refused(error))?;
    wish.end();
    if json {
        print::json(&sent)?;
    } else {
        let (to, entry) = (sent.to_name.unwrap_or(sent.to), sent.entry);
        let amount = print::credits(&sent.amount_pico);
        print::line(&t!(
            "sent {amount} credits to {to}: log entry {entry}",
            "{to}에게 {amount} 크레딧을 보냈습니다: 로그 항목 {entry}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The number of a key is easily forgotten, and money for no key is not given back.
fn check_key(purpose: Option<&str>) -> anyhow::Result<()> {
    let Some(id) = purpose.and_then(|purpose| purpose.strip_prefix("key:")) else { return Ok(()) };
    let number = id.strip_prefix("key_").and_then(|number| number.parse::<u64>().ok());
    if number.is_some_and(|number| format!("key_{number}") == id) {
        return Ok(());
    }
    bail!(t!(
        "{id} is not the id of an API key: it looks like key_3, and its holder's gateway shows it",
        "{id}는 API 키의 id가 아닙니다: key_3 같은 모양이고, 그 키를 만든 게이트웨이가 보여 줍니다"
    ))
}

fn show(preview: &TransferPreview) {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".into());
    let row = |what: String, who: &Option<String>, id: &str| vec![what, name(who), id.to_owned()];
    print::table(&[
        row(t!("from", "보내는 이"), &preview.from.name, &preview.from.id),
        row(t!("to", "받는 이"), &preview.to_name, &preview.to),
    ]);
    let (amount, balance) = (print::credits(&preview.amount_pico), print::credits(&preview.from.balance_pico));
    print::line(&t!("{amount} credits, of {balance}", "{amount} 크레딧 (가진 것 {balance})"));
}

fn warn(preview: &TransferPreview) {
    if preview.to_new {
        eprintln!(
            "{}",
            t!(
                "This account never did or received anything on this ledger. If its id is mistyped, what is sent is lost.",
                "이 원장에서 아무것도 하거나 받은 적이 없는 계정입니다. id가 틀렸다면 보낸 것은 사라집니다."
            )
        );
    }
    if let Some(entry) = preview.same {
        eprintln!(
            "{}",
            t!(
                "The same was sent before: log entry {entry}. This sends it once more.",
                "똑같은 것을 전에 보냈습니다: 로그 항목 {entry}. 이번에 한 번 더 보냅니다."
            )
        );
    }
}

fn print_done(entry: u64, json: bool) -> anyhow::Result<()> {
    if json {
        return print::json(&serde_json::json!({ "entry": entry, "earlier": true }));
    }
    print::line(&t!(
        "An earlier command that was interrupted has sent this already: log entry {entry}. To send it once more, run this again.",
        "중간에 끊긴 앞의 명령이 이미 보냈습니다: 로그 항목 {entry}. 한 번 더 보내려면 다시 실행하세요."
    ));
    Ok(())
}

/// The file of a wish that was not answered: its id, under a name that follows from what is wished for.
struct Wish {
    path: std::path::PathBuf,
    id: String,
    new: bool,
}

impl Wish {
    /// The wish that is the same and was interrupted, or a new one; its id is put into the transfer.
    fn of(home: &Home, transfer: &mut Transfer) -> anyhow::Result<Self> {
        let name = ledger::Digest::of(serde_json::to_string(transfer)?.as_bytes()).to_string();
        let path = home.path(WISHES).join(name.trim_start_matches("sha256:"));
        let before = std::fs::read_to_string(&path).ok().filter(|id| id.len() == 32);
        let new = before.is_none();
        let id = match before {
            Some(id) => id,
            None => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
                hex::encode(bytes)
            }
        };
        transfer.id.clone_from(&id);
        Ok(Self { path, id, new })
    }

    /// Writes the id down before anything is sent.
    fn keep(&self) -> anyhow::Result<()> {
        if let Some(dir) = self.path.parent() {
            std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        crate::home::write_private(&self.path, &self.id)
    }

    /// It was answered.
    fn end(&self) {
        drop(std::fs::remove_file(&self.path));
    }

    fn end_if_new(&self) {
        if self.new {
            self.end();
        }
    }

    /// What the node refused was not done; what got no answer may have been.
    fn end_if_refused(&self, error: anyhow::Error) -> anyhow::Error {
        if error.downcast_ref::<Refused>().is_some_and(Refused::is_for_good) {
            self.end();
            return error;
        }
        if self.path.exists() {
            return error.context(t!(
                "whether it was sent is not known; run the same command again, and it is sent once",
                "보냈는지 알 수 없습니다. 같은 명령을 다시 실행하면 한 번만 보냅니다"
            ));
        }
        error
    }
}
