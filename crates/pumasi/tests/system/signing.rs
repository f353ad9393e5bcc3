//! `pumasi sign` and `pumasi verify`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::harness::Home;

/// A home with a model's folder in it.
fn scene() -> (Home, [String; 2]) {
    let home = Home::new();
    fs::create_dir_all(home.path("model/sub")).unwrap();
    fs::write(home.path("model/config.json"), "{}").unwrap();
    fs::write(home.path("model/sub/b.bin"), "bytes").unwrap();
    let text = |name: &str| home.path(name).to_str().unwrap().to_owned();
    let paths = [text("model"), text("key.pem")];
    (home, paths)
}

#[test]
fn a_new_key_signs_and_its_public_half_checks() {
    let (home, [model, key]) = scene();
    let public = format!("{key}.pub");
    assert!(home.pumasi(&["sign", &model, "--new-key", &key]).good().starts_with("signed 2 files"));
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(home.pumasi(&["verify", &model, "--key", &public]).good().starts_with("good: the 2 files of model"));

    fs::write(home.path("model/config.json"), "{ }").unwrap();
    fs::write(home.path("model/new"), "").unwrap();
    fs::remove_file(home.path("model/sub/b.bin")).unwrap();
    let ran = home.pumasi(&["verify", &model, "--key", &public]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for line in ["WRONG", "changed  config.json", "added    new", "missing  sub/b.bin"] {
        assert!(ran.stdout.contains(line), "{line}: {ran:?}");
    }
    let ran = home.pumasi(&["verify", &model, "--key", &public, "--json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &said["good"], &said["changed"][0]), (Some(1), &false.into(), &"config.json".into()));

    let signed = home.pumasi(&["sign", &model, "--key", &key, "--json"]).json();
    assert_eq!((&signed["files"], &signed["key"]), (&2.into(), &said["key"]));
    let korean = home.pumasi_with(&["verify", &model, "--key", &public], &[("PUMASI_LANG", "ko")]).good();
    assert!(korean.starts_with("맞습니다"), "{korean}");
}

#[test]
fn what_cannot_be_signed_or_checked_is_said_in_a_sentence() {
    let (home, [model, key]) = scene();
    let public = format!("{key}.pub");
    let bad = |args: &[&str], why: &str| {
        let said = home.pumasi(args).bad();
        assert!(said.contains(why), "{args:?}: {said}");
    };
    home.pumasi(&["sign", &model, "--new-key", &key]).good();
    bad(&["sign", &model, "--new-key", &key], "is there already");
    bad(&["sign", &model, "--key", &public], "it is a public key");
    bad(&["sign", "/nowhere", "--key", &key], "/nowhere");
    bad(&["sign", &model, "--key", "/nowhere"], "/nowhere");
    bad(&["verify", &model, "--key", &key], "it is a private key");
    bad(&["verify", &model, "--key", &public, "--signature", "/nowhere"], "there is no signature");
    bad(&["verify", &key, "--key", &public], "there is no signature");
    fs::write(home.path("model/model.sig"), "{}").unwrap();
    bad(&["verify", &model, "--key", &public], "it is no signature of a model");
    assert_eq!(home.pumasi(&["sign", &model]).code, Some(2));
    assert_eq!(home.pumasi(&["sign", &model, "--key", &key, "--new-key", "x"]).code, Some(2));
}
