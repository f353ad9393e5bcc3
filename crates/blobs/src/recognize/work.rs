//! Recipes and evaluations: code, and what judging a model printed.

use serde_json::Value;

use super::{File, name_of, small};
use crate::{Error, Store};

/// True for code that trains or evaluates, by name and extension in lower case.
pub(super) fn is_code(name: &str, extension: &str) -> bool {
    let code = ["py", "ipynb", "sh", "rs", "c", "cc", "cpp", "cu", "go", "java", "jl", "js", "ts", "lua", "r"];
    let names =
        ["dockerfile", "makefile", "requirements.txt", "pyproject.toml", "environment.yml", "cargo.toml", "justfile"];
    code.contains(&extension) || names.contains(&name)
}

/// True for results of an evaluation: `results*.json` with numbers by task, as lm-evaluation-harness and others write them.
pub(super) fn is_results(store: &Store, file: &File) -> Result<bool, Error> {
    if !name_of(&file.0).to_ascii_lowercase().starts_with("results") {
        return Ok(false);
    }
    let Some(bytes) = small(store, file)? else { return Ok(false) };
    let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { return Ok(false) };
    let by_task = |value: &Value| {
        let tasks = value.as_object().filter(|tasks| !tasks.is_empty());
        tasks.is_some_and(|tasks| tasks.values().any(has_number))
    };
    Ok(by_task(&value["results"]) || by_task(&value))
}

/// True for a number, or an object that holds one.
fn has_number(value: &Value) -> bool {
    value.is_number() || value.as_object().is_some_and(|members| members.values().any(Value::is_number))
}
