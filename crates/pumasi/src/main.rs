//! The one binary of Pumasi.

fn main() {}
