//! `pumasi publish`: puts a work on the ledger, after showing what it will be.

use anyhow::{Context as _, bail};
use blobs::{Gathered, Store, Walk};
use gateway::artifacts::{Draft, DraftFile, DraftPayee, DraftRates, Kind, Preview};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use crate::{client::Client, home::Home, print, rate, t};

/// The longest name that the ledger takes.
const NAME_MAX: usize = 64;

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file, or a folder with everything that belongs together
    path: PathBuf,
    /// What it is called below your name [default: the name of the file or folder]
    #[arg(long = "name", id = "publish_name", value_name = "NAME[:TAG]")]
    name: Option<String>,
    /// model, adapter, dataset, recipe or evaluation [default: as the files say]
    #[arg(long)]
    kind: Option<Kind>,
    /// What it is built on; may be given several times [default: as the files say]
    #[arg(long = "parent", id = "parents", value_name = "NAME")]
    parents: Vec<String>,
    /// What every use pays, in credits per million input tokens; it can never be changed
    #[arg(long, value_name = "CREDITS", value_parser = rate::parse, requires = "royalty_out")]
    royalty_in: Option<u64>,
    /// And per million output tokens
    #[arg(long, value_name = "CREDITS", value_parser = rate::parse, requires = "royalty_in")]
    royalty_out: Option<u64>,
    /// Who is paid of the royalty; may be given several times [default: you alone]
    #[arg(long = "payee", id = "payees", value_name = "ACCOUNT=WEIGHT")]
    payees: Vec<Share>,
    /// The license, in SPDX's words [default: as the files say]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// Publish without asking
    #[arg(long)]
    yes: bool,
}

/// `ACCOUNT=WEIGHT`.
#[derive(Debug, Clone)]
struct Share(String, u32);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected ACCOUNT=WEIGHT, such as you=3";
        let (account, weight) = text.rsplit_once('=').ok_or(expected)?;
        let weight = weight.parse().ok().filter(|weight| *weight > 0).ok_or(expected)?;
        if account.is_empty() { Err(expected) } else { Ok(Self(account.to_owned(), weight)) }
    }
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    able(home).await?;
    let name = match args.name {
        Some(name) => name,
        None => name_of(&args.path)?,
    };
    let Gathered { files, skipped, .. } = gather(home, args.path).await?;
    for skipped in skipped {
        eprintln!("{}", t!("left out: {skipped}", "뺐습니다: {skipped}"));
    }
    let draft = Draft {
        name,
        files: files.into_iter().map(|(path, digest, size)| DraftFile { path, digest, size }).collect(),
        kind: args.kind,
        parents: (!args.parents.is_empty()).then_some(args.parents),
        royalty: args.royalty_in.zip(args.royalty_out).map(|(input, output)| DraftRates { input, output }),
        payees: args.payees.into_iter().map(|Share(account, weight)| DraftPayee { account, weight }).collect(),
        license: args.license,
        source: None,
    };
    submit(home, &draft, args.yes, json).await
}

/// True if something can be published: hours of hashing or fetching should not end in this.
pub async fn able(home: &Home) -> anyhow::Result<()> {
    Client::gateway(home)?.get::<serde_json::Value>("/healthz").await.map(drop)
}

/// Puts the files into the folder's store. What is there already costs no space.
async fn gather(home: &Home, path: PathBuf) -> anyhow::Result<Gathered> {
    let dir = home.path("blobs");
    let label = t!("reading {}", "{} 읽는 중", path.display());
    let work = move || -> anyhow::Result<Gathered> {
        let mut progress = print::Progress::new(label);
        Ok(Store::open(&dir)?.gather(&path, Walk::default(), |done, all| progress.tell(done, Some(all)))?)
    };
    tokio::task::spawn_blocking(work).await?
}

/// A name that the ledger takes, from that of a file or folder: `My Model.gguf` becomes `my-model`.
fn name_of(path: &Path) -> anyhow::Result<String> {
    let whole = path.canonicalize().with_context(|| path.display().to_string())?;
    let name = if whole.is_file() { whole.file_stem() } else { whole.file_name() };
    let name = label(&name.unwrap_or_default().to_string_lossy());
    if name.is_empty() {
        bail!(t!(
            "{} gives no name that the ledger takes; name it with --name",
            "{}에서는 원장이 받는 이름이 나오지 않습니다. --name으로 이름을 정해 주세요",
            path.display()
        ));
    }
    Ok(name)
}

fn label(text: &str) -> String {
    let mut label = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
        if label.len() < NAME_MAX && (c.is_ascii_alphanumeric() || !(label.is_empty() || label.ends_with('-'))) {
            label.push(c);
        }
    }
    label.trim_end_matches(['-', '.', '_']).to_owned()
}

/// Shows what a draft will be, asks whether to go on unless `yes`, and publishes it.
pub async fn submit(home: &Home, draft: &Draft, yes: bool, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::gateway(home)?;
    let preview: Preview = client.post("/artifacts/preview", draft).await?;
    if !json {
        show(&preview);
    }
    if !yes && !print::confirmed(&t!("Publish it? [y/N]", "올릴까요? [y/N]"), json)? {
        bail!(t!("nothing was published", "아무것도 올리지 않았습니다"));
    }
    let published: Preview = client.post("/artifacts", draft).await?;
    if json {
        print::json(&published)?;
    } else {
        print::line(&t!("published {}", "올렸습니다: {}", published.name));
        print::line(&published.id.to_string());
        let (command, name) = (home.command(), &published.name);
        let said = t!(
            "A proof that it is published, for whoever asks: {command} prove {name} --out FILE",
            "올렸다는 증명을 남에게 주려면: {command} prove {name} --out FILE"
        );
        eprintln!("{said}");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(preview: &Preview) {
    let none = || "-".to_owned();
    let kind = match &preview.architecture {
        Some(architecture) => format!("{}, {architecture}", print::kind(preview.kind)),
        None => print::kind(preview.kind),
    };
    print::line(&preview.name);
    let mut rows = vec![
        vec![t!("  kind", "  종류"), kind],
        vec![t!("  title", "  제목"), preview.title.clone().unwrap_or_else(none)],
        vec![t!("  license", "  라이선스"), preview.license.clone().unwrap_or_else(none)],
        vec![t!("  openness", "  개방 등급"), print::openness(preview.openness.class)],
        vec![
            t!("  files", "  파일"),
            t!("{}, together {}", "{}개, 모두 {}", preview.files, print::size(preview.bytes)),
        ],
    ];
    for (at, parent) in preview.parents.iter().enumerate() {
        rows.push(vec![if at == 0 { t!("  built on", "  바탕") } else { String::new() }, parent.clone()]);
    }
    rows.push(vec![t!("  royalty", "  로열티"), print::rates(preview.royalty)]);
    let payees: Vec<String> =
        preview.payees.iter().map(|payee| format!("{} {}", payee.account, payee.weight)).collect();
    if !payees.is_empty() {
        rows.push(vec![t!("  paid to", "  받는 이"), payees.join(", ")]);
    }
    print::table(&rows);
    print::line(&t!(
        "An answer of 1,000 tokens in and 500 out pays, beside whoever runs the model:",
        "입력 1,000토큰, 출력 500토큰인 답 하나의 값 (모델을 실행하는 이의 몫은 따로):"
    ));
    print::write(&print::bill(&preview.price));
    print::missing(&preview.openness);
    warn(preview);
}

/// What its publisher should know before it is for good.
fn warn(preview: &Preview) {
    let say = |sentence: String| eprintln!("{sentence}");
    for name in &preview.unresolved {
        say(t!(
            "Its files say that it is built on {name}, which is not published here: it will not be a parent.",
            "파일에는 {name}을(를) 바탕으로 했다고 적혀 있지만 여기에 올라와 있지 않아서 부모가 되지 않습니다."
        ));
    }
    for name in &preview.left_out {
        say(t!(
            "Its files say that it is built on {name}, and you did not name it with --parent.",
            "파일에는 {name}을(를) 바탕으로 했다고 적혀 있는데 --parent로 적지 않았습니다."
        ));
    }
    if preview.license.is_none() {
        say(t!(
            "No license was found: without one nobody may rely on using it. Name one with --license.",
            "라이선스를 찾지 못했습니다. 라이선스가 없으면 아무도 마음 놓고 쓸 수 없으니 --license로 정해 주세요."
        ));
    }
    if let Some(before) = preview.replaces {
        let name = &preview.name;
        say(t!(
            "{name} points at {before} now, and will point at this.",
            "지금 {name}이(가) 가리키는 것은 {before}이고, 앞으로는 이것을 가리킵니다."
        ));
    }
    preview.notes.iter().cloned().for_each(say);
    if preview.published {
        return say(t!("It is published already.", "이미 올라와 있습니다."));
    }
    say(t!(
        "Kind, parents, royalty and who is paid are for good: they cannot be changed afterwards.",
        "종류, 부모, 로열티, 받는 이는 영구적입니다. 올린 뒤에는 바꿀 수 없습니다."
    ));
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_path_gives_a_name_that_the_ledger_takes() {
        for (text, name) in [
            ("My Model", "my-model"),
            ("Qwen3-0.6B_Q4.v2", "qwen3-0.6b_q4.v2"),
            ("..a--b..", "a-b"),
            ("품앗이", ""),
            ("품앗이 v1", "v1"),
            ("", ""),
        ] {
            assert_eq!(super::label(text), name, "{text}");
        }
        assert_eq!(super::label(&"ab-".repeat(40)).len(), 64);
    }
}
