//! `pumasi audit`: replays a ledger from its log alone, and finds the first wrong place. Works offline on a folder.

use anyhow::Context as _;
use api::Link;
use ledger::Head;
use replica::audit::{Finding, Report, Source, audit_watched};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{home::Home, node::Network, print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ledger: a folder, or an http(s) address, perhaps with #KEY [default: this folder's ledger, or the one it joined]
    #[arg(value_name = "DIR|URL")]
    source: Option<String>,
    /// A signed tree head (checkpoint) that was kept before: the log must still lead to it
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let source = source(home, args.source.as_deref())?;
    let kept = args.head.or_else(|| remembered(home, args.source.as_deref()));
    let kept = kept.as_deref().map(Kept::read).transpose()?;
    let mut progress = print::Progress::new(t!("auditing", "감사 중"));
    let remembered = kept.as_ref().map(|kept| kept.head);
    let audited = audit_watched(&source, remembered, |so_far| progress.tell(so_far.done, so_far.of), |_| {}).await;
    drop(progress);
    let audited = audited.and_then(|(report, state)| match &kept {
        Some(kept) => kept.check(state.genesis()).map(|()| report),
        None => Ok(report),
    });
    match audited {
        Ok(report) if json => print::json(&good(&report, kept.as_ref()))?,
        Ok(report) => say(&report, kept.as_ref()),
        Err(finding) if json => {
            print::json(&bad(&finding))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(finding) => return Err(sentence(&finding)),
    }
    Ok(ExitCode::SUCCESS)
}

/// A ledger by its address, its folder, or the data folder that it lies in.
pub fn source(home: &Home, named: Option<&str>) -> anyhow::Result<Source> {
    match named {
        None => Ok(match Network::read(home)? {
            Some(network) => Source::Url(network.ledger),
            None => Source::Folder(home.path("ledger")),
        }),
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => Ok(Source::Url(link(url)?)),
        Some(dir) => {
            let (dir, inner) = (PathBuf::from(dir), Path::new(dir).join("ledger"));
            Ok(Source::Folder(if inner.is_dir() { inner } else { dir }))
        }
    }
}

/// An address with or without a key, or what is wrong with it.
pub fn link(url: &str) -> anyhow::Result<Link> {
    url.parse().with_context(|| t!("{url} is not an address of a ledger", "{url}은 원장의 주소가 아닙니다"))
}

/// The head that this folder remembers of the ledger that it joined.
fn remembered(home: &Home, named: Option<&str>) -> Option<PathBuf> {
    let path = home.path(replica::watch::REMEMBERED);
    (named.is_none() && Network::read(home).ok()?.is_some() && path.is_file()).then_some(path)
}

/// What a finding means, for people.
pub fn sentence(finding: &Finding) -> anyhow::Error {
    anyhow::anyhow!(match finding {
        Finding::Unreadable(_) => t!("not audited: {finding}", "감사하지 못했습니다: {finding}"),
        _ => t!("the ledger is WRONG: {finding}", "원장이 틀렸습니다: {finding}"),
    })
}

/// A tree head that somebody kept.
struct Kept {
    head: Head,
    note: String,
}

impl Kept {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let failed = || t!("the head in {}", "{}의 머리", path.display());
        let note = std::fs::read_to_string(path).with_context(failed)?;
        let head = api::log::unchecked_head(&note).map_err(anyhow::Error::msg).with_context(failed)?;
        Ok(Self { head, note })
    }

    /// Its signature can be checked only once the founding document names who may sign.
    fn check(&self, genesis: &ledger::Genesis) -> Result<(), Finding> {
        let opened = api::log::open_note(&self.note, &genesis.origin, &genesis.replicas);
        opened.map(drop).map_err(|what| Finding::History(format!("the head that was kept is not good: {what}")))
    }
}

fn head(head: &Head) -> Value {
    json!({ "size": head.size, "root": head.root.to_string() })
}

fn good(report: &Report, kept: Option<&Kept>) -> Value {
    json!({
        "good": true,
        "network": report.network.to_string(),
        "origin": report.origin,
        "entries": report.entries,
        "applied": report.applied,
        "refused": report.refused,
        "settlements": report.settlements,
        "settled_pico": report.settled.0.to_string(),
        "paid_out_pico": report.paid_out.0.to_string(),
        "supply_pico": report.supply.0.to_string(),
        "head": head(&report.head),
        "signed_head": report.signed.as_ref().map(head),
        "kept_head": kept.map(|kept| head(&kept.head)),
        "unfinished_bytes": report.unfinished_bytes,
    })
}

fn bad(finding: &Finding) -> Value {
    let readable = !matches!(finding, Finding::Unreadable(_));
    let (entry, path, offset) = match finding {
        Finding::Wrong { entry, path, offset, .. } => (Some(entry), path.as_ref(), path.as_ref().map(|_| offset)),
        _ => (None, None, None),
    };
    json!({ "good": false, "read": readable, "finding": finding.to_string(), "entry": entry, "path": path, "offset": offset })
}

fn say(report: &Report, kept: Option<&Kept>) {
    let Report { origin, network, entries, applied, refused, settled, settlements, paid_out, supply, .. } = report;
    print::line(&t!(
        "The ledger is right: every signature, price, sum and root.",
        "원장이 맞습니다: 서명, 값, 합계, 뿌리 모두."
    ));
    let mut rows = vec![
        (t!("network", "네트워크"), format!("{origin}  {network}")),
        (
            t!("log", "로그"),
            t!(
                "{entries} entries: {applied} operations applied, {refused} refused",
                "항목 {entries}개: 적용한 연산 {applied}개, 거절한 연산 {refused}개"
            ),
        ),
        (t!("credits", "크레딧"), t!("{supply} in the world", "세상에 {supply}")),
        (
            t!("settled", "정산"),
            t!("{settled} credits (settlements: {settlements})", "{settled} 크레딧 ({settlements}번)"),
        ),
        (t!("royalties", "로열티"), t!("{paid_out} credits paid out", "{paid_out} 크레딧을 나누어 줌")),
    ];
    let signed = match &report.signed {
        Some(head) => t!("over {} entries, and the log leads to it", "항목 {}개까지, 로그와 이어집니다", head.size),
        None => t!("none here yet", "아직 없습니다"),
    };
    rows.push((t!("signed head", "서명된 머리"), signed));
    if let Some(kept) = kept {
        let size = kept.head.size;
        rows.push((
            t!("kept head", "받아 둔 머리"),
            t!("over {size} entries, and the log still leads to it", "항목 {size}개까지, 로그가 여전히 이어집니다"),
        ));
    }
    if report.unfinished_bytes > 0 {
        let what = t!(
            "{} bytes of a group that is being written, or that a crash tore",
            "{}바이트: 쓰는 중이거나, 꺼지면서 끊긴 것",
            report.unfinished_bytes
        );
        rows.push((t!("unfinished", "끝나지 않은 것"), what));
    }
    print::table(&rows.into_iter().map(|(what, value)| vec![what, value]).collect::<Vec<_>>());
}
