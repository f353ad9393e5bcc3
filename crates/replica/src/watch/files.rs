//! What is remembered of a ledger elsewhere: its newest head, as the signed note that it is, and the proof of a contradiction.

use api::{
    LedgerError,
    log::{SignedHead, unchecked_head},
};
use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

/// The newest accepted head: a checkpoint, good for `pumasi audit --head`.
pub const REMEMBERED: &str = "remembered-head";
/// Two heads that cannot both be true.
const CONTRADICTION: &str = "contradiction.txt";

/// The folder.
#[derive(Debug)]
pub(super) struct Files(PathBuf);

/// The first line of what was written down about a ledger that contradicts itself, if it did.
pub fn contradiction(dir: &Path) -> Option<String> {
    let path = dir.join(CONTRADICTION);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.lines().next().unwrap_or_default().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(format!("{}: {error}", path.display())),
    }
}

impl Files {
    pub(super) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// The head that was remembered last. Its signature was checked before it was written.
    pub(super) fn remembered(&self) -> Result<Option<SignedHead>, LedgerError> {
        let path = self.0.join(REMEMBERED);
        let note = match std::fs::read_to_string(&path) {
            Ok(note) => note,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, &error)),
        };
        let head = unchecked_head(&note).map_err(|what| failed(&path, &what))?;
        Ok(Some(SignedHead { head, note }))
    }

    /// Puts a newer head in the place of the last one, at once or not at all.
    pub(super) fn remember(&self, signed: &SignedHead) -> Result<(), LedgerError> {
        self.put(REMEMBERED, &signed.note)
    }

    /// Writes both heads down, with what they prove.
    pub(super) fn write_contradiction(
        &self,
        why: &str,
        before: &SignedHead,
        shown: &SignedHead,
    ) -> Result<(), LedgerError> {
        let text = format!(
            "{why}\n\nBoth of the following heads are signed by the ledger's own key, and they cannot both be true. Keep this \
             file and show it to others: it proves that the ledger was rewritten. docs/joining.md says what to do.\n\n\
             Remembered:\n\n{}\nShown later:\n\n{}",
            before.note, shown.note
        );
        self.put(CONTRADICTION, &text)
    }

    fn put(&self, name: &str, text: &str) -> Result<(), LedgerError> {
        let (path, fresh) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)
        };
        write().map_err(|error| failed(&path, &error))
    }
}

fn failed(path: &Path, what: &impl ToString) -> LedgerError {
    LedgerError::Nonsense(format!("{}: {}", path.display(), what.to_string()))
}
