//! Encodings frozen byte by byte, and the worked example of docs/ledger.md, which is made here.

mod every;
mod example;
mod frozen;
mod sample;

use std::{fmt::Write as _, fs, path::Path};

use frozen::{assert_frozen, assert_same, regenerate};

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn every_encoding_is_as_it_was() {
    let mut text = String::new();
    for (name, bytes) in sample::all().into_iter().chain(sample::messages()) {
        let _ = writeln!(text, "{name} = {}", hex(&bytes));
    }
    assert_frozen("encodings.txt", &text);
}

#[test]
fn every_refusal_has_its_number() {
    let line = |reject: &ledger::Reject| format!("{} {}\n", reject.number(), reject.name());
    let text: String = ledger::Reject::ALL.iter().map(line).collect();
    assert_frozen("rejects.txt", &text);
}

const BEGIN: &str = "<!-- The worked example is made by crates/ledger/tests/golden.rs. -->\n```text\n";
const END: &str = "```\n";

#[test]
fn the_document_shows_the_example_as_it_is() {
    let example = example::text();
    assert_frozen("example.txt", &example);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ledger.md");
    let document = fs::read_to_string(&path).expect("docs/ledger.md");
    let (before, rest) = document.split_once(BEGIN).expect("the document has a place for the example");
    let (shown, after) = rest.split_once(END).expect("the example ends");
    if regenerate() {
        fs::write(&path, [before, BEGIN, &example, END, after].concat()).unwrap();
        return;
    }
    assert_same("docs/ledger.md, the worked example", shown, &example);
}

/// The document lists every refusal as `| number | name |`, and every operation with its number.
#[test]
fn the_document_lists_every_refusal_and_operation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ledger.md");
    let document = fs::read_to_string(&path).expect("docs/ledger.md");
    for reject in ledger::Reject::ALL {
        let row = format!("| {} | {} |", reject.number(), reject.name());
        assert!(document.contains(&row), "{row}");
    }
    for (number, name) in every::operations() {
        let row = format!("| {number} | {name} |");
        assert!(document.contains(&row), "{row}");
    }
}
