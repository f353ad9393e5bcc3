//! What OpenRouter's clients want to know beside what OpenAI's do.

use axum::http::Method;
use ledger::Amount;
use serde_json::{Value, json};

use crate::dialects::world;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openrouters_clients_are_told_what_they_want_to_know() {
    let (_world, _seller, buyer, key) = world().await;
    let body = json!({ "model": "tuner/model", "messages": [{ "role": "user", "content": "say 2" }] });
    let (_, headers, answer) = buyer.send(&key, "/api/v1/chat/completions", body.to_string()).await;
    let fingerprint = answer["system_fingerprint"].as_str().unwrap();
    assert!(fingerprint.starts_with("fp_") && fingerprint.len() == 13, "{answer}");
    let mut dies =
        json!({ "model": "tuner/model", "stream": true, "messages": [{ "role": "user", "content": "die 2" }] });
    let stream = buyer.stream(&key, "/api/v1/chat/completions", &dies).await;
    let last = stream.lines().rev().filter_map(|line| line.strip_prefix("data: {")).next().unwrap();
    let last: Value = serde_json::from_str(&format!("{{{last}")).unwrap();
    assert_eq!(
        (&last["error"]["code"], &last["choices"][0]["finish_reason"]),
        (&json!(502), &json!("error")),
        "{last}"
    );
    dies["model"] = "nobody/nothing".into();
    let (status, _, refused) = buyer.send(&key, "/api/v1/chat/completions", dies.to_string()).await;
    assert_eq!((status, &refused["error"]["code"]), (404, &json!(404)));
    assert_eq!(refused["error"]["metadata"]["code"], "model_not_found", "{refused}");
    let get = async |path: &str| buyer.bare(Method::GET, &key, path).await.2;
    let cost = &answer["usage"]["cost"];
    for path in ["/api/v1/key", "/api/v1/auth/key"] {
        let known = get(path).await;
        let known = &known["data"];
        for spent in ["usage", "usage_daily", "usage_weekly", "usage_monthly"] {
            assert_eq!(&known[spent], cost, "{spent}: {known}");
        }
        assert_eq!((&known["rate_limit"]["requests"], &known["byok_usage"]), (&json!(-1), &json!(0)), "{known}");
    }
    let told = get(&format!("/api/v1/generation?id={}", answer["id"].as_str().unwrap())).await;
    let told = &told["data"];
    assert_eq!((&told["total_cost"], &told["id"]), (cost, &json!(headers["x-pumasi-receipt"].to_str().unwrap())));
    assert_eq!((&told["native_finish_reason"], told.get("latency")), (&json!("stop"), Some(&Value::Null)), "{told}");
    let models = get("/api/v1/models").await;
    assert_eq!((&models["total_count"], &models["links"]), (&json!(1), &json!({ "next": null })));
    let model = &models["data"][0];
    assert_eq!(model["architecture"]["modality"], "text->text");
    assert_eq!(model["top_provider"]["context_length"], model["context_length"]);
    assert!(model["pricing"]["prompt"].as_str().is_some_and(|price| price.parse::<Amount>().is_ok()), "{model}");
    let details = get(model["links"]["details"].as_str().unwrap()).await;
    let offer = &details["data"]["endpoints"][0];
    assert_eq!((&details["data"]["id"], &offer["model_id"]), (&model["id"], &model["id"]), "{details}");
    assert_eq!(offer["supports_tool_choice"]["auto"], false, "{offer}");
}
