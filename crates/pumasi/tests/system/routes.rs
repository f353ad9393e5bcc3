//! The OpenAPI document and the routes say the same.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

use crate::harness::Home;

/// Every source file that has routes, and the prefixes they are nested below. Another one is added here.
const SOURCES: &[(&str, &[&str])] = &[
    ("gateway/src/routes.rs", &[""]),
    ("gateway/src/dialects/openai.rs", &["/v1", "/api/v1"]),
    ("gateway/src/dialects/anthropic.rs", &["/v1", "/api/v1"]),
    ("gateway/src/dialects/ollama/mod.rs", &["/api"]),
    ("gateway/src/registry.rs", &["/v2"]),
    ("gateway/src/hub/mod.rs", &[""]),
    ("gateway/src/hub/repositories.rs", &["/api/models", "/api/datasets"]),
    ("gateway/src/hub/files.rs", &["", "/datasets"]),
    ("gateway/src/page/mod.rs", &[""]),
    ("provider/src/routes.rs", &[""]),
    ("blobs/src/http.rs", &[""]),
    ("replica/src/http/mod.rs", &[""]),
    ("replica/src/watch/witness.rs", &[""]),
    ("pumasi/src/node/routes.rs", &[""]),
];
/// What a route with a wildcard answers beside what its pattern says.
const BELOW_WILDCARDS: &[&str] = &["GET /v1/models/{model}/endpoints", "GET /api/v1/models/{model}/endpoints"];

/// `GET /path` for every route of a source: the text of `.route("/path", get(…).post(…))`.
fn routed(source: &str, prefixes: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in source.split(".route(\"").skip(1) {
        let (path, rest) = rest.split_once('"').unwrap();
        let handlers = rest.split(".route(").next().unwrap().lines().next().unwrap();
        let methods = ["get", "post", "put", "patch", "delete"]
            .into_iter()
            .filter(|method| handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")));
        for method in methods {
            let method = method.to_uppercase();
            let path = path.replace("{*", "{");
            found.extend(prefixes.iter().map(|prefix| format!("{method} {prefix}{path}")));
        }
    }
    found
}

fn documented(openapi: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        found.extend(methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())));
    }
    found
}

fn document() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/node/openapi.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_route_is_documented_and_nothing_else() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut routes = BTreeSet::new();
    for (file, prefixes) in SOURCES {
        let of_file = routed(&fs::read_to_string(crates.join(file)).unwrap(), prefixes);
        assert!(!of_file.is_empty(), "{file} has no routes");
        routes.extend(of_file);
    }
    routes.extend(BELOW_WILDCARDS.iter().map(ToString::to_string));
    let documented = documented(&document());
    let missing: Vec<_> = routes.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&routes).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not documented: {missing:?}; documented and not there: {gone:?}");
}

#[test]
fn routes_are_found_in_a_source() {
    let source = ".route(\"/a/{*b}\", get(x).post(y))\n .route(\"/models\", delete(z))";
    let found: Vec<_> = routed(source, &["/v1"]).into_iter().collect();
    assert_eq!(found, ["DELETE /v1/models", "GET /v1/a/{b}", "POST /v1/a/{b}"]);
}

#[tokio::test]
async fn everything_documented_is_there() {
    let home = Home::new();
    let node = home.start();
    assert_eq!(node.get("/openapi.json").await, document());
    for route in documented(&document()) {
        let (method, path) = route.split_once(' ').unwrap();
        let path: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let (status, body) = node.send(method.parse().unwrap(), &path.join("/"), None, None).await;
        assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{route}");
        assert!(!body.to_string().contains("route_not_found"), "{route}: {body}");
        assert!(!status.is_server_error(), "{route}: {status} {body}");
    }
    let (status, body) = node.send(Method::GET, "/no/such/route", None, None).await;
    assert_eq!((status, body["error"]["code"].as_str()), (StatusCode::NOT_FOUND, Some("route_not_found")));
}

#[test]
fn every_reference_within_the_document_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    let references: BTreeSet<&str> = text.split("\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.len() > 10);
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_owners_verbs_are_for_the_owner() {
    let home = Home::new();
    let node = home.start();
    let close = format!("/channels/ch_{}/close", "0".repeat(64));
    let digest = format!("sha256:{}", "0".repeat(64));
    let artifact = format!("/artifacts/{digest}");
    let (tags, retire, blob) = (format!("{artifact}/tags"), format!("{artifact}/retire"), format!("/blobs/{digest}"));
    let sent = format!("/you/a.git/info/lfs/objects/{}?until=9999999999999&seal=00", "0".repeat(64));
    let verbs = [
        (Method::POST, "/artifacts"),
        (Method::POST, "/artifacts/preview"),
        (Method::DELETE, artifact.as_str()),
        (Method::POST, tags.as_str()),
        (Method::POST, retire.as_str()),
        (Method::PUT, blob.as_str()),
        (Method::GET, "/wallet"),
        (Method::GET, "/wallet/earnings"),
        (Method::POST, "/wallet/transfers"),
        (Method::POST, "/wallet/transfers/preview"),
        (Method::POST, "/wallet/rotate"),
        (Method::POST, "/keys/key_1/topup"),
        (Method::GET, "/keys/transfers"),
        (Method::GET, "/channels/limits"),
        (Method::PUT, "/channels/limits"),
        (Method::GET, "/keys"),
        (Method::POST, "/keys"),
        (Method::DELETE, "/keys/key_1"),
        (Method::GET, "/channels"),
        (Method::POST, close.as_str()),
        (Method::GET, "/offers"),
        (Method::POST, "/offers"),
        (Method::DELETE, "/offers/x"),
        (Method::POST, "/session/links"),
        (Method::POST, "/api/repos/create"),
        (Method::POST, "/api/models/you/a/preupload/main"),
        (Method::POST, "/api/models/you/a/commit/main"),
        (Method::POST, "/api/models/you/a/branch/v1"),
        (Method::POST, "/api/datasets/you/a/tag/main"),
        (Method::POST, "/datasets/you/a.git/info/lfs/objects/batch"),
        (Method::POST, "/you/a.git/info/lfs/objects/verify"),
        (Method::PUT, sent.as_str()),
    ];
    for (method, path) in verbs {
        for token in [None, Some("wrong"), Some(node.api_key.as_str())] {
            let (status, _) = node.send(method.clone(), path, token, None).await;
            // The Hub's clients are told that their token is an API key.
            let is_key = token == Some(node.api_key.as_str()) && status == StatusCode::FORBIDDEN;
            assert!(status == StatusCode::UNAUTHORIZED || is_key, "{method} {path}: {status}");
        }
    }
}
