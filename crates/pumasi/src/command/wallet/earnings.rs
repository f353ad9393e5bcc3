//! `pumasi wallet earnings`: what was earned, by work and day, and by this machine.

use std::process::ExitCode;

use crate::{
    client::Client,
    home::Home,
    node::{Earned, EarnedDay},
    print, t,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many days, today included
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_653))]
    days: u32,
}

pub async fn run(home: &Home, args: &Args, json: bool) -> anyhow::Result<ExitCode> {
    let earned: Earned = Client::owner(home)?.get(&format!("/wallet/earnings?days={}", args.days)).await?;
    if json {
        print::json(&earned)?;
        return Ok(ExitCode::SUCCESS);
    }
    if earned.royalties.is_empty() && earned.fees.is_empty() {
        let days = earned.days;
        print::line(&t!("nothing was settled in {days} days", "{days}일 동안 정산된 것이 없습니다"));
        return Ok(ExitCode::SUCCESS);
    }
    let head =
        [t!("day", "날"), t!("credits", "크레딧"), t!("tokens in / out", "토큰 (입력 / 출력)"), t!("by", "무엇으로")];
    let mut rows = vec![Vec::from(head)];
    rows.extend(earned.royalties.iter().chain(&earned.fees).map(row));
    print::table(&rows);
    Ok(ExitCode::SUCCESS)
}

fn row(day: &EarnedDay) -> Vec<String> {
    let by = match &day.name {
        Some(name) => t!("royalty of {name}", "{name}의 로열티"),
        None => t!("running models ({})", "모델 실행 ({})", day.role),
    };
    vec![
        print::date(day.day.saturating_mul(print::DAY_MS)),
        print::credits(&day.pico),
        format!("{} / {}", day.input, day.output),
        by,
    ]
}
