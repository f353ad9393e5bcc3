//! What a worker holds an answer to, for a request.

use api::{
    exchange::{Refused, RefusedCode},
    held::{Choice, Function, Held},
    openai::ChatRequest,
};
use engine::{Fault, Hold, Instead, Tool};
use serde_json::{Value, json};

use crate::error::refused;

/// Reads it. Where the model may call what it likes as it likes, its answer is not held to anything.
pub fn of(request: &ChatRequest) -> Result<Option<Hold>, Refused> {
    let held = Held::of(request).map_err(|error| Refused {
        field: Some(error.field.to_owned()),
        ..refused(RefusedCode::Malformed, error.message)
    })?;
    let schema = held.schema.map(|schema| schema.to_string());
    if held.tools.is_empty() {
        return Ok(schema.map(Hold::Schema));
    }
    let strict = held.tools.iter().any(|function| function.strict == Some(true));
    let must = !matches!(held.choice, Choice::Auto);
    if !must && !strict && held.many && schema.is_none() {
        return Ok(None);
    }
    let instead = match schema {
        _ if must => Instead::Nothing,
        Some(schema) => Instead::Schema(schema),
        None => Instead::Text,
    };
    let (tools, many) = match held.choice {
        Choice::Named(name) => (held.tools.iter().filter(|function| function.name == name).map(tool).collect(), false),
        _ => (held.tools.iter().map(tool).collect(), held.many),
    };
    Ok(Some(Hold::Calls { tools, instead, many }))
}

fn tool(function: &Function) -> Tool {
    let parameters = function.parameters.as_ref().filter(|parameters| !parameters.is_null());
    let nothing = || json!({ "type": "object", "properties": {}, "additionalProperties": false });
    Tool {
        name: function.name.clone(),
        parameters: parameters.cloned().unwrap_or_else(nothing).to_string(),
        strict: function.strict == Some(true),
    }
}

/// The names of the request's functions, in its order.
pub fn names(request: &ChatRequest) -> Vec<String> {
    let tools = request.tools.iter().filter_map(Value::as_array).flatten();
    tools.map(|tool| tool["function"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The field of the request that is at fault; none if it is what is to be answered.
pub fn field(fault: &Fault, tools: &[String]) -> Option<String> {
    Some(match fault {
        Fault::Prompt => return None,
        Fault::Schema => "response_format.json_schema.schema".into(),
        Fault::Tools => "tools".into(),
        Fault::Tool(name) => match tools.iter().position(|tool| tool == name) {
            Some(at) => format!("tools[{at}].function.parameters"),
            None => "tools".into(),
        },
    })
}

/// True if the model is not told of the tools.
pub fn calls_nothing(request: &ChatRequest) -> bool {
    request.tool_choice.as_ref().and_then(Value::as_str) == Some("none")
}
