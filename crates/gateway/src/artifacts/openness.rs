//! The one place where an artifact's openness is asked for.

use ledger::ArtifactId;

/// Class of the Model Openness Framework (`I`, `II`, `III`); none where it is not known.
pub const fn class(_artifact: ArtifactId) -> Option<String> {
    None
}
