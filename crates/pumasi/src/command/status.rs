//! `pumasi status`: what is running.

use api::openai::Models;
use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{client::Client, home::Home, node::Network, print, t};

pub async fn run(home: &Home, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::owner(home)?;
    let joined = Network::read(home)?;
    // What does not work is what is asked for here: it is told, not an error.
    let health: Value = client.get_any("/healthz").await?;
    let ledger: Value = client.get_any("/ledger").await?;
    let gateway = joined.as_ref().is_none_or(|network| network.gateway);
    let models = if gateway { client.get::<Models>("/v1/models").await?.data } else { Vec::new() };
    if json {
        let status = json!({
            "address": client.address(), "home": home.dir(), "health": health, "ledger": ledger, "models": models,
            "joined": joined,
        });
        print::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut rows = vec![
        vec![t!("running at", "주소"), client.address().to_owned()],
        vec![t!("health", "상태"), text(&health["status"])],
        vec![t!("data folder", "데이터 폴더"), home.dir().display().to_string()],
        vec![t!("network", "네트워크"), text(&ledger["origin"])],
    ];
    if let Some(network) = &joined {
        rows.push(vec![t!("on the ledger at", "함께하는 원장"), network.ledger.address.clone()]);
    }
    rows.push(vec![t!("ledger", "원장"), ledger_line(&ledger)]);
    print::table(&rows);
    let remarks = health["remarks"].as_array().map(Vec::as_slice).unwrap_or_default();
    for said in std::iter::once(&health["reason"]).chain(remarks).filter_map(Value::as_str) {
        print::line(said);
    }
    if !gateway {
        return Ok(ExitCode::SUCCESS);
    }
    let limits: Option<Value> = client.get("/channels/limits").await.ok();
    if let Some(warning) = limits.as_ref().and_then(super::wallet::limit_reached) {
        print::line(&warning);
    }
    if models.is_empty() {
        print::line(&t!("no model is offered", "제공하는 모델이 없습니다"));
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&t!(
        "models, and credits per million tokens in / out:",
        "모델과 백만 토큰마다의 크레딧 (입력 / 출력):"
    ));
    print::models(&models);
    Ok(ExitCode::SUCCESS)
}

fn ledger_line(ledger: &Value) -> String {
    let (operations, entries) = (&ledger["operations"], &ledger["head"]["size"]);
    match ledger["error"]["message"].as_str() {
        Some(problem) => problem.to_owned(),
        None => t!("{operations} operations in {entries} log entries", "연산 {operations}개, 로그 항목 {entries}개"),
    }
}
