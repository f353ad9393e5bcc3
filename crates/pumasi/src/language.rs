//! Every sentence of the command line in English and Korean, side by side: `t!("English {x}", "한국어 {x}")`.

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
    if !korean() {
        return command;
    }
    let name = command.get_name().to_owned();
    let command = match about(&name) {
        Some(text) => command.about(text).long_about(None),
        None => command,
    };
    let command = command.mut_args(|arg| {
        let heading = if arg.is_positional() { "인자" } else { "옵션" };
        match help(arg.get_id().as_str()) {
            Some(text) => arg.help(text).long_help(None).help_heading(heading),
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
    command.subcommand_help_heading("명령").help_template(TEMPLATE).mut_subcommands(translate)
}

/// The headings of a Korean help page.
const TEMPLATE: &str = "{about-with-newline}\n사용법: {usage}\n\n{all-args}";

fn own(name: &'static str, short: char) -> clap::Arg {
    clap::Arg::new(name).short(short).long(name).help(help(name)).help_heading("옵션")
}

fn about(command: &str) -> Option<&'static str> {
    Some(match command {
        "pumasi" => {
            "오픈 소스 AI의 열린 거래소: 모든 사용을 재고, 답변 하나하나가 그 바탕이 된 모든 이에게 값을 치릅니다."
        }
        "up" => "이 컴퓨터에서 품앗이를 켭니다",
        "chat" => "모델에게 묻고, 답과 값을 봅니다",
        "wallet" => "이 폴더의 계정과 잔액",
        "key" => "API 키: 만들기, 보기, 거두기",
        "new" => "예산이 있는 새 API 키를 만들어 한 번 보여 줍니다",
        "ls" => "API 키와 쓴 금액",
        "revoke" => "API 키를 거둡니다",
        "bill" => "영수증의 계산서를 다시 계산하고 증명합니다",
        "audit" => "원장 전체를 다시 실행하여 서명, 값, 합계, 뿌리를 모두 확인합니다",
        "sign" => "모델 파일에 서명하여, 누구의 것이고 바뀌지 않았음을 남이 알 수 있게 합니다 (OpenSSF Model Signing)",
        "verify" => "모델 파일이 서명과 맞는지 확인합니다",
        "status" => "무엇이 켜져 있는지",
        "completions" => "셸 자동 완성 스크립트를 출력합니다",
        "help" => "도움말을 봅니다",
        _ => return None,
    })
}

fn help(argument: &str) -> Option<&'static str> {
    Some(match argument {
        "home" => "데이터 폴더 [기본값: $XDG_DATA_HOME/pumasi]",
        "json" => "JSON으로 출력합니다",
        "listen" => "들을 주소",
        "models" => "제공할 GGUF 파일 (여러 번 쓸 수 있습니다)",
        "threads" => "모델 하나가 쓸 스레드 수 [기본값: 코어 수, 작은 모델은 1]",
        "context" => "대화 하나의 최대 토큰 수",
        "model" => "모델 이름 [기본값: 첫 번째 모델. 빈칸이 든 글 하나만 주면 그것이 물음입니다]",
        "prompt" => "물음 [없으면 한 줄씩 대화합니다]",
        "bill" => "누구에게 얼마가 갔는지 줄마다 보여 줍니다",
        "system" => "모델이 따를 지시",
        "max_tokens" => "답의 최대 토큰 수",
        "temperature" => "0이면 가장 그럴듯한 토큰만 고릅니다",
        "seed" => "같은 씨앗이면 같은 답을 냅니다",
        "budget" => "이 키로 쓸 수 있는 크레딧, 예: 10 또는 0.5",
        "name" => "알아볼 이름",
        "expires_in_days" => "며칠 뒤에 끝나는지",
        "id" => "키의 id (`key ls`가 보여 줍니다)",
        "receipt" => "영수증 id, 또는 저장한 영수증 파일",
        "log" => "원장: 폴더 또는 http(s) 주소 [기본값: 이 폴더의 원장]",
        "source" => "원장: 폴더 또는 http(s) 주소 [기본값: 이 폴더의 원장]",
        "head" => "전에 받아 둔 서명된 머리(체크포인트) 파일: 원장이 그것과 이어지는지도 확인합니다",
        "path" => "폴더 또는 파일",
        "key" => "개인 키: OpenSSL이 만드는 ECDSA PEM 파일",
        "new_key" => "키를 먼저 만들어 이 파일에 둡니다. 공개 키는 그 옆에 FILE.pub으로 둡니다",
        "out" => "서명을 둘 곳 [기본값: 폴더 안의 model.sig, 파일이면 그 옆의 FILE.sig]",
        "ignore" => "폴더 안에서 빼 놓을 경로 (여러 번 쓸 수 있습니다. git의 파일은 늘 뺍니다)",
        "follow_links" => "링크가 가리키는 파일에 서명합니다. 없으면 링크를 거절합니다",
        "public_key" => "서명한 사람의 공개 키 (PEM)",
        "signature" => "서명 파일 [기본값: 폴더 안의 model.sig, 파일이면 그 옆의 FILE.sig]",
        "unsigned" => "서명 없이 있어도 되는, 폴더 안의 경로 (여러 번 쓸 수 있습니다. git의 파일은 늘 괜찮습니다)",
        "shell" => "셸",
        "help" => "도움말을 봅니다",
        "version" => "버전을 봅니다",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_and_argument_has_a_korean_text() {
        fn check(command: &clap::Command) {
            if command.is_hide_set() {
                return;
            }
            assert!(super::about(command.get_name()).is_some(), "no Korean text for {}", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                assert!(super::help(argument.get_id().as_str()).is_some(), "no Korean text for {}", argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&crate::cli::Cli::command());
    }
}
