//! What weight files and the configurations beside them say.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use super::{File, Signs, folder_of, name_of, small, whole};
use crate::{Error, Store, card::clean, gguf, license, safetensors};

/// Longest name or sentence that is kept.
const TEXT_MAX: usize = 200;
const WORDS_MAX: usize = 400;
/// A model has no more bases.
const BASES_MAX: u64 = 64;

/// What the weights of an artifact say together.
#[derive(Debug, Default)]
pub(super) struct Weights {
    /// True if there are weights that run on their own.
    pub full: bool,
    /// Files that are adapters.
    pub adapters: usize,
    pub architecture: Option<String>,
    /// By `config.json`.
    pub config_architecture: Option<String>,
    pub parameters: Option<u64>,
    pub quantization: Option<String>,
    pub license: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub authors: Vec<String>,
    /// What it was made from.
    pub bases: Vec<String>,
    pub notes: Vec<String>,
    /// Folders with a configuration of an adapter.
    adapter_folders: BTreeSet<String>,
    /// Weight files, weighed once all are read.
    found: Vec<Found>,
}

/// A weight file that was read.
#[derive(Debug)]
struct Found {
    path: String,
    bytes: u64,
    parameters: u64,
    quantization: String,
    /// Safetensors tell by the configuration beside them.
    adapter: Option<bool>,
}

impl Weights {
    /// True for types of less than 16 bits.
    pub fn is_quantized(&self) -> bool {
        self.quantization.as_deref().is_some_and(|name| !matches!(name, "F16" | "BF16" | "F32" | "F64" | "none" | ""))
    }
}

/// Reads a GGUF file's header.
pub(super) fn gguf(store: &Store, file: &File, signs: &mut Signs) -> Result<(), Error> {
    let (path, digest, bytes) = file;
    let header = match gguf::Header::read(&mut store.open_blob(*digest)?) {
        Ok(header) => header,
        Err(reason) => {
            signs.notes.push(format!("{path}: {reason}"));
            return Ok(());
        }
    };
    let weights = &mut signs.weights;
    let text = |key: &str, max: usize| header.text(key).and_then(|text| clean(text, max));
    // A projector for pictures, or a vocabulary, runs with a model and tells nothing of it.
    if header.text("general.type") == Some("mmproj") || header.text("general.architecture") == Some("clip") {
        return Ok(());
    }
    let adapter = header.is_adapter();
    if header.tensors == 0 {
        weights.notes.push(format!("{path} holds a vocabulary and no weights"));
        return Ok(());
    }
    let architecture = text("general.architecture", TEXT_MAX);
    if let (Some(first), Some(other)) = (&weights.architecture, &architecture)
        && first != other
    {
        weights.notes.push(format!("{path} is of another architecture than the files before it: {other}, not {first}"));
    }
    weights.architecture = weights.architecture.take().or(architecture);
    let said =
        text("general.license", TEXT_MAX).filter(|id| id != "other").or_else(|| text("general.license.name", TEXT_MAX));
    weights.license = weights.license.take().or_else(|| said.and_then(|name| license::spdx(&name)));
    weights.title = weights.title.take().or_else(|| text("general.name", TEXT_MAX));
    weights.description = weights.description.take().or_else(|| text("general.description", WORDS_MAX));
    let authors = [text("general.author", TEXT_MAX), text("general.organization", TEXT_MAX)];
    add(&mut weights.authors, authors.into_iter().flatten());
    add(&mut weights.bases, bases(&header));
    weights.found.push(Found {
        path: path.clone(),
        bytes: *bytes,
        parameters: header.parameters,
        quantization: header.quantization.to_owned(),
        adapter: Some(adapter),
    });
    Ok(())
}

/// What a GGUF file says it was made from: by address, or by owner and name.
fn bases(header: &gguf::Header) -> Vec<String> {
    let count = header.integer("general.base_model.count").unwrap_or(1).min(BASES_MAX);
    let base = |at: u64| {
        let text = |key: &str| header.text(&format!("general.base_model.{at}.{key}")).and_then(|text| clean(text, 300));
        let owned = || Some(format!("{}/{}", text("organization")?, text("name")?).replace(' ', "-"));
        text("repo_url").or_else(owned)
    };
    (0..count).filter_map(base).collect()
}

/// Reads a safetensors file's header.
pub(super) fn safetensors(store: &Store, file: &File, signs: &mut Signs) -> Result<(), Error> {
    let (path, digest, bytes) = file;
    match safetensors::Header::read(&mut store.open_blob(*digest)?) {
        Ok(header) => {
            let said = header.metadata.get("license").or_else(|| header.metadata.get("modelspec.license"));
            let title = header.metadata.get("modelspec.title").and_then(|text| clean(text, TEXT_MAX));
            let author = header.metadata.get("modelspec.author").and_then(|text| clean(text, TEXT_MAX));
            let weights = &mut signs.weights;
            weights.license = weights.license.take().or_else(|| said.and_then(|name| license::spdx(name)));
            weights.title = weights.title.take().or(title);
            add(&mut weights.authors, author);
            weights.found.push(Found {
                path: path.clone(),
                bytes: *bytes,
                parameters: header.parameters,
                quantization: header.dtype,
                adapter: name_of(path).starts_with("adapter_model").then_some(true),
            });
        }
        Err(reason) => signs.notes.push(format!("{path}: {reason}")),
    }
    Ok(())
}

/// Reads PEFT's configuration of an adapter.
pub(super) fn peft(store: &Store, file: &File, signs: &mut Signs) -> Result<(), Error> {
    let Some(config) = json(store, file, signs)? else { return Ok(()) };
    if config["peft_type"].is_null() && config["base_model_name_or_path"].is_null() {
        signs.notes.push(format!("{} does not say which kind of adapter it is", file.0));
        return Ok(());
    }
    let weights = &mut signs.weights;
    weights.adapter_folders.insert(folder_of(&file.0).to_owned());
    add(&mut weights.bases, config["base_model_name_or_path"].as_str().and_then(|text| clean(text, 300)));
    Ok(())
}

/// Reads a model's configuration.
pub(super) fn config(store: &Store, file: &File, signs: &mut Signs) -> Result<(), Error> {
    let Some(config) = json(store, file, signs)? else { return Ok(()) };
    let named = config["model_type"].as_str().or_else(|| config["architectures"][0].as_str());
    let named = named.and_then(|text| clean(text, TEXT_MAX));
    // That of the root counts most.
    if folder_of(&file.0).is_empty() || signs.weights.config_architecture.is_none() {
        signs.weights.config_architecture = named.or(signs.weights.config_architecture.take());
    }
    Ok(())
}

fn json(store: &Store, file: &File, signs: &mut Signs) -> Result<Option<Value>, Error> {
    let Some(bytes) = small(store, file)? else { return Ok(None) };
    match serde_json::from_slice(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            signs.notes.push(format!("{} is not JSON: {error}", file.0));
            Ok(None)
        }
    }
}

/// Adds what is new.
fn add(list: &mut Vec<String>, new: impl IntoIterator<Item = String>) {
    for text in new {
        if !list.contains(&text) {
            list.push(text);
        }
    }
}

/// Weighs the files once all are read: an adapter's configuration may come after its weights.
pub(super) fn settle(weights: &mut Weights) {
    let found = std::mem::take(&mut weights.found);
    let is_adapter =
        |file: &Found| file.adapter.unwrap_or_else(|| weights.adapter_folders.contains(folder_of(&file.path)));
    let (adapters, full): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|file| is_adapter(file));
    let counted = if full.is_empty() { &adapters } else { &full };
    // A model in pieces is one; of several versions the largest counts.
    let mut sizes = BTreeMap::<String, u64>::new();
    for file in counted {
        let size = sizes.entry(whole(&file.path)).or_default();
        *size = size.saturating_add(file.parameters);
    }
    let types: BTreeSet<&str> = counted.iter().map(|file| file.quantization.as_str()).collect();
    if types.len() > 1 && full.iter().any(|file| file.path.ends_with(".gguf")) {
        let types: Vec<&str> = types.into_iter().collect();
        weights.notes.push(format!("it holds weights in several types: {}", types.join(", ")));
    }
    weights.parameters = sizes.into_values().max();
    weights.quantization = counted.iter().max_by_key(|file| file.bytes).map(|file| file.quantization.clone());
    (weights.full, weights.adapters) = (!full.is_empty(), adapters.len());
}
