//! The files of a folder with their digests, as OpenSSF Model Signing lists them.

use ledger::Digest;
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{Error, store};

/// What is left out wherever it lies at the top, as the reference tool does.
pub const GIT: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// How a folder is read.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Paths within the folder that are left out, with all below them.
    pub ignored: Vec<String>,
    /// True to read links to files as those files. Links to folders are left out.
    pub follow_links: bool,
}

impl Rules {
    fn ignore(&self, path: &str) -> bool {
        let below = |ignored: &String| {
            let ignored = ignored.trim_end_matches('/');
            path == ignored || path.strip_prefix(ignored).is_some_and(|rest| rest.starts_with('/'))
        };
        self.ignored.iter().any(below)
    }
}

/// Each file with its digest, in order of path, part by part. A single file is called `.`. `progress` is called with the bytes
/// read so far of all files.
pub fn scan(path: &Path, rules: &Rules, mut progress: impl FnMut(u64)) -> Result<Vec<(String, Digest)>, Error> {
    let mut found = if fs::metadata(path).map_err(Error::io(path))?.is_dir() {
        find(path, rules)?
    } else {
        vec![(".".to_owned(), path.to_owned())]
    };
    found.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    let mut before = 0;
    let mut digest = |(name, file): (String, PathBuf)| {
        let mut reader = File::open(&file).map_err(Error::io(&file))?;
        let tell = |bytes| progress(before + bytes);
        let (digest, size) = store::copy(&mut reader, &mut io::sink(), tell).map_err(Error::io(&file))?;
        before += size;
        Ok((name, digest))
    };
    found.into_iter().map(&mut digest).collect()
}

fn find(path: &Path, rules: &Rules) -> Result<Vec<(String, PathBuf)>, Error> {
    let (mut found, mut folders) = (Vec::new(), vec![(String::new(), path.to_owned())]);
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let entry = entry.map_err(Error::io(&folder))?;
            let file = entry.path();
            let name = entry.file_name().into_string().map_err(|_| Error::bad(&file, "its name is not text"))?;
            let name = format!("{prefix}{name}");
            if rules.ignore(&name) {
                continue;
            }
            let kind = entry.file_type().map_err(Error::io(&file))?;
            if kind.is_symlink() && !rules.follow_links {
                return Err(Error::bad(
                    &file,
                    "it is a link; what it points to counts only if it was signed with --follow-links",
                ));
            }
            let meta = fs::metadata(&file).map_err(Error::io(&file))?;
            if meta.is_file() {
                found.push((name, file));
            } else if !meta.is_dir() {
                return Err(Error::bad(&file, "it is neither a file nor a folder"));
            } else if !kind.is_symlink() {
                folders.push((format!("{name}/"), file));
            }
        }
    }
    Ok(found)
}
