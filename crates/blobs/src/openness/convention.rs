//! Which component a file is, told from its name and from what its artifact is. `docs/openness.md` has the same as a table.

use ledger::Kind;

use super::part::Part;

const CODE: &[&str] = &[
    "py", "ipynb", "rs", "c", "cc", "cpp", "cu", "h", "hpp", "go", "java", "jl", "js", "ts", "r", "sh", "lua", "swift",
];
const TEXT: &[&str] = &["md", "txt", "pdf", "tex", "html", "rst"];
const DATA: &[&str] =
    &["json", "jsonl", "ndjson", "csv", "tsv", "parquet", "arrow", "txt", "zst", "gz", "xz", "tar", "zip", "bin"];
/// Data in rows: questions rather than results.
const ROWS: &[&str] = &["jsonl", "ndjson", "parquet", "arrow"];
const TOOLS: &[&str] =
    &["requirements.txt", "pyproject.toml", "cargo.toml", "environment.yml", "dockerfile", "makefile"];

const ON_THE_WAY: &[&str] = &["checkpoint", "checkpoints", "ckpt", "intermediate", "step", "steps", "epoch", "iter"];
const STATE: &[&str] = &["optimizer", "scheduler", "trainer", "training", "rng"];
const JUDGING: &[&str] = &["eval", "evals", "evaluate", "evaluation", "benchmark", "benchmarks", "score"];
const RESULTS: &[&str] = &["result", "results", "score", "scores", "metrics", "leaderboard"];
const HELD_OUT: &[&str] = &["test", "tests", "heldout", "holdout"];
const OUTPUTS: &[&str] = &["sample", "samples", "output", "outputs", "example", "examples"];
const PREPARING: &[&str] = &[
    "preprocess",
    "preprocessing",
    "prepare",
    "tokenize",
    "clean",
    "filter",
    "dedup",
    "dedupe",
    "data",
    "dataset",
    "datasets",
];
const RUNNING: &[&str] = &["inference", "infer", "generate", "generation", "predict", "chat", "serve", "demo"];
const SHAPE: &[&str] = &["model", "models", "modeling", "modelling", "architecture", "network"];
const TRAINING: &[&str] =
    &["train", "training", "trainer", "pretrain", "finetune", "tune", "sft", "dpo", "grpo", "rl", "lora", "distill"];
const HELPING: &[&str] = &["lib", "libs", "tool", "tools", "util", "utils", "vendor", "setup", "install"];

/// The words of a path, in small letters, without numbers at their ends.
struct Words {
    file: String,
    folders: Vec<String>,
    stem: Vec<String>,
    extension: String,
}

impl Words {
    fn of(path: &str) -> Self {
        let path = path.to_lowercase();
        let (folders, file) = path.rsplit_once('/').unwrap_or(("", &path));
        let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
        Self { folders: split(folders), stem: split(stem), extension: extension.to_owned(), file: file.to_owned() }
    }

    fn ends(&self, extensions: &[&str]) -> bool {
        extensions.contains(&self.extension.as_str())
    }

    /// True if the file's name has one of the words.
    fn named(&self, words: &[&str]) -> bool {
        self.stem.iter().any(|word| words.contains(&word.as_str()))
    }

    /// True if the file's name or a folder has one of the words.
    fn under(&self, words: &[&str]) -> bool {
        self.named(words) || self.folders.iter().any(|word| words.contains(&word.as_str()))
    }

    fn card_of(&self, whom: &[&str]) -> bool {
        let card =
            |word: &String| whom.iter().any(|whom| *word == format!("{whom}card") || *word == format!("{whom}sheet"));
        self.stem.iter().any(card) || (self.named(whom) && self.named(&["card", "sheet"]))
    }
}

fn split(text: &str) -> Vec<String> {
    let words =
        text.split(|c: char| !c.is_alphanumeric()).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The component that a file stands for by its name; none if it tells nothing.
pub fn part(kind: Kind, path: &str) -> Option<Part> {
    let words = Words::of(path);
    if words.folders.first().is_some_and(|folder| folder == "licenses") || is_license(&words) {
        return None;
    }
    if matches!(words.extension.as_str(), "gguf" | "safetensors") {
        return kind.runs().then(|| weights(&words));
    }
    if TOOLS.contains(&words.file.as_str()) {
        return Some(Part::Libraries);
    }
    let text = || if words.ends(TEXT) { document(kind, path, &words) } else { None };
    if words.ends(CODE) { code(kind, &words) } else { text().or_else(|| data(kind, &words)) }
}

fn is_license(words: &Words) -> bool {
    words.stem.first().is_some_and(|word| matches!(word.as_str(), "license" | "licence" | "copying" | "notice"))
}

fn weights(words: &Words) -> Part {
    if words.named(STATE) {
        Part::Metadata
    } else if words.under(ON_THE_WAY) {
        Part::IntermediateParameters
    } else {
        Part::FinalParameters
    }
}

/// True of a weight file from during a training, which is kept for those who want to follow it and is no other model to run.
pub fn is_intermediate(path: &str) -> bool {
    weights(&Words::of(path)) == Part::IntermediateParameters
}

/// The first word that tells something decides: of the file's name, then of its folders.
fn code(kind: Kind, words: &Words) -> Option<Part> {
    let told = |word: &String| {
        let word = word.as_str();
        let table = [
            (JUDGING, Part::EvaluationCode),
            (TRAINING, Part::TrainingCode),
            (PREPARING, Part::PreprocessingCode),
            (RUNNING, Part::InferenceCode),
            (SHAPE, Part::Architecture),
            (HELPING, Part::Libraries),
        ];
        table.into_iter().find(|(names, _)| names.contains(&word)).map(|(_, part)| part)
    };
    let by_kind = match kind {
        Kind::Model | Kind::Adapter => None,
        Kind::Dataset => Some(Part::PreprocessingCode),
        Kind::Recipe => Some(Part::TrainingCode),
        Kind::Evaluation => Some(Part::EvaluationCode),
    };
    words.stem.iter().chain(words.folders.iter().rev()).find_map(told).or(by_kind)
}

fn document(kind: Kind, path: &str, words: &Words) -> Option<Part> {
    let readme = words.file == "readme.md" && !path.contains('/');
    if words.named(&["paper", "arxiv"]) || is_arxiv(words) {
        Some(Part::ResearchPaper)
    } else if words.named(&["report"]) && kind != Kind::Evaluation {
        Some(Part::TechnicalReport)
    } else if words.card_of(&["data", "dataset"]) || (readme && kind == Kind::Dataset) {
        Some(Part::DataCard)
    } else if kind.runs() && (words.card_of(&["model"]) || readme) {
        Some(Part::ModelCard)
    } else if words.named(JUDGING) || words.named(RESULTS) || (kind == Kind::Evaluation && words.extension != "txt") {
        Some(Part::EvaluationResults)
    } else if kind.runs() && words.under(OUTPUTS) {
        Some(Part::SampleOutputs)
    } else if words.extension == "pdf" {
        Some(Part::TechnicalReport)
    } else {
        None
    }
}

/// True for a PDF that is named as arXiv names it, such as 2403.13784v1.pdf.
fn is_arxiv(words: &Words) -> bool {
    let id = words.file.trim_end_matches(".pdf").split('v').next().unwrap_or_default();
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    words.extension == "pdf" && id.split_once('.').is_some_and(|(month, number)| digits(month, 4) && digits(number, 4))
}

fn data(kind: Kind, words: &Words) -> Option<Part> {
    if words.file == "croissant.json" {
        return Some(Part::DataCard);
    }
    if !words.ends(DATA) || words.stem.is_empty() || words.named(&["readme"]) {
        return None;
    }
    let judging = words.under(JUDGING) || words.under(HELD_OUT);
    match kind {
        Kind::Model | Kind::Adapter => model_data(words, judging),
        Kind::Dataset if words.named(&["dataset_infos", "infos", "info"]) => None,
        Kind::Dataset if judging => Some(Part::EvaluationData),
        Kind::Dataset => Some(Part::Datasets),
        Kind::Evaluation if words.named(RESULTS) => Some(Part::EvaluationResults),
        Kind::Evaluation
            if words.ends(ROWS) || words.under(HELD_OUT) || words.under(&["data", "questions", "tasks"]) =>
        {
            Some(Part::EvaluationData)
        }
        Kind::Evaluation => Some(Part::EvaluationResults),
        Kind::Recipe => judging.then_some(Part::EvaluationData),
    }
}

fn model_data(words: &Words, judging: bool) -> Option<Part> {
    let in_data = || words.folders.iter().any(|word| matches!(word.as_str(), "data" | "dataset" | "datasets"));
    if words.named(RESULTS) {
        Some(Part::EvaluationResults)
    } else if words.named(STATE) {
        Some(Part::Metadata)
    } else if judging {
        Some(Part::EvaluationData)
    } else if in_data() {
        Some(Part::Datasets)
    } else if words.under(OUTPUTS) {
        Some(Part::SampleOutputs)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What an artifact is, a file's path, and the component that it stands for.
    const TABLE: &str = "
        model       model.safetensors                  Model parameters (Final)
        model       model-00001-of-00002.safetensors   Model parameters (Final)
        model       tiny.gguf                          Model parameters (Final)
        model       checkpoints/500/model.safetensors  Model parameters (Intermediate)
        model       checkpoint-500/model.safetensors   Model parameters (Intermediate)
        model       step1000.gguf                      Model parameters (Intermediate)
        model       optimizer.safetensors              Model metadata
        model       trainer_state.json                 Model metadata
        model       README.md                          Model card
        model       docs/README.md                     -
        model       MODEL_CARD.md                      Model card
        model       DATA_CARD.md                       Data card
        model       DATASHEET.md                       Data card
        model       REPORT.md                          Technical report
        model       technical-report.pdf               Technical report
        model       anything.pdf                       Technical report
        model       paper.pdf                          Research paper
        model       2403.13784v1.pdf                   Research paper
        model       config.json                        -
        model       tokenizer.json                     -
        model       modeling_tiny.py                   Model architecture
        model       train.py                           Training code
        model       train_model.py                     Training code
        model       inference.py                       Inference code
        model       EVALUATION.md                      Evaluation results
        model       eval_results.json                  Evaluation results
        model       eval/questions.jsonl               Evaluation data
        model       data/train.jsonl                   Datasets
        model       SAMPLES.md                         Sample model outputs
        model       something.py                       -
        model       LICENSE                            -
        model       LICENSES/MIT.txt                   -
        model       mof.yml                            -
        adapter     adapter_model.safetensors          Model parameters (Final)
        adapter     adapter_config.json                -
        dataset     README.md                          Data card
        dataset     croissant.json                     Data card
        dataset     train.jsonl                        Datasets
        dataset     data/train-00000-of-00001.parquet  Datasets
        dataset     validation.parquet                 Datasets
        dataset     test.jsonl                         Evaluation data
        dataset     eval/mc.jsonl                      Evaluation data
        dataset     collect.py                         Data preprocessing code
        dataset     paper.pdf                          Research paper
        recipe      anything.py                        Training code
        recipe      train.rs                           Training code
        recipe      prepare.py                         Data preprocessing code
        recipe      prepare_data.sh                    Data preprocessing code
        recipe      evaluate.py                        Evaluation code
        recipe      generate.py                        Inference code
        recipe      model.py                           Model architecture
        recipe      src/eval/main.py                   Evaluation code
        recipe      requirements.txt                   Supporting libraries and tools
        recipe      config.yaml                        -
        recipe      README.md                          -
        evaluation  README.md                          Evaluation results
        evaluation  results.json                       Evaluation results
        evaluation  report.md                          Evaluation results
        evaluation  questions.jsonl                    Evaluation data
        evaluation  results.jsonl                      Evaluation results
        evaluation  run.py                             Evaluation code
        recipe      model.safetensors                  -";

    #[test]
    fn names_tell() {
        for row in TABLE.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (kind, rest) = row.split_once(' ').unwrap();
            let (path, expected) = rest.trim().split_once(' ').unwrap();
            let kind = match kind {
                "model" => Kind::Model,
                "adapter" => Kind::Adapter,
                "dataset" => Kind::Dataset,
                "recipe" => Kind::Recipe,
                _ => Kind::Evaluation,
            };
            assert_eq!(part(kind, path).map_or("-", Part::name), expected.trim(), "{row}");
        }
    }

    proptest! {
        #[test]
        fn any_path_tells_something_or_nothing(path in "\\PC{0,60}") {
            for kind in [Kind::Model, Kind::Adapter, Kind::Dataset, Kind::Recipe, Kind::Evaluation] {
                part(kind, &path);
            }
        }
    }
}
