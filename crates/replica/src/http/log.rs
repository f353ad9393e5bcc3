//! The public log as C2SP tlog-tiles: checkpoint, hash tiles, entry bundles.

use api::Ledger as _;
use axum::{
    extract::{Path, State},
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::error::Failure;
use crate::{Replica, tile};

/// A tile that was served never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) async fn checkpoint(State(replica): State<Replica>) -> Result<Response, Failure> {
    let head = replica.head().await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")], head.note).into_response())
}

pub(super) async fn tile(State(replica): State<Replica>, Path(path): Path<String>) -> Result<Response, Failure> {
    let asked =
        tile::parse(&path).ok_or_else(|| Failure::bad("path", "a tile is L/N or entries/N, such as 0/x001/067"))?;
    let tile::Tile { level, index, width } = asked;
    let failed = |error: std::io::Error| Failure::from(replica.0.unreachable(&error));
    let bytes = match level {
        Some(level) => replica.0.hashes(level, index, width).map_err(failed)?.map(|hashes| tile::hashes(&hashes)),
        None => {
            let entries = replica.0.block(index).map_err(failed)?;
            usize::try_from(width).ok().and_then(|width| entries.get(..width)).map(tile::bundle)
        }
    };
    let bytes = bytes.ok_or_else(|| Failure::missing("the log has no such tile yet"))?;
    Ok(([(CONTENT_TYPE, "application/octet-stream"), (CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}
