//! Between parent and worker: JSON, each message after its length in four bytes, least significant first.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io::{self, Read},
    path::PathBuf,
};

use crate::{Event, Request};

/// No message is longer; a longer one is a fault of the other side.
pub const BYTES_MAX: u32 = 64 << 20;

/// To the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// Comes first.
    Load(Load),
    /// Answer this.
    Start {
        /// Names the request in events.
        id: u64,
        /// What is asked.
        request: Box<Request>,
    },
    /// Nobody reads this answer any more.
    Cancel {
        /// Which.
        id: u64,
    },
}

/// What to load, and how to run it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// The GGUF file.
    pub model: PathBuf,
    /// Adapters by id.
    pub adapters: Vec<(String, PathBuf)>,
    /// Tokens of one sequence.
    pub context: u32,
    /// Sequences at once.
    pub sequences: u32,
    /// Threads.
    pub threads: u32,
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// Comes first if all is well.
    Loaded(Info),
    /// The file cannot be loaded.
    Refused(String),
    /// Something about a request.
    Event(u64, Event),
}

/// What is known of a loaded model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Info {
    /// Such as `llama`.
    pub architecture: String,
    /// As the file names itself.
    pub name: String,
    /// Weights.
    pub parameters: u64,
    /// Tokens of one sequence here.
    pub context: u32,
    /// Tokens it was trained with.
    pub trained_context: u32,
    /// Different tokens.
    pub vocabulary: u32,
    /// True if the file has a chat template.
    pub chat_template: bool,
    /// Name and version of the engine.
    pub engine: String,
}

/// One message as bytes.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message).expect("our own messages are JSON");
    let length = u32::try_from(bytes.len() - 4).expect("no message of ours is this long");
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Reads one message; `None` at the end of the stream.
pub fn read<T: DeserializeOwned>(reader: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut bytes = vec![0; checked_length(length)?];
    reader.read_exact(&mut bytes)?;
    serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
}

/// The same for the parent.
pub async fn read_async<T: DeserializeOwned>(
    reader: &mut (impl tokio::io::AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    use tokio::io::AsyncReadExt as _;
    let mut length = [0; 4];
    match reader.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other.map(drop)?,
    }
    let mut bytes = vec![0; checked_length(length)?];
    reader.read_exact(&mut bytes).await?;
    serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
}

fn checked_length(length: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(length);
    if length > BYTES_MAX {
        return Err(io::Error::other("a message of the worker is too long"));
    }
    usize::try_from(length).map_err(io::Error::other)
}
