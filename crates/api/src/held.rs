//! What a request asks of an answer's form: JSON that a schema allows, and calls of tools. Gateway and provider read it here, so
//! that both understand the same.
//!
//! Between provider and gateway a call is text, whatever the model writes in the form in which models of Qwen's and Hermes'
//! make do: `<tool_call>`, a line with `{"name": …, "arguments": {…}}`, and `</tool_call>`. So the receipt's digest covers it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::openai::ChatRequest;

/// Begins a call in an answer's text.
pub const CALL_BEGINS: &str = "<tool_call>";
/// Ends it.
pub const CALL_ENDS: &str = "</tool_call>";
/// Tools of one request.
const TOOLS_MAX: usize = 128;
/// Bytes of a function's name, and of a schema's.
const NAME_BYTES_MAX: usize = 64;

/// What cannot be understood of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotUnderstood {
    /// Where it is.
    pub field: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

/// What an answer is to be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// What the text must be JSON of.
    pub schema: Option<Value>,
    /// What may be called; nothing if no call is wanted.
    pub tools: Vec<Function>,
    /// Whether something must be.
    pub choice: Choice,
    /// True if there may be more than one call.
    pub many: bool,
}

/// A function that the model may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The schema of its arguments; without one there are none.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// The arguments must keep to the schema.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// Whether something must be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// Nothing may be.
    None,
    /// As the model likes.
    #[default]
    Auto,
    /// Something must be.
    Required,
    /// This must be.
    Named(String),
}

impl Held {
    /// Reads it.
    ///
    /// # Errors
    /// [`NotUnderstood`]: nothing is passed over.
    pub fn of(request: &ChatRequest) -> Result<Self, NotUnderstood> {
        let schema = request.response_format.as_ref().map(schema).transpose()?.flatten();
        let choice = request.tool_choice.as_ref().map_or(Ok(Choice::Auto), choice)?;
        let all = request.tools.as_ref().map_or(Ok(Vec::new()), functions)?;
        let many = request.parallel_tool_calls != Some(false);
        let known = |name: &str| all.iter().any(|function| function.name == name);
        match &choice {
            Choice::Named(name) if !known(name) => Err(NotUnderstood {
                field: "tool_choice",
                message: "the tool that must be called is not among tools".into(),
            }),
            Choice::Required if all.is_empty() => Err(NotUnderstood {
                field: "tool_choice",
                message: "there are no tools of which one could be called".into(),
            }),
            Choice::None => Ok(Self { schema, tools: Vec::new(), choice, many }),
            _ => Ok(Self { schema, tools: all, choice, many }),
        }
    }
}

/// The schema of a `response_format`; none for text.
fn schema(format: &Value) -> Result<Option<Value>, NotUnderstood> {
    let wrong = |message: &str| NotUnderstood { field: "response_format", message: message.into() };
    let any = || json!({ "type": "object" });
    if format.is_null() {
        return Ok(None);
    }
    match format["type"].as_str() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(any())),
        Some("json_schema") => {
            let named = &format["json_schema"];
            if !named["name"].as_str().is_some_and(is_name) {
                return Err(wrong("json_schema needs a name of 1 to 64 letters, digits, _ and -"));
            }
            match &named["schema"] {
                Value::Null => Ok(Some(any())),
                schema @ Value::Object(_) => Ok(Some(schema.clone())),
                _ => Err(wrong("a schema is an object")),
            }
        }
        _ => Err(wrong("its type is text, json_object or json_schema")),
    }
}

fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(good)
}

fn functions(tools: &Value) -> Result<Vec<Function>, NotUnderstood> {
    let wrong = |message: String| NotUnderstood { field: "tools", message };
    let tools = match tools {
        Value::Null => return Ok(Vec::new()),
        Value::Array(tools) if tools.len() <= TOOLS_MAX => tools,
        _ => return Err(wrong(format!("tools are a list of at most {TOOLS_MAX}"))),
    };
    let function = |tool: &Value| {
        if tool["type"] != "function" {
            return Err(wrong("no tool is run here; only functions of your own can be named".into()));
        }
        let function = Function::deserialize(&tool["function"])
            .map_err(|error| wrong(format!("a tool's function cannot be read: {error}")))?;
        if !is_name(&function.name) {
            return Err(wrong("a function has a name of 1 to 64 letters, digits, _ and -".into()));
        }
        match &function.parameters {
            None | Some(Value::Object(_) | Value::Null) => Ok(function),
            Some(_) => Err(wrong(format!("the parameters of {} are no object", function.name))),
        }
    };
    tools.iter().map(function).collect()
}

fn choice(choice: &Value) -> Result<Choice, NotUnderstood> {
    match (choice.as_str(), &choice["function"]["name"]) {
        _ if choice.is_null() => Ok(Choice::Auto),
        (Some("auto"), _) => Ok(Choice::Auto),
        (Some("none"), _) => Ok(Choice::None),
        (Some("required"), _) => Ok(Choice::Required),
        (None, Value::String(name)) if choice["type"] == "function" => Ok(Choice::Named(name.clone())),
        _ => {
            let message =
                r#"it is "none", "auto", "required", or a function: {"type": "function", "function": {"name": …}}"#;
            Err(NotUnderstood { field: "tool_choice", message: message.into() })
        }
    }
}

/// A call as it is written into an answer's text. `arguments` is JSON.
pub fn written(name: &str, arguments: &str) -> String {
    format!("{CALL_BEGINS}\n{{\"name\": {}, \"arguments\": {arguments}}}\n{CALL_ENDS}", Value::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &Value) -> Result<Held, NotUnderstood> {
        let mut whole = json!({ "model": "m", "messages": [] });
        whole.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        Held::of(&serde_json::from_value(whole).unwrap())
    }

    fn tools() -> Value {
        json!([{ "type": "function", "function": { "name": "look", "description": "looks" } },
               { "type": "function", "function": { "name": "wait", "parameters": { "type": "object" }, "strict": true } }])
    }

    #[test]
    fn what_is_asked_is_understood() {
        assert_eq!(read(&json!({})).unwrap(), Held { many: true, ..Held::default() });
        for (format, schema) in [
            (json!({ "type": "text" }), None),
            (json!(null), None),
            (json!({ "type": "json_object" }), Some(json!({ "type": "object" }))),
            (json!({ "type": "json_schema", "json_schema": { "name": "a" } }), Some(json!({ "type": "object" }))),
            (
                json!({ "type": "json_schema", "json_schema": { "name": "a", "schema": { "type": "array" }, "strict": true } }),
                Some(json!({ "type": "array" })),
            ),
        ] {
            assert_eq!(read(&json!({ "response_format": format })).unwrap().schema, schema);
        }
        for (asked, choice) in [
            (json!("auto"), Choice::Auto),
            (json!("required"), Choice::Required),
            (json!({ "type": "function", "function": { "name": "wait" } }), Choice::Named("wait".into())),
        ] {
            let held = read(&json!({ "tools": tools(), "tool_choice": asked, "parallel_tool_calls": false })).unwrap();
            assert_eq!((held.choice, held.tools.len(), held.many), (choice, 2, false));
        }
        assert!(read(&json!({ "tools": tools(), "tool_choice": "none" })).unwrap().tools.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (request, field) in [
            (json!({ "response_format": { "type": "xml" } }), "response_format"),
            (json!({ "response_format": "json_object" }), "response_format"),
            (json!({ "response_format": { "type": "json_schema" } }), "response_format"),
            (
                json!({ "response_format": { "type": "json_schema", "json_schema": { "name": "a", "schema": 5 } } }),
                "response_format",
            ),
            (json!({ "tools": {} }), "tools"),
            (json!({ "tools": [{ "type": "web_search" }] }), "tools"),
            (json!({ "tools": [{ "type": "function", "function": { "name": "a b" } }] }), "tools"),
            (json!({ "tools": [{ "type": "function", "function": { "name": "a", "parameters": [] } }] }), "tools"),
            (json!({ "tool_choice": "required" }), "tool_choice"),
            (json!({ "tool_choice": "sometimes", "tools": tools() }), "tool_choice"),
            (
                json!({ "tool_choice": { "type": "function", "function": { "name": "run" } }, "tools": tools() }),
                "tool_choice",
            ),
        ] {
            assert_eq!(read(&request).unwrap_err().field, field, "{request}");
        }
    }
}
