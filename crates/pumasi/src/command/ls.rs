//! `pumasi ls`: what is published, by words.

use gateway::artifacts::{Kind, Summaries, Summary};
use std::process::ExitCode;

use crate::{
    client::{self, Client},
    home::Home,
    print, rate, t,
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Words, or beginnings of words, in name, tags, title or description
    #[arg(id = "words", value_name = "WORDS")]
    words: Vec<String>,
    /// Only a kind: model, adapter, dataset, recipe or evaluation
    #[arg(long, id = "only_kind", value_name = "KIND")]
    kind: Option<Kind>,
    /// Only with this license
    #[arg(long, id = "only_license", value_name = "SPDX")]
    license: Option<String>,
    /// Only at least this open: I, II or III
    #[arg(long, id = "least_open", value_name = "CLASS", value_parser = ["I", "II", "III"])]
    openness: Option<String>,
    /// Only from this publisher
    #[arg(long, value_name = "NAME")]
    publisher: Option<String>,
    /// Only what is offered, where neither rate of the price exceeds this: credits per million tokens
    #[arg(long, value_name = "CREDITS", value_parser = rate::parse)]
    price_max: Option<u64>,
    /// Only what names this as its parent
    #[arg(long, id = "only_parent", value_name = "NAME")]
    parent: Option<String>,
    /// newest, oldest, name, price, children (most built upon), use (most used) or earned (most earned)
    #[arg(long, id = "list_sort", default_value = "newest", value_name = "ORDER",
          value_parser = ["newest", "oldest", "name", "price", "children", "use", "earned"])]
    sort: String,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
}

pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let (words, limit) = (args.words.join(" "), args.limit.to_string());
    let price_max = args.price_max.map(|rate| rate.to_string());
    let mut query = vec![("sort", args.sort.as_str()), ("limit", limit.as_str())];
    let filters = [
        ("q", (!words.is_empty()).then_some(words.as_str())),
        ("kind", args.kind.map(Kind::name)),
        ("license", args.license.as_deref()),
        ("openness", args.openness.as_deref()),
        ("publisher", args.publisher.as_deref()),
        ("price_max", price_max.as_deref()),
        ("parent", args.parent.as_deref()),
    ];
    query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let found: Summaries = Client::gateway(home)?.get(&client::path(&["artifacts"], &query)).await?;
    if json {
        print::json(&found)?;
    } else {
        show(&found, &args.sort);
    }
    Ok(ExitCode::SUCCESS)
}

/// A column: what it tells of a work.
type Figure = fn(&Summary) -> String;

fn show(found: &Summaries, sort: &str) {
    if found.artifacts.is_empty() {
        return print::line(&t!("nothing like that is published", "그런 것은 올라와 있지 않습니다"));
    }
    // Beside what is always shown that by which it is sorted.
    let figure: Option<(String, Figure)> = match sort {
        "use" => {
            Some((t!("tokens", "쓰인 토큰"), |one| one.used.input.saturating_add(one.used.output).to_string()))
        }
        "earned" => Some((t!("earned", "번 크레딧"), |one| print::credits(&one.earned_pico))),
        _ => None,
    };
    let mut head = vec![
        t!("name", "이름"),
        t!("kind", "종류"),
        t!("license", "라이선스"),
        t!("open", "개방"),
        t!("in / out", "입력 / 출력"),
    ];
    head.extend(figure.iter().map(|(name, _)| name.clone()));
    head.push(t!("title", "제목"));
    let row = |one: &Summary| {
        let none = || "-".to_owned();
        let mut title = one.title.clone().unwrap_or_default();
        if one.retired {
            title = t!("(retired) {title}", "(은퇴) {title}");
        }
        if one.unclaimed {
            title = t!("(unclaimed) {title}", "(주인 없음) {title}");
        }
        // Where nobody offers it, the royalties alone are no price.
        let price = one.price.map(print::rates_short).unwrap_or_else(none);
        let license = one.license.clone().unwrap_or_else(none);
        let openness = print::openness(one.openness);
        let mut row = vec![one.name.clone(), print::kind(one.kind), license, openness, price];
        row.extend(figure.iter().map(|(_, figure)| figure(one)));
        row.push(title);
        row
    };
    print::table(&std::iter::once(head).chain(found.artifacts.iter().map(row)).collect::<Vec<_>>());
    let (shown, all) = (found.artifacts.len(), found.found);
    if found.next.is_some() {
        eprintln!(
            "{}",
            t!(
                "{shown} of {all}; more words, a filter or --limit show others",
                "{all}개 가운데 {shown}개입니다. 단어를 더 적거나 --limit으로 더 볼 수 있습니다"
            )
        );
    }
}
