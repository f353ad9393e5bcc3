//! From `pumasi up` to the first text of an answer, and the memory of the process at rest: the real binary on a folder that
//! was started before.
//!
//! `cargo run --release -p benches --bin start MODEL.gguf [starts]`; needs the built `pumasi` beside it.

use anyhow::{Context as _, Result};
use benches::{machine, median};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

#[tokio::main]
async fn main() -> Result<()> {
    api::link::choose_cryptography();
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().context("a GGUF file")?;
    let starts: usize = arguments.next().map_or(Ok(7), |text| text.parse())?;
    let home = tempfile::tempdir()?;
    println!("{model}, {}", machine());
    // The first start founds the network and reads the model in.
    let (mut child, _) = up(home.path(), &["--model", &model]).await?;
    stop(&mut child).await?;
    let (mut ready, mut first, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..starts {
        let begun = Instant::now();
        let (mut child, node) = up(home.path(), &[]).await?;
        ready.push(begun.elapsed().as_secs_f64());
        ask(&node).await?;
        first.push(begun.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.push(resident_mb(child.id().context("it ended")?)?);
        stop(&mut child).await?;
    }
    let (ready, first) = (median(ready) * 1e3, median(first) * 1e3);
    println!("ready after {ready:.0} ms, first text after {first:.0} ms, {:.0} MB at rest (medians)", median(memory));
    Ok(())
}

async fn up(home: &Path, more: &[&str]) -> Result<(Child, Value)> {
    let program = std::env::current_exe()?.with_file_name("pumasi");
    let mut command = Command::new(program);
    command.args(["up", "--json", "--listen", "127.0.0.1:0"]).args(more).env("PUMASI_HOME", home);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line).await?;
    Ok((child, serde_json::from_str(&line).context("it did not start")?))
}

/// Waits for the first text of a streamed answer.
async fn ask(node: &Value) -> Result<()> {
    let text = |field: &str| node[field].as_str().context("an address and a key").map(str::to_owned);
    let body = json!({
        "model": node["models"][0]["id"], "stream": true, "max_tokens": 8, "temperature": 0,
        "messages": [{ "role": "user", "content": "Once upon a time" }],
    });
    let post = reqwest::Client::builder().no_proxy().build()?.post(format!("{}/v1/chat/completions", text("address")?));
    let mut pieces = post.bearer_auth(text("api_key")?).json(&body).send().await?.error_for_status()?.bytes_stream();
    let mut came = String::new();
    // The first chunk says who speaks; its content is empty.
    while came.matches("\"content\":\"").count() < 2 {
        came += &String::from_utf8_lossy(&pieces.next().await.context("the answer ended early")??);
    }
    Ok(())
}

fn resident_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

/// As a service manager does.
async fn stop(child: &mut Child) -> Result<()> {
    let pid = child.id().context("it ended")?.to_string();
    Command::new("kill").args(["-TERM", &pid]).status().await?;
    child.wait().await?;
    Ok(())
}
