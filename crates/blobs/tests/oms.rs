//! Signatures that others wrote: PyPI's `model-signing`, and another program.

use blobs::{
    Error,
    signing::{Report, VerifyingKey, verify},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn oms(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oms").join(name)
}

fn check(model: &Path, signature: &str) -> Result<Report, Error> {
    let key = VerifyingKey::from_pem(&fs::read_to_string(oms("ec.pub")).unwrap()).unwrap();
    verify(model, &oms(signature), &key, &[], |_| {})
}

#[test]
fn what_others_signed_is_good() {
    for signature in ["key.sig", "rs.sig"] {
        let report = check(&oms("model"), signature).unwrap();
        assert!(report.good() && report.files == 3 && report.ignored.is_empty(), "{signature}: {report:?}");
    }
}

#[test]
fn one_changed_byte_of_a_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("renamed");
    fs::create_dir_all(model.join("sub")).unwrap();
    for name in ["a.safetensors", "config.json", "sub/b.bin"] {
        fs::copy(oms("model").join(name), model.join(name)).unwrap();
    }
    assert!(check(&model, "key.sig").unwrap().good());
    for name in ["a.safetensors", "config.json", "sub/b.bin"] {
        let good = fs::read(model.join(name)).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(model.join(name), bad).unwrap();
            let report = check(&model, "key.sig").unwrap();
            assert_eq!((report.changed.as_slice(), report.good()), (&[name.to_owned()][..], false));
        }
        fs::write(model.join(name), good).unwrap();
    }
}

#[test]
fn certificates_are_refused_with_what_to_do() {
    let why = check(&oms("model"), "cert.sig").unwrap_err().to_string();
    assert!(why.contains("signed by a certificate") && why.contains("model_signing verify certificate"), "{why}");
}
