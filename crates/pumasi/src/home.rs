//! The data folder: where everything of one node lies.
//!
//! | path | what |
//! | --- | --- |
//! | `version` | of the folder's layout (`layout.rs`) |
//! | `keys/` | signing keys, one file per account, and the lock of the folder |
//! | `ledger/` | journal and snapshots |
//! | `blobs/` | artifacts, an OCI layout |
//! | `gateway.db`, `provider.db`, `wallet.db` | the books |
//! | `owner-token` | lets the command line and the page act for the owner |
//! | `api-key` | the first API key, for `pumasi chat` |
//! | `network.json` | the ledger that the folder joined, if it has none of its own |
//! | `remembered-head`, `contradiction.txt` | the newest head of that ledger, and the proof that it was rewritten |
//! | `tls-key.pem` | by which others know this machine |
//! | `run.json` | where the running node listens |
//! | `shipped` | which edition of the models that ship with the program was published and offered here |
//! | `sending/` | what was to be sent and was not answered |
//! | `restored` | until the first start after a restore |

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::{
    io::{ErrorKind, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

use crate::t;

/// A data folder.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

/// Where the running node listens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    /// `http://host:port`.
    pub address: String,
    /// Its process.
    pub pid: u32,
}

impl Running {
    /// This process.
    pub fn here(address: &str) -> Self {
        Self { address: address.to_owned(), pid: std::process::id() }
    }
}

impl Home {
    /// The folder named on the command line or by `PUMASI_HOME`, or the default by XDG. Nothing is made yet.
    pub fn find(named: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(path) = named {
            return Ok(Self(std::path::absolute(path)?));
        }
        let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let base = base.or_else(|| std::env::home_dir().map(|home| home.join(".local/share")));
        let base = base
            .with_context(|| t!("no home folder: set PUMASI_HOME", "홈 폴더가 없습니다: PUMASI_HOME을 정해 주세요"))?;
        Ok(Self(base.join("pumasi")))
    }

    /// Makes the folder if it is not there.
    pub fn make(&self) -> anyhow::Result<()> {
        let path = &self.0;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| t!("cannot make the data folder {}", "데이터 폴더 {}를 만들 수 없습니다", path.display()))
    }

    /// How this program is called for this folder, for hints: `pumasi`, `target/release/pumasi --home DIR`.
    pub fn command(&self) -> String {
        let named = std::env::var_os("PUMASI_HOME").map(PathBuf::from).and_then(|path| std::path::absolute(path).ok());
        let usual = named.or_else(|| Self::find(None).ok().map(|home| home.0));
        if usual.as_ref() == Some(&self.0) { program() } else { format!("{} --home {}", program(), self.0.display()) }
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// The token of the owner's verbs; made at first use.
    pub fn owner_token(&self) -> anyhow::Result<String> {
        if let Some(token) = self.read("owner-token")? {
            return Ok(token);
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("{error}"))?;
        // A node that starts beside this must not have another one: whoever came first made it.
        let (path, token) = (self.path("owner-token"), hex::encode(bytes));
        let failed = || cannot_write(&path);
        match private(&path, &token).with_context(failed)?.persist_noclobber(&path) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error).with_context(failed),
            _ => self.read("owner-token")?.with_context(failed),
        }
    }

    /// A small text file in it, if it is there.
    pub fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        match std::fs::read_to_string(self.0.join(name)) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| self.0.join(name).display().to_string()),
        }
    }

    /// Writes a small text file that its owner alone can read.
    pub fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        write_private(&self.0.join(name), &format!("{text}\n"))
    }

    /// Where the running node listens.
    pub fn running(&self) -> anyhow::Result<Running> {
        let not_running = || {
            let dir = self.0.display();
            t!("nothing runs on {dir}; start it with: pumasi up", "{dir}에 켜진 것이 없습니다. 먼저 켜세요: pumasi up")
        };
        let text = self.read("run.json")?.with_context(not_running)?;
        serde_json::from_str(&text).with_context(not_running)
    }
}

/// How this program was called: by its name if the shell finds it so, or else by its path, from here if that is shorter.
fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.components().count() == 1 {
        return called.display().to_string();
    }
    let here = std::env::current_dir().ok().and_then(|dir| called.strip_prefix(dir).map(Path::to_owned).ok());
    here.unwrap_or(called).display().to_string()
}

/// Writes a file that its owner alone can read: whole, or not at all.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> { Ok(private(path, text)?.persist(path).map(drop)?) };
    write().with_context(|| cannot_write(path))
}

/// A file beside `path` that its owner alone can read, durable, under a name that no other process takes.
fn private(path: &Path, text: &str) -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().suffix(".new").tempfile_in(path.parent().unwrap_or(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn cannot_write(path: &Path) -> String {
    t!("cannot write {}", "{}에 쓸 수 없습니다", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_side_by_side_on_a_new_folder_have_one_token() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::find(Some(dir.path().to_owned())).unwrap();
        let tokens: Vec<String> = std::thread::scope(|scope| {
            let ask = || scope.spawn(|| (home.owner_token().unwrap(), home.write("version", "2").unwrap()).0);
            let asking: Vec<_> = (0..16).map(|_| ask()).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(tokens.iter().all(|token| *token == tokens[0] && token.len() == 64), "{tokens:?}");
        assert_eq!(home.read("version").unwrap().as_deref(), Some("2"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }
}
