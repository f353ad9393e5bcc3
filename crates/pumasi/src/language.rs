//! Every sentence of the command line in English and Korean, side by side: `t!("English {x}", "한국어 {x}")`.

mod clients;
pub mod said;

use std::sync::OnceLock;

/// The sentence in the user's language, formatted.
#[macro_export]
macro_rules! t {
    ($en:literal, $ko:literal $(, $($arg:tt)*)?) => {
        if $crate::language::korean() { format!($ko $(, $($arg)*)?) } else { format!($en $(, $($arg)*)?) }
    };
}

/// True if the user reads Korean: `PUMASI_LANG`, `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that is set, begins with `ko`.
pub fn korean() -> bool {
    static KOREAN: OnceLock<bool> = OnceLock::new();
    *KOREAN.get_or_init(|| {
        let names = ["PUMASI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
        let set = names.iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
        set.is_some_and(|value| value.to_string_lossy().starts_with("ko"))
    })
}

/// Puts Korean texts into the help of a command and everything below it.
pub fn translate(command: clap::Command) -> clap::Command {
    if korean() { below("", command) } else { command }
}

/// The same for a command below others.
fn below(parent: &str, command: clap::Command) -> clap::Command {
    let name = command.get_name().to_owned();
    let command = match about(parent, &name) {
        Some(text) => command.about(text).long_about(None),
        None => command,
    };
    let mut place = 0;
    let command = command.mut_args(|arg| {
        let heading = if arg.is_positional() { "인자" } else { "옵션" };
        // Under a heading of its own clap would sort arguments by name.
        place += usize::from(arg.is_positional());
        let arg = if arg.is_positional() { arg.display_order(place) } else { arg };
        match help(arg.get_id().as_str()) {
            Some(text) => told(arg, text).long_help(None).help_heading(heading),
            None => arg,
        }
    });
    // What clap adds by itself is said here, so that it can be said in Korean.
    let command = match command.has_subcommands() {
        true => command.disable_help_subcommand(true),
        false => command,
    };
    let command = command.disable_help_flag(true).arg(own("help", 'h').action(clap::ArgAction::Help));
    let command = match name == "pumasi" {
        true => command.disable_version_flag(true).arg(own("version", 'V').action(clap::ArgAction::Version)),
        false => command,
    };
    command.subcommand_help_heading("명령").help_template(TEMPLATE).mut_subcommands(|command| below(&name, command))
}

/// An argument with its text, and with what clap would add to it in English.
fn told(arg: clap::Arg, text: &str) -> clap::Arg {
    let joined = |all: Vec<String>| all.join(", ");
    let known = |value: &clap::builder::PossibleValue| text.contains(value.get_name());
    // A switch has values too, which nobody writes.
    let values = if arg.get_action().takes_values() { arg.get_possible_values() } else { Vec::new() };
    let values = values.iter().filter(|value| !arg.is_hide_possible_values_set() && !value.is_hide_set());
    let values: Vec<_> = values.collect();
    let values = if values.iter().all(|value| known(value)) { Vec::new() } else { values };
    let values = values.into_iter().map(|value| value.get_name().to_owned()).collect();
    let default = arg.get_default_values().iter().filter(|_| !arg.is_hide_default_value_set());
    let default = default.map(|value| value.to_string_lossy().into_owned()).collect();
    let variable = arg.get_env().into_iter().filter(|_| !arg.is_hide_env_set());
    let variable = variable.map(|name| name.to_string_lossy().into_owned()).collect();
    let added = [("값", joined(values)), ("기본값", joined(default)), ("환경 변수", joined(variable))];
    let added = added.into_iter().filter(|(_, said)| !said.is_empty());
    let text = added.fold(text.to_owned(), |text, (what, said)| format!("{text} [{what}: {said}]"));
    arg.help(text).hide_possible_values(true).hide_default_value(true).hide_env(true)
}

/// The headings of a Korean help page.
const TEMPLATE: &str = "{about-with-newline}\n사용법: {usage}\n\n{all-args}";

fn own(name: &'static str, short: char) -> clap::Arg {
    clap::Arg::new(name).short(short).long(name).help(help(name)).help_heading("옵션")
}

fn about(parent: &str, command: &str) -> Option<&'static str> {
    let named = |name: &str| ABOUT.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    named(&format!("{parent} {command}")).or_else(|| named(command))
}

fn help(argument: &str) -> Option<&'static str> {
    HELP.iter().find(|(known, _)| *known == argument).map(|(_, text)| *text)
}

/// What commands do. One that means something else below another command is named with that one before it.
const ABOUT: &[(&str, &str)] = &[
    ("key ls", "API 키와 쓴 금액"),
    ("pumasi", "오픈 소스 AI의 열린 거래소: 모든 사용을 재고, 답변 하나하나가 그 바탕이 된 모든 이에게 값을 치릅니다."),
    ("up", "이 컴퓨터에서 품앗이를 켭니다"),
    ("open", "한 번만 쓸 수 있는 링크로 브라우저에 페이지를 엽니다"),
    ("chat", "모델에게 묻고, 답과 값을 봅니다"),
    ("offer", "모델이나 어댑터를 값을 받고 제공합니다"),
    ("withdraw", "제공하던 것을 거둡니다"),
    ("ps", "여기서 무엇을 제공하고 있는지, 어떻게 돌아가는지"),
    ("wallet", "이 폴더의 계정이 가진 것과 번 것, 보내기, 안전하게 지키기"),
    ("earnings", "작품과 날짜마다, 그리고 이 컴퓨터가 번 것"),
    ("send", "크레딧을 보냅니다"),
    ("limit", "묻지 않고 채널에 넣을 수 있는 한도"),
    ("passphrase", "키에 암호를 걸거나, 바꾸거나, 풉니다"),
    ("backup", "다시 구할 수 없는 것을 모두 암호를 건 파일 하나에 담습니다"),
    ("restore", "백업으로 폴더를 되살립니다"),
    ("rotate", "계정의 서명 키를 새것으로 바꿉니다"),
    ("key", "API 키: 만들기, 보기, 예산 늘리기, 폐기"),
    ("new", "예산이 있는 새 API 키를 만들어 한 번 보여 줍니다"),
    ("topup", "API 키의 예산을 늘립니다"),
    ("publish", "파일이나 폴더를 게시합니다: 무엇을 바탕으로 했고 쓰일 때마다 얼마를 받을지 함께 적습니다"),
    ("ls", "게시된 것을 찾고 봅니다"),
    ("show", "하나를 자세히 봅니다: 계보, 로열티, 제공 조건, 파일, 수입, 기록"),
    ("pull", "게시된 것을 이 컴퓨터로 받습니다"),
    ("tag", "내가 게시한 것에 태그를 붙입니다"),
    ("retire", "내가 게시한 것을 은퇴시켜 새로 쓰이지 않게 합니다"),
    ("rm", "이 컴퓨터에서 파일을 지웁니다"),
    ("revoke", "API 키를 폐기합니다"),
    ("import", "허깅페이스 허브, 올라마, 이 디스크에 있는 모델이나 데이터를 만든 이를 밝혀 가져옵니다"),
    ("bill", "영수증의 계산서를 다시 계산하고 증명합니다"),
    ("audit", "원장 전체를 다시 실행하여 서명, 값, 합계, 뿌리를 모두 확인합니다"),
    ("sign", "모델 파일에 서명하여, 누구의 것이고 바뀌지 않았음을 남이 알 수 있게 합니다 (OpenSSF Model Signing)"),
    ("prove", "잔액, 아티팩트, 채널, 로그 항목, 정산한 영수증의 증명을 씁니다. 누구나 아무에게도 묻지 않고 확인합니다"),
    ("verify", "모델 파일이 서명과 맞는지, 또는 `pumasi prove`의 증명이 맞는지 확인합니다"),
    ("status", "무엇이 켜져 있는지"),
    ("completions", "셸 자동 완성 스크립트를 출력합니다"),
    ("help", "도움말을 봅니다"),
];

/// What arguments mean, by their ids.
const HELP: &[(&str, &str)] = &[
    ("home", "데이터 폴더 [기본값: $XDG_DATA_HOME/pumasi]"),
    ("json", "JSON으로 출력합니다"),
    ("listen", "이 컴퓨터가 쓸 주소"),
    ("public", "남이 TLS로 찾아올 주소: 주문, 원장, 로그를 받고 주인의 일은 받지 않습니다"),
    ("address", "남이 이 컴퓨터를 부르는 주소 (위와 다를 때)"),
    ("join", "남의 원장에 함께합니다: 그쪽의 `up --public`이 보여 준 주소"),
    (
        "asked_witnesses",
        "이 컴퓨터의 원장의 머리에 함께 서명할 증인: 그 원장에 함께하는 컴퓨터의 `up --public`이 보여 준 주소 (여러 번 쓸 수 있습니다)",
    ),
    ("gateway", "묻고 값을 치르는 쪽으로 함께합니다 [기본값: 양쪽 모두]"),
    ("provider", "모델을 돌리고 값을 받는 쪽으로 함께합니다 [기본값: 양쪽 모두]"),
    ("without_guide", "품앗이에 딸린 길잡이와 어댑터를 빼고 켭니다"),
    ("account_name", "함께하는 원장에서 이 컴퓨터를 부를 이름 [기본값: 컴퓨터 이름]"),
    ("file_fee", "API 키가 여기서 가중치 파일을 1GB 내려받을 때마다 낼 크레딧, 예: 0.05 [기본값: 없음]"),
    ("models", "제공할 GGUF 파일 (여러 번 쓸 수 있습니다)"),
    ("print_link", "링크만 출력하고 아무것도 열지 않습니다"),
    ("threads", "모델 하나가 쓸 스레드 수 [기본값: 코어 수, 작은 모델은 1]"),
    ("context", "대화 하나의 최대 토큰 수"),
    ("model", "모델 이름 [기본값: 길잡이, 없으면 첫 번째 모델. 빈칸이 든 글 하나만 주면 그것이 물음입니다]"),
    ("prompt", "물음 [없으면 한 줄씩 대화합니다]"),
    ("choose_by", "여러 공급자 가운데 고르는 기준: price(값), throughput(초당 토큰), latency(첫 글자까지의 시간)"),
    ("chosen_provider", "이 공급자에게만 묻습니다"),
    ("bill", "누구에게 얼마가 갔는지 줄마다 보여 줍니다"),
    ("system", "모델이 따를 지시"),
    ("max_tokens", "답의 최대 토큰 수"),
    ("temperature", "0이면 가장 그럴듯한 토큰만 고릅니다"),
    ("seed", "같은 씨앗이면 같은 답을 냅니다"),
    ("budget", "이 키로 쓸 수 있는 크레딧, 예: 10 또는 0.5"),
    ("name", "알아볼 이름"),
    ("expires_in_days", "며칠 뒤에 끝나는지"),
    ("id", "키의 id (`key ls`가 보여 줍니다)"),
    ("to", "받는 이: 이름 또는 계정의 id"),
    ("amount", "크레딧, 예: 10 또는 0.5"),
    ("purpose", "무엇을 위한 것인지, 예: 청구서 번호. `key:ID`는 받는 이의 게이트웨이에 있는 API 키의 예산을 늘립니다"),
    ("sender", "보내는 계정의 쓰임 [기본값: payer]"),
    ("yes", "묻지 않습니다"),
    ("days", "며칠 동안 (오늘도 셉니다)"),
    ("per_day", "24시간 동안 채널에 넣을 수 있는 최대 크레딧, 0이면 넣지 않습니다"),
    ("deposit", "채널을 열고 채울 때마다 넣는 크레딧"),
    ("remove", "키의 암호를 풉니다"),
    ("backup_file", "백업 파일"),
    ("role", "누구의 키인지, `pumasi wallet`이 보여 주는 쓰임 [기본값: payer]"),
    ("path", "파일 하나, 또는 함께 속하는 것이 모두 든 폴더"),
    ("publish_name", "내 이름 아래에 붙일 이름 [기본값: 파일이나 폴더의 이름]"),
    (
        "kind",
        "model(모델), adapter(어댑터), dataset(데이터셋), recipe(레시피), evaluation(평가) [기본값: 파일에 적힌 대로]",
    ),
    ("parents", "바탕이 된 것 (여러 번 쓸 수 있습니다) [기본값: 파일에 적힌 대로]"),
    ("royalty_in", "쓰일 때마다 받을 로열티: 입력 백만 토큰마다의 크레딧. 나중에 바꿀 수 없습니다"),
    ("royalty_out", "출력 백만 토큰마다의 크레딧"),
    ("payees", "로열티를 받을 이와 그 비중 (여러 번 쓸 수 있습니다) [기본값: 나 혼자]"),
    ("license", "SPDX로 적은 라이선스 [기본값: 파일에 적힌 대로]"),
    ("artifact", "어느 것: 이름, 게시자/이름:태그, 또는 다이제스트"),
    (
        "shown_format",
        "bom: 계보 전체의 자재 명세서 (CycloneDX 1.6, ML-BOM). card: README.md, 없으면 원장이 아는 것 (허깅페이스 허브의 YAML)",
    ),
    ("new_tag", "붙일 태그, 예: latest, v2"),
    ("force", "여기서 게시했고 다른 사본이 없어도 지웁니다"),
    ("words", "이름, 태그, 제목, 소개에 있는 단어나 그 앞부분"),
    ("only_kind", "이 종류만: model, adapter, dataset, recipe, evaluation"),
    ("only_license", "이 라이선스만"),
    ("least_open", "이 개방 등급 이상만: I, II, III"),
    ("publisher", "이 게시자의 것만"),
    ("price_max", "제공되고 값의 두 단가가 모두 이 이하인 것만: 백만 토큰마다의 크레딧"),
    ("only_parent", "이것을 바탕으로 밝힌 것만"),
    (
        "list_sort",
        "순서: newest(새것), oldest(오래된 것), name(이름), price(값), children(바탕으로 많이 쓰인 것), use(많이 쓰인 것), earned(많이 번 것)",
    ),
    ("limit", "많아야 몇 개"),
    ("out_folder", "파일을 이 폴더에도 씁니다"),
    ("from_key", "그 노드의 API 키 (파일 수수료를 받는 노드일 때)"),
    ("from_node", "이름을 아는 원장이 있는 노드 [기본값: 이 폴더의 노드]"),
    ("receipt", "영수증 id, 또는 저장한 영수증 파일"),
    ("log", "원장: 폴더, 또는 http(s) 주소 (#키가 붙을 수 있음) [기본값: 이 폴더의 원장, 또는 함께하는 원장]"),
    ("source", "원장: 폴더, 또는 http(s) 주소 (#키가 붙을 수 있음) [기본값: 이 폴더의 원장, 또는 함께하는 원장]"),
    ("head", "전에 받아 둔 서명된 머리(체크포인트) 파일: 원장이 그것과 이어지는지도 확인합니다"),
    (
        "what",
        "hf:소유자/이름, hf-cache:소유자/이름, ollama:이름[:태그], 또는 파일이나 폴더. hf-cache:나 ollama:만 쓰면 있는 것을 보여 줍니다",
    ),
    ("file", "그 가운데 파일 하나, 또는 '*Q4_0.gguf' 같은 형식. 카드와 라이선스, 설정은 함께 옵니다"),
    ("work_name", "여기서 부를 이름 [기본값: 원래 이름]"),
    ("revision", "허브의 브랜치, 태그, 커밋 [기본값: main]"),
    ("endpoint", "다른 허브 [기본값: HF_ENDPOINT 또는 https://huggingface.co]"),
    ("origin", "파일이나 폴더가 어디에서 왔는지 (스스로 밝히지 않을 때)"),
    ("authors", "만든 이 (스스로 밝히지 않을 때, 여러 번 쓸 수 있습니다)"),
    ("dry_run", "파일을 들이고 무엇을 올릴지만 보여 줍니다. 올리지는 않습니다"),
    ("offered", "제공할 것: 게시자/이름[:태그], 이름, 또는 다이제스트"),
    ("fee_in", "입력 백만 토큰마다 받을 크레딧 [기본값: 전과 같이, 처음이면 0.1]"),
    ("fee_out", "출력 백만 토큰마다 받을 크레딧 [기본값: 전과 같이, 처음이면 0.2]"),
    ("upstream", "그 모델을 이미 돌리고 있는 OpenAI 호환 서버, 예: http://127.0.0.1:8000/v1"),
    ("upstream_model", "그 서버가 그 모델을 부르는 이름 [기본값: 하나뿐이면 그것, 아니면 이름의 끝부분]"),
    ("upstream_key_file", "그 서버의 키가 든 파일 (나만 읽을 수 있어야 합니다)"),
    ("upstream_bound", "그 서버에서 요청 하나의 최대 토큰 수: 바이트마다, 메시지마다, 그 밖에 [기본값: 1,64,1024]"),
    ("withdrawn", "여기서 제공하는 것의 이름이나 다이제스트, 또는 제공 조건의 id"),
    (
        "to_prove",
        "계정(이름이나 id), 아티팩트(게시자/이름[:태그]나 다이제스트), 채널(ch_…), 제공 조건(of_…), 로그의 항목(번호), 또는 정산한 영수증의 id",
    ),
    ("proof_file", "증명을 둘 곳 [기본값: 출력합니다]"),
    ("proving_ledger", "원장의 주소 (#키가 붙을 수 있음) [기본값: 이 폴더의 켜져 있는 노드]"),
    ("checked", "확인할 폴더 또는 파일. 증명은 첫 줄로 알아봅니다"),
    ("of_network", "증명: 어느 네트워크의 것이어야 하는지 [기본값: 이 폴더의 네트워크]"),
    ("witnesses", "증명: 머리에 함께 서명했어야 하는 증인 (여러 번 쓸 수 있습니다)"),
    ("signed", "폴더 또는 파일"),
    ("key", "개인 키: OpenSSL이 만드는 ECDSA PEM 파일"),
    ("new_key", "키를 먼저 만들어 이 파일에 둡니다. 공개 키는 그 옆에 FILE.pub으로 둡니다"),
    ("out", "서명을 둘 곳 [기본값: 폴더 안의 model.sig, 파일이면 그 옆의 FILE.sig]"),
    ("ignore", "폴더 안에서 빼 놓을 경로 (여러 번 쓸 수 있습니다. git의 파일은 늘 뺍니다)"),
    ("follow_links", "링크가 가리키는 파일에 서명합니다. 없으면 링크를 거절합니다"),
    ("public_key", "모델: 서명한 사람의 공개 키 (PEM)"),
    ("signature", "서명 파일 [기본값: 폴더 안의 model.sig, 파일이면 그 옆의 FILE.sig]"),
    ("unsigned", "서명 없이 있어도 되는, 폴더 안의 경로 (여러 번 쓸 수 있습니다. git의 파일은 늘 괜찮습니다)"),
    ("shell", "셸"),
    ("help", "도움말을 봅니다"),
    ("version", "버전을 봅니다"),
];

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_and_argument_has_a_korean_text() {
        fn check(parent: &str, command: &clap::Command) {
            if command.is_hide_set() {
                return;
            }
            let name = command.get_name();
            assert!(super::about(parent, name).is_some(), "no Korean text for {name}");
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(super::help(argument.get_id().as_str()).is_some(), "no Korean text for {}", argument.get_id());
            }
            command.get_subcommands().for_each(|below| check(name, below));
        }
        check("", &crate::cli::Cli::command());
    }

    #[test]
    fn clap_adds_nothing_in_english_to_korean_help() {
        fn check(command: &mut clap::Command) {
            if command.is_hide_set() {
                return;
            }
            let help = command.render_long_help().to_string();
            let english = ["[default:", "[possible values:", "[env:", "[aliases:"];
            assert!(!english.iter().any(|added| help.contains(added)), "{help}");
            command.get_subcommands_mut().for_each(check);
        }
        let mut all = super::below("", crate::cli::Cli::command());
        all.build();
        check(&mut all);
        let sort = all.find_subcommand_mut("ls").unwrap().render_long_help().to_string();
        assert!(sort.contains("[기본값: newest]") && !sort.contains("[값: newest"), "{sort}");
        assert!(!sort.contains("true"), "{sort}");
        let shells = all.find_subcommand_mut("completions").unwrap().render_long_help().to_string();
        assert!(shells.contains("[값: bash, elvish, fish, powershell, zsh]"), "{shells}");
    }
}
