//! From Anthropic's request to the inner one, and what is refused on the way.

use super::*;

fn read(body: &Value) -> Result<ChatRequest, String> {
    let mut whole = json!({ "model": "m", "max_tokens": 5, "messages": [{ "role": "user", "content": "hi" }] });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let request = serde_json::from_value(whole).map_err(|error| format!("body: {error}"))?;
    inner(request).map_err(|problem| super::super::shape::named(&problem.detail))
}

fn roles_and_texts(request: &ChatRequest) -> Vec<(&str, &str)> {
    let text = |message: &openai::Message| match &message.content {
        Some(openai::Content::Text(text)) => text.clone().leak() as &str,
        _ => "",
    };
    request.messages.iter().map(|message| (message.role.as_str(), text(message))).collect()
}

#[test]
fn blocks_become_messages() {
    let request = read(&json!({
        "system": [{ "type": "text", "text": "be", "cache_control": { "type": "ephemeral" } }, { "type": "text", "text": "brief" }],
        "stop_sequences": ["a", "b"],
        "messages": [
            { "role": "user", "content": [{ "type": "text", "text": "one" }, { "type": "text", "text": "two" }] },
            { "role": "assistant", "content": [
                { "type": "text", "text": "let me look" },
                { "type": "tool_use", "id": "t1", "name": "look", "input": { "at": 1 } }] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "seen" }] },
                { "type": "text", "text": "so?" }] },
        ],
        "tools": [{ "name": "look", "description": "looks", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "tool", "name": "look", "disable_parallel_tool_use": true },
    }));
    let request = request.unwrap();
    let expected = [
        ("system", "be\nbrief"),
        ("user", "one\ntwo"),
        ("assistant", "let me look"),
        ("tool", "seen"),
        ("user", "so?"),
    ];
    assert_eq!(roles_and_texts(&request), expected);
    assert_eq!(request.messages[2].tool_calls.as_ref().unwrap()[0]["function"]["arguments"], "{\"at\":1}");
    assert_eq!(request.messages[3].tool_call_id.as_deref(), Some("t1"));
    assert_eq!(
        (request.tool_choice.unwrap()["function"]["name"].as_str(), request.parallel_tool_calls),
        (Some("look"), Some(false))
    );
    assert_eq!(request.tools.unwrap()[0]["function"]["parameters"]["type"], "object");
    assert_eq!(request.stop.unwrap().texts(), ["a", "b"]);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let image = json!([{ "role": "user", "content": [{ "type": "image", "source": {} }] }]);
    for (body, expected) in [
        (json!({ "thinking": { "type": "enabled", "budget_tokens": 9 } }), "thinking: "),
        (json!({ "tool_choice": { "type": "some" } }), "tool_choice: "),
        (json!({ "tool_choice": { "type": "tool" } }), "tool_choice: "),
        (json!({ "tools": [{ "type": "bash_20250124", "name": "bash" }] }), "tools: "),
        (json!({ "messages": image }), "messages: "),
        (json!({ "system": [{ "type": "image" }] }), "system: "),
        (json!({ "messages": [{ "role": "system", "content": "x" }] }), "messages: a role"),
        (json!({ "messages": [{ "role": "assistant", "content": "I think" }] }), "messages: an answer"),
        (json!({ "messages": [{ "role": "user", "content": [{ "type": "text" }] }] }), "messages: "),
        (json!({ "messages": [{ "role": "user", "content": 5 }] }), "body: "),
    ] {
        let refused = read(&body).unwrap_err();
        assert!(refused.starts_with(expected), "{body}: {refused}");
    }
    assert!(read(&json!({ "thinking": { "type": "disabled" }, "tool_choice": { "type": "none" } })).is_ok());
}
