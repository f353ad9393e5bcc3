//! The lines of a commit, one JSON object each, read as they come. A file stands in its line as base64 and may be longer than
//! what should be held in memory, so its bytes are taken out on the way: nothing is held whole but the rest of one line.

use api::hub::Line;
use axum::http::StatusCode;
use base64::{engine::general_purpose::STANDARD, read::DecoderReader};
use std::io::{self, BufRead, ErrorKind, Read};

use crate::error::Problem;

/// The member of a line's value that is a file.
const CONTENT: &[u8] = b"content";
/// How deep it lies.
const CONTENT_DEPTH: u32 = 2;
/// A line without its file is at most so long.
const LINE_MAX: usize = 64 << 10;

/// Lines that come.
pub struct Lines<R> {
    reader: R,
    number: u64,
}

/// Where in a line the scan is.
#[derive(Debug, Default)]
struct Scan {
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// The beginning of the newest text, and whether only blanks came since it ended.
    text: Vec<u8>,
    after_text: bool,
    /// The next value is the file.
    file_next: bool,
}

impl<R: BufRead> Lines<R> {
    pub const fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line that is not empty. If it has a file, `take` is given its bytes, and what it made of them is given.
    ///
    /// # Errors
    /// What `take` says, or what is wrong with the line.
    pub fn next<T>(
        &mut self,
        mut take: impl FnMut(&mut dyn Read) -> Result<T, Problem>,
    ) -> Result<Option<(Line, Option<T>)>, Problem> {
        let (mut kept, mut taken) = (Vec::new(), None);
        self.number = self.number.saturating_add(1);
        let mut scan = Scan::default();
        while let Some(byte) = next_byte(&mut self.reader).map_err(|error| broken(&error))? {
            if byte == b'\n' && !scan.in_text {
                if !kept.is_empty() {
                    break;
                }
                continue;
            }
            if byte == b'"' && scan.file_next {
                if taken.is_some() {
                    return Err(self.wrong("it has two files"));
                }
                let mut text = Content { reader: &mut self.reader, ended: false };
                taken = Some(take(&mut DecoderReader::new(&mut text, &STANDARD))?);
                if !text.ended {
                    return Err(self.wrong("its file was not read to the end"));
                }
                kept.extend_from_slice(b"\"\"");
                scan.file_next = false;
                continue;
            }
            scan.see(byte);
            kept.push(byte);
            if kept.len() > LINE_MAX {
                return Err(self.wrong("it is too long; a file is its value's content"));
            }
        }
        if kept.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let line = serde_json::from_slice(&kept).map_err(|error| self.wrong(&error.to_string()))?;
        Ok(Some((line, taken)))
    }

    fn wrong(&self, why: &str) -> Problem {
        Problem::body(StatusCode::BAD_REQUEST, format!("line {} of the commit cannot be read: {why}", self.number))
    }
}

/// The body ended early.
fn broken(error: &io::Error) -> Problem {
    Problem::body(StatusCode::BAD_REQUEST, format!("the commit did not come whole: {error}"))
}

impl Scan {
    fn see(&mut self, byte: u8) {
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => (self.in_text, self.after_text) = (false, true),
                _ => {}
            }
            if self.in_text && self.text.len() <= CONTENT.len() {
                self.text.push(byte);
            }
            return;
        }
        match byte {
            b' ' | b'\t' | b'\r' => return,
            b'"' => {
                self.in_text = true;
                self.text.clear();
            }
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        // In JSON only the name of a member stands before a colon.
        self.file_next = byte == b':' && self.after_text && self.depth == CONTENT_DEPTH && self.text == CONTENT;
        self.after_text = false;
    }
}

fn next_byte(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    let byte = reader.fill_buf()?.first().copied();
    reader.consume(usize::from(byte.is_some()));
    Ok(byte)
}

/// The characters of a text in JSON, up to the quote that ends it.
struct Content<'a, R> {
    reader: &'a mut R,
    ended: bool,
}

impl<R: BufRead> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let coming = self.reader.fill_buf()?;
        let coming = &coming[..coming.len().min(buffer.len())];
        let plain = coming.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(coming.len());
        if plain > 0 {
            buffer[..plain].copy_from_slice(&coming[..plain]);
            self.reader.consume(plain);
            return Ok(plain);
        }
        match next_byte(self.reader)? {
            Some(b'"') => {
                self.ended = true;
                Ok(0)
            }
            // Some write a slash so, and nothing else in base64 can be escaped.
            Some(_) if next_byte(self.reader)? == Some(b'/') => {
                buffer[0] = b'/';
                Ok(1)
            }
            Some(_) => Err(io::Error::new(ErrorKind::InvalidData, "base64 has nothing to escape")),
            None => Err(io::Error::new(ErrorKind::UnexpectedEof, "it ended within a file")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::hub::{Deleted, Header, Inline};
    use base64::Engine as _;
    use proptest::prelude::*;
    use serde_json::json;

    /// Gives its bytes in pieces of a size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.fill_buf()?.len().min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.consume(count);
            Ok(count)
        }
    }

    impl BufRead for Pieces<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            Ok(&self.0[..self.0.len().min(self.1)])
        }

        fn consume(&mut self, count: usize) {
            self.0 = &self.0[count..];
        }
    }

    fn whole(reader: &mut dyn Read) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes).map_err(|error| broken(&error))
    }

    type Found = Vec<(Line, Option<Vec<u8>>)>;

    fn read(commit: &[u8], piece: usize) -> Result<Found, String> {
        let (mut lines, mut found) = (Lines::new(Pieces(commit, piece)), Vec::new());
        while let Some(line) = lines.next(whole).map_err(|problem| {
            assert!(problem.status.is_client_error(), "{problem:?}");
            problem.detail.message
        })? {
            found.push(line);
        }
        Ok(found)
    }

    fn file(path: &str) -> Line {
        Line::File(Inline { path: path.into(), encoding: "base64".into() })
    }

    #[test]
    fn a_commit_is_read_as_clients_write_it() {
        let commit =
            br#"{"key": "header", "value": {"summary": "\"content\": \"x\"", "description": "", "parentCommit": "ab"}}
{"key": "file", "value": {"content": "aGk=", "path": "a/\"b\".txt", "encoding": "base64"}}

{"value":{"encoding":"base64","path":"c","content" : ""},"key":"file"}
{"key":"file","value":{"content":"P\/8=","path":"content","encoding":"base64"}}
{"key":"deletedFolder","value":{"path":"old/"}}"#;
        let header = Line::Header(Header {
            parent_commit: Some("ab".into()),
            summary: Some("\"content\": \"x\"".into()),
            description: Some(String::new()),
        });
        let expected = vec![
            (header, None),
            (file("a/\"b\".txt"), Some(b"hi".to_vec())),
            (file("c"), Some(Vec::new())),
            (file("content"), Some(vec![0x3f, 0xff])),
            (Line::DeletedFolder(Deleted { path: "old/".into() }), None),
        ];
        for piece in [1, 2, 7, 4_096] {
            assert_eq!(read(commit, piece).unwrap(), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_no_commit_is_refused_with_its_line() {
        let long = format!(r#"{{"key":"header","value":{{"summary":"{}"}}}}"#, "a".repeat(LINE_MAX));
        for (commit, word) in [
            ("{}", "line 1"),
            ("[]", "line 1"),
            ("nonsense", "line 1"),
            ("{\"key\":\"header\",\"value\":{}}\n{\"key\":\"space\",\"value\":{}}", "line 2"),
            (r#"{"key":"file","value":{"content":"a","path":"a","encoding":"base64"}}"#, "whole"),
            (r#"{"key":"file","value":{"content":"aGk=aGk=","path":"a","encoding":"base64"}}"#, "whole"),
            (r#"{"key":"file","value":{"content":"a\nb=","path":"a","encoding":"base64"}}"#, "escape"),
            (r#"{"key":"file","value":{"content":"aGk="#, "within a file"),
            (r#"{"key":"file","value":{"content":"aGk=","content":"aGk="}}"#, "two files"),
            (r#"{"key":"file","value":{"path":"never ends"#, "line 1"),
            (long.as_str(), "too long"),
        ] {
            let said = read(commit.as_bytes(), 64).unwrap_err();
            assert!(said.contains(word), "{commit:.80}: {said}");
        }
    }

    proptest! {
        #[test]
        fn any_file_comes_as_it_was_whatever_the_pieces(
            files in prop::collection::vec((".{0,40}", prop::collection::vec(any::<u8>(), 0..3_000)), 0..4),
            piece in 1usize..5_000,
        ) {
            let mut commit = Vec::new();
            for (path, bytes) in &files {
                let value = json!({ "path": path, "content": STANDARD.encode(bytes), "encoding": "base64", "more": [{ "content": 1 }] });
                serde_json::to_writer(&mut commit, &json!({ "key": "file", "value": value })).unwrap();
                commit.push(b'\n');
            }
            let found = read(&commit, piece).unwrap();
            let expected: Found = files.into_iter().map(|(path, bytes)| (file(&path), Some(bytes))).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_changed_commit_is_read_or_refused(at: prop::sample::Index, byte: u8, cut: prop::sample::Index, piece in 1usize..50) {
            let mut commit = b"{\"key\":\"file\",\"value\":{\"content\":\"aGVsbG8=\",\"path\":\"a\",\"encoding\":\"base64\"}}\n\
                {\"key\":\"lfsFile\",\"value\":{\"path\":\"b\",\"algo\":\"sha256\",\"oid\":\"c\",\"size\":1}}".to_vec();
            let at = at.index(commit.len());
            commit[at] = byte;
            commit.truncate(cut.index(commit.len()) + 1);
            // That each refusal is the client's fault is asserted by `read`.
            drop(read(&commit, piece));
        }

        #[test]
        fn bytes_that_mean_nothing_are_read_or_refused(commit in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(read(&commit, 16));
        }
    }
}
