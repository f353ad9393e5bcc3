//! Calls of tools in an answer's text. A provider writes them as `api::held` says; here they are taken out of the text, so that
//! each dialect can tell them in its own words.

use api::held::{CALL_BEGINS, CALL_ENDS};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A call that a model asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Names it among all calls.
    pub id: String,
    /// The function.
    pub name: String,
    /// JSON as text: an object.
    pub arguments: String,
}

/// What a text turned out to say.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Text(String),
    Call(Call),
}

/// Reads an answer's text as it comes. Only calls of the request's own functions are any: everything else is text.
#[derive(Debug)]
pub struct Calls {
    names: Vec<String>,
    /// What begins the id of each call.
    id: String,
    made: u32,
    /// Text that may be, or is, the beginning of a call, with the space before it.
    held: String,
}

/// A call as it is written.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default)]
    arguments: Option<Box<RawValue>>,
}

impl Calls {
    /// Of an answer to a request with these functions. `id` names the answer.
    pub fn new(names: Vec<String>, id: &str) -> Self {
        Self { names, id: id.chars().take(24).collect(), made: 0, held: String::new() }
    }

    /// True if there was one.
    pub const fn any(&self) -> bool {
        self.made > 0
    }

    /// Adds text. Gives what it is known to say by now.
    pub fn push(&mut self, text: &str) -> Vec<Said> {
        if self.names.is_empty() {
            return vec![Said::Text(text.to_owned())];
        }
        let mut held = std::mem::take(&mut self.held) + text;
        let mut said = Vec::new();
        let show = |text: &str, said: &mut Vec<Said>| {
            if !text.is_empty() {
                said.push(Said::Text(text.to_owned()));
            }
        };
        loop {
            let Some((before, after)) = held.split_once(CALL_BEGINS) else {
                let (shown, kept) = held.split_at(held.len() - undecided(&held));
                show(shown, &mut said);
                self.held = kept.to_owned();
                return said;
            };
            let space = before.len() - before.trim_end().len();
            let Some((call, rest)) = after.split_once(CALL_ENDS) else {
                show(before.trim_end(), &mut said);
                self.held = held.split_off(before.len() - space);
                return said;
            };
            match self.read(call) {
                Some(call) => {
                    show(before.trim_end(), &mut said);
                    said.push(Said::Call(call));
                }
                None => show(&held[..held.len() - rest.len()], &mut said),
            }
            held = rest.to_owned();
        }
    }

    /// What was held back, at the end: text, unless it is the space after a call.
    pub fn flush(&mut self) -> Option<String> {
        let held = std::mem::take(&mut self.held);
        let nothing = held.is_empty() || self.any() && held.trim().is_empty();
        (!nothing).then_some(held)
    }

    fn read(&mut self, call: &str) -> Option<Call> {
        let Written { name, arguments } = serde_json::from_str(call).ok()?;
        let arguments = arguments.as_ref().map_or("{}", |arguments| arguments.get());
        if !self.names.contains(&name) || !arguments.starts_with('{') {
            return None;
        }
        let id = format!("call_{}{}", self.id, self.made);
        self.made += 1;
        Some(Call { id, name, arguments: arguments.to_owned() })
    }
}

/// Bytes at the end that may begin a call, the space before included.
fn undecided(text: &str) -> usize {
    let longest = text.len().min(CALL_BEGINS.len() - 1);
    let begun = (1..=longest).rev().find(|n| text.ends_with(&CALL_BEGINS[..*n])).unwrap_or(0);
    text.len() - text[..text.len() - begun].trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text says when it comes in pieces of so many characters.
    fn read(text: &str, at_once: usize) -> (String, Vec<(String, String)>) {
        let mut calls = Calls::new(vec!["look".into(), "wait".into()], "0123456789abcdef");
        let letters: Vec<char> = text.chars().collect();
        let pieces = letters.chunks(at_once).map(|piece| piece.iter().collect::<String>());
        let mut said: Vec<Said> = pieces.flat_map(|piece| calls.push(&piece)).collect();
        said.extend(calls.flush().map(Said::Text));
        let (mut shown, mut made) = (String::new(), Vec::new());
        for said in said {
            match said {
                Said::Text(text) => shown += &text,
                Said::Call(call) => {
                    assert_eq!(call.id, format!("call_0123456789abcdef{}", made.len()));
                    made.push((call.name, call.arguments));
                }
            }
        }
        (shown, made)
    }

    #[test]
    fn calls_are_taken_out_of_the_text_however_it_comes() {
        let look = r#"<tool_call>{"name": "look", "arguments": {"at": 1.50, "는": "가"}}</tool_call>"#;
        let wait = "<tool_call>\n{\"name\": \"wait\"}\n</tool_call>";
        for at_once in [1, 2, 3, 7, 1_000] {
            let (text, calls) = read(&format!("Let me see.\n{look}\n{wait}\n"), at_once);
            assert_eq!(text, "Let me see.");
            let look = ("look".to_owned(), r#"{"at": 1.50, "는": "가"}"#.to_owned());
            assert_eq!(calls, [look, ("wait".into(), "{}".into())], "each as it was written");
        }
    }

    #[test]
    fn what_is_no_call_stays_text() {
        for text in [
            "a <b> c",
            "I would <tool_call> you",
            "ends with <tool",
            "two  spaces \n\n and a line\n",
            r#"<tool_call>{"name": "run", "arguments": {}}</tool_call>"#,
            r#"<tool_call>{"name": "look", "arguments": [1]}</tool_call> so"#,
            "<tool_call>look</tool_call>",
        ] {
            for at_once in [1, 4, 1_000] {
                assert_eq!(read(text, at_once), (text.to_owned(), Vec::new()), "{at_once} at once");
            }
        }
    }

    #[test]
    fn a_request_without_tools_has_no_calls() {
        let mut calls = Calls::new(Vec::new(), "x");
        let text = r#"<tool_call>{"name": "look"}</tool_call>"#;
        assert_eq!(calls.push(text), [Said::Text(text.into())]);
        assert_eq!((calls.flush(), calls.any()), (None, false));
    }
}
