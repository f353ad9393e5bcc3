//! Requests that are none: each gets a sentence, and the worker goes on.

use crate::*;
use engine::Fault;
use serde_json::{Value, json};

async fn refused(engine: &Engine, request: Request) -> String {
    let Err(Event::Failed { message }) = outcome(engine, request).await else {
        panic!("this should have been refused")
    };
    message
}

#[tokio::test]
async fn bad_requests_get_a_sentence() {
    let engine = Engine::start(config(&random())).await.unwrap();
    let chat = |messages| Prompt::Chat { messages, tools: Value::Null };
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]);
    for (prompt, expected) in [
        (Prompt::Tokens(vec![]), "empty"),
        (Prompt::Tokens(vec![1, 99_999]), "no token 99999"),
        (Prompt::Tokens(vec![-1]), "no token -1"),
        (chat(json!([])), "needs a message"),
        (chat(json!("hello")), "needs a message"),
        (chat(image), "text only"),
    ] {
        // It is the request's fault and not the model's: nobody is to try it elsewhere.
        let refused = outcome(&engine, Request { prompt, ..request("", 5) }).await.err();
        let Some(Event::Unanswerable { fault: Fault::Prompt, message }) = refused else {
            panic!("{expected}: {refused:?}")
        };
        assert!(message.contains(expected), "{message:?} should say {expected:?}");
    }
    let message = refused(&engine, Request { adapter: Some("none".into()), ..request("a", 5) }).await;
    assert!(message.contains("no adapter none"), "{message}");
    assert_eq!(ask(&engine, request("a", 5)).await.output, 5);
}

/// JSON has no NaN: such a request once would have ended the worker, and every answer with it.
#[tokio::test]
async fn sampling_that_is_not_a_number_is_refused_by_the_parent() {
    let engine = start().await;
    let mut request = request("a", 5);
    request.sampling.frequency_penalty = f32::NAN;
    assert!(matches!(engine.generate(request).await, Err(engine::Error::Request(_))));
}

/// A reader of JSON gives up at some depth: such a request once would have ended the worker, too.
#[tokio::test]
async fn tools_that_are_nested_too_deeply_are_refused_by_the_parent() {
    let engine = start().await;
    let deep = |levels: usize| serde_json::from_str::<Value>(&("[".repeat(levels) + &"]".repeat(levels))).unwrap();
    let asked = |tools| Request {
        prompt: Prompt::Chat { messages: json!([{ "role": "user", "content": "a" }]), tools },
        ..request("", 1)
    };
    assert!(matches!(engine.generate(asked(deep(120))).await, Err(engine::Error::Request(_))));
    assert_eq!(ask(&engine, asked(deep(60))).await.output, 1);
}

#[tokio::test]
async fn a_request_longer_than_a_message_fails_alone() {
    let engine = start().await;
    let message = refused(&engine, request(&"a".repeat(65 << 20), 5)).await;
    assert!(message.contains("too long"), "{message}");
    assert_eq!(ask(&engine, request("a", 1)).await.output, 1);
}
