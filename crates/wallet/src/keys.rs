//! The folder of keys: `ROLE.key`, each 64 hexadecimal digits, readable by its owner alone.

use ledger::Keypair;
use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

use crate::Error;

/// A locked folder of keys. The lock goes with the value.
#[derive(Debug)]
pub struct Keys {
    dir: PathBuf,
    _lock: File,
}

impl Keys {
    /// Opens or makes the folder and locks it: one process signs for its accounts.
    ///
    /// # Errors
    /// [`Error::Locked`] or [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::Locked(dir.to_owned())),
            Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// The key of a role; made, written and synced if it is not there yet.
    ///
    /// # Errors
    /// [`Error::Exposed`], [`Error::Damaged`], [`Error::Name`], [`Error::Random`] or [`Error::Io`].
    pub fn pair(&self, role: &str) -> Result<Arc<Keypair>, Error> {
        if role.is_empty() || !role.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
            return Err(Error::Name(role.to_owned()));
        }
        let path = self.dir.join(format!("{role}.key"));
        match read(&path)? {
            Some(secret) => Ok(Arc::new(Keypair::from_secret(&secret))),
            None => self.create(&path),
        }
    }

    /// The roles that have a key, in the order of their names.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn roles(&self) -> Result<Vec<String>, Error> {
        let failed = |source| Error::Io { path: self.dir.clone(), source };
        let mut roles = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            roles.extend(name.to_str().and_then(|name| name.strip_suffix(".key")).map(str::to_owned));
        }
        roles.sort();
        Ok(roles)
    }

    fn create(&self, path: &Path) -> Result<Arc<Keypair>, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|error| Error::Random(error.to_string()))?;
        // Written under another name first: a half-written key must never look like one.
        let fresh = path.with_extension("new");
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh).map_err(failed)?;
        let text = Zeroizing::new(hex::encode(*secret) + "\n");
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&fresh, path).map_err(failed)?;
        File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok(Arc::new(Keypair::from_secret(&secret)))
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(Error::Exposed(path.to_owned()));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(failed)?);
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_end(), &mut *secret).map_err(|_| Error::Damaged(path.to_owned()))?;
    Ok(Some(secret))
}
