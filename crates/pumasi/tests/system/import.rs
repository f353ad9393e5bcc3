//! Importing: a Hub over HTTP, its cache on this disk, Ollama's folder, and plain files. Up to the draft, which is what is
//! published.

use axum::{
    Router,
    body::Body,
    extract::{Path as Named, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::{StreamExt as _, stream};
use ledger::Digest;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, symlink},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use crate::harness::{Home, Ran, model};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const CARD: &str = "---\nlicense: apache-2.0\nbase_model: kim/base\n---\n# Tiny\n\nTells stories.\n";

/// A Hub with one repository, `kim/tiny`, as much as `hf-hub` and a download ask for.
#[derive(Clone, Default)]
struct Shop {
    files: BTreeMap<String, Vec<u8>>,
    /// Files whose digest is given, as the Hub does for large ones; perhaps a wrong one.
    digests: BTreeMap<String, String>,
    /// Every file ends after so many bytes, as if the connection broke.
    cut: Option<usize>,
    /// What every request for a file is answered with.
    refuse: Option<(u16, &'static str)>,
    /// Path, range and token of each request for a file.
    asked: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Shop {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let files: BTreeMap<_, _> = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        let digest = |bytes: &Vec<u8>| Digest::of(bytes).to_string().trim_start_matches("sha256:").to_owned();
        let large = files.iter().filter(|(path, _)| path.ends_with(".gguf"));
        Self { digests: large.map(|(path, bytes)| (path.clone(), digest(bytes))).collect(), files, ..Self::default() }
    }

    /// Opens it, and gives its address.
    fn open(&self) -> String {
        let (shop, (send, address)) = (self.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let routes = Router::new()
                    .route("/api/models/kim/tiny/revision/{revision}", get(info))
                    .route("/kim/tiny/resolve/{revision}/{*path}", get(resolve))
                    .with_state(shop);
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(format!("http://{}", listener.local_addr().unwrap())).unwrap();
                axum::serve(listener, routes).await.unwrap();
            });
        });
        address.recv().unwrap()
    }

    fn ranges(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(asked, ..)| asked == path).map(|(_, range, _)| range.clone()).collect()
    }
}

async fn info(State(shop): State<Shop>, Named(revision): Named<String>) -> Response {
    if revision != "main" && revision != COMMIT {
        return (StatusCode::NOT_FOUND, [("x-error-code", "RevisionNotFound")], "").into_response();
    }
    let sibling = |(path, bytes): (&String, &Vec<u8>)| match shop.digests.get(path) {
        Some(digest) => {
            json!({ "rfilename": path, "size": bytes.len(), "lfs": { "sha256": digest, "size": bytes.len(), "pointerSize": 1 } })
        }
        None => json!({ "rfilename": path, "size": bytes.len(), "blobId": "x" }),
    };
    let siblings: Vec<Value> = shop.files.iter().map(sibling).collect();
    axum::Json(json!({ "id": "kim/tiny", "sha": COMMIT, "siblings": siblings })).into_response()
}

async fn resolve(
    State(shop): State<Shop>,
    Named((revision, path)): Named<(String, String)>,
    headers: HeaderMap,
) -> Response {
    assert_eq!(revision, COMMIT, "files are asked for at one commit");
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    shop.asked.lock().unwrap().push((path.clone(), header("range"), header("authorization")));
    if let Some((status, code)) = shop.refuse {
        return (StatusCode::from_u16(status).unwrap(), [("x-error-code", code)], "").into_response();
    }
    let bytes = &shop.files[&path];
    let range = header("range");
    let from: usize =
        range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).map_or(0, |at| at.parse().unwrap());
    let rest = bytes[from..].to_vec();
    let sent = shop.cut.filter(|_| shop.digests.contains_key(&path)).map_or(rest.len(), |cut| cut.min(rest.len()));
    let status = if from > 0 { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let (piece, breaks) = (rest[..sent].to_vec(), sent < rest.len());
    let broken = async move {
        // What came before is on its way by then.
        tokio::task::yield_now().await;
        breaks.then(|| Err(std::io::Error::other("the connection breaks")))
    };
    let pieces = stream::iter([Ok(piece)]).chain(stream::once(broken).filter_map(async |end| end));
    (status, [("content-length", rest.len().to_string())], Body::from_stream(pieces)).into_response()
}

/// Runs `import` without anything of this machine's caches.
fn import(home: &Home, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let nowhere = home.path("nowhere").to_str().unwrap().to_owned();
    let usual = [("HF_HOME", nowhere.as_str()), ("OLLAMA_MODELS", &nowhere), ("HF_TOKEN", ""), ("NO_PROXY", "*")];
    home.pumasi_with(&[&["import"], args].concat(), &[&usual[..], environment].concat())
}

/// Path and digest of a draft's files.
fn files(draft: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    draft["files"].as_array().unwrap().iter().map(|file| (text(&file["path"]), text(&file["digest"]))).collect()
}

fn blob(home: &Home, digest: &str) -> PathBuf {
    home.path("blobs/blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

fn weights() -> Vec<u8> {
    fs::read(model()).unwrap()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_repository_of_the_hub_is_fetched_once() {
    let (home, weights) = (Home::new(), weights());
    let shop = Shop::with(&[
        ("README.md", CARD.as_bytes()),
        ("config with blank.json", b"{}"),
        ("tiny.gguf", &weights),
        ("pytorch_model.bin", b"\x80\x02"),
        (".gitattributes", b"x"),
    ]);
    let url = shop.open();
    let ran = import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", &url], &[("HF_TOKEN", "hf_secret")]);
    assert!(ran.stderr.contains("pytorch_model.bin is left out"), "{ran:?}");
    assert!(!ran.stderr.contains("hf_secret") && !ran.stdout.contains("hf_secret"));
    let draft = ran.json();
    let source = json!({ "url": "https://huggingface.co/kim/tiny", "revision": COMMIT, "authors": ["kim"] });
    assert_eq!((&draft["name"], &draft["source"]), (&json!("tiny"), &source));
    assert!(draft["royalty"].is_null(), "somebody else's work asks none: {draft}");
    let got = files(&draft);
    assert_eq!(got.keys().collect::<Vec<_>>(), ["README.md", "config with blank.json", "tiny.gguf"]);
    assert_eq!(fs::read(blob(&home, &got["tiny.gguf"])).unwrap(), weights);
    assert!(shop.asked.lock().unwrap().iter().all(|(_, _, token)| token == "Bearer hf_secret"));

    let again = import(&home, &["hf:kim/tiny", "--dry-run", "--name", "mine:v2"], &[("HF_ENDPOINT", &url)]).json();
    assert_eq!((&again["name"], &again["files"]), (&json!("mine:v2"), &draft["files"]));
    assert_eq!(shop.ranges("tiny.gguf").len(), 1, "what is here is not fetched again");
}

#[test]
fn one_file_brings_its_card_and_no_other_weights() {
    let (home, weights) = (Home::new(), weights());
    let files_there: [(&str, &[u8]); 4] =
        [("README.md", CARD.as_bytes()), ("LICENSE", b"text"), ("a-Q4_0.gguf", &weights), ("a-Q8_0.gguf", b"other")];
    let url = Shop::with(&files_there).open();
    let said = import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", &url], &[]).bad();
    assert!(said.contains("2 versions") && said.contains("a-Q4_0.gguf, a-Q8_0.gguf"), "{said}");
    let draft = import(&home, &["hf:kim/tiny", "*Q4_0.gguf", "--dry-run", "--endpoint", &url], &[]).json();
    assert_eq!(files(&draft).keys().collect::<Vec<_>>(), ["LICENSE", "README.md", "a-Q4_0.gguf"]);
    assert!(
        import(&home, &["hf:kim/tiny", "*Q9*", "--dry-run", "--endpoint", &url], &[])
            .bad()
            .contains("there is no file")
    );
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (home, weights) = (Home::new(), weights());
    let cut = weights.len() / 6;
    let shop = Shop { cut: Some(cut), ..Shop::with(&[("README.md", CARD.as_bytes()), ("tiny.gguf", &weights)]) };
    let url = shop.open();
    // Taking it up again takes a while, so that it may say how far it is.
    let ran = import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", &url], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.stderr.contains("the connection broke") && ran.stderr.contains("goes on from there"), "{ran:?}");
    let tries = shop.ranges("tiny.gguf");
    assert!(tries.len() > 1 && tries.len() < 6, "{tries:?}");
    assert_eq!(fs::read_dir(home.path("blobs/partial")).unwrap().count(), 1);
    // The next run asks for the next byte.
    let draft = import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", &url], &[]).json();
    let begun = shop.ranges("tiny.gguf")[tries.len()].clone();
    let had: usize = begun.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
    assert!(had >= cut, "{begun}");
    assert_eq!(fs::read(blob(&home, &files(&draft)["tiny.gguf"])).unwrap(), weights);
    assert_eq!(fs::read_dir(home.path("blobs/partial")).unwrap().count(), 0);
}

#[test]
fn bytes_that_are_not_what_the_hub_names_are_thrown_away() {
    let (home, weights) = (Home::new(), weights());
    let mut shop = Shop::with(&[("tiny.gguf", &weights)]);
    let wrong = "ab".repeat(32);
    shop.digests.insert("tiny.gguf".into(), wrong.clone());
    let said = import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", &shop.open()], &[]).bad();
    assert!(said.contains("other bytes"), "{said}");
    assert!(!blob(&home, &wrong).exists());
    assert_eq!(fs::read_dir(home.path("blobs/partial")).unwrap().count(), 0);
    let mut cut = weights.clone();
    cut.truncate(weights.len() - 1_000);
    let url = Shop::with(&[("tiny.gguf", &cut)]).open();
    assert!(
        import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", &url], &[]).bad().contains("tiny.gguf"),
        "no whole model"
    );
}

#[test]
fn what_the_hub_refuses_is_a_sentence() {
    let home = Home::new();
    let ask = |shop: Shop, args: &[&str]| {
        let url = shop.open();
        import(&home, &[args, &["--dry-run", "--endpoint", &url]].concat(), &[]).bad()
    };
    let shop = || Shop::with(&[("README.md", CARD.as_bytes())]);
    let gated = Shop { refuse: Some((403, "GatedRepo")), ..shop() };
    assert!(ask(gated, &["hf:kim/tiny"]).contains("only for those whom its authors let in"));
    let private = Shop { refuse: Some((401, "")), ..shop() };
    assert!(ask(private, &["hf:kim/tiny"]).contains("no public repository kim/tiny"));
    assert!(ask(shop(), &["hf:kim/other"]).contains("no public repository kim/other"));
    assert!(ask(shop(), &["hf:kim/tiny", "--revision", "v9"]).contains("no such revision"));
    let broken = Shop { refuse: Some((503, "")), ..shop() };
    assert!(ask(broken, &["hf:kim/tiny"]).contains("HTTP 503"));
    let outside = Shop::with(&[("../../evil", b"x")]);
    assert!(ask(outside, &["hf:kim/tiny"]).contains("no path"));
    let said = import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", "http://127.0.0.1:9"], &[]).bad();
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(import(&home, &["hf:kim/tiny", "--dry-run", "--endpoint", "nonsense"], &[]).bad().contains("no address"));
    assert!(import(&home, &["hf:../x", "--dry-run"], &[]).bad().contains("no repository"));
}

/// A cache as the Hub's programs make it; gives its root.
fn cache(home: &Home, weights: &[u8]) -> PathBuf {
    let (root, digest) = (home.path("hub"), Digest::of(weights).to_string());
    let folder = root.join("models--kim--tiny");
    let weight = digest.trim_start_matches("sha256:");
    put(&folder.join("blobs").join(weight), weights);
    put(&folder.join("blobs/0123456789012345678901234567890123456789"), CARD.as_bytes());
    put(&folder.join("refs/main"), COMMIT.as_bytes());
    let snapshot = folder.join("snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    symlink(format!("../../blobs/{weight}"), snapshot.join("tiny.gguf")).unwrap();
    symlink("../../blobs/0123456789012345678901234567890123456789", snapshot.join("README.md")).unwrap();
    root
}

#[test]
fn the_hubs_cache_on_this_disk_is_shared() {
    let (home, weights) = (Home::new(), weights());
    let root = cache(&home, &weights);
    let environment = [("HF_HUB_CACHE", root.to_str().unwrap())];
    assert!(import(&home, &["hf-cache:"], &environment).good().contains("hf-cache:kim/tiny"));
    let draft = import(&home, &["hf-cache:kim/tiny", "--dry-run"], &environment).json();
    assert_eq!((&draft["name"], &draft["source"]["revision"]), (&json!("tiny"), &json!(COMMIT)));
    let digest = files(&draft)["tiny.gguf"].clone();
    let kept = root.join("models--kim--tiny/blobs").join(digest.trim_start_matches("sha256:"));
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&blob(&home, &digest)), inode(&kept), "there is no second copy");

    // The Hub is asked what there is, and for none of it.
    let other = Home::new();
    let shop = Shop::with(&[("README.md", CARD.as_bytes()), ("tiny.gguf", &weights)]);
    let from_hub = import(&other, &["hf:kim/tiny", "--dry-run", "--endpoint", &shop.open()], &environment).json();
    assert_eq!((&from_hub["files"], shop.asked.lock().unwrap().len()), (&draft["files"], 0));

    fs::remove_dir_all(&root).unwrap();
    assert_eq!(fs::read(blob(&home, &digest)).unwrap(), weights, "what was taken in stays when the cache goes");
}

#[test]
fn a_cache_leads_nowhere_else() {
    let (home, weights) = (Home::new(), weights());
    let root = cache(&home, &weights);
    let environment = [("HF_HUB_CACHE", root.to_str().unwrap())];
    let ask = |args: &[&str]| import(&home, &[&["hf-cache:kim/tiny", "--dry-run"], args].concat(), &environment).bad();
    assert!(import(&home, &["hf-cache:kim/none", "--dry-run"], &environment).bad().contains("is not in the cache"));
    for revision in ["../main", "v9", "/etc/passwd", ""] {
        assert!(ask(&["--revision", revision]).contains("has no version"), "{revision}");
    }
    let snapshot = root.join("models--kim--tiny/snapshots").join(COMMIT);
    put(&home.path("secret"), b"secret");
    symlink(home.path("secret"), snapshot.join("secret.txt")).unwrap();
    assert!(ask(&[]).contains("no file of this cache"));
    fs::remove_file(snapshot.join("secret.txt")).unwrap();
    fs::write(root.join("models--kim--tiny/refs/main"), "../../../..").unwrap();
    // A reference that is none is passed over; there is one snapshot.
    import(&home, &["hf-cache:kim/tiny", "--dry-run"], &environment).json();
    let blobs = root.join("models--kim--tiny/blobs");
    let weight = fs::read_link(snapshot.join("tiny.gguf")).unwrap();
    let mut damaged = weights;
    *damaged.last_mut().unwrap() ^= 1;
    fs::remove_file(blobs.join(weight.file_name().unwrap())).unwrap();
    fs::write(blobs.join(weight.file_name().unwrap()), damaged).unwrap();
    assert!(ask(&[]).contains("it is damaged"));
}

#[test]
fn newer_ollamas_list_a_manifest_for_each_program() {
    let (home, weights) = (Home::new(), weights());
    let root = ollama(&home, "registry.ollama.ai/library/old/latest", &weights);
    let plain = fs::read(root.join("manifests/registry.ollama.ai/library/old/latest")).unwrap();
    let name = |bytes: &[u8]| Digest::of(bytes).to_string().replace(':', "-");
    put(&root.join("blobs").join(name(&plain)), &plain);
    let list = json!({ "schemaVersion": 2, "mediaType": "application/vnd.ollama.manifest.list.v2+json", "manifests": [
        { "mediaType": "x", "digest": Digest::of(b"another").to_string(), "runner": "mlx", "format": "safetensors" },
        { "mediaType": "x", "digest": Digest::of(&plain).to_string(), "runner": "ollama", "format": "gguf" },
    ] });
    let list = list.to_string().into_bytes();
    put(&root.join("blobs").join(name(&list)), &list);
    let link = root.join("manifests-v2/registry.ollama.ai/library/new/latest");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(Path::new("../../../../blobs").join(name(&list)), &link).unwrap();
    let environment = [("OLLAMA_MODELS", root.to_str().unwrap())];
    assert_eq!(import(&home, &["ollama:", "--json"], &environment).json().as_array().unwrap().len(), 2);
    let (new, old) = (
        import(&home, &["ollama:new", "--dry-run"], &environment).json(),
        import(&home, &["ollama:old", "--dry-run"], &environment).json(),
    );
    let digests = |draft: &Value| files(draft).into_values().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(digests(&new), digests(&old));
    assert_eq!(new["source"]["revision"], json!(Digest::of(&list).to_string()));

    // A link that leads out of Ollama's folder is not read.
    put(&home.path("secret"), &plain);
    fs::remove_file(&link).unwrap();
    symlink(home.path("secret"), &link).unwrap();
    assert!(import(&home, &["ollama:new", "--dry-run"], &environment).bad().contains("no manifest"));
}

/// Ollama's folder with one model; gives its root.
fn ollama(home: &Home, host: &str, weights: &[u8]) -> PathBuf {
    let root = home.path("ollama");
    let layer = |kind: &str, bytes: &[u8]| {
        let digest = Digest::of(bytes).to_string();
        put(&root.join("blobs").join(digest.replace(':', "-")), bytes);
        json!({ "mediaType": format!("application/vnd.ollama.image.{kind}"), "digest": digest, "size": bytes.len() })
    };
    let layers = [
        layer("model", weights),
        layer("template", b"{{ .Prompt }}"),
        layer("license", b"MIT License"),
        layer("license", b"Another"),
        layer("params", b"{\"stop\":[\"x\"]}"),
        layer("unheard-of", b"?"),
    ];
    let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "x", "digest": Digest::of(b"c").to_string(), "size": 1 }, "layers": layers });
    put(&root.join("manifests").join(host), manifest.to_string().as_bytes());
    root
}

#[test]
fn ollamas_models_are_shared() {
    let (home, weights) = (Home::new(), weights());
    let root = ollama(&home, "registry.ollama.ai/library/tiny/1b", &weights);
    ollama(&home, "hf.co/kim/tiny/latest", &weights);
    let environment = [("OLLAMA_MODELS", root.to_str().unwrap())];
    let listed = import(&home, &["ollama:", "--json"], &environment).json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|item| item["what"].as_str().unwrap()).collect();
    assert_eq!(names, ["ollama:hf.co/kim/tiny:latest", "ollama:tiny:1b"]);

    let draft = import(&home, &["ollama:tiny:1b", "--dry-run"], &environment).json();
    assert_eq!(
        (&draft["name"], &draft["source"]["url"]),
        (&json!("tiny:1b"), &json!("https://ollama.com/library/tiny:1b"))
    );
    let got = files(&draft);
    assert_eq!(
        got.keys().collect::<Vec<_>>(),
        ["LICENSE", "LICENSE-2", "ollama/params.json", "ollama/template", "tiny.gguf"]
    );
    let kept = root.join("blobs").join(got["tiny.gguf"].replace(':', "-"));
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&blob(&home, &got["tiny.gguf"])), inode(&kept), "there is no second copy");
    let from_hub = import(&home, &["ollama:hf.co/kim/tiny", "--dry-run"], &environment).json();
    assert_eq!(from_hub["source"]["authors"], json!(["kim"]));

    assert!(import(&home, &["ollama:none", "--dry-run"], &environment).bad().contains("pumasi import ollama:"));
    assert!(import(&home, &["ollama:", "--dry-run"], &[]).bad().contains("OLLAMA_MODELS"));
    fs::remove_file(&kept).unwrap();
    assert!(import(&home, &["ollama:tiny:1b", "--dry-run"], &environment).bad().contains("ollama pull tiny:1b"));
    put(&kept, b"other bytes that are no model");
    assert!(import(&home, &["ollama:tiny:1b", "--dry-run"], &environment).bad().contains("not a GGUF file"));
    put(&root.join("manifests/registry.ollama.ai/library/tiny/1b"), b"nonsense");
    assert!(import(&home, &["ollama:tiny:1b", "--dry-run"], &environment).bad().contains("no manifest"));
}

#[test]
fn a_folder_says_where_it_comes_from() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    put(&dir.path().join("Tiny Model/README.md"), CARD.as_bytes());
    put(&dir.path().join("Tiny Model/m.gguf"), &weights());
    let folder = dir.path().join("Tiny Model");
    let folder = folder.to_str().unwrap();
    let said = import(&home, &[folder, "--dry-run"], &[]).bad();
    assert!(said.contains("--source URL") && said.contains("pumasi publish"), "{said}");
    let named = ["--source", "https://example.org/tiny", "--author", "Kim", "--author", "Lee"];
    let draft = import(&home, &[&[folder, "--dry-run"], &named[..]].concat(), &[]).json();
    assert_eq!(draft["name"], json!("tiny-model"));
    assert_eq!(draft["source"], json!({ "url": "https://example.org/tiny", "authors": ["Kim", "Lee"] }));
    assert_eq!(files(&draft).len(), 2);
    assert!(import(&home, &["/no/such/file", "--dry-run"], &[]).bad().contains("there is no file or folder"));
}

#[test]
fn nothing_is_fetched_for_a_node_that_is_not_there() {
    let (home, shop) = (Home::new(), Shop::with(&[("README.md", CARD.as_bytes())]));
    let said = import(&home, &["hf:kim/tiny", "--yes", "--endpoint", &shop.open()], &[]).bad();
    assert!(said.contains("pumasi up"), "{said}");
    assert!(shop.asked.lock().unwrap().is_empty());
}
