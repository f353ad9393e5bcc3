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
    println!("{}", t!("running at {}", "{}에서 켜져 있습니다", client.address()));
    println!("{}", t!("data in {}", "데이터 폴더 {}", home.dir().display()));
    println!("{}", t!("log entries {}", "원장 항목 {}", ledger["head"]["size"]));
    for model in &models.data {
        let (input, output) = (&model.pricing.prompt, &model.pricing.completion);
        println!("{}", t!("model {}  {input} / {output} credits per token in / out", "모델 {}  토큰마다 {input} / {output} 크레딧 (입력 / 출력)", model.id));
    }
    Ok(ExitCode::SUCCESS)
}
