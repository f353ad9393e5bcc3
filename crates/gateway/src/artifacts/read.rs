//! What the files of an artifact say of it: kind, architecture, license, title, and what it was made from. Headers of weights
//! are checked here too, because files can come from a browser that checked nothing.

use blobs::{Store, gguf, safetensors};
use ledger::Digest;
use std::{fs::File, io::Read as _};

use super::draft::{DraftFile, Kind};

/// Of a card or a configuration more is not read.
const TEXT_MAX: u64 = 1 << 20;
/// Parents that one artifact may name.
const PARENTS_MAX: usize = 64;
/// Licenses as cards write them, and as SPDX does.
const LICENSES: &[(&str, &str)] = &[
    ("apache-2.0", "Apache-2.0"),
    ("mit", "MIT"),
    ("cc0-1.0", "CC0-1.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
    ("cdla-permissive-2.0", "CDLA-Permissive-2.0"),
    ("bsd-2-clause", "BSD-2-Clause"),
    ("bsd-3-clause", "BSD-3-Clause"),
    ("bsl-1.0", "BSL-1.0"),
    ("gpl-3.0", "GPL-3.0-only"),
    ("agpl-3.0", "AGPL-3.0-only"),
    ("lgpl-3.0", "LGPL-3.0-only"),
    ("mpl-2.0", "MPL-2.0"),
    ("unlicense", "Unlicense"),
    ("odc-by", "ODC-By-1.0"),
];

/// What was read.
#[derive(Debug, Default)]
pub struct Recognized {
    pub kind: Option<Kind>,
    pub architecture: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// As the files name them.
    pub parents: Vec<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub authors: Vec<String>,
    /// What is strange about them.
    pub notes: Vec<String>,
}

/// Reads what files say.
///
/// # Errors
/// A sentence, if a file cannot be read, or cannot be believed.
pub fn recognize(store: &Store, files: &[DraftFile]) -> Result<Recognized, String> {
    let mut read = Recognized::default();
    for file in files {
        let mut blob = store.open_blob(file.digest).map_err(|error| error.to_string())?;
        let wrong = |reason: String| format!("{}: {reason}", file.path);
        blobs::check(&file.path, &mut blob).map_err(wrong)?;
        let name = file.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("gguf") => read.gguf(&gguf::Header::read(&mut blob).map_err(wrong)?),
            Some("safetensors") => read.safetensors(&safetensors::Header::read(&mut blob).map_err(wrong)?),
            _ if file.path == "README.md" => read.card(&text(&mut blob)),
            _ if name == "adapter_config.json" => read.adapter(&text(&mut blob)),
            _ if name == "config.json" => read.config(&text(&mut blob)),
            _ => {}
        }
    }
    read.kind = read.kind.or_else(|| by_names(files));
    read.parents.sort();
    read.parents.dedup();
    read.parents.truncate(PARENTS_MAX);
    Ok(read)
}

/// The beginning of a text; empty if it cannot be read.
fn text(blob: &mut File) -> String {
    let mut bytes = Vec::new();
    match blob.take(TEXT_MAX).read_to_end(&mut bytes) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// By the names of files where none says it itself.
fn by_names(files: &[DraftFile]) -> Option<Kind> {
    let has = |extensions: &[&str], names: &[&str]| {
        files.iter().any(|file| {
            let name = file.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            extensions.contains(&extension) || names.iter().any(|begins| name.starts_with(begins))
        })
    };
    if has(&["py", "ipynb", "sh", "rs", "jl"], &["requirements", "dockerfile", "recipe."]) {
        return Some(Kind::Recipe);
    }
    if has(&[], &["results", "evaluation", "eval_"]) {
        return Some(Kind::Evaluation);
    }
    has(&["jsonl", "parquet", "csv", "tsv", "txt", "arrow"], &[]).then_some(Kind::Dataset)
}

impl Recognized {
    fn gguf(&mut self, header: &gguf::Header) {
        let kind = if header.is_adapter() { Kind::Adapter } else { Kind::Model };
        self.kind = self.kind.or(Some(kind));
        let text = |key: &str| header.text(key).map(str::to_owned);
        self.architecture = self.architecture.take().or_else(|| text("general.architecture"));
        self.license = self.license.take().or_else(|| text("general.license").map(|text| spdx(&text)));
        self.title = self.title.take().or_else(|| text("general.name"));
        self.authors.extend(text("general.author"));
        let count = header.integer("general.base_model.count").unwrap_or_default().min(PARENTS_MAX as u64);
        self.parents.extend((0..count).filter_map(|at| text(&format!("general.base_model.{at}.repo_url"))));
    }

    fn safetensors(&mut self, header: &safetensors::Header) {
        self.kind = self.kind.or(Some(Kind::Model));
        self.architecture = self.architecture.take().or_else(|| header.metadata.get("architecture").cloned());
    }

    /// PEFT's configuration makes of weights an adapter.
    fn adapter(&mut self, text: &str) {
        let Ok(config) = serde_json::from_str::<serde_json::Value>(text) else { return };
        self.kind = Some(Kind::Adapter);
        self.parents.extend(config["base_model_name_or_path"].as_str().map(str::to_owned));
    }

    fn config(&mut self, text: &str) {
        let Ok(config) = serde_json::from_str::<serde_json::Value>(text) else { return };
        let named = config["model_type"].as_str().map(str::to_owned);
        self.architecture = self.architecture.take().or(named);
    }

    /// A card: its front matter, its first heading, its first paragraph.
    fn card(&mut self, text: &str) {
        let (front, body) = match text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---")) {
            Some((front, body)) => (front, body),
            None => ("", text),
        };
        let mut key = "";
        for line in front.lines() {
            let (named, value) = match line.split_once(':') {
                Some((name, value)) if !line.starts_with([' ', '-']) => {
                    key = name.trim();
                    (key, value)
                }
                _ => (key, line.trim().strip_prefix('-').unwrap_or_default()),
            };
            let values = value.trim().trim_matches(['[', ']']).split(',').map(|v| v.trim().trim_matches(['"', '\'']));
            for value in values.filter(|value| !value.is_empty()) {
                match named {
                    "license" => self.license = Some(spdx(value)),
                    "base_model" | "datasets" => self.parents.push(value.to_owned()),
                    _ => {}
                }
            }
        }
        let mut lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && *line != "-");
        let heading = lines.clone().find_map(|line| line.strip_prefix("# "));
        self.title = heading.map(str::to_owned).or(self.title.take());
        let first = lines.find(|line| !line.starts_with(['#', '<', '!', '[', '|', '`', '-']));
        self.description = first.map(str::to_owned);
    }
}

/// A license as SPDX writes it.
fn spdx(text: &str) -> String {
    let known = LICENSES.iter().find(|(card, spdx)| card.eq_ignore_ascii_case(text) || spdx.eq_ignore_ascii_case(text));
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    known.map_or_else(
        || format!("LicenseRef-{}", text.chars().map(plain).collect::<String>()),
        |(_, spdx)| (*spdx).into(),
    )
}

/// The path of a file with this digest.
pub fn path_of(files: &[DraftFile], digest: Digest) -> &str {
    files.iter().find(|file| file.digest == digest).map_or("a file", |file| &file.path)
}
