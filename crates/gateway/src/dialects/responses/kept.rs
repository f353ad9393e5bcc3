//! Answers that are kept for a while, so that a client can go on from one by its id. In memory alone, for the API key that paid,
//! and gone with the process: no prompt and no answer is ever in the gateway's books.

use api::openai::Message;
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use crate::{gateway::Buyer, money::KeyId};

/// An answer is kept for so long.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The newest of one API key, and the bytes of all together.
const OF_KEY_MAX: usize = 64;
const BYTES_MAX: usize = 64 << 20;

/// The answers that are kept, the oldest first.
#[derive(Default)]
pub struct Kept(Mutex<VecDeque<One>>);

/// An answer that is kept.
#[derive(Clone)]
pub struct One {
    pub key: KeyId,
    pub id: String,
    /// As it was told.
    pub response: Value,
    /// What was said up to and with it, without the instructions.
    pub conversation: Vec<Message>,
    at: Instant,
    bytes: usize,
}

impl One {
    pub fn new(key: KeyId, id: String, response: Value, conversation: Vec<Message>) -> Self {
        let said = serde_json::to_string(&conversation).map_or(0, |text| text.len());
        let bytes = said + response.to_string().len();
        Self { key, id, response, conversation, at: Instant::now(), bytes }
    }
}

impl Kept {
    /// Keeps an answer, and lets older ones go that are too many with it.
    fn put(&self, one: One) {
        let mut kept = self.lock();
        let mut of_key = kept.iter().filter(|other| other.key == one.key).count() + 1;
        let mut bytes = kept.iter().map(|other| other.bytes).sum::<usize>() + one.bytes;
        kept.retain(|other| {
            let goes = bytes > BYTES_MAX || (other.key == one.key && of_key > OF_KEY_MAX);
            if goes {
                bytes -= other.bytes;
                of_key -= usize::from(other.key == one.key);
            }
            !goes
        });
        if one.bytes <= BYTES_MAX {
            kept.push_back(one);
        }
    }

    /// The answer with this id, for the key that paid it.
    pub fn get(&self, key: KeyId, id: &str) -> Option<One> {
        self.forget(LIFETIME);
        self.lock().iter().find(|one| one.key == key && one.id == id).cloned()
    }

    /// Lets it go. False if it is not there.
    pub fn delete(&self, key: KeyId, id: &str) -> bool {
        let mut kept = self.lock();
        let before = kept.len();
        kept.retain(|one| !(one.key == key && one.id == id));
        kept.len() < before
    }

    /// Lets go what is older.
    fn forget(&self, lifetime: Duration) {
        self.lock().retain(|one| one.at.elapsed() < lifetime);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<One>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps an answer for its time, whether or not anybody asks for it again.
pub fn keep(buyer: &Arc<Buyer>, one: One) {
    buyer.kept.put(one);
    let buyer: Weak<Buyer> = Arc::downgrade(buyer);
    tokio::spawn(async move {
        tokio::time::sleep(LIFETIME).await;
        if let Some(buyer) = buyer.upgrade() {
            buyer.kept.forget(LIFETIME);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: KeyId, id: usize, length: usize) -> One {
        One::new(key, id.to_string(), Value::String("x".repeat(length)), Vec::new())
    }

    #[test]
    fn each_key_has_its_newest_and_sees_no_other() {
        let kept = Kept::default();
        for id in 0..OF_KEY_MAX + 2 {
            kept.put(one(1, id, 1));
        }
        kept.put(one(2, 900, 1));
        let there: Vec<_> = (0..4).map(|id| kept.get(1, &id.to_string()).is_some()).collect();
        assert_eq!(there, [false, false, true, true]);
        assert!(kept.get(2, "900").is_some() && kept.get(1, "900").is_none() && kept.get(2, "5").is_none());
        assert!(!kept.delete(2, "5") && kept.delete(1, "5") && kept.get(1, "5").is_none());
    }

    #[test]
    fn there_is_an_end_to_bytes_and_to_time() {
        let kept = Kept::default();
        for id in 0..5 {
            kept.put(one(1, id, BYTES_MAX / 3));
        }
        let there = || (0..5).filter(|id| kept.get(1, &id.to_string()).is_some()).collect::<Vec<_>>();
        assert_eq!(there(), [3, 4], "the newest that fit");
        kept.put(one(1, 5, BYTES_MAX + 1));
        assert!(kept.get(1, "5").is_none(), "one that is too long alone is not kept");
        kept.put(one(1, 4, 1));
        kept.forget(Duration::ZERO);
        assert!(there().is_empty());
    }
}
