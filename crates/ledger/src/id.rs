//! Identities: 32-byte digests, keys and ids with one text form each, and time.

use alloc::string::String;
use borsh::{BorshDeserialize, BorshSerialize};
use core::{cmp::Ordering, fmt, str::FromStr};
use sha2::{Digest as _, Sha256, block_api::compress256};

use crate::table::TableKey;

/// A text that is not the id it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError(pub &'static str);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl core::error::Error for ParseError {}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads exactly `N` bytes of lower-case hexadecimal, so that one id has one text.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N.checked_mul(2)? {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        if pair.iter().any(|c| !matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $size:literal, $prefix:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; $size]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                // The order of the bytes. Ids are keys and hashes: the first word nearly always decides, and fast.
                self.bits().cmp(&other.bits()).then_with(|| self.0.cmp(&other.0))
            }
        }

        impl TableKey for $name {
            fn bits(&self) -> u64 {
                self.0.first_chunk().map_or(0, |word| u64::from_be_bytes(*word))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                text.strip_prefix($prefix).and_then(read_hex).map(Self).ok_or(ParseError($expected))
            }
        }
    };
}

id! {
    /// A SHA-256 digest; as text `sha256:` and 64 hexadecimal digits, as OCI writes it.
    Digest, 32, "sha256:", "a digest: sha256: and 64 lower-case hexadecimal digits"
}
id! {
    /// An account: the Ed25519 public key it began with. The key may be rotated, the id stays.
    AccountId, 32, "", "an account: 64 lower-case hexadecimal digits"
}
id! {
    /// An Ed25519 public key (RFC 8032).
    PublicKey, 32, "", "a public key: 64 lower-case hexadecimal digits"
}
id! {
    /// An Ed25519 signature (RFC 8032).
    Signature, 64, "", "a signature: 128 lower-case hexadecimal digits"
}
id! {
    /// A payment channel, derived from its payer and the sequence that opened it; never reused.
    ChannelId, 32, "ch_", "a channel: ch_ and 64 lower-case hexadecimal digits"
}
id! {
    /// An offer, derived from its provider and the sequence that made it; never reused.
    OfferId, 32, "of_", "an offer: of_ and 64 lower-case hexadecimal digits"
}
id! {
    /// A random number that names one order within its channel.
    OrderId, 16, "", "an order: 32 lower-case hexadecimal digits"
}

/// An artifact is named by the digest of its manifest.
pub type ArtifactId = Digest;

impl Digest {
    /// SHA-256 of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// SHA-256 of byte strings, one after the other.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        Self::in_blocks::<2>(parts).or_else(|| Self::in_blocks::<5>(parts)).unwrap_or_else(|| {
            let mut hasher = Sha256::new();
            parts.iter().for_each(|part| hasher.update(part));
            Self(hasher.finalize().into())
        })
    }

    /// The same if they fit into `N` blocks: padded here and hashed at once (FIPS 180-4, 5.1.1, 5.3.3 and 6.2). A hasher that
    /// does not know what will come takes longer, and nearly all that a ledger hashes is short: a node of a tree has two
    /// blocks, a transfer in the log five.
    fn in_blocks<const N: usize>(parts: &[&[u8]]) -> Option<Self> {
        let mut blocks = [[0; 64]; N];
        let (mut rest, mut length) = (blocks.as_flattened_mut(), 0usize);
        for part in parts {
            let (here, behind) = rest.split_at_mut_checked(part.len())?;
            here.copy_from_slice(part);
            (rest, length) = (behind, length.checked_add(part.len())?);
        }
        *rest.first_mut()? = 0x80;
        // The end says how many bits there were, in eight bytes.
        let blocks = blocks.get_mut(..length.checked_add(9)?.div_ceil(64))?;
        *blocks.as_flattened_mut().last_chunk_mut()? = u64::try_from(length).ok()?.checked_mul(8)?.to_be_bytes();
        let mut state = INITIAL;
        compress256(&mut state, blocks);
        let mut digest = [0; 32];
        let (words, _) = digest.as_chunks_mut();
        words.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
        Some(Self(digest))
    }
}

/// The state that SHA-256 begins with: the first 32 bits behind the point of the square roots of the first eight primes.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Derives an id from what made it: SHA-256 of a purpose, an account and a sequence.
pub(crate) fn derive(purpose: &str, account: AccountId, sequence: u64) -> [u8; 32] {
    Digest::of(&crate::encode(&(String::from(purpose), account, sequence))).0
}

impl From<PublicKey> for AccountId {
    fn from(key: PublicKey) -> Self {
        Self(key.0)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Time(pub u64);

impl Time {
    /// The time `milliseconds` later; the end of time if there is no such.
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn by_the_library(parts: &[&[u8]]) -> Digest {
        Digest(Sha256::digest(parts.concat()).into())
    }

    /// Also at the end of a block, and where the padding needs one more.
    #[test]
    fn a_digest_is_sha_256_at_every_length() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(500).collect();
        for length in 0..=bytes.len() {
            let bytes = bytes.get(..length).unwrap();
            assert_eq!(Digest::of(bytes), by_the_library(&[bytes]), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn a_digest_of_parts_is_that_of_all_of_them(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5),
        ) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(Digest::of_parts(&parts), by_the_library(&parts));
        }
    }
}
