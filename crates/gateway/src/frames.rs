//! The frames of an answer, one JSON object a line, as they come from a provider.

use api::exchange::Frame;
use bytes::BytesMut;
use futures::{StreamExt as _, stream::BoxStream};
use std::time::Duration;

/// No frame is longer.
const LINE_MAX: usize = 4 << 20;
/// A provider that says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// Frames that come.
pub struct Frames {
    pieces: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: BytesMut,
    /// So much of the buffer holds no end of a line.
    searched: usize,
}

impl Frames {
    pub fn new(answer: reqwest::Response) -> Self {
        Self { pieces: answer.bytes_stream().boxed(), buffer: BytesMut::new(), searched: 0 }
    }

    /// The next frame; `None` if the connection ended or broke, or what came is no frame. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.buffer.iter().skip(self.searched).position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                return serde_json::from_slice(&line).ok();
            }
            // A line that comes byte by byte is not read from its beginning each time.
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_MAX {
                return None;
            }
            let piece = tokio::time::timeout(SILENCE_MAX, self.pieces.next()).await;
            self.buffer.extend_from_slice(&piece.ok()??.ok()?);
        }
    }
}
