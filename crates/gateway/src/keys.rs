//! API keys: random secrets, kept by hash, each with a budget and perhaps an expiry.

use books::Books;
use ledger::{Amount, Digest};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::RwLock};

use crate::{
    error::{Error, Problem},
    gateway::now,
    money::{KeyId, Money, Purse},
    records,
};

/// All keys, by the digest of their secret.
pub struct Keys(RwLock<HashMap<Digest, Key>>);

#[derive(Debug, Clone)]
struct Key {
    id: KeyId,
    name: String,
    created: u64,
    expires: Option<u64>,
    revoked: bool,
}

/// The body of `POST /keys`.
#[derive(Debug, Deserialize)]
pub struct NewKey {
    /// Credits.
    pub budget: String,
    /// To recognize it by.
    #[serde(default)]
    pub name: Option<String>,
    /// Seconds until it expires.
    #[serde(default)]
    pub expires_in_s: Option<u64>,
}

/// A key as its owner sees it.
#[derive(Debug, Serialize)]
pub struct KeyView {
    id: String,
    name: String,
    /// Credits.
    budget: String,
    spent: String,
    reserved: String,
    /// What of the spent was for files.
    files: String,
    created: u64,
    expires: Option<u64>,
    /// `active`, `expired` or `revoked`.
    state: &'static str,
    /// The secret, only when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Keys {
    /// Reads the keys, and opens their purses.
    pub fn load(books: &Books, money: &Money) -> Result<Self, Error> {
        let mut keys = HashMap::new();
        let query = "SELECT id, hash, name, budget, spent, created, expires, revoked, files FROM key";
        let rows: Vec<(Digest, Key, Purse)> = books.read(|books| {
            let mut query = books.prepare(query)?;
            let rows = query.query_map([], |row| {
                let key = Key {
                    id: row.get(0)?,
                    name: row.get(2)?,
                    created: row.get::<_, i64>(5)?.cast_unsigned(),
                    expires: row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
                    revoked: row.get(7)?,
                };
                let amount = |at| row.get(at).map(|bytes| Amount(u128::from_be_bytes(bytes)));
                let purse = Purse { total: amount(3)?, spent: amount(4)?, files: amount(8)?, reserved: Amount::ZERO };
                Ok((Digest(row.get(1)?), key, purse))
            })?;
            rows.collect()
        })?;
        for (hash, key, purse) in rows {
            money.lock().keys.insert(key.id, purse);
            keys.insert(hash, key);
        }
        Ok(Self(RwLock::new(keys)))
    }

    /// The key with this secret, if it may be used.
    pub fn check(&self, secret: &str) -> Result<KeyId, Problem> {
        let keys = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = keys.get(&Digest::of(secret.as_bytes()));
        let key = key
            .ok_or_else(|| Problem::key("this API key is not known here; make one with: pumasi key new --budget 10"))?;
        match key.state() {
            "active" => Ok(key.id),
            state => {
                Err(Problem::key(format!("this API key is {state}; make another with: pumasi key new --budget 10")))
            }
        }
    }

    /// Makes a key; its secret is in the answer and nowhere else.
    pub async fn create(&self, books: &Books, money: &Money, new: NewKey) -> Result<KeyView, Problem> {
        let budget: Amount = new.budget.parse().map_err(|error| Problem::field("budget", format!("{error}")))?;
        let name = new.name.unwrap_or_default();
        if name.chars().count() > 100 {
            return Err(Problem::field("name", "a key's name has at most 100 characters"));
        }
        let created = now();
        let expires = new.expires_in_s.map(|seconds| created.saturating_add(seconds.saturating_mul(1_000)));
        let mut random = [0; 24];
        getrandom::fill(&mut random).map_err(|_| Problem::unavailable("the system gives no random numbers"))?;
        let secret = format!("sk-pumasi-{}", hex::encode(random));
        let hash = Digest::of(secret.as_bytes());
        let (kept, kept_name) = (hash.0, name.clone());
        let insert = move |books: &rusqlite::Connection| {
            books.execute(
                "INSERT INTO key (hash, name, budget, spent, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
                params![
                    kept,
                    kept_name,
                    records::money(budget),
                    records::money(Amount::ZERO),
                    created.cast_signed(),
                    expires.map(u64::cast_signed)
                ],
            )?;
            Ok(books.last_insert_rowid())
        };
        let id = books.write_synced(insert).await?;
        let key = Key { id, name, created, expires, revoked: false };
        money.lock().keys.insert(id, Purse { total: budget, ..Purse::default() });
        let view = key.view(money, Some(secret));
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(hash, key);
        Ok(view)
    }

    /// All keys, oldest first.
    pub fn list(&self, money: &Money) -> Vec<KeyView> {
        let keys = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut keys: Vec<&Key> = keys.values().collect();
        keys.sort_by_key(|key| key.id);
        keys.into_iter().map(|key| key.view(money, None)).collect()
    }

    /// A key's name, and when it expires.
    pub fn of_id(&self, id: KeyId) -> Option<(String, Option<u64>)> {
        let keys = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys.values().find(|key| key.id == id).map(|key| (key.name.clone(), key.expires))
    }

    /// The key whose top-ups have this reference, and whether it may be used.
    pub fn of_reference(&self, reference: Digest) -> Option<(KeyId, bool)> {
        let keys = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = keys.values().find(|key| reference_of(&key.name_id()) == reference)?;
        Some((key.id, key.state() == "active"))
    }

    /// Raises the budget of a key that may be used.
    pub async fn raise(&self, books: &Books, money: &Money, id: &str, by: Amount) -> Result<KeyView, Problem> {
        let key = self.named(id)?;
        if key.state() != "active" {
            return Err(Problem::field("id", format!("the API key {id} is {}; make another one", key.state())));
        }
        if by.is_zero() {
            return Err(Problem::field("amount", "the amount must be more than 0"));
        }
        let number = key.id;
        books.write_synced(move |books| records::raise(books, number, by)).await?;
        money.raise(key.id, by);
        Ok(key.view(money, None))
    }

    fn named(&self, id: &str) -> Result<Key, Problem> {
        let keys = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = keys.values().find(|key| key.name_id() == id).cloned();
        found.ok_or_else(|| {
            Problem::unknown("id", "key_not_found", format!("there is no API key {id}; `pumasi key ls` lists them"))
        })
    }

    /// Revokes a key for good; answers that run go on.
    pub async fn revoke(&self, books: &Books, id: &str) -> Result<(), Problem> {
        let id = self.named(id)?.id;
        books.write_synced(move |books| books.execute("UPDATE key SET revoked = 1 WHERE id = ?", [id])).await?;
        let mut keys = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys.values_mut().filter(|key| key.id == id).for_each(|key| key.revoked = true);
        Ok(())
    }
}

/// The reference of a transfer that tops up an API key: SHA-256 of `pumasi/key/` and its id.
pub fn reference_of(id: &str) -> Digest {
    Digest::of_parts(&[b"pumasi/key/", id.as_bytes()])
}

impl Key {
    fn name_id(&self) -> String {
        format!("key_{}", self.id)
    }

    fn state(&self) -> &'static str {
        match self.expires {
            _ if self.revoked => "revoked",
            Some(expires) if expires <= now() => "expired",
            _ => "active",
        }
    }

    fn view(&self, money: &Money, secret: Option<String>) -> KeyView {
        let purse = money.lock().keys.get(&self.id).copied().unwrap_or_default();
        KeyView {
            id: self.name_id(),
            name: self.name.clone(),
            budget: purse.total.to_string(),
            spent: purse.spent.to_string(),
            reserved: purse.reserved.to_string(),
            files: purse.files.to_string(),
            created: self.created,
            expires: self.expires,
            state: self.state(),
            key: secret,
        }
    }
}
