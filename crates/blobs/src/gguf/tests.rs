//! A small file, and what strangers do to it.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// A header with a vocabulary and two tensors; `edit` changes the values that strangers change.
struct File {
    version: u32,
    tensors: u64,
    blocks: u32,
    tokens: Vec<&'static str>,
    row: u64,
    second: u64,
    data: usize,
}

impl Default for File {
    fn default() -> Self {
        Self { version: 3, tensors: 2, blocks: 2, tokens: vec!["a", "b", "<0x41>"], row: 32, second: 64, data: 128 }
    }
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.tensors.to_le_bytes());
        bytes.extend(3u64.to_le_bytes());
        text(&mut bytes, "general.architecture");
        bytes.extend(8u32.to_le_bytes());
        text(&mut bytes, "llama");
        text(&mut bytes, "llama.block_count");
        bytes.extend(4u32.to_le_bytes());
        bytes.extend(self.blocks.to_le_bytes());
        text(&mut bytes, "tokenizer.ggml.tokens");
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(8u32.to_le_bytes());
        bytes.extend((self.tokens.len() as u64).to_le_bytes());
        self.tokens.iter().for_each(|token| text(&mut bytes, token));
        for (name, kind, offset) in [("x", 8u32, 0), ("y", 1, self.second)] {
            text(&mut bytes, name);
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(self.row.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(32) + self.data, 0);
        bytes
    }
}

fn read(file: &File) -> Result<Header, String> {
    Header::read(&mut Cursor::new(file.bytes()))
}

#[test]
fn a_good_file_is_read() {
    let header = read(&File::default()).unwrap();
    assert_eq!((header.tensors, header.vocabulary, header.quantization), (2, 3, "F16"));
    assert_eq!((header.text("general.architecture"), header.byte_tokens), (Some("llama"), false));
}

#[test]
fn what_strangers_change_is_refused() {
    let cases = [
        ("another version", File { version: 1, ..File::default() }),
        ("a count beyond the file", File { tensors: u64::MAX, ..File::default() }),
        ("too many blocks, which aborts llama.cpp", File { blocks: 100_000, ..File::default() }),
        ("a repeated token, which aborts llama.cpp", File { tokens: vec!["a", "a"], ..File::default() }),
        ("a row that is not whole blocks", File { row: 31, ..File::default() }),
        ("a shape beyond 2^64", File { row: u64::MAX - 31, ..File::default() }),
        ("overlapping tensors", File { second: 32, ..File::default() }),
        ("a tensor that is not aligned", File { second: 65, ..File::default() }),
        ("an offset beyond 2^64", File { second: u64::MAX - 31, ..File::default() }),
        ("a cut-off file", File { data: 127, ..File::default() }),
    ];
    for (what, file) in cases {
        assert!(read(&file).is_err(), "{what}");
    }
}

#[test]
fn other_files_are_not_gguf() {
    assert_eq!(Header::read(&mut Cursor::new(b"")).unwrap_err(), "it is not a GGUF file");
    assert_eq!(Header::read(&mut Cursor::new(b"PK\x03\x04 something else")).unwrap_err(), "it is not a GGUF file");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_bytes_are_read_or_refused(at in 0usize..1_000, byte: u8, cut in 0usize..1_000, from in 0usize..1_000) {
        let good = File::default().bytes();
        let mut bytes = good.clone();
        let length = bytes.len();
        bytes[at % length] = byte;
        let splice = from % length..(from + 8).min(length).max(from % length);
        bytes.splice(at % length..at % length, good[splice].iter().copied());
        bytes.truncate(bytes.len() - cut % length);
        drop(Header::read(&mut Cursor::new(bytes)));
    }
}
