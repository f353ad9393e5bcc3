//! An OCI registry to pull from, as far as it answers with JSON of its own: the OCI distribution specification 1.1
//! (<https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md>), and Docker's catalog.

use serde::{Deserialize, Serialize};

/// The tags of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// The repository.
    pub name: String,
    /// In order of their bytes.
    pub tags: Vec<String>,
}

/// All repositories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// In order of their bytes.
    pub repositories: Vec<String>,
}

/// The body of every error.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong: at least one.
    pub errors: Vec<ErrorDetail>,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Capital letters and underscores.
    pub code: String,
    /// For people.
    pub message: String,
}
