//! The files of the page, as Vite wrote them (`web/dist`), each compressed once, when somebody first takes it so.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use rust_embed::RustEmbed;
use std::{
    collections::HashMap,
    io::Write as _,
    sync::{LazyLock, OnceLock},
};

use super::{POLICY, wanted};
use crate::error::Problem;

/// The name of what is in it changes with every build; the name of a file says what is in it.
const ASK_AGAIN: &str = "no-cache";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Of brotli, 0 to 11: beyond this it takes ten times as long for a few percent.
const QUALITY: u32 = 9;
/// Of brotli: the largest window that its format has, 4 MiB.
const WINDOW: u32 = 22;

#[derive(RustEmbed)]
#[folder = "../../web/dist/"]
struct Dist;

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let file = |path: &str| Some((path.to_owned(), File::new(path, Dist::get(path)?.data.into_owned())));
    Dist::iter().filter_map(|path| file(&path)).collect()
});
static PLAIN_STYLE: LazyLock<File> = LazyLock::new(|| File::new("plain.css", include_bytes!("plain.css").to_vec()));

/// A file in every form that it is sent in.
struct File {
    kind: &'static str,
    digest: String,
    whole: Bytes,
    brotli: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl File {
    fn new(path: &str, bytes: Vec<u8>) -> Self {
        let digest = ledger::Digest::of(&bytes).to_string();
        let digest = digest.trim_start_matches("sha256:").chars().take(32).collect();
        let (brotli, gzip) = (OnceLock::new(), OnceLock::new());
        Self { kind: kind(path), digest, whole: bytes.into(), brotli, gzip }
    }

    /// As this client takes it, with the name of that form.
    fn form(&self, headers: &HeaderMap) -> (Bytes, Option<&'static str>) {
        let text = !matches!(self.kind, "image/png" | "font/woff2" | "application/octet-stream");
        if text && wanted::coding(headers, "br") {
            return (self.brotli.get_or_init(|| brotli(&self.whole)).clone(), Some("br"));
        }
        if text && wanted::coding(headers, "gzip") {
            return (self.gzip.get_or_init(|| gzip(&self.whole)).clone(), Some("gzip"));
        }
        (self.whole.clone(), None)
    }
}

/// Writing into memory does not fail; if it did, the client would see a broken file and not a wrong one.
fn brotli(whole: &[u8]) -> Bytes {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 4_096, QUALITY, WINDOW);
    drop(writer.write_all(whole));
    drop(writer);
    packed.into()
}

fn gzip(whole: &[u8]) -> Bytes {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    drop(writer.write_all(whole));
    writer.finish().unwrap_or_default().into()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

pub async fn index(headers: HeaderMap) -> Response {
    named("index.html", &headers, ASK_AGAIN)
}

pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    named(&format!("assets/{path}"), &headers, FOR_EVER)
}

pub async fn icon(headers: HeaderMap) -> Response {
    named("icon.svg", &headers, ASK_AGAIN)
}

pub async fn plain_style(headers: HeaderMap) -> Response {
    send(&PLAIN_STYLE, &headers, ASK_AGAIN)
}

fn named(path: &str, headers: &HeaderMap, keep: &'static str) -> Response {
    match FILES.get(path) {
        Some(file) => send(file, headers, keep),
        None => {
            let message = format!("the page has no file {path}; perhaps it is of another version: load the page again");
            Problem::unknown("path", "file_not_found", message).into_response()
        }
    }
}

fn send(file: &File, asked: &HeaderMap, keep: &'static str) -> Response {
    let (bytes, coding) = file.form(asked);
    // Another form is other bytes, so it has another tag.
    let tag = format!("\"{}{}\"", file.digest, coding.map(|coding| format!("-{coding}")).unwrap_or_default());
    let mut answer = match has(asked, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => bytes.into_response(),
    };
    let headers = answer.headers_mut();
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.extend(coding.map(|coding| (header::CONTENT_ENCODING, HeaderValue::from_static(coding))));
    answer
}

/// True if the client has it already.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let listed = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = listed.flat_map(|listed| listed.split(',')).map(str::trim);
    tags.any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn every_file_that_the_page_names_is_there() {
        let index = String::from_utf8(FILES["index.html"].whole.to_vec()).unwrap();
        let named: Vec<&str> = index.split("\"./").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(named.iter().any(|name| name.ends_with(".js")) && named.contains(&"icon.svg"), "{index}");
        for name in named {
            assert!(FILES.contains_key(name), "{name}");
        }
        assert!(FILES.values().all(|file| file.kind != "application/octet-stream"), "each kind is known");
        let inside = ["<style", "onload=", "<script>"];
        assert!(inside.iter().all(|inside| !index.contains(inside)), "the policy would not let it run: {index}");
    }

    #[test]
    fn both_codings_give_the_same_bytes() {
        for file in FILES.values() {
            let (mut brotli_read, mut gzip_read) = (Vec::new(), Vec::new());
            brotli::Decompressor::new(&brotli(&file.whole)[..], 4_096).read_to_end(&mut brotli_read).unwrap();
            flate2::read::GzDecoder::new(&gzip(&file.whole)[..]).read_to_end(&mut gzip_read).unwrap();
            assert!(brotli_read == file.whole && gzip_read == file.whole);
        }
    }

    #[test]
    fn a_tag_is_of_one_form() {
        let asked = |name, value: &str| HeaderMap::from_iter([(name, value.parse().unwrap())]);
        let tag = |headers: &HeaderMap| send(&PLAIN_STYLE, headers, ASK_AGAIN).headers()[header::ETAG].clone();
        let (whole, packed) = (tag(&HeaderMap::new()), tag(&asked(header::ACCEPT_ENCODING, "br")));
        assert_ne!(whole, packed);
        let status = |tag: &HeaderValue| {
            send(&PLAIN_STYLE, &asked(header::IF_NONE_MATCH, tag.to_str().unwrap()), ASK_AGAIN).status()
        };
        assert_eq!((status(&whole), status(&packed)), (StatusCode::NOT_MODIFIED, StatusCode::OK));
    }
}
