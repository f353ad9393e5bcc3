//! Where passphrases come from: a private file that the environment names, a credential of systemd, or the terminal; never the
//! command line, which others can read.

use anyhow::{Context as _, bail};
use std::{
    fs::File,
    io::{IsTerminal as _, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use wallet::Passphrase;
use zeroize::Zeroizing;

use crate::{home::Home, t};

/// Names the file that opens the keys.
pub const KEYS_FILE: &str = "PUMASI_PASSPHRASE_FILE";
/// Names the file with a new passphrase.
pub const NEW_FILE: &str = "PUMASI_NEW_PASSPHRASE_FILE";
/// Names the file that seals or opens a backup.
pub const BACKUP_FILE: &str = "PUMASI_BACKUP_PASSPHRASE_FILE";
/// A passphrase is not longer than this.
const BYTES_MAX: u64 = 4_096;
/// A file that others can read or write.
const OPEN: u32 = 0o077;
/// The same of a credential: systemd lets a unit's user read it by an entry for that user, which shows as its group's right.
const CREDENTIAL_OPEN: u32 = 0o037;

/// The passphrase of a folder's keys, if they are sealed.
pub fn of_keys(home: &Home) -> anyhow::Result<Option<Passphrase>> {
    if !wallet::Keys::is_sealed(&home.path("keys"))? {
        return Ok(None);
    }
    if let Some(path) = named(KEYS_FILE) {
        return read(&path).map(Some);
    }
    if let Some(path) = credential() {
        return read_from(&path, CREDENTIAL_OPEN).map(Some);
    }
    let dir = home.dir().display();
    ask(&t!("Passphrase of {dir}: ", "{dir}의 암호: "), KEYS_FILE).map(Some)
}

/// A passphrase that seals something new: asked for twice.
pub fn fresh(variable: &str, question: &str) -> anyhow::Result<Passphrase> {
    let passphrase = match named(variable) {
        Some(path) => read(&path)?,
        None => {
            let first = ask_text(question, variable)?;
            if first != ask_text(&t!("The same again: ", "한 번 더: "), variable)? {
                bail!(t!(
                    "the two are not the same; nothing was changed",
                    "두 번이 서로 다릅니다. 아무것도 바꾸지 않았습니다"
                ));
            }
            Passphrase::new(&first)
        }
    };
    if !passphrase.is_long_enough() {
        bail!(t!(
            "a passphrase has at least 8 characters; several words are better, and as easily remembered",
            "암호는 여덟 글자 이상이어야 합니다. 여러 낱말로 만들면 더 안전하고 외우기도 쉽습니다"
        ));
    }
    Ok(passphrase)
}

/// The passphrase that opens something.
pub fn known(variable: &str, question: &str) -> anyhow::Result<Passphrase> {
    match named(variable) {
        Some(path) => read(&path),
        None => ask(question, variable),
    }
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// What a unit's `LoadCredential=passphrase:…` gives.
fn credential() -> Option<PathBuf> {
    named("CREDENTIALS_DIRECTORY").map(|dir| dir.join("passphrase")).filter(|path| path.exists())
}

fn ask(question: &str, variable: &str) -> anyhow::Result<Passphrase> {
    Ok(Passphrase::new(&ask_text(question, variable)?))
}

fn ask_text(question: &str, variable: &str) -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(t!(
            "a passphrase is needed: run this on a terminal, or let {variable} name a file with it that only you can read",
            "암호가 필요합니다. 터미널에서 실행하거나, 본인만 읽을 수 있는 파일에 담아 {variable}에 그 경로를 넣으세요"
        ));
    }
    eprint!("{question}");
    rpassword::read_password()
        .map(Zeroizing::new)
        .with_context(|| t!("the passphrase could not be read", "암호를 읽을 수 없습니다"))
}

/// The first line of a file that its owner alone can read.
fn read(path: &Path) -> anyhow::Result<Passphrase> {
    read_from(path, OPEN)
}

/// The first line of a file that has none of these permissions.
fn read_from(path: &Path, open: u32) -> anyhow::Result<Passphrase> {
    let shown = path.display();
    let file = File::open(path).with_context(|| shown.to_string())?;
    if file.metadata()?.permissions().mode() & open != 0 {
        bail!(t!(
            "{shown} can be read by others; make it yours alone (chmod 600), and think whether it was read",
            "다른 사람도 {shown}을 읽을 수 있습니다. 본인만 읽게 하고 (chmod 600), 이미 읽혔는지 생각해 보세요"
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(BYTES_MAX).read_to_string(&mut text).with_context(|| shown.to_string())?;
    let line = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    if line.is_empty() {
        bail!(t!("{shown} holds no passphrase", "{shown}에 암호가 없습니다"));
    }
    Ok(Passphrase::new(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_of_systemd_is_read_and_an_open_file_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "of several words\n").unwrap();
        for (mode, own, credential) in [
            (0o400, true, true),
            (0o600, true, true),
            (0o440, false, true),
            (0o444, false, false),
            (0o460, false, false),
        ] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(file.path()).is_ok(), own, "{mode:o}");
            assert_eq!(read_from(file.path(), CREDENTIAL_OPEN).is_ok(), credential, "{mode:o}");
        }
    }
}
