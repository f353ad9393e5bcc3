//! A folder of keys with its ledger.

use api::Ledger;
use books::Books;
use ledger::Digest;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Account, Error, Keys, account::Parts, records};

/// A folder of keys with its ledger.
pub struct Wallet {
    keys: Arc<Keys>,
    ledger: Arc<dyn Ledger>,
    network: Digest,
    books: Arc<Books>,
    accounts: Mutex<HashMap<String, Account>>,
}

impl Wallet {
    /// Joins keys and ledger; `books` is the wallet's own file. What an earlier run sent and got no answer to is sent again,
    /// and where a rotation was interrupted, the ledger says which key is the account's.
    ///
    /// # Errors
    /// If the ledger cannot be reached or the file not opened; [`Error::KeyElsewhere`] if the folder is older than a
    /// rotation.
    pub async fn open(keys: Keys, ledger: Arc<dyn Ledger>, books: &Path) -> Result<Self, Error> {
        let network = ledger.genesis().await?.network();
        let books = Arc::new(Books::open(books, records::MIGRATIONS)?);
        let wallet = Self { keys: Arc::new(keys), ledger, network, books, accounts: Mutex::default() };
        for role in wallet.roles()? {
            wallet.account(&role)?.settle_keys().await?;
        }
        Ok(wallet)
    }

    /// The account of a role; its key is made if it is not there yet.
    ///
    /// # Errors
    /// What [`Keys::pair`] gives.
    pub fn account(&self, role: &str) -> Result<Account, Error> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(role) {
            return Ok(account.clone());
        }
        let parts = Parts {
            keys: Arc::clone(&self.keys),
            network: self.network,
            ledger: Arc::clone(&self.ledger),
            books: Arc::clone(&self.books),
        };
        let account = Account::open(role, parts)?;
        accounts.insert(role.to_owned(), account.clone());
        Ok(account)
    }

    /// The account of a role that has a key already.
    ///
    /// # Errors
    /// [`Error::NoRole`].
    pub fn existing(&self, role: &str) -> Result<Account, Error> {
        let roles = self.roles()?;
        if roles.iter().any(|known| known == role) {
            return self.account(role);
        }
        Err(Error::NoRole { role: role.to_owned(), known: roles.join(", ") })
    }

    /// The roles that have a key.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn roles(&self) -> Result<Vec<String>, Error> {
        self.keys.roles()
    }
}
