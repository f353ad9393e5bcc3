//! The audit of a log elsewhere, by its checkpoint and entry bundles.

use ledger::State;
use std::time::Duration;

use super::{Finding, Progress, Report, Step, auditor::Auditor};
use crate::{
    journal::Raw,
    shape::BLOCK,
    tile::{Tile, open_bundle, path_of},
};

pub(super) async fn audit<P: FnMut(Progress), W: FnMut(Step<'_>)>(
    base: &str,
    mut auditor: Auditor<P, W>,
) -> Result<(Report, State), Finding> {
    let log = Log::new(base)?;
    let note = String::from_utf8_lossy(&log.fetch("checkpoint").await?).into_owned();
    let size = note.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
    let size = size.ok_or_else(|| Finding::Unreadable(format!("{base}/log/checkpoint is not a tree head")))?;
    auditor.of = Some(size);
    for index in 0..size.div_ceil(BLOCK) {
        let width = BLOCK.min(size - index * BLOCK);
        let entries = log.bundle(index, width).await?;
        match entries.split_first() {
            Some((genesis, rest)) if index == 0 => {
                auditor.feed(std::slice::from_ref(genesis))?;
                auditor.expect_note(&note)?;
                auditor.feed(rest)?;
            }
            _ => auditor.feed(&entries)?,
        }
    }
    auditor.finish(0)
}

/// A log at an address.
struct Log {
    base: String,
    client: reqwest::Client,
}

impl Log {
    fn new(base: &str) -> Result<Self, Finding> {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| Finding::Unreadable(error.to_string()))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), client })
    }

    async fn fetch(&self, path: &str) -> Result<Vec<u8>, Finding> {
        let url = format!("{}/log/{path}", self.base);
        let fetched = async {
            let answer = self.client.get(&url).send().await?.error_for_status()?;
            answer.bytes().await
        };
        let failed = |error: reqwest::Error| Finding::Unreadable(format!("{url}: {}", cause(&error.without_url())));
        Ok(fetched.await.map_err(failed)?.to_vec())
    }

    async fn bundle(&self, index: u64, width: u64) -> Result<Vec<Raw>, Finding> {
        let path = format!("tile/{}", path_of(Tile { level: None, index, width }));
        let entries = open_bundle(&self.fetch(&path).await?).filter(|entries| entries.len() as u64 == width);
        let entries = entries.ok_or_else(|| Finding::Unreadable(format!("{path} does not hold {width} entries")))?;
        let raw = |(entry, bytes)| Raw { entry, offset: 0, bytes };
        Ok((index * BLOCK..).zip(entries).map(raw).collect())
    }
}

/// The innermost reason of a failed request, which names what happened.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}
