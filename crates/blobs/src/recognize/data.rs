//! Datasets: JSON lines, Parquet, CSV and text, as far as a look tells.

use serde::de::IgnoredAny;
use std::io::{BufRead as _, BufReader, Read as _};

use super::{File, beginning, ending, extension_of, name_of};
use crate::{Error, Store};

/// Lines of JSON that are read, the longest of them, and bytes in all.
const LINES_MAX: usize = 1_000;
const LINE_MAX: u64 = 8 << 20;
const BYTES_MAX: u64 = 64 << 20;
/// Bytes of text that are read.
const TEXT_MAX: u64 = 64 << 10;
/// What begins and ends a Parquet file (<https://parquet.apache.org/docs/file-format>).
const PARQUET: &[u8] = b"PAR1";
/// Texts that come with everything and are no data.
const BESIDE: &[&str] =
    &["license", "licence", "notice", "requirements", "readme", "changelog", "authors", "merges", "vocab"];

/// True for a file that may hold data, by its path in lower case.
pub(super) fn may_be(path: &str) -> bool {
    let name = name_of(path);
    let beside = BESIDE.iter().any(|word| name.starts_with(word));
    matches!(extension_of(path), "jsonl" | "ndjson" | "parquet")
        || (matches!(extension_of(path), "csv" | "tsv" | "txt") && !beside)
}

/// Looks into it; the sentence says why it is no data.
pub(super) fn check(store: &Store, file: &File) -> Result<Result<(), String>, Error> {
    match extension_of(&file.0.to_ascii_lowercase()) {
        "jsonl" | "ndjson" => json_lines(store, file),
        "parquet" => parquet(store, file),
        _ => text(store, file),
    }
}

fn json_lines(store: &Store, (_, digest, _): &File) -> Result<Result<(), String>, Error> {
    let path = store.path(*digest);
    let mut reader = BufReader::new(store.open_blob(*digest)?.take(BYTES_MAX));
    let mut read = 0u64;
    for number in 1..=LINES_MAX {
        let mut line = Vec::new();
        let count = reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).map_err(Error::io(&path))?;
        read = read.saturating_add(count as u64);
        // What goes on beyond what is read cannot be judged.
        if count == 0 || read >= BYTES_MAX {
            break;
        }
        if count as u64 >= LINE_MAX && !line.ends_with(b"\n") {
            return Ok(Err(format!("line {number} is longer than 8 MiB")));
        }
        if !line.trim_ascii().is_empty() && serde_json::from_slice::<IgnoredAny>(&line).is_err() {
            return Ok(Err(format!("line {number} is not JSON")));
        }
    }
    Ok(if read == 0 { Err("it is empty".into()) } else { Ok(()) })
}

/// Magic numbers, and a footer that fits between them.
fn parquet(store: &Store, file: &File) -> Result<Result<(), String>, Error> {
    let (begin, end) = (beginning(store, file.1, 4)?, ending(store, file, 8)?);
    let length = end.first_chunk::<4>().map(|bytes| u64::from(u32::from_le_bytes(*bytes)));
    let fits = length.is_some_and(|length| length > 0 && length.saturating_add(12) <= file.2);
    Ok(if begin == PARQUET && end.ends_with(PARQUET) && fits {
        Ok(())
    } else {
        Err("it is not a whole Parquet file".into())
    })
}

fn text(store: &Store, file: &File) -> Result<Result<(), String>, Error> {
    let bytes = beginning(store, file.1, TEXT_MAX)?;
    let good = match std::str::from_utf8(&bytes) {
        Ok(text) => !text.contains('\0'),
        // Cut in the middle of a letter.
        Err(error) => error.error_len().is_none() && bytes.len() as u64 == TEXT_MAX,
    };
    Ok(match (good, bytes.is_empty()) {
        (_, true) => Err("it is empty".into()),
        (false, _) => Err("it is not text in UTF-8".into()),
        (true, _) => Ok(()),
    })
}
