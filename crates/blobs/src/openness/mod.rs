//! How open an artifact is, by the Model Openness Framework, computed from the files that are really here and their licenses:
//! never from what is claimed. `docs/openness.md` says what has to be there for which class.
//!
//! Components, classes and arithmetic are those of White and others, "The Model Openness Framework" (arXiv 2403.13784), as the
//! tool of its authors (lfai/model_openness_tool) applies them. Beside the class stand the three questions of the Open Source AI
//! Definition 1.0 of the Open Source Initiative.

mod calculator;
mod convention;
mod declaration;
mod license;
mod lineage;
mod part;
mod shelf;

pub use calculator::{Held, Progress, Sheet, class, missing, progress};
pub use convention::is_intermediate;
pub use declaration::{Declaration, Declared};
pub use license::Grade;
pub use part::{Class, Part, Type};
pub use shelf::Work;

use crate::Store;
use lineage::Lineage;
use serde::{Deserialize, Serialize};
use shelf::Shelf;

/// Files that are named for one component; the rest is counted.
const NAMED_MAX: usize = 20;

/// How open an artifact is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openness {
    /// The best class that is reached; none as well for what the framework does not class: data, recipes, evaluations.
    pub class: Option<Class>,
    /// What each class still needs, from what is easiest to reach. Empty for what the framework does not class.
    pub classes: Vec<Toward>,
    /// Each component of the framework, present or not.
    pub components: Vec<Component>,
    /// The questions of the Open Source AI Definition.
    pub osaid: Vec<Answer>,
    /// Works of the lineage whose files are not on this machine, so that they bring nothing.
    pub absent: Vec<String>,
    /// What a declaration says and is not believed.
    pub notes: Vec<String>,
}

/// What a class still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toward {
    /// Which, and how far it is.
    #[serde(flatten)]
    pub progress: Progress,
    /// Components that are missing or not open.
    pub missing: Vec<Part>,
    /// The same in sentences that say what to do.
    pub sentences: Vec<String>,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Which.
    pub part: Part,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Type,
    /// The first class that knows it.
    pub class: Class,
    /// False if it is optional.
    pub required: bool,
    /// What its license is worth; none if the component is missing or only a part of it is there.
    pub grade: Option<Grade>,
    /// The files that stand for it, the first few.
    pub files: Vec<Stands>,
    /// How many there are.
    pub count: usize,
    /// Works for which it is missing, where only a part of it is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<String>,
    /// Why it does not count, or what would be better, and what to do; none if all is well.
    pub sentence: Option<String>,
}

/// A file that stands for a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stands {
    /// Whose.
    pub artifact: String,
    /// Within it.
    pub path: String,
    /// An SPDX expression.
    pub license: Option<String>,
}

/// A question of the Open Source AI Definition: is this part of the preferred form for making modifications there?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which part.
    pub question: Question,
    /// If it is there, under open terms.
    pub yes: bool,
    /// Which components are missing for it or not open.
    pub missing: Vec<Part>,
}

/// What the definition asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Information about the data, with which a skilled person can build an equivalent system. Not the data itself.
    DataInformation,
    /// The code that trains and runs it.
    Code,
    /// The weights.
    Parameters,
}

impl Openness {
    /// Computes it. `works` begins with the artifact; all its ancestors follow, and any evaluations that name one of these as
    /// their parent. Files that are not in the store do not count.
    pub fn of(store: &Store, works: &[Work]) -> Self {
        let Some(first) = works.first() else { return Self::nothing() };
        let lineage = Lineage::read(store, works.iter().map(|work| Shelf::read(store, work)).collect());
        let components: Vec<_> = Part::ALL.into_iter().map(|part| lineage.component(part)).collect();
        let (absent, notes) = (lineage.absent(), lineage.notes);
        if !first.kind.runs() {
            let components = components.into_iter().filter(|component| component.count > 0).collect();
            return Self { components, absent, notes, ..Self::nothing() };
        }
        let held = |component: &Component| Some((component.part, Held { grade: component.grade?, own: true }));
        let sheet: Sheet = components.iter().filter_map(held).collect();
        let toward = |class| Toward::of(&sheet, &components, class);
        Self {
            class: class(&sheet),
            classes: Class::ALL.into_iter().map(toward).collect(),
            osaid: Answer::all(&sheet),
            components,
            absent,
            notes,
        }
    }

    fn nothing() -> Self {
        let (classes, components, osaid) = Default::default();
        Self { class: None, classes, components, osaid, absent: Vec::new(), notes: Vec::new() }
    }
}

impl Toward {
    fn of(sheet: &Sheet, components: &[Component], class: Class) -> Self {
        let missing = missing(sheet, class);
        let of = |part: &Part| components.iter().find(|component| component.part == *part)?.sentence.clone();
        Self { progress: progress(sheet, class), sentences: missing.iter().filter_map(of).collect(), missing }
    }
}

impl Component {
    fn new(part: Part, grade: Option<Grade>, mut files: Vec<Stands>, lacking: &[String]) -> Self {
        let sentence = sentence(part, grade, &files, lacking);
        let count = files.len();
        files.truncate(NAMED_MAX);
        Self {
            part,
            kind: part.kind(),
            class: part.class(),
            required: part.required(),
            grade,
            files,
            count,
            lacking: lacking.to_vec(),
            sentence,
        }
    }
}

fn sentence(part: Part, grade: Option<Grade>, files: &[Stands], lacking: &[String]) -> Option<String> {
    let (name, advice) = (part.name(), part.advice());
    let worst = files.iter().find(|file| Some(Grade::of(file.license.as_deref(), part.kind())) == grade);
    let (path, license) = worst.map_or(("", ""), |file| (&*file.path, file.license.as_deref().unwrap_or_default()));
    let kind = part.kind().name();
    match grade {
        Some(Grade::Fit) => None,
        Some(Grade::Open) => {
            Some(format!("{name}: {license} ({path}) is open, but made for another type than {kind}; it counts"))
        }
        Some(Grade::Closed) => Some(format!("{name}: {license} ({path}) is not an open license that SPDX knows")),
        Some(Grade::None) => Some(format!("{name}: nobody says under which license {path} is; state it as an SPDX id")),
        None if !lacking.is_empty() => Some(format!("{name}: there is none for {}; {advice}", lacking.join(", "))),
        None => Some(format!("{name}: it is not among the stored files; {advice}")),
    }
}

impl Answer {
    fn all(sheet: &Sheet) -> Vec<Self> {
        let open = |part: &Part| sheet.get(part).is_some_and(|held| held.grade.is_open());
        let answer = |question, parts: &[Part]| {
            let missing: Vec<_> = parts.iter().copied().filter(|part| !open(part)).collect();
            Self { question, yes: missing.is_empty(), missing }
        };
        let code = [Part::TrainingCode, Part::PreprocessingCode, Part::InferenceCode];
        vec![
            answer(Question::DataInformation, &[Part::DataCard]),
            answer(Question::Code, &code),
            answer(Question::Parameters, &[Part::FinalParameters]),
        ]
    }
}

#[cfg(test)]
mod tests;
