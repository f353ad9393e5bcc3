//! Reads entries and hashes of the public log from the journal.

use ledger::{Digest, log_tree};
use std::io::{self, Read as _};

use crate::{disk::ReadFrom, journal::take_record, lock::read, replica::Inner, shape::BLOCK};

impl Inner {
    /// The canonical encoding of an entry, or `None` beyond the end of the log.
    ///
    /// # Errors
    /// The system's, or a damaged record.
    pub(crate) fn entry(&self, entry: u64) -> io::Result<Option<Vec<u8>>> {
        let at = usize::try_from(entry % BLOCK).unwrap_or_default();
        Ok(self.block(entry / BLOCK)?.into_iter().nth(at))
    }

    /// The durable entries of a block of 256: fewer in the last one, none beyond the end.
    ///
    /// # Errors
    /// The system's, or a damaged record.
    pub(crate) fn block(&self, block: u64) -> io::Result<Vec<Vec<u8>>> {
        let (start, end) = {
            let view = read(&self.view);
            match view.shape.block(block) {
                Some((start, next)) => (start, next.unwrap_or(view.end)),
                None => return Ok(Vec::new()),
            }
        };
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
        ReadFrom { file: &*self.journal, at: start }.read_exact(&mut bytes)?;
        let (mut entries, mut rest) = (Vec::new(), bytes.as_slice());
        while !rest.is_empty() {
            let damaged = || io::Error::other("the journal was damaged since it was opened: restart to see where");
            let (_, entry, after) = take_record(rest).ok_or_else(damaged)?;
            entries.push(entry.to_vec());
            rest = after;
        }
        Ok(entries)
    }

    /// The first `width` hashes of tile `tile` on level `level`, or `None` if the log has not as many.
    ///
    /// # Errors
    /// The system's, or a damaged record.
    pub(crate) fn hashes(&self, level: u32, tile: u64, width: u64) -> io::Result<Option<Vec<Digest>>> {
        let reach = BLOCK.checked_pow(level);
        let end = tile.checked_mul(BLOCK).and_then(|first| first.checked_add(width));
        let size = read(&self.view).shape.size();
        let (Some(reach), Some(end)) = (reach, end) else {
            return Ok(None);
        };
        if width == 0 || width > BLOCK || end > size / reach {
            return Ok(None);
        }
        if level == 0 {
            let take = usize::try_from(width).unwrap_or_default();
            return Ok(Some(self.block(tile)?.iter().take(take).map(|entry| log_tree::leaf(entry)).collect()));
        }
        let blocks = |count: u64| usize::try_from(count * (reach / BLOCK)).unwrap_or(usize::MAX);
        let view = read(&self.view);
        let roots = view.shape.roots().get(blocks(end - width)..blocks(end)).unwrap_or_default();
        Ok(Some(roots.chunks(blocks(1)).map(log_tree::root).collect()))
    }
}
