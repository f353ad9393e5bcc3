//! What is published is pulled from the node as from an OCI registry, under the digests that the ledger knows.

use ledger::Digest;
use reqwest::{
    Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, LINK, RANGE},
};
use serde_json::{Value, json};

use crate::{
    harness::{Home, Node},
    publish::{BARE, folder, publish},
};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

async fn ask(node: &Node, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let request = node.http().request(method, format!("{}{path}", node.address));
    let answer = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await;
    let answer = answer.unwrap();
    (answer.status(), answer.headers().clone(), answer.bytes().await.unwrap().to_vec())
}

/// The status and the code of a refusal, which has the specification's form.
async fn refused(node: &Node, method: Method, path: &str) -> (u16, String) {
    let (status, _, body) = ask(node, method, path, &[]).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    let [error] = body["errors"].as_array().unwrap().as_slice() else { panic!("{body}") };
    assert!(!error["message"].as_str().unwrap().is_empty());
    (status.as_u16(), error["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_artifact_is_pulled_as_from_a_registry() {
    let home = Home::new();
    let node = home.start_with(BARE);
    let tales = publish(&home, &folder(&home, "tales", &[("train.jsonl", "{\"text\":\"a\"}\n")]), 0, &[]);
    let id = tales["id"].as_str().unwrap();
    home.pumasi(&["tag", "tales", "v1"]).good();
    assert_eq!(ask(&node, Method::GET, "/v2/", &[]).await.0, StatusCode::OK);
    assert_eq!(node.get("/v2/_catalog").await, json!({ "repositories": ["you/tales"] }));
    let (_, headers, body) = ask(&node, Method::GET, "/v2/you/tales/tags/list?n=1", &[]).await;
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "name": "you/tales", "tags": ["latest"] }));
    assert_eq!(headers[LINK], "</v2/you/tales/tags/list?n=1&last=latest>; rel=\"next\"");
    let rest = node.get("/v2/you/tales/tags/list?n=1&last=latest").await;
    assert_eq!(rest["tags"], json!(["v1"]));

    let mut manifest = Value::Null;
    for (reference, kept) in [("v1", "no-cache"), (id, "public, max-age=31536000, immutable")] {
        let path = format!("/v2/you/tales/manifests/{reference}");
        let (status, headers, body) = ask(&node, Method::GET, &path, &[("accept", MANIFEST)]).await;
        assert_eq!((status, Digest::of(&body).to_string().as_str()), (StatusCode::OK, id));
        assert_eq!(
            (&headers["docker-content-digest"], &headers[CONTENT_TYPE]),
            (&id.parse().unwrap(), &MANIFEST.parse().unwrap())
        );
        assert_eq!(headers[CACHE_CONTROL], kept);
        let (status, head, nothing) = ask(&node, Method::HEAD, &path, &[]).await;
        assert_eq!(
            (status, head[CONTENT_LENGTH].to_str().unwrap(), nothing.len()),
            (StatusCode::OK, body.len().to_string().as_str(), 0)
        );
        let known = ask(&node, Method::GET, &path, &[(IF_NONE_MATCH.as_str(), headers[ETAG].to_str().unwrap())]).await;
        assert_eq!(known.0, StatusCode::NOT_MODIFIED);
        manifest = serde_json::from_slice(&body).unwrap();
    }
    let file = &manifest["layers"][0];
    let path = format!("/v2/you/tales/blobs/{}", file["digest"].as_str().unwrap());
    let (status, headers, body) = ask(&node, Method::GET, &path, &[]).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"{\"text\":\"a\"}\n"[..]));
    assert_eq!(headers["docker-content-digest"].to_str().unwrap(), file["digest"]);
    let (status, _, part) = ask(&node, Method::GET, &path, &[(RANGE.as_str(), "bytes=2-5")]).await;
    assert_eq!((status, part.as_slice()), (StatusCode::PARTIAL_CONTENT, &b"text"[..]));
    assert_eq!(ask(&node, Method::HEAD, &path, &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_registry_refuses_in_its_own_words() {
    let home = Home::new();
    let node = home.start_with(BARE);
    publish(&home, &folder(&home, "tales", &[("train.jsonl", "{\"text\":\"a\"}\n")]), 0, &[]);
    let songs = publish(&home, &folder(&home, "songs", &[("train.jsonl", "{\"text\":\"b\"}\n")]), 0, &[]);
    let elsewhere = songs["id"].as_str().unwrap();
    let nothing = format!("sha256:{}", "0".repeat(64));
    for (method, path, expected) in [
        (Method::GET, "you/tales/manifests/nothing", (404, "MANIFEST_UNKNOWN")),
        (Method::GET, &format!("you/tales/manifests/{nothing}"), (404, "MANIFEST_UNKNOWN")),
        // It is another repository's.
        (Method::GET, &format!("you/tales/manifests/{elsewhere}"), (404, "MANIFEST_UNKNOWN")),
        (Method::GET, "you/tales/manifests/%00", (404, "MANIFEST_UNKNOWN")),
        (Method::GET, "you/tales/manifests/%ff", (400, "INVALID_REQUEST")),
        (Method::GET, &format!("you/tales/blobs/{nothing}"), (404, "BLOB_UNKNOWN")),
        (Method::GET, "you/tales/blobs/sha256:short", (400, "DIGEST_INVALID")),
        (Method::GET, "you/tales/tags/list?n=many", (400, "INVALID_REQUEST")),
        (Method::GET, "nobody/nothing/tags/list", (404, "NAME_UNKNOWN")),
        (Method::GET, "bare/tags/list", (404, "UNSUPPORTED")),
        (Method::GET, &format!("you/tales/referrers/{nothing}"), (404, "UNSUPPORTED")),
        (Method::PUT, "you/tales/manifests/latest", (405, "UNSUPPORTED")),
        (Method::DELETE, "you/tales/manifests/latest", (405, "UNSUPPORTED")),
        (Method::POST, "you/tales/blobs/uploads/", (405, "UNSUPPORTED")),
        (Method::PATCH, "you/tales/blobs/uploads/1", (405, "UNSUPPORTED")),
        (Method::DELETE, &format!("you/tales/blobs/{nothing}"), (405, "UNSUPPORTED")),
    ] {
        let said = refused(&node, method, &format!("/v2/{path}")).await;
        assert_eq!((said.0, said.1.as_str()), expected, "{path}");
    }
}
