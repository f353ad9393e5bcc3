//! The components of the Model Openness Framework: what a release is made of, and which class needs what.

use serde::{Deserialize, Serialize};

/// What a component is; each type has licenses made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Programs.
    Code,
    /// Weights and what they were made from.
    Data,
    /// What people read.
    Document,
}

impl Type {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Data => "data",
            Self::Document => "document",
        }
    }
}

/// A class of the framework. Each needs what the one after it needs, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// Open Science: everything, so that it can be made again.
    I,
    /// Open Tooling: it can be trained, run and judged.
    II,
    /// Open Model: it can be used and studied.
    III,
}

impl Class {
    /// All, from what is easiest to reach.
    pub const ALL: [Self; 3] = [Self::III, Self::II, Self::I];

    /// The class that has to be reached before.
    pub const fn before(self) -> Option<Self> {
        match self {
            Self::I => Some(Self::II),
            Self::II => Some(Self::III),
            Self::III => None,
        }
    }
}

/// A component. It is written with the framework's own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// The code of the architecture.
    #[serde(rename = "Model architecture")]
    Architecture,
    /// The weights that are used.
    #[serde(rename = "Model parameters (Final)")]
    FinalParameters,
    /// What it is, for what, and its limits.
    #[serde(rename = "Model card")]
    ModelCard,
    /// The same of the data.
    #[serde(rename = "Data card")]
    DataCard,
    /// How it was made; a research paper stands for it.
    #[serde(rename = "Technical report")]
    TechnicalReport,
    /// How good it is.
    #[serde(rename = "Evaluation results")]
    EvaluationResults,
    /// Optional.
    #[serde(rename = "Sample model outputs")]
    SampleOutputs,
    /// What trained it.
    #[serde(rename = "Training code")]
    TrainingCode,
    /// What runs it.
    #[serde(rename = "Inference code")]
    InferenceCode,
    /// What judges it.
    #[serde(rename = "Evaluation code")]
    EvaluationCode,
    /// What it is judged on.
    #[serde(rename = "Evaluation data")]
    EvaluationData,
    /// Optional.
    #[serde(rename = "Supporting libraries and tools")]
    Libraries,
    /// What it was trained on.
    #[serde(rename = "Datasets")]
    Datasets,
    /// What made them fit for training.
    #[serde(rename = "Data preprocessing code")]
    PreprocessingCode,
    /// Weights from on the way.
    #[serde(rename = "Model parameters (Intermediate)")]
    IntermediateParameters,
    /// How it was made, at length.
    #[serde(rename = "Research paper")]
    ResearchPaper,
    /// Optional: states of the optimizer, records of the training.
    #[serde(rename = "Model metadata")]
    Metadata,
}

impl Part {
    /// All of them, those of class III first.
    pub const ALL: [Self; 17] = [
        Self::Architecture,
        Self::FinalParameters,
        Self::ModelCard,
        Self::DataCard,
        Self::TechnicalReport,
        Self::EvaluationResults,
        Self::SampleOutputs,
        Self::TrainingCode,
        Self::InferenceCode,
        Self::EvaluationCode,
        Self::EvaluationData,
        Self::Libraries,
        Self::Datasets,
        Self::PreprocessingCode,
        Self::IntermediateParameters,
        Self::ResearchPaper,
        Self::Metadata,
    ];

    /// The framework's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Architecture => "Model architecture",
            Self::FinalParameters => "Model parameters (Final)",
            Self::ModelCard => "Model card",
            Self::DataCard => "Data card",
            Self::TechnicalReport => "Technical report",
            Self::EvaluationResults => "Evaluation results",
            Self::SampleOutputs => "Sample model outputs",
            Self::TrainingCode => "Training code",
            Self::InferenceCode => "Inference code",
            Self::EvaluationCode => "Evaluation code",
            Self::EvaluationData => "Evaluation data",
            Self::Libraries => "Supporting libraries and tools",
            Self::Datasets => "Datasets",
            Self::PreprocessingCode => "Data preprocessing code",
            Self::IntermediateParameters => "Model parameters (Intermediate)",
            Self::ResearchPaper => "Research paper",
            Self::Metadata => "Model metadata",
        }
    }

    /// The component of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name().eq_ignore_ascii_case(name.trim()))
    }

    /// What it is.
    pub const fn kind(self) -> Type {
        match self {
            Self::Architecture
            | Self::TrainingCode
            | Self::InferenceCode
            | Self::EvaluationCode
            | Self::Libraries
            | Self::PreprocessingCode => Type::Code,
            Self::FinalParameters
            | Self::EvaluationData
            | Self::Datasets
            | Self::IntermediateParameters
            | Self::Metadata => Type::Data,
            _ => Type::Document,
        }
    }

    /// The first class that knows it.
    pub const fn class(self) -> Class {
        match self {
            Self::Architecture
            | Self::FinalParameters
            | Self::ModelCard
            | Self::DataCard
            | Self::TechnicalReport
            | Self::EvaluationResults
            | Self::SampleOutputs => Class::III,
            Self::TrainingCode
            | Self::InferenceCode
            | Self::EvaluationCode
            | Self::EvaluationData
            | Self::Libraries => Class::II,
            _ => Class::I,
        }
    }

    /// False if no class needs it.
    pub const fn required(self) -> bool {
        !matches!(self, Self::SampleOutputs | Self::Libraries | Self::Metadata)
    }

    /// What to add where it is missing.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Architecture => "add the code of the model, such as modeling.py, a config.json, or weights as GGUF",
            Self::FinalParameters => "add the weights, as safetensors or GGUF",
            Self::ModelCard => "add a README.md that begins with a card (license and so on between two lines of ---)",
            Self::DataCard => "add a README.md to the dataset, or a DATA_CARD.md",
            Self::TechnicalReport => "add a REPORT.md or a PAPER.md, or one of them as PDF",
            Self::EvaluationResults => "add an EVALUATION.md or eval_results.json, or publish an evaluation of it",
            Self::SampleOutputs => "add a SAMPLES.md",
            Self::TrainingCode => "add train.py, or name a recipe as parent",
            Self::InferenceCode => "add inference.py, or put one into the recipe",
            Self::EvaluationCode => "add evaluate.py, or put one into the recipe",
            Self::EvaluationData => "add test.jsonl to the dataset, or the folder eval/ with the questions",
            Self::Libraries => "add requirements.txt or the tools themselves",
            Self::Datasets => "name the datasets as parents, or add the folder data/",
            Self::PreprocessingCode => "add prepare.py, or put one into the recipe",
            Self::IntermediateParameters => "add weights from during the training in a folder checkpoints/",
            Self::ResearchPaper => "add a PAPER.md or paper.pdf",
            Self::Metadata => "add trainer_state.json or the optimizer's state",
        }
    }
}
