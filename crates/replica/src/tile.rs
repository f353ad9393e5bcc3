//! Tiles as C2SP tlog-tiles names and writes them: 256 hashes or entries each, fewer in the last of a level.

use ledger::Digest;

use crate::shape::BLOCK;

/// Which tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tile {
    /// How high it lies, or `None` for a bundle of entries.
    pub level: Option<u32>,
    /// Counted from 0 on its level.
    pub index: u64,
    /// How many of its 256 places are asked for.
    pub width: u64,
}

/// Reads `L/N`, `L/N.p/W`, `entries/N` or `entries/N.p/W`; N is in groups of three digits, all but the last with an x.
pub(crate) fn parse(path: &str) -> Option<Tile> {
    let (level, rest) = path.split_once('/')?;
    let level = match level {
        "entries" => None,
        level => Some(number(level).filter(|level| *level < 64)?.try_into().ok()?),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, number(width).filter(|width| (1..BLOCK).contains(width))?),
        None => (rest, BLOCK),
    };
    let mut value: u64 = 0;
    let mut groups = index.split('/').peekable();
    while let Some(group) = groups.next() {
        let digits = if groups.peek().is_some() { group.strip_prefix('x')? } else { group };
        if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        value = value.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
    }
    let tile = Tile { level, index: value, width };
    (path_of(tile) == path).then_some(tile)
}

/// The one path of a tile, below `/log/tile/`.
pub(crate) fn path_of(tile: Tile) -> String {
    let mut groups = vec![format!("{:03}", tile.index % 1_000)];
    let mut rest = tile.index / 1_000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    groups.reverse();
    let level = tile.level.map_or("entries".to_owned(), |level| level.to_string());
    let partial = if tile.width < BLOCK { format!(".p/{}", tile.width) } else { String::new() };
    format!("{level}/{}{partial}", groups.join("/"))
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// The bytes of a hash tile.
pub(crate) fn hashes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile, or `None` if it is not one.
pub(crate) fn open_hashes(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, []) = bytes.as_chunks() else { return None };
    Some(hashes.iter().map(|hash| Digest(*hash)).collect())
}

/// The bytes of an entry bundle: each entry behind its length (u16, big-endian).
pub(crate) fn bundle(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

/// The entries of a bundle, or `None` if it is not one.
pub(crate) fn open_bundle(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    Some(entries)
}
