//! The models that ship with the program, as somebody meets them who starts it without a word.

use serde_json::json;

use crate::harness::{Home, Node, model, sum};

const GUIDE: &str = "seodang/guide:latest";
const MODELS: &[&str] = &[GUIDE, "iyagi/guide-story:latest", "seonbi/guide-polite:latest"];

fn start(home: &Home) -> Node {
    home.start_shipped(&["--listen", "127.0.0.1:0"])
}

fn names(node: &Node) -> Vec<&str> {
    let mut names: Vec<&str> =
        node.ready["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn the_first_answer_of_the_guide_pays_five() {
    let home = Home::new();
    let node = start(&home);
    let mut expected = MODELS.to_vec();
    expected.sort_unstable();
    assert_eq!(names(&node), expected);
    let answer = home.pumasi(&["chat", "What is a royalty?", "--json"]).json();
    assert_eq!(answer["model"], GUIDE, "it is who answers if nobody is named");
    assert!(answer["answer"].as_str().unwrap().to_lowercase().contains("royalty"), "{answer}");
    assert_eq!(answer["finish_reason"], "stop");
    let bill = &answer["usage"]["bill"];
    let lines = bill["lines"].as_array().unwrap();
    assert!(lines.len() >= 5 && lines.iter().all(|line| line["pico"] != "0"), "{bill:#}");
    assert_eq!(sum(lines, "pico"), sum(std::slice::from_ref(bill), "pico"));
    // An adapter is paid with everything it stands on.
    let answer = home.pumasi(&["chat", "guide-story", "tell me a story about a tiger", "--json"]).json();
    assert!(answer["usage"]["bill"]["lines"].as_array().unwrap().len() >= 7, "{answer:#}");
    assert!(node.stop().success());
    let audit = home.pumasi(&["audit", "--json"]).json();
    assert_eq!(audit["good"], json!(true), "{audit}");
}

#[tokio::test]
async fn it_answers_in_korean_and_each_adapter_speaks_its_way() {
    let home = Home::new();
    let _node = start(&home);
    let ask = |model: &str, question: &str| {
        let answer = home.pumasi(&["chat", model, question, "--json", "--temperature", "0"]).json();
        answer["answer"].as_str().unwrap().to_owned()
    };
    let plain = ask("guide", "로열티가 뭐예요?");
    assert!(plain.contains("로열티") && plain.trim_end_matches('.').ends_with('요'), "{plain}");
    let polite = ask("guide-polite", "로열티가 뭐예요?");
    assert!(polite.contains("로열티") && polite.contains("니다"), "{polite}");
    let tale = ask("guide-story", "옛날이야기 하나 해 주세요");
    assert!(tale.contains("옛날") || tale.contains("마을"), "{tale}");
    let unknown = ask("guide", "What is the capital of Peru?");
    assert!(unknown.contains("don't know") && unknown.contains("guide"), "{unknown}");
}

#[tokio::test]
async fn they_are_open_science_and_nothing_is_missing() {
    let home = Home::new();
    let node = start(&home);
    for name in MODELS {
        let work = node.get(&format!("/artifacts/{name}")).await;
        assert_eq!(work["openness"], "I", "{name}: {:#}", work["openness_detail"]);
        for class in work["openness_detail"]["classes"].as_array().unwrap() {
            assert_eq!((&class["percent"], &class["missing"]), (&json!(100), &json!([])), "{name}: {class:#}");
        }
    }
}

#[tokio::test]
async fn a_second_start_publishes_nothing_new_and_what_was_withdrawn_stays_so() {
    let home = Home::new();
    let node = start(&home);
    let before = node.get("/ledger").await;
    home.pumasi(&["withdraw", "guide-story"]).good();
    let withdrawn = node.get("/ledger").await;
    assert_ne!(before["operations"], withdrawn["operations"]);
    let listen = node.address.replace("http://", "");
    assert!(node.stop().success());
    let node = home.start_shipped(&["--listen", &listen]);
    assert_eq!(node.get("/ledger").await["operations"], withdrawn["operations"]);
    assert_eq!(names(&node), [GUIDE, "seonbi/guide-polite:latest"]);
}

#[tokio::test]
async fn a_start_that_was_killed_while_it_published_goes_on() {
    let home = Home::new();
    let whole = {
        let other = Home::new();
        let node = start(&other);
        node.get("/ledger/artifacts").await["artifacts"].as_array().unwrap().len()
    };
    // Some are killed before there is a ledger, some in the midst, some after all of it.
    for pause_ms in [5, 60, 120, 200, 300, 450] {
        home.start_and_kill(&["--listen", "127.0.0.1:0"], std::time::Duration::from_millis(pause_ms));
    }
    let node = start(&home);
    let artifacts = node.get("/ledger/artifacts").await;
    assert_eq!(artifacts["artifacts"].as_array().unwrap().len(), whole);
    assert_eq!(names(&node).len(), MODELS.len());
    home.pumasi(&["chat", "hello there", "--json"]).json();
    assert!(node.stop().success());
    home.pumasi(&["audit"]).good();
}

#[tokio::test]
async fn another_edition_takes_the_place_of_the_one_before() {
    let home = Home::new();
    let node = home.start_shipped(&["--listen", "127.0.0.1:0", "--model", model()]);
    let offers = node.get("/v1/models").await;
    let mut offers = offers["data"].as_array().unwrap().iter();
    let earlier = offers.find(|offer| !MODELS.contains(&offer["id"].as_str().unwrap())).unwrap();
    assert!(node.stop().success());
    // As if an earlier program had shipped what is the person's own here.
    std::fs::write(home.path("shipped"), format!("another edition\n{}\n", earlier["digest"].as_str().unwrap()))
        .unwrap();
    let node = start(&home);
    let mut expected = MODELS.to_vec();
    expected.sort_unstable();
    assert_eq!(names(&node), expected);
}
