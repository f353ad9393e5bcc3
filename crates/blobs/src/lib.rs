//! Artifacts by digest: an OCI image manifest over files that are stored once by SHA-256, in an OCI image layout, so that
//! `skopeo` and `oras` read them too. Files from strangers are parsed here before anything believes them.

pub mod card;
mod error;
pub mod gguf;
mod import;
pub mod license;
mod manifest;
pub mod recognize;
pub mod safetensors;
mod store;

pub use error::Error;
pub use import::{Gathered, Imported, Walk};
pub use manifest::{Descriptor, Manifest};
pub use store::{How, Partial, Store, Taken};
