//! Rates as people write them: credits per million tokens. Inside they are pico-credits per token.

use ledger::Amount;
use std::str::FromStr;

/// Pico-credits per token that make one pico-credit per million tokens' worth of text.
const TOKENS: u128 = 1_000_000;

/// A rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub u64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected credits per million tokens with at most 6 decimals, such as 0.02".to_owned();
        let pico = text.parse::<Amount>().map_err(|_| expected())?.0;
        let exact = pico.checked_rem(TOKENS) == Some(0);
        let rate = pico.checked_div(TOKENS).filter(|_| exact).and_then(|rate| u64::try_from(rate).ok());
        rate.map(Self).ok_or_else(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;
    use crate::print::per_million;

    #[test]
    fn a_rate_is_credits_per_million_tokens() {
        for (text, rate) in [
            ("0.02", Some(20_000)),
            ("1", Some(1_000_000)),
            ("0.000001", Some(1)),
            ("0", Some(0)),
            ("18446744073709.551615", Some(u64::MAX)),
            ("18446744073709.551616", None),
            ("0.0000001", None),
            ("-1", None),
            ("1,5", None),
            ("", None),
            ("cheap", None),
        ] {
            assert_eq!(text.parse::<Rate>().ok().map(|rate| rate.0), rate, "{text}");
            if let Some(rate) = rate {
                assert_eq!(per_million(rate), text);
            }
        }
    }
}
