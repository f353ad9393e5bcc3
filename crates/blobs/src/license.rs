//! Names of licenses as people write them, and as SPDX does.

use spdx::{Expression, ParseMode, identifiers::LICENSES};

/// No license has a longer name.
const NAME_MAX: usize = 200;

/// The Hub's own ids that are a license of SPDX's list under another name.
const RENAMED: &[(&str, &str)] = &[
    ("agpl-3.0", "AGPL-3.0-only"),
    ("c-uda", "C-UDA-1.0"),
    ("gpl-2.0", "GPL-2.0-only"),
    ("gpl-3.0", "GPL-3.0-only"),
    ("lgpl-2.1", "LGPL-2.1-only"),
    ("lgpl-3.0", "LGPL-3.0-only"),
    ("lgpl-lr", "LGPLLR"),
    ("odbl", "ODbL-1.0"),
    ("odc-by", "ODC-By-1.0"),
    ("openrail++", "LicenseRef-openrail-plus-plus"),
    ("pddl", "PDDL-1.0"),
];
/// What people write for one.
const LOOSE: &[(&str, &str)] = &[("apache", "Apache-2.0")];
/// What says that nobody knows.
const UNKNOWN: &[&str] = &["unknown", "none", "n/a", "undefined", "null"];

/// An SPDX expression for what a card or file calls its license. What SPDX does not list becomes a `LicenseRef-`, so that
/// no license is taken for another one. `None` if it says nothing.
pub fn spdx(text: &str) -> Option<String> {
    let text = text.trim();
    let known = |name: &&str| name.eq_ignore_ascii_case(text);
    if text.is_empty() || UNKNOWN.iter().any(known) {
        return None;
    }
    if let Some((_, renamed)) = RENAMED.iter().chain(LOOSE).find(|(name, _)| known(name)) {
        return Some((*renamed).to_owned());
    }
    if let Some(license) = LICENSES.iter().find(|license| known(&license.name)) {
        return Some(license.name.to_owned());
    }
    // An expression of several, such as `MIT OR Apache-2.0`.
    let mode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };
    if text.len() <= NAME_MAX && Expression::parse_mode(text, mode).is_ok() {
        return Some(text.to_owned());
    }
    reference(text)
}

/// What the Hub calls a license, if that means the same.
pub fn hub(expression: &str) -> Option<String> {
    let renamed = RENAMED.iter().find(|(_, id)| *id == expression).map(|(name, _)| (*name).to_owned());
    renamed.or_else(|| Some(expression.to_lowercase())).filter(|name| spdx(name).as_deref() == Some(expression))
}

/// A `LicenseRef-` may have letters, digits, dots and dashes.
fn reference(text: &str) -> Option<String> {
    let mut id = String::new();
    for c in text.chars().take(NAME_MAX) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' => id.push(c),
            _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
            _ => {}
        }
    }
    let id = id.trim_end_matches('-');
    (!id.is_empty()).then(|| format!("LicenseRef-{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_ids_become_spdx() {
        for (hub, id) in [
            ("apache-2.0", Some("Apache-2.0")),
            ("mit", Some("MIT")),
            ("bsd-3-clause-clear", Some("BSD-3-Clause-Clear")),
            ("cc-by-nc-sa-4.0", Some("CC-BY-NC-SA-4.0")),
            ("cc0-1.0", Some("CC0-1.0")),
            ("cdla-permissive-2.0", Some("CDLA-Permissive-2.0")),
            ("gpl-3.0", Some("GPL-3.0-only")),
            ("odc-by", Some("ODC-By-1.0")),
            ("unlicense", Some("Unlicense")),
            ("Apache", Some("Apache-2.0")),
            ("openrail++", Some("LicenseRef-openrail-plus-plus")),
            ("bigscience-openrail-m", Some("LicenseRef-bigscience-openrail-m")),
            ("llama3.1", Some("LicenseRef-llama3.1")),
            ("Tongyi Qianwen (모델) License", Some("LicenseRef-Tongyi-Qianwen-License")),
            ("MIT OR Apache-2.0", Some("MIT OR Apache-2.0")),
            ("unknown", None),
            (" ", None),
            ("모델", None),
        ] {
            assert_eq!(spdx(hub).as_deref(), id, "{hub}");
        }
    }

    #[test]
    fn what_the_hub_calls_otherwise_is_called_so_again() {
        for (expression, name) in [
            ("Apache-2.0", Some("apache-2.0")),
            ("GPL-3.0-only", Some("gpl-3.0")),
            ("LicenseRef-openrail-plus-plus", Some("openrail++")),
            ("MIT OR Apache-2.0", None),
            ("LicenseRef-llama3.1", None),
            ("", None),
        ] {
            assert_eq!(hub(expression).as_deref(), name, "{expression}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_becomes_an_expression_or_nothing(text: String) {
            if let Some(id) = spdx(&text) {
                let mode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };
                proptest::prop_assert!(Expression::parse_mode(&id, mode).is_ok(), "{id}");
            }
        }
    }
}
