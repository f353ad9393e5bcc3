//! The buyer's door.
