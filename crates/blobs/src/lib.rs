//! Artifacts by digest: an OCI image manifest over files that are stored once by SHA-256, in an OCI image layout, so that
//! `skopeo` and `oras` read them too. Files from strangers are parsed here before anything believes them.

mod error;
pub mod gguf;
mod import;
mod manifest;
pub mod openness;
pub mod safetensors;
pub mod signing;
mod store;

pub use error::Error;
pub use import::Imported;
pub use manifest::{Descriptor, Manifest};
pub use store::Store;
