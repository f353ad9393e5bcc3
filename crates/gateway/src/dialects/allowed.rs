//! `tool_choice` of OpenAI's type `allowed_tools`: of the tools only some, as if no others were there, and whether one must be
//! called. Written out here, so that nobody further in has to know of it.

use api::openai::ChatRequest;
use serde_json::Value;

use crate::error::Problem;

/// The same request with the allowed tools alone. In chat completions the choice's members are below `allowed_tools`, in
/// responses beside the type; each tool has its name as the others of that API have it.
pub fn only_allowed(mut request: ChatRequest) -> Result<ChatRequest, Problem> {
    let choice = request.tool_choice.as_ref().filter(|choice| choice["type"] == "allowed_tools");
    let Some(choice) = choice else { return Ok(request) };
    let wrong = |message: String| Problem::field("tool_choice", message);
    let allowed = choice.get("allowed_tools").unwrap_or(choice);
    let mode = allowed["mode"].as_str().filter(|mode| matches!(*mode, "auto" | "required"));
    let mode = mode.ok_or_else(|| wrong("the mode of allowed_tools is \"auto\" or \"required\"".into()))?;
    let name = |tool: &Value| {
        let name = tool["function"]["name"].as_str().or(tool["name"].as_str());
        name.map(str::to_owned).ok_or_else(|| wrong("only functions, by their names, can be allowed".into()))
    };
    let names = allowed["tools"].as_array().map(|tools| tools.iter().map(name).collect::<Result<Vec<_>, _>>());
    let names = names.ok_or_else(|| wrong("allowed_tools has a list of tools".into()))??;
    let mut tools = request.tools.take().and_then(|tools| tools.as_array().cloned()).unwrap_or_default();
    let named = |tool: &Value, name: &String| tool["function"]["name"] == name.as_str();
    if let Some(unknown) = names.iter().find(|name| !tools.iter().any(|tool| named(tool, name))) {
        return Err(wrong(format!(
            "the allowed tool {:?} is not among tools",
            unknown.chars().take(100).collect::<String>()
        )));
    }
    tools.retain(|tool| names.iter().any(|name| named(tool, name)));
    request.tool_choice = Some(mode.into());
    request.tools = Some(tools.into());
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asked(choice: &Value) -> ChatRequest {
        let tool = |name| json!({ "type": "function", "function": { "name": name } });
        let tools = json!([tool("look"), tool("wait"), tool("run")]);
        ChatRequest { tools: Some(tools), tool_choice: Some(choice.clone()), ..ChatRequest::default() }
    }

    #[test]
    fn only_what_is_allowed_is_left() {
        let chats = json!({ "mode": "required", "tools": [{ "type": "function", "function": { "name": "run" } },
            { "type": "function", "function": { "name": "look" } }] });
        let responses =
            json!({ "type": "allowed_tools", "mode": "auto", "tools": [{ "type": "function", "name": "wait" }] });
        for (choice, mode, left) in [
            (json!({ "type": "allowed_tools", "allowed_tools": chats }), "required", vec!["look", "run"]),
            (responses, "auto", vec!["wait"]),
        ] {
            let request = only_allowed(asked(&choice)).unwrap();
            let tools = request.tools.unwrap();
            let names: Vec<_> =
                tools.as_array().unwrap().iter().map(|tool| tool["function"]["name"].as_str().unwrap()).collect();
            assert_eq!((request.tool_choice, names), (Some(json!(mode)), left));
        }
        let same = only_allowed(asked(&json!("auto"))).unwrap();
        assert_eq!(same.tools.unwrap().as_array().unwrap().len(), 3);
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        for (choice, said) in [
            (json!({ "type": "allowed_tools" }), "mode"),
            (json!({ "type": "allowed_tools", "mode": "none", "tools": [] }), "mode"),
            (json!({ "type": "allowed_tools", "mode": "auto" }), "list"),
            (json!({ "type": "allowed_tools", "mode": "auto", "tools": [{ "type": "web_search" }] }), "functions"),
            (json!({ "type": "allowed_tools", "mode": "auto", "tools": [{ "name": "fly" }] }), "\"fly\" is not among"),
        ] {
            let problem = only_allowed(asked(&choice)).unwrap_err();
            assert_eq!(problem.detail.param.as_deref(), Some("tool_choice"));
            assert!(problem.detail.message.contains(said), "{}", problem.detail.message);
        }
    }
}
