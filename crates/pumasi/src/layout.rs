//! The layout of a data folder, and how an older one becomes the newest.
//!
//! | layout | what it brought |
//! | --- | --- |
//! | 1 | the first |
//! | 2 | key files name their account and keep earlier keys, so that keys can be rotated |
//!
//! The books and the ledger's index have versions of their own, and come up to date when they are opened. Each step here may
//! be interrupted and done again: the version is written last.

use anyhow::{Context as _, bail};
use std::io::ErrorKind;
use wallet::{Keys, Passphrase};

use crate::{
    home::{Home, Running},
    t,
};

/// The layout that this program writes.
const NEWEST: u32 = 2;
/// Where it is written.
const FILE: &str = "version";

/// Opens the keys of a folder, which are also its lock: then nobody else changes the folder, and it is brought up to date.
///
/// # Errors
/// A sentence that says what is in the way.
pub fn open_keys(home: &Home, passphrase: Option<Passphrase>) -> anyhow::Result<Keys> {
    home.make()?;
    let found = found(home)?;
    let keys = Keys::open_with(&home.path("keys"), passphrase).map_err(|error| locked(home, error))?;
    if found < NEWEST {
        keys.upgrade()?;
        home.write(FILE, &NEWEST.to_string())?;
    }
    Ok(keys)
}

/// The layout of a folder; that of one without anything is the newest.
fn found(home: &Home) -> anyhow::Result<u32> {
    let dir = home.dir().display();
    let text = match std::fs::read_to_string(home.path(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            home.write(FILE, &NEWEST.to_string())?;
            return Ok(NEWEST);
        }
        Err(error) => return Err(error).with_context(|| home.path(FILE).display().to_string()),
    };
    let text = text.trim();
    match text.parse::<u32>() {
        Ok(version @ 1..=NEWEST) => Ok(version),
        Ok(version) if version > NEWEST => bail!(t!(
            "the data folder {dir} has layout {version}, and this program knows layouts up to {NEWEST}: use a newer program",
            "데이터 폴더 {dir}의 구조는 {version}이고 이 프로그램은 {NEWEST}까지만 압니다. 더 새로운 프로그램을 쓰세요"
        )),
        _ => bail!(t!(
            "{} says {text:?}, which is no layout of a data folder: restore it from your backup",
            "{}에 {text:?}라고 적혀 있는데, 데이터 폴더의 구조가 아닙니다. 백업에서 되살리세요",
            home.path(FILE).display()
        )),
    }
}

/// The folder has one process.
fn locked(home: &Home, error: wallet::Error) -> anyhow::Error {
    if !matches!(error, wallet::Error::Locked(_)) {
        return error.into();
    }
    let dir = home.dir().display();
    anyhow::anyhow!(match home.running() {
        Ok(Running { address, pid }) => t!(
            "Pumasi already runs on {dir}, at {address} (process {pid}). Use that one, stop it first, or take another folder with --home",
            "{dir}에서 품앗이가 이미 켜져 있습니다: {address} (프로세스 {pid}). 그것을 쓰거나, 먼저 끄거나, --home으로 다른 폴더를 쓰세요"
        ),
        Err(_) => t!(
            "another pumasi is using {dir}. Wait until it is ready, stop it first, or take another folder with --home",
            "다른 pumasi가 {dir}를 쓰고 있습니다. 준비될 때까지 기다리거나, 먼저 끄거나, --home으로 다른 폴더를 쓰세요"
        ),
    })
}
