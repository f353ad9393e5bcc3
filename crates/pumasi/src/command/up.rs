//! `pumasi up`: turns a node on and says how to use it, until it is told to stop.

use anyhow::Context as _;
use api::openai::{Model, Models};
use sd_notify::NotifyState;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    home::Home,
    node::{self, Config, Node},
    passphrase, print, rate, t,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen for this machine
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7420")]
    listen: String,
    /// Where to listen for others, over TLS: for orders, the ledger and the log, not for the owner
    #[arg(long, value_name = "HOST:PORT")]
    public: Option<String>,
    /// Where others reach this machine, if it is called otherwise for them
    #[arg(long, value_name = "https://NAME:PORT")]
    address: Option<String>,
    /// Live on somebody else's ledger: the line that their `up --public` shows
    #[arg(long, value_name = "https://HOST:PORT#KEY")]
    join: Option<api::Link>,
    /// Who cosigns the heads of this machine's own ledger: the line that the `up --public` of a machine on it shows; may be given
    /// several times
    #[arg(long = "witness", id = "asked_witnesses", value_name = "https://HOST:PORT#KEY")]
    witnesses: Vec<api::Link>,
    /// Join to ask and pay [default: both]
    #[arg(long)]
    gateway: bool,
    /// Join to run models and be paid [default: both]
    #[arg(long)]
    provider: bool,
    /// What this machine is called on the ledger that it joins [default: the machine's name]
    #[arg(long = "name", id = "account_name", value_name = "NAME")]
    name: Option<String>,
    /// Leave out the guide and its adapters, the models that ship with Pumasi
    #[arg(long)]
    without_guide: bool,
    /// What API keys pay for each GB of weight files that they download here, such as 0.05 [default: nothing]
    #[arg(long, value_name = "CREDITS", default_value = "0", hide_default_value = true, value_parser = rate::parse_per_gb)]
    file_fee: u64,
    /// A GGUF file to offer; may be given several times
    #[arg(long = "model", id = "models", value_name = "FILE.gguf")]
    models: Vec<PathBuf>,
    /// Threads for one model [default: as many as there are cores; 1 for a small model]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    threads: Option<u32>,
    /// The most tokens of one conversation [default: 4096, or what the model can]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    context: Option<u32>,
}

pub async fn run(home: Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    logging();
    // Asked for before signals are caught: Ctrl+C must end the question.
    let passphrase = passphrase::of_keys(&home)?;
    // From here on a signal ends the start or the run, and never leaves a half-written line.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let first = home.read("api-key")?.is_none();
    let Args {
        listen,
        public,
        address,
        join,
        witnesses,
        gateway,
        provider,
        name,
        without_guide,
        file_fee,
        models,
        threads,
        context,
    } = args;
    let config = Config {
        listen,
        public,
        address,
        join,
        witnesses,
        gateway,
        provider,
        name,
        without_guide,
        file_fee,
        models,
        threads,
        context,
        passphrase,
    };
    let start = Node::start(home.clone(), config);
    let node = tokio::select! {
        node = start => node?,
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
        _ = terminate.recv() => return Ok(ExitCode::from(143)),
    };
    show(&home, &node, first, json).await?;
    tell_system(NotifyState::Ready);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tell_system(NotifyState::Stopping);
    if !json {
        eprintln!("{}", t!("stopping …", "끄는 중 …"));
    }
    tokio::select! {
        () = node.stop() => Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => Ok(ExitCode::from(130)),
    }
}

/// Tells systemd, if it started this.
fn tell_system(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd was not told");
    }
}

/// Warnings go to standard error; `RUST_LOG` asks for more or less.
fn logging() {
    let usual = || tracing_subscriber::EnvFilter::new("warn");
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init());
}

async fn show(home: &Home, node: &Node, first: bool, json: bool) -> anyhow::Result<()> {
    let address = node.address();
    let key = home.read("api-key")?.unwrap_or_default();
    let models = offered(node).await?;
    if json {
        let ready = json!({
            "address": address, "home": home.dir(), "pid": std::process::id(), "api_key": key, "first": first,
            "models": models, "notes": node.notes(), "public": node.public().map(ToString::to_string),
            "joined": node.joined(), "witness": node.cosigner().map(|cosigner| cosigner.to_string()),
        });
        // One line, for whoever waits for it.
        print::line(&ready.to_string());
        return Ok(());
    }
    node.notes().iter().for_each(|note| eprintln!("{note}"));
    print::line(&t!("Pumasi is on: {address}", "품앗이가 켜졌습니다: {address}"));
    let mut rows = page_rows(home, node)?;
    rows.push(vec![t!("data folder", "데이터 폴더"), home.dir().display().to_string()]);
    if let Some(network) = node.joined() {
        rows.push(vec![t!("on the ledger at", "함께하는 원장"), network.ledger.address.clone()]);
    }
    if let Some(public) = node.public() {
        rows.push(vec![t!("for others", "남을 위한 주소"), public.address.clone()]);
    }
    if first && node.is_gateway() {
        let kept = home.path("api-key");
        rows.push(vec![t!("API key", "API 키"), key]);
        rows.push(vec![
            String::new(),
            t!("(shown only now; kept in {})", "(지금만 보입니다. {}에 있습니다)", kept.display()),
        ]);
    }
    print::table(&rows);
    print::line("");
    if node.is_gateway() {
        show_models(home, &models);
        show_how(home, address, node::usual(&models));
    }
    show_network(node);
    Ok(())
}

/// Where the page is. What a service says is written down where more people read it than the owner, so there it says how to
/// come by a link.
fn page_rows(home: &Home, node: &Node) -> anyhow::Result<Vec<Vec<String>>> {
    let (label, command) = (t!("in a browser", "브라우저에서"), home.command());
    if std::env::var_os("NOTIFY_SOCKET").is_some() {
        return Ok(vec![vec![label, t!("{command} open", "{command} open")]]);
    }
    let once =
        t!("(opens the page once; another time: {command} open)", "(한 번만 열립니다. 다음에는: {command} open)");
    Ok(vec![vec![label, node.page_link()?], vec![String::new(), once]])
}

async fn offered(node: &Node) -> anyhow::Result<Vec<Model>> {
    if !node.is_gateway() {
        return Ok(Vec::new());
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    let models = client.get(format!("{}/v1/models", node.address())).send().await?;
    Ok(models.json::<Models>().await.context("/v1/models")?.data)
}

fn show_network(node: &Node) {
    print::line("");
    match (node.joined(), node.public()) {
        (None, Some(link)) => {
            print::line(&t!("Other machines join with:", "다른 컴퓨터는 이렇게 함께합니다:"));
            print::line(&format!("  pumasi up --join {link}"));
            print::line(&t!(
                "Credits are play credits of this network. Stop with Ctrl+C.",
                "크레딧은 이 네트워크에서 쓰는 연습용 크레딧입니다. Ctrl+C로 끕니다."
            ));
        }
        (None, None) => print::line(&t!(
            "Credits here are play credits of this machine's own network. Stop with Ctrl+C.",
            "크레딧은 이 컴퓨터만의 네트워크에서 쓰는 연습용 크레딧입니다. Ctrl+C로 끕니다."
        )),
        (Some(_), public) => {
            if let Some((link, witness)) = public.zip(node.cosigner()) {
                print::line(&t!(
                    "It is a witness of that ledger, {witness}, if the ledger starts with: --witness {link}",
                    "원장을 --witness {link} 로 켜면 이 컴퓨터가 그 원장의 증인이 됩니다: {witness}"
                ));
            }
            print::line(&t!("Stop with Ctrl+C.", "Ctrl+C로 끕니다."));
        }
    }
}

fn show_models(home: &Home, models: &[Model]) {
    let command = home.command();
    if models.is_empty() {
        return print::line(&t!(
            "No model is offered yet. While this runs, bring one with `{command} import` or `{command} publish`, and offer it with: {command} offer NAME",
            "아직 제공하는 모델이 없습니다. 켜 둔 채로 `{command} import`나 `{command} publish`로 모델을 들이고, 이렇게 제공하세요: {command} offer 이름"
        ));
    }
    print::line(&t!(
        "Models, and credits per million tokens in / out:",
        "모델과 백만 토큰마다의 크레딧 (입력 / 출력):"
    ));
    print::models(models);
}

fn show_how(home: &Home, address: &str, model: Option<&Model>) {
    if let Some(model) = model {
        let (id, command, key) = (&model.id, home.command(), home.path("api-key"));
        print::line("");
        print::line(&t!("Ask it, in another terminal:", "다른 터미널에서 물어보세요:"));
        print::line(&format!("  {command} chat"));
        print::line(&t!("Or with any OpenAI client, at {address}/v1:", "OpenAI 클라이언트는 무엇이든, {address}/v1:"));
        let question = t!("What is a royalty?", "로열티가 뭐예요?");
        let body =
            format!("{{\"model\": \"{id}\", \"messages\": [{{\"role\": \"user\", \"content\": \"{question}\"}}]}}");
        print::line(&format!(
            "  curl {address}/v1/chat/completions -H \"Authorization: Bearer $(cat {})\" \\",
            key.display()
        ));
        print::line(&format!("    -d '{body}'"));
    }
}
