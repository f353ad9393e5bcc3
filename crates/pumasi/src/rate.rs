//! Rates as people write them: credits per million tokens. Inside they are pico-credits per token.

use ledger::Amount;

use crate::t;

/// Pico-credits per token, from credits per million tokens such as `0.02`.
///
/// # Errors
/// A sentence, if it is no such number, or finer than a rate can be.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || {
        t!(
            "expected credits per million tokens with at most six decimals, such as 0.02",
            "백만 토큰마다의 크레딧을 소수점 아래 여섯 자리까지 적으세요. 예: 0.02"
        )
    };
    let amount: Amount = text.parse().map_err(|_| wrong())?;
    let (rate, rest) = (amount.0 / 1_000_000, amount.0 % 1_000_000);
    if rest != 0 {
        return Err(wrong());
    }
    u64::try_from(rate).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use crate::print::per_million;

    #[test]
    fn a_rate_is_read_as_it_is_shown() {
        for (text, rate) in [("0.02", 20_000), ("0", 0), ("1", 1_000_000), ("0.000001", 1), ("12.5", 12_500_000)] {
            assert_eq!(super::parse(text).unwrap(), rate, "{text}");
            assert_eq!(per_million(rate), text);
        }
        for bad in ["", "-1", "0.0000001", "1e3", "x", "99999999999999999999999", ".5"] {
            assert!(super::parse(bad).is_err(), "{bad}");
        }
    }
}
