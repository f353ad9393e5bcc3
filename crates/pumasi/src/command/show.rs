//! `pumasi show`: everything about one artifact, or a form of it that programs of others read.

use gateway::artifacts::{ArtifactView, Branch, DraftRates, OfferView};
use serde_json::{Value, json};
use std::{io::IsTerminal as _, process::ExitCode};

use crate::{
    client::{self, Client},
    home::Home,
    print, t,
};

/// No card or bill of materials that is shown is longer.
const FORM_MAX: usize = 64 << 20;
/// Files and operations that are shown.
const ROWS: usize = 20;

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which one: NAME, PUBLISHER/NAME:TAG, or a digest
    #[arg(id = "artifact", value_name = "NAME")]
    artifact: String,
    /// bom: a bill of materials with the whole lineage (CycloneDX 1.6, ML-BOM). card: the README.md, or what the ledger knows
    /// for one (YAML for the Hugging Face Hub)
    #[arg(long, id = "shown_format", value_name = "FORMAT", value_parser = ["bom", "card"])]
    format: Option<String>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    if let Some(format) = &args.format {
        return form(&client, &args.artifact, format, json).await;
    }
    let view = client.artifact(&args.artifact).await?;
    let id = view.summary.id.to_string();
    let ledger: Value = client.get(&format!("/ledger/artifacts/{id}")).await?;
    let operations: Value = client.get(&format!("/ledger/operations?artifact={id}&limit=100")).await?;
    if json {
        let (days, operations) = (&ledger["days"], &operations["operations"]);
        print::json(&json!({ "artifact": view, "days": days, "operations": operations }))?;
        return Ok(ExitCode::SUCCESS);
    }
    about(&view);
    lineage(&view);
    offers(&view);
    print::missing(&view.openness_detail);
    files(&view);
    earned(&view, &ledger);
    history(&view, &operations);
    Ok(ExitCode::SUCCESS)
}

/// Prints the artifact in a form that is not ours.
async fn form(client: &Client, artifact: &str, format: &str, json: bool) -> anyhow::Result<ExitCode> {
    let path = client::path(&["artifacts", client::named(artifact)?], &[("format", format)]);
    let text = client.text(&path, FORM_MAX).await?;
    match format {
        "bom" => print::json(&serde_json::from_str::<Value>(&text)?)?,
        _ if json => print::json(&json!({ "card": text }))?,
        // A stranger's words must not change how a terminal shows the rest.
        _ if std::io::stdout().is_terminal() => print::line(text.trim_end()),
        _ => print::write(&text),
    }
    Ok(ExitCode::SUCCESS)
}

fn heading(text: &str) {
    print::line("");
    print::line(text);
}

fn about(view: &ArtifactView) {
    let summary = &view.summary;
    let none = || "-".to_owned();
    print::line(&summary.name);
    let mut rows = vec![vec![t!("  id", "  id"), summary.id.to_string()]];
    let mut row = |label: String, text: String| rows.push(vec![label, text]);
    let kind = print::kind(summary.kind);
    row(t!("  kind", "  종류"), view.architecture.as_ref().map_or(kind.clone(), |name| format!("{kind}, {name}")));
    row(t!("  title", "  제목"), summary.title.clone().unwrap_or_else(none));
    if let Some(text) = &summary.description {
        row(t!("  about", "  소개"), text.clone());
    }
    row(t!("  license", "  라이선스"), summary.license.clone().unwrap_or_else(none));
    row(t!("  openness", "  개방 등급"), print::openness(view.openness_detail.class));
    let (day, by) = (print::date(summary.time), &view.by.name);
    row(t!("  published", "  게시"), t!("{day} by {by}", "{day}, {by}"));
    if summary.unclaimed {
        let source = view.annotations.get("org.opencontainers.image.source").map(String::as_str).unwrap_or_default();
        let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
        row(t!("  unclaimed", "  주인 없음"), t!("brought here from {source}", "{source}에서 가져온 것입니다"));
    }
    if summary.retired {
        row(
            t!("  retired", "  은퇴"),
            t!("takes no new children and offers", "새 자식과 새 제공 조건을 받지 않습니다"),
        );
    }
    row(t!("  tags", "  태그"), if view.tags.is_empty() { none() } else { view.tags.join(", ") });
    row(t!("  royalty", "  로열티"), print::rates(summary.royalty));
    if !view.payees.is_empty() {
        let payees = view.payees.iter().map(|payee| format!("{} {}", payee.account, payee.weight));
        row(t!("  paid to", "  받는 이"), payees.collect::<Vec<_>>().join(", "));
    }
    row(t!("  built upon by", "  이것을 바탕으로"), t!("{} artifacts", "{}개", summary.children));
    print::table(&rows);
    if view.versions.len() > 1 {
        heading(&t!("Versions, oldest first:", "버전 (오래된 것부터):"));
        let row = |version: &gateway::artifacts::Version| {
            let tags = if version.tags.is_empty() { none() } else { version.tags.join(", ") };
            vec![format!("  {}", print::date(version.time)), version.id.to_string(), tags]
        };
        print::table(&view.versions.iter().map(row).collect::<Vec<_>>());
    }
}

fn lineage(view: &ArtifactView) {
    if view.lineage.parents.is_empty() {
        return;
    }
    heading(&t!("Built on (royalty in / out):", "바탕 (로열티 입력 / 출력):"));
    let mut rows = Vec::new();
    branches(&view.lineage.parents, 1, &mut rows);
    print::table(&rows);
    if view.lineage.left_out > 0 {
        let count = view.lineage.left_out;
        print::line(&t!("  and {count} more", "  그 밖에 {count}개"));
    }
}

fn branches(branches: &[Branch], depth: usize, rows: &mut Vec<Vec<String>>) {
    for branch in branches {
        let mut notes = Vec::new();
        if branch.retired {
            notes.push(t!("retired", "은퇴"));
        }
        if branch.again {
            notes.push(t!("shown above, counts once", "위에 있음, 한 번만 셈"));
        }
        let name = format!("{}{}", "  ".repeat(depth), branch.name);
        rows.push(vec![name, print::kind(branch.kind), print::rates_short(branch.royalty), notes.join(", ")]);
        self::branches(&branch.parents, depth + 1, rows);
    }
}

fn offers(view: &ArtifactView) {
    if view.offers.is_empty() {
        heading(&t!(
            "Nobody offers it now. An answer of 1,000 tokens in and 500 out pays, beside whoever runs the model:",
            "지금은 아무도 제공하지 않습니다. 입력 1,000토큰, 출력 500토큰인 답 하나의 값 (모델을 실행하는 이의 몫은 따로):"
        ));
    } else {
        heading(&t!(
            "Offers, and credits per million tokens in / out:",
            "제공 조건과 백만 토큰마다의 크레딧 (입력 / 출력):"
        ));
        let head = vec![
            t!("  provider", "  공급자"),
            t!("engine", "엔진"),
            t!("weights", "가중치"),
            t!("context", "문맥 길이"),
            t!("fee", "수수료"),
            t!("with royalties", "로열티까지"),
        ];
        let row = |offer: &OfferView| {
            let sum =
                |rate: fn(&api::view::PriceLine) -> u64| offer.lines.iter().map(rate).fold(0, u64::saturating_add);
            let all = DraftRates { input: sum(|line| line.input_rate), output: sum(|line| line.output_rate) };
            let (fee, all) = (print::rates_short(offer.fee), print::rates_short(all));
            let context = offer.context.to_string();
            vec![
                format!("  {}", offer.provider.name),
                offer.engine.clone(),
                offer.quantization.clone(),
                context,
                fee,
                all,
            ]
        };
        print::table(&std::iter::once(head).chain(view.offers.iter().map(row)).collect::<Vec<_>>());
        print::line("");
        print::line(&t!(
            "An answer of 1,000 tokens in and 500 out costs at the cheapest:",
            "입력 1,000토큰, 출력 500토큰인 답 하나의 값 (가장 싼 곳):"
        ));
    }
    print::write(&print::bill(&view.typical));
}

fn files(view: &ArtifactView) {
    let Some(files) = &view.files else {
        return heading(&t!(
            "Its files are not on this machine; fetch them with: pumasi pull {}",
            "이 컴퓨터에는 파일이 없습니다. 받으려면: pumasi pull {}",
            view.summary.name
        ));
    };
    heading(&t!("Files:", "파일:"));
    let row = |file: &gateway::artifacts::DraftFile| {
        vec![format!("  {}", file.path), print::size(file.size), file.digest.to_string()]
    };
    print::table(&files.iter().take(ROWS).map(row).collect::<Vec<_>>());
    more(files.len());
}

fn more(count: usize) {
    if let Some(count) = count.checked_sub(ROWS).filter(|count| *count > 0) {
        print::line(&t!("  and {count} more", "  그 밖에 {count}개"));
    }
}

fn earned(view: &ArtifactView, ledger: &Value) {
    if view.summary.royalty == DraftRates::default() {
        return;
    }
    let (all, waiting) = (print::credits(&view.summary.earned_pico), print::credits(&view.in_pot_pico));
    heading(&t!(
        "Earned {all} credits, of which {waiting} are not paid out yet:",
        "번 크레딧 {all}, 그 가운데 아직 나누지 않은 것 {waiting}:"
    ));
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let row = |day: &Value| {
        let date = print::date(number(&day["day"]).saturating_mul(24 * 60 * 60 * 1_000));
        let (input, output) = (number(&day["input"]), number(&day["output"]));
        let tokens = t!("{input} tokens in, {output} out", "입력 {input}토큰, 출력 {output}토큰");
        vec![format!("  {date}"), print::credits(day["earned"].as_str().unwrap_or_default()), tokens]
    };
    let days = ledger["days"].as_array().map(Vec::as_slice).unwrap_or_default();
    print::table(&days.iter().take(ROWS).map(row).collect::<Vec<_>>());
}

fn history(view: &ArtifactView, operations: &Value) {
    heading(&t!("History on the ledger, newest first:", "원장의 기록 (새것부터):"));
    let operations = operations["operations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let id = view.summary.id.to_string();
    let rows: Vec<Vec<String>> = operations.iter().filter_map(|one| row(one, &id)).collect();
    print::table(rows.get(..ROWS.min(rows.len())).unwrap_or_default());
    more(rows.len());
}

/// What happened; nothing for what was refused.
fn row(one: &Value, id: &str) -> Option<Vec<String>> {
    if one["applied"] != true {
        return None;
    }
    let operation = &one["operation"];
    let text = |field: &str| operation[field].as_str().unwrap_or_default();
    let what = match operation["kind"].as_str()? {
        "publish" if text("artifact") == id => t!("published as {}:{}", "게시: {}:{}", text("name"), text("tag")),
        "publish" => t!("built upon by {}:{}", "바탕이 됨: {}:{}", text("name"), text("tag")),
        "tag" => t!("tagged {}:{}", "태그: {}:{}", text("name"), text("tag")),
        "retire" => t!("retired", "은퇴"),
        "offer" => t!("offered", "제공 조건이 올라옴"),
        "settle" => t!("answers settled", "답을 정산"),
        "payout" => t!("royalties paid out", "로열티를 나눔"),
        other => other.to_owned(),
    };
    let entry = one["entry"].as_u64()?;
    Some(vec![format!("  {}", print::date(one["time"].as_u64()?)), what, t!("entry {entry}", "기록 {entry}")])
}
