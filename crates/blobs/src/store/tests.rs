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
fn what_an_interruption_left_is_kept_for_a_day() {
    let home = tempfile::tempdir().unwrap();
    drop(Store::open(home.path()).unwrap());
    let (left, fresh) = (home.path().join("partial/left"), home.path().join("partial/fresh"));
    fs::write(&left, b"half").unwrap();
    fs::write(&fresh, b"half").unwrap();
    let before = std::time::SystemTime::now() - 2 * ABANDONED;
    File::options().append(true).open(&left).unwrap().set_modified(before).unwrap();
    drop(Store::open(home.path()).unwrap());
    assert!(!left.exists() && fresh.exists(), "another process may be writing what is fresh");
}

#[test]
fn a_blob_comes_in_pieces() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let named = Digest::of(b"right");
    let mut partial = store.partial(named).unwrap();
    partial.append(b"ri").unwrap();
    assert!(matches!(store.partial(named), Err(Error::Busy(_))), "not two at once");
    drop(partial);
    assert_eq!(store.partial_length(named), 2);
    let mut partial = store.partial(named).unwrap();
    assert_eq!(partial.length(), 2);
    partial.append(b"ght").unwrap();
    partial.finish().unwrap();
    assert_eq!((fs::read(store.path(named)).unwrap(), store.partial_length(named)), (b"right".to_vec(), 0));

    let other = Digest::of(b"other");
    let mut partial = store.partial(other).unwrap();
    partial.append(b"wrong").unwrap();
    assert!(matches!(partial.finish(), Err(Error::Differs(_))));
    assert!(!store.contains(other) && store.partial_length(other) == 0, "what is wrong is thrown away");
}

#[test]
fn only_listed_files_are_public_whoever_lists_them() {
    let source = folder(&[("a.txt", b"a")]);
    let home = tempfile::tempdir().unwrap();
    let (store, other) = (Store::open(home.path()).unwrap(), Store::open(home.path()).unwrap());
    let files = store.take_in(source.path(), |_, _| {}).unwrap().files;
    let manifest = Manifest::new(files.clone(), BTreeMap::new()).unwrap();
    let id = store.put_manifest_blob(&manifest).unwrap();
    let public = |store: &Store, blob| store.listed().unwrap().is_public(blob);
    assert!(!public(&store, id) && !public(&store, files[0].1));
    other.list(id, Some("you/a:latest")).unwrap();
    assert!(public(&store, id) && public(&store, files[0].1), "it sees what another process listed");
    other.remove(id).unwrap();
    assert!(!public(&store, id) && !store.contains(files[0].1));
    assert!(matches!(store.list(id, None), Err(Error::Missing(_))));
}

#[test]
fn many_processes_list_at_once_and_nothing_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let path = home.path();
        let one = |number: u8| {
            let store = Store::open(path).unwrap();
            let file = (number.to_string(), store.put_bytes(&[number]).unwrap(), 1);
            store.put_manifest(&Manifest::new(vec![file], BTreeMap::new()).unwrap(), None).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let store = Store::open(home.path()).unwrap();
    assert!(ids.iter().all(|id| store.listed().unwrap().has(*id)));
}

#[test]
fn what_stands_in_the_folder_already_stays() {
    let source = folder(&[("a.txt", b"a"), ("b.txt", b"b")]);
    let (home, out) = (tempfile::tempdir().unwrap(), folder(&[("a.txt", b"a")]));
    let store = Store::open(home.path()).unwrap();
    let imported = import(&store, source.path()).unwrap();
    store.export(&imported.manifest, out.path()).unwrap();
    store.export(&imported.manifest, out.path()).unwrap();
    fs::write(out.path().join("b.txt"), b"mine").unwrap();
    assert!(matches!(store.export(&imported.manifest, out.path()), Err(Error::Bad { .. })));
    assert_eq!(fs::read(out.path().join("b.txt")).unwrap(), b"mine");
}
