//! Roots of a log's prefixes, computed from its tiles. Everything is under the root that the walk ends with: whoever compares
//! that with a signed head has proved the rest.

use ledger::{Digest, log_tree, log_tree::Frontier};
use std::{collections::HashMap, ops::Range};

use crate::{elsewhere::Log, shape::BLOCK};

/// A tile is so many levels of the tree high.
const TILE_LEVELS: u32 = 8;

/// A complete subtree: number `index`, from the left, of those with 2^`level` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    level: u32,
    index: u64,
}

/// The fewest complete subtrees that fill the leaves `from..to`, from left to right.
fn pieces(from: u64, to: u64) -> Vec<Piece> {
    let (mut pieces, mut at) = (Vec::new(), from);
    while at < to {
        // As large as its place allows, and as what is left allows.
        let level = at.trailing_zeros().min((to - at).ilog2());
        pieces.push(Piece { level, index: at >> level });
        at += 1 << level;
    }
    pieces
}

impl Piece {
    /// The tile in a log of `size` entries that holds it: level, index, width, and where in it the piece lies.
    fn place(self, size: u64) -> (u32, u64, u64, Range<usize>) {
        let (tier, within) = (self.level / TILE_LEVELS, self.level % TILE_LEVELS);
        let first = self.index << within;
        let tile = first / BLOCK;
        let width = ((size >> (tier * TILE_LEVELS)) - tile * BLOCK).min(BLOCK);
        let start = usize::try_from(first % BLOCK).unwrap_or_default();
        (tier, tile, width, start..start + (1 << within))
    }
}

/// A log of a stated size, with the tiles that were read.
struct Walk<'a> {
    log: &'a Log,
    size: u64,
    tiles: HashMap<(u32, u64), Vec<Digest>>,
}

impl Walk<'_> {
    async fn root_of(&mut self, piece: Piece) -> Result<Digest, String> {
        let (level, index, width, range) = piece.place(self.size);
        if let std::collections::hash_map::Entry::Vacant(place) = self.tiles.entry((level, index)) {
            place.insert(self.log.hashes(level, index, width).await?);
        }
        let hashes = self.tiles.get(&(level, index)).and_then(|hashes| hashes.get(range));
        hashes.map(log_tree::root).ok_or_else(|| "a tile of the log is too short".to_owned())
    }

    async fn grow(&mut self, edge: &mut Frontier, to: u64) -> Result<(), String> {
        for piece in pieces(edge.size(), to) {
            let root = self.root_of(piece).await?;
            edge.push_tree(piece.level, root).ok_or("the log is too long")?;
        }
        Ok(())
    }
}

/// The right edge of a log of `size` entries, from that of a shorter one.
pub(super) async fn extend(log: &Log, mut edge: Frontier, size: u64) -> Result<Frontier, String> {
    Walk { log, size, tiles: HashMap::new() }.grow(&mut edge, size).await?;
    Ok(edge)
}

/// The roots over the first entries of a log of `size`, as many as each of `cuts` says, which rise; and its right edge.
pub(super) async fn roots(log: &Log, cuts: &[u64], size: u64) -> Result<(Vec<Digest>, Frontier), String> {
    let (mut walk, mut edge, mut roots) = (Walk { log, size, tiles: HashMap::new() }, Frontier::new(), Vec::new());
    for cut in cuts {
        walk.grow(&mut edge, *cut).await?;
        roots.push(edge.root());
    }
    walk.grow(&mut edge, size).await?;
    Ok((roots, edge))
}

/// The right edge of a log of `size`, in which these leaves stand from the entry `first` on.
pub(super) async fn around(log: &Log, first: u64, leaves: &[Digest], size: u64) -> Result<Frontier, String> {
    let (mut walk, mut edge) = (Walk { log, size, tiles: HashMap::new() }, Frontier::new());
    walk.grow(&mut edge, first).await?;
    leaves.iter().for_each(|leaf| edge.push_leaf(*leaf));
    walk.grow(&mut edge, size).await?;
    Ok(edge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::open_bundle;
    use axum::extract::Path;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use ledger::Head;
    use std::sync::{Arc, Mutex};

    /// The log of another program, 1,000 entries long, of which one byte may be changed.
    struct Foreign {
        log: Log,
        heads: [Head; 2],
        second: Vec<Digest>,
        changed: Arc<Mutex<(String, usize)>>,
    }

    impl Foreign {
        /// By path: how many bytes each tile has.
        async fn open() -> (Self, Vec<(String, usize)>) {
            api::link::choose_cryptography();
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/check/testdata/tlog.json");
            let all: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            let text = |name: &str| all[name].as_str().unwrap();
            let heads = ["checkpoint300", "checkpoint"].map(|name| api::log::unchecked_head(text(name)).unwrap());
            let bytes = |tile: &serde_json::Value| STANDARD.decode(tile.as_str().unwrap()).unwrap();
            let tiles: HashMap<String, Vec<u8>> =
                all["tiles"].as_object().unwrap().iter().map(|(path, tile)| (path.clone(), bytes(tile))).collect();
            let entries = open_bundle(&tiles["entries/001"]).unwrap();
            let second = entries.iter().map(|entry| log_tree::leaf(entry)).collect();
            let hashes = tiles.iter().filter(|(path, _)| !path.starts_with("entries"));
            let sizes = hashes.map(|(path, tile)| (path.clone(), tile.len())).collect();
            let changed = Arc::new(Mutex::new((String::new(), 0)));
            let change = Arc::clone(&changed);
            let serve = async move |Path(path): Path<String>| {
                let mut tile = tiles[&path].clone();
                if let (changed, at) = &*change.lock().unwrap()
                    && *changed == path
                {
                    tile[*at] ^= 1;
                }
                tile
            };
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let link = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
            let router = axum::Router::new().route("/log/tile/{*path}", axum::routing::get(serve));
            tokio::spawn(async move { axum::serve(listener, router).await });
            (Self { log: Log::new(link).unwrap(), heads, second, changed }, sizes)
        }

        /// Whether the tiles lead to the head; then they must lead to the right earlier head, and from the right entries.
        async fn leads(&self) -> (bool, bool) {
            let [old, new] = self.heads;
            let (at, edge) = roots(&self.log, &[old.size], new.size).await.unwrap();
            let grown = edge.root() == new.root;
            assert!(!grown || at == [old.root], "an earlier root was taken from a changed tile");
            let held = around(&self.log, BLOCK, &self.second, new.size).await.unwrap().root() == new.root;
            let other: Vec<Digest> = self.second.iter().rev().copied().collect();
            assert_ne!(around(&self.log, BLOCK, &other, new.size).await.unwrap().root(), new.root);
            (grown, held)
        }
    }

    /// Readers of tiles that hand out single hashes were found to leave some unchecked, where several roots of complete subtrees
    /// lie in one tile: 1,000 entries have six of them in two. Here nothing is taken but what leads to the head's root.
    #[tokio::test]
    async fn no_changed_tile_leads_to_the_head() {
        let (foreign, tiles) = Foreign::open().await;
        assert_eq!(foreign.leads().await, (true, true));
        let mut found = 0;
        for (path, bytes) in tiles {
            for at in (0..bytes).step_by(32 * 5 + 1) {
                *foreign.changed.lock().unwrap() = (path.clone(), at);
                let (grown, held) = foreign.leads().await;
                // The last hashes of the last tile are in every walk; what is read in none can do no harm.
                found += usize::from(!grown || !held);
                assert!(!path.contains(".p/") || !grown, "byte {at} of {path}");
            }
        }
        assert!(found > 20, "{found}");
    }

    #[test]
    fn pieces_fill_a_range_and_are_few() {
        for from in 0..130u64 {
            for to in from..130 {
                let (mut at, pieces) = (from, pieces(from, to));
                for piece in &pieces {
                    assert_eq!(piece.index << piece.level, at, "{from}..{to}");
                    at += 1 << piece.level;
                }
                assert_eq!(at, to);
                assert!(pieces.len() <= 14, "{from}..{to}: {pieces:?}");
            }
        }
        assert_eq!(pieces(0, 1 << 63), [Piece { level: 63, index: 0 }]);
        assert!(pieces(1, u64::MAX).len() <= 128);
    }

    #[test]
    fn a_piece_lies_in_one_tile() {
        for (piece, size, place) in [
            (Piece { level: 0, index: 0 }, 1, (0, 0, 1, 0..1)),
            (Piece { level: 0, index: 300 }, 602, (0, 1, 256, 44..45)),
            (Piece { level: 1, index: 300 }, 602, (0, 2, 90, 88..90)),
            (Piece { level: 7, index: 1 }, 602, (0, 0, 256, 128..256)),
            (Piece { level: 8, index: 1 }, 602, (1, 0, 2, 1..2)),
            (Piece { level: 9, index: 0 }, 602, (1, 0, 2, 0..2)),
        ] {
            assert_eq!(piece.place(size), place, "{piece:?}");
        }
    }
}
