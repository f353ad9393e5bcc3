//! The framework's arithmetic: from components and the worth of their licenses to a class.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{
    license::Grade,
    part::{Class, Part},
};

/// A component that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What its license is worth.
    pub grade: Grade,
    /// True if that license is its own, not one for the whole release.
    pub own: bool,
}

/// The components that are there.
pub type Sheet = BTreeMap<Part, Held>;

/// How far a release is on its way to a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Toward which.
    pub class: Class,
    /// 100 exactly when it is reached.
    pub percent: u8,
}

/// The class that is reached, if one is. The percentages have no part in this.
pub fn class(sheet: &Sheet) -> Option<Class> {
    Class::ALL.into_iter().rev().find(|class| missing(sheet, *class).is_empty())
}

/// What a class needs and is not there under an open license. A research paper stands for the technical report, which then is
/// not missing.
pub fn missing(sheet: &Sheet, class: Class) -> Vec<Part> {
    needs(class).filter(|part| !counts(sheet, *part)).collect()
}

/// How far it is to each class.
///
/// The framework says what a class needs, not how to count on the way there. How its authors count shows in the names of
/// their tool's test files, and this is the rule that agrees with all of those that we have: once the class before is reached,
/// what counts is what this class needs; until then optional tools and samples that have a license of their own count too,
/// and toward class I the paper counts and not the report.
pub fn progress(sheet: &Sheet, class: Class) -> Progress {
    let reached = |before: Class| missing(sheet, before).is_empty();
    let counted: Vec<Part> = match class.before() {
        Some(before) if !reached(before) => on_the_way(class).collect(),
        _ => needs(class).filter(|part| !waived(sheet, class, *part)).collect(),
    };
    let have = counted.iter().filter(|part| counts(sheet, **part) && (part.required() || sheet[*part].own)).count();
    let percent = (have * 100 + counted.len() / 2) / counted.len();
    Progress { class, percent: u8::try_from(percent).expect("a part of the whole") }
}

/// Everything that a class needs.
fn needs(class: Class) -> impl Iterator<Item = Part> {
    Part::ALL.into_iter().filter(move |part| part.required() && part.class() >= class)
}

/// What is counted toward a class while the one before it is not reached.
fn on_the_way(class: Class) -> impl Iterator<Item = Part> {
    let all = Part::ALL.into_iter().filter(move |part| part.class() >= class);
    all.filter(move |part| match part {
        Part::SampleOutputs => class == Class::I,
        Part::TechnicalReport => class != Class::I,
        Part::Metadata => false,
        _ => true,
    })
}

/// True if a paper that class I needs anyway stands for the report, so that one thing is needed less.
fn waived(sheet: &Sheet, class: Class, part: Part) -> bool {
    let open = |part| sheet.get(&part).is_some_and(|held| held.grade.is_open());
    class == Class::I && part == Part::TechnicalReport && !open(part) && open(Part::ResearchPaper)
}

fn counts(sheet: &Sheet, part: Part) -> bool {
    let open = |part| sheet.get(&part).is_some_and(|held| held.grade.is_open());
    open(part) || (part == Part::TechnicalReport && open(Part::ResearchPaper))
}
