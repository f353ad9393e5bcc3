//! A public log elsewhere, read over HTTP: checkpoint, hash tiles and entry bundles. What comes may be anything.

use api::{
    Link,
    link::{read_body, reason},
};
use ledger::Digest;
use std::time::Duration;

use crate::tile::{self, Tile, open_bundle, path_of};

/// A bundle holds at most 256 entries of 64 KiB.
const BODY_MAX: usize = 17 << 20;
/// A bundle of that length over a slow line.
const ANSWERED: Duration = Duration::from_secs(60);
/// No byte for so long: nobody is there.
const SILENCE: Duration = Duration::from_secs(10);
/// What fails is asked for so often.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// A log at an address.
#[derive(Debug)]
pub(crate) struct Log {
    link: Link,
    client: reqwest::Client,
}

impl Log {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub(crate) fn new(link: Link) -> Result<Self, String> {
        let client = link.client().map_err(|error| error.to_string())?;
        let client = client.read_timeout(SILENCE).timeout(ANSWERED).build().map_err(|error| reason(&error))?;
        Ok(Self { link, client })
    }

    /// The newest signed head, unchecked.
    ///
    /// # Errors
    /// A clause that says what went wrong.
    pub(crate) async fn checkpoint(&self) -> Result<String, String> {
        let note = self.fetch("checkpoint").await?;
        String::from_utf8(note).map_err(|_| format!("{}/log/checkpoint is not text", self.link.address))
    }

    /// The first `width` entries of a bundle.
    ///
    /// # Errors
    /// A clause that says what went wrong.
    pub(crate) async fn bundle(&self, index: u64, width: u64) -> Result<Vec<Vec<u8>>, String> {
        let path = format!("tile/{}", path_of(Tile { level: None, index, width }));
        let entries = open_bundle(&self.fetch(&path).await?).filter(|entries| entries.len() as u64 == width);
        entries.ok_or_else(|| format!("{}/log/{path} does not hold {width} entries", self.link.address))
    }

    /// The first `width` hashes of a tile on some level.
    ///
    /// # Errors
    /// A clause that says what went wrong.
    pub(crate) async fn hashes(&self, level: u32, index: u64, width: u64) -> Result<Vec<Digest>, String> {
        let path = format!("tile/{}", path_of(Tile { level: Some(level), index, width }));
        let hashes = tile::open_hashes(&self.fetch(&path).await?).filter(|hashes| hashes.len() as u64 == width);
        hashes.ok_or_else(|| format!("{}/log/{path} does not hold {width} hashes", self.link.address))
    }

    async fn fetch(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut tries = 1;
        loop {
            match self.once(path).await {
                Err(_) if tries < TRIES => {
                    tokio::time::sleep(PAUSE * tries).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn once(&self, path: &str) -> Result<Vec<u8>, String> {
        let url = format!("{}/log/{path}", self.link.address);
        let answer = self.client.get(&url).send().await.map_err(|error| format!("{url}: {}", reason(&error)))?;
        if !answer.status().is_success() {
            return Err(format!("{url}: HTTP {}", answer.status()));
        }
        read_body(answer, BODY_MAX).await.map_err(|reason| format!("{url}: {reason}"))
    }
}
