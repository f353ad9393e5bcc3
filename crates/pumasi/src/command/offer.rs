//! `pumasi offer`: offers a model or an adapter for pay, from a worker here or from a server that already runs.

use anyhow::{Context as _, bail};
use api::offers::{BackendView, Fee, NewOffer, OfferState, OwnOffer, OwnOffers, Server, TokenBound};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use crate::{client::Client, home::Home, names, print, rate, t};

/// How often the node is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to offer: publisher/name[:tag], a name, or a digest
    #[arg(value_name = "NAME")]
    offered: String,
    /// Credits per million input tokens [default: as before, or 0.1]
    #[arg(long, value_name = "CREDITS", value_parser = rate::parse, requires = "fee_out")]
    fee_in: Option<u64>,
    /// Credits per million output tokens [default: as before, or 0.2]
    #[arg(long, value_name = "CREDITS", value_parser = rate::parse, requires = "fee_in")]
    fee_out: Option<u64>,
    /// The most tokens of one conversation [default: 4096, or what the model can]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    context: Option<u32>,
    /// Threads for one model [default: as many as there are cores; 1 for a small model]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_024), conflicts_with = "upstream")]
    threads: Option<u32>,
    /// An OpenAI-compatible server that already runs it, such as http://127.0.0.1:8000/v1
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// What that server calls the model [default: its only model, or NAME's last part]
    #[arg(long, value_name = "MODEL", requires = "upstream")]
    upstream_model: Option<String>,
    /// A file with that server's key, which only you can read
    #[arg(long, value_name = "FILE", requires = "upstream")]
    upstream_key_file: Option<PathBuf>,
    /// Tokens that a request to that server has at most: for each byte, for each message, and beside [default: 1,64,1024]
    #[arg(long, value_name = "BYTE,MESSAGE,MORE", value_parser = bound, requires = "upstream")]
    upstream_bound: Option<TokenBound>,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let client = Client::provider(home)?;
    let new = NewOffer {
        artifact: names::artifact(&client, &args.offered).await?,
        fee: args.fee_in.zip(args.fee_out).map(|(input, output)| Fee { input, output }),
        context: args.context,
        threads: args.threads,
        upstream: args.server()?,
    };
    let begun: OwnOffer = client.post("/offers", &new).await?;
    let label = t!("checking and loading {}", "{} 확인하고 올리는 중", begun.name);
    let (ended, stays) = print::waiting(label, wait(&client, begun.number)).await?;
    if ended.state != OfferState::Running {
        let (name, why) = (&ended.name, print::of_node(ended.message.unwrap_or_default()));
        bail!(match stays {
            false => t!("{name} is not offered: {why}", "{name}을 제공하지 못했습니다: {why}"),
            true => t!(
                "{name} is offered as before, and not so: {why}",
                "{name}은 전과 같이 제공하고, 이렇게는 제공하지 못했습니다: {why}"
            ),
        });
    }
    if json {
        print::json(&ended)?;
        return Ok(ExitCode::SUCCESS);
    }
    show(&ended);
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn server(&self) -> anyhow::Result<Option<Server>> {
        let Some(url) = self.upstream.clone() else { return Ok(None) };
        // The node has another working folder.
        let whole = |path: &PathBuf| {
            std::path::absolute(path).with_context(|| t!("there is no file {}", "{} 파일이 없습니다", shown(path)))
        };
        let key_file = self.upstream_key_file.as_ref().map(whole).transpose()?;
        Ok(Some(Server { url, model: self.upstream_model.clone(), key_file, bound: self.upstream_bound }))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// `1,64,1024` as a bound.
fn bound(text: &str) -> Result<TokenBound, String> {
    let numbers: Vec<u16> = text.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    match numbers[..] {
        [per_byte, per_message, constant] if per_byte > 0 && text.split(',').count() == 3 => {
            Ok(TokenBound { per_byte, per_message, constant })
        }
        _ => Err(t!(
            "expected three whole numbers up to 65535, the first at least 1, such as 1,64,1024",
            "65535까지의 정수 셋을 쉼표로 이어 적으세요. 첫째는 1 이상입니다. 예: 1,64,1024"
        )),
    }
}

/// Waits until what begins under this number stands or failed; tells also whether an earlier offer of the same stands.
async fn wait(client: &Client, number: u64) -> anyhow::Result<(OwnOffer, bool)> {
    loop {
        let offers: OwnOffers = client.get("/offers").await?;
        match offers.data.iter().find(|offer| offer.number == number) {
            Some(offer) if offer.state == OfferState::Loading => tokio::time::sleep(LOOK_EVERY).await,
            Some(offer) => {
                let stands = |other: &OwnOffer| {
                    other.number != number && other.artifact == offer.artifact && other.state == OfferState::Running
                };
                return Ok((offer.clone(), offers.data.iter().any(stands)));
            }
            None => bail!(t!("it was taken back before it could be offered", "제공하기 전에 거두었습니다")),
        }
    }
}

fn show(offer: &OwnOffer) {
    offer.notes.iter().for_each(|note| eprintln!("{note}"));
    let (input, output) = (print::per_million(offer.fee.input), print::per_million(offer.fee.output));
    let context = offer.context.unwrap_or_default();
    print::line(&t!("offered: {}", "제공합니다: {}", offer.name));
    let mut rows = vec![
        vec![t!("offer", "제공 조건"), offer.id.clone().unwrap_or_default()],
        vec![t!("answered by", "답하는 곳"), backend(&offer.backend)],
        vec![
            t!("your fee", "내 수수료"),
            t!(
                "{input} / {output} credits per million tokens in / out",
                "백만 토큰마다 {input} / {output} 크레딧 (입력 / 출력)"
            ),
        ],
        vec![t!("context", "문맥 길이"), t!("{context} tokens", "{context}토큰")],
    ];
    rows.iter_mut().for_each(|row| row[0].insert_str(0, "  "));
    print::table(&rows);
    print::line(&t!("Take it back with: pumasi withdraw {}", "거두려면: pumasi withdraw {}", offer.name));
}

/// What answers an offer, in a few words.
pub fn backend(backend: &BackendView) -> String {
    match backend {
        BackendView::Worker { base: None, .. } => t!("a worker here", "여기 작업자"),
        BackendView::Worker { base: Some(base), .. } => t!("a worker here, on {base}", "여기 작업자, 바탕 {base}"),
        BackendView::Upstream { url, model } if model.is_empty() => url.clone(),
        BackendView::Upstream { url, model } => t!("{model} at {url}", "{url}의 {model}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bound_is_three_numbers() {
        let bound = super::bound("2, 10,300").unwrap();
        assert_eq!((bound.per_byte, bound.per_message, bound.constant), (2, 10, 300));
        for bad in ["", "1,2", "1,2,3,4", "0,1,1", "1,2,x", "1,2,70000", "-1,2,3"] {
            assert!(super::bound(bad).is_err(), "{bad}");
        }
    }
}
