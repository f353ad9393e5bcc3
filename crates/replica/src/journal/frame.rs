//! The bytes of a journal: its header, and one frame for each entry.

use ledger::Digest;

/// Magic, version, network, and the CRC of those.
pub(crate) const HEADER_BYTES: usize = 16 + 4 + 32 + 4;
/// Length and CRC before each entry.
pub(crate) const FRAME_BYTES: usize = 8;
/// No entry is longer, so that entry bundles can give its length in 16 bits.
pub(crate) const ENTRY_BYTES_MAX: usize = 65_535;

const MAGIC: [u8; 16] = *b"pumasi journal\n\0";
const VERSION: u32 = 1;

/// The header of a network's journal.
pub(crate) fn header(network: Digest) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(network.0);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

/// The network of a journal with this header, or `None` if it is no journal of this version.
pub(crate) fn open_header(bytes: &[u8; HEADER_BYTES]) -> Option<Digest> {
    let network = Digest(bytes.get(20..52)?.try_into().ok()?);
    (header(network) == bytes).then_some(network)
}

/// Appends one record: length (u32, little-endian), CRC-32C of length and entry (likewise), entry.
pub(crate) fn put_record(entry: &[u8], to: &mut Vec<u8>) {
    let length = u32::try_from(entry.len()).unwrap_or(u32::MAX).to_le_bytes();
    to.extend(length);
    to.extend(crc(length, entry).to_le_bytes());
    to.extend(entry);
}

/// The entry's length and its CRC as its frame tells them.
pub(crate) fn open_frame(frame: [u8; FRAME_BYTES]) -> Option<(usize, u32)> {
    let [a, b, c, d, crc @ ..] = frame;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    (1..=ENTRY_BYTES_MAX)
        .contains(&length)
        .then_some((length, u32::from_le_bytes(crc)))
}

/// True if an entry is what its frame says.
pub(crate) fn entry_good(entry: &[u8], expected: u32) -> bool {
    u32::try_from(entry.len()).is_ok_and(|length| crc(length.to_le_bytes(), entry) == expected)
}

/// Takes the record at the start of `bytes`: its entry, and what follows it. `None` if no whole record is there.
pub(crate) fn take_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (frame, rest) = bytes.split_first_chunk::<FRAME_BYTES>()?;
    let (length, crc) = open_frame(*frame)?;
    let (entry, rest) = rest.split_at_checked(length)?;
    entry_good(entry, crc).then_some((entry, rest))
}

fn crc(length: [u8; 4], entry: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), entry)
}
