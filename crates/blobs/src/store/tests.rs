//! Files in, verified files out.

use super::{index::END, *};
use crate::Walk;
use std::{collections::BTreeMap, os::unix::fs::MetadataExt as _};

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
    fs::write(out.path().join("usual"), b"").unwrap();
    let mode = |name: &str| fs::metadata(out.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("data/a.jsonl"), mode("usual"), "others may read what the user's mask lets them");

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

/// As if it had been changed long ago.
fn settle(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).unwrap();
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn a_fresh_start_leaves_what_others_are_at_and_removes_what_was_abandoned() {
    let home = tempfile::tempdir().unwrap();
    drop(Store::open(home.path()).unwrap());
    let left = home.path().join("partial/left");
    fs::write(&left, b"half").unwrap();
    settle(&left);
    drop(Store::open(home.path()).unwrap());
    assert!(left.exists(), "a command may be writing it beside a starting node");
    assert_eq!(sweep::older(&home.path().join("partial"), Duration::ZERO).unwrap(), [left]);
    assert!(sweep::older(&home.path().join("partial"), ABANDONED).unwrap().is_empty());
}

#[test]
fn a_file_of_another_program_is_linked_and_outlives_it() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let (big, small) = (vec![7; 100_000], b"small".to_vec());
    let source = folder(&[("big", &big), ("small", &small)]);
    let path = source.path().join("big");
    settle(&path);
    let taken = store.link_file(&path, |_| {}).unwrap();
    assert_eq!((taken.digest, taken.size, taken.how), (Digest::of(&big), 100_000, How::Linked));
    assert_eq!(inode(&store.path(taken.digest)), inode(&path), "one file with two names");
    assert_eq!(store.link_file(&source.path().join("small"), |_| {}).unwrap().how, How::Copied);
    assert_eq!(fs::read_dir(store.partials()).unwrap().count(), 0);

    let again = store.link_file(&path, |_| panic!("it is read again")).unwrap();
    assert_eq!((again.digest, again.how), (taken.digest, How::Present));

    // Its owner changes it: the digest tells, and what is taken in then is another blob.
    let mut changed = big;
    changed[5] = 8;
    fs::write(&path, &changed).unwrap();
    assert!(matches!(store.verify(taken.digest), Err(Error::Damaged(_))));
    let other = store.link_file(&path, |_| {}).unwrap();
    assert_eq!(other.digest, Digest::of(&changed));
    fs::remove_file(&path).unwrap();
    store.verify(other.digest).unwrap();
}

#[test]
fn what_was_damaged_is_mended_by_taking_it_in_again() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let bytes = vec![1; 100_000];
    let source = folder(&[("a", &bytes)]);
    let path = source.path().join("a");
    settle(&path);
    let digest = store.copy_file(&path, |_| {}).unwrap().digest;
    fs::write(store.path(digest), vec![2; 100_000]).unwrap();
    assert!(store.verify(digest).is_err());
    assert_eq!(store.copy_file(&path, |_| {}).unwrap().how, How::Copied);
    store.verify(digest).unwrap();
}

#[test]
fn whoever_was_interrupted_does_not_read_again_what_is_here() {
    let home = tempfile::tempdir().unwrap();
    let source = folder(&[("a", &vec![1; 100_000]), ("b", &vec![2; 100_000])]);
    for name in ["a", "b"] {
        settle(&source.path().join(name));
    }
    let read = |seen: &mut Vec<u64>| {
        let store = Store::open(home.path()).unwrap();
        let gathered = store.gather(source.path(), Walk { link: true, within: None }, |done, all| {
            assert_eq!(all, 200_000);
            seen.push(done);
        });
        gathered.unwrap()
    };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    assert_eq!(read(&mut first).linked, 200_000);
    assert_eq!(first.last(), Some(&200_000));
    assert_eq!(read(&mut second).files.len(), 2);
    assert_eq!(second, [0u64; 0], "another process knows it too");
}

#[test]
fn links_are_followed_within_a_cache_alone() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let cache = folder(&[("blobs/x", b"inside"), ("snapshots/1/real", b"real")]);
    let other = folder(&[("secret", b"outside")]);
    let snapshot = cache.path().join("snapshots/1");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, snapshot.join(name)).unwrap();
    link(Path::new("../../blobs/x"), "x");
    let within = Walk { link: true, within: Some(cache.path()) };
    let files = store.gather(&snapshot, within, |_, _| {}).unwrap().files;
    assert_eq!(files.iter().map(|(path, ..)| path.as_str()).collect::<Vec<_>>(), ["real", "x"]);
    assert!(matches!(store.gather(&snapshot, Walk::default(), |_, _| {}), Err(Error::Bad { .. })));
    for (to, name) in [(other.path().join("secret"), "away"), (cache.path().join("blobs"), "folder")] {
        link(&to, name);
        assert!(matches!(store.gather(&snapshot, within, |_, _| {}), Err(Error::Bad { .. })), "{name}");
        fs::remove_file(snapshot.join(name)).unwrap();
    }
    link(Path::new("nowhere"), "dangling");
    assert!(store.gather(&snapshot, within, |_, _| {}).is_err());
}

#[test]
fn a_download_goes_on_where_it_stopped() {
    let home = tempfile::tempdir().unwrap();
    let bytes = vec![3; 5_000];
    let digest = Digest::of(&bytes);
    {
        let store = Store::open(home.path()).unwrap();
        let mut partial = store.partial(digest).unwrap();
        partial.append(&bytes[..2_000]).unwrap();
        assert!(matches!(store.partial(digest), Err(Error::Busy(_))), "one at a time");
    }
    let store = Store::open(home.path()).unwrap();
    let mut partial = store.partial(digest).unwrap();
    assert_eq!(partial.length(), 2_000);
    partial.append(&bytes[2_000..]).unwrap();
    assert!(!store.contains(digest), "nothing half is visible");
    partial.finish(|_| {}).unwrap();
    store.verify(digest).unwrap();

    // What does not match is thrown away, and so is what a sender cannot go on with.
    let other = Digest::of(b"other");
    let mut partial = store.partial(other).unwrap();
    partial.append(b"wrong").unwrap();
    assert!(matches!(partial.finish(|_| {}), Err(Error::Differs(_))));
    let mut partial = store.partial(other).unwrap();
    assert_eq!(partial.length(), 0);
    partial.append(b"ot").unwrap();
    partial.restart().unwrap();
    partial.append(b"other").unwrap();
    partial.finish(|_| {}).unwrap();
    assert!(store.contains(other));
}

#[test]
fn a_blob_is_public_once_a_listed_manifest_holds_it() {
    let home = tempfile::tempdir().unwrap();
    let (store, other) = (Store::open(home.path()).unwrap(), Store::open(home.path()).unwrap());
    let blob = store.put_bytes(b"words").unwrap();
    let manifest = Manifest::new(vec![("a.txt".into(), blob, 5)], BTreeMap::new()).unwrap();
    let id = store.put_manifest_blob(&manifest).unwrap();
    assert!(!store.is_public(blob).unwrap() && !store.is_public(id).unwrap());
    other.list(id, Some("test/a:latest")).unwrap();
    assert!(store.is_public(blob).unwrap() && store.is_public(id).unwrap(), "another process listed it");
    other.remove(id).unwrap();
    assert!(!store.is_public(blob).unwrap() && !store.contains(blob));

    let lost = Manifest::new(vec![("b".into(), Digest([9; 32]), 5)], BTreeMap::new()).unwrap();
    let lost = store.put_manifest_blob(&lost).unwrap();
    assert!(matches!(store.list(lost, None), Err(Error::Missing(_))), "its file is not here");
}

#[test]
fn what_no_listed_manifest_holds_is_swept_once_it_is_old() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path()).unwrap();
    let source = folder(&[("a.txt", b"kept")]);
    let kept = import(&store, source.path()).unwrap();
    let loose = store.put_bytes(b"of an interrupted import").unwrap();
    assert_eq!((store.sweep_unlisted(ABANDONED).unwrap(), store.contains(loose)), (0, true));
    assert_eq!((store.sweep_unlisted(Duration::ZERO).unwrap(), store.contains(loose)), (1, false));
    store.export(&kept.manifest, tempfile::tempdir().unwrap().path()).unwrap();
}

#[test]
fn many_list_at_once_and_nobody_is_lost() {
    let home = tempfile::tempdir().unwrap();
    drop(Store::open(home.path()).unwrap());
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            // Each has a store of its own, as processes have.
            let home = home.path();
            scope.spawn(move || {
                let store = Store::open(home).unwrap();
                for at in 0..10u8 {
                    let blob = store.put_bytes(&[thread, at]).unwrap();
                    let manifest = Manifest::new(vec![("a".into(), blob, 2)], BTreeMap::new()).unwrap();
                    store.put_manifest(&manifest, None).unwrap();
                }
            });
        }
    });
    assert_eq!(Store::open(home.path()).unwrap().manifests().unwrap().len(), 40);
}

/// A store with so many works of one file each, and their ids.
fn listed(home: &Path, count: u8) -> (Store, Vec<Digest>) {
    let store = Store::open(home).unwrap();
    let list = |at| {
        let blob = store.put_bytes(&[at]).unwrap();
        let manifest = Manifest::new(vec![("a".into(), blob, 1)], BTreeMap::new()).unwrap();
        store.put_manifest(&manifest, Some(&format!("test/{at}:latest"))).unwrap()
    };
    let ids = (0..count).map(list).collect();
    (store, ids)
}

#[test]
fn one_more_is_written_behind_the_others() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index.json");
    let (store, ids) = listed(home.path(), 1);
    let (file, before, change) = (inode(&path), fs::read(&path).unwrap(), store.listed_blobs().unwrap().change());
    let blob = store.put_bytes(b"next").unwrap();
    let manifest = Manifest::new(vec![("a".into(), blob, 4)], BTreeMap::new()).unwrap();
    let next = store.put_manifest(&manifest, Some("test/next:latest")).unwrap();
    let after = fs::read(&path).unwrap();
    assert_eq!(
        (inode(&path), &after[..before.len() - 2]),
        (file, &before[..before.len() - 2]),
        "what stood there stays"
    );
    assert_eq!(store.listed_blobs().unwrap().change(), change + 1);
    assert!(store.is_public(blob).unwrap());
    assert_eq!(Store::open(home.path()).unwrap().manifests().unwrap(), [ids[0], next]);
    // The same again under another name: one entry, not two.
    store.list(next, Some("test/other:latest")).unwrap();
    assert_eq!(store.manifests().unwrap(), [ids[0], next]);
    assert!(fs::read_to_string(&path).unwrap().contains("test/other:latest"));
}

#[test]
fn what_a_crash_left_of_an_entry_is_cut_off() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index.json");
    for count in [1, 3] {
        let (store, ids) = listed(home.path(), count);
        let whole = fs::read(&path).unwrap();
        let last = String::from_utf8(whole.clone()).unwrap().rfind("{\"mediaType\"").unwrap();
        let before = &whole[..last - usize::from(count > 1)];
        for end in before.len()..whole.len() - END.len() {
            for holes in [0, 1, whole.len() - end] {
                fs::write(&path, [&whole[..end], &vec![0; holes]].concat()).unwrap();
                assert_eq!(store.manifests().unwrap(), ids[..ids.len() - 1], "{end} {holes}");
                assert!(!store.is_public(*ids.last().unwrap()).unwrap());
                let again = Store::open(home.path()).unwrap();
                serde_json::from_slice::<serde_json::Value>(&fs::read(&path).unwrap()).expect("mended for everybody");
                again.list(*ids.last().unwrap(), None).unwrap();
                assert_eq!(again.manifests().unwrap(), ids);
            }
        }
    }
}

#[test]
fn damage_of_the_list_is_no_torn_end() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index.json");
    let (store, ids) = listed(home.path(), 3);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] = b'{';
        fs::write(&path, damaged).unwrap();
        match store.manifests() {
            Err(Error::Bad { .. }) => {}
            // Within a digest or a name it is still a list, and at the very end the last entry may be one that was torn.
            read => assert!(read.unwrap().len() >= ids.len() - 1, "{at}"),
        }
    }
}
