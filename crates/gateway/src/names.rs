//! How people name artifacts and accounts.

use api::{Ledger, LedgerError, List};
use ledger::{AccountId, ArtifactId, BillPayee, Key, Record};
use std::collections::HashMap;

/// The tag of a name without one.
const LATEST: &str = "latest";

/// Names of accounts and artifacts, as of one moment.
#[derive(Debug, Default)]
pub struct Names {
    accounts: HashMap<AccountId, String>,
    artifacts: HashMap<ArtifactId, String>,
    /// `publisher/name:tag`.
    tags: HashMap<String, ArtifactId>,
}

impl Names {
    /// From the ledger's accounts, and its tags.
    pub async fn read(ledger: &dyn Ledger, accounts: Vec<(Key, Record)>) -> Result<Self, LedgerError> {
        let mut names = Self::default();
        for (key, record) in accounts {
            if let (Key::Account(id), Record::Account(ledger::Account { name: Some(name), .. })) = (key, record) {
                names.accounts.insert(id, name);
            }
        }
        for (key, record) in ledger.list(List::Tags).await? {
            if let (Key::Tag(publisher, name, tag), Record::Tag(id)) = (key, record) {
                let full = format!("{}/{name}:{tag}", names.account(publisher));
                // An artifact with several tags is called by `latest` if it has it.
                if tag == LATEST || !names.artifacts.contains_key(&id) {
                    names.artifacts.insert(id, full.clone());
                }
                names.tags.insert(full, id);
            }
        }
        Ok(names)
    }

    /// An account's name, or its id.
    pub fn account(&self, id: AccountId) -> String {
        self.accounts.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// An artifact's name, or its digest.
    pub fn artifact(&self, id: ArtifactId) -> String {
        self.artifacts.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// The name of whoever a bill's line pays.
    pub fn payee(&self, payee: &BillPayee) -> String {
        match payee {
            BillPayee::Provider(id) => self.account(*id),
            BillPayee::Artifact(id) => self.artifact(*id),
        }
    }

    /// What a request means by `publisher/name[:tag]`, a digest, or a bare `name[:tag]` that only one publisher has among
    /// `offered`.
    pub fn resolve(&self, text: &str, offered: &[ArtifactId]) -> Option<ArtifactId> {
        if let Ok(digest) = text.parse() {
            return Some(digest);
        }
        let full = if text.contains(':') { text.to_owned() } else { format!("{text}:{LATEST}") };
        if let Some(id) = self.tags.get(&full) {
            return Some(*id);
        }
        let bare = |name: &str| name.split_once('/').is_some_and(|(_, name)| name == full);
        let mut found = self.tags.iter().filter(|(name, id)| bare(name) && offered.contains(id)).map(|(_, id)| *id);
        let first = found.next()?;
        found.all(|id| id == first).then_some(first)
    }
}
