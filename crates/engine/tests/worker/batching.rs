//! Many requests at once, and what they share.

use crate::*;

#[tokio::test]
async fn more_requests_than_sequences_all_finish() {
    // They once did not: what waited was dropped when it found no free sequence.
    let engine = start_with(|config| config.sequences = 2).await;
    let requests = (1..=9).map(|output| request("Once upon a time", output)).collect();
    let counts: Vec<u32> = ask_all(&engine, requests).await.iter().map(|answer| answer.output).collect();
    assert_eq!(counts, (1..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_greedy_text_is_the_same_alone_and_among_others() {
    let prompts = ["Once upon a time", "The cat", "One day a boy", "She said"];
    let engine = start().await;
    let mut alone = Vec::new();
    for prompt in prompts {
        alone.push(ask(&engine, request(prompt, 40)).await.text);
    }
    let engine = start().await;
    let together = ask_all(&engine, prompts.map(|prompt| request(prompt, 40)).into()).await;
    assert_eq!(together.into_iter().map(|answer| answer.text).collect::<Vec<_>>(), alone);
}

#[tokio::test]
async fn a_short_request_overtakes_a_long_one() {
    let engine = Engine::start(config(&random())).await.unwrap();
    let mut long = engine.generate(request("Once", 240)).await.unwrap();
    while !matches!(next(&mut long).await, Event::Piece { .. }) {}
    let short = ask(&engine, request("The", 3)).await;
    // What the long one wrote until now is in its channel already; its end must not be.
    let mut written = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, long.next()).await {
        match event {
            Event::Piece { output, .. } => written = output,
            other => panic!("the long answer ended before the short one: {other:?}"),
        }
    }
    assert_eq!(short.output, 3);
    assert!(written < 240);
    let end = loop {
        if let Event::Finished { output, .. } = next(&mut long).await {
            break output;
        }
    };
    assert_eq!(end, 240);
}

#[tokio::test]
async fn a_beginning_that_was_read_is_not_read_again() {
    let text = long_text(100);
    let engine = start().await;
    let first = ask(&engine, request(&text, 10)).await;
    let longer = format!("{text}{}", first.text);
    let again = ask(&engine, request(&longer, 10)).await;
    assert_eq!(first.reused, 0);
    assert!(again.reused + 3 >= first.input && again.reused < again.input, "{again:?}");
    let fresh = ask(&start().await, request(&longer, 10)).await;
    assert_eq!((fresh.reused, fresh.text), (0, again.text));
}

#[tokio::test]
async fn a_long_beginning_is_shared_among_sequences() {
    let text = long_text(300);
    let requests = || ["A cat", "My dog", "The sun"].map(|end| request(&format!("{text}{end}"), 20)).to_vec();
    let start = || start_with(|config| config.context = 512);
    let engine = start().await;
    let first = ask(&engine, request(&text, 1)).await;
    assert!(first.input > 70, "the text is too short for this test: {first:?}");
    let shared = ask_all(&engine, requests()).await;
    for answer in &shared {
        assert!(answer.reused + 3 >= first.input, "{answer:?}");
    }
    for (answer, request) in shared.iter().zip(requests()) {
        assert_eq!(ask(&start().await, request).await.text, answer.text);
    }
}

#[tokio::test]
async fn dropping_the_events_frees_the_sequence() {
    let engine = start_with(|config| config.sequences = 1).await;
    for _ in 0..20 {
        let mut long = engine.generate(request("Once", 250)).await.unwrap();
        let waiting = engine.generate(request("Twice", 250)).await.unwrap();
        while !matches!(next(&mut long).await, Event::Piece { .. }) {}
        drop((long, waiting));
    }
    assert_eq!(ask(&engine, request("The", 3)).await.output, 3);
}

#[tokio::test]
async fn too_many_requests_are_refused_until_some_are_gone() {
    let engine = start_with(|config| config.sequences = 1).await;
    let mut running = Vec::new();
    let refused = loop {
        match engine.generate(request("Once", 250)).await {
            Ok(events) => running.push(events),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, engine::Error::Busy) && running.len() == 256, "{} {refused}", running.len());
    running.clear();
    assert_eq!(ask(&engine, request("The", 3)).await.output, 3);
}
