//! `pumasi sign`: signs a model's files by OpenSSF Model Signing.

use anyhow::{Context as _, anyhow, bail};
use blobs::signing::{self, Options, SigningKey};
use serde_json::json;
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{print, t};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder or file to sign
    #[arg(id = "signed", value_name = "PATH")]
    path: PathBuf,
    /// The private key: ECDSA in PEM, as OpenSSL makes it
    #[arg(long, value_name = "FILE", required_unless_present = "new_key", conflicts_with = "new_key")]
    key: Option<PathBuf>,
    /// Make a key first, and keep it in this file; its public half goes beside it as FILE.pub
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
    /// Where the signature goes [default: model.sig in the folder, or beside the file as FILE.sig]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A path within the folder that is left out (can be repeated; git's own files always are)
    #[arg(long, value_name = "PATH")]
    ignore: Vec<String>,
    /// Sign what links to files point to; otherwise a link is refused
    #[arg(long)]
    follow_links: bool,
}

pub fn run(args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let Args { path, key, new_key, out, ignore, follow_links } = args;
    std::fs::metadata(&path).with_context(|| path.display().to_string())?;
    let out = out.unwrap_or_else(|| signing::signature_of(&path));
    let (key, public) = match (key, new_key) {
        (_, Some(file)) => make(&file).map(|(key, public)| (key, Some(public)))?,
        (Some(file), None) => (read(&file)?, None),
        (None, None) => unreachable!("clap asks for one of the two"),
    };
    let options = Options { ignored: ignore, follow_links, manifest: None };
    let mut progress = print::Progress::new(t!("reading the files", "파일을 읽는 중"));
    let files = signing::sign(&path, &out, &key, &options, |bytes| progress.tell(bytes, None));
    drop(progress);
    let (files, hint) = (files.map_err(|error| anyhow!("{error}"))?, key.verifying_key().hint());
    if json {
        print::json(&json!({ "signature": out, "files": files, "key": hint, "public_key": public }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&t!("signed {files} files: {}", "파일 {files}개에 서명했습니다: {}", out.display()));
    if let Some(public) = public {
        let said = t!(
            "Others check it with: pumasi verify PATH --key {}",
            "다른 사람은 이렇게 확인합니다: pumasi verify PATH --key {}",
            public.display()
        );
        eprintln!("{said}");
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<SigningKey> {
    let pem = zeroize::Zeroizing::new(std::fs::read_to_string(file).with_context(|| file.display().to_string())?);
    SigningKey::from_pem(&pem).map_err(anyhow::Error::msg).with_context(|| file.display().to_string())
}

/// Makes a key that only its owner can read, and its public half; neither replaces a file.
fn make(file: &Path) -> anyhow::Result<(SigningKey, PathBuf)> {
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    if let Some(there) = [file, &public].into_iter().find(|file| file.exists()) {
        bail!(t!(
            "{} is there already; sign with --key, or give another name",
            "{}은 이미 있습니다. --key로 서명하거나 다른 이름을 주세요",
            there.display()
        ));
    }
    let key = SigningKey::generate().map_err(anyhow::Error::msg)?;
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.write(true).create_new(true).open(file);
    let write = |mut opened: File, text: &str| opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all());
    opened.and_then(|opened| write(opened, &key.to_pem())).with_context(|| file.display().to_string())?;
    let opened = File::create_new(&public);
    let written = opened.and_then(|opened| write(opened, &key.verifying_key().to_pem()));
    written.with_context(|| public.display().to_string())?;
    Ok((key, public))
}
