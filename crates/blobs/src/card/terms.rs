//! What a card says to Pumasi alone, under `pumasi:` in its YAML: the terms under which the work is published, which are for
//! good. So nothing that stands there is passed over: what cannot be understood is told, and keeps the work from being published.

use ledger::{Kind, Rates};
use serde_json::Value;

use super::{ITEMS_MAX, items};

/// What may stand under `pumasi:`.
const KEYS: &[&str] = &["kind", "parents", "royalty", "payees"];

/// The terms of a work, as its card says them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// What it is.
    pub kind: Option<Kind>,
    /// Exactly what it is built on: names or digests.
    pub parents: Option<Vec<String>>,
    /// What it asks, in pico-credits per token.
    pub royalty: Option<Rates>,
    /// Who is paid of that: an account's name or id, and its part compared with the others'.
    pub payees: Vec<(String, u32)>,
    /// What is wrong, in sentences.
    pub wrong: Vec<String>,
}

impl Terms {
    /// Reads what stands under `pumasi:`.
    pub(super) fn read(value: &Value) -> Self {
        let mut terms = Self::default();
        let named = match value {
            Value::Null => return terms,
            Value::Object(named) => named,
            _ => {
                terms.wrong.push("pumasi: expected names and values below it, such as royalty".into());
                return terms;
            }
        };
        for key in named.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let key: String = key.chars().take(64).collect();
            terms.wrong.push(format!("pumasi: {key:?} is not known; there may be {}", KEYS.join(", ")));
        }
        let mut keep = |wrong: String| terms.wrong.push(wrong);
        let given = |key: &str| named.get(key).filter(|value| !value.is_null());
        terms.kind = given("kind").and_then(|value| kind(value).map_err(&mut keep).ok());
        terms.parents = given("parents").map(items);
        terms.royalty = given("royalty").and_then(|value| royalty(value).map_err(&mut keep).ok());
        terms.payees = given("payees").and_then(|value| payees(value).map_err(&mut keep).ok()).unwrap_or_default();
        terms
    }
}

fn kind(value: &Value) -> Result<Kind, String> {
    let all = [
        ("model", Kind::Model),
        ("adapter", Kind::Adapter),
        ("dataset", Kind::Dataset),
        ("recipe", Kind::Recipe),
        ("evaluation", Kind::Evaluation),
    ];
    let found = all.into_iter().find(|(name, _)| value == name).map(|(_, kind)| kind);
    found.ok_or_else(|| "pumasi.kind: expected model, adapter, dataset, recipe or evaluation".into())
}

fn royalty(value: &Value) -> Result<Rates, String> {
    let wrong = || {
        "pumasi.royalty: expected input and output, each in whole pico-credits per token, such as {input: 20000, output: 50000}, \
         which is 0.02 and 0.05 credits per million tokens"
            .to_owned()
    };
    let named = value.as_object().filter(|named| named.len() == 2).ok_or_else(wrong)?;
    let rate = |key: &str| named.get(key).and_then(Value::as_u64).ok_or_else(wrong);
    Ok(Rates { input: rate("input")?, output: rate("output")? })
}

fn payees(value: &Value) -> Result<Vec<(String, u32)>, String> {
    let wrong = || "pumasi.payees: expected accounts and their parts, such as {you: 3, this-machine: 1}".to_owned();
    let named = value.as_object().filter(|named| named.len() <= ITEMS_MAX).ok_or_else(wrong)?;
    let payee = |(account, weight): (&String, &Value)| {
        let weight = weight.as_u64().and_then(|weight| u32::try_from(weight).ok()).filter(|weight| *weight > 0);
        weight.map(|weight| (account.clone(), weight)).ok_or_else(wrong)
    };
    named.iter().map(payee).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Card;
    use super::*;

    fn terms(yaml: &str) -> Terms {
        Card::parse(&format!("---\nlicense: mit\n{yaml}\n---\n# A\n")).terms
    }

    #[test]
    fn terms_are_read_exactly() {
        let read = terms(
            "pumasi:\n  kind: recipe\n  parents: [you/tales]\n  royalty: {input: 20000, output: 1000001}\n  \
             payees: {you: 3, this-machine: 1}",
        );
        assert_eq!(read.kind, Some(Kind::Recipe));
        assert_eq!(read.parents.as_deref(), Some(&["you/tales".to_owned()][..]));
        assert_eq!(read.royalty, Some(Rates { input: 20_000, output: 1_000_001 }));
        let payees: Vec<_> = read.payees.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
        assert_eq!((payees.len(), payees.contains(&("you", 3)), read.wrong.len()), (2, true, 0), "{read:?}");
        assert_eq!(terms("tags: [a]"), Terms::default());
        assert_eq!(terms("pumasi:"), Terms::default());
        assert_eq!(terms("pumasi: {parents: []}").parents, Some(Vec::new()), "that it has none is said, too");
    }

    #[test]
    fn nothing_that_is_for_good_is_passed_over() {
        for (yaml, word) in [
            ("pumasi: free", "pumasi:"),
            ("pumasi: {royalti: 1}", "royalti"),
            ("pumasi: {kind: space}", "pumasi.kind"),
            ("pumasi: {royalty: 1}", "pumasi.royalty"),
            ("pumasi: {royalty: {input: 1}}", "pumasi.royalty"),
            ("pumasi: {royalty: {input: 1, output: 1, image: 1}}", "pumasi.royalty"),
            ("pumasi: {royalty: {input: -1, output: 1}}", "pumasi.royalty"),
            ("pumasi: {royalty: {input: 0.02, output: 1}}", "pumasi.royalty"),
            ("pumasi: {royalty: {input: '1', output: 1}}", "pumasi.royalty"),
            ("pumasi: {royalty: {input: .inf, output: 1}}", "cannot be read"),
            ("pumasi: {payees: {you: 0}}", "pumasi.payees"),
            ("pumasi: {payees: [you]}", "pumasi.payees"),
        ] {
            let wrong = terms(yaml).wrong;
            assert!(wrong.iter().any(|sentence| sentence.contains(word)), "{yaml}: {wrong:?}");
        }
    }
}
