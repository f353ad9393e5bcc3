//! Folders as people have them, and what strangers put into them.

use super::*;
use crate::Walk;
use proptest::prelude::*;
use std::fs;

/// A GGUF file with these values and one tensor of 32 values.
fn gguf(values: &[(&str, &str)], numbers: &[(&str, u32)]) -> Vec<u8> {
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    };
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(1u64.to_le_bytes());
    bytes.extend((values.len() as u64 + numbers.len() as u64).to_le_bytes());
    for (key, value) in values {
        text(&mut bytes, key);
        bytes.extend(8u32.to_le_bytes());
        text(&mut bytes, value);
    }
    for (key, value) in numbers {
        text(&mut bytes, key);
        bytes.extend(4u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    text(&mut bytes, "x");
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(32u64.to_le_bytes());
    bytes.extend(8u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(32) + 34, 0);
    bytes
}

fn safetensors() -> Vec<u8> {
    let header = br#"{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.resize(bytes.len() + 12, 0);
    bytes
}

fn parquet() -> Vec<u8> {
    [b"PAR1", &[0; 20][..], &20u32.to_le_bytes(), b"PAR1"].concat()
}

/// Recognizes a folder with these files.
fn of(files: &[(&str, &[u8])]) -> Recognized {
    let (home, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (path, bytes) in files {
        let path = source.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let store = Store::open(home.path()).unwrap();
    let gathered = store.gather(source.path(), Walk::default(), |_, _| {}).unwrap();
    recognize(&store, &gathered.files).unwrap()
}

fn named(text: &str, relation: Relation) -> Named {
    Named { text: text.into(), relation }
}

#[test]
fn kinds_are_told_apart() {
    let card = b"---\ntask_categories: [text-generation]\n---\n# Data\n";
    let results = br#"{"results":{"arc":{"acc,none":0.5}},"versions":{"arc":1}}"#;
    let index = b"---\nmodel-index:\n- name: x\n---\n# Results\n";
    let model = gguf(&[("general.architecture", "llama")], &[]);
    let adapter = gguf(&[("general.architecture", "llama"), ("general.type", "adapter")], &[]);
    type Files<'a> = &'a [(&'a str, &'a [u8])];
    let cases: &[(&str, Files<'_>, Option<Kind>)] = &[
        ("a GGUF model", &[("m.gguf", &model)], Some(Kind::Model)),
        ("a GGUF adapter", &[("a.gguf", &adapter)], Some(Kind::Adapter)),
        ("both", &[("a.gguf", &adapter), ("m.gguf", &model)], Some(Kind::Model)),
        (
            "safetensors",
            &[("config.json", b"{\"model_type\":\"llama\"}"), ("model.safetensors", &safetensors())],
            Some(Kind::Model),
        ),
        (
            "PEFT",
            &[("adapter_config.json", b"{\"peft_type\":\"LORA\"}"), ("adapter_model.safetensors", &safetensors())],
            Some(Kind::Adapter),
        ),
        (
            "PEFT by its folder",
            &[("adapter_config.json", b"{\"peft_type\":\"LORA\"}"), ("weights.safetensors", &safetensors())],
            Some(Kind::Adapter),
        ),
        ("JSON lines", &[("data/train.jsonl", b"{\"a\":1}\n\n{\"a\":2}")], Some(Kind::Dataset)),
        ("Parquet", &[("data/train.parquet", &parquet())], Some(Kind::Dataset)),
        ("text", &[("stories.txt", "옛날 옛적에".as_bytes())], Some(Kind::Dataset)),
        ("CSV", &[("a.csv", b"a,b\n1,2\n")], Some(Kind::Dataset)),
        (
            "a dataset with a script",
            &[("README.md", card), ("a.csv", b"a,b\n"), ("load.py", b"pass")],
            Some(Kind::Dataset),
        ),
        ("a recipe", &[("train.py", b"pass"), ("requirements.txt", b"torch")], Some(Kind::Recipe)),
        ("a notebook", &[("train.ipynb", b"{}")], Some(Kind::Recipe)),
        ("a container", &[("Dockerfile", b"FROM scratch")], Some(Kind::Recipe)),
        ("an evaluation", &[("results_2026.json", results), ("samples.jsonl", b"{}")], Some(Kind::Evaluation)),
        ("results in a card", &[("README.md", index)], Some(Kind::Evaluation)),
        ("results that are none", &[("results.json", b"[]")], None),
        ("a license alone", &[("LICENSE.txt", b"MIT")], None),
        ("lines that are not JSON", &[("a.jsonl", b"{}\nnot")], None),
        ("half a Parquet file", &[("a.parquet", &parquet()[..10])], None),
        ("bytes that are not text", &[("a.txt", b"\xff\xfe")], None),
    ];
    for (what, files, kind) in cases {
        assert_eq!(of(files).kind, *kind, "{what}");
    }
}

#[test]
fn what_gguf_says_of_itself_is_told() {
    let values = [
        ("general.architecture", "qwen3"),
        ("general.name", "Tiny \u{1b}[31mQwen"),
        ("general.license", "apache-2.0"),
        ("general.author", "Kim"),
        ("general.organization", "Lab"),
        ("general.base_model.0.repo_url", "https://huggingface.co/Qwen/Qwen3-0.6B"),
        ("general.base_model.1.organization", "Some Lab"),
        ("general.base_model.1.name", "Base 2"),
    ];
    let told = of(&[("m.gguf", &gguf(&values, &[("general.base_model.count", 2)]))]);
    assert_eq!((told.architecture.as_deref(), told.quantization.as_deref()), (Some("qwen3"), Some("Q8_0")));
    assert_eq!((told.parameters, told.weights.len()), (Some(32), 1));
    assert_eq!((told.license.as_deref(), told.title.as_deref()), (Some("Apache-2.0"), Some("Tiny [31mQwen")));
    assert_eq!(told.authors, ["Kim", "Lab"]);
    let parents = [named("Qwen/Qwen3-0.6B", Relation::Quantized), named("Some-Lab/Base-2", Relation::Quantized)];
    assert_eq!((told.parents, told.notes), (parents.to_vec(), vec![]));
}

#[test]
fn the_card_comes_first_and_differences_are_noted() {
    let card =
        b"---\nlicense: mit\nbase_model: kim/base\ndatasets: [kim/data]\nlanguage: [ko, en]\n---\n# Card\n\nWords.";
    let config = br#"{"peft_type":"LORA","r":8,"base_model_name_or_path":"kim/Base"}"#;
    let values = [
        ("general.architecture", "llama"),
        ("general.type", "adapter"),
        ("general.license", "apache-2.0"),
        ("general.name", "Other"),
    ];
    let told = of(&[("README.md", card), ("adapter_config.json", config), ("a.gguf", &gguf(&values, &[]))]);
    assert_eq!((told.license.as_deref(), told.title.as_deref()), (Some("MIT"), Some("Card")));
    assert_eq!((told.kind, told.description.as_deref()), (Some(Kind::Adapter), Some("Words.")));
    // The same parent in other letters is one.
    assert_eq!(told.parents, [named("kim/Base", Relation::Adapter), named("kim/data", Relation::Dataset)]);
    assert_eq!(told.languages, ["ko", "en"]);
    assert!(told.notes[0].contains("MIT and Apache-2.0"), "{:?}", told.notes);
}

#[test]
fn a_path_on_somebodys_disk_is_no_parent() {
    for path in ["/data/models/llama", "./out", "../llama", "C:\\models\\llama", "~/llama", "a/b/c", "a b", ""] {
        let config = format!("{{\"peft_type\":\"LORA\",\"base_model_name_or_path\":{}}}", serde_json::json!(path));
        let told = of(&[("adapter_config.json", config.as_bytes()), ("adapter_model.safetensors", &safetensors())]);
        assert_eq!((told.parents, told.notes.len()), (vec![], usize::from(!path.is_empty())), "{path}");
    }
    for (text, is) in [
        ("gpt2", "gpt2"),
        ("kim/tiny:v2", "kim/tiny:v2"),
        ("https://huggingface.co/kim/tiny/tree/main", "kim/tiny"),
        ("https://huggingface.co/datasets/kim/data", "kim/data"),
    ] {
        assert_eq!(super::named(text), Ok(is.to_owned()));
    }
}

#[test]
fn a_model_in_pieces_is_one() {
    let piece = gguf(&[("general.architecture", "llama")], &[]);
    let told = of(&[("m-00001-of-00002.gguf", &piece), ("m-00002-of-00002.gguf", &piece), ("other.gguf", &piece)]);
    assert_eq!(told.parameters, Some(64), "of two versions the larger");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_bytes_under_any_name_are_looked_at(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0usize..10,
        json in "[\\[\\]{}\":,a-z0-9_. ]{0,80}",
    ) {
        let names = [
            "README.md", "config.json", "adapter_config.json", "results.json", "a.jsonl", "a.parquet", "a.csv", "a.txt",
            "x.json", "requirements.txt",
        ];
        drop(of(&[(names[at], &bytes)]));
        drop(of(&[(names[at], json.as_bytes())]));
    }
}

proptest! {
    #[test]
    fn a_parent_is_a_plain_name(text in "[a-zA-Z0-9._:/~\\\\ -]{0,40}|\\PC{0,40}") {
        if let Ok(name) = super::named(&text) {
            prop_assert!(!name.is_empty() && !name.starts_with(['/', '.', '~']) && !name.contains(".."), "{name}");
        }
        let piece = whole(&text);
        prop_assert!(text.starts_with(piece.rsplit_once('.').map_or(piece.as_str(), |(stem, _)| stem)));
    }
}
