//! Answers that are held to a schema or to calls of tools: whatever the model would rather say, what comes out keeps to it.

use crate::*;
use engine::{Fault, Hold, Instead, Tool};
use serde_json::{Value, json};
use std::{path::Path, time::Instant};

/// Room for whole answers of a model that says anything.
async fn roomy() -> Engine {
    start_with(|config| (config.context, config.sequences) = (1_024, 8)).await
}

fn held(hold: Hold, seed: u64) -> Request {
    let sampling = Sampling { temperature: 1.5, seed: Some(seed), ..Sampling::default() };
    Request { sampling, hold: Some(hold), ..request("Once upon a time", 900) }
}

fn by_schema(schema: &Value) -> Hold {
    Hold::Schema(schema.to_string())
}

fn tool(name: &str, parameters: &Value) -> Tool {
    Tool { name: name.into(), parameters: parameters.to_string(), strict: true }
}

/// The calls that a text consists of.
fn calls(text: &str) -> Vec<Value> {
    let parts: Vec<&str> = text.split("<tool_call>").collect();
    assert_eq!(parts[0], "", "{text:?}");
    let call = |part: &&str| {
        let json = part.trim_end().strip_suffix("</tool_call>").unwrap_or_else(|| panic!("{text:?}"));
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    };
    parts[1..].iter().map(call).collect()
}

#[tokio::test]
async fn whatever_comes_by_whatever_seed_is_what_the_schema_allows() {
    let schema = json!({ "type": "object", "additionalProperties": false, "required": ["zeal", "age", "tags", "place"],
        "properties": {
            "zeal": { "enum": ["high", "low", null] },
            "age": { "type": "integer", "minimum": 3, "maximum": 120 },
            "tags": { "type": "array", "minItems": 1, "maxItems": 3, "items": { "type": "string", "maxLength": 4 } },
            "place": { "$ref": "#/$defs/place" },
        },
        "$defs": { "place": { "anyOf": [{ "type": "null" }, { "type": "object", "additionalProperties": false,
            "properties": { "at": { "type": "string", "pattern": "^[a-z]{2}-[0-9]{2}$" } }, "required": ["at"] }] } } });
    let engine = roomy().await;
    let asked = (0..60).map(|seed| held(by_schema(&schema), seed)).collect();
    for answer in ask_all(&engine, asked).await {
        assert_eq!(answer.finish, Finish::Stop, "{:?}", answer.text);
        let value: Value = serde_json::from_str(&answer.text).unwrap_or_else(|e| panic!("{e}: {:?}", answer.text));
        let keys: Vec<_> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["zeal", "age", "tags", "place"], "in the order of the schema");
        assert!([json!("high"), json!("low"), Value::Null].contains(&value["zeal"]), "{value}");
        assert!((3..=120).contains(&value["age"].as_i64().unwrap()), "{value}");
        let tags = value["tags"].as_array().unwrap();
        assert!((1..=3).contains(&tags.len()) && tags.iter().all(|tag| tag.as_str().unwrap().chars().count() <= 4));
        let at = value["place"].get("at").map(|at| at.as_str().unwrap());
        let (letters, digits) = at.map_or(("aa", "00"), |at| at.split_once('-').unwrap());
        assert!(letters.len() == 2 && letters.bytes().all(|b| b.is_ascii_lowercase()), "{value}");
        assert!(digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()), "{value}");
    }
}

#[tokio::test]
async fn an_object_of_json_is_one_unless_a_limit_cuts_it() {
    let engine = roomy().await;
    let hold = by_schema(&json!({ "type": "object" }));
    // The hotter, the sooner even a model of stories comes to a closing bracket.
    let asked = |seed: u64| {
        let asked = held(hold.clone(), seed);
        let temperature = if seed.is_multiple_of(2) { 1.0 } else { 30.0 };
        Request { sampling: Sampling { temperature, ..asked.sampling }, ..asked }
    };
    let answers = ask_all(&engine, (0..30).map(asked).collect()).await;
    for answer in &answers {
        match (serde_json::from_str::<Value>(&answer.text), answer.finish) {
            (Ok(value), Finish::Stop) => assert!(value.is_object(), "{value}"),
            // It is JSON, too, that a number is greater than any that we can read.
            (Err(error), Finish::Stop) => assert!(error.to_string().contains("out of range"), "{error}"),
            (Err(error), Finish::Length) => {
                assert!(error.is_eof() || error.to_string().contains("out of range"), "{error}: {:?}", answer.text);
            }
            (read, finish) => panic!("{finish:?} {read:?}: {:?}", answer.text),
        }
    }
    assert!(answers.iter().any(|answer| answer.finish == Finish::Stop), "one of thirty ends by itself");
}

/// Answers of a model that must call one of two tools are whole calls of them, as each seed has it.
async fn calls_what_it_must(model: &Path, prompt: Prompt) {
    let look = tool(
        "look",
        &json!({ "type": "object", "properties": { "at": { "type": "integer", "maximum": 9, "minimum": 0 } },
        "required": ["at"], "additionalProperties": false }),
    );
    let wait = tool("wait", &json!({ "type": "object", "properties": {}, "additionalProperties": false }));
    let mut config = config(model);
    (config.context, config.sequences) = (1_024, 8);
    let engine = Engine::start(config).await.unwrap();
    for many in [false, true] {
        let hold = Hold::Calls { tools: vec![look.clone(), wait.clone()], instead: Instead::Nothing, many };
        let asked = |seed| Request { prompt: prompt.clone(), ..held(hold.clone(), seed) };
        let mut names = std::collections::BTreeSet::new();
        for answer in ask_all(&engine, (0..20).map(asked).collect()).await {
            let cut = answer.finish == Finish::Length;
            assert!(many || !cut, "one call ends: {:?}", answer.text);
            // What a limit cuts is not a whole call.
            let whole =
                if cut { &answer.text[..answer.text.rfind("</tool_call>").unwrap() + 12] } else { &answer.text };
            let calls = calls(whole);
            assert!(if many { !calls.is_empty() } else { calls.len() == 1 }, "{:?}", answer.text);
            for call in calls {
                let name = call["name"].as_str().unwrap();
                let good =
                    if name == "look" { call["arguments"]["at"].is_i64() } else { call["arguments"] == json!({}) };
                assert!(good, "{call}");
                names.insert(name.to_owned());
            }
        }
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["look", "wait"]);
    }
}

#[tokio::test]
async fn a_tool_that_must_be_called_is() {
    // Its template knows tools.
    calls_what_it_must(&random(), request("Once upon a time", 1).prompt).await;
}

/// The part of a template of Mistral's that tells of tools and prints calls, for tokenizers of version 13; in version 11 with
/// the id.
const MISTRALS: &str = "{{- bos_token }}{%- if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{%- endif %}\
    {%- for message in messages %}{%- if message.role == 'user' %}[INST]{{ message.content }}[/INST]{%- endif %}\
    {%- for tool in message.tool_calls %}\
    {{- '[TOOL_CALLS]' + tool.function.name + '[ARGS]' + (tool.function.arguments | tojson) }}{%- endfor %}{%- endfor %}";

#[tokio::test]
async fn calls_whose_marks_are_tokens_without_text_are_held_to_and_read() {
    let path = scratch("mistrals.gguf");
    let controls =
        ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"];
    random_model::write_with(&path, 7, MISTRALS, &controls).unwrap();
    let function = |name: &str| json!({ "type": "function", "function": { "name": name } });
    let call =
        json!({ "id": "call_1", "type": "function", "function": { "name": "look", "arguments": "{\"at\": 1}" } });
    let messages =
        json!([{ "role": "user", "content": "Where?" }, { "role": "assistant", "content": "", "tool_calls": [call] }]);
    let tools = json!([function("look"), function("wait")]);
    calls_what_it_must(&path, Prompt::Chat { messages, tools }).await;
}

#[tokio::test]
async fn an_answer_that_is_not_held_is_the_same_as_ever_beside_one_that_is() {
    let engine = roomy().await;
    let alone = ask(&engine, request("Once upon a time", 60)).await;
    let hold = by_schema(&json!({ "type": "array", "items": { "type": "boolean" }, "maxItems": 5 }));
    let both = ask_all(&engine, vec![request("Once upon a time", 60), held(hold, 1)]).await;
    assert_eq!(both[0].text, alone.text);
    assert!(serde_json::from_str::<Vec<bool>>(&both[1].text).is_ok(), "{:?}", both[1].text);
}

/// What a stranger could send to stop the machine, each with a word of the refusal, or nothing where it may be held to.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let nested = |levels: usize| format!("{}{}", r#"{"items":"#.repeat(levels), "{}".to_owned() + &"}".repeat(levels));
    let chain = |links: usize| {
        let defs =
            (0..links).map(|at| format!(r##""d{at}":{{"$ref":"#/$defs/d{}"}}"##, at + 1)).collect::<Vec<_>>().join(",");
        format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{defs},"d{links}":{{"type":"null"}}}}}}"##)
    };
    let wide: Vec<String> = (0..6_000).map(|at| format!("w{at}")).collect();
    let ors: Vec<Value> = (0..12)
        .map(|at| json!({ "anyOf": (0..8).map(|n| json!({ "multipleOf": at * 8 + n + 2 })).collect::<Vec<_>>() }))
        .collect();
    let own = json!({ "type": "array", "uniqueItems": true, "x-guidance": { "lenient": true } });
    vec![
        ("deep", nested(100), ""),
        ("too deep", nested(140), "no JSON"),
        ("a chain", chain(1_200), ""),
        ("a ring", r##"{"$ref":"#"}"##.into(), ""),
        ("a tree without leaves", r##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##.into(), ""),
        ("wide", json!({ "enum": wide }).to_string(), ""),
        ("long", format!(r#"{{"const":"{}"}}"#, "x".repeat(70_000)), "at most 65536 bytes"),
        ("a pattern", json!({ "type": "string", "pattern": "^((a{1,500}){1,500}){1,500}$" }).to_string(), ""),
        ("another", json!({ "type": "string", "pattern": "(?=a)b\\1" }).to_string(), " "),
        ("a far end", json!({ "type": "string", "minLength": 1_000_000_000 }).to_string(), ""),
        ("many items", json!({ "type": "array", "minItems": 2_000_000_000 }).to_string(), ""),
        ("ors of ors", json!({ "type": "integer", "allOf": ors }).to_string(), ""),
        ("no schema", "5".into(), "a JSON object"),
        ("nothing at all", json!({ "type": "string", "enum": [1] }).to_string(), " "),
        ("not understood", own.to_string(), "uniqueItems"),
        ("letters cut in half", json!({ "properties": [format!("a{}", "가".repeat(100))] }).to_string(), " "),
        ("a text of no type", json!({ "type": "가".repeat(100) }).to_string(), " "),
    ]
}

#[tokio::test]
async fn a_hostile_schema_is_refused_or_held_to_and_stops_nobody() {
    let engine = start().await;
    let pid = engine.pid();
    for (name, schema, refused) in hostile() {
        let begun = Instant::now();
        let request = Request { hold: Some(Hold::Schema(schema)), ..request("Once", 20) };
        match outcome(&engine, request).await {
            Ok(answer) => {
                assert!(!["a JSON object", "uniqueItems", "no JSON"].contains(&refused), "{name}: {answer:?}");
            }
            Err(Event::Unanswerable { fault: Fault::Schema, message }) => {
                assert!(message.contains(refused), "{name}: {message:?} should say {refused:?}");
            }
            Err(other) => panic!("{name}: {other:?}"),
        }
        println!("{name}: {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(20), "{name} took {:?}", begun.elapsed());
    }
    assert_eq!(ask(&engine, request("Once", 3)).await.output, 3);
    assert_eq!(engine.pid(), pid, "the worker lives on");
}
