//! One SQLite file of one owner, written in groups.
