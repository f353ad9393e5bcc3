//! Signatures. Each covers the network and a purpose, so that none can stand for another.

use alloc::{string::String, sync::Arc, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::{
    AccountId, Digest, PublicKey, Reject, Request, Signature, encode,
    signature::{Claim, good, verify_signature},
};

/// The longest signed operation, in bytes of its encoding.
pub const OPERATION_BYTES_MAX: usize = 16_384;
/// A signed encoding ends with so many bytes of signature.
const SIGNATURE_BYTES: usize = 64;

/// Something that is signed for one purpose.
pub trait Signable: BorshSerialize {
    /// Told apart from every other purpose in the signed bytes.
    const PURPOSE: &'static str;

    /// The bytes that are signed: purpose, network, body, in canonical encoding.
    fn message(&self, network: Digest) -> Vec<u8> {
        message::<Self>(network, &encode(self))
    }
}

fn message<T: Signable + ?Sized>(network: Digest, body: &[u8]) -> Vec<u8> {
    let mut message = encode(&(String::from(T::PURPOSE), network));
    message.extend_from_slice(body);
    message
}

impl Signable for Request {
    const PURPOSE: &'static str = "pumasi/operation/1";
}

/// What a new key signs when an account rotates to it.
#[derive(BorshSerialize)]
pub struct KeyProof {
    /// The account.
    pub account: AccountId,
    /// The sequence of the rotating operation.
    pub sequence: u64,
}

impl Signable for KeyProof {
    const PURPOSE: &'static str = "pumasi/key-proof/1";
}

/// A body and the signature of it. Whose key it must be follows from the body and the ledger.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signed<T> {
    /// What was signed.
    pub body: T,
    /// By whom follows from the body.
    pub signature: Signature,
}

impl<T: Signable> Signed<T> {
    /// True if `key` signed the body for this network.
    pub fn verify(&self, network: Digest, key: PublicKey) -> bool {
        verify_signature(key, &self.body.message(network), self.signature)
    }
}

impl Signed<Request> {
    /// Checks everything about an operation that needs no state: size, network, signature.
    ///
    /// # Errors
    /// [`Reject::TooLarge`], [`Reject::WrongNetwork`] or [`Reject::BadSignature`].
    pub fn into_verified(self, network: Digest) -> Result<Verified, Reject> {
        let (encoded, message) = self.check(network)?;
        if verify_signature(self.body.key, &message, self.signature) {
            Ok(Verified { signed: Arc::new(self), bytes: encoded.len() })
        } else {
            Err(Reject::BadSignature)
        }
    }

    /// All but the signature. Gives the signed encoding, and the message that was signed.
    fn check(&self, network: Digest) -> Result<(Vec<u8>, Vec<u8>), Reject> {
        let encoded = encode(self);
        if encoded.len() > OPERATION_BYTES_MAX {
            return Err(Reject::TooLarge);
        }
        if self.body.network != network {
            return Err(Reject::WrongNetwork);
        }
        let body = encoded.split_last_chunk::<SIGNATURE_BYTES>().map_or(&[][..], |(body, _)| body);
        let message = message::<Request>(network, body);
        Ok((encoded, message))
    }
}

/// An operation whose size, network and signature were checked. There is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Shared with whoever remembers it: it is large.
    signed: Arc<Signed<Request>>,
    bytes: usize,
}

impl Verified {
    /// Checks many operations together, a few times as fast. Each gets what [`Signed::into_verified`] gives it.
    pub fn of_many(signed: Vec<Signed<Request>>, network: Digest) -> Vec<Result<Self, Reject>> {
        let mut claims = Vec::with_capacity(signed.len());
        let checked: Vec<Result<Self, Reject>> = signed
            .into_iter()
            .map(|signed| {
                let (encoded, message) = signed.check(network)?;
                claims.push(Claim::new(signed.body.key, &message, signed.signature));
                Ok(Self { signed: Arc::new(signed), bytes: encoded.len() })
            })
            .collect();
        let mut good = good(&claims).into_iter();
        checked
            .into_iter()
            .map(|one| one.and_then(|one| if good.next() == Some(true) { Ok(one) } else { Err(Reject::BadSignature) }))
            .collect()
    }

    /// What is asked, by whom.
    pub fn request(&self) -> &Request {
        &self.signed.body
    }

    /// The operation as it was signed.
    pub const fn signed(&self) -> &Arc<Signed<Request>> {
        &self.signed
    }

    /// The length of its signed encoding.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A signing key in memory; wiped when dropped. Only `wallet` keeps one.
pub struct Keypair(SigningKey);

impl Keypair {
    /// The key pair of a 32-byte secret (RFC 8032).
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a body for a network.
    pub fn sign<T: Signable>(&self, network: Digest, body: T) -> Signed<T> {
        let signature = self.sign_bytes(&body.message(network));
        Signed { body, signature }
    }

    /// Signs bytes whose purpose another format binds, such as a tree head as a signed note.
    pub fn sign_bytes(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl core::fmt::Debug for Keypair {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Keypair({})", self.public())
    }
}
