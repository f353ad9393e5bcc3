//! Cards: the `README.md` of a model or dataset, with facts about it as YAML between two lines of dashes.
//! Format: <https://huggingface.co/docs/hub/model-cards>. Whoever wrote it may mean harm: every part is bounded.

mod terms;

use ledger::Rates;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

use crate::license;

pub use terms::Terms;

/// Longest facts that are read; benchmarks put thousands of lines there.
const FACTS_MAX: usize = 2 << 20;
/// Text after the facts that is read for title and description.
const TEXT_MAX: usize = 64 << 10;
/// Items of a list, and characters of one and of a description, that are kept.
const ITEMS_MAX: usize = 256;
const ITEM_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 400;

/// What a card says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// An SPDX expression.
    pub license: Option<String>,
    /// Where its text is.
    pub license_link: Option<String>,
    /// What it was made from, as it is called there.
    pub base_models: Vec<String>,
    /// How: `adapter`, `finetune`, `merge`, `quantized`.
    pub relation: Option<String>,
    /// Data it was made from.
    pub datasets: Vec<String>,
    /// As BCP 47 tags.
    pub languages: Vec<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// What it is for, such as `text-generation`.
    pub pipeline_tag: Option<String>,
    /// The first heading.
    pub title: Option<String>,
    /// The first paragraph of prose, shortened.
    pub description: Option<String>,
    /// True if it has facts that only cards of datasets have.
    pub is_of_dataset: bool,
    /// True if it tells results of evaluations (`model-index`).
    pub has_results: bool,
    /// Under which terms it is published.
    pub terms: Terms,
    /// What could not be read, in sentences.
    pub notes: Vec<String>,
}

/// The facts of a card that is written here. They are text between two lines of dashes, and [`Card::parse`] reads the same of
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// An SPDX expression.
    pub license: Option<String>,
    /// Models that it was made from, by name or digest.
    pub base_models: Vec<String>,
    /// How: `adapter`, `finetune`, `merge`, `quantized`.
    pub relation: Option<String>,
    /// Data that it was made from.
    pub datasets: Vec<String>,
    /// Free words.
    pub tags: Vec<String>,
    /// All that it is built on, as digests, which unlike names never come to mean another work.
    pub parents: Vec<String>,
    /// What it is.
    pub kind: &'static str,
    /// What it asks.
    pub royalty: Rates,
}

/// As it is written: the Hub's keys, and one of ours.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    base_model: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    base_model_relation: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    datasets: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    pumasi: Own<'a>,
}

#[derive(Serialize)]
struct Own<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parents: &'a [String],
    royalty: Royalty,
}

#[derive(Serialize)]
struct Royalty {
    input: u64,
    output: u64,
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let license = self.license.as_deref();
        let hub = license.and_then(license::hub);
        let written = Written {
            license_name: license.filter(|_| hub.is_none()),
            license: license.map(|_| hub.unwrap_or_else(|| "other".into())),
            base_model: &self.base_models,
            base_model_relation: self.relation.as_deref(),
            datasets: &self.datasets,
            tags: &self.tags,
            pumasi: Own {
                kind: self.kind,
                parents: &self.parents,
                royalty: Royalty { input: self.royalty.input, output: self.royalty.output },
            },
        };
        let text = serde_saphyr::to_string(&written).map_err(|_| fmt::Error)?;
        writeln!(f, "---\n{}\n---", text.trim_end())
    }
}

impl Card {
    /// Reads a card, as far as it can be read.
    pub fn parse(text: &str) -> Self {
        let (facts, body) = split(text.trim_start_matches('\u{feff}'));
        let mut card = Self::default();
        if let Some(facts) = facts {
            match yaml(facts) {
                Ok(facts) => card.read(&facts),
                Err(reason) => {
                    let unread = format!("the facts of its card cannot be read: {reason}");
                    // Terms may stand among them.
                    card.terms.wrong.push(unread.clone());
                    card.notes.push(unread);
                }
            }
        }
        let mut end = body.len().min(TEXT_MAX);
        while !body.is_char_boundary(end) {
            end -= 1;
        }
        (card.title, card.description) = head(&body[..end]);
        card
    }

    fn read(&mut self, facts: &Value) {
        let one = |key: &str| items(&facts[key]).into_iter().next();
        // `other` says to look at the name, and some write several licenses.
        let named: Vec<String> =
            items(&facts["license"]).iter().filter(|id| *id != "other").filter_map(|id| license::spdx(id)).collect();
        self.license = match named.as_slice() {
            [] => one("license_name").and_then(|name| license::spdx(&name)),
            [one] => Some(one.clone()),
            _ => {
                self.notes
                    .push(format!("its card names several licenses, and the first is taken: {}", named.join(", ")));
                named.first().cloned()
            }
        };
        self.license_link = one("license_link");
        self.base_models = items(&facts["base_model"]);
        self.relation = one("base_model_relation");
        self.datasets = items(&facts["datasets"]);
        self.languages = items(&facts["language"]);
        self.tags = items(&facts["tags"]);
        self.pipeline_tag = one("pipeline_tag");
        let of_dataset = ["task_categories", "task_ids", "size_categories", "dataset_info", "annotations_creators"];
        self.is_of_dataset = of_dataset.iter().any(|key| !facts[*key].is_null());
        self.terms = Terms::read(&facts["pumasi"]);
        self.has_results = facts["model-index"].as_array().is_some_and(|results| !results.is_empty());
    }
}

/// The facts between the dashes, if there are any, and the rest.
fn split(text: &str) -> (Option<&str>, &str) {
    let first = text.lines().next().unwrap_or_default();
    if first.trim_end() != "---" {
        return (None, text);
    }
    let begin = (first.len() + 1).min(text.len());
    let mut at = begin;
    for line in text[begin..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            return (Some(&text[begin..at]), &text[at + line.len()..]);
        }
        at += line.len();
    }
    (None, text)
}

/// YAML with a budget: neither depth nor aliases may make much of little.
fn yaml(facts: &str) -> Result<Value, String> {
    if facts.len() > FACTS_MAX {
        return Err("they are longer than 2 MiB".into());
    }
    let budget = serde_saphyr::budget! {
        max_depth: 32,
        max_nodes: 200_000,
        max_events: 500_000,
        max_documents: 1,
        max_aliases: 100,
        max_anchors: 100,
        max_recorded_anchor_events: 10_000,
        max_recorded_anchor_bytes: 1 << 20,
        max_total_scalar_bytes: FACTS_MAX,
        flow_nesting_limit: 32,
    };
    let aliases = serde_saphyr::alias_limits! {
        max_total_replayed_events: 10_000,
        max_replay_stack_depth: 8,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: aliases,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        // `no` is Norwegian, not false.
        strict_booleans: true,
        with_snippet: false,
    };
    let value: Value =
        serde_saphyr::from_str_with_options(facts, options).map_err(|error| short(&error.to_string()))?;
    if value.is_object() || value.is_null() { Ok(value) } else { Err("they are no list of names and values".into()) }
}

fn short(reason: &str) -> String {
    clean(reason, ITEM_MAX).unwrap_or_else(|| "they are not YAML".into())
}

/// One text, or a list of them; anything else is nothing.
fn items(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => clean(text, ITEM_MAX),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().filter_map(text).take(ITEMS_MAX).collect(),
        value => text(value).into_iter().collect(),
    }
}

/// The first heading and the first paragraph of prose, as plain text. A paragraph is prose if it has words that are neither in
/// a picture nor in a link: many cards begin with badges, and with links to elsewhere.
fn head(body: &str) -> (Option<String>, Option<String>) {
    let (mut title, mut description) = (None, None);
    let (mut text, mut prose) = (String::new(), false);
    let (mut pictures, mut links) = (0u32, 0u32);
    // Without this a table would be a paragraph.
    for event in Parser::new_ext(body, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. } | Tag::Paragraph) => (text, prose) = (String::new(), false),
            Event::Start(Tag::Image { .. }) => pictures += 1,
            Event::End(TagEnd::Image) => pictures = pictures.saturating_sub(1),
            Event::Start(Tag::Link { .. }) => links += 1,
            Event::End(TagEnd::Link) => links = links.saturating_sub(1),
            Event::Text(piece) | Event::Code(piece) if pictures == 0 => {
                prose |= links == 0 && piece.contains(char::is_alphabetic);
                text.push_str(&piece);
            }
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::End(TagEnd::Heading(HeadingLevel::H1)) if title.is_none() => title = clean(&text, ITEM_MAX),
            Event::End(TagEnd::Paragraph) if prose => description = clean(&text, DESCRIPTION_MAX),
            _ => {}
        }
        if description.is_some() {
            break;
        }
    }
    (title, description)
}

/// Text of a stranger as one line: no control characters, which could change what a terminal shows, no marks that turn the
/// direction of writing, and not longer than `max` characters. `None` if nothing is left.
pub(crate) fn clean(text: &str, max: usize) -> Option<String> {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut line = String::new();
    for (at, c) in text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).enumerate()
    {
        if at == max {
            line.push('…');
            break;
        }
        if !turns(c) {
            line.push(c);
        }
    }
    (!line.trim().is_empty()).then(|| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CARD: &str = "---
license: apache-2.0
base_model:
- kim/base
- lee/other
base_model_relation: merge
datasets: [kim/stories]
language: no
tags:
- chat
pipeline_tag: text-generation
---

<p align=\"center\"><img src=\"logo.png\"></p>

# Tiny *Stories* [2](https://example.org)

![badge](https://example.org/badge.svg)

Tells `short`
stories.

More.
";

    #[test]
    fn a_card_is_read() {
        let card = Card::parse(CARD);
        assert_eq!(card.license.as_deref(), Some("Apache-2.0"));
        assert_eq!((card.base_models.len(), card.relation.as_deref()), (2, Some("merge")));
        assert_eq!(
            (card.datasets, card.languages, card.tags),
            (vec!["kim/stories".to_owned()], vec!["no".to_owned()], vec!["chat".to_owned()])
        );
        assert_eq!(
            (card.title.as_deref(), card.description.as_deref()),
            (Some("Tiny Stories 2"), Some("Tells short stories."))
        );
        assert!(card.notes.is_empty() && !card.is_of_dataset && !card.has_results);
        assert_eq!(Card::parse(&CARD.replace('\n', "\r\n")).base_models.len(), 2, "lines as Windows ends them");
    }

    #[test]
    fn licenses_are_told_apart() {
        let of = |facts: &str| Card::parse(&format!("---\n{facts}\n---\n")).license;
        assert_eq!(
            of("license: other\nlicense_name: deepseek\nlicense_link: LICENSE"),
            Some("LicenseRef-deepseek".into())
        );
        assert_eq!(of("license: other"), None);
        assert_eq!(of("license: [mit, apache-2.0]"), Some("MIT".into()));
        assert_eq!(of("license: {a: b}"), None);
    }

    #[test]
    fn a_card_without_facts_has_a_title() {
        let card = Card::parse("# 작은 이야기\n\n짧은 이야기를 합니다.");
        assert_eq!(
            (card.title.as_deref(), card.description.as_deref()),
            (Some("작은 이야기"), Some("짧은 이야기를 합니다."))
        );
        assert_eq!(Card::parse(""), Card::default());
        assert_eq!(Card::parse("---\nno end").license, None);
    }

    #[test]
    fn a_description_is_the_first_paragraph_of_prose() {
        let badge = "[![license](https://example.org/a.svg)](https://example.org)";
        for (what, before) in [
            ("nothing", ""),
            ("a table", "| Model | Size |\n| --- | ---: |\n| Tiny | 5 MB |"),
            ("a table without bars at its ends", "Model | Size\n--- | ---\nTiny | 5 MB"),
            ("an image", "![a picture](a.png)"),
            ("a badge", badge),
            ("badges", &format!("{badge}\n{badge} | {badge}")),
            (
                "links to elsewhere",
                "[Paper](https://example.org/a) | <https://example.org/b> · [코드](https://example.org/c)",
            ),
            ("a comment", "<!-- Made by a program.\n\nDo not edit. -->"),
            ("HTML", "<p align=\"center\">\n  <b>Logo</b>\n</p>"),
            ("a line", "---"),
            ("code", "```\npip install tiny\n```"),
            ("all of them", &format!("<!-- x -->\n\n{badge}\n\n| a |\n| - |\n| b |\n\n![c](d.png)")),
        ] {
            let card = Card::parse(&format!("# Tiny\n\n{before}\n\nTells [stories](https://example.org).\n\nMore."));
            assert_eq!(card.description.as_deref(), Some("Tells stories."), "{what}");
            assert_eq!(card.title.as_deref(), Some("Tiny"), "{what}");
        }
        assert_eq!(Card::parse("# Tiny\n\n| a | b |\n| - | - |\n| c | d |\n").description, None);
    }

    #[test]
    fn a_card_that_means_harm_hurts_nobody() {
        let laughs = (1..20).fold("a0: &a0 [lol, lol]\n".to_owned(), |text, n| {
            format!("{text}a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)
        });
        let deep = format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000));
        let many = "- x\n".repeat(300_000);
        for facts in [laughs, deep, format!("tags:\n{many}"), format!("tags: {}", "x".repeat(3 << 20)), "a: *b".into()]
        {
            let card = Card::parse(&format!("---\n{facts}\n---\n# Title\n"));
            assert_eq!((card.notes.len(), card.title.as_deref()), (1, Some("Title")), "{facts:.40}");
        }
        let card = Card::parse("# Title \u{1b}[2J\u{202e}evil\n");
        assert_eq!(card.title.as_deref(), Some("Title [2Jevil"));
        assert!(Card::parse(&format!("# {}", "[".repeat(60_000))).title.is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn any_text_is_read(at in 0usize..400, put in "\\PC{0,8}", cut in 0usize..400) {
            let mut text: Vec<char> = CARD.chars().collect();
            let (at, cut) = (at.min(text.len()), cut.min(text.len()));
            text.splice(at..at, put.chars());
            text.truncate(text.len() - cut);
            let card = Card::parse(&text.iter().collect::<String>());
            prop_assert!(card.title.is_none_or(|title| title.chars().count() <= ITEM_MAX + 1));
        }

        #[test]
        fn what_is_written_is_read_the_same(
            license in proptest::option::of("\\PC{0,30}"),
            listed in 0..spdx::identifiers::LICENSES.len(),
            names in proptest::collection::vec(proptest::collection::vec("\\PC{1,40}", 0..4), 4),
            relation in proptest::option::of("adapter|merge"),
            rates in any::<(u64, u64)>(),
        ) {
            let known = spdx::identifiers::LICENSES.get(listed).map(|license| license.name.to_owned());
            let license = [license, known].map(|text| text.and_then(|text| license::spdx(&text)));
            let lines = |names: &[String]| names.iter().filter_map(|name| clean(name, ITEM_MAX)).collect::<Vec<_>>();
            for license in license {
                let written = Facts {
                    license,
                    base_models: lines(&names[0]),
                    relation: relation.clone(),
                    datasets: lines(&names[1]),
                    tags: lines(&names[2]),
                    parents: lines(&names[3]),
                    kind: "recipe",
                    royalty: Rates { input: rates.0, output: rates.1 },
                };
                let card = Card::parse(&format!("{written}# Title\n"));
                let read = Facts {
                    license: card.license.clone(),
                    base_models: card.base_models,
                    relation: card.relation,
                    datasets: card.datasets,
                    tags: card.tags,
                    parents: card.terms.parents.unwrap_or_default(),
                    kind: if card.terms.kind == Some(ledger::Kind::Recipe) { "recipe" } else { "" },
                    royalty: card.terms.royalty.unwrap(),
                };
                prop_assert_eq!((read, card.notes, card.title.as_deref()), (written, vec![], Some("Title")));
            }
        }

        #[test]
        fn any_facts_are_read_or_refused(facts in "[-:\\[\\]{}&*!|>'\"%@`# a-z0-9\n]{0,200}") {
            drop(Card::parse(&format!("---\n{facts}\n---\n{facts}")));
        }
    }
}
