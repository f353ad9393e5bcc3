//! `pumasi verify`: checks a model's files against a signature by OpenSSF Model Signing, or a proof that `pumasi prove` wrote. A
//! proof says in its first line that it is one, so there is one command for both.

use anyhow::{Context as _, anyhow, bail};
use api::{
    proof::{BYTES_MAX, FIRST_LINE, Proof},
    witness::Cosigner,
};
use blobs::signing::{self, Report, VerifyingKey};
use ledger::Digest;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{home::Home, node, print, proved::Proved, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder or file to check; a proof is known by its first line
    #[arg(id = "checked", value_name = "PATH")]
    path: PathBuf,
    /// Of a model: the signer's public key, in PEM
    #[arg(id = "public_key", long = "key", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Of a proof: the network that it must be of [default: that of this folder]
    #[arg(id = "of_network", long = "network", value_name = "DIGEST", conflicts_with = "public_key")]
    network: Option<Digest>,
    /// Of a proof: a witness that must have cosigned its tree head (can be repeated)
    #[arg(id = "witnesses", long = "witness", value_name = "NAME+ID+KEY", conflicts_with = "public_key")]
    witnesses: Vec<Cosigner>,
    /// The signature [default: model.sig in the folder, or beside the file as FILE.sig]
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A path within the folder that may be there unsigned (can be repeated; git's own files always may)
    #[arg(id = "unsigned", long = "ignore", value_name = "PATH")]
    ignore: Vec<String>,
}

pub fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let Args { path, key, network, witnesses, signature, ignore } = args;
    if let Some(text) = proof(&path).with_context(|| path.display().to_string())? {
        let network = network.map_or_else(|| node::network_of(home), |network| Ok(Some(network)))?;
        return check(&text, network, &witnesses, json);
    }
    let Some(key) = key else {
        bail!(t!(
            "{} is no proof of `pumasi prove`; if it is a model, name its signer's key with --key",
            "{}은 `pumasi prove`의 증명이 아닙니다. 모델이면 서명한 사람의 키를 --key로 알려 주세요",
            path.display()
        ));
    };
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

/// The file's text, if it says that it is a proof.
fn proof(path: &Path) -> std::io::Result<Option<String>> {
    if std::fs::metadata(path)?.is_dir() {
        return Ok(None);
    }
    let (mut file, mut bytes) = (File::open(path)?, Vec::new());
    file.by_ref().take(FIRST_LINE.len() as u64).read_to_end(&mut bytes)?;
    if bytes != FIRST_LINE.as_bytes() {
        return Ok(None);
    }
    // One byte more than can be good.
    file.take(BYTES_MAX as u64).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn check(text: &str, network: Option<Digest>, witnesses: &[Cosigner], json: bool) -> anyhow::Result<ExitCode> {
    let parsed = Proof::parse(text);
    let checked = parsed.as_ref().map_err(Clone::clone).and_then(|proof| match network {
        Some(network) => Proved::check(proof, network, witnesses),
        None => Err(t!(
            "it is of the network {}, and this folder takes part in none: if you know that network by this name, say so with --network",
            "네트워크 {}의 것인데 이 폴더는 어디에도 함께하지 않습니다. 그 네트워크를 이 이름으로 안다면 --network로 알려 주세요",
            proof.genesis.network()
        )),
    });
    match checked {
        Ok(proved) if json => print::json(&proved.json())?,
        Ok(proved) => proved.say(),
        Err(what) if json => {
            print::json(&json!({ "good": false, "finding": what }))?;
            return Ok(ExitCode::FAILURE);
        }
        Err(what) => bail!(t!("this proves nothing: {what}", "아무것도 증명하지 않습니다: {what}")),
    }
    Ok(ExitCode::SUCCESS)
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
