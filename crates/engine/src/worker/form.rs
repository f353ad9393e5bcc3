//! How models write calls of tools. A model's chat template tells it how, and by that its form is recognized; each has a grammar
//! of what may be drawn, and is read into the one form in which answers leave the worker: `<tool_call>`, a line with
//! `{"name": …, "arguments": {…}}`, and `</tool_call>`.

use llama_cpp_2::model::LlamaModel;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::grammar::schema;
use crate::{Instead, Tool};

/// A form of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Of Qwen's and Hermes' models: that in which answers leave.
    Tagged,
    /// Of Llama's from 3.1 on: the answer is `{"name": …, "parameters": {…}}`, perhaps after `<|python_tag|>`.
    Bare,
    /// Of Mistral's up to Nemo: `[TOOL_CALLS]` and a list of `{"name": …, "arguments": {…}}`.
    Listed,
}

/// What a template must have in it, of which it must have nothing, and the form that it is of then. The first that fits counts.
const FORMS: &[(&[&str], &[&str], Form)] = &[
    (&["tools", "<tool_call>"], &[], Form::Tagged),
    (&["tools", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]"], &["[ARGS]", "[CALL_ID]"], Form::Listed),
    (&["tools", "{\"name\": function name, \"parameters\": "], &[], Form::Bare),
];

/// The form of a model's calls, and the token that stands before them, if it is no text in the model's vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct Calling {
    pub form: Form,
    pub mark: Option<i32>,
}

impl Form {
    /// The form that a chat template tells of.
    pub fn of(template: &str) -> Option<Self> {
        let fits = |(all, none, _): &&(&[&str], &[&str], Self)| {
            all.iter().all(|word| template.contains(word)) && !none.iter().any(|word| template.contains(word))
        };
        FORMS.iter().find(fits).map(|(.., form)| *form)
    }

    /// What stands, or may stand, before calls.
    const fn mark(self) -> &'static str {
        match self {
            Self::Tagged => "<tool_call>",
            Self::Bare => "<|python_tag|>",
            Self::Listed => "[TOOL_CALLS]",
        }
    }

    /// A call's member with what the tool is called with.
    const fn arguments(self) -> &'static str {
        if matches!(self, Self::Bare) { "parameters" } else { "arguments" }
    }
}

impl Calling {
    /// Where nothing is known of a model.
    pub const USUAL: Self = Self { form: Form::Tagged, mark: None };

    /// That of a model.
    pub fn of(model: &LlamaModel) -> Option<Self> {
        let form = Form::of(&model.meta_val_str("tokenizer.chat_template").ok()?)?;
        let vocabulary = model.vocab();
        let mark = match vocabulary.tokenize(form.mark().as_bytes(), false, true)[..] {
            [token] if vocabulary.token_to_piece(token, false, None).is_empty() => Some(token.0),
            _ => None,
        };
        Some(Self { form, mark })
    }

    /// The text of a token that has none of its own and stands before calls.
    pub fn text(self, token: i32) -> Option<&'static str> {
        (self.mark == Some(token)).then_some(self.form.mark())
    }

    /// Reads an answer to a request with tools of these names. None if it needs no reading.
    pub fn reader(self, names: Vec<String>) -> Option<Reader> {
        let at = match self.form {
            Form::Tagged => return None,
            Form::Bare => At::Opening,
            Form::Listed => At::Text,
        };
        Some(Reader { form: self.form, names, held: String::new(), skipped: String::new(), at })
    }

    /// What may be written, in llguidance's form of Lark.
    pub fn lark(self, tools: &[Tool], instead: &Instead, many: bool) -> Result<String, String> {
        let mut lark = String::new();
        let mut names = Vec::new();
        for (at, tool) in tools.iter().enumerate() {
            let (arguments, member) = (schema(&tool.parameters, tool.strict)?, self.form.arguments());
            let call = json!({
                "type": "object",
                "properties": { "name": { "const": tool.name }, member: arguments },
                "required": ["name", member],
                "additionalProperties": false,
                "x-guidance": arguments["x-guidance"],
            });
            lark += &format!("tool_{at}: %json {call}\n");
            names.push(format!("tool_{at}"));
        }
        if names.is_empty() {
            return Err("there is no tool to call".into());
        }
        lark += &format!("tool: {}\n", names.join(" | "));
        // A text ends lazily where the first call begins, so that from there on nothing else may be written.
        let (calls, text) = match (self.form, self.mark) {
            (Form::Tagged, _) => {
                lark += "body: \"\\n\" tool \"\\n</tool_call>\"\ncall: \"<tool_call>\" body\n";
                let more = if many { "(\"\\n\" call)*" } else { "" };
                (
                    format!("call {more}"),
                    format!("TEXT | before body {more}\nbefore[suffix=\"<tool_call>\"]: /(.|\\n)*/\n{TEXT}"),
                )
            }
            // Its template has no more than one call at once.
            (Form::Bare, _) => ("tool".into(), "tool | TEXT\nTEXT: /([^{< \\n\\t](.|\\n)*)?/\n".into()),
            (Form::Listed, mark) => {
                let more = if many { "(\",\" \" \"? tool)*" } else { "" };
                lark += &format!("list: \" \"? \"[\" tool {more} \"]\"\n");
                match mark {
                    Some(token) => (format!("<[{token}]> list"), format!("TEXT | (TEXT)? <[{token}]> list\n{TEXT}")),
                    None => (
                        "\"[TOOL_CALLS]\" list".into(),
                        format!("TEXT | before list\nbefore[suffix=\"[TOOL_CALLS]\"]: /(.|\\n)*/\n{TEXT}"),
                    ),
                }
            }
        };
        lark += &match instead {
            Instead::Nothing => format!("start: {calls}\n"),
            Instead::Schema(text) => format!("start: {calls} | %json {}\n", schema(text, true)?),
            Instead::Text => format!("start: {text}"),
        };
        Ok(lark)
    }
}

/// What may stand between calls, and behind the last.
const BETWEEN: &[char] = &[';', ' ', '\n', '\r', '\t'];
/// Any text.
const TEXT: &str = "TEXT: /(.|\\n)*/\n";

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
}

/// Where in an answer.
#[derive(Debug)]
enum At {
    Text,
    /// Before the JSON of calls.
    Opening,
    Json(Scan),
    /// Behind a call that another may follow.
    Behind,
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
    /// Adds text. Gives what can be shown of it by now.
    pub fn push(&mut self, text: &str) -> String {
        self.held += text;
        let mut shown = String::new();
        while self.step(&mut shown) {}
        shown
    }

    /// What was held back, at the end: text, but for the whole calls of a list that was cut.
    pub fn flush(&mut self) -> String {
        if let At::Json(Scan { element: end @ 1.., .. }) = self.at
            && self.form == Form::Listed
            && let Some(calls) = self.calls(&format!("{}]", &self.held[..end]))
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
            At::Json(scan) => {
                let Some(end) = scan.end(&self.held) else { return false };
                let rest = self.held.split_off(end);
                let json = std::mem::replace(&mut self.held, rest);
                match self.calls(&json) {
                    Some(calls) => {
                        self.skipped.clear();
                        *shown += &calls;
                        self.at = At::Behind;
                    }
                    None => self.is_text(&json),
                }
                true
            }
            At::Behind => {
                let rest = self.held.trim_start_matches(BETWEEN);
                if rest.is_empty() {
                    return false;
                }
                let calls = self.form == Form::Bare && rest.starts_with('{');
                self.at = if calls { At::Opening } else { At::Text };
                if calls {
                    shown.push('\n');
                    self.skip(self.held.len() - rest.len());
                }
                true
            }
        }
    }

    /// Shows text up to where calls begin.
    fn text(&mut self, shown: &mut String) -> bool {
        *shown += &std::mem::take(&mut self.skipped);
        let mark = self.form.mark();
        match self.held.find(mark).filter(|_| self.form == Form::Listed) {
            Some(at) => {
                let rest = self.held.split_off(at);
                *shown += &std::mem::replace(&mut self.held, rest);
                self.skip(mark.len());
                self.at = At::Opening;
                true
            }
            None => {
                let kept = if self.form == Form::Listed { begun(&self.held, mark) } else { 0 };
                let rest = self.held.split_off(self.held.len() - kept);
                *shown += &std::mem::replace(&mut self.held, rest);
                false
            }
        }
    }

    /// Passes over what may stand before the JSON of calls.
    fn opening(&mut self) -> bool {
        let rest = self.held.trim_start();
        let (mark, open) = (self.form.mark(), if self.form == Form::Listed { '[' } else { '{' });
        if rest.is_empty() || self.form == Form::Bare && mark.starts_with(rest) && rest != mark {
            return false;
        }
        let at = self.held.len() - rest.len();
        if self.form == Form::Bare && rest.starts_with(mark) {
            self.skip(at + mark.len());
        } else if rest.starts_with(open) {
            self.skip(at);
            self.at = At::Json(Scan::default());
        } else {
            self.is_text("");
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

    /// The calls that JSON says, in the one form; none if it says something else.
    fn calls(&self, json: &str) -> Option<String> {
        let calls: Vec<Written> = match self.form {
            Form::Listed => serde_json::from_str(json).ok()?,
            _ => vec![serde_json::from_str(json).ok()?],
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
        let mut reader = Calling { form, mark: None }.reader(vec!["look".into(), "wait".into()]).unwrap();
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
        ] {
            for at_once in [1, 2, 5, 1_000] {
                assert_eq!(read(form, text, at_once), text, "{form:?}, {at_once} at once");
            }
        }
    }

    #[test]
    fn a_template_tells_the_form() {
        for (template, form) in [
            ("{% for t in tools %}<tools>…<tool_call>", Some(Form::Tagged)),
            ("{% if tools %}[AVAILABLE_TOOLS]…[TOOL_CALLS][", Some(Form::Listed)),
            ("{% if tools %}[AVAILABLE_TOOLS]…[TOOL_CALLS]{{ name }}[ARGS]", None),
            ("{% if tools %}Answer {\"name\": function name, \"parameters\": dictionary}", Some(Form::Bare)),
            ("<tool_call>", None),
            ("{{ messages }}", None),
        ] {
            assert_eq!(Form::of(template), form, "{template}");
        }
    }
}
