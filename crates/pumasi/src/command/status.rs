//! `pumasi status`: what is running.

use serde_json::{Value, json};
use std::process::ExitCode;

use crate::{client::Client, home::Home, print, t};

pub async fn run(home: &Home, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::owner(home)?;
    let health: Value = client.get("/healthz").await?;
    let ledger: Value = client.get("/ledger").await?;
    let models: api::openai::Models = client.get("/v1/models").await?;
    if json {
        let status = json!({
            "address": client.address(), "home": home.dir(), "health": health, "ledger": ledger, "models": models.data,
        });
        print::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (operations, entries) = (&ledger["operations"], &ledger["head"]["size"]);
    print::table(&[
        vec![t!("running at", "주소"), client.address().to_owned()],
        vec![t!("health", "상태"), text(&health["status"])],
        vec![t!("data folder", "데이터 폴더"), home.dir().display().to_string()],
        vec![t!("network", "네트워크"), text(&ledger["origin"])],
        vec![
            t!("ledger", "원장"),
            t!("{operations} operations in {entries} log entries", "연산 {operations}개, 로그 항목 {entries}개"),
        ],
    ]);
    // A node without a gateway has no limits.
    let limits: Option<Value> = client.get("/channels/limits").await.ok();
    if let Some(warning) = limits.as_ref().and_then(super::wallet::limit_reached) {
        print::line(&warning);
    }
    if models.data.is_empty() {
        print::line(&t!("no model is offered", "제공하는 모델이 없습니다"));
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&t!(
        "models, and credits per million tokens in / out:",
        "모델과 백만 토큰마다의 크레딧 (입력 / 출력):"
    ));
    print::models(&models.data);
    Ok(ExitCode::SUCCESS)
}
