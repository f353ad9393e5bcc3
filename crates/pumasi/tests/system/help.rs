//! Help and completions.

use crate::harness::Home;

#[test]
fn help_is_in_english_and_in_korean() {
    let home = Home::new();
    for command in [
        &["--help"][..],
        &["up", "--help"],
        &["key", "new", "--help"],
        &["import", "--help"],
        &["bill", "--help"],
        &["audit", "--help"],
        &["prove", "--help"],
        &["verify", "--help"],
        &["wallet", "send", "--help"],
    ] {
        let english = home.pumasi(command).good();
        let korean = home.pumasi_with(command, &[("PUMASI_LANG", "ko")]).good();
        let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        assert!(english.contains("Usage:") && !hangul(&english), "{english}");
        assert!(korean.contains("사용법:") && korean.contains("옵션") && !korean.contains("Print help"), "{korean}");
    }
    let listed = home.pumasi(&["--help"]).good();
    assert!(listed.contains("audit") && !listed.contains("worker"), "{listed}");
}

#[test]
fn arguments_stand_in_their_order_in_korean_too() {
    let home = Home::new();
    for (command, arguments) in [
        (&["import"][..], ["<WHAT>", "[FILE]"]),
        (&["tag"], ["<NAME>", "<NEWTAG>"]),
        (&["wallet", "send"], ["<NAME>", "<AMOUNT>"]),
        (&["key", "topup"], ["<ID>", "<AMOUNT>"]),
        (&["chat"], ["[MODEL]", "[PROMPT]"]),
    ] {
        let korean = home.pumasi_with(&[command, &["--help"]].concat(), &[("PUMASI_LANG", "ko")]).good();
        let list = &korean[korean.find("인자:").unwrap()..];
        let places = arguments.map(|argument| list.find(argument).unwrap_or_else(|| panic!("{argument}: {korean}")));
        assert!(places.is_sorted(), "{korean}");
    }
}

#[test]
fn sentences_are_in_the_users_language() {
    let home = Home::new();
    assert!(home.pumasi(&["status"]).bad().contains("nothing runs on"));
    let said = home.pumasi_with(&["status"], &[("PUMASI_LANG", "ko_KR.UTF-8")]).bad();
    assert!(said.contains("켜진 것이 없습니다"), "{said}");
}

#[test]
fn before_the_first_start_each_command_says_to_start() {
    let home = Home::new();
    let dir = home.path("not-yet");
    for args in [
        &["ls"][..],
        &["chat", "hi"],
        &["wallet"],
        &["publish", "/etc/hostname", "--yes"],
        &["ps"],
        &["key", "ls"],
        &["open"],
    ] {
        let said = home.pumasi(&[args, &["--home", dir.to_str().unwrap()]].concat()).bad();
        assert!(said.contains("nothing runs on") && said.contains("pumasi up"), "{args:?}: {said}");
    }
    assert!(!dir.exists());
}

#[test]
fn completions_are_written_for_each_shell() {
    let home = Home::new();
    for (shell, part) in [("bash", "_pumasi"), ("zsh", "#compdef pumasi"), ("fish", "complete -c pumasi")] {
        let script = home.pumasi(&["completions", shell]).good();
        assert!(script.contains(part) && script.contains("revoke"), "{shell}");
    }
    assert_eq!(home.pumasi(&["completions", "no-shell"]).code, Some(2));
}

#[test]
fn asking_for_nothing_shows_what_there_is() {
    let ran = Home::new().pumasi(&[]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("audit"), "{ran:?}");
}
