//! Files in, verified files out.

use super::*;
use std::collections::BTreeMap;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn import(store: &Store, path: &Path) -> Result<crate::Imported, Error> {
    store.import(path, BTreeMap::new(), Some("test/thing:latest"), |_, _| {})
}

fn blobs(store: &Store) -> usize {
    fs::read_dir(store.dir.join("blobs/sha256")).unwrap().count()
}

#[test]
fn a_folder_goes_in_and_comes_out() {
    let source = folder(&[("README.md", b"# hi"), ("data/a.jsonl", b"{}"), (".git/config", b"x")]);
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let imported = import(&store, source.path()).unwrap();
    assert_eq!(imported.skipped, [".git: hidden"]);
    let (before, again) = (blobs(&store), import(&store, source.path()).unwrap());
    assert_eq!((again.id, blobs(&store)), (imported.id, before), "the same bytes twice cost nothing");

    let out = tempfile::tempdir().unwrap();
    store.export(&store.manifest(imported.id).unwrap(), out.path()).unwrap();
    assert_eq!(fs::read(out.path().join("data/a.jsonl")).unwrap(), b"{}");
    assert!(!out.path().join(".git").exists());

    store.remove(imported.id).unwrap();
    assert_eq!((blobs(&store), store.manifests().unwrap()), (1, vec![]), "only the empty configuration stays");
}

#[test]
fn damage_is_found() {
    let source = folder(&[("a.txt", b"right")]);
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let imported = import(&store, &source.path().join("a.txt")).unwrap();
    let blob = imported.manifest.files()[0].digest;
    store.verify(blob).unwrap();
    fs::write(store.path(blob), b"wrong").unwrap();
    assert!(matches!(store.verify(blob), Err(Error::Damaged(_))));
    let out = tempfile::tempdir().unwrap();
    assert!(matches!(store.export(&imported.manifest, out.path()), Err(Error::Damaged(_))));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "nothing unverified comes out");
}

#[test]
fn what_was_sent_must_be_what_was_named() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let named = Digest::of(b"right");
    assert!(matches!(store.put_verified(named, &mut &b"wrong"[..]), Err(Error::Differs(_))));
    assert!(!store.contains(named));
    store.put_verified(named, &mut &b"right"[..]).unwrap();
    assert!(store.contains(named));
}

#[test]
fn pickles_links_and_bad_weights_are_refused_and_nothing_is_listed() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    for (name, bytes) in [("model.pt", &b"\x80\x02}q"[..]), ("w.gguf", b"GGUF\x03"), ("w.safetensors", b"12345678")] {
        let source = folder(&[(name, bytes)]);
        assert!(matches!(import(&store, source.path()), Err(Error::Bad { .. })), "{name}");
    }
    let source = folder(&[("a", b"a")]);
    std::os::unix::fs::symlink("/etc/passwd", source.path().join("b")).unwrap();
    assert!(matches!(import(&store, source.path()), Err(Error::Bad { .. })));
    assert!(store.manifests().unwrap().is_empty());
}

#[test]
fn an_interrupted_import_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    drop(Store::open(home.path()).unwrap());
    fs::write(home.path().join("partial/left"), b"half").unwrap();
    drop(Store::open(home.path()).unwrap());
    assert_eq!(fs::read_dir(home.path().join("partial")).unwrap().count(), 0);
}
