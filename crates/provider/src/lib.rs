//! The seller's door.
