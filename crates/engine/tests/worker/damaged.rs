//! Damaged and hostile files: a clear error or an answer, never a hang, and never the end of the parent.

use crate::*;
use engine::Error;

fn file() -> Vec<u8> {
    std::fs::read(random()).unwrap()
}

/// Loads a file and, if it loads, asks it something. Gives how it ended in a word.
async fn run(name: &str, bytes: &[u8]) -> &'static str {
    let path = scratch(name);
    std::fs::write(&path, bytes).unwrap();
    let ended = match tokio::time::timeout(PATIENCE, Engine::start(config(&path))).await.expect("loading hangs") {
        Err(Error::Refused(_)) => "refused",
        Err(Error::DiedLoading) => "died",
        Err(other) => panic!("{name}: {other}"),
        Ok(engine) => match outcome(&engine, request("Once", 5)).await {
            Ok(_) => "answered",
            Err(Event::Failed { message }) if message.contains("worker died") => "died later",
            Err(Event::Failed { .. }) => "failed",
            Err(other) => panic!("{name}: {other:?}"),
        },
    };
    std::fs::remove_file(&path).unwrap();
    ended
}

fn find(bytes: &[u8], what: &str) -> usize {
    bytes.windows(what.len()).position(|window| window == what.as_bytes()).expect("the random model has it")
}

/// The file with the four bytes of a number in its metadata replaced.
fn with_number(key: &str, value: u32) -> Vec<u8> {
    let mut bytes = file();
    // After the key stands its type in four bytes.
    let at = find(&bytes, key) + key.len() + 4;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[tokio::test]
async fn hostile_values() {
    let mut twice = file();
    let at = find(&twice, "<0x41>");
    twice[at..at + 6].copy_from_slice(b"<0x42>");
    let mut endless = file();
    let at = find(&endless, "tokenizer.ggml.tokens") + 21 + 4 + 4;
    endless[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut many = file();
    many[8..16].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    for (name, bytes, expected) in [
        ("blocks", with_number("llama.block_count", 100_000), &["refused", "died"][..]),
        ("no-blocks", with_number("llama.block_count", 0), &["refused", "died", "answered"]),
        ("token-twice", twice, &["refused", "died"]),
        ("endless-tokens", endless, &["refused", "died"]),
        ("many-tensors", many, &["refused", "died"]),
        ("no-width", with_number("llama.embedding_length", 0), &["refused", "died"]),
        ("wide", with_number("llama.embedding_length", u32::MAX), &["refused", "died"]),
        ("no-heads", with_number("llama.attention.head_count", 0), &["refused", "died"]),
        ("odd-heads", with_number("llama.attention.head_count", 31), &["refused", "died"]),
        ("magic", [b"FUGG", &file()[4..]].concat(), &["refused"]),
        ("empty", Vec::new(), &["refused"]),
        ("text", b"This is no model.\n".repeat(99), &["refused"]),
    ] {
        let ended = run(name, &bytes).await;
        println!("{name}: {ended}");
        assert!(expected.contains(&ended), "{name}: {ended}");
    }
}

#[tokio::test]
async fn truncated_files() {
    let whole = file();
    for percent in [1, 5, 10, 25, 50, 75, 99] {
        let ended = run(&format!("cut-{percent}"), &whole[..whole.len() * percent / 100]).await;
        assert_eq!(ended, "refused", "the first {percent} %");
    }
}

#[tokio::test]
async fn flipped_bits() {
    let whole = file();
    let head = find(&whole, "output_norm.weight") + 600;
    let mut endings = std::collections::BTreeMap::<_, u32>::new();
    let mut random: u64 = 1;
    for number in 0..40 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = if number % 4 == 0 { whole.len() * 8 } else { head * 8 };
        let bit = usize::try_from(random >> 16).unwrap() % bits;
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        *endings.entry(run(&format!("bit-{bit}"), &bytes).await).or_default() += 1;
    }
    println!("40 files with one flipped bit: {endings:?}");
    assert!(endings.len() > 1, "some flips must have been noticed, and some not: {endings:?}");
}

#[tokio::test]
async fn weights_that_are_not_numbers_fail_the_answer() {
    let mut bytes = file();
    let half = bytes.len() / 2;
    for weight in bytes[half..].chunks_exact_mut(4) {
        weight.copy_from_slice(&f32::NAN.to_le_bytes());
    }
    assert_eq!(run("nan", &bytes).await, "failed");
}
