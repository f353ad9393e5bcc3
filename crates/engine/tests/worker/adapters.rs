//! Adapters per request. They are made for the random model.

use crate::*;

fn adapter(seed: u64) -> (String, PathBuf) {
    let path = scratch(&format!("adapter-{seed}.gguf"));
    random_model::write_adapter(&path, seed).unwrap();
    (format!("adapter {seed}"), path)
}

async fn start(sequences: u32, seeds: [u64; 2]) -> Engine {
    let mut config = config(&random());
    config.sequences = sequences;
    config.adapters = seeds.map(adapter).into();
    Engine::start(config).await.unwrap()
}

fn with(adapter: Option<u64>) -> Request {
    Request { adapter: adapter.map(|seed| format!("adapter {seed}")), ..request("Once upon a time", 30) }
}

#[tokio::test]
async fn an_adapter_changes_only_its_own_answers() {
    let engine = start(4, [1, 2]).await;
    let base = ask(&engine, with(None)).await.text;
    let (one, two) = (ask(&engine, with(Some(1))).await.text, ask(&engine, with(Some(2))).await.text);
    assert!(one != base && two != base && one != two, "{base:?} {one:?} {two:?}");
    assert_eq!(ask(&engine, with(None)).await.text, base);

    let mixed = ask_all(&engine, [None, Some(1), None, Some(2), Some(1)].map(with).into()).await;
    let texts: Vec<_> = mixed.into_iter().map(|answer| answer.text).collect();
    assert_eq!(texts, [&base, &one, &base, &two, &one].map(String::clone));
}

#[tokio::test]
async fn what_was_read_with_one_adapter_is_not_reused_with_another() {
    let engine = start(1, [3, 4]).await;
    let reused = async |adapter| ask(&engine, with(adapter)).await.reused;
    assert_eq!(reused(None).await, 0);
    assert!(reused(None).await > 0);
    assert_eq!(reused(Some(3)).await, 0);
    assert!(reused(Some(3)).await > 0);
    assert_eq!((reused(Some(4)).await, reused(None).await), (0, 0));
}

#[tokio::test]
async fn a_file_that_is_no_adapter_of_the_model_is_refused() {
    let mut config = config(&random());
    config.adapters = vec![("base".into(), random())];
    let error = Engine::start(config).await.err().expect("a model is not an adapter");
    assert!(matches!(&error, engine::Error::Refused(reason) if reason.contains("adapter base")), "{error}");
}
