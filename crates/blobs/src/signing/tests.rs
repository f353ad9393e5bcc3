//! Signatures of this crate and of others, and what is done to them.

use super::*;
use p256::pkcs8::LineEnding;
use proptest::prelude::*;

/// A folder with three files and a key.
struct Scene {
    dir: tempfile::TempDir,
    key: SigningKey,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("model/sub")).unwrap();
        for (path, bytes) in [("config.json", "{}"), ("a.safetensors", "weights"), ("sub/b.bin", "bytes")] {
            fs::write(dir.path().join("model").join(path), bytes).unwrap();
        }
        Self { dir, key: SigningKey::generate().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("model").join(name)
    }

    fn model(&self) -> PathBuf {
        self.dir.path().join("model")
    }

    fn sign(&self, options: &Options) -> Result<usize, Error> {
        sign(&self.model(), &self.path("model.sig"), &self.key, options, |_| {})
    }

    fn verify(&self) -> Result<Report, Error> {
        verify(&self.model(), &self.path("model.sig"), &self.key.verifying_key(), &[], |_| {})
    }

    fn why(&self) -> String {
        self.verify().unwrap_err().to_string()
    }
}

#[test]
fn what_was_signed_is_good_until_it_changes() {
    let scene = Scene::new();
    let manifest = Some(Digest([3; 32]));
    assert_eq!(scene.sign(&Options { manifest, ..Options::default() }).unwrap(), 3);
    let report = scene.verify().unwrap();
    assert!(report.good(), "{report:?}");
    assert_eq!((report.name.as_str(), report.files, report.manifest), ("model", 3, manifest.map(|id| id.to_string())));
    assert!(report.ignored.is_empty(), "{:?}", report.ignored);

    fs::write(scene.path("config.json"), "{ }").unwrap();
    fs::write(scene.path("new"), "").unwrap();
    fs::remove_file(scene.path("sub/b.bin")).unwrap();
    fs::create_dir(scene.path(".git")).unwrap();
    fs::write(scene.path(".git/HEAD"), "ref").unwrap();
    let report = scene.verify().unwrap();
    assert_eq!([report.changed, report.added, report.missing], [["config.json"], ["new"], ["sub/b.bin"]]);

    // Signing again replaces the signature.
    scene.sign(&Options::default()).unwrap();
    assert!(scene.verify().unwrap().good());
}

#[test]
fn what_the_signer_left_out_is_told() {
    let scene = Scene::new();
    assert_eq!(scene.sign(&Options { ignored: vec!["sub".into()], ..Options::default() }).unwrap(), 2);
    fs::write(scene.path("sub/b.bin"), "anything").unwrap();
    fs::write(scene.path("sub-b"), "beside it").unwrap();
    let report = scene.verify().unwrap();
    assert_eq!((report.ignored, report.added), (vec!["sub".to_owned()], vec!["sub-b".to_owned()]));
    let allowed = ["sub-b".to_owned()];
    let key = scene.key.verifying_key();
    assert!(verify(&scene.model(), &scene.path("model.sig"), &key, &allowed, |_| {}).unwrap().good());
}

#[cfg(unix)]
#[test]
fn links_are_followed_only_when_asked() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.path("config.json"), scene.path("link.json")).unwrap();
    std::os::unix::fs::symlink(scene.path("sub"), scene.path("folder")).unwrap();
    assert!(scene.sign(&Options::default()).unwrap_err().to_string().contains("it is a link"));
    assert!(!scene.path("model.sig").exists());
    assert_eq!(scene.sign(&Options { follow_links: true, ..Options::default() }).unwrap(), 4);
    assert!(scene.verify().unwrap().good());
    fs::write(scene.path("config.json"), "changed").unwrap();
    assert_eq!(scene.verify().unwrap().changed, ["config.json", "link.json"]);
}

#[test]
fn a_single_file_can_be_signed() {
    let scene = Scene::new();
    let (file, key) = (scene.path("a.safetensors"), scene.key.verifying_key());
    let signature = signature_of(&file);
    assert!(signature.ends_with("model/a.safetensors.sig"));
    assert_eq!(sign(&file, &signature, &scene.key, &Options::default(), |_| {}).unwrap(), 1);
    assert!(verify(&file, &signature, &key, &[], |_| {}).unwrap().good());
    fs::write(&file, "other").unwrap();
    assert_eq!(verify(&file, &signature, &key, &[], |_| {}).unwrap().changed, ["."]);
    fs::create_dir(scene.path("empty")).unwrap();
    let empty = scene.path("empty");
    let refused = sign(&empty, &signature_of(&empty), &scene.key, &Options::default(), |_| {}).unwrap_err();
    assert!(refused.to_string().contains("no file in it"), "{refused}");
}

#[test]
fn other_signatures_are_refused_with_a_reason() {
    let mut scene = Scene::new();
    scene.sign(&Options::default()).unwrap();
    let good = fs::read_to_string(scene.path("model.sig")).unwrap();
    let key = std::mem::replace(&mut scene.key, SigningKey::generate().unwrap());
    assert!(scene.why().contains("another key"));
    fs::write(scene.path("model.sig"), good.replace(&key.verifying_key().hint(), "")).unwrap();
    assert!(scene.why().contains("not of this key"));
    scene.key = key;
    assert!(scene.verify().unwrap().good());
    let table = [
        ("", "no signature of a model"),
        ("{}", "no signature of a model"),
        (r#"{"verificationMaterial":{"x509CertificateChain":{}}}"#, "signed by a certificate"),
        (&good.replace("bundle.v0.3", "bundle.v0.9"), "no Sigstore bundle 0.3"),
        (&good.replace("\"signatures\":[{", "\"signatures\":[{\"sig\":\"!\"},{"), "damaged"),
    ];
    for (text, reason) in table {
        fs::write(scene.path("model.sig"), text).unwrap();
        assert!(scene.why().contains(reason), "{text}: {}", scene.why());
    }
}

#[test]
fn statements_that_contradict_themselves_are_refused() {
    let scene = Scene::new();
    let file = |name: &str| (name.to_owned(), Digest([1; 32]));
    let statement =
        |files| Statement { name: "m".into(), files, follow_links: false, ignored: Vec::new(), manifest: None };
    for files in [vec![file("a"), file("a")], Vec::new()] {
        fs::write(scene.path("model.sig"), statement(files).sign(&scene.key)).unwrap();
        assert!(scene.why().contains("names no file, or one twice"));
    }
}

#[test]
fn keys_are_what_openssl_writes() {
    let key = SigningKey::generate().unwrap();
    assert!(key.to_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(SigningKey::from_pem(&key.to_pem()).unwrap().verifying_key(), key.verifying_key());
    let public = key.verifying_key();
    assert_eq!(VerifyingKey::from_pem(&public.to_pem()).unwrap(), public);
    // The older form, as `openssl ecparam -genkey` writes it, after the parameters of the curve.
    let small = p256::SecretKey::from_slice(&[7; 32]).unwrap().to_sec1_pem(LineEnding::LF).unwrap();
    let large = p384::SecretKey::from_slice(&[7; 48]).unwrap().to_sec1_pem(LineEnding::LF).unwrap();
    for pem in [small, large] {
        let key =
            SigningKey::from_pem(&format!("-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n{}", *pem))
                .unwrap();
        assert!(key.verifying_key().verifies(b"message", &key.sign(b"message")));
        assert!(!key.verifying_key().verifies(b"messagf", &key.sign(b"message")));
        assert_eq!(SigningKey::from_pem(&key.to_pem()).unwrap().verifying_key(), key.verifying_key());
        assert_eq!(VerifyingKey::from_pem(&key.verifying_key().to_pem()).unwrap(), key.verifying_key());
    }
    let why = |pem: &str| SigningKey::from_pem(pem).err().unwrap();
    assert!(why("").contains("no private key"));
    assert!(why("-----BEGIN ENCRYPTED PRIVATE KEY-----").contains("passphrase"));
    assert!(why(&public.to_pem()).contains("public key"));
    let why = |pem: &str| VerifyingKey::from_pem(pem).err().unwrap();
    assert!(why(&key.to_pem()).contains("private key") && why("-----BEGIN CERTIFICATE-----").contains("certificate"));
    assert!(why(include_str!("../../tests/oms/p521.pub")).contains("P-256 or P-384"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_changed_byte_of_a_bundle_is_refused_or_means_the_same(at in 0usize..4_000, byte: u8) {
        let statement = Statement {
            name: "m".into(),
            files: vec![("a".into(), Digest([1; 32])), ("b/c".into(), Digest([2; 32]))],
            follow_links: false,
            ignored: vec!["x".into()],
            manifest: Some(Digest([9; 32])),
        };
        let key = SigningKey::generate().unwrap();
        let mut bytes = statement.sign(&key);
        let length = bytes.len();
        bytes[at % length] = byte;
        if let Ok(opened) = Statement::open(&bytes, &key.verifying_key()) {
            prop_assert_eq!(opened, statement);
        }
    }

    #[test]
    fn any_bytes_are_no_bundle(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
        let key = SigningKey::generate().unwrap().verifying_key();
        prop_assert!(Statement::open(&bytes, &key).is_err());
        prop_assert!(SigningKey::from_pem(&text).is_err() && VerifyingKey::from_pem(&text).is_err());
    }
}
