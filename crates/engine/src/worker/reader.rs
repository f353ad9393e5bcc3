//! Reads calls of tools out of an answer, in whatever form its model writes them.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::form::{ARGUMENTS_MARK, Form, ID_MARK};

/// What may stand between calls, and behind the last.
const BETWEEN: &[char] = &[';', ' ', '\n', '\r', '\t'];

/// Reads an answer's text as it comes, and gives it with its calls in the one form. Only calls of the request's own tools are
/// any: everything else stays as it was written.
#[derive(Debug)]
pub struct Reader {
    form: Form,
    names: Vec<String>,
    /// Text of which is not known yet what it is, and what was passed over before it.
    held: String,
    skipped: String,
    at: At,
    /// A call is the last that was shown.
    shown_call: bool,
}

/// Where in an answer.
#[derive(Debug)]
enum At {
    Text,
    /// Before the JSON of calls.
    Opening,
    /// In it. The tool that is called, where that stands before it.
    Json(Option<String>, Scan),
    /// Behind a call that another may follow.
    Behind,
}

/// What a text is that may open calls.
enum Opened {
    NotYet,
    /// After so many bytes the JSON begins.
    Json(Option<String>, usize),
    No,
}

/// Looks for the end of JSON.
#[derive(Debug, Default)]
struct Scan {
    at: usize,
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// Where the last whole element of a list ended; 0 if there was none.
    element: usize,
}

/// A call as it is written.
#[derive(Deserialize)]
struct Written {
    name: String,
    #[serde(default, alias = "parameters")]
    arguments: Option<Box<RawValue>>,
}

impl Reader {
    /// Of an answer in this form to a request with tools of these names.
    pub const fn new(form: Form, names: Vec<String>) -> Self {
        let at = if matches!(form, Form::Bare) { At::Opening } else { At::Text };
        Self { form, names, held: String::new(), skipped: String::new(), at, shown_call: false }
    }

    /// Adds text. Gives what can be shown of it by now.
    pub fn push(&mut self, text: &str) -> String {
        self.held += text;
        let mut shown = String::new();
        while self.step(&mut shown) {}
        shown
    }

    /// What was held back, at the end: text, but for the whole calls of a list that was cut.
    pub fn flush(&mut self) -> String {
        if let At::Json(None, Scan { element: end @ 1.., .. }) = self.at
            && self.form == Form::Listed
            && let Some(calls) = self.calls(None, &format!("{}]", &self.held[..end]))
        {
            self.skipped.clear();
            return calls + &self.held.split_off(end);
        }
        let text = std::mem::take(&mut self.skipped) + &std::mem::take(&mut self.held);
        let nothing = matches!(self.at, At::Behind) && text.trim_matches(BETWEEN).is_empty();
        if nothing { String::new() } else { text }
    }

    /// One step. False if more text is needed.
    fn step(&mut self, shown: &mut String) -> bool {
        match &mut self.at {
            At::Text => self.text(shown),
            At::Opening => self.opening(),
            At::Json(name, scan) => {
                let Some(end) = scan.end(&self.held) else { return false };
                let (name, rest) = (name.take(), self.held.split_off(end));
                let json = std::mem::replace(&mut self.held, rest);
                match self.calls(name, &json) {
                    Some(calls) => {
                        self.skipped.clear();
                        *shown += if self.shown_call { "\n" } else { "" };
                        *shown += &calls;
                        (self.at, self.shown_call) = (At::Behind, true);
                    }
                    None => self.is_text(&json),
                }
                true
            }
            At::Behind => self.behind(),
        }
    }

    /// Shows text up to where calls begin.
    fn text(&mut self, shown: &mut String) -> bool {
        let (mark, marked) = (self.form.mark(), self.form != Form::Bare);
        let found = self.held.find(mark).filter(|_| marked);
        let kept = if marked { begun(&self.held, mark) } else { 0 };
        let rest = self.held.split_off(found.unwrap_or(self.held.len() - kept));
        let text = std::mem::take(&mut self.skipped) + &std::mem::replace(&mut self.held, rest);
        self.shown_call &= text.is_empty();
        *shown += &text;
        if found.is_some() {
            self.skip(mark.len());
            self.at = At::Opening;
        }
        found.is_some()
    }

    /// Passes over what stands before the JSON of calls.
    fn opening(&mut self) -> bool {
        let rest = self.held.trim_start();
        let space = self.held.len() - rest.len();
        match self.opened(rest) {
            Opened::NotYet => return false,
            Opened::Json(name, at) => {
                self.skip(space + at);
                self.at = At::Json(name, Scan::default());
            }
            Opened::No => self.is_text(""),
        }
        true
    }

    fn opened(&self, text: &str) -> Opened {
        match self.form {
            _ if text.is_empty() => Opened::NotYet,
            Form::Bare => begins(text, &[self.form.mark()]).map_or(Opened::NotYet, |json| json_at(text, json, '{')),
            Form::Named => {
                let mut opened = self.names.iter().map(|name| named(text, name));
                opened.clone().find(|opened| matches!(opened, Opened::Json(..))).unwrap_or_else(|| {
                    if opened.any(|opened| matches!(opened, Opened::NotYet)) { Opened::NotYet } else { Opened::No }
                })
            }
            Form::Tagged | Form::Listed => json_at(text, text, '['),
        }
    }

    /// Looks for another call behind one.
    fn behind(&mut self) -> bool {
        let (mark, rest) = (self.form.mark(), self.held.trim_start_matches(BETWEEN));
        let at = self.held.len() - rest.len();
        if self.form == Form::Bare && rest.starts_with('{') {
            self.skip(at);
            self.at = At::Opening;
        } else if self.form != Form::Bare && rest.starts_with(mark) {
            self.skip(at + mark.len());
            self.at = At::Opening;
        } else if rest.is_empty() || self.form != Form::Bare && mark.starts_with(rest) {
            return false;
        } else {
            self.at = At::Text;
        }
        true
    }

    fn skip(&mut self, bytes: usize) {
        let rest = self.held.split_off(bytes);
        self.skipped += &std::mem::replace(&mut self.held, rest);
    }

    /// What was passed over was text, and so is this.
    fn is_text(&mut self, this: &str) {
        self.skipped += this;
        self.at = At::Text;
    }

    /// The calls that JSON says, in the one form; none if it says something else. It is what the tool is called with, if that is
    /// known.
    fn calls(&self, name: Option<String>, json: &str) -> Option<String> {
        let calls: Vec<Written> = match (self.form, name) {
            (_, Some(name)) => vec![Written { name, arguments: Some(serde_json::from_str(json).ok()?) }],
            (Form::Listed, None) => serde_json::from_str(json).ok()?,
            (_, None) => vec![serde_json::from_str(json).ok()?],
        };
        let one = |Written { name, arguments }: Written| {
            let arguments = arguments.as_ref().map_or("{}", |arguments| arguments.get());
            let good = self.names.contains(&name) && arguments.starts_with('{');
            // In JSON that can only stand in a text, where it can be written otherwise.
            let arguments = arguments.replace("</tool_call>", "\\u003c/tool_call>");
            let name = Value::from(name);
            good.then(|| format!("<tool_call>\n{{\"name\": {name}, \"arguments\": {arguments}}}\n</tool_call>"))
        };
        let calls: Vec<String> = calls.into_iter().map(one).collect::<Option<_>>()?;
        (!calls.is_empty()).then(|| calls.join("\n"))
    }
}

/// What is left of a text behind the first of these marks that it begins with, or all of it; none if it may still begin with one.
fn begins<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    if let Some(rest) = marks.iter().find_map(|mark| text.strip_prefix(mark)) {
        return Some(rest.trim_start());
    }
    (!marks.iter().any(|mark| mark.starts_with(text))).then_some(text)
}

/// Whether the last part of a text is JSON that begins so.
fn json_at(text: &str, json: &str, open: char) -> Opened {
    match json.chars().next() {
        None => Opened::NotYet,
        Some(first) if first == open => Opened::Json(None, text.len() - json.len()),
        Some(_) => Opened::No,
    }
}

/// Whether a text is a tool's name, perhaps an id, and then arguments.
fn named(text: &str, name: &str) -> Opened {
    let Some(rest) = text.strip_prefix(name) else {
        return if name.starts_with(text) { Opened::NotYet } else { Opened::No };
    };
    let Some(mut rest) = begins(rest, &[ARGUMENTS_MARK, ID_MARK]) else { return Opened::NotYet };
    if text[..text.len() - rest.len()].trim_end().ends_with(ID_MARK) {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric());
        match begins(rest, &[ARGUMENTS_MARK]) {
            Some(behind) => rest = behind,
            None => return Opened::NotYet,
        }
    }
    match json_at(text, rest, '{') {
        Opened::Json(_, at) => Opened::Json(Some(name.to_owned()), at),
        other => other,
    }
}

/// Bytes at the end of a text that begin a mark.
fn begun(text: &str, mark: &str) -> usize {
    let longest = text.len().min(mark.len() - 1);
    (1..=longest).rev().find(|n| text.ends_with(&mark[..*n])).unwrap_or(0)
}

impl Scan {
    /// Where the JSON ends that a text begins with; none if it does not yet. What was seen is not looked at again.
    fn end(&mut self, text: &str) -> Option<usize> {
        for byte in text.bytes().skip(self.at) {
            self.at += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'{' | b'[' if !self.in_text => self.depth += 1,
                b'}' | b']' if !self.in_text => {
                    self.depth = self.depth.saturating_sub(1);
                    match self.depth {
                        0 => return Some(self.at),
                        1 => self.element = self.at,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of an answer that comes in pieces of so many letters.
    fn read(form: Form, text: &str, at_once: usize) -> String {
        let mut reader = Reader::new(form, ["look", "wait", "wait_long"].map(String::from).to_vec());
        let letters: Vec<char> = text.chars().collect();
        let pieces = letters.chunks(at_once).map(|piece| piece.iter().collect::<String>());
        let mut shown: String = pieces.map(|piece| reader.push(&piece)).collect();
        shown += &reader.flush();
        shown
    }

    fn call(name: &str, arguments: &str) -> String {
        format!("<tool_call>\n{{\"name\": \"{name}\", \"arguments\": {arguments}}}\n</tool_call>")
    }

    #[test]
    fn calls_are_read_from_every_form_however_they_come() {
        let at = r#"{"at": 1.50, "는": "a}\"] 가"}"#;
        let both = format!("{}\n{}", call("look", at), call("wait", "{}"));
        let twice = format!("{0}\n{0}", call("wait", "{}"));
        for (form, text, shown) in [
            (Form::Bare, format!(r#"{{"name": "look", "parameters": {at}}}"#), call("look", at)),
            (Form::Bare, format!("\n<|python_tag|>{{\"name\": \"look\", \"parameters\": {at}}}\n"), call("look", at)),
            (Form::Bare, format!(r#"{{"name": "look", "arguments": {at}}}; {{"name": "wait"}}"#), both.clone()),
            (Form::Listed, format!(r#"[TOOL_CALLS] [{{"name": "look", "arguments": {at}}}]"#), call("look", at)),
            (
                Form::Listed,
                format!(
                    r#"So. [TOOL_CALLS][{{"name": "look", "arguments": {at}, "id": "abcdefghi"}}, {{"name": "wait"}}]"#
                ),
                format!("So. {both}"),
            ),
            (
                Form::Listed,
                r#"[TOOL_CALLS] [{"name": "wait", "arguments": {}}, {"name": "look", "ar"#.into(),
                format!("{}, {{\"name\": \"look\", \"ar", call("wait", "{}")),
            ),
            (
                Form::Listed,
                r#"[TOOL_CALLS][{"name": "look", "arguments": {"a": "</tool_call>"}}]"#.into(),
                call("look", r#"{"a": "\u003c/tool_call>"}"#),
            ),
            (Form::Listed, r#"[TOOL_CALLS] [{"name": "wait"}] [TOOL_CALLS] [{"name": "wait"}]"#.into(), twice),
            (Form::Named, format!("[TOOL_CALLS]look[ARGS]{at}"), call("look", at)),
            (Form::Named, format!("So. [TOOL_CALLS]look[ARGS]{at}[TOOL_CALLS]wait[ARGS]{{}}"), format!("So. {both}")),
            (
                Form::Named,
                format!("[TOOL_CALLS]look[CALL_ID]abcDEF012[ARGS]{at}\n[TOOL_CALLS]wait[CALL_ID]0[ARGS] {{}}\n"),
                both,
            ),
            (Form::Named, format!("[TOOL_CALLS]look{at}"), call("look", at)),
            (Form::Named, r#"[TOOL_CALLS]wait_long[ARGS]{"at": [1]}"#.into(), call("wait_long", r#"{"at": [1]}"#)),
            (
                Form::Named,
                r#"[TOOL_CALLS]wait[ARGS]{}[TOOL_CALLS]look[ARGS]{"at"#.into(),
                format!("{}[TOOL_CALLS]look[ARGS]{{\"at", call("wait", "{}")),
            ),
            (Form::Named, "[TOOL_CALLS]wait[ARGS]{} so".into(), format!("{} so", call("wait", "{}"))),
        ] {
            for at_once in [1, 2, 3, 7, 1_000] {
                assert_eq!(read(form, &text, at_once), shown, "{form:?}, {at_once} at once: {text}");
            }
        }
    }

    #[test]
    fn what_is_no_call_stays_as_it_was_written() {
        for (form, text) in [
            (Form::Bare, "It is {\"name\": \"look\", \"parameters\": {}}."),
            (Form::Bare, " {\"name\": \"run\", \"parameters\": {}} and so on"),
            (Form::Bare, "{\"name\": \"look\", \"parameters\": [1]}"),
            (Form::Bare, "<|python_tag|>print(1)"),
            (Form::Bare, "<|python"),
            (Form::Bare, "{\"answer\": {\"deep\": [1, 2]}}\n"),
            (Form::Bare, "{\"name\": \"look\", \"parameters\": {\"cut"),
            (Form::Bare, ""),
            (Form::Listed, "two  spaces \n\n and [TOOL"),
            (Form::Listed, "[TOOL_CALLS]"),
            (Form::Listed, "a [TOOL_CALLS] b [TOOL_CALLS]"),
            (Form::Listed, "[TOOL_CALLS] [{\"name\": \"run\", \"arguments\": {}}] c"),
            (Form::Listed, "[TOOL_CALLS] [] d"),
            (Form::Listed, "[TOOL_CALLS] [{\"name\": \"look\""),
            (Form::Named, "[TOOL_CALLS]"),
            (Form::Named, "[TOOL_CALLS]run[ARGS]{}"),
            (Form::Named, "[TOOL_CALLS]wait_[ARGS]{} and [TOOL_CALLS]look up"),
            (Form::Named, "[TOOL_CALLS]look[ARGS][1]"),
            (Form::Named, "[TOOL_CALLS]look[CALL_ID]a b[ARGS]{}"),
            (Form::Named, "[TOOL_CALLS]look[ARGS]{\"cut"),
            (Form::Named, "[TOOL_CALLS]look[AR"),
        ] {
            for at_once in [1, 2, 5, 1_000] {
                assert_eq!(read(form, text, at_once), text, "{form:?}, {at_once} at once");
            }
        }
    }
}
