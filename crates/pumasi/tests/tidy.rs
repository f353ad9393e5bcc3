//! The tree's own rules, held by tests: arrows between crates, headers, sizes, paths named in Markdown, left-over words.
//!
//! Each rule is a function from text to findings, tried on bad text at the end of this file, so that none can fall asleep.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};

/// Lines of a source file at most.
const LINES_MAX: usize = 600;
/// Columns of a line at most. Text in quotes does not count: a sentence for people is found by searching for it whole.
const COLUMNS_MAX: usize = 130;
/// Names that say nothing of what is inside.
const DRAWERS: &[&str] = &["utils", "util", "common", "types", "core", "helpers", "misc"];
/// Folders whose files Markdown may name, and then must be there.
const ROOTS: &[&str] = &["crates", "docs", "web", "models", "benches", "fuzz", ".ci", ".cargo"];
/// Words that were left over. In halves, so that this file may be checked too.
const LEFT_OVER: &[(&str, &str)] =
    &[("to", "do!"), ("unimple", "mented!"), ("db", "g!"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK"), ("TO", "DO")];
/// Where somebody's machine shows. In halves too.
const MACHINE_PATHS: &[(&str, &str)] = &[("/ro", "ot"), ("/wo", "rk"), ("/ho", "me/"), ("/Use", "rs/")];
/// All that the ledger may stand on: a canonical encoding, a signature, a hash.
const LEDGER_STANDS_ON: &[&str] = &["borsh", "chacha20", "ed25519-dalek", "ed25519-zebra", "sha2"];

/// A text file of the tree, by its path from the root.
struct Text {
    path: String,
    text: String,
}

impl Text {
    fn is(&self, extension: &str) -> bool {
        self.path.ends_with(extension)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file that people wrote. Built and fetched things are skipped.
fn tree() -> Vec<Text> {
    let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{folder}{name}");
            let kind = entry.file_type().unwrap();
            let fetched =
                name.starts_with("target") || name == "node_modules" || name == "vendor" || path == "web/dist";
            let skipped = fetched || (name.starts_with('.') && folder.is_empty());
            if kind.is_dir() && (!skipped || ROOTS.contains(&name.as_str())) {
                folders.push(format!("{path}/"));
            } else if kind.is_file() && !matches!(name.as_str(), "Cargo.lock" | ".git") {
                found.extend(fs::read_to_string(entry.path()).ok().map(|text| Text { path, text }));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Applies a rule to every file that `fits`, and shows all findings at once.
fn hold(fits: impl Fn(&Text) -> bool, rule: impl Fn(&str) -> Vec<String>) {
    let (mut seen, mut report) = (0, String::new());
    for file in tree().iter().filter(|file| fits(file)) {
        seen += 1;
        for finding in rule(&file.text) {
            writeln!(report, "{}: {finding}", file.path).unwrap();
        }
    }
    assert!(seen > 0, "there was nothing to check");
    assert!(report.is_empty(), "\n{report}");
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

// The rules.

#[test]
fn crates_use_only_whom_the_arrow_table_allows() {
    let table = arrows(&read("ARCHITECTURE.md"));
    let manifests = tree().into_iter().filter(|file| file.path.starts_with("crates/") && file.is("/Cargo.toml"));
    let used: BTreeMap<String, BTreeSet<String>> =
        manifests.map(|file| (file.path.split('/').nth(1).unwrap().to_owned(), dependencies(&file.text))).collect();
    assert_eq!(forbidden_arrows(&table, &used), Vec::<String>::new());
}

#[test]
fn the_ledger_stands_on_five_crates() {
    let known: BTreeSet<String> = LEDGER_STANDS_ON.iter().map(ToString::to_string).collect();
    assert_eq!(dependencies(&read("crates/ledger/Cargo.toml")), known);
}

#[test]
fn no_dependency_is_patched_or_taken_from_git() {
    hold(|file| file.is("Cargo.toml"), foreign_sources);
}

#[test]
fn every_dependency_is_used_and_explained() {
    let (listed, page) = (dependencies(&read("Cargo.toml")), read("docs/dependencies.md"));
    let manifests = tree().into_iter().filter(|file| file.path.starts_with("crates/") && file.is("/Cargo.toml"));
    let used: Vec<String> = manifests.map(|file| file.text.replace("[dev-dependencies]", "[dependencies]")).collect();
    let used: BTreeSet<String> = used.iter().flat_map(|manifest| dependencies(manifest)).collect();
    let unused: Vec<&String> = listed.iter().filter(|name| !used.contains(*name)).collect();
    assert_eq!(unused, Vec::<&String>::new(), "listed for all, and used by none");
    assert_eq!(unexplained(&used, &page), Vec::<String>::new(), "docs/dependencies.md has no row for it");
    let packages: serde_json::Value = serde_json::from_str(&read("web/package.json")).unwrap();
    let listed = ["dependencies", "devDependencies"].map(|kind| packages[kind].as_object().unwrap());
    let names: BTreeSet<String> = listed.iter().flat_map(|listed| listed.keys().cloned()).collect();
    assert_eq!(unexplained(&names, &page), Vec::<String>::new(), "docs/dependencies.md has no row for it");
    let loose: Vec<_> = listed.iter().flat_map(|listed| listed.values()).filter(|version| !is_exact(version)).collect();
    assert!(loose.is_empty(), "not pinned exactly: {loose:?}");
}

/// True of a version such as `1.2.3`, and nothing that another version fits.
fn is_exact(version: &serde_json::Value) -> bool {
    version
        .as_str()
        .is_some_and(|text| text.split('.').count() == 3 && text.split('.').all(|part| part.parse::<u32>().is_ok()))
}

#[test]
fn every_source_file_says_what_it_is() {
    hold(|file| file.is(".rs"), header);
}

#[test]
fn no_source_file_is_too_long() {
    hold(|file| file.is(".rs"), length);
}

#[test]
fn no_line_is_too_long() {
    hold(|file| file.is(".rs"), columns);
}

#[test]
fn no_module_is_a_drawer() {
    let paths: Vec<String> = tree().into_iter().map(|file| file.path).collect();
    assert_eq!(drawer_paths(&paths), Vec::<String>::new());
    hold(|file| file.is(".rs"), drawer_modules);
}

#[test]
fn no_word_is_left_over() {
    hold(|file| !file.is(".md"), left_over);
}

#[test]
fn no_path_of_a_machine_is_named() {
    hold(|_| true, machine_paths);
}

#[test]
fn paths_in_markdown_exist() {
    let mut report = Vec::new();
    for page in tree().iter().filter(|file| file.is(".md")) {
        let folder = Path::new(&page.path).parent().unwrap();
        let named = named_paths(&page.text).into_iter().map(PathBuf::from);
        let linked = links(&page.text).into_iter().map(|link| folder.join(link));
        let missing = named.chain(linked).filter(|path| !inside(path) || !root().join(path).exists());
        report.extend(missing.map(|path| format!("{}: there is no {}", page.path, path.display())));
    }
    assert_eq!(report, Vec::<String>::new());
}

#[test]
fn code_named_in_markdown_exists() {
    let code: Vec<Text> = tree().into_iter().filter(|file| file.is(".rs") || file.is(".toml")).collect();
    let known: BTreeSet<&str> = code.iter().flat_map(|file| words(&file.text)).collect();
    hold(
        |file| file.is(".md"),
        |text| named_code(text).into_iter().filter(|name| !known.contains(name.as_str())).collect(),
    );
}

#[test]
fn the_glossary_is_sorted_and_complete() {
    assert_eq!(glossary(&read("GLOSSARY.md")), Vec::<String>::new());
}

// The checks.

/// The lines `a → b, c` in the blocks of a page.
fn arrows(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let arrow = |line: &str| {
        let (from, to) = line.split_once(" → ")?;
        let names = to.split(',').map(str::trim).filter(|name| !name.starts_with('('));
        Some((from.trim().to_owned(), names.map(str::to_owned).collect()))
    };
    blocks(page).lines().filter_map(arrow).collect()
}

/// What a manifest depends on outside of its tests, ours and others'.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let (mut names, mut inside) = (BTreeSet::new(), false);
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let (kind, name) = section.split_once("dependencies").map_or(("dev-", ""), |(kind, name)| (kind, name));
            inside = !kind.ends_with("dev-") && name.is_empty();
            if !kind.ends_with("dev-") && !name.is_empty() {
                names.insert(name.trim_matches(['.', '"']).to_owned());
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            // `renamed = { package = "name" }` depends on `name`.
            let package = line.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
            let first = line.split(['.', '=', ' ']).next().unwrap_or_default();
            names.insert(package.unwrap_or(first).trim_matches('"').to_owned());
        }
    }
    names
}

fn forbidden_arrows(
    table: &BTreeMap<String, BTreeSet<String>>,
    used: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let mut findings = Vec::new();
    if !table.keys().eq(used.keys()) {
        findings.push(format!("the table lists {:?}, and there are {:?}", table.keys(), used.keys()));
    }
    for (name, dependencies) in used {
        let allowed = table.get(name).cloned().unwrap_or_default();
        let ours = dependencies.iter().filter(|other| used.contains_key(*other));
        let forbidden = ours.filter(|other| !allowed.contains(*other) && !allowed.contains("all"));
        findings.extend(forbidden.map(|other| format!("{name} must not use {other}")));
    }
    findings
}

fn foreign_sources(manifest: &str) -> Vec<String> {
    let foreign = |line: &&str| line.trim_start().starts_with("[patch") || line.replace(' ', "").contains("git=\"");
    manifest.lines().filter(foreign).map(str::to_owned).collect()
}

/// Dependencies of other people that a page has no row for. Ours are a folder away.
fn unexplained(names: &BTreeSet<String>, page: &str) -> Vec<String> {
    let missing =
        |name: &&String| !root().join("crates").join(name).is_dir() && !page.contains(&format!("| `{name}` |"));
    names.iter().filter(missing).cloned().collect()
}

fn header(text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//! ").is_some_and(|rest| !rest.trim().is_empty());
    if says { Vec::new() } else { vec!["its first line must be `//!` and what the file is".into()] }
}

fn length(text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        vec![format!("{lines} lines; at most {LINES_MAX}: split it by its nouns")]
    } else {
        Vec::new()
    }
}

fn columns(text: &str) -> Vec<String> {
    let long = |(number, line): (usize, &str)| {
        let columns = without_strings(line).chars().count();
        (columns > COLUMNS_MAX).then(|| format!("line {} has {columns} columns; at most {COLUMNS_MAX}", number + 1))
    };
    text.lines().enumerate().filter_map(long).collect()
}

/// A line without what stands in double quotes.
fn without_strings(line: &str) -> String {
    let (mut out, mut quoted, mut characters) = (String::new(), false, line.chars().peekable());
    while let Some(c) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            // A quote as a character, `'"'`, opens nothing.
            '"' if !quoted && out.ends_with('\'') && characters.peek() == Some(&'\'') => {}
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ => out.push(c),
        }
    }
    out
}

fn drawer_paths(paths: &[String]) -> Vec<String> {
    let drawer = |part: &str| DRAWERS.contains(&part.trim_end_matches(".rs"));
    paths.iter().filter(|path| path.starts_with("crates/") && path.split('/').any(drawer)).cloned().collect()
}

fn drawer_modules(text: &str) -> Vec<String> {
    let module = |line: &str| {
        let (before, name) = line.trim().split_once("mod ")?;
        let name = name.trim_end_matches(['{', ';', ' ']);
        let opens = before.is_empty() || before.starts_with("pub");
        (opens && DRAWERS.contains(&name)).then(|| format!("module {name} says nothing of what is in it"))
    };
    text.lines().filter_map(module).collect()
}

fn left_over(text: &str) -> Vec<String> {
    let whole = |line: &str, word: &str| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let at =
            |(start, _)| !letter(line[..start].chars().last()) && !letter(line[start + word.len()..].chars().next());
        line.match_indices(word).any(at)
    };
    let found = |(first, second): &(&str, &str)| {
        let word = format!("{first}{second}");
        text.lines().any(|line| whole(line, &word)).then(|| format!("{word} is left over"))
    };
    LEFT_OVER.iter().filter_map(found).collect()
}

fn machine_paths(text: &str) -> Vec<String> {
    let absolute = |line: &str, path: &str| {
        let begins = |start: usize| {
            let before = line[..start].chars().last();
            before.is_none_or(|c| !c.is_alphanumeric() && !"._-/}~*".contains(c))
        };
        let stops = |c: char| !c.is_alphanumeric() && c != '-';
        let ends = |end: usize| path.ends_with('/') || line[end..].chars().next().is_none_or(stops);
        line.match_indices(path).any(|(start, _)| begins(start) && ends(start + path.len()))
    };
    let found = |(first, second): &(&str, &str)| {
        let path = format!("{first}{second}");
        text.lines().any(|line| absolute(line, &path)).then(|| format!("{path} is a path of somebody's machine"))
    };
    MACHINE_PATHS.iter().filter_map(found).collect()
}

/// What stands in fenced blocks.
fn blocks(page: &str) -> String {
    page.split("```").skip(1).step_by(2).collect()
}

/// What stands outside of fenced blocks.
fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// What stands between single backticks.
fn ticked(page: &str) -> Vec<String> {
    let lines = prose(page);
    lines.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Paths from the root in backticks. Those with placeholders are patterns, not paths.
fn named_paths(page: &str) -> Vec<String> {
    let is_path = |text: &String| {
        let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        let known = text.split_once('/').is_some_and(|(first, _)| ROOTS.contains(&first));
        let page = !text.contains('/') && text.ends_with(".md") && text.starts_with(|c: char| c.is_ascii_uppercase());
        simple && (known || page)
    };
    ticked(page).into_iter().filter(is_path).collect()
}

/// Targets of links and pictures that lead to files.
fn links(page: &str) -> Vec<String> {
    let prose = prose(page);
    let targets = |open: &'static str, close: char| {
        prose.split(open).skip(1).filter_map(move |rest| rest.split(close).next()).collect::<Vec<_>>()
    };
    let all = [targets("](", ')'), targets("src=\"", '"'), targets("srcset=\"", '"'), targets("href=\"", '"')].concat();
    let leads_away = |target: &&str| target.contains("://") || target.starts_with('#') || target.starts_with("mailto:");
    let files = all.into_iter().filter(|target| !leads_away(target));
    files.map(|target| target.split('#').next().unwrap_or(target).to_owned()).collect()
}

/// False for a path that leads out of the tree.
fn inside(path: &Path) -> bool {
    let depth = path.components().try_fold(0i32, |depth, part| match part {
        Component::ParentDir => (depth > 0).then(|| depth - 1),
        Component::Normal(_) => Some(depth + 1),
        _ => Some(depth),
    });
    depth.is_some()
}

/// The last names of `a::b` in backticks.
fn named_code(page: &str) -> Vec<String> {
    let name = |text: String| {
        let path = text.strip_suffix("()").unwrap_or(&text).to_owned();
        let simple = path.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        simple.then(|| path.rsplit_once("::").map(|(_, last)| last.to_owned())).flatten()
    };
    ticked(page).into_iter().filter_map(name).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Rows are `| term | Korean | meaning |`, in the order of the terms, each once.
fn glossary(page: &str) -> Vec<String> {
    let row =
        |line: &str| line.strip_prefix("| ").map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect());
    let rows: Vec<Vec<String>> =
        page.lines().filter_map(row).skip(1).filter(|row: &Vec<String>| !row[0].starts_with("--")).collect();
    let mut findings = Vec::new();
    if rows.len() < 2 {
        findings.push("there is no table of terms".to_owned());
    }
    let empty = rows.iter().filter(|row| row.len() < 3 || row.iter().take(3).any(String::is_empty));
    findings.extend(empty.map(|row| format!("{}: term, Korean word and meaning are all needed", row[0])));
    let wrong = rows.windows(2).filter(|pair| pair[0][0].to_lowercase() >= pair[1][0].to_lowercase());
    findings.extend(wrong.map(|pair| format!("{} must come before {}", pair[1][0], pair[0][0])));
    findings
}

// Each check finds what it is for.

#[test]
fn a_forbidden_arrow_is_found() {
    let table = arrows("text a → b\n```\na → (nothing of ours)\nb → a\nc → all\n```\n");
    let used = |a: &str| {
        BTreeMap::from([("a", a), ("b", "a serde"), ("c", "a b")].map(|(name, list)| (name.into(), set(list))))
    };
    assert_eq!(forbidden_arrows(&table, &used("serde")), Vec::<String>::new());
    assert_eq!(forbidden_arrows(&table, &used("b serde")), ["a must not use b"]);
    let mut more = used("");
    more.insert("d".into(), set("a"));
    assert_eq!(forbidden_arrows(&table, &more).len(), 2, "one that the table lacks is found, and may use nothing");
}

fn set(names: &str) -> BTreeSet<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_dependency_is_found_however_it_is_written() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = \"1\"\nc = { package = \"d\" }\n# e = \"1\"\n\
                    [dev-dependencies]\nf = \"1\"\n[dependencies.g]\nversion = \"1\"\n[target.'cfg(unix)'.dependencies]\nh = \"1\"\n\
                    [build-dependencies]\ni = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nj = \"1\"\n[lints]\nk = true\n";
    assert_eq!(dependencies(manifest), set("a b d g h i"));
    assert_eq!(dependencies("[workspace.dependencies]\na = \"1\"\n"), set("a"));
    assert_eq!(foreign_sources("[patch.x]\na = { git = \"b\" }\nc = \"1\"\n").len(), 2);
    assert_eq!(unexplained(&set("ledger serde sha2"), "| `serde` | why |"), ["sha2"]);
}

#[test]
fn a_bad_source_file_is_found() {
    assert!(header("//! What it is.\n").is_empty());
    assert_eq!((header("use a;\n").len(), header("//!\n").len(), header("").len()), (1, 1, 1));
    assert!(length(&"x\n".repeat(LINES_MAX)).is_empty());
    assert_eq!(length(&"x\n".repeat(LINES_MAX + 1)).len(), 1);
    let (fits, long) = ("x".repeat(COLUMNS_MAX), "가".repeat(COLUMNS_MAX + 1));
    assert!(columns(&format!("{fits}\n\"{long}\"\n{}'\"'\n", &fits[3..])).is_empty());
    assert_eq!(columns(&format!("a\n{long}\n")), ["line 2 has 131 columns; at most 130"]);
    assert_eq!(columns(&format!("'\"'{long}")).len(), 1, "a quote as a character hides nothing");
}

#[test]
fn a_drawer_is_found() {
    let paths = ["crates/a/src/utils.rs", "crates/a/src/core/x.rs", "crates/a/src/score.rs", "docs/core/x.md"]
        .map(String::from);
    assert_eq!(drawer_paths(&paths), &paths[..2]);
    assert_eq!(drawer_modules("mod core;\npub(crate) mod types {\nmod typeset;\nuse a; // the mod core").len(), 2);
}

#[test]
fn a_left_over_word_is_found() {
    for (first, second) in LEFT_OVER {
        assert_eq!(left_over(&format!("a {first}{second} b")).len(), 1, "{first}{second}");
        assert!(left_over(&format!("a{first}{second}b")).is_empty(), "{first}{second} within a word is another word");
    }
}

#[test]
fn a_path_of_a_machine_is_found() {
    for (first, second) in MACHINE_PATHS {
        assert_eq!(machine_paths(&format!("see `{first}{second}/x`")).len(), 1, "{first}{second}");
        assert!(machine_paths(&format!("GET /log{first}{second}")).is_empty(), "{first}{second} within a path");
    }
}

#[test]
fn a_missing_path_is_found() {
    let page = "`crates/a/b.rs` `a/b.rs` `crates/*/x` `docs/…` `NOTES.md` [x](docs/y.md#z) [w](https://a/b)\n\
                <img src=\"docs/p.svg\">\n```\n`crates/c/d.rs`\n```\n`docs/after.md`\n";
    assert_eq!(named_paths(page), ["crates/a/b.rs", "NOTES.md", "docs/after.md"]);
    assert_eq!(links(page), ["docs/y.md", "docs/p.svg"]);
    assert!(inside(Path::new("docs/../README.md")) && !inside(Path::new("docs/../../x")));
    assert_eq!(named_code("`State::apply` `a::b()` `plain` `x::y z`"), ["apply", "b"]);
}

#[test]
fn a_glossary_out_of_order_is_found() {
    let page = |rows: &str| format!("| word | Korean | meaning |\n| --- | --- | --- |\n{rows}");
    assert!(glossary(&page("| a | 가 | x |\n| B | 나 | y |\n")).is_empty());
    assert_eq!(glossary(&page("| b | 가 | x |\n| a | 나 | y |\n")), ["a must come before b"]);
    assert_eq!(glossary(&page("| a | 가 | x |\n| a | 나 | y |\n")).len(), 1);
    assert_eq!(glossary(&page("| a |  | x |\n| b | 나 | y |\n")).len(), 1);
    assert_eq!(glossary("nothing").len(), 1);
}
