//! How models write calls of tools. A model's chat template tells it how, and by that its form is recognized; each has a grammar
//! of what may be drawn, and is read into the one form in which answers leave the worker: `<tool_call>`, a line with
//! `{"name": …, "arguments": {…}}`, and `</tool_call>`.

use llama_cpp_2::model::LlamaModel;
use serde_json::{Value, json};

use super::{grammar::schema, reader::Reader};
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
    /// Of Mistral's later ones, `[TOOL_CALLS]name[ARGS]{…}` for each call. Those with tokenizers of version 11 write `[CALL_ID]`
    /// and nine letters or digits behind the name (`InstructTokenizerV11` and `V13` of mistral-common).
    Named,
}

/// What a template must have in it, and the form that it is of then. The first that fits counts.
const FORMS: &[(&[&str], Form)] = &[
    (&["tools", "<tool_call>"], Form::Tagged),
    (&["tools", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", ARGUMENTS_MARK], Form::Named),
    (&["tools", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]"], Form::Listed),
    (&["tools", "{\"name\": function name, \"parameters\": "], Form::Bare),
];

/// Of the named form: what stands before a call's arguments, and what may stand before its id.
pub const ARGUMENTS_MARK: &str = "[ARGS]";
pub const ID_MARK: &str = "[CALL_ID]";

/// The form of a model's calls, and of each of the form's marks the token that it is, if it is no text in the model's vocabulary.
#[derive(Debug, Clone, Copy)]
pub struct Calling {
    pub form: Form,
    pub marks: [Option<i32>; 3],
}

impl Form {
    /// The form that a chat template tells of.
    pub fn of(template: &str) -> Option<Self> {
        let fits = |(all, _): &&(&[&str], Self)| all.iter().all(|word| template.contains(word));
        FORMS.iter().find(fits).map(|(_, form)| *form)
    }

    /// What stands, or may stand, before calls, and then what stands within them.
    const fn marks(self) -> &'static [&'static str] {
        match self {
            Self::Tagged => &["<tool_call>"],
            Self::Bare => &["<|python_tag|>"],
            Self::Listed => &["[TOOL_CALLS]"],
            Self::Named => &["[TOOL_CALLS]", ARGUMENTS_MARK, ID_MARK],
        }
    }

    /// What stands, or may stand, before calls.
    pub const fn mark(self) -> &'static str {
        self.marks()[0]
    }

    /// True if the templates of models with this form refuse ids of calls that have not nine letters or digits.
    pub const fn has_short_ids(self) -> bool {
        matches!(self, Self::Listed | Self::Named)
    }
}

impl Calling {
    /// Where nothing is known of a model.
    pub const USUAL: Self = Self { form: Form::Tagged, marks: [None; 3] };

    /// That of a model.
    pub fn of(model: &LlamaModel) -> Option<Self> {
        let form = Form::of(&model.meta_val_str("tokenizer.chat_template").ok()?)?;
        let vocabulary = model.vocab();
        let mut marks = [None; 3];
        for (mark, token) in form.marks().iter().zip(&mut marks) {
            *token = match vocabulary.tokenize(mark.as_bytes(), false, true)[..] {
                [token] if vocabulary.token_to_piece(token, false, None).is_empty() => Some(token.0),
                _ => None,
            };
        }
        Some(Self { form, marks })
    }

    /// The text of a token that has none of its own and is a mark.
    pub fn text(self, token: i32) -> Option<&'static str> {
        let at = self.marks.iter().position(|mark| *mark == Some(token))?;
        self.form.marks().get(at).copied()
    }

    /// Reads an answer to a request with tools of these names. None if it needs no reading.
    pub fn reader(self, names: Vec<String>) -> Option<Reader> {
        (self.form != Form::Tagged).then(|| Reader::new(self.form, names))
    }

    /// What may be written, in llguidance's form of Lark.
    pub fn lark(self, tools: &[Tool], instead: &Instead, many: bool) -> Result<String, String> {
        let mut lark = String::new();
        let mut names = Vec::new();
        for (at, tool) in tools.iter().enumerate() {
            lark += &self.lark_of(tool, at)?;
            names.push(format!("tool_{at}"));
        }
        if names.is_empty() {
            return Err("there is no tool to call".into());
        }
        lark += &format!("tool: {}\n", names.join(" | "));
        // A text ends lazily where the first call begins, so that from there on nothing else may be written.
        let (calls, text) = match self.form {
            Form::Tagged => {
                lark += "body: \"\\n\" tool \"\\n</tool_call>\"\ncall: \"<tool_call>\" body\n";
                let more = if many { "(\"\\n\" call)*" } else { "" };
                (
                    format!("call {more}"),
                    format!("TEXT | before body {more}\nbefore[suffix=\"<tool_call>\"]: /(.|\\n)*/\n{TEXT}"),
                )
            }
            // Its template has no more than one call at once.
            Form::Bare => ("tool".into(), "tool | TEXT\nTEXT: /([^{< \\n\\t](.|\\n)*)?/\n".into()),
            Form::Listed => {
                let more = if many { "(\",\" \" \"? tool)*" } else { "" };
                lark += &format!("list: \" \"? \"[\" tool {more} \"]\"\n");
                self.marked("list")
            }
            Form::Named => {
                let more = if many { format!("({} tool)*", self.drawn(0)) } else { String::new() };
                lark += &format!("id: {} /[a-zA-Z0-9]{{9}}/\nlist: tool {more}\n", self.drawn(2));
                self.marked("list")
            }
        };
        lark += &match instead {
            Instead::Nothing => format!("start: {calls}\n"),
            Instead::Schema(text) => format!("start: {calls} | %json {}\n", schema(text, true)?),
            Instead::Text => format!("start: {text}"),
        };
        Ok(lark)
    }

    /// The rules of one tool's calls.
    fn lark_of(self, tool: &Tool, at: usize) -> Result<String, String> {
        let arguments = schema(&tool.parameters, tool.strict)?;
        let member = match self.form {
            Form::Named => {
                let (name, mark) = (Value::from(tool.name.as_str()), self.drawn(1));
                return Ok(format!(
                    "arguments_{at}: %json {arguments}\ntool_{at}: {name} (id)? {mark} arguments_{at}\n"
                ));
            }
            Form::Bare => "parameters",
            Form::Tagged | Form::Listed => "arguments",
        };
        let call = json!({
            "type": "object",
            "properties": { "name": { "const": tool.name }, member: arguments },
            "required": ["name", member],
            "additionalProperties": false,
            "x-guidance": arguments["x-guidance"],
        });
        Ok(format!("tool_{at}: %json {call}\n"))
    }

    /// Calls by a rule behind the first mark, and text or those.
    fn marked(self, rule: &str) -> (String, String) {
        let mark = self.drawn(0);
        let text = match self.marks[0] {
            Some(_) => format!("TEXT | (TEXT)? {mark} {rule}\n{TEXT}"),
            None => format!("TEXT | before {rule}\nbefore[suffix={mark}]: /(.|\\n)*/\n{TEXT}"),
        };
        (format!("{mark} {rule}"), text)
    }

    /// How a mark stands in a grammar: as its token, or as text.
    fn drawn(self, at: usize) -> String {
        let text = || Value::from(self.form.marks()[at]).to_string();
        self.marks[at].map_or_else(text, |token| format!("<[{token}]>"))
    }
}

/// Any text.
const TEXT: &str = "TEXT: /(.|\\n)*/\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_tells_the_form() {
        for (template, form) in [
            ("{% for t in tools %}<tools>…<tool_call>", Some(Form::Tagged)),
            ("{% if tools %}[AVAILABLE_TOOLS]…[TOOL_CALLS][", Some(Form::Listed)),
            ("{% if tools %}[AVAILABLE_TOOLS]…[TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}", Some(Form::Named)),
            ("{% if tools %}Answer {\"name\": function name, \"parameters\": dictionary}", Some(Form::Bare)),
            ("<tool_call>", None),
            ("{{ messages }}", None),
        ] {
            assert_eq!(Form::of(template), form, "{template}");
        }
    }
}
