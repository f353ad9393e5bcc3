//! Signs tree heads, and keeps what witnesses signed beside.

use api::log::{SignedHead, checkpoint_body, note};
use ledger::{Head, Keypair};
use std::sync::{Arc, Mutex};

use crate::lock::hold;

/// The replica's key, and the last head that it signed.
pub(crate) struct Signer {
    origin: String,
    key: Arc<Keypair>,
    last: Mutex<Option<SignedHead>>,
    /// The newest head that a witness cosigned, with all its cosignatures.
    cosigned: Mutex<Option<SignedHead>>,
}

impl Signer {
    pub(crate) fn new(origin: String, key: Arc<Keypair>) -> Self {
        Self { origin, key, last: Mutex::default(), cosigned: Mutex::default() }
    }

    /// Signs a head that is durable. If witnesses cosigned it, their signatures are there too.
    pub(crate) fn sign(&self, head: Head) -> SignedHead {
        if let Some(cosigned) = self.newest_cosigned().filter(|cosigned| cosigned.head == head) {
            return cosigned;
        }
        let mut last = hold(&self.last);
        if let Some(signed) = last.as_ref().filter(|signed| signed.head == head) {
            return signed.clone();
        }
        let body = checkpoint_body(&self.origin, &head);
        let signature = self.key.sign_bytes(body.as_bytes());
        last.insert(SignedHead { head, note: note(&body, &self.origin, &[(self.key.public(), signature)]) }).clone()
    }

    /// The newest head that a witness cosigned.
    pub(crate) fn newest_cosigned(&self) -> Option<SignedHead> {
        hold(&self.cosigned).clone()
    }

    /// Takes a cosignature of a head: its line, which was checked.
    pub(crate) fn cosigned(&self, head: Head, line: &str) {
        let signed = self.sign(head);
        let mut cosigned = hold(&self.cosigned);
        if cosigned.as_ref().is_none_or(|before| before.head.size <= head.size) {
            *cosigned = Some(SignedHead { head, note: signed.note + line });
        }
    }
}
