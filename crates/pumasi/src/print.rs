//! How things look in the terminal.

use api::view::{Bill, What};
use ledger::Amount;
use serde::Serialize;

use crate::t;

/// Prints JSON, indented.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// An amount that the wire carries as text of pico-credits, as credits.
pub fn credits(pico: &str) -> String {
    pico.parse().map_or_else(|_| pico.to_owned(), |pico| Amount(pico).to_string())
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
    let width = |column: fn(&(String, String, String)) -> &String| rows.iter().map(|row| columns(column(row))).max().unwrap_or(0);
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

/// Digits before the decimal point.
fn whole(amount: &str) -> usize {
    amount.split('.').next().map_or(0, str::len)
}

/// Columns that a text takes in a terminal: Hangul takes two.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..='\u{115f}').contains(&c) || ('\u{2e80}'..='\u{ffdc}').contains(&c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn hangul_takes_two_columns() {
        assert_eq!((super::columns("합계"), super::columns("total")), (4, 5));
    }
}
