//! From Ollama's requests to the inner one, and what is refused on the way.

use super::*;

fn chat_of(body: Value) -> Result<openai::ChatRequest, String> {
    let request = serde_json::from_value(body).map_err(|error| format!("body: {error}"))?;
    of_chat(request).map_err(|problem| super::super::shape::named(&problem.detail))
}

fn generate_of(body: Value) -> Result<openai::ChatRequest, String> {
    let request = serde_json::from_value(body).map_err(|error| format!("body: {error}"))?;
    of_generate(request).map_err(|problem| super::super::shape::named(&problem.detail))
}

#[test]
fn options_become_the_inner_requests_fields() {
    let options =
        json!({ "num_predict": 9, "temperature": 0.5, "seed": 7, "stop": ["x"], "num_ctx": 4096, "mirostat": 1 });
    let request =
        chat_of(json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }], "options": options }));
    let request = request.unwrap();
    assert_eq!((request.max_tokens, request.temperature, request.seed), (Some(9), Some(0.5), Some(7)));
    assert_eq!(request.stop.unwrap().texts(), ["x"]);
    let endless = json!({ "model": "m", "prompt": "a", "options": { "num_predict": -1, "stop": [] } });
    let endless = generate_of(endless).unwrap();
    assert!(endless.max_tokens.is_none() && endless.stop.is_none());
}

#[test]
fn a_prompt_is_a_conversation_unless_it_is_raw() {
    let said = generate_of(json!({ "model": "m", "prompt": "hi", "system": "be brief" })).unwrap();
    let roles: Vec<_> = said.messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!((roles, said.prompt), (vec!["system", "user"], None));
    let raw = generate_of(json!({ "model": "m", "prompt": "hi", "system": "ignored", "raw": true })).unwrap();
    assert_eq!((raw.messages.len(), raw.prompt), (0, Some(Prompt::Text("hi".into()))));
    let nothing = generate_of(json!({ "model": "m" })).unwrap();
    assert!(nothing.messages.is_empty() && nothing.prompt.is_none());
}

#[test]
fn calls_of_tools_have_text_as_their_arguments() {
    let call = json!({ "function": { "name": "look", "arguments": { "at": 1 } } });
    let request =
        chat_of(json!({ "model": "m", "messages": [{ "role": "assistant", "tool_calls": [call] }] })).unwrap();
    assert_eq!(request.messages[0].tool_calls.as_ref().unwrap()[0]["function"]["arguments"], "{\"at\":1}");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let message = |more: Value| {
        let mut message = json!({ "role": "user", "content": "x" });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "model": "m", "messages": [message] })
    };
    assert!(chat_of(message(json!({ "images": ["AA=="] }))).unwrap_err().starts_with("images: "));
    assert!(chat_of(message(json!({ "images": [] }))).is_ok());
    for (more, expected) in [
        (json!({ "format": "xml" }), "format: "),
        (json!({ "think": true }), "think: "),
        (json!({ "suffix": "x" }), "suffix: "),
        (json!({ "template": "{{ .Prompt }}" }), "template: "),
        (json!({ "context": [1] }), "context: "),
        (json!({ "options": { "temperature": "hot" } }), "body: "),
        (json!({ "options": "hot" }), "body: "),
        (json!({ "stream": "yes" }), "body: "),
    ] {
        let mut body = json!({ "model": "m", "prompt": "a" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = generate_of(body).unwrap_err();
        assert!(refused.starts_with(expected), "{more}: {refused}");
    }
    let empty = json!({ "model": "m", "prompt": "a", "format": "", "think": false, "context": [], "suffix": "" });
    assert!(generate_of(empty).is_ok());
}
