//! From tokens to text: whole characters only, and stop texts cut off.

/// The text of one answer as it grows.
#[derive(Debug)]
pub struct Text {
    stop: Vec<String>,
    /// Bytes that are not yet a whole character.
    bytes: Vec<u8>,
    /// Text that may be the beginning of a stop text.
    held: String,
}

impl Text {
    pub fn new(stop: Vec<String>) -> Self {
        Self {
            stop: stop.into_iter().filter(|text| !text.is_empty()).collect(),
            bytes: Vec::new(),
            held: String::new(),
        }
    }

    /// Adds a token's bytes. Gives the text that can be shown now, and the stop text that came.
    pub fn push(&mut self, bytes: &[u8]) -> (String, Option<String>) {
        self.bytes.extend(bytes);
        let whole = whole_characters(&self.bytes);
        let rest = self.bytes.split_off(whole);
        self.held += &String::from_utf8_lossy(&self.bytes);
        self.bytes = rest;
        self.release()
    }

    /// What was held back, at the end.
    pub fn flush(&mut self) -> String {
        let mut text = std::mem::take(&mut self.held);
        text += &String::from_utf8_lossy(&std::mem::take(&mut self.bytes));
        text
    }

    fn release(&mut self) -> (String, Option<String>) {
        let came = self.stop.iter().filter_map(|stop| Some((self.held.find(stop.as_str())?, stop)));
        if let Some((at, stop)) = came.min_by_key(|(at, _)| *at) {
            let stop = stop.clone();
            self.held.truncate(at);
            self.bytes.clear();
            return (std::mem::take(&mut self.held), Some(stop));
        }
        let keep = self.stop.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), None)
    }
}

/// The length of the longest end of `text` that begins `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    (1..=longest).rev().find(|n| stop.is_char_boundary(*n) && text.ends_with(&stop[..*n])).unwrap_or(0)
}

/// How many of the bytes form whole characters; bytes that can never form one count as whole.
fn whole_characters(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Err(error) = std::str::from_utf8(&bytes[at..]) {
        at += error.valid_up_to();
        match error.error_len() {
            Some(bad) => at += bad,
            None => return at,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stop: &[&str], pieces: &[&[u8]]) -> (Vec<String>, Option<String>) {
        let mut text = Text::new(stop.iter().map(|stop| (*stop).to_owned()).collect());
        let mut shown = Vec::new();
        for piece in pieces {
            let (new, stopped) = text.push(piece);
            shown.push(new);
            if stopped.is_some() {
                return (shown, stopped);
            }
        }
        shown.push(text.flush());
        (shown, None)
    }

    #[test]
    fn characters_come_whole() {
        let bytes = "품앗이".as_bytes();
        let (shown, _) = run(&[], &[&bytes[..1], &bytes[1..4], &bytes[4..]]);
        assert_eq!(shown, ["", "품", "앗이", ""]);
        assert_eq!(run(&[], &[b"a\xffb", b"\xe3"]).0, ["a\u{fffd}b", "", "\u{fffd}"]);
    }

    #[test]
    fn stop_texts_span_pieces_and_are_cut() {
        assert_eq!(run(&["STOP"], &[b"go ST", b"OP on"]), (vec!["go ".into(), String::new()], Some("STOP".into())));
        assert_eq!(run(&["STOP"], &[b"go ST", b"ART"]).0, ["go ", "START", ""]);
        assert_eq!(run(&["aab", "b"], &[b"aaa", b"b"]), (vec!["a".into(), String::new()], Some("aab".into())));
        assert_eq!(run(&["\n\n"], &[b"end\n"]).0, ["end", "\n"]);
    }
}
