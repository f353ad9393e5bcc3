//! `pumasi verify`: checks a model's files against a signature by OpenSSF Model Signing.

use anyhow::{Context as _, anyhow, bail};
use blobs::signing::{self, Report, VerifyingKey};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder or file to check
    #[arg(id = "signed", value_name = "PATH")]
    path: PathBuf,
    /// The signer's public key, in PEM
    #[arg(id = "public_key", long = "key", value_name = "FILE")]
    key: PathBuf,
    /// The signature [default: model.sig in the folder, or beside the file as FILE.sig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A path within the folder that may be there unsigned (can be repeated; git's own files always may)
    #[arg(id = "unsigned", long = "ignore", value_name = "PATH")]
    ignore: Vec<String>,
}

pub fn run(args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let Args { path, key, signature, ignore } = args;
    std::fs::metadata(&path).with_context(|| path.display().to_string())?;
    let key = read(&key)?;
    let signature = signature.unwrap_or_else(|| signing::signature_of(&path));
    if !signature.exists() {
        bail!(t!(
            "there is no signature {}; say where it is with --signature",
            "서명 {}이 없습니다. 어디에 있는지 --signature로 알려 주세요",
            signature.display()
        ));
    }
    let mut progress = print::Progress::new(t!("reading the files", "파일을 읽는 중"));
    let report = signing::verify(&path, &signature, &key, &ignore, |bytes| progress.tell(bytes, None));
    drop(progress);
    let report = report.map_err(|error| anyhow!("{error}"))?;
    if json {
        print::json(&answer(&report, &key)?)?;
    } else {
        say(&report);
    }
    Ok(if report.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> anyhow::Result<VerifyingKey> {
    let pem = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    VerifyingKey::from_pem(&pem).map_err(anyhow::Error::msg).with_context(|| file.display().to_string())
}

fn answer(report: &Report, key: &VerifyingKey) -> anyhow::Result<Value> {
    let mut answer = serde_json::to_value(report)?;
    answer["good"] = report.good().into();
    answer["key"] = json!(key.hint());
    Ok(answer)
}

fn say(report: &Report) {
    let Report { name, files, changed, added, missing, ignored, .. } = report;
    let list = |label: String, names: &[String]| {
        // A stranger chose these names: nothing in them moves the cursor.
        names.iter().for_each(|name| print::line(&format!("  {label}  {}", name.escape_debug())));
    };
    let name = name.escape_debug();
    if report.good() {
        print::line(&t!(
            "good: the {files} files of {name} are those that this key signed",
            "맞습니다: {name}의 파일 {files}개는 이 키로 서명한 그대로입니다"
        ));
    } else {
        print::line(&t!(
            "WRONG: these files are not those of {name} that this key signed",
            "틀립니다: 이 키로 서명한 {name}의 파일과 다릅니다"
        ));
    }
    list(t!("changed", "바뀜"), changed);
    list(t!("added  ", "추가"), added);
    list(t!("missing", "없음"), missing);
    if !ignored.is_empty() {
        eprintln!("{}", t!("left out by the signer, and not checked:", "서명한 사람이 뺐으므로 확인하지 않은 것:"));
        ignored.iter().for_each(|path| eprintln!("  {}", path.escape_debug()));
    }
}
