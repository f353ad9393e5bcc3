//! The rule on tables, and its chances on many conversations.

use super::*;
use serde_json::{Value, json};

/// `name price [failed] [first text, ms] [tokens per second]`, `-` for unknown; the price of a token in and out.
fn candidate(line: &str) -> Candidate {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok());
    let price = Amount(words[1].parse().unwrap());
    let id = Digest::of(words[0].as_bytes()).0;
    Candidate {
        offer: OfferId(id),
        provider: AccountId(id),
        name: words[0].into(),
        input: price,
        output: price,
        failed: words.contains(&"failed"),
        speed: number(2).map(|first_ms| Speed { first_ms, per_second: number(3) }),
    }
}

/// Everything that a wish gives: names in their order.
fn chosen(table: &str, routing: &Value, conversation: u64, turn: u64) -> String {
    let candidates: Vec<Candidate> = table.trim().lines().map(candidate).collect();
    let routing: Routing = serde_json::from_value(routing.clone()).unwrap();
    let conversation = Digest::of(&conversation.to_be_bytes());
    let wish = Wish { routing: Some(&routing), size: Usage { input: 10, output: 10 }, conversation, turn };
    let names = choose(&candidates, &wish).into_iter().map(|at| candidates[at].name.clone());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn wishes_are_followed() {
    let table = "
        cheap   100 900  5
        dear    300 100 20
        middle  200 500 50
        broken   10 200 60 failed";
    for (routing, expected) in [
        (json!({ "sort": "price" }), "cheap middle dear broken"),
        (json!({ "sort": "latency" }), "dear middle cheap broken"),
        (json!({ "sort": "throughput" }), "middle dear cheap broken"),
        (json!({ "sort": "price", "only": ["dear", "MIDDLE"] }), "middle dear"),
        (json!({ "sort": "price", "ignore": ["cheap"] }), "middle dear broken"),
        (json!({ "sort": "price", "ignore": ["nobody"] }), "cheap middle dear broken"),
        (json!({ "sort": "price", "only": ["nobody"] }), ""),
        (json!({ "sort": "price", "order": ["dear"] }), "dear cheap middle broken"),
        (json!({ "sort": "price", "order": ["broken", "dear", "nobody"] }), "broken dear cheap middle"),
        (json!({ "sort": "price", "order": ["dear", "middle"], "allow_fallbacks": false }), "dear middle"),
        (json!({ "order": ["nobody"], "allow_fallbacks": false }), ""),
        (json!({ "sort": "price", "allow_fallbacks": false }), "cheap"),
        (json!({ "sort": "price", "allow_fallbacks": true }), "cheap middle dear broken"),
        (json!({ "sort": "price", "max_price": { "prompt": 0.0002 } }), "cheap middle broken"),
        (json!({ "sort": "price", "max_price": { "completion": "0.000199" } }), "cheap broken"),
        (json!({ "sort": "price", "max_price": { "prompt": 0 } }), ""),
        (json!({ "sort": "price", "only": [AccountId(Digest::of(b"dear").0).to_string()] }), "dear"),
    ] {
        assert_eq!(chosen(table, &routing, 1, 1), expected, "{routing}");
    }
}

#[test]
fn among_the_fast_the_unknown_get_their_turn() {
    let table = "
        fast   100 10 90
        slow   100 90 10
        newer  100  -  -
        oldest 100  -  -
        broken 100  -  - failed";
    for sort in ["throughput", "latency"] {
        let first: Vec<String> = (0..24)
            .map(|turn| chosen(table, &json!({ "sort": sort }), 1, turn).split(' ').next().unwrap().to_owned())
            .collect();
        let of = |name: &str| first.iter().filter(|first| *first == name).count();
        assert_eq!(
            (of("fast"), of("newer"), of("oldest"), of("slow"), of("broken")),
            (21, 2, 1, 0, 0),
            "{sort}: {first:?}"
        );
    }
    let all = chosen(table, &json!({ "sort": "latency" }), 1, 8);
    assert_eq!(all, "oldest fast slow newer broken", "nobody is left out");
    let nobody_known = "
        dear   300 - -
        cheap  100 - -";
    assert_eq!(chosen(nobody_known, &json!({ "sort": "latency" }), 1, 1), "cheap dear", "then the price decides");
}

#[test]
fn by_default_the_cheap_get_most_and_not_everything() {
    let table = "
        one   100
        two   200
        three 300
        down   50 failed";
    let first = |conversation| chosen(table, &json!({}), conversation, 0);
    let all: Vec<String> = (0..9_000).map(first).collect();
    let share = |name: &str| all.iter().filter(|chosen| chosen.starts_with(name)).count();
    // Chances of 1, 1/4 and 1/9 of their sum: 6,612, 1,653 and 735 of 9,000.
    for (name, expected) in [("one", 6_612), ("two", 1_653), ("three", 735), ("down", 0)] {
        assert!(share(name).abs_diff(expected) < 150, "{name} {}, expected about {expected}", share(name));
    }
    assert!(
        all.iter().all(|chosen| chosen.ends_with("down") && chosen.split(' ').count() == 4),
        "the rest are fallbacks"
    );
}

#[test]
fn a_conversation_stays_where_it_is() {
    let before = "
        one 100
        two 150";
    let after = "
        new 120
        one 100
        two 150";
    let (mut moved, mut all) = (0, 0);
    for conversation in 0..1_000 {
        let (a, b) = (chosen(before, &json!({}), conversation, 0), chosen(after, &json!({}), conversation, 7));
        assert_eq!(a, chosen(before, &json!({}), conversation, 5), "nothing else decides");
        let without: Vec<&str> = b.split(' ').filter(|name| *name != "new").collect();
        assert_eq!(without.join(" "), a, "one that comes moves nobody between the others");
        all += 1;
        moved += usize::from(b.starts_with("new"));
    }
    assert!(moved > 200 && moved < 500, "{moved} of {all}");
}

#[test]
fn what_costs_nothing_comes_first() {
    let table = "
        free  0
        cheap 1";
    let all = (0..1_000).filter(|conversation| chosen(table, &json!({}), *conversation, 0).starts_with("free")).count();
    assert!(all > 998, "{all}");
}

#[test]
fn a_conversation_is_known_by_its_beginning() {
    let request =
        |messages: Value| serde_json::from_value::<ChatRequest>(json!({ "model": "m", "messages": messages })).unwrap();
    let say = |role: &str, text: &str| json!({ "role": role, "content": text });
    let of = |key: i64, messages: Value| conversation(key, &request(messages));
    let begins = of(1, json!([say("system", "s"), say("user", "a")]));
    assert_eq!(begins, of(1, json!([say("system", "s"), say("user", "a"), say("assistant", "b"), say("user", "c")])));
    let parts = json!([say("system", "s"), { "role": "user", "content": [{ "type": "text", "text": "a" }] }]);
    assert_eq!(begins, of(1, parts), "the same text in parts");
    for other in [
        of(2, json!([say("system", "s"), say("user", "a")])),
        of(1, json!([say("system", "s"), say("user", "b")])),
        of(1, json!([say("system", "t"), say("user", "a")])),
        of(1, json!([say("user", "a")])),
    ] {
        assert_ne!(begins, other);
    }
}
