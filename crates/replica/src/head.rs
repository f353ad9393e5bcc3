//! Signs tree heads.

use api::log::{SignedHead, checkpoint_body, note};
use ledger::{Head, Keypair};
use std::sync::{Arc, Mutex};

use crate::lock::hold;

/// The replica's key, and the last head that it signed.
pub(crate) struct Signer {
    origin: String,
    key: Arc<Keypair>,
    last: Mutex<Option<SignedHead>>,
}

impl Signer {
    pub(crate) fn new(origin: String, key: Arc<Keypair>) -> Self {
        Self { origin, key, last: Mutex::default() }
    }

    /// Signs a head that is durable.
    pub(crate) fn sign(&self, head: Head) -> SignedHead {
        let mut last = hold(&self.last);
        if let Some(signed) = last.as_ref().filter(|signed| signed.head == head) {
            return signed.clone();
        }
        let body = checkpoint_body(&self.origin, &head);
        let signature = self.key.sign_bytes(body.as_bytes());
        last.insert(SignedHead { head, note: note(&body, &self.origin, &[(self.key.public(), signature)]) }).clone()
    }
}
