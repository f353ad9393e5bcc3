//! Says what to do where the page was not built: without this the program would be made without it.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../web/dist");
    if !Path::new("../../web/dist/index.html").is_file() {
        println!(
            "cargo::error=there is no web/dist/index.html: build the page with `cd web && npm ci && npm run build`"
        );
    }
}
