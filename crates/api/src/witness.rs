//! Witnesses: others who saw a log grow, and sign that they did. Whoever asks for their cosignatures need not fear that the log
//! shows him another history than them.
//!
//! A cosignature is one of C2SP tlog-cosignature (Ed25519), a line beside the log's own under a checkpoint. It is had by the
//! request of C2SP tlog-witness, `POST /add-checkpoint`.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ledger::{Digest, Keypair, PublicKey, Signature};
use std::{fmt, str::FromStr};

use crate::log::{signatures_of, split_note};

/// The algorithm's number of an Ed25519 cosignature.
const ALGORITHM: u8 = 4;
/// A consistency proof has no more hashes.
const PROOF_MAX: usize = 63;

/// A witness by its name and key, written as a verifier key of C2SP signed-note: `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigner {
    /// Its name, which is no address.
    pub name: String,
    /// Its key.
    pub key: PublicKey,
}

impl Cosigner {
    /// When it signed that the head of this note follows from all that it saw before, in seconds since 1970; `None` if it did
    /// not.
    pub fn cosigned(&self, note: &str) -> Option<u64> {
        let (body, lines) = split_note(note).ok()?;
        signatures_of(lines, &self.name, self.id()).find_map(|bytes| {
            let (time, signature) = bytes.split_first_chunk::<8>()?;
            let (time, signature) = (u64::from_be_bytes(*time), Signature(signature.try_into().ok()?));
            ledger::verify_signature(self.key, message(body, time).as_bytes(), signature).then_some(time)
        })
    }

    /// SHA-256 of name, line break, algorithm and key: its first four bytes.
    fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = Digest::of_parts(&[self.name.as_bytes(), b"\n", &[ALGORITHM], &self.key.0]).0;
        [a, b, c, d]
    }
}

impl fmt::Display for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key: Vec<u8> = std::iter::once(ALGORITHM).chain(self.key.0).collect();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), BASE64.encode(key))
    }
}

impl FromStr for Cosigner {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "a witness is name+id+key, as `pumasi up` of the witness shows it";
        let (name, rest) = text.split_once('+').ok_or(expected)?;
        let (_, key) = rest.split_once('+').ok_or(expected)?;
        let key = BASE64.decode(key).map_err(|_| expected)?;
        let Some((&ALGORITHM, key)) = key.split_first() else { return Err(expected) };
        let cosigner = Self { name: name.to_owned(), key: PublicKey(key.try_into().map_err(|_| expected)?) };
        if !name.is_empty() && !name.contains(char::is_whitespace) && cosigner.to_string() == text {
            Ok(cosigner)
        } else {
            Err(expected)
        }
    }
}

/// What is signed.
fn message(body: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{body}")
}

/// The line by which a witness of this name cosigns a note, at a time in seconds since 1970; `None` if the note is none.
pub fn cosign(key: &Keypair, name: &str, note: &str, time: u64) -> Option<String> {
    let (body, _) = split_note(note).ok()?;
    let cosigner = Cosigner { name: name.to_owned(), key: key.public() };
    let mut bytes = cosigner.id().to_vec();
    bytes.extend(time.to_be_bytes());
    bytes.extend(key.sign_bytes(message(body, time).as_bytes()).0);
    Some(format!("\u{2014} {name} {}\n", BASE64.encode(bytes)))
}

/// The body of `POST /add-checkpoint`: the size that the witness cosigned last, the proof that the log grew from there, and the
/// checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the head that the witness cosigned before; 0 for none.
    pub old: u64,
    /// That the new head begins with the old one (RFC 6962, 2.1.2).
    pub proof: Vec<Digest>,
    /// The new head as a signed note.
    pub note: String,
}

impl AddCheckpoint {
    /// Reads it; nothing is checked yet.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, note) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
        let hash = |line: &str| BASE64.decode(line).ok()?.try_into().ok().map(Digest);
        let proof: Option<Vec<Digest>> = lines.map(hash).collect();
        let add = Self { old, proof: proof.filter(|proof| proof.len() <= PROOF_MAX)?, note: note.to_owned() };
        (add.to_string() == text).then_some(add)
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash.0)))?;
        write!(f, "\n{}", self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{checkpoint_body, note};
    use ledger::Head;
    use proptest::prelude::*;

    fn key(number: u8) -> Keypair {
        Keypair::from_secret(&[number; 32])
    }

    fn signed(size: u64) -> String {
        let body = checkpoint_body("a.example/log", &Head { size, root: Digest([7; 32]) });
        note(&body, "a.example/log", &[(key(1).public(), key(1).sign_bytes(body.as_bytes()))])
    }

    #[test]
    fn a_witness_is_known_by_its_signature_and_by_nothing_else() {
        let (note, name) = (signed(5), "witness.example/1");
        let witness = Cosigner { name: name.into(), key: key(2).public() };
        let both = note.clone() + &cosign(&key(2), name, &note, 99).unwrap();
        assert_eq!((witness.cosigned(&both), witness.cosigned(&note)), (Some(99), None));
        let other = Cosigner { name: "witness.example/2".into(), key: witness.key };
        assert_eq!(other.cosigned(&both), None, "another name");
        assert_eq!(Cosigner { name: name.into(), key: key(3).public() }.cosigned(&both), None, "another key");
        let line = both.strip_prefix(&note).unwrap();
        assert_eq!(witness.cosigned(&(signed(6) + line)), None, "another head");
        assert_eq!(crate::log::open_note(&both, "a.example/log", &[key(1).public()]).unwrap().size, 5);
        let bytes = line.len();
        for at in 0..bytes * 8 {
            let mut changed = both.clone().into_bytes();
            let from = changed.len() - bytes;
            changed[from + at / 8] ^= 1 << (at % 8);
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert_eq!(witness.cosigned(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_witness_is_written_as_one_verifier_key() {
        let witness = Cosigner { name: "witness.example/1".into(), key: key(2).public() };
        let text = witness.to_string();
        assert_eq!(text.parse(), Ok(witness));
        let log = format!("x+{}+{}", hex::encode([0; 4]), BASE64.encode([&[1][..], &key(2).public().0].concat()));
        for wrong in ["", "a+b", "a+b+c", &format!("{text}="), &text.replace("witness", "w itness"), &log, &text[1..]] {
            assert!(wrong.parse::<Cosigner>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_request_reads_as_it_is_written(old: u64, proof in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let proof: Vec<Digest> = proof.into_iter().map(Digest).collect();
            let add = AddCheckpoint { old, proof, note: signed(5) };
            let read = AddCheckpoint::parse(&add.to_string());
            prop_assert_eq!(read, (add.proof.len() <= PROOF_MAX).then_some(add));
        }

        #[test]
        fn anything_is_read_without_a_panic(text in "(old [0-9+]{0,3}\n)?[ -~\n]{0,90}") {
            if let Some(add) = AddCheckpoint::parse(&text) {
                prop_assert_eq!(add.to_string(), text);
            }
        }
    }
}
