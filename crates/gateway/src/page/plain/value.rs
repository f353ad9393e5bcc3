//! Any JSON of the API as tables and lists. A field's name and the form of its value tell what it is: an amount, a time, the id
//! of something that has a page of its own.

use ledger::Amount;
use maud::{Markup, html};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::super::words::Language;

/// Text without a space beyond this length is put away behind a line that opens.
const LONG: usize = 200;
/// Fields that are text of pico-credits, beside those whose name says so.
const AMOUNTS: &[&str] = &[
    "amount",
    "balance",
    "deposit",
    "deposits",
    "earned",
    "fee",
    "free",
    "in_pot",
    "pots",
    "provider_fee",
    "returned",
    "spent",
    "supply",
    "total",
];
/// Fields that are two rates.
const RATES: &[&str] = &["fee", "price", "royalties", "royalty"];
const TIMES: &[&str] = &["founded", "may_finish", "time"];
/// Fields whose 64 digits are an account, not a key.
const ACCOUNTS: &[&str] = &["account", "id", "issuer", "payer", "provider", "publisher", "to"];
/// Fields whose digest is an artifact, and those whose digest is a file.
const ARTIFACTS: &[&str] = &["artifact", "artifacts", "id", "parents", "priced"];
const FILES: &[&str] = &["digest", "weights"];
/// Fields that come before the others, which follow by their names.
const FIRST: &[&str] = &[
    "payee",
    "what",
    "entry",
    "name",
    "title",
    "description",
    "state",
    "kind",
    "day",
    "time",
    "to",
    "account",
    "by",
    "input",
    "output",
    "input_rate",
    "output_rate",
    "pico",
    "id",
    "operation",
    "applied",
    "refusal",
    "outcome",
    "bill",
    "card",
];
/// Fields that are one of a few words.
const WORDS: &[&str] = &["artifact_kind", "kind", "state", "what"];

/// How values are shown.
#[derive(Clone, Copy)]
pub struct Values {
    pub language: Language,
    /// Where artifacts are linked to.
    pub artifacts: &'static str,
}

impl Values {
    /// A whole answer.
    pub fn whole(self, value: &Value) -> Markup {
        match value {
            Value::Object(fields) => self.fields(fields, 2),
            other => self.cell("", other),
        }
    }

    /// Facts in one table, and what is larger under headings of its own.
    fn fields(self, fields: &Map<String, Value>, level: u8) -> Markup {
        let (small, large): (Vec<_>, Vec<_>) =
            in_order(fields.iter().collect()).into_iter().partition(|(name, value)| fits_a_cell(name, value));
        html! {
            @if !small.is_empty() {
                table.facts {
                    @for (name, value) in small {
                        tr { th scope="row" { (self.language.label(name)) } td { (self.cell(name, value)) } }
                    }
                }
            }
            @for (name, value) in large {
                section { (self.heading(name, level)) (self.large(name, value, level)) }
            }
        }
    }

    fn heading(self, name: &str, level: u8) -> Markup {
        let label = self.language.label(name);
        match level {
            2 => html! { h2 { (label) } },
            3 => html! { h3 { (label) } },
            _ => html! { h4 { (label) } },
        }
    }

    fn large(self, name: &str, value: &Value, level: u8) -> Markup {
        match value {
            Value::Object(fields) => self.fields(fields, level + 1),
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => self.table(items),
            other => self.cell(name, other),
        }
    }

    /// One row for each, with a column for every field that one of them has.
    fn table(self, items: &[Value]) -> Markup {
        let fields: BTreeMap<&String, &Value> = items.iter().filter_map(Value::as_object).flatten().collect();
        let columns: Vec<&String> = in_order(fields.into_iter().collect()).into_iter().map(|(name, _)| name).collect();
        html! {
            div.wide {
                table {
                    tr { @for name in &columns { th scope="col" { (self.language.label(name)) } } }
                    @for item in items {
                        tr { @for name in &columns { td { (self.cell(name, &item[name.as_str()])) } } }
                    }
                }
            }
        }
    }

    fn cell(self, name: &str, value: &Value) -> Markup {
        match value {
            Value::Null => html! { span.none { "–" } },
            Value::Bool(true) => html! { (self.language.say("yes", "예")) },
            Value::Bool(false) => html! { (self.language.say("no", "아니요")) },
            Value::Number(number) => self.number(name, number.as_u64(), &number.to_string()),
            Value::String(text) => self.text(name, text),
            Value::Array(items) if items.is_empty() => html! { span.none { "–" } },
            Value::Array(items) => html! { ul { @for item in items { li { (self.cell(name, item)) } } } },
            Value::Object(fields) => match self.rates(name, fields) {
                Some(rates) => html! { (rates) },
                None => html! {
                    dl {
                        @for (name, value) in in_order(fields.iter().collect()) {
                            div { dt { (self.language.label(name)) } dd { (self.cell(name, value)) } }
                        }
                    }
                },
            },
        }
    }

    /// Two rates as people compare them.
    fn rates(self, name: &str, fields: &Map<String, Value>) -> Option<String> {
        let rate = |name| fields.get(name)?.as_u64().map(per_million);
        let (input, output) = (rate("input")?, rate("output")?);
        let known = RATES.contains(&name) && fields.len() == 2;
        known.then(|| match self.language.korean {
            true => format!("백만 토큰마다 입력 {input} / 출력 {output} 크레딧"),
            false => format!("{input} in / {output} out, credits per million tokens"),
        })
    }

    fn number(self, name: &str, value: Option<u64>, text: &str) -> Markup {
        match value {
            Some(time) if TIMES.contains(&name) => html! { (api::text::time(time)) },
            Some(day) if name == "day" => html! { (api::text::date(day.saturating_mul(24 * 60 * 60 * 1_000))) },
            Some(entry) if name == "entry" => html! { a href=(format!("/ledger/operations/{entry}")) { (entry) } },
            Some(rate) if name == "input_rate" || name == "output_rate" => self.credits(&per_million(rate)),
            _ => html! { (text) },
        }
    }

    fn credits(self, credits: &str) -> Markup {
        html! { (credits) " " (self.language.say("credits", "크레딧")) }
    }

    fn text(self, name: &str, text: &str) -> Markup {
        if let Some(pico) = amount(name, text) {
            let unit = self.language.say("pico", "피코");
            return html! { (self.credits(&Amount(pico).to_string())) " " small { "(" (text) " " (unit) ")" } };
        }
        if let Some(to) = self.link(name, text) {
            return html! { a href=(to) { code { (text) } } };
        }
        if WORDS.contains(&name) {
            return html! { (self.language.word(text)) };
        }
        let one_word = !text.contains(char::is_whitespace);
        match text.len() {
            0 => html! { span.none { "–" } },
            length if one_word && length > LONG => {
                let says = self.language.say("characters", "글자");
                html! { details { summary { (length) " " (says) } code { (text) } } }
            }
            _ if text.contains('\n') => html! { pre { (text) } },
            _ if is_id(text) => html! { code { (text) } },
            _ => html! { (text) },
        }
    }

    /// The page of what a text names. Only what has exactly the form of an id becomes part of an address.
    fn link(self, name: &str, text: &str) -> Option<String> {
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|c| c.is_ascii_hexdigit());
        if text.strip_prefix("sha256:").is_some_and(|rest| digits(rest, 64)) {
            return match name {
                _ if ARTIFACTS.contains(&name) => Some(format!("{}/{text}", self.artifacts)),
                _ if FILES.contains(&name) => Some(format!("/blobs/{text}")),
                _ => None,
            };
        }
        if text.strip_prefix("ch_").is_some_and(|rest| digits(rest, 64)) {
            return Some(format!("/ledger/channels/{text}"));
        }
        match name {
            "receipt" if digits(text, 32) => Some(format!("/receipts/{text}")),
            _ if digits(text, 64) && ACCOUNTS.contains(&name) => Some(format!("/ledger/accounts/{text}")),
            _ => None,
        }
    }
}

/// What tells most about a thing comes first.
fn in_order<'a>(mut fields: Vec<(&'a String, &'a Value)>) -> Vec<(&'a String, &'a Value)> {
    let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    fields.sort_by_key(|(name, _)| (place(name), *name));
    fields
}

/// True for what needs no heading of its own.
fn fits_a_cell(name: &str, value: &Value) -> bool {
    let plain = |value: &Value| !value.is_array() && !value.is_object();
    match value {
        Value::Array(items) => items.iter().all(plain),
        Value::Object(fields) => fields.is_empty() || (RATES.contains(&name) && fields.values().all(plain)),
        Value::String(text) => !text.contains('\n'),
        _ => true,
    }
}

fn amount(name: &str, text: &str) -> Option<u128> {
    let named = name == "pico" || name.ends_with("_pico") || AMOUNTS.contains(&name);
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| named && digits)
}

/// A rate in pico-credits per token as credits per million tokens.
fn per_million(rate: u64) -> String {
    Amount(u128::from(rate) * 1_000_000).to_string()
}

fn is_id(text: &str) -> bool {
    let text = text.rsplit_once(['_', ':']).map_or(text, |(_, rest)| rest);
    text.len() >= 32 && text.bytes().all(|c| c.is_ascii_hexdigit())
}
