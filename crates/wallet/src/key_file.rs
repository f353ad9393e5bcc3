//! What a key file says: whose account it is, and its keys. Lines of a word and hexadecimal digits:
//!
//! ```text
//! account 942c…   the account's id
//! key 51e0…       the secret of the key that the ledger knows
//! next 0bb3…      the secret of a key that a rotation began to put in its place
//! old 77aa…       the secret of an earlier key, with which channels were opened; newest first
//! ```
//!
//! The first layout had the secret alone, of an account that was never rotated; it is still read.

use ledger::{AccountId, Keypair, PublicKey};
use zeroize::Zeroizing;

/// 32 random bytes; wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// One account's keys.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Its id: the public half of its first key.
    pub account: AccountId,
    /// Signs its operations.
    pub key: Secret,
    /// A rotation to this one began.
    pub next: Option<Secret>,
    /// Signed before, and still sign for the channels that were opened with them.
    pub old: Vec<Secret>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyFile({})", self.account)
    }
}

impl KeyFile {
    /// A new account's.
    pub fn new(key: Secret) -> Self {
        Self { account: public(&key).into(), key, next: None, old: Vec::new() }
    }

    /// Reads either layout. `None` if it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end();
        if let Some(key) = secret(text) {
            return Some(Self::new(key));
        }
        let mut lines = text.lines().map(|line| line.split_once(' '));
        let account = match lines.next()?? {
            ("account", id) => id.parse().ok()?,
            _ => return None,
        };
        let key = match lines.next()?? {
            ("key", hex) => secret(hex)?,
            _ => return None,
        };
        let mut file = Self { account, key, next: None, old: Vec::new() };
        for line in lines {
            match line? {
                ("next", hex) if file.next.is_none() && file.old.is_empty() => file.next = Some(secret(hex)?),
                ("old", hex) => file.old.push(secret(hex)?),
                _ => return None,
            }
        }
        Some(file)
    }

    /// As it is written.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(format!("account {}\n", self.account));
        let next = self.next.iter().map(|key| ("next", key));
        let old = self.old.iter().map(|key| ("old", key));
        for (word, key) in [("key", &self.key)].into_iter().chain(next).chain(old) {
            let hex = Zeroizing::new(hex::encode(**key));
            text.push_str(word);
            text.push(' ');
            text.push_str(&hex);
            text.push('\n');
        }
        text
    }

    /// True if the text is of the first layout.
    pub fn is_first_layout(text: &str) -> bool {
        secret(text.trim_end()).is_some()
    }

    /// The file as it must be once the ledger says that `current` is the account's key: that one signs, all others are kept
    /// for their channels, and a rotation that came to nothing is forgotten. `None` if none of these is that key.
    pub fn turned_to(&self, current: PublicKey) -> Option<Self> {
        let mut others: Vec<Secret> = std::iter::once(&self.key).chain(&self.old).cloned().collect();
        if let Some(at) = others.iter().position(|key| public(key) == current) {
            let key = others.remove(at);
            return Some(Self { account: self.account, key, next: None, old: others });
        }
        let key = self.next.clone().filter(|next| public(next) == current)?;
        Some(Self { account: self.account, key, next: None, old: others })
    }

    /// Every key pair, the one that signs operations first.
    pub fn pairs(&self) -> impl Iterator<Item = Keypair> {
        std::iter::once(&self.key).chain(&self.old).map(|key| Keypair::from_secret(key))
    }
}

/// The public half of a secret.
pub fn public(secret: &Secret) -> PublicKey {
    Keypair::from_secret(secret).public()
}

fn secret(text: &str) -> Option<Secret> {
    let lower = text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let mut secret = Zeroizing::new([0; 32]);
    (lower && hex::decode_to_slice(text, &mut *secret).is_ok()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(number: u8) -> Secret {
        Zeroizing::new([number; 32])
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in any::<[u8; 32]>(), next in any::<Option<[u8; 32]>>(), old in any::<Vec<[u8; 32]>>()) {
            let file = KeyFile {
                next: next.map(Zeroizing::new),
                old: old.into_iter().map(Zeroizing::new).collect(),
                ..KeyFile::new(Zeroizing::new(bytes))
            };
            prop_assert_eq!(KeyFile::parse(&file.text()), Some(file));
        }

        #[test]
        fn whatever_is_read_is_written_the_same(text in "(account|key|next|old)? ?[0-9a-fg]{0,65}\n?.{0,80}") {
            if let Some(file) = KeyFile::parse(&text) {
                prop_assert_eq!(KeyFile::parse(&file.text()), Some(file));
            }
        }
    }

    #[test]
    fn the_first_layout_is_read_and_told_apart() {
        let text = format!("{}\n", "07".repeat(32));
        assert!(KeyFile::is_first_layout(&text));
        let file = KeyFile::parse(&text).unwrap();
        assert_eq!(file, KeyFile::new(key(7)));
        assert!(!KeyFile::is_first_layout(&file.text()));
    }

    #[test]
    fn what_is_not_a_key_file_is_not_read() {
        let good = KeyFile { next: Some(key(2)), old: vec![key(3)], ..KeyFile::new(key(1)) }.text();
        for bad in [
            String::new(),
            "not a key".into(),
            good.replace("account ", "acount "),
            good.replace("key ", "old "),
            good.replace("next ", "key "),
            format!("{}next {}\n", *good, "04".repeat(32)),
            format!("{}old 04\n", *good),
            format!("{}\n\n{}", *good, "x"),
            good.to_uppercase(),
        ] {
            assert!(KeyFile::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_ledger_says_which_key_signs() {
        let file = KeyFile { next: Some(key(2)), old: vec![key(3)], ..KeyFile::new(key(1)) };
        let turned = |to: u8| file.turned_to(public(&key(to)));
        let done = turned(2).unwrap();
        assert_eq!((done.account, done.key, done.next, done.old), (file.account, key(2), None, vec![key(1), key(3)]));
        let undone = turned(1).unwrap();
        assert_eq!((undone.key, undone.next, undone.old), (key(1), None, vec![key(3)]));
        let back = turned(3).unwrap();
        assert_eq!((back.key, back.old), (key(3), vec![key(1)]), "a ledger from a backup may know an earlier key");
        assert!(turned(4).is_none());
    }
}
