//! What a client says it wants: the lists of `Accept`, `Accept-Encoding` and `Accept-Language` (RFC 9110, 12.5).

use axum::http::{HeaderMap, HeaderName, header};

/// What a header lists, each with how much it is wanted: 0 to 1.
fn listed(headers: &HeaderMap, name: HeaderName) -> Vec<(String, f32)> {
    let items = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let items = items.flat_map(|value| value.split(','));
    items
        .map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let what = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            (what, weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0)))
        })
        .collect()
}

fn wants(headers: &HeaderMap, name: HeaderName, what: &str) -> f32 {
    listed(headers, name).iter().filter(|(item, _)| item == what).map(|(_, weight)| *weight).fold(0.0, f32::max)
}

/// True for a browser that goes somewhere; false for a program, which takes anything or JSON.
pub fn html(headers: &HeaderMap) -> bool {
    let html = wants(headers, header::ACCEPT, "text/html");
    html > 0.0 && html > wants(headers, header::ACCEPT, "application/json")
}

/// True if a content coding may be used.
pub fn coding(headers: &HeaderMap, name: &str) -> bool {
    wants(headers, header::ACCEPT_ENCODING, name) > 0.0
}

/// True if Korean is what is read best.
pub fn korean(headers: &HeaderMap) -> bool {
    let mut best: Option<(String, f32)> = None;
    for (language, weight) in listed(headers, header::ACCEPT_LANGUAGE) {
        // Of equals it is the first.
        if best.as_ref().is_none_or(|(_, most)| weight > *most) {
            best = Some((language, weight));
        }
    }
    best.is_some_and(|(language, weight)| weight > 0.0 && (language == "ko" || language.starts_with("ko-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_browser_wants_html_and_a_program_does_not() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html;q=0.9, application/json", false),
            ("application/json;q=0.5, text/html", true),
            ("TEXT/HTML", true),
            ("text/html;q=0", false),
            ("text/html;q=nonsense", false),
            ("*/*", false),
            ("", false),
        ] {
            assert_eq!(html(&of(header::ACCEPT, accept)), expected, "{accept}");
        }
        assert!(!html(&HeaderMap::new()));
    }

    #[test]
    fn the_language_read_best_comes_first_or_weighs_most() {
        for (accept, expected) in [
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", true),
            ("en-US,en;q=0.9,ko;q=0.8", false),
            ("en;q=0.5, ko", true),
            ("en, ko", false),
            ("kok", false),
            ("ko;q=0", false),
            ("", false),
        ] {
            assert_eq!(korean(&of(header::ACCEPT_LANGUAGE, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn a_coding_is_used_where_it_is_named() {
        let of = |value| of(header::ACCEPT_ENCODING, value);
        assert!(coding(&of("gzip, deflate, br;q=0.9"), "br") && coding(&of("gzip"), "gzip"));
        assert!(!coding(&of("br;q=0"), "br") && !coding(&of("gzip"), "br") && !coding(&HeaderMap::new(), "br"));
    }
}
