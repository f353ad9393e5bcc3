//! Lineages in a real store, and what they come to.

use super::*;
use crate::Manifest;
use ledger::{ArtifactId, Digest, Kind};
use std::collections::BTreeMap;

/// Artifacts in a store of their own.
struct Scene {
    store: Store,
    works: Vec<Work>,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: Store::open(dir.path()).unwrap(), works: Vec::new(), _dir: dir }
    }

    /// Publishes files, each as `path` or `path=content`, under a license, built on works by name.
    fn publish(&mut self, (kind, name): (Kind, &str), license: Option<&str>, parents: &[&str], files: &[&str]) {
        let file = |text: &&str| {
            let (path, content) = text.split_once('=').unwrap_or((text, "something"));
            let content = content.replace("\\n", "\n");
            (path.to_owned(), self.store.put_bytes(content.as_bytes()).unwrap(), content.len() as u64)
        };
        let said = license.map(|license| ("org.opencontainers.image.licenses".to_owned(), license.to_owned()));
        let note = ("org.opencontainers.image.title".to_owned(), name.to_owned());
        let annotations: BTreeMap<_, _> = said.into_iter().chain([note]).collect();
        let manifest = Manifest::new(files.iter().map(file).collect(), annotations).unwrap();
        let id: ArtifactId = self.store.put_manifest(&manifest, None).unwrap();
        let parents = parents.iter().map(|parent| self.work(parent).id).collect();
        // The newest first, as its lineage follows it.
        self.works.insert(0, Work { id, name: name.into(), kind, parents });
    }

    fn work(&self, name: &str) -> &Work {
        self.works.iter().find(|work| work.name == name).unwrap()
    }

    fn openness(&self) -> Openness {
        Openness::of(&self.store, &self.works)
    }

    /// A dataset, a recipe and a base that has everything.
    fn base(&mut self) {
        let data = ["README.md", "train.jsonl", "test.jsonl"];
        self.publish(
            (Kind::Dataset, "you/tales"),
            Some("CDLA-Permissive-2.0"),
            &[],
            &[&data[..], &DATA_TEXTS].concat(),
        );
        let recipe = ["model.py", "prepare.py", "train.py", "evaluate.py", "generate.py"];
        self.publish((Kind::Recipe, "you/recipe"), Some("Apache-2.0"), &[], &recipe);
        self.publish((Kind::Model, "you/base"), Some("Apache-2.0"), &["you/tales", "you/recipe"], &BASE);
    }
}

const CARD: &str = "README.md=---\\nlicense: apache-2.0\\n---\\n# Tiny";
const DATA_TEXTS: [&str; 1] = ["LICENSES/CC-BY-4.0.txt"];
const BASE: [&str; 7] = [
    CARD,
    "model.gguf",
    "checkpoints/500.gguf=half",
    "PAPER.md",
    "EVALUATION.md",
    "LICENSES/CC-BY-4.0.txt=the text",
    "LICENSES/CDLA-Permissive-2.0.txt=another text",
];

fn missing_of(openness: &Openness, class: Class) -> Vec<&'static str> {
    let toward = openness.classes.iter().find(|toward| toward.progress.class == class).unwrap();
    toward.missing.iter().map(|part| part.name()).collect()
}

fn of(openness: &Openness, part: Part) -> &Component {
    openness.components.iter().find(|component| component.part == part).unwrap()
}

fn files(openness: &Openness, part: Part) -> Vec<String> {
    of(openness, part).files.iter().map(|file| format!("{}:{}", file.artifact, file.path)).collect()
}

#[test]
fn a_model_with_everything_is_class_one_and_nothing_is_missing() {
    let mut scene = Scene::new();
    scene.base();
    let openness = scene.openness();
    assert_eq!(openness.class, Some(Class::I), "{:#?}", openness.classes);
    for toward in &openness.classes {
        assert_eq!((toward.progress.percent, toward.missing.len(), toward.sentences.len()), (100, 0, 0), "{toward:?}");
    }
    assert!(openness.osaid.iter().all(|answer| answer.yes) && openness.notes.is_empty() && openness.absent.is_empty());
    // Each under a license that is made for its type: the folder LICENSES has one for each.
    let unfit: Vec<_> = openness
        .components
        .iter()
        .filter(|component| component.grade.is_some_and(|grade| grade != Grade::Fit))
        .collect();
    assert!(unfit.is_empty(), "{unfit:#?}");
    assert_eq!(files(&openness, Part::Datasets), ["you/tales:train.jsonl"]);
    assert_eq!(files(&openness, Part::EvaluationData), ["you/tales:test.jsonl"]);
    assert_eq!(of(&openness, Part::EvaluationResults).files[0].license.as_deref(), Some("CC-BY-4.0"));
    let text = serde_json::to_string(&openness).unwrap();
    assert_eq!(serde_json::from_str::<Openness>(&text).unwrap(), openness);
    assert!(text.contains("\"part\":\"Training code\"") && text.contains("\"class\":\"I\""), "{text}");
}

#[test]
fn each_file_that_is_taken_away_costs_what_it_stood_for() {
    // What is taken away, the class that is left, and what it then misses for class I.
    let table = [
        ("you/tales", "README.md", None, "Data card"),
        ("you/tales", "train.jsonl", Some(Class::II), "Datasets"),
        ("you/tales", "test.jsonl", Some(Class::III), "Evaluation data"),
        ("you/recipe", "prepare.py", Some(Class::II), "Data preprocessing code"),
        ("you/recipe", "train.py", Some(Class::III), "Training code"),
        ("you/recipe", "evaluate.py", Some(Class::III), "Evaluation code"),
        ("you/recipe", "generate.py", Some(Class::III), "Inference code"),
        ("you/base", "model.gguf", None, "Model parameters (Final)"),
        ("you/base", "README.md", None, "Model card"),
        ("you/base", "EVALUATION.md", None, "Evaluation results"),
        ("you/base", "checkpoints/500.gguf", Some(Class::II), "Model parameters (Intermediate)"),
    ];
    for (whose, path, class, missing) in table {
        let mut scene = Scene::new();
        scene.base();
        let manifest = scene.store.manifest(scene.work(whose).id).unwrap();
        let taken = manifest.files().iter().find(|file| file.path() == path).unwrap();
        // The same bytes stand for other files too: what is gone is one name.
        let left = manifest.files().iter().filter(|file| *file != taken);
        let left = left.map(|file| (file.path().to_owned(), file.digest, file.size)).collect();
        let id = scene.store.put_manifest(&Manifest::new(left, manifest.annotations().clone()).unwrap(), None).unwrap();
        let old = scene.work(whose).id;
        for work in &mut scene.works {
            work.parents.iter_mut().chain([&mut work.id]).filter(|each| **each == old).for_each(|each| *each = id);
        }
        let openness = scene.openness();
        assert_eq!(openness.class, class, "{path}");
        assert_eq!(missing_of(&openness, Class::I), [missing], "{path}");
        let toward = &openness.classes[2];
        assert!(
            toward.sentences[0].starts_with(&format!("{missing}: ")) && toward.progress.percent < 100,
            "{toward:?}"
        );
    }
    // The paper stands for the report; without both, class III is not reached.
    let mut scene = Scene::new();
    scene.publish((Kind::Dataset, "you/tales"), Some("CC0-1.0"), &[], &["README.md", "train.jsonl"]);
    let model = [CARD, "model.gguf", "EVALUATION.md"];
    scene.publish((Kind::Model, "you/tiny"), Some("Apache-2.0"), &["you/tales"], &model);
    assert_eq!(missing_of(&scene.openness(), Class::III), ["Technical report"]);
    scene.publish(
        (Kind::Model, "you/tiny"),
        Some("Apache-2.0"),
        &["you/tales"],
        &[&model[..], &["REPORT.md"]].concat(),
    );
    assert_eq!(scene.openness().class, Some(Class::III));
}

#[test]
fn what_is_built_on_it_is_open_only_with_its_own_training() {
    let mut scene = Scene::new();
    scene.base();
    let tuned = [CARD, "model.gguf=tuned", "PAPER.md", "EVALUATION.md"];
    scene.publish((Kind::Model, "me/secret"), Some("Apache-2.0"), &["you/base"], &tuned);
    let openness = scene.openness();
    assert_eq!(openness.class, None);
    assert_eq!(missing_of(&openness, Class::I), ["Data card", "Training code", "Datasets", "Data preprocessing code"]);
    assert_eq!(of(&openness, Part::Datasets).lacking, ["me/secret"]);
    assert!(of(&openness, Part::Datasets).sentence.as_ref().unwrap().contains("none for me/secret"));

    scene.works.remove(0);
    scene.publish((Kind::Dataset, "me/talk"), Some("CC-BY-4.0"), &[], &["README.md", "talk.jsonl"]);
    let parents = ["you/base", "you/recipe", "me/talk"];
    scene.publish((Kind::Model, "me/talker"), Some("Apache-2.0"), &parents, &tuned);
    let openness = scene.openness();
    assert_eq!(openness.class, Some(Class::I), "{:#?}", openness.classes);
    assert_eq!(files(&openness, Part::Datasets), ["me/talk:talk.jsonl", "you/tales:train.jsonl"]);
    assert_eq!(files(&openness, Part::ModelCard), ["me/talker:README.md"]);
}

#[test]
fn what_was_only_converted_needs_no_training() {
    let card = "README.md=---\\nbase_model: you/base\\nbase_model_relation: quantized\\n---\\n# Smaller";
    let mut scene = Scene::new();
    scene.base();
    scene.publish((Kind::Model, "me/small"), Some("Apache-2.0"), &["you/base"], &[card, "small.gguf=small"]);
    let openness = scene.openness();
    assert_eq!(openness.class, Some(Class::I), "{:#?}", openness.classes);
    assert_eq!(files(&openness, Part::FinalParameters), ["me/small:small.gguf"]);
    assert_eq!(files(&openness, Part::EvaluationResults), ["you/base:EVALUATION.md"]);
}

#[test]
fn a_base_that_is_not_in_the_lineage_is_missed() {
    let card = "README.md=---\\nbase_model: acme/closed\\n---\\n# Mine";
    let mut scene = Scene::new();
    scene.base();
    let files = [&[card], &BASE[1..]].concat();
    scene.publish((Kind::Model, "me/tuned"), Some("Apache-2.0"), &["you/tales", "you/recipe"], &files);
    let openness = scene.openness();
    assert_eq!(of(&openness, Part::TrainingCode).lacking, ["acme/closed"]);
    assert_eq!(openness.class, None);
}

#[test]
fn an_adapter_stands_on_the_weights_that_it_changes() {
    let mut scene = Scene::new();
    scene.publish((Kind::Adapter, "me/accent"), Some("MIT"), &[], &["adapter_model.safetensors"]);
    let alone = scene.openness();
    assert_eq!(of(&alone, Part::FinalParameters).lacking, ["the model that it changes"]);

    let mut scene = Scene::new();
    scene.base();
    scene.publish((Kind::Adapter, "me/accent"), Some("MIT"), &["you/base"], &["adapter_model.safetensors"]);
    let openness = scene.openness();
    let both = ["me/accent:adapter_model.safetensors", "you/base:model.gguf"];
    assert_eq!(files(&openness, Part::FinalParameters), both);
}

#[test]
fn one_closed_dataset_closes_the_datasets() {
    let mut scene = Scene::new();
    scene.publish((Kind::Dataset, "a/open"), Some("CC0-1.0"), &[], &["README.md", "a.jsonl"]);
    // The card of a dataset speaks for it.
    let card = "README.md=---\\nlicense: cc-by-nc-4.0\\n---\\n";
    scene.publish((Kind::Dataset, "b/closed"), Some("CC0-1.0"), &[], &[card, "b.jsonl"]);
    scene.publish((Kind::Model, "me/both"), None, &["a/open", "b/closed"], &["model.gguf"]);
    let openness = scene.openness();
    let datasets = of(&openness, Part::Datasets);
    assert_eq!((datasets.count, datasets.grade), (2, Some(Grade::Closed)));
    assert_eq!(
        datasets.sentence.as_deref(),
        Some("Datasets: cc-by-nc-4.0 (b.jsonl) is not an open license that SPDX knows")
    );
    assert_eq!(of(&openness, Part::FinalParameters).grade, Some(Grade::None));
    assert!(
        of(&openness, Part::FinalParameters).sentence.as_ref().unwrap().contains("nobody says under which license")
    );
}

#[test]
fn a_file_says_its_own_license() {
    let mut scene = Scene::new();
    let train = "train.py=#!/usr/bin/env python3\\n# SPDX-License-Identifier: LicenseRef-Mine\\n";
    let report = "REPORT.md=<!-- SPDX-License-Identifier: CC-BY-4.0 -->\\n# Report";
    scene.publish((Kind::Model, "me/tiny"), Some("MIT"), &[], &[train, report, "inference.py"]);
    let openness = scene.openness();
    assert_eq!(of(&openness, Part::TrainingCode).grade, Some(Grade::Closed));
    assert_eq!(of(&openness, Part::InferenceCode).grade, Some(Grade::Fit));
    assert_eq!(of(&openness, Part::TechnicalReport).grade, Some(Grade::Fit));
}

#[test]
fn a_declaration_is_believed_only_where_its_files_are() {
    let declared = "mof.yml=release:\\n  license:\\n    document: {name: CC-BY-4.0}\\n  components:\\n  \
        - {name: Training code, component_path: scripts/, license: Apache-2.0}\\n  \
        - {name: Datasets, component_path: 'https://example.org/data'}\\n  \
        - {name: Technical report, component_path: ./notes.md}\\n  \
        - {name: Evaluation data, component_path: held.jsonl}\\n  \
        - {name: Nonsense, component_path: notes.md}\\n";
    let mut scene = Scene::new();
    scene.publish((Kind::Dataset, "a/data"), Some("CC0-1.0"), &[], &["held.jsonl"]);
    scene.publish((Kind::Model, "me/tiny"), None, &["a/data"], &[declared, "scripts/a.xyz", "notes.md", "train.py"]);
    let openness = scene.openness();
    assert_eq!(files(&openness, Part::TrainingCode), ["me/tiny:scripts/a.xyz"]);
    assert_eq!(of(&openness, Part::TrainingCode).grade, Some(Grade::Fit));
    assert_eq!(of(&openness, Part::TechnicalReport).files[0].license.as_deref(), Some("CC-BY-4.0"));
    assert_eq!(files(&openness, Part::EvaluationData), ["a/data:held.jsonl"]);
    assert_eq!(openness.notes.len(), 1);
    assert!(openness.notes[0].contains("https://example.org/data"), "{:?}", openness.notes);

    scene.publish((Kind::Model, "me/bad"), None, &[], &["mof.yml=release: [", "train.py"]);
    let openness = scene.openness();
    assert!(openness.notes[0].starts_with("mof.yml of me/bad is not believed"), "{:?}", openness.notes);
    assert_eq!(files(&openness, Part::TrainingCode), ["me/bad:train.py"]);
}

#[test]
fn evaluations_that_name_it_as_their_parent_judge_it() {
    let mut scene = Scene::new();
    scene.publish((Kind::Model, "me/tiny"), Some("MIT"), &[], &["model.gguf"]);
    scene.publish(
        (Kind::Evaluation, "they/judge"),
        Some("CC-BY-4.0"),
        &["me/tiny"],
        &["results.json", "questions.jsonl", "run.py"],
    );
    scene.works.reverse();
    let openness = scene.openness();
    assert_eq!(files(&openness, Part::EvaluationResults), ["they/judge:results.json"]);
    assert_eq!(files(&openness, Part::EvaluationData), ["they/judge:questions.jsonl"]);
    assert_eq!(files(&openness, Part::EvaluationCode), ["they/judge:run.py"]);
}

#[test]
fn only_files_that_are_here_count() {
    let mut scene = Scene::new();
    scene.base();
    let dataset = scene.work("you/tales").id;
    let file = scene.store.manifest(scene.work("you/base").id).unwrap();
    let weights = file.files().iter().find(|file| file.path() == "checkpoints/500.gguf").unwrap().digest;
    std::fs::remove_file(scene.store.path(weights)).unwrap();
    assert_eq!(missing_of(&scene.openness(), Class::I), ["Model parameters (Intermediate)"]);
    std::fs::remove_file(scene.store.path(dataset)).unwrap();
    let openness = scene.openness();
    assert_eq!((openness.class, openness.absent.as_slice()), (None, &["you/tales".to_owned()][..]));
}

#[test]
fn data_has_no_class_but_says_what_it_brings() {
    let mut scene = Scene::new();
    scene.publish((Kind::Dataset, "you/tales"), Some("CC0-1.0"), &[], &["README.md", "train.jsonl"]);
    let openness = scene.openness();
    assert!(openness.class.is_none() && openness.classes.is_empty() && openness.osaid.is_empty());
    assert_eq!(openness.components.len(), 2);
    assert_eq!(Openness::of(&scene.store, &[]), Openness::nothing());
    let unknown = Work { id: Digest([7; 32]), name: "no/body".into(), kind: Kind::Model, parents: Vec::new() };
    let openness = Openness::of(&scene.store, &[unknown]);
    assert_eq!((openness.class, openness.absent.len()), (None, 1));
    assert!(openness.components.iter().all(|component| component.grade.is_none()));
}

#[test]
fn the_definition_asks_three_questions() {
    let mut scene = Scene::new();
    scene.publish((Kind::Model, "me/tiny"), Some("MIT"), &[], &["model.gguf", "DATA_CARD.md", "train.py"]);
    let osaid = scene.openness().osaid;
    let said: Vec<_> = osaid.iter().map(|answer| (answer.question, answer.yes)).collect();
    assert_eq!(said, [(Question::DataInformation, true), (Question::Code, false), (Question::Parameters, true)]);
    assert_eq!(osaid[1].missing, [Part::PreprocessingCode, Part::InferenceCode]);
}

#[test]
fn a_name_is_a_name_everywhere() {
    for part in Part::ALL {
        assert_eq!(serde_json::to_value(part).unwrap(), part.name());
        assert_eq!(Part::named(&part.name().to_uppercase()), Some(part));
    }
}

proptest::proptest! {
    #[test]
    fn any_declaration_is_read_or_refused(text in "\\PC{0,200}", junk in "[-a-z:{}\\[\\]'\"&*!|> \n]{0,200}") {
        drop(Declaration::parse(&text));
        drop(Declaration::parse(&format!("release:\n  components:\n  - {junk}")));
        drop(Declaration::parse(&junk));
    }
}
