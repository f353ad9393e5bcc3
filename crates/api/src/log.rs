//! The public log on the wire: its entries and signed heads.

use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{Digest, Genesis, Head, PublicKey, Request, Signature, Signed, Time};

/// One entry of the public log; its canonical encoding is the data of an RFC 6962 leaf.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Entry {
    /// The first entry, and only that.
    Genesis(Genesis),
    /// An operation that left a trace.
    Operation {
        /// When; never earlier than the entry before.
        at: Time,
        /// As it was signed.
        signed: Signed<Request>,
        /// 0 if it was applied, otherwise the number of its [`ledger::Reject`].
        result: u16,
    },
    /// The state after all operations before this entry.
    Root {
        /// The state's root.
        root: Digest,
    },
}

impl Entry {
    /// Appends the encoding of [`Entry::Operation`] around an operation that is encoded already.
    pub fn put_operation(at: Time, signed: &[u8], result: u16, to: &mut Vec<u8>) {
        to.push(1);
        to.extend_from_slice(&at.0.to_le_bytes());
        to.extend_from_slice(signed);
        to.extend_from_slice(&result.to_le_bytes());
    }
}

/// A signed tree head: a C2SP checkpoint in the form of a signed note.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedHead {
    /// Size and root.
    pub head: Head,
    /// The whole note, as `/log/checkpoint` serves it.
    pub note: String,
}

/// The text that a replica signs: origin, size, root in base64, each on a line (C2SP tlog-checkpoint).
pub fn checkpoint_body(origin: &str, head: &Head) -> String {
    use base64::Engine as _;
    let root = base64::engine::general_purpose::STANDARD.encode(head.root.0);
    format!("{origin}\n{}\n{root}\n", head.size)
}

/// The id of a note's key: the first four bytes of SHA-256 of name, line break, algorithm (1 for Ed25519) and key
/// (C2SP signed-note).
pub fn key_id(name: &str, key: PublicKey) -> [u8; 4] {
    let digest = Digest::of_parts(&[name.as_bytes(), b"\n", &[1], &key.0]);
    let [a, b, c, d, ..] = digest.0;
    [a, b, c, d]
}

/// Puts a signed note together from a body and the signatures under it; the origin names the keys.
pub fn note(body: &str, origin: &str, signatures: &[(PublicKey, Signature)]) -> String {
    use base64::Engine as _;
    let mut note = format!("{body}\n");
    for (key, signature) in signatures {
        let mut bytes = key_id(origin, *key).to_vec();
        bytes.extend(signature.0);
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        note.push_str(&format!("\u{2014} {origin} {text}\n"));
    }
    note
}

/// Reads the size and root of a note without checking who signed it: for a note whose keys are not known yet.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn unchecked_head(text: &str) -> Result<Head, String> {
    use base64::Engine as _;
    let mut lines = text.lines().skip(1);
    let size = lines.next().and_then(|line| line.parse().ok()).ok_or("the tree head has no size")?;
    let root = lines.next().and_then(|line| base64::engine::general_purpose::STANDARD.decode(line).ok());
    let root = root.and_then(|root| root.try_into().ok()).ok_or("the tree head has no root")?;
    Ok(Head { size, root: Digest(root) })
}

/// Reads a signed note and checks that at least one of `keys` signed it for this origin.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn open_note(text: &str, origin: &str, keys: &[PublicKey]) -> Result<Head, String> {
    signers(text, origin, keys).map(|(head, _)| head)
}

/// The same, with those of `keys` who signed it: at least one.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn signers(text: &str, origin: &str, keys: &[PublicKey]) -> Result<(Head, Vec<PublicKey>), String> {
    let (body, signatures) = split_note(text)?;
    if body.lines().next() != Some(origin) {
        return Err(format!("the tree head is not of {origin}"));
    }
    let head = unchecked_head(body)?;
    let good = |key: &PublicKey| {
        signatures_of(signatures, origin, key_id(origin, *key)).any(|signature| {
            let Ok(signature) = signature.try_into().map(Signature) else { return false };
            ledger::verify_signature(*key, body.as_bytes(), signature)
        })
    };
    let signers: Vec<PublicKey> = keys.iter().copied().filter(good).collect();
    if signers.is_empty() { Err("no replica of the network signed the tree head".into()) } else { Ok((head, signers)) }
}

/// A note's body, which is what is signed, and the lines of its signatures.
pub(crate) fn split_note(text: &str) -> Result<(&str, &str), String> {
    let end = text.find("\n\n").ok_or("the tree head is not a signed note")?;
    Ok((text.get(..=end).unwrap_or_default(), text.get(end + 2..).unwrap_or_default()))
}

/// What stands behind a name and key id in the lines of a note's signatures.
pub(crate) fn signatures_of(lines: &str, name: &str, id: [u8; 4]) -> impl Iterator<Item = Vec<u8>> {
    use base64::Engine as _;
    let prefix = format!("\u{2014} {name} ");
    lines.lines().filter_map(move |line| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(line.strip_prefix(&prefix)?).ok()?;
        let (of, signature) = bytes.split_first_chunk::<4>()?;
        (*of == id).then(|| signature.to_vec())
    })
}
