//! Who asks: the token of a request, and whether it is the owner's.

use ledger::Digest;
use reqwest::header::{AUTHORIZATION, HeaderMap};

/// What to say to whoever is not the owner.
pub const OWNER_ONLY: &str = "this is for the owner: send the token of the file owner-token in the data folder";

/// The token of `Authorization: Bearer`, or of `x-api-key`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
    let other = || headers.get("x-api-key").and_then(|value| value.to_str().ok());
    bearer.or_else(other).map(str::trim).filter(|token| !token.is_empty())
}

/// True if a request carries the owner's token. Nobody is the owner where there is no token.
pub fn is_owner(headers: &HeaderMap, token: &str) -> bool {
    // Compared as digests, so that the time taken tells nothing of the token.
    let same = |sent: &str| Digest::of(sent.as_bytes()) == Digest::of(token.as_bytes());
    !token.is_empty() && bearer(headers).is_some_and(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_who_has_the_token() {
        let of =
            |name: &'static str, value: &str| HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        for (headers, owner) in [
            (of("authorization", "Bearer secret"), true),
            (of("authorization", "bearer  secret "), true),
            (of("x-api-key", "secret"), true),
            (of("authorization", "secret"), false),
            (of("authorization", "Bearer secre"), false),
            (of("authorization", "Bearer "), false),
            (HeaderMap::new(), false),
        ] {
            assert_eq!(is_owner(&headers, "secret"), owner, "{headers:?}");
        }
        assert!(!is_owner(&of("x-api-key", ""), "") && !is_owner(&HeaderMap::new(), ""));
    }
}
