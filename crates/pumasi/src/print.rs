//! How things look in the terminal.

mod openness;

use api::{
    openai::Model,
    view::{Bill, PriceLine, What},
};
use gateway::artifacts::{DraftRates, Kind};
use ledger::Amount;
use serde::Serialize;
use std::{
    io::{ErrorKind, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use crate::{
    language::{self, said},
    t,
};

pub use api::text::date;
pub use openness::{missing, openness};

/// What takes longer than this says how far it is.
const QUIET: Duration = Duration::from_secs(2);

/// Prints a line, unless nobody reads any more.
pub fn line(text: &str) {
    write(&harmless(text));
    write("\n");
}

/// Text that may hold a stranger's words, without what would change how a terminal shows the rest.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Prints text as it is and at once. Whoever closed the other end, such as `head`, has seen enough: that is no error.
pub fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        std::process::exit(if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 });
    }
}

/// Prints JSON, indented.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints rows with their cells below each other.
pub fn table(rows: &[Vec<String>]) {
    let cells = |at: usize| rows.iter().filter_map(move |row| row.get(at));
    let widths: Vec<usize> = (0..).map_while(|at| cells(at).map(|cell| columns(cell)).max()).collect();
    for row in rows {
        let padded =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - columns(cell))));
        line(padded.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// What went wrong and why, each cause once: many an error says its cause itself.
pub fn error(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(|cause| of_node(cause.to_string())) {
        if !text.ends_with(&cause) {
            let colon = if text.is_empty() { "" } else { ": " };
            text += &format!("{colon}{cause}");
        }
    }
    harmless(&text)
}

/// What the node or one of its parts says, in the user's language.
pub fn of_node(sentence: String) -> String {
    if language::korean() { said::or_english(sentence) } else { sentence }
}

/// An amount that the wire carries as text of pico-credits, as credits.
pub fn credits(pico: &str) -> String {
    pico.parse().map_or_else(|_| pico.to_owned(), |pico| Amount(pico).to_string())
}

/// A rate in pico-credits per token as credits per million tokens, as people compare prices.
pub fn per_million(rate: u64) -> String {
    Amount(u128::from(rate) * 1_000_000).to_string()
}

/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A royalty or fee.
pub fn rates(rates: DraftRates) -> String {
    if rates == DraftRates::default() {
        return t!("none", "없음");
    }
    let (input, output) = (per_million(rates.input), per_million(rates.output));
    t!("{input} in / {output} out, credits per million tokens", "백만 토큰마다 입력 {input} / 출력 {output} 크레딧")
}

/// The same where a heading says what it is.
pub fn rates_short(rates: DraftRates) -> String {
    format!("{} / {}", per_million(rates.input), per_million(rates.output))
}

/// What an artifact is.
pub fn kind(kind: Kind) -> String {
    match kind {
        Kind::Model => t!("model", "모델"),
        Kind::Adapter => t!("adapter", "어댑터"),
        Kind::Dataset => t!("dataset", "데이터셋"),
        Kind::Recipe => t!("recipe", "레시피"),
        Kind::Evaluation => t!("evaluation", "평가"),
    }
}

/// A number of bytes, for the eye: `1.2 MB`.
pub fn size(bytes: u64) -> String {
    let units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let unit = units.into_iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, unit)| format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10)),
    )
}

/// Asks on the terminal. Without one, and with JSON, where nothing was shown to decide by, `--yes` must have said it.
pub fn confirmed(question: &str, json: bool) -> anyhow::Result<bool> {
    if json || !std::io::stdin().is_terminal() {
        anyhow::bail!(t!("this needs your yes: give it with --yes", "동의가 필요합니다: --yes를 붙이세요"));
    }
    eprint!("{question} ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "예" | "네"))
}

/// Says on standard error how far something is: nothing if it is done soon, one line that changes on a terminal, and a line
/// now and then in a file.
pub struct Progress {
    label: String,
    next: Instant,
    terminal: bool,
    shown: bool,
}

impl Progress {
    /// Nothing is shown yet.
    pub fn new(label: String) -> Self {
        Self { label, next: Instant::now() + QUIET, terminal: std::io::stderr().is_terminal(), shown: false }
    }

    /// So much is done.
    pub fn tell(&mut self, done: u64, of: Option<u64>) {
        match of {
            Some(of @ 1..) => self.show(|| format!("{} %", (u128::from(done) * 100 / u128::from(of)).min(100))),
            _ => self.show(|| done.to_string()),
        }
    }

    fn show(&mut self, how_far: impl FnOnce() -> String) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + if self.terminal { Duration::from_millis(200) } else { Duration::from_secs(10) };
        self.shown = true;
        let (before, after) = if self.terminal { ("\r", "\u{1b}[K") } else { ("", "\n") };
        eprint!("{before}{} … {}{after}", self.label, how_far());
        drop(std::io::stderr().flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown && self.terminal {
            eprintln!();
        }
    }
}

/// Waits for what cannot tell how far it is, and shows for how long.
pub async fn waiting<T>(label: String, work: impl Future<Output = T>) -> T {
    let (began, mut progress, mut work) = (Instant::now(), Progress::new(label), Box::pin(work));
    loop {
        match tokio::time::timeout(Duration::from_millis(500), &mut work).await {
            Ok(done) => return done,
            Err(_) => progress.show(|| t!("{} s", "{}초", began.elapsed().as_secs())),
        }
    }
}

/// What a line of a bill pays for.
pub fn what(what: What) -> String {
    match what {
        What::ProviderFee => t!("running the model", "모델 실행"),
        What::Royalty => t!("royalty", "로열티"),
        What::GatewayFee => t!("gateway", "게이트웨이"),
    }
}

/// The lines of a bill, amounts aligned, and their sum.
pub fn bill(bill: &Bill) -> String {
    let total = (t!("total", "합계"), String::new(), credits(&bill.pico));
    let lines = bill.lines.iter().map(|line| (line.payee.clone(), what(line.what), credits(&line.pico)));
    let rows: Vec<_> = lines.chain([total]).collect();
    let width = |column: fn(&(String, String, String)) -> &String| {
        rows.iter().map(|row| columns(column(row))).max().unwrap_or(0)
    };
    let (first, second) = (width(|row| &row.0), width(|row| &row.1));
    let point = rows.iter().map(|row| whole(&row.2)).max().unwrap_or(0);
    let mut text = String::new();
    for row in &rows {
        let pad = |cell: &str, to: usize| " ".repeat(to.saturating_sub(columns(cell)));
        let indent = " ".repeat(point - whole(&row.2));
        text += &format!("  {}{}  {}{}  {indent}{}\n", row.0, pad(&row.0, first), row.1, pad(&row.1, second), row.2);
    }
    text
}

/// The models with their prices.
pub fn models(models: &[Model]) {
    let row = |model: &Model| {
        let sum = |rate: fn(&PriceLine) -> u64| per_million(model.lines.iter().map(rate).sum());
        let (input, output) = (sum(|line| line.input_rate), sum(|line| line.output_rate));
        vec![format!("  {}", model.id), format!("{input} / {output}")]
    };
    table(&models.iter().map(row).collect::<Vec<_>>());
}

/// Digits before the decimal point.
fn whole(amount: &str) -> usize {
    amount.split('.').next().map_or(0, str::len)
}

/// Columns that a text takes in a terminal: Hangul takes two.
pub fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| if ('\u{1100}'..='\u{115f}').contains(&c) || ('\u{2e80}'..='\u{ffdc}').contains(&c) { 2 } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_for_the_eye() {
        let sizes = [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (601_376, "601.3 kB"), (1_250_000_000, "1.2 GB")];
        sizes.into_iter().for_each(|(bytes, text)| assert_eq!(super::size(bytes), text));
    }

    #[test]
    fn a_cause_is_said_once() {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let io = blobs::Error::Io { path: "a/b".into(), source: gone() };
        let error = anyhow::Error::from(io).context("reading");
        assert_eq!(super::error(&error), format!("reading: a/b: {}", gone()));
        let plain = anyhow::Error::from(gone()).context("a/b");
        assert_eq!(super::error(&plain), format!("a/b: {}", gone()));
    }

    #[test]
    fn a_strangers_words_leave_the_terminal_as_it_is() {
        assert_eq!(super::harmless("a\u{1b}[2Jb\r\u{9b}c\td\ne\u{7}"), "a[2Jbc\td\ne");
    }

    #[test]
    fn hangul_takes_two_columns() {
        assert_eq!((super::columns("합계"), super::columns("total")), (4, 5));
    }
}
