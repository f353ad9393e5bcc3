//! `pumasi ps`: what is offered here, and how it goes.

use api::offers::{BackendView, OfferState, OwnOffer, OwnOffers};
use std::process::ExitCode;

use super::offer::backend;
use crate::{client::Client, home::Home, print, t};

pub async fn run(home: &Home, json: bool) -> anyhow::Result<ExitCode> {
    let offers: OwnOffers = Client::provider(home)?.get("/offers").await?;
    if json {
        print::json(&offers)?;
        return Ok(ExitCode::SUCCESS);
    }
    if offers.data.is_empty() {
        print::line(&t!(
            "nothing is offered here; offer something with: pumasi offer NAME",
            "여기서 제공하는 것이 없습니다. 제공하려면: pumasi offer 이름"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let head = vec![
        t!("name", "이름"),
        t!("state", "상태"),
        t!("fee in / out", "수수료 입력 / 출력"),
        t!("memory", "메모리"),
        t!("answers", "답"),
        t!("tokens in / out", "토큰 입력 / 출력"),
        t!("answered by", "답하는 곳"),
    ];
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(offers.data.iter().map(row)).collect();
    print::table(&rows);
    for offer in &offers.data {
        offer.message.iter().chain(&offer.notes).for_each(|text| {
            eprintln!("{}: {}", offer.name, print::of_node(text.clone()));
        });
    }
    Ok(ExitCode::SUCCESS)
}

fn row(offer: &OwnOffer) -> Vec<String> {
    let (input, output) = (print::per_million(offer.fee.input), print::per_million(offer.fee.output));
    let answers = match offer.running {
        0 => offer.answered.to_string(),
        running => t!("{} (+{running} running)", "{} (+{running} 진행 중)", offer.answered),
    };
    vec![
        offer.name.clone(),
        state(offer.state),
        format!("{input} / {output}"),
        memory(&offer.backend),
        answers,
        format!("{} / {}", offer.input, offer.output),
        backend(&offer.backend),
    ]
}

fn state(state: OfferState) -> String {
    match state {
        OfferState::Loading => t!("loading", "올리는 중"),
        OfferState::Running => t!("running", "제공 중"),
        OfferState::Failed => t!("failed", "실패"),
        OfferState::Withdrawn => t!("withdrawn", "거둠"),
    }
}

/// Of the worker's process; offers of one base share it.
fn memory(backend: &BackendView) -> String {
    match backend {
        BackendView::Worker { memory_bytes: Some(bytes), .. } => format!("{} MiB", bytes >> 20),
        _ => "-".into(),
    }
}
