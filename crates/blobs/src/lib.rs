//! Artifacts by digest: an OCI image manifest over files that are stored once by SHA-256, in an OCI image layout, so that
//! `skopeo` and `oras` read them too. Files from strangers are parsed here before anything believes them. [`http`] serves blobs
//! by digest, for gateway and provider alike.

mod error;
pub mod gguf;
pub mod http;
mod import;
mod listed;
mod manifest;
mod partial;
pub mod safetensors;
mod store;

pub use error::Error;
pub use import::{Imported, TakenIn, check};
pub use listed::Listed;
pub use manifest::{Descriptor, Manifest};
pub use partial::Partial;
pub use store::Store;
