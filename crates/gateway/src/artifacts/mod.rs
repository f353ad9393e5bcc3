//! Artifacts through this door: published, tagged, retired, looked for and shown.

mod draft;

pub use draft::{Draft, DraftFile, DraftPayee, DraftRates, Kind, Preview, Source};
