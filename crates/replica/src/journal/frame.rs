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

/// In the length: this record begins a group.
const BEGINS: u32 = 1 << 31;

/// Appends one record: length (u32, little-endian; the highest bit says that it begins a group), CRC-32C of length and
/// entry (likewise), entry, which `put` appends.
pub(crate) fn put_record(begins_group: bool, to: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = to.len();
    to.extend([0; FRAME_BYTES]);
    put(to);
    let (frame, entry) = to[start..].split_at_mut(FRAME_BYTES);
    let length = u32::try_from(entry.len()).unwrap_or(u32::MAX) | if begins_group { BEGINS } else { 0 };
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[4..].copy_from_slice(&crc(length, entry).to_le_bytes());
}

/// What stands before an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    length: u32,
    crc: u32,
}

impl Frame {
    /// Reads a frame, or `None` if no entry can have its length.
    pub(crate) fn open(bytes: [u8; FRAME_BYTES]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h] = bytes;
        let frame = Self { length: u32::from_le_bytes([a, b, c, d]), crc: u32::from_le_bytes([e, f, g, h]) };
        (1..=ENTRY_BYTES_MAX).contains(&frame.entry_bytes()).then_some(frame)
    }

    /// The entry's length.
    pub(crate) fn entry_bytes(self) -> usize {
        usize::try_from(self.length & !BEGINS).unwrap_or(usize::MAX)
    }

    /// True if the record is the first of its group.
    pub(crate) const fn begins_group(self) -> bool {
        self.length & BEGINS != 0
    }

    /// True if this is the entry that the frame was written for.
    pub(crate) fn fits(self, entry: &[u8]) -> bool {
        entry.len() == self.entry_bytes() && crc(self.length, entry) == self.crc
    }
}

/// Takes the record at the start of `bytes`: its frame, its entry, and what follows it. `None` if no whole record is there.
pub(crate) fn take_record(bytes: &[u8]) -> Option<(Frame, &[u8], &[u8])> {
    let (frame, rest) = bytes.split_first_chunk::<FRAME_BYTES>()?;
    let frame = Frame::open(*frame)?;
    let (entry, rest) = rest.split_at_checked(frame.entry_bytes())?;
    frame.fits(entry).then_some((frame, entry, rest))
}

/// True if a record that begins a group lies anywhere in `bytes`, be it within another one.
pub(crate) fn holds_group(bytes: &[u8]) -> bool {
    let begins = |at| take_record(bytes.get(at..)?).filter(|(frame, ..)| frame.begins_group());
    // The highest byte of such a record's length is this one.
    memchr::memchr_iter(0x80, bytes).filter_map(|at| at.checked_sub(3)).any(|at| begins(at).is_some())
}

fn crc(length: u32, entry: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), entry)
}
