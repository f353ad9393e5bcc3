//! `pumasi bill`: recomputes the bill of a receipt and proves it from the log.

use anyhow::{Context as _, bail};
use api::view::ReceiptView;
use replica::audit::{Source, audit_watched};
use serde_json::json;
use std::{path::Path, process::ExitCode};

use super::audit;
use crate::{
    client::Client,
    home::Home,
    node::Network,
    print,
    proof::{self, Outcome, Proof, Seen},
    t,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A receipt's id, or a file with what GET /receipts/ID gave
    #[arg(value_name = "ID|FILE")]
    receipt: String,
    /// The ledger: a folder, or an http(s) address, perhaps with #KEY [default: this folder's ledger, or the one it joined]
    #[arg(long, value_name = "DIR|URL")]
    log: Option<String>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let file = Path::new(&args.receipt);
    let (view, address) = if file.is_file() { (read(file)?, None) } else { fetch(home, &args).await? };
    let Some(receipt) = view.receipt.as_ref().map(|receipt| &receipt.0) else {
        bail!(t!(
            "the order {} has no receipt: it is {}, and nothing was billed for it",
            "주문 {}에는 영수증이 없습니다: 상태는 {}이고 값을 매기지 않았습니다",
            view.id,
            view.state
        ));
    };
    // A running replica signs heads all the time; a folder holds one from its last stop.
    let source = match (&args.log, address) {
        (None, Some(address)) if Network::read(home)?.is_none() => Source::Url(audit::link(&address)?),
        (named, _) => audit::source(home, named.as_deref())?,
    };
    let mut progress = print::Progress::new(t!("replaying the log", "로그를 다시 실행하는 중"));
    let mut seen = Seen::new(receipt);
    let tell = |so_far: replica::audit::Progress| progress.tell(so_far.done, so_far.of);
    let audited = audit_watched(&source, Some(receipt.body.head), tell, |step| seen.see(step)).await;
    drop(progress);
    let (report, state) = audited.map_err(|finding| audit::sentence(&finding))?;
    let proof = proof::prove(&view, receipt, &proof::Log { report: &report, state: &state, seen: &seen });
    if json {
        let (input, output) = (receipt.body.usage.input, receipt.body.usage.output);
        print::json(&json!({
            "receipt": view.id, "state": view.state, "input": input, "output": output, "good": proof.holds(),
            "checks": proof.checks, "bill": proof.bill,
        }))?;
    } else {
        show(&view, &proof);
    }
    Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> anyhow::Result<ReceiptView> {
    let failed = || t!("{} is not a saved receipt", "{}은 저장한 영수증이 아닙니다", file.display());
    serde_json::from_slice(&std::fs::read(file).with_context(failed)?).with_context(failed)
}

/// The receipt as this folder's node tells it, and where that is; or as whoever serves the log does.
async fn fetch(home: &Home, args: &Args) -> anyhow::Result<(ReceiptView, Option<String>)> {
    let path = format!("/receipts/{}", args.receipt);
    match (home.running(), args.log.as_deref().filter(|log| log.starts_with("http"))) {
        (Ok(_), _) => {
            let client = Client::user(home)?;
            Ok((client.get(&path).await?, Some(client.address().to_owned())))
        }
        (Err(_), Some(url)) => Ok((Client::stranger(&audit::link(url)?)?.get(&path).await?, None)),
        (Err(error), None) => Err(error).with_context(|| {
            t!(
                "{} is no file, so a running node is asked for it",
                "{}은 파일이 아니므로 켜져 있는 노드에 물어야 합니다",
                args.receipt
            )
        }),
    }
}

fn show(view: &ReceiptView, proof: &Proof) {
    let (input, output) = (view.input.unwrap_or_default(), view.output.unwrap_or_default());
    print::line(&t!(
        "receipt {}: {input} tokens in, {output} out",
        "영수증 {}: 입력 {input}토큰, 출력 {output}토큰",
        view.id
    ));
    if let Some(bill) = &proof.bill {
        print::write(&print::bill(bill));
    }
    print::line("");
    for check in &proof.checks {
        let mark = match check.outcome {
            Outcome::Holds => t!("proved ", "확인  "),
            Outcome::NotYet => t!("not yet", "아직  "),
            Outcome::Wrong => t!("WRONG  ", "틀림  "),
        };
        print::line(&format!("  {mark}  {}", check.what));
    }
}
