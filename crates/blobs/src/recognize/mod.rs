//! What some files are: kind, architecture, license, what they were made from, as far as they say so themselves.
//!
//! What several files say is compared, and where they differ the first of these is taken and a note says so: for the
//! license, title and words the card, then GGUF's header; for the architecture GGUF's header, then `config.json`; for the
//! kind what the card says under `pumasi:`, then weights, then results of an evaluation, then a card of a dataset, then code,
//! then data.

mod data;
mod weights;
mod work;

use ledger::{Digest, Kind};
use std::{
    collections::BTreeSet,
    io::{Read as _, Seek as _, SeekFrom},
};

use crate::{
    Error, Store,
    card::{Card, Terms, clean},
};

/// Longest small file that is read whole.
const SMALL_MAX: u64 = 4 << 20;
/// Most parents and notes that are told.
const PARENTS_MAX: usize = 64;
const NOTES_MAX: usize = 64;

/// What some files are. What they do not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recognized {
    /// What it is.
    pub kind: Option<Kind>,
    /// Of weights, such as `llama`.
    pub architecture: Option<String>,
    /// Values in the weights; of several versions of one model the largest.
    pub parameters: Option<u64>,
    /// The type that holds most of the weights, such as `Q4_0` or `BF16`.
    pub quantization: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// What it was made from, as the files call it.
    pub parents: Vec<Named>,
    /// A name for people.
    pub title: Option<String>,
    /// A sentence or two.
    pub description: Option<String>,
    /// Who made it.
    pub authors: Vec<String>,
    /// As BCP 47 tags.
    pub languages: Vec<String>,
    /// Under which terms it is published, as the card says.
    pub terms: Terms,
    /// Digests of the weight files, in ascending order, each once.
    pub weights: Vec<Digest>,
    /// What the publisher should know, in sentences.
    pub notes: Vec<String>,
}

/// A parent, as a file calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// `OWNER/NAME` on a Hub, or `publisher/name:tag`.
    pub text: String,
    /// What was done with it.
    pub relation: Relation,
}

/// What was done with a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It was trained further.
    Finetune,
    /// This changes it while it runs.
    Adapter,
    /// Its weights were made smaller.
    Quantized,
    /// It was mixed with others.
    Merge,
    /// This was trained on it.
    Dataset,
}

/// A file of the artifact: path, digest, bytes.
pub type File = (String, Digest, u64);

/// What was found in the files, before it is weighed.
#[derive(Debug, Default)]
struct Signs {
    card: Option<Card>,
    /// Full weights and adapters.
    weights: weights::Weights,
    /// Files of code, of data, and of results.
    code: Vec<String>,
    data: Vec<String>,
    results: Vec<String>,
    notes: Vec<String>,
}

/// Says what some stored files are.
///
/// # Errors
/// [`Error::Missing`], [`Error::Damaged`] or [`Error::Io`]; a file that cannot be read as what it seems to be is a note.
pub fn recognize(store: &Store, files: &[File]) -> Result<Recognized, Error> {
    let mut signs = Signs::default();
    for file in files {
        look(store, file, &mut signs)?;
    }
    weights::settle(&mut signs.weights);
    Ok(weigh(signs, files))
}

/// Says what a card alone tells.
pub fn recognize_card(text: &str) -> Recognized {
    weigh(Signs { card: Some(Card::parse(text)), ..Signs::default() }, &[])
}

/// Looks at one file.
fn look(store: &Store, file: &File, signs: &mut Signs) -> Result<(), Error> {
    let path = file.0.as_str();
    let lower = path.to_ascii_lowercase();
    let (name, extension) = (name_of(&lower), extension_of(&lower));
    match (name, extension) {
        ("readme.md", _) if !path.contains('/') => {
            if let Some(bytes) = small(store, file)? {
                signs.card = Some(Card::parse(&String::from_utf8_lossy(&bytes)));
            }
        }
        (_, "gguf") => weights::gguf(store, file, signs)?,
        (_, "safetensors") => weights::safetensors(store, file, signs)?,
        ("adapter_config.json", _) => weights::peft(store, file, signs)?,
        ("config.json", _) => weights::config(store, file, signs)?,
        _ if work::is_code(name, extension) => signs.code.push(path.to_owned()),
        (_, "json") if work::is_results(store, file)? => signs.results.push(path.to_owned()),
        _ if data::may_be(&lower) => match data::check(store, file)? {
            Ok(()) => signs.data.push(path.to_owned()),
            Err(reason) => signs.notes.push(format!("{path}: {reason}")),
        },
        _ => {}
    }
    Ok(())
}

/// Decides what the signs mean.
fn weigh(signs: Signs, files: &[File]) -> Recognized {
    let Signs { card, weights, code, data, results, mut notes } = signs;
    let card = card.unwrap_or_default();
    notes.splice(..0, card.notes.iter().cloned());
    let kind = kind(&card, &weights, [&code, &data, &results], &mut notes);
    let license = first_of("license", [card.license.clone(), weights.license.clone()], &mut notes);
    let architecture =
        first_of("architecture", [weights.architecture.clone(), weights.config_architecture.clone()], &mut notes);
    let parents = parents(&card, &weights, kind, &mut notes);
    notes.extend(weights.notes.iter().cloned());
    notes.dedup();
    notes.truncate(NOTES_MAX);
    let is_weight = |file: &&File| matches!(extension_of(&file.0.to_ascii_lowercase()), "gguf" | "safetensors");
    let weight_files: BTreeSet<Digest> = files.iter().filter(is_weight).map(|(_, digest, _)| *digest).collect();
    Recognized {
        kind,
        architecture,
        parameters: weights.parameters,
        quantization: weights.quantization.clone(),
        license,
        parents,
        title: card.title.or(weights.title),
        description: card.description.or(weights.description),
        authors: weights.authors,
        languages: card.languages,
        terms: card.terms,
        weights: weight_files.into_iter().collect(),
        notes,
    }
}

/// The kind, and a note where other signs say something else.
fn kind(
    card: &Card,
    weights: &weights::Weights,
    [code, data, results]: [&Vec<String>; 3],
    notes: &mut Vec<String>,
) -> Option<Kind> {
    let only_tells_results = card.has_results && code.is_empty() && data.is_empty();
    if card.terms.kind.is_some() {
        return card.terms.kind;
    }
    let signs = [
        (Kind::Model, weights.full, "weights that run on their own"),
        (Kind::Adapter, weights.adapters > 0, "an adapter"),
        (Kind::Evaluation, !results.is_empty() || only_tells_results, "results of an evaluation"),
        (Kind::Dataset, card.is_of_dataset && !data.is_empty(), "data with a card of a dataset"),
        (Kind::Recipe, !code.is_empty(), "code"),
        (Kind::Dataset, !data.is_empty(), "data"),
    ];
    let (kind, _, first) = signs.iter().find(|(_, is, _)| *is)?;
    // Code beside weights is usual; where both could be the work itself the publisher should know.
    let rival = match kind {
        Kind::Model => Some(Kind::Adapter),
        Kind::Evaluation => Some(Kind::Recipe),
        Kind::Recipe => Some(Kind::Dataset),
        Kind::Adapter | Kind::Dataset => None,
    };
    let rival = signs.iter().find(|(other, is, _)| *is && Some(*other) == rival);
    notes.extend(rival.map(|(_, _, what)| format!("it holds {first} and {what}, and is taken for {}", word(*kind))));
    Some(*kind)
}

/// What an artifact is, in words.
pub const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Model => "a model",
        Kind::Adapter => "an adapter",
        Kind::Dataset => "a dataset",
        Kind::Recipe => "a recipe",
        Kind::Evaluation => "an evaluation",
    }
}

/// The first of what several files say, and a note if they differ.
fn first_of(what: &str, said: [Option<String>; 2], notes: &mut Vec<String>) -> Option<String> {
    if let [Some(first), Some(other)] = &said
        && !first.eq_ignore_ascii_case(other)
    {
        notes.push(format!("its files name two values for the {what}, {first} and {other}; the first is taken"));
    }
    said.into_iter().flatten().next()
}

/// What it was made from, each once.
fn parents(card: &Card, weights: &weights::Weights, kind: Option<Kind>, notes: &mut Vec<String>) -> Vec<Named> {
    let relation = relation(card, weights, kind);
    let bases = weights.bases.iter().chain(&card.base_models).map(|text| (text, relation));
    let data = card.datasets.iter().map(|text| (text, Relation::Dataset));
    let (mut parents, mut seen) = (Vec::<Named>::new(), BTreeSet::new());
    for (text, relation) in bases.chain(data) {
        match named(text) {
            Ok(text) if seen.insert(text.to_lowercase()) => parents.push(Named { text, relation }),
            Ok(_) => {}
            Err(reason) => notes.push(reason),
        }
    }
    if parents.len() > PARENTS_MAX {
        notes.push(format!("it names {} parents, and {PARENTS_MAX} of them are kept", parents.len()));
        parents.truncate(PARENTS_MAX);
    }
    parents
}

/// What the card says was done with its base, or what the files look like.
fn relation(card: &Card, weights: &weights::Weights, kind: Option<Kind>) -> Relation {
    match card.relation.as_deref() {
        Some("adapter") => Relation::Adapter,
        Some("quantized") => Relation::Quantized,
        Some("merge") => Relation::Merge,
        Some("finetune") => Relation::Finetune,
        _ if kind == Some(Kind::Adapter) => Relation::Adapter,
        _ if card.base_models.len() > 1 => Relation::Merge,
        _ if weights.is_quantized() => Relation::Quantized,
        _ => Relation::Finetune,
    }
}

/// A parent's name, if it can be one: `OWNER/NAME` or `NAME` on a Hub, an address there, or `publisher/name:tag`.
fn named(text: &str) -> Result<String, String> {
    let text = clean(text, 300).unwrap_or_default();
    let hub = ["https://huggingface.co/", "http://huggingface.co/", "https://hf.co/", "hf:"];
    let stripped = hub.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(&text);
    let stripped = stripped.strip_prefix("datasets/").unwrap_or(stripped).trim_end_matches('/');
    // An address may lead into the repository.
    let id: Vec<&str> = stripped.split('/').collect();
    let id = if stripped.len() < text.len() && id.len() > 2 { id[..2].join("/") } else { stripped.to_owned() };
    let (path, tag) = id.split_once(':').map_or((id.as_str(), None), |(path, tag)| (path, Some(tag)));
    let good = |part: &str| {
        let plain = part.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
        plain && (1..=96).contains(&part.len()) && !part.starts_with('.')
    };
    let parts: Vec<&str> = path.split('/').collect();
    if parts.len() <= 2 && parts.iter().copied().chain(tag).all(good) {
        return Ok(id);
    }
    Err(format!("{text:?} names no published work but a file or folder of somebody, and is left out of its parents"))
}

/// A path without `-00001-of-00003`, which says which piece of a model it is.
pub fn whole(path: &str) -> String {
    let (stem, extension) = path.rsplit_once('.').unwrap_or((path, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let mut parts = stem.rsplitn(4, '-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(of), Some("of"), Some(at), Some(rest)) if digits(of) && digits(at) => format!("{rest}.{extension}"),
        _ => path.to_owned(),
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn extension_of(path: &str) -> &str {
    name_of(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// A small file whole, its digest compared; `None` if it is longer.
fn small(store: &Store, (_, digest, size): &File) -> Result<Option<Vec<u8>>, Error> {
    if *size > SMALL_MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    store.open_blob(*digest)?.take(SMALL_MAX + 1).read_to_end(&mut bytes).map_err(Error::io(&store.path(*digest)))?;
    if Digest::of(&bytes) == *digest { Ok(Some(bytes)) } else { Err(Error::Damaged(*digest)) }
}

/// The first bytes of a file.
fn beginning(store: &Store, digest: Digest, max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    store.open_blob(digest)?.take(max).read_to_end(&mut bytes).map_err(Error::io(&store.path(digest)))?;
    Ok(bytes)
}

/// The last bytes of a file.
fn ending(store: &Store, (_, digest, size): &File, max: u64) -> Result<Vec<u8>, Error> {
    let mut file = store.open_blob(*digest)?;
    let mut bytes = Vec::new();
    let read =
        file.seek(SeekFrom::Start(size.saturating_sub(max))).and_then(|_| file.take(max).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(Error::io(&store.path(*digest)))
}

#[cfg(test)]
mod tests;
