//! Backups: what of a data folder cannot be had again, as one tar sealed by a passphrase (`age -d FILE | tar t`).
//!
//! | in it | why |
//! | --- | --- |
//! | `backup.json` | what this is a backup of: accounts, network, when |
//! | `keys/` | without them the money is gone. Sealed, if they are in the folder |
//! | `wallet.db` | what was signed and not answered yet, and what must not be sent twice |
//! | `gateway.db` | API keys and their budgets; orders, receipts and vouchers of open channels |
//! | `provider.db` | receipts that are not paid yet, and vouchers that are not settled |
//! | `ledger/journal`, `ledger/acknowledged` | the ledger, if this folder keeps it. Snapshot and index follow from it |
//! | the folder's other files | tokens, settings |
//!
//! Not in it: `blobs/`, which is large, public, and fetched again; and the witness's key, because a folder that is older than
//! what it cosigned could cosign the contrary: it becomes another witness. The node may run meanwhile. The parts are taken in
//! an order in which each may be a little newer than the one before, never older: the wallet's and the gateway's books, the
//! ledger, the provider's books, the keys. For such a set the code that runs after a crash is enough: the gateway asks the
//! provider for receipts that it does not know, the ledger has every channel that the gateway's books have, the provider
//! remembers every receipt that was settled, and every key that the ledger may name is among the keys.

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{DirBuilder, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use wallet::Passphrase;

use crate::{home::Home, layout, print::Progress, t};

/// What a backup says of itself: its first file.
const ABOUT: &str = "backup.json";
/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;
/// Books that are taken before the ledger; all others after it.
const BEFORE_LEDGER: &[&str] = &["wallet.db", "gateway.db"];
/// Of the ledger, in this order: what the mark says stands in a journal that is read later.
const LEDGER: &[&str] = &["acknowledged", "journal"];
/// Of a running process, not of the folder.
const PASSING: &[&str] = &["run.json", RESTORED];
/// Says that the folder was restored and its doors have yet to be told.
pub const RESTORED: &str = "restored";
/// Where a backup is unpacked to, and where books are copied to.
const UNPACKED: &str = "restoring";
const COPIES: &str = "backing-up";

/// What a backup is of.
#[derive(Debug, Serialize, Deserialize)]
pub struct About {
    /// The version of this format.
    pub version: u32,
    /// When it was made, in milliseconds since 1970.
    pub made: u64,
    /// The network, as far as that was known.
    pub network: Option<String>,
    /// The accounts, as far as they were known.
    pub accounts: Vec<Account>,
}

/// One account.
#[derive(Debug, Serialize, Deserialize)]
pub struct Account {
    /// What it is for here.
    pub role: String,
    /// Its id.
    pub id: String,
    /// Its name, if it took one.
    pub name: Option<String>,
}

impl About {
    /// A backup of now.
    pub fn new(network: Option<String>, accounts: Vec<Account>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { version: VERSION, made: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), network, accounts }
    }
}

/// Writes a backup: under another name first, so that half of one never looks like a whole. Gives its bytes.
///
/// # Errors
/// A sentence that says what is in the way; then there is no backup.
pub fn write(home: &Home, to: &Path, passphrase: &Passphrase, about: &About) -> anyhow::Result<u64> {
    if to.exists() {
        bail!(t!("{} is there already; choose another name", "{}이 이미 있습니다. 다른 이름을 고르세요", to.display()));
    }
    let folder = std::path::absolute(to)?.parent().and_then(|folder| folder.canonicalize().ok());
    if folder.is_some_and(|folder| home.dir().canonicalize().is_ok_and(|home| folder.starts_with(home))) {
        bail!(t!(
            "{} is in the folder that is backed up: it would be lost with it, and be a part of the next one; write it elsewhere",
            "{}는 백업하려는 폴더 안에 있습니다. 폴더와 함께 사라지고 다음 백업에도 들어갑니다. 다른 곳에 쓰세요",
            to.display()
        ));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = to.with_file_name(name);
    let copies = Copies::new(home)?;
    let written = || -> anyhow::Result<u64> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&part)?;
        let mut archive = Archive { tar: tar::Builder::new(passphrase.seal(file)?), progress: progress(), bytes: 0 };
        archive.put_bytes(ABOUT, &serde_json::to_vec_pretty(about)?)?;
        pack(home, &copies, &mut archive)?;
        let file = archive.tar.into_inner()?.finish()?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    let bytes = written().inspect_err(|_| drop(std::fs::remove_file(&part)));
    let bytes = bytes.with_context(|| t!("the backup {} was not made", "백업 {}을 만들지 못했습니다", to.display()))?;
    std::fs::rename(&part, to)?;
    Ok(bytes)
}

fn progress() -> Progress {
    Progress::new(t!("backing up", "백업하는 중"))
}

/// All parts in the order that the head of this file explains.
fn pack<W: Write>(home: &Home, copies: &Copies, archive: &mut Archive<W>) -> anyhow::Result<()> {
    for name in BEFORE_LEDGER {
        archive.put_books(home, copies, name)?;
    }
    for name in LEDGER {
        let path = home.path("ledger").join(name);
        if path.exists() {
            archive.put_file(&format!("ledger/{name}"), &path)?;
        }
    }
    let files = files(home.dir())?;
    for name in files.iter().filter(|name| name.ends_with(".db") && !BEFORE_LEDGER.contains(&name.as_str())) {
        archive.put_books(home, copies, name)?;
    }
    let other = |name: &&String| {
        let of_books = [".db", ".db-wal", ".db-shm", ".new"].iter().any(|end| name.ends_with(end));
        !of_books && !PASSING.contains(&name.as_str())
    };
    for name in files.iter().filter(other) {
        archive.put_file(name, &home.path(name))?;
    }
    let witness = format!("{}.key", wallet::WITNESS);
    for name in self::files(&home.path("keys"))?.iter().filter(|name| name.ends_with(".key") && **name != witness) {
        archive.put_file(&format!("keys/{name}"), &home.path("keys").join(name))?;
    }
    Ok(())
}

/// The names of the files of a folder, sorted. A name that no backup can hold is passed over.
fn files(dir: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.extend(entry.file_name().to_str().filter(|name| is_plain(name)).map(str::to_owned));
        }
    }
    Ok(names)
}

/// Copies of books, which go away with this.
struct Copies(PathBuf);

impl Copies {
    fn new(home: &Home) -> anyhow::Result<Self> {
        let dir = home.path(COPIES);
        drop(std::fs::remove_dir_all(&dir));
        DirBuilder::new().mode(0o700).create(&dir).with_context(|| dir.display().to_string())?;
        Ok(Self(dir))
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

struct Archive<W: Write> {
    tar: tar::Builder<W>,
    progress: Progress,
    bytes: u64,
}

impl<W: Write> Archive<W> {
    fn put_books(&mut self, home: &Home, copies: &Copies, name: &str) -> anyhow::Result<()> {
        let path = home.path(name);
        if !path.exists() {
            return Ok(());
        }
        let copy = copies.0.join(name);
        books::copy(&path, &copy)?;
        self.put_file(name, &copy)
    }

    /// A file as long as it is now: the journal grows meanwhile.
    fn put_file(&mut self, name: &str, path: &Path) -> anyhow::Result<()> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let size = file.metadata()?.len();
        self.put(name, size, file.take(size)).with_context(|| path.display().to_string())
    }

    fn put_bytes(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.put(name, u64::try_from(bytes.len())?, bytes)
    }

    fn put(&mut self, name: &str, size: u64, from: impl Read) -> anyhow::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header.set_cksum();
        self.tar.append_data(&mut header, name, from)?;
        self.bytes = self.bytes.saturating_add(size);
        self.progress.tell(self.bytes, None);
        Ok(())
    }
}

/// Unpacks a backup into a folder without keys. They come last, all at once: interrupted before that, it is done again. The
/// next start tells the doors.
///
/// # Errors
/// A sentence that says what is in the way; then the folder has no keys.
pub fn restore(home: &Home, from: &Path, open: impl FnOnce() -> anyhow::Result<Passphrase>) -> anyhow::Result<About> {
    check_empty(home)?;
    let shown = from.display();
    let file = File::open(from).with_context(|| shown.to_string())?;
    let opened = open()?.open(file).with_context(|| shown.to_string())?;
    // Held until the end: a node that starts meanwhile would found a network in this folder. One may have done so just now.
    let _lock = layout::open_keys(home, None)?;
    check_empty(home)?;
    let unpacked = home.path(UNPACKED);
    drop(std::fs::remove_dir_all(&unpacked));
    let done = unpack(opened, &unpacked).and_then(|about| {
        place(home, &unpacked)?;
        Ok(about)
    });
    let cleared = std::fs::remove_dir_all(&unpacked);
    let about = done.with_context(|| t!("{shown} was not restored", "{shown}을 되살리지 못했습니다"))?;
    cleared?;
    Ok(about)
}

/// Refuses a folder that has keys.
fn check_empty(home: &Home) -> anyhow::Result<()> {
    let keys = home.path("keys");
    if keys.exists() && files(&keys)?.iter().any(|name| name.ends_with(".key")) {
        bail!(t!(
            "{} has keys already: a backup is restored into an empty folder; name one with --home",
            "{}에는 이미 키가 있습니다. 백업은 빈 폴더에만 되살립니다. --home으로 빈 폴더를 정하세요",
            home.dir().display()
        ));
    }
    Ok(())
}

fn unpack(from: impl Read, to: &Path) -> anyhow::Result<About> {
    let mut progress = Progress::new(t!("restoring", "되살리는 중"));
    let (mut archive, mut about, mut bytes) = (tar::Archive::new(from), None, 0u64);
    for folder in ["", "keys", "ledger"] {
        DirBuilder::new().mode(0o700).create(to.join(folder))?;
    }
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8(entry.path_bytes().into_owned())?;
        if !entry.header().entry_type().is_file() || !is_name(&name) {
            bail!(t!("{name:?} does not belong into a backup", "{name:?}은 백업에 들어 있을 수 없는 파일입니다"));
        }
        if name == ABOUT {
            about = Some(read_about(&mut entry)?);
            continue;
        }
        if about.is_none() {
            bail!(t!("it does not begin as a backup does", "백업의 첫머리가 아닙니다"));
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(to.join(&name))?;
        bytes = bytes.saturating_add(std::io::copy(&mut entry, &mut file)?);
        file.sync_all()?;
        progress.tell(bytes, None);
    }
    let about = about.with_context(|| t!("it is empty", "비어 있습니다"))?;
    if !files(&to.join("keys"))?.iter().any(|name| name.ends_with(".key")) {
        bail!(t!("there are no keys in it", "그 안에 키가 없습니다"));
    }
    Ok(about)
}

fn read_about(from: impl Read) -> anyhow::Result<About> {
    let value: serde_json::Value = serde_json::from_reader(from)?;
    match value["version"].as_u64() {
        Some(version) if version > u64::from(VERSION) => bail!(t!(
            "it is a backup of version {version}, and this program knows up to {VERSION}: use a newer program",
            "백업의 버전은 {version}이고 이 프로그램은 {VERSION}까지만 압니다. 더 새로운 프로그램을 쓰세요"
        )),
        _ => Ok(serde_json::from_value(value)?),
    }
}

/// Moves what was unpacked to its place: the keys last, and with one step.
fn place(home: &Home, unpacked: &Path) -> anyhow::Result<()> {
    let ledger = files(&unpacked.join("ledger"))?;
    if !ledger.is_empty() {
        DirBuilder::new().recursive(true).mode(0o700).create(home.path("ledger"))?;
    }
    for name in ledger {
        std::fs::rename(unpacked.join("ledger").join(&name), home.path("ledger").join(&name))?;
    }
    for name in files(unpacked)? {
        std::fs::rename(unpacked.join(&name), home.path(&name))?;
    }
    home.write(RESTORED, "the doors are told at the next start")?;
    let keys = home.path("keys");
    if keys.exists() {
        std::fs::remove_dir_all(&keys)?;
    }
    std::fs::rename(unpacked.join("keys"), &keys)?;
    File::open(home.dir())?.sync_all()?;
    Ok(())
}

/// True for a file of the folder, of its keys, or of its ledger.
fn is_name(name: &str) -> bool {
    match name.split_once('/') {
        Some(("keys" | "ledger", name)) => is_plain(name),
        Some(_) => false,
        None => is_plain(name) && name != "keys" && name != "ledger",
    }
}

/// True for a name that leads nowhere else.
fn is_plain(name: &str) -> bool {
    let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_unpacked() {
        for good in ["gateway.db", "api-key", "keys/payer.key", "ledger/journal"] {
            assert!(is_name(good), "{good}");
        }
        for bad in
            ["", "..", "../a", "/etc/passwd", "keys/../a", "keys/", "keys", "a/b", "keys/a/b", ".ssh", "a\\b", "a\0"]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_backup_is_not_written_into_its_own_folder_nor_restored_beside_a_start() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let home = Home::find(Some(dir.path().join("home"))).unwrap();
        drop(layout::open_keys(&home, None).unwrap().pair("payer").unwrap());
        let (passphrase, about) =
            (|| Passphrase::new(&String::from("of several words").into()), About::new(None, Vec::new()));
        for inside in [home.path("a.backup"), home.path("keys").join("a.backup"), home.path("keys/../a.backup")] {
            let said = write(&home, &inside, &passphrase(), &about).unwrap_err().to_string();
            assert!(said.contains("elsewhere"), "{said}");
        }
        let file = elsewhere.path().join("a.backup");
        write(&home, &file, &passphrase(), &about).unwrap();
        let new = Home::find(Some(elsewhere.path().join("home"))).unwrap();
        let starting = layout::open_keys(&new, None).unwrap();
        let said = restore(&new, &file, || Ok(passphrase())).unwrap_err().to_string();
        assert!(said.contains("another pumasi"), "{said}");
        drop(starting);
        restore(&new, &file, || Ok(passphrase())).unwrap();
        assert!(restore(&new, &file, || Ok(passphrase())).unwrap_err().to_string().contains("already"));
    }
}
