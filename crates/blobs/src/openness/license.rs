//! Which licenses are open, and for which type of component each is made.

use serde::{Deserialize, Serialize};
use spdx::{Expression, LicenseItem, LicenseReq, ParseMode, identifiers::LICENSES};
use std::collections::BTreeSet;

use super::part::Type;

/// The framework's own lists; the file says where they come from.
const LISTS: &str = include_str!("licenses.txt");
/// Nobody's license is longer.
const LENGTH_MAX: usize = 1_000;

/// What a license is worth to the framework, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Open, and made for this type of component.
    Fit,
    /// Open, but made for another type. It counts.
    Open,
    /// Not an open license, or none that SPDX knows.
    Closed,
    /// Nobody said.
    None,
}

impl Grade {
    /// True if a component under it counts.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Fit | Self::Open)
    }

    /// What several files are worth together: as much as the worst of their licenses. None if there is no file.
    pub fn of_all<'a>(licenses: impl Iterator<Item = Option<&'a str>>, kind: Type) -> Option<Self> {
        // Thousands of files have few licenses.
        let distinct: BTreeSet<_> = licenses.collect();
        distinct.into_iter().map(|license| Self::of(license, kind)).max()
    }

    /// What an SPDX expression is worth for a type. Of alternatives (`OR`) the best one is meant; of what must be kept together
    /// (`AND`) the worst. Ids are read in any case, as model cards write them.
    pub fn of(license: Option<&str>, kind: Type) -> Self {
        let Some(text) = license.map(str::trim).filter(|text| !text.is_empty()) else { return Self::None };
        let Some(expression) = parse(text) else { return Self::Closed };
        if expression.evaluate(|wanted| id(wanted).is_some_and(|id| fits(id, kind))) {
            Self::Fit
        } else if expression.evaluate(|wanted| id(wanted).is_some_and(is_open)) {
            Self::Open
        } else {
            Self::Closed
        }
    }
}

/// Of the licenses that lie beside some files, the one that is made for a type: none if that could be several.
pub fn made_for(ids: &[String], kind: Type) -> Option<&str> {
    let only = |good: &dyn Fn(&str) -> bool| {
        let mut good = ids.iter().map(String::as_str).filter(|id| good(id));
        good.next().filter(|_| good.next().is_none())
    };
    only(&|id| listed(kind.name(), id)).or_else(|| only(&|id| Grade::of(Some(id), kind) == Grade::Fit))
}

/// Reads an SPDX expression in whatever case its ids and operators are written.
fn parse(text: &str) -> Option<Expression> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().map(canonical).collect();
    Expression::parse_mode(&words.join(" "), ParseMode::LAX).ok()
}

fn canonical(word: &str) -> &str {
    let operators = ["AND", "OR", "WITH"];
    let named = |name: &&str| name.eq_ignore_ascii_case(word);
    let known = || LICENSES.iter().map(|license| license.name).find(named);
    operators.into_iter().find(named).or_else(known).unwrap_or(word)
}

fn id(wanted: &LicenseReq) -> Option<spdx::LicenseId> {
    match wanted.license {
        LicenseItem::Spdx { id, .. } => Some(id),
        LicenseItem::Other(_) => None,
    }
}

fn fits(id: spdx::LicenseId, kind: Type) -> bool {
    listed(kind.name(), id.name) || (kind == Type::Data && listed("open-data", id.name))
}

fn is_open(id: spdx::LicenseId) -> bool {
    let lists = ["code", "data", "document", "open-data"];
    let approved = (id.is_osi_approved() || id.is_fsf_free_libre()) && !listed("closed", id.name);
    approved || lists.into_iter().any(|list| listed(list, id.name))
}

fn listed(list: &str, name: &str) -> bool {
    let plain = name.trim_end_matches("-only").trim_end_matches("-or-later");
    let lines = LISTS.lines().filter_map(|line| line.strip_prefix(list)?.strip_prefix(':'));
    lines.flat_map(str::split_whitespace).any(|id| id == name || id == plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn licenses_are_graded() {
        let table = [
            ("Apache-2.0", Type::Code, Grade::Fit),
            ("apache-2.0", Type::Code, Grade::Fit),
            ("Apache-2.0", Type::Data, Grade::Open),
            ("mit or LicenseRef-ours", Type::Code, Grade::Fit),
            ("mit or ours", Type::Code, Grade::Closed),
            ("(MIT OR CC-BY-NC-4.0) and gpl-3.0", Type::Code, Grade::Open),
            ("MIT AND CC-BY-NC-4.0", Type::Code, Grade::Closed),
            ("GPL-2.0-only WITH Classpath-exception-2.0", Type::Code, Grade::Open),
            ("CC-BY-4.0", Type::Document, Grade::Fit),
            ("cc-by-nc-4.0", Type::Data, Grade::Closed),
            ("ODC-By-1.0", Type::Data, Grade::Fit),
            ("ODC-By-1.0", Type::Code, Grade::Open),
            ("GFDL-1.3-or-later", Type::Data, Grade::Fit),
            ("BSD-3-Clause-Clear", Type::Code, Grade::Open),
            ("LicenseRef-mine", Type::Code, Grade::Closed),
            ("openrail", Type::Data, Grade::Closed),
            ("llama3.1", Type::Data, Grade::Closed),
            ("((", Type::Code, Grade::Closed),
            ("  ", Type::Code, Grade::None),
        ];
        for (text, kind, grade) in table {
            assert_eq!(Grade::of(Some(text), kind), grade, "{text} for {kind:?}");
        }
        assert_eq!(Grade::of(None, Type::Code), Grade::None);
    }

    #[test]
    fn the_lists_hold_spdx_ids() {
        let lines = LISTS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        for id in lines.flat_map(|(_, ids)| ids.split_whitespace()) {
            assert!(LICENSES.iter().any(|license| license.name == id || license.name == format!("{id}-only")), "{id}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_graded(text in "\\PC{0,60}", more in "(MIT|OR|AND|WITH|\\(|\\)|\\+| ){0,12}") {
            Grade::of(Some(&text), Type::Code);
            Grade::of(Some(&more), Type::Data);
        }
    }
}
