//! Files that freeze formats. They change only by decision: with `PUMASI_REGENERATE_GOLDEN=1`.

use std::{env, fs, path::Path};

/// Whether the files are to be written instead of compared.
pub fn regenerate() -> bool {
    env::var("PUMASI_REGENERATE_GOLDEN").is_ok_and(|value| value == "1")
}

/// Compares a text with the golden file of that name.
///
/// # Panics
/// At the first line that differs, or if the file is missing.
pub fn assert_frozen(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if regenerate() {
        fs::write(&path, text).unwrap();
    }
    let frozen = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_same(name, &frozen, text);
}

/// Compares line by line, to tell the first that differs.
///
/// # Panics
/// There.
pub fn assert_same(name: &str, frozen: &str, text: &str) {
    for (number, (old, new)) in frozen.lines().zip(text.lines()).enumerate() {
        assert!(old == new, "{name}:{}: the format changed\n frozen: {old}\n now:    {new}", number + 1);
    }
    assert_eq!(frozen.lines().count(), text.lines().count(), "{name}: lines came or went");
    assert!(frozen == text, "{name}: line ends differ");
}
