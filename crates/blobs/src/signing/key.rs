//! Keys for signing models: ECDSA, in PEM as OpenSSL writes it. New ones are on P-256.

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::{
    elliptic_curve::Generate as _,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// How a private key in the form of SEC 1 begins.
const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----";

/// The secret half. It is wiped from memory when it is dropped.
pub struct SigningKey(Secret);

enum Secret {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

/// The half that checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey(Public);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
}

impl SigningKey {
    /// Makes a key on P-256.
    ///
    /// # Errors
    /// A sentence, if the system has no random numbers.
    pub fn generate() -> Result<Self, String> {
        let key = p256::ecdsa::SigningKey::try_generate().map_err(|error| format!("no random numbers: {error}"))?;
        Ok(Self(Secret::P256(key)))
    }

    /// Reads PKCS#8 or SEC 1 in PEM, without a passphrase.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        if pem.contains("ENCRYPTED") {
            return Err(
                "it is under a passphrase; take it off with: openssl pkcs8 -topk8 -nocrypt -in KEY -out FILE".into()
            );
        }
        if pem.contains("PUBLIC KEY") {
            return Err("it is a public key, which checks; signing needs the private one".into());
        }
        // OpenSSL may write the curve's parameters before the key.
        let sec1 = pem.find(SEC1).map(|at| &pem[at..]);
        let p256 = || match sec1 {
            Some(pem) => p256::SecretKey::from_sec1_pem(pem).ok().map(Into::into),
            None => p256::ecdsa::SigningKey::from_pkcs8_pem(pem).ok(),
        };
        let p384 = || match sec1 {
            Some(pem) => p384::SecretKey::from_sec1_pem(pem).ok().map(Into::into),
            None => p384::ecdsa::SigningKey::from_pkcs8_pem(pem).ok(),
        };
        let key = p256().map(Secret::P256).or_else(|| p384().map(Secret::P384));
        key.map(Self).ok_or_else(|| not_a_key("private"))
    }

    /// PKCS#8 in PEM, as OpenSSL reads it.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pem = match &self.0 {
            Secret::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            Secret::P384(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.expect("a key is PKCS#8")
    }

    /// The half that checks.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(match &self.0 {
            Secret::P256(key) => Public::P256(*key.verifying_key()),
            Secret::P384(key) => Public::P384(*key.verifying_key()),
        })
    }

    /// An ECDSA signature in DER, over SHA-256 on P-256 and SHA-384 on P-384.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.0 {
            Secret::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
        }
    }
}

impl VerifyingKey {
    /// Reads a public key in PEM (SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        if pem.contains("PRIVATE KEY") {
            return Err(
                "it is a private key; checking needs its public half: openssl ec -in KEY -pubout -out FILE".into()
            );
        }
        if pem.contains("BEGIN CERTIFICATE") {
            return Err(
                "it is a certificate; only signatures by a key can be checked here: openssl x509 -pubkey shows its key"
                    .into(),
            );
        }
        let p256 = p256::PublicKey::from_public_key_pem(pem).ok().map(|key| Public::P256(key.into()));
        let p384 = || p384::PublicKey::from_public_key_pem(pem).ok().map(|key| Public::P384(key.into()));
        p256.or_else(p384).map(Self).ok_or_else(|| not_a_key("public"))
    }

    /// In PEM, as OpenSSL writes it.
    pub fn to_pem(&self) -> String {
        let pem = match &self.0 {
            Public::P256(key) => key.to_public_key_pem(LineEnding::LF),
            Public::P384(key) => key.to_public_key_pem(LineEnding::LF),
        };
        pem.expect("a point of the curve is a public key")
    }

    /// SHA-256 of the PEM: how a bundle names the key.
    pub fn hint(&self) -> String {
        hex::encode(Sha256::digest(self.to_pem()))
    }

    /// True if the signature, in DER, is this key's for the message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Public::P256(key) => {
                p256::ecdsa::DerSignature::from_bytes(signature).is_ok_and(|good| key.verify(message, &good).is_ok())
            }
            Public::P384(key) => {
                p384::ecdsa::DerSignature::from_bytes(signature).is_ok_and(|good| key.verify(message, &good).is_ok())
            }
        }
    }
}

fn not_a_key(half: &str) -> String {
    format!("it is no {half} key on P-256 or P-384 in PEM; make one with: pumasi sign PATH --new-key FILE")
}
