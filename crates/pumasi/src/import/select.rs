//! Which files of a repository are taken: all, or those that were asked for and what belongs to them.

use anyhow::{Context as _, bail};
use blobs::recognize::whole;
use glob::Pattern;
use std::collections::BTreeSet;

use crate::t;

/// What only other programs read, or what runs anybody's code when it is loaded.
const LEFT_OUT: &[&str] = &["bin", "pt", "pth", "ckpt", "pkl", "pickle", "h5", "msgpack", "ot"];
/// Beside every file: the card, the license, the configuration.
const ALWAYS: &[&str] =
    &["readme.md", "license", "licence", "notice", "use_policy", "config.json", "adapter_config.json"];
/// Beside weights that are no GGUF file, which carries these within.
const BESIDE: &[&str] = &[
    "generation_config.json",
    "tokenizer",
    "special_tokens_map.json",
    "vocab",
    "merges.txt",
    "chat_template",
    "added_tokens.json",
];

/// Files to take, and those that were left out, with a reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Selection {
    pub taken: BTreeSet<String>,
    pub notes: Vec<String>,
}

/// Chooses among the paths of a repository. `asked` is a path or a pattern.
pub fn select(paths: &[String], asked: Option<&str>) -> anyhow::Result<Selection> {
    let taken = match asked {
        Some(asked) => asked_for(paths, asked)?,
        None => everything(paths)?,
    };
    let left = if asked.is_some() { Vec::new() } else { paths.iter().filter(|path| left_out(path)).collect() };
    let note = |path: &&String| {
        t!(
            "{path} is left out: such files can run anybody's code or are for other programs",
            "{path}는 빼 둡니다: 남의 코드를 실행할 수 있거나 다른 프로그램을 위한 파일입니다"
        )
    };
    Ok(Selection { notes: left.iter().map(note).collect(), taken })
}

fn everything(paths: &[String]) -> anyhow::Result<BTreeSet<String>> {
    let versions: BTreeSet<String> =
        paths.iter().filter(|path| path.ends_with(".gguf") && !is_beside_model(path)).map(|path| whole(path)).collect();
    if versions.len() > 1 {
        let list: Vec<&str> = versions.iter().map(String::as_str).collect();
        bail!(t!(
            "it holds {} versions of the model; name one of them, or '*.gguf' for all: {}",
            "모델이 {}가지로 들어 있습니다. 하나를 고르거나, 모두 원하면 '*.gguf'라고 쓰세요: {}",
            versions.len(),
            list.join(", ")
        ));
    }
    let taken: BTreeSet<String> = paths.iter().filter(|path| !left_out(path)).cloned().collect();
    if taken.is_empty() {
        bail!(t!("it holds no file that can be imported", "가져올 수 있는 파일이 없습니다"));
    }
    Ok(taken)
}

fn asked_for(paths: &[String], asked: &str) -> anyhow::Result<BTreeSet<String>> {
    let pattern = Pattern::new(asked)
        .with_context(|| t!("{asked:?} is no pattern of file names", "{asked:?}은 파일 이름의 형식이 아닙니다"))?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let fits = |path: &&String| {
        *path == asked || pattern.matches(path) || (!asked.contains('/') && pattern.matches(&name(path)))
    };
    let wanted: BTreeSet<&String> = paths.iter().filter(fits).collect();
    if wanted.is_empty() {
        let some: Vec<&str> = paths.iter().map(String::as_str).take(20).collect();
        bail!(t!(
            "there is no file {asked:?} in it; it has: {}",
            "{asked:?} 파일이 없습니다. 들어 있는 것: {}",
            some.join(", ")
        ));
    }
    let wholes: BTreeSet<String> = wanted.iter().map(|path| whole(path)).collect();
    let gguf = wanted.iter().all(|path| path.ends_with(".gguf"));
    let belongs = |path: &&String| {
        let lower = path.to_lowercase();
        let begins = |list: &[&str]| list.iter().any(|word| lower.starts_with(word));
        let beside = begins(ALWAYS) || (!gguf && begins(BESIDE));
        // A model in pieces is one.
        wanted.contains(path) || wholes.contains(&whole(path)) || (beside && !lower.contains('/') && !left_out(path))
    };
    Ok(paths.iter().filter(belongs).cloned().collect())
}

fn left_out(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    LEFT_OUT.contains(&extension.to_ascii_lowercase().as_str())
}

/// A projector for pictures runs with a model and is no version of it.
fn is_beside_model(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.to_lowercase().contains("mmproj") || name.contains("imatrix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    fn taken(list: &[&str], asked: Option<&str>) -> Result<Vec<String>, String> {
        select(&paths(list), asked).map(|all| all.taken.into_iter().collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_belongs_to_a_file_comes_with_it() {
        let gguf =
            ["README.md", "LICENSE", "config.json", "tokenizer.json", "a-Q4_0.gguf", "a-Q8_0.gguf", "mmproj.gguf"];
        assert_eq!(taken(&gguf, Some("*Q4_0.gguf")).unwrap(), ["LICENSE", "README.md", "a-Q4_0.gguf", "config.json"]);
        assert_eq!(taken(&gguf, Some("a-Q8_0.gguf")).unwrap().len(), 4);
        assert!(taken(&gguf, None).unwrap_err().contains("a-Q4_0.gguf, a-Q8_0.gguf"));
        assert!(taken(&gguf, Some("b.gguf")).unwrap_err().contains("README.md"));
        assert!(taken(&gguf, Some("[")).is_err());
        let tensors = ["README.md", "tokenizer.json", "model.safetensors", "other.safetensors", "pytorch_model.bin"];
        assert_eq!(
            taken(&tensors, Some("model.safetensors")).unwrap(),
            ["README.md", "model.safetensors", "tokenizer.json"]
        );
        assert_eq!(taken(&tensors, None).unwrap().len(), 4, "pickle is left out");
        assert_eq!(select(&paths(&tensors), None).unwrap().notes.len(), 1);
    }

    #[test]
    fn a_model_in_pieces_is_taken_whole() {
        let pieces = ["q4/a-00001-of-00002.gguf", "q4/a-00002-of-00002.gguf", "README.md"];
        assert_eq!(taken(&pieces, Some("q4/a-00001-of-00002.gguf")).unwrap().len(), 3);
        assert_eq!(taken(&pieces, None).unwrap().len(), 3, "two pieces are one version");
    }
}
