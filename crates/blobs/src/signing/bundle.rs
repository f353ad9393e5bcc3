//! The signature's file: a Sigstore bundle (v0.3) around a DSSE envelope around an in-toto statement that lists the files.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::{ArtifactId, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

use super::key::{SigningKey, VerifyingKey};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://model_signing/signature/v1.0";
/// What the tool wrote before its version 1.0.
const OLD_PREDICATE: &str = "https://model_signing/Digests/v0.1";
/// No bundle is longer: some two hundred bytes a file.
pub const BYTES_MAX: usize = 64 << 20;

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The name of the folder or file, for information only.
    pub name: String,
    /// Each file: its path, `.` for a single one, and its digest.
    pub files: Vec<(String, Digest)>,
    /// True if links to files are read as those files.
    pub follow_links: bool,
    /// Paths that were left out, with all below them.
    pub ignored: Vec<String>,
    /// The artifact that has these files, if the signer said so.
    pub manifest: Option<ArtifactId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    public_key: Option<Hint>,
}

#[derive(Deserialize)]
struct Hint {
    hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Deserialize)]
struct Predicate {
    serialization: Serialization,
    resources: Vec<Resource>,
    #[serde(rename = "ai.pumasi.manifest")]
    manifest: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Serialization {
    method: String,
    hash_type: String,
    allow_symlinks: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignore_paths: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Resource {
    name: String,
    algorithm: String,
    digest: String,
}

impl Statement {
    /// The bundle's bytes.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let payload = self.payload().to_string();
        let signature = STANDARD.encode(key.sign(&encoded(payload.as_bytes())));
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": { "publicKey": { "hint": key.verifying_key().hint() }, "tlogEntries": [] },
            "dsseEnvelope": {
                "payload": STANDARD.encode(payload),
                "payloadType": IN_TOTO,
                "signatures": [{ "sig": signature, "keyid": "" }],
            },
        });
        bundle.to_string().into_bytes()
    }

    fn payload(&self) -> Value {
        let resource = |(name, digest): &(String, Digest)| Resource {
            name: name.clone(),
            algorithm: "sha256".into(),
            digest: hex::encode(digest.0),
        };
        let serialization = Serialization {
            method: "files".into(),
            hash_type: "sha256".into(),
            allow_symlinks: self.follow_links,
            ignore_paths: self.ignored.clone(),
        };
        let resources: Vec<_> = self.files.iter().map(resource).collect();
        let mut predicate = json!({ "serialization": serialization, "resources": resources });
        if let Some(manifest) = self.manifest {
            predicate["ai.pumasi.manifest"] = manifest.to_string().into();
        }
        json!({
            "_type": STATEMENT,
            "subject": [{ "name": self.name, "digest": { "sha256": hex::encode(root(&self.files)) } }],
            "predicateType": PREDICATE,
            "predicate": predicate,
        })
    }

    /// Reads a bundle and checks its signature; nothing in it is believed before that.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(bytes: &[u8], key: &VerifyingKey) -> Result<Self, String> {
        if bytes.len() > BYTES_MAX {
            return Err("it is longer than 64 MiB".into());
        }
        // Said before the rest is read: such a bundle is well-formed, and other in more than one place.
        let raw: Value =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no signature of a model: {error}"))?;
        let material = &raw["verificationMaterial"];
        if material.get("x509CertificateChain").or_else(|| material.get("certificate")).is_some() {
            return Err("it was signed by a certificate, which is not checked here, only signatures by a key are; \
                        check it with model-signing's own: model_signing verify certificate"
                .into());
        }
        let bundle = Bundle::deserialize(raw).map_err(|error| format!("it is no signature of a model: {error}"))?;
        Self::parse(&bundle.payload(key)?)
    }

    /// Reads the payload of an envelope, whose signature was checked.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bad = |error| format!("what was signed is no statement about a model: {error}");
        let kind: Value = serde_json::from_slice(bytes).map_err(bad)?;
        if kind["predicateType"] == OLD_PREDICATE {
            return Err("it was signed by model-signing before its version 1.0; sign it again".into());
        }
        let payload = Payload::deserialize(kind).map_err(bad)?;
        if payload.kind != STATEMENT || payload.predicate_type != PREDICATE {
            return Err("what was signed is no statement about a model's files".into());
        }
        let Serialization { method, hash_type, allow_symlinks, ignore_paths } = payload.predicate.serialization;
        if method != "files" || hash_type != "sha256" {
            return Err(format!("it lists {method} by {hash_type}; only files by sha256 can be checked here"));
        }
        let [Subject { name, digest }] = &payload.subject[..] else {
            return Err("what was signed has not exactly one subject".into());
        };
        let files = payload.predicate.resources.iter().map(Resource::read).collect::<Result<Vec<_>, _>>()?;
        if hex::encode(root(&files)) != digest.sha256 {
            return Err("what was signed contradicts itself: its files do not add up to its digest".into());
        }
        let names: BTreeSet<_> = files.iter().map(|(name, _)| name).collect();
        if names.len() != files.len() || files.is_empty() {
            return Err("what was signed names no file, or one twice".into());
        }
        let manifest =
            payload.predicate.manifest.as_ref().map(|id| id.parse().map_err(|_| bad_manifest(id))).transpose()?;
        Ok(Self { name: name.clone(), files, follow_links: allow_symlinks, ignored: ignore_paths, manifest })
    }
}

fn bad_manifest(id: &str) -> String {
    format!("what was signed names an artifact {id:?}, which is no digest")
}

impl Bundle {
    /// The payload, if the key signed it.
    fn payload(&self, key: &VerifyingKey) -> Result<Vec<u8>, String> {
        if self.media_type != BUNDLE || self.dsse_envelope.payload_type != IN_TOTO {
            return Err("it is no Sigstore bundle 0.3 with an in-toto statement".into());
        }
        let hint = self.verification_material.public_key.as_ref().and_then(|key| key.hint.as_ref());
        if hint.is_some_and(|hint| !hint.is_empty() && *hint != key.hint()) {
            return Err("it was signed by another key".into());
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(|error| format!("it is damaged: {error}"));
        let payload = decode(&self.dsse_envelope.payload)?;
        let Some(Signature { sig }) = self.dsse_envelope.signatures.first() else {
            return Err("it holds no signature".into());
        };
        match key.verifies(&encoded(&payload), &decode(sig)?) {
            true => Ok(payload),
            false => Err("its signature is not of this key, or what it signed was changed".into()),
        }
    }
}

impl Resource {
    fn read(&self) -> Result<(String, Digest), String> {
        let bad = || format!("what was signed names {:?} by no SHA-256", self.name);
        let digest: [u8; 32] =
            hex::decode(&self.digest).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(bad)?;
        if self.algorithm == "sha256" { Ok((self.name.clone(), Digest(digest))) } else { Err(bad()) }
    }
}

/// SHA-256 over the digests of the files in their order.
fn root(files: &[(String, Digest)]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    files.iter().for_each(|(_, digest)| hasher.update(digest.0));
    hasher.finalize().into()
}

/// What is signed of a payload: DSSE's pre-authentication encoding.
fn encoded(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
