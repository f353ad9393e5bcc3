//! Artifacts by digest: OCI layout, manifests, file formats.
