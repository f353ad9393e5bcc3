//! One answer: its text, its end, its probabilities.

use crate::*;
use serde_json::{Value, json};

fn chat(messages: Value, output_max: u32) -> Request {
    Request { prompt: Prompt::Chat { messages, tools: Value::Null }, ..request("", output_max) }
}

#[tokio::test]
async fn a_trained_model_continues_a_story() {
    let Some(path) = trained() else { return println!("skipped: PUMASI_TEST_MODEL names no trained model") };
    let engine = start().await;
    let answer = ask(&engine, Request { logprobs: Some(0), ..request("Once upon a time", 60) }).await;
    println!("Once upon a time{}", answer.text);
    let mean = answer.logprobs.iter().map(|(_, logprob, _)| logprob).sum::<f32>() / answer.logprobs.len() as f32;
    assert!(mean > -1.5, "a trained model is surer of its words: {mean}");
    if path.to_string_lossy().contains("stories260K") {
        let start = ", there was a little girl named Lily. She loved to play outside in the park.";
        assert!(answer.text.starts_with(start), "{:?}", answer.text);
        let chat = ask(&engine, chat(json!([{"role": "user", "content": "Once upon a time"}]), 60)).await;
        assert_eq!(chat.text, answer.text, "without a template a conversation is continued as a text");
    }
}

#[tokio::test]
async fn a_template_renders_a_conversation() {
    let engine = Engine::start(config(&random())).await.unwrap();
    assert!(engine.info().chat_template);
    let answer = ask(&engine, chat(json!([{"role": "user", "content": "the"}]), 8)).await;
    let same = ask(&engine, request("user: the\nassistant:", 8)).await;
    assert_eq!((answer.input, answer.text), (same.input, same.text));
}

#[tokio::test]
async fn pieces_are_the_tokens_in_order() {
    let answer = ask(&start().await, Request { logprobs: Some(0), ..request("Once", 30) }).await;
    let bytes: Vec<u8> = answer.logprobs.iter().flat_map(|(bytes, ..)| bytes.clone()).collect();
    assert_eq!(answer.text, String::from_utf8_lossy(&bytes));
    assert_eq!(answer.logprobs.len(), usize::try_from(answer.output).unwrap());
    assert!(answer.pieces.len() > 5, "an answer is streamed: {:?}", answer.pieces);
}

#[tokio::test]
async fn greedy_answers_are_the_same_again_and_in_another_worker() {
    let engine = start().await;
    let (first, second) = (ask(&engine, request("The sun", 40)).await, ask(&engine, request("The sun", 40)).await);
    let elsewhere = ask(&start().await, request("The sun", 40)).await;
    assert_eq!((&first.text, first.output), (&second.text, second.output));
    assert_eq!((&first.text, first.output), (&elsewhere.text, elsewhere.output));
}

#[tokio::test]
async fn a_seed_repeats_an_answer() {
    let engine = start().await;
    let seeded = |seed| {
        let sampling = Sampling { temperature: 1.2, top_p: 0.95, seed, ..Sampling::default() };
        ask(&engine, Request { sampling, ..request("One day", 40) })
    };
    let (first, second) = (seeded(Some(11)).await, seeded(Some(11)).await);
    assert_eq!(first.text, second.text);
    assert_ne!(first.text, seeded(Some(12)).await.text);
    assert_ne!(seeded(None).await.text, seeded(None).await.text, "without a seed each answer draws its own");
}

#[tokio::test]
async fn a_stop_text_ends_the_answer_and_is_not_part_of_it() {
    let engine = start().await;
    let whole = ask(&engine, request("Once", 30)).await.text;
    let stop: String = whole.chars().skip(5).take(4).collect();
    let expected = whole.split(&stop).next().unwrap();
    let answer = ask(&engine, Request { stop: vec!["\u{1}never".into(), stop.clone()], ..request("Once", 30) }).await;
    assert_eq!((answer.text.as_str(), answer.finish), (expected, Finish::Stop), "{whole:?} stopped at {stop:?}");
    assert_eq!(answer.stop, Some(stop), "and it says which");
}

#[tokio::test]
async fn the_output_limit_holds() {
    let engine = start().await;
    for limit in [0, 1, 5] {
        let answer = ask(&engine, request("Once", limit)).await;
        assert_eq!((answer.output, answer.finish), (limit, Finish::Length));
    }
}

#[tokio::test]
async fn the_end_of_the_context_ends_the_answer() {
    let engine = Engine::start(config(&random())).await.unwrap();
    let prompt = Prompt::Tokens((0..250).map(|n| 3 + n).collect());
    let answer = ask(&engine, Request { prompt, ..request("", 1_000) }).await;
    assert_eq!((answer.input, answer.output, answer.finish), (250, 6, Finish::Length));
}

#[tokio::test]
async fn an_input_that_is_too_long_is_counted_and_refused() {
    let engine = start().await;
    let fits = ask(&engine, request("Once upon a time", 1)).await.input;
    let limited = Request { input_max: fits - 1, ..request("Once upon a time", 1) };
    let refused = outcome(&engine, limited).await.unwrap_err();
    assert!(matches!(refused, Event::TooLong { input } if input == fits), "{refused:?}");
    let refused = outcome(&engine, request(&long_text(5_000), 1)).await.unwrap_err();
    assert!(matches!(refused, Event::TooLong { input } if input >= 256), "above the context: {refused:?}");
}

#[tokio::test]
async fn log_probabilities_belong_to_the_likeliest_tokens() {
    let answer = ask(&start().await, Request { logprobs: Some(5), ..request("Once upon", 10) }).await;
    for (bytes, logprob, top) in &answer.logprobs {
        assert_eq!(top.len(), 5);
        assert_eq!((bytes, logprob), (&top[0].0, &top[0].1), "greedy takes the likeliest");
        assert!(top.is_sorted_by(|a, b| a.1 >= b.1) && top.iter().map(|t| t.1.exp()).sum::<f32>() < 1.0001, "{top:?}");
    }
}

#[tokio::test]
async fn a_prompt_is_measured_as_if_it_had_been_written() {
    let engine = start().await;
    let written = ask(&engine, Request { logprobs: Some(3), ..request("Once upon a time", 70) }).await;
    let whole = format!("Once upon a time{}", written.text);
    let asked = Request { measure: Some(3), ..request(&whole, 0) };
    let mut events = engine.generate(asked).await.unwrap();
    let (mut told, mut input, mut first) = (Vec::new(), 0, false);
    loop {
        match next(&mut events).await {
            Event::Accepted { input: counted, reused } => {
                assert_eq!(reused, 0, "all of it is read");
                input = counted;
            }
            Event::Measured { first: begins, logprobs } => {
                first |= begins;
                told.extend(logprobs);
            }
            Event::Finished { reason, output, .. } => break assert_eq!((reason, output), (Finish::Length, 0)),
            other => panic!("{other:?}"),
        }
    }
    // The token that begins every text is not among them, so each has something before it.
    assert_eq!((told.len(), first), (usize::try_from(input).unwrap() - 1, false));
    assert!(told.len() > 64, "more than one step");
    let text: Vec<u8> = told.iter().flat_map(|token| token.bytes.clone()).collect();
    assert_eq!(String::from_utf8_lossy(&text).trim_start(), whole);
    let again = &told[told.len() - written.logprobs.len()..];
    for (read, (bytes, logprob, top)) in again.iter().zip(&written.logprobs) {
        assert_eq!(&read.bytes, bytes);
        assert!((read.logprob - logprob).abs() < 0.05, "{} was {logprob} when it was written", read.logprob);
        assert_eq!(read.top.len(), top.len());
    }
    let tokens = Request { prompt: Prompt::Tokens(vec![5, 6, 7]), measure: Some(0), ..request("", 1) };
    let mut events = engine.generate(tokens).await.unwrap();
    assert!(matches!(next(&mut events).await, Event::Accepted { input: 3, .. }));
    let Event::Measured { first: true, logprobs } = next(&mut events).await else { panic!("not measured") };
    assert_eq!(logprobs.len(), 3, "each token that was sent");
    assert!(matches!(next(&mut events).await, Event::Piece { output: 1, .. } | Event::Finished { output: 1, .. }));
}

/// The embedding of a text, and how many tokens it has.
async fn embedding(engine: &Engine, text: &str, adapter: Option<&str>) -> (u32, Vec<f32>) {
    let asked = Request { embed: true, adapter: adapter.map(str::to_owned), ..request(text, 0) };
    let mut events = engine.generate(asked).await.unwrap();
    let Event::Accepted { input, .. } = next(&mut events).await else { panic!("not accepted") };
    let Event::Embedded { vector } = next(&mut events).await else { panic!("no embedding") };
    assert!(events.next().await.is_none());
    (input, vector)
}

#[tokio::test]
async fn texts_have_embeddings_also_beside_answers() {
    let engine = start().await;
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let alone = ask(&engine, request("Once upon a time", 80)).await;
    // Longer than a piece.
    let long = long_text(400);
    let texts = ["The dog ran in the park.", "The dog ran in the garden.", long.as_str()];
    let (beside, mut read) = (engine.generate(request("Once upon a time", 80)).await.unwrap(), Vec::new());
    for text in texts {
        read.push(embedding(&engine, text, None).await);
    }
    let mut beside = beside;
    assert_eq!(super::read(&mut beside).await.unwrap().text, alone.text, "an answer beside it stays as it is");
    assert!(read[2].0 > 64);
    for (_, vector) in &read {
        assert!((close(vector, vector) - 1.0).abs() < 1e-4, "of length 1");
    }
    assert_eq!(embedding(&engine, texts[0], None).await, read[0], "the same again");
    if trained().is_some() {
        let (like, unlike) = (close(&read[0].1, &read[1].1), close(&read[0].1, &read[2].1));
        assert!(like > unlike, "two sentences with the same dog are closer: {like} {unlike}");
    }
    let cancelled = engine.generate(Request { embed: true, ..request(&long, 0) }).await.unwrap();
    drop(cancelled);
    assert_eq!(embedding(&engine, texts[0], None).await, read[0], "after one that was given up");
}
