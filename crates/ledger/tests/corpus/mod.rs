//! Inputs that are tried in every run: `tests/corpus/TARGET/*`, named after what they are, or `found-…` by a fuzzer that measured
//! coverage: no other of them comes to some line. One that was found to break something stays here.

use std::{fs, path::Path};

/// Tries a target on every file of its corpus.
///
/// # Panics
/// If the target does, after naming the file; or if there is no file.
pub fn replay(target: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    for file in files {
        println!("{}", file.display());
        run(&fs::read(&file).unwrap());
    }
}
