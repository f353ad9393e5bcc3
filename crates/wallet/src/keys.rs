//! The folder of keys: one file per account, `ROLE.key`, readable by its owner alone, and perhaps sealed by a passphrase.

use ledger::{AccountId, Keypair};
use std::{
    collections::HashMap,
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

use crate::{
    Error,
    key_file::{KeyFile, Secret},
    seal::{Passphrase, is_sealed},
};

/// Written once every key file has its successor beside it; from then on these replace them.
const TURNING: &str = "turning";
/// The end of a successor's name.
const SUCCESSOR: &str = "next";

/// A locked folder of keys. The lock goes with the value.
#[derive(Debug)]
pub struct Keys {
    dir: PathBuf,
    passphrase: Option<Passphrase>,
    /// What was opened with the passphrase: each costs some tenths of a second.
    opened: Mutex<HashMap<String, KeyFile>>,
    _lock: File,
}

impl Keys {
    /// Opens or makes the folder and locks it: one process signs for its accounts.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Io`], or [`Error::PassphraseMissing`] if it is sealed.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_with(dir, None)
    }

    /// The same with the passphrase that seals it. An unsealed folder needs none, and ignores one.
    ///
    /// # Errors
    /// As [`Self::open`]; and [`Error::Passphrase`] if it is another.
    pub fn open_with(dir: &Path, passphrase: Option<Passphrase>) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(Error::Locked(dir.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut keys = Self { dir: dir.to_owned(), passphrase: None, opened: Mutex::default(), _lock: lock };
        keys.finish_turning()?;
        if Self::is_sealed(dir)? {
            keys.passphrase = Some(passphrase.ok_or_else(|| Error::PassphraseMissing(dir.to_owned()))?);
            keys.open_all()?;
        }
        Ok(keys)
    }

    /// True if a folder's keys are sealed. Nothing is locked or made.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn is_sealed(dir: &Path) -> Result<bool, Error> {
        for role in roles(dir)? {
            if is_sealed(&read(&path_of(dir, &role))?.unwrap_or_default()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The key that signs a role's operations; made, written and synced if it is not there yet.
    ///
    /// # Errors
    /// [`Error::Exposed`], [`Error::Damaged`], [`Error::Name`], [`Error::Random`] or [`Error::Io`].
    pub fn pair(&self, role: &str) -> Result<Arc<Keypair>, Error> {
        Ok(Arc::new(Keypair::from_secret(&self.file(role)?.key)))
    }

    /// The id of a role's account, which stays when its key is rotated.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn id(&self, role: &str) -> Result<AccountId, Error> {
        Ok(self.file(role)?.account)
    }

    /// The roles that have a key, in the order of their names.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn roles(&self) -> Result<Vec<String>, Error> {
        roles(&self.dir)
    }

    /// Rewrites files of the first layout.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn upgrade(&self) -> Result<(), Error> {
        for role in self.roles()? {
            let bytes = read(&path_of(&self.dir, &role))?.unwrap_or_default();
            if std::str::from_utf8(&bytes).is_ok_and(KeyFile::is_first_layout) {
                self.put(&role, &self.file(&role)?)?;
            }
        }
        Ok(())
    }

    /// Seals every file by another passphrase, or by none. Killed at any point, the next start finds all files under the old
    /// one, or all under the new one.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn reseal(&mut self, passphrase: Option<Passphrase>) -> Result<(), Error> {
        let roles = self.roles()?;
        let files: Vec<KeyFile> = roles.iter().map(|role| self.file(role)).collect::<Result<_, _>>()?;
        self.passphrase = passphrase;
        for (role, file) in roles.iter().zip(&files) {
            write(&path_of(&self.dir, role).with_extension(SUCCESSOR), &self.bytes(file)?)?;
        }
        self.sync()?;
        write(&self.dir.join(TURNING), b"")?;
        self.sync()?;
        self.finish_turning()?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        *opened = roles.into_iter().zip(files).collect();
        Ok(())
    }

    /// A role's file; made if it is not there yet.
    pub(crate) fn file(&self, role: &str) -> Result<KeyFile, Error> {
        if role.is_empty() || !role.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
            return Err(Error::Name(role.to_owned()));
        }
        if let Some(file) = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(role) {
            return Ok(file.clone());
        }
        let path = path_of(&self.dir, role);
        match read(&path)? {
            Some(bytes) => self.parse(&path, &bytes),
            None => {
                let file = KeyFile::new(fresh()?);
                self.put(role, &file)?;
                Ok(file)
            }
        }
    }

    /// Replaces a role's file: written and synced under another name first, so that a half-written one never looks like a key.
    pub(crate) fn put(&self, role: &str, file: &KeyFile) -> Result<(), Error> {
        let path = path_of(&self.dir, role);
        let new = path.with_extension("new");
        write(&new, &self.bytes(file)?)?;
        std::fs::rename(&new, &path).map_err(|source| Error::Io { path, source })?;
        self.sync()?;
        if self.passphrase.is_some() {
            self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(role.to_owned(), file.clone());
        }
        Ok(())
    }

    fn bytes(&self, file: &KeyFile) -> Result<Zeroizing<Vec<u8>>, Error> {
        let text = file.text();
        let failed = |source| Error::Io { path: self.dir.clone(), source };
        let sealed =
            self.passphrase.as_ref().map(|passphrase| passphrase.seal_text(&text).map_err(failed)).transpose()?;
        Ok(Zeroizing::new(sealed.unwrap_or_else(|| text.as_bytes().to_vec())))
    }

    fn parse(&self, path: &Path, bytes: &[u8]) -> Result<KeyFile, Error> {
        let damaged = || Error::Damaged(path.to_owned());
        let mut text = Zeroizing::new(String::new());
        if is_sealed(bytes) {
            let passphrase = self.passphrase.as_ref().ok_or_else(|| Error::PassphraseMissing(self.dir.clone()))?;
            let mut opened = passphrase.open(bytes).map_err(|error| match error {
                Error::NotSealed(_) => damaged(),
                error => error,
            })?;
            opened.read_to_string(&mut text).map_err(|_| damaged())?;
        } else {
            text.push_str(std::str::from_utf8(bytes).map_err(|_| damaged())?);
        }
        KeyFile::parse(&text).ok_or_else(damaged)
    }

    /// Opens every file, on several threads: scrypt takes its time on purpose.
    fn open_all(&self) -> Result<(), Error> {
        let roles = self.roles()?;
        let files: Vec<Result<KeyFile, Error>> = std::thread::scope(|scope| {
            let threads: Vec<_> = roles.iter().map(|role| scope.spawn(|| self.file(role))).collect();
            let panicked = || Error::Damaged(self.dir.clone());
            threads.into_iter().map(|thread| thread.join().map_err(|_| panicked()).flatten()).collect()
        });
        let files: Vec<KeyFile> = files.into_iter().collect::<Result<_, _>>()?;
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = roles.into_iter().zip(files).collect();
        Ok(())
    }

    /// Puts successors in the place of what they follow, if all were written; else forgets them.
    fn finish_turning(&self) -> Result<(), Error> {
        let turning = self.dir.join(TURNING);
        let all_written = turning.try_exists().map_err(|source| Error::Io { path: turning.clone(), source })?;
        for (name, path) in entries(&self.dir)? {
            let Some(role) = name.strip_suffix(&format!(".{SUCCESSOR}")) else { continue };
            let done = match all_written {
                true => std::fs::rename(&path, path_of(&self.dir, role)),
                false => std::fs::remove_file(&path),
            };
            done.map_err(|source| Error::Io { path, source })?;
        }
        self.sync()?;
        if all_written {
            std::fs::remove_file(&turning).map_err(|source| Error::Io { path: turning, source })?;
            self.sync()?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|source| Error::Io { path: self.dir.clone(), source })
    }
}

/// A new secret.
pub(crate) fn fresh() -> Result<Secret, Error> {
    let mut secret = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *secret).map_err(|error| Error::Random(error.to_string()))?;
    Ok(secret)
}

fn path_of(dir: &Path, role: &str) -> PathBuf {
    dir.join(format!("{role}.key"))
}

fn entries(dir: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let failed = |source| Error::Io { path: dir.to_owned(), source };
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        found.extend(entry.file_name().to_str().map(|name| (name.to_owned(), entry.path())));
    }
    found.sort();
    Ok(found)
}

fn roles(dir: &Path) -> Result<Vec<String>, Error> {
    let names = entries(dir)?.into_iter().map(|(name, _)| name);
    Ok(names.filter_map(|name| name.strip_suffix(".key").map(str::to_owned)).collect())
}

/// The bytes of a private file, if it is there.
fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(Error::Exposed(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| Error::Io { path: path.to_owned(), source })
}
