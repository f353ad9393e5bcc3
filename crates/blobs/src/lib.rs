//! Artifacts by digest: an OCI image manifest over files that are stored once by SHA-256, in an OCI image layout, so that
//! `skopeo` and `oras` read them too. Files from strangers are parsed here before anything believes them. [`http`] serves blobs
//! by digest, for gateway and provider alike.

pub mod card;
mod error;
pub mod gguf;
pub mod http;
mod import;
pub mod license;
mod manifest;
pub mod openness;
pub mod recognize;
pub mod safetensors;
pub mod signing;
mod store;

pub use error::Error;
pub use import::{Found, Gathered, Imported, Walk, find};
pub use manifest::{Descriptor, MANIFEST, Manifest, path_good};
pub use store::{How, Partial, Public, Store, Taken};
