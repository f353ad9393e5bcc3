//! From an artifact and its lineage to components: what counts for which, and from where.

use ledger::Kind;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Component, Stands,
    license::Grade,
    part::Part,
    shelf::{Found, Shelf},
};
use crate::Store;

/// Whose files may stand for a component.
enum Scope {
    /// The artifact's, and of what is its own: the data, recipes and evaluations that it stands on or that judge it.
    Itself,
    /// Each training's in the lineage, so that a model does not look as open as what it was made from.
    EveryTraining,
    /// Anything's in the lineage.
    Anywhere,
}

const fn scope(part: Part) -> Scope {
    match part {
        Part::FinalParameters
        | Part::ModelCard
        | Part::TechnicalReport
        | Part::ResearchPaper
        | Part::EvaluationResults
        | Part::SampleOutputs => Scope::Itself,
        Part::TrainingCode | Part::PreprocessingCode | Part::Datasets | Part::DataCard => Scope::EveryTraining,
        _ => Scope::Anywhere,
    }
}

/// An artifact with its lineage, read.
pub struct Lineage<'a> {
    store: &'a Store,
    /// The artifact first.
    shelves: Vec<Shelf<'a>>,
    /// Which of them count: the artifact and its ancestors, the nearest first, and evaluations of any of these.
    everything: Vec<usize>,
    /// For each shelf, what of which shelf stands for what.
    brought: Vec<BTreeMap<Part, Vec<(usize, Found)>>>,
    /// What of a declaration was not believed.
    pub notes: Vec<String>,
}

/// The files for a component, and for whom there are none.
#[derive(Default)]
struct Gathered {
    files: Vec<(usize, Found)>,
    lacking: Vec<String>,
}

impl<'a> Lineage<'a> {
    pub fn read(store: &'a Store, shelves: Vec<Shelf<'a>>) -> Self {
        let mut lineage = Self { store, brought: Vec::new(), notes: Vec::new(), everything: Vec::new(), shelves };
        lineage.everything = lineage.reached();
        for at in 0..lineage.shelves.len() {
            let brought = lineage.brought_by(at);
            lineage.brought.push(brought);
        }
        lineage
    }

    /// Names of the works whose manifests are not here.
    pub fn absent(&self) -> Vec<String> {
        {
            let shelves = self.everything.iter().map(|at| &self.shelves[*at]);
            shelves.filter(|shelf| !shelf.here).map(|shelf| shelf.work.name.clone()).collect()
        }
    }

    /// The component, present or not.
    pub fn component(&self, part: Part) -> Component {
        let gathered = self.gather(part);
        let grade = worst(&gathered.files, part).filter(|_| gathered.lacking.is_empty());
        let stands = |(at, found): (usize, Found)| Stands {
            artifact: self.shelves[at].work.name.clone(),
            path: found.path,
            license: found.license,
        };
        let files = gathered.files.into_iter().map(stands).collect();
        Component::new(part, grade, files, &gathered.lacking)
    }

    fn gather(&self, part: Part) -> Gathered {
        let itself = self.stage(0);
        match scope(part) {
            _ if !self.shelves[0].work.kind.runs() => self.all(&itself, part),
            Scope::Itself if part == Part::FinalParameters => self.weights(),
            Scope::Itself => self.nearest(&itself, part),
            Scope::EveryTraining => self.every_training(part),
            Scope::Anywhere => {
                let found = self.nearest(&self.everything, part);
                if part == Part::Architecture && found.files.is_empty() { self.shape() } else { found }
            }
        }
    }

    /// All files for it in some works.
    fn all(&self, works: &[usize], part: Part) -> Gathered {
        let files = works.iter().flat_map(|at| self.brought[*at].get(&part)).flatten().cloned().collect();
        Gathered { files, lacking: Vec::new() }
    }

    /// The files for it in one work: the nearest of those whose license is the best.
    fn nearest(&self, works: &[usize], part: Part) -> Gathered {
        let worth = |at: &usize| worst(self.brought[*at].get(&part)?, part);
        let best = works.iter().filter_map(|at| Some((worth(at)?, *at))).min_by_key(|(grade, _)| *grade);
        best.map(|(_, at)| self.all(&[at], part)).unwrap_or_default()
    }

    /// All files for it, of each training.
    fn every_training(&self, part: Part) -> Gathered {
        let mut gathered = Gathered::default();
        for at in self.everything.iter().copied().filter(|at| self.shelves[*at].work.kind.runs()) {
            let shelf = &self.shelves[at];
            let found = if shelf.is_converted() { Gathered::default() } else { self.all(&self.stage(at), part) };
            if found.files.is_empty() && !shelf.is_converted() {
                gathered.lacking.push(shelf.work.name.clone());
            }
            if self.parents(at).all(|parent| !self.shelves[parent].work.kind.runs()) {
                gathered.lacking.extend(shelf.bases().iter().cloned());
            }
            gathered.files.extend(found.files);
        }
        let mut seen = BTreeSet::new();
        gathered.files.retain(|(at, found)| seen.insert((*at, found.path.clone())));
        gathered.lacking.dedup();
        gathered
    }

    /// The artifact's weights; an adapter's with those of the model that it changes.
    fn weights(&self) -> Gathered {
        let mut gathered = self.all(&[0], Part::FinalParameters);
        if gathered.files.is_empty() {
            return gathered;
        }
        if self.shelves[0].work.kind == Kind::Adapter {
            let models = self.everything.iter().copied().filter(|at| self.shelves[*at].work.kind == Kind::Model);
            let base = models.map(|at| self.all(&[at], Part::FinalParameters)).find(|base| !base.files.is_empty());
            match base {
                Some(base) => gathered.files.extend(base.files),
                None => gathered.lacking.push("the model that it changes".into()),
            }
        }
        gathered
    }

    /// The architecture as a configuration or a header tells it.
    fn shape(&self) -> Gathered {
        let of =
            |at: usize| -> Vec<_> { self.shelves[at].shape(self.store).into_iter().map(|found| (at, found)).collect() };
        let files = self.everything.iter().copied().map(of).find(|files| !files.is_empty());
        Gathered { files: files.unwrap_or_default(), lacking: Vec::new() }
    }

    fn parents(&self, at: usize) -> impl Iterator<Item = usize> {
        let ids = &self.shelves[at].work.parents;
        ids.iter().filter_map(|id| self.shelves.iter().position(|shelf| shelf.work.id == *id))
    }

    fn reached(&self) -> Vec<usize> {
        let (mut reached, mut next) = (vec![0], 0);
        let add = |reached: &mut Vec<usize>, at: usize| {
            if !reached.contains(&at) {
                reached.push(at);
            }
        };
        while let Some(at) = reached.get(next).copied() {
            self.parents(at).for_each(|parent| add(&mut reached, parent));
            next += 1;
        }
        for at in reached.clone() {
            self.judges(at).for_each(|judge| add(&mut reached, judge));
        }
        reached
    }

    /// The evaluations that name a work as their parent.
    fn judges(&self, at: usize) -> impl Iterator<Item = usize> {
        let judged = self.shelves[at].work.id;
        let judges =
            move |shelf: &Shelf<'_>| shelf.work.kind == Kind::Evaluation && shelf.work.parents.contains(&judged);
        self.shelves.iter().enumerate().filter(move |(_, shelf)| judges(shelf)).map(|(other, _)| other)
    }

    /// A work with what is its own: the data, recipes and evaluations that it stands on, directly or through others of these, and
    /// the evaluations that name it as their parent. What was only converted is of one piece with what it was converted from.
    fn stage(&self, at: usize) -> Vec<usize> {
        let (mut stage, mut waiting) = (Vec::new(), vec![at]);
        while let Some(at) = waiting.pop() {
            if stage.contains(&at) {
                continue;
            }
            stage.push(at);
            let through = |parent: &usize| !self.shelves[*parent].work.kind.runs() || self.shelves[at].is_converted();
            waiting.extend(self.parents(at).filter(through));
            waiting.extend(self.judges(at));
        }
        stage
    }

    /// What a work brings: by its declaration where that names files which are here, else by convention.
    fn brought_by(&mut self, at: usize) -> BTreeMap<Part, Vec<(usize, Found)>> {
        let own = |found: Vec<Found>| found.into_iter().map(|found| (at, found)).collect();
        let conventional = self.shelves[at].by_convention(self.store).into_iter();
        let mut brought: BTreeMap<Part, Vec<_>> = conventional.map(|(part, found)| (part, own(found))).collect();
        let name = &self.shelves[at].work.name;
        let declared = match &self.shelves[at].declaration {
            None => return brought,
            Some(Err(reason)) => {
                self.notes.push(format!("mof.yml of {name} is not believed: {reason}"));
                return brought;
            }
            Some(Ok(declaration)) => &declaration.components,
        };
        for component in declared {
            let Some(location) = &component.path else { continue };
            let files = self.named(at, location, component.part, component.license.as_ref());
            if files.is_empty() {
                let part = component.part.name();
                let note =
                    format!("mof.yml of {name} names {location} for \"{part}\", which is not among the stored files");
                self.notes.push(note);
            } else {
                brought.insert(component.part, files);
            }
        }
        brought
    }

    /// The files at a location that a declaration names: of its own artifact, or of the nearest that has some.
    fn named(&self, at: usize, location: &str, part: Part, license: Option<&String>) -> Vec<(usize, Found)> {
        let order = std::iter::once(at).chain(self.everything.iter().copied().filter(|other| *other != at));
        let files = |at: usize| -> Vec<_> {
            let shelf = &self.shelves[at];
            let found = |path: &str| match license {
                Some(license) => Found { path: path.to_owned(), license: Some(license.clone()) },
                None => shelf.found(self.store, part.kind(), path),
            };
            shelf.at(location).into_iter().map(|path| (at, found(path))).collect()
        };
        order.map(files).find(|files| !files.is_empty()).unwrap_or_default()
    }
}

/// Whatever stands for a component must be open: the worst license counts.
fn worst(files: &[(usize, Found)], part: Part) -> Option<Grade> {
    Grade::of_all(files.iter().map(|(_, found)| found.license.as_deref()), part.kind())
}
