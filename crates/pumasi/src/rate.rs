//! Rates as people write them: credits per million tokens. Inside they are pico-credits per token.

use ledger::Amount;

use crate::t;

/// Pico-credits per token, from credits per million tokens such as `0.02`.
///
/// # Errors
/// A sentence, if it is no such number, or finer than a rate can be.
pub fn parse(text: &str) -> Result<u64, String> {
    per(text, 1_000_000).ok_or_else(|| {
        t!(
            "expected credits per million tokens with at most six decimals, such as 0.02",
            "백만 토큰마다의 크레딧을 소수점 아래 여섯 자리까지 적으세요. 예: 0.02"
        )
    })
}

/// Pico-credits per byte, from credits per gigabyte such as `0.05`.
///
/// # Errors
/// The same.
pub fn parse_per_gb(text: &str) -> Result<u64, String> {
    per(text, 1_000_000_000).ok_or_else(|| {
        t!(
            "expected credits per GB with at most three decimals, such as 0.05",
            "1GB마다의 크레딧을 소수점 아래 세 자리까지 적으세요. 예: 0.05"
        )
    })
}

/// Credits for so many things as pico-credits for one, if they can be told so without rounding.
fn per(text: &str, things: u128) -> Option<u64> {
    let amount = text.parse::<Amount>().ok().filter(|amount| amount.0 % things == 0)?;
    u64::try_from(amount.0 / things).ok()
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

    #[test]
    fn a_fee_for_files_is_read_exactly_or_not_at_all() {
        for (text, rate) in [("0.05", Ok(50)), ("0", Ok(0)), ("0.001", Ok(1)), ("2", Ok(2_000)), ("0.0005", Err(()))] {
            assert_eq!(super::parse_per_gb(text).map_err(drop), rate, "{text}");
        }
    }
}
