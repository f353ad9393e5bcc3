//! Money and rates. Rate × tokens is exact; nothing here ever rounds.

use borsh::{BorshDeserialize, BorshSerialize};
use core::{fmt, iter::Sum, str::FromStr};

use crate::ParseError;

const PICO_PER_CREDIT: u128 = 1_000_000_000_000;

/// An amount of money in pico-credits (10⁻¹² credits). As text a decimal number of credits, exact: `0.000012`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Amount(pub u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The largest supply a network may have: 2⁹⁶ pico-credits.
    pub const SUPPLY_MAX: Self = Self(1 << 96);

    /// Whole credits.
    pub const fn credits(credits: u32) -> Self {
        // A u32 of credits is below 2⁷², so this cannot overflow; saturating keeps the function const and total.
        Self(PICO_PER_CREDIT.saturating_mul(widen(credits)))
    }

    /// The sum, or `None` where it does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` where it would be negative.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// True for nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[expect(clippy::as_conversions, reason = "u128::from is not const; widening loses nothing")]
const fn widen(value: u32) -> u128 {
    value as u128
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.checked_div(PICO_PER_CREDIT), self.0.checked_rem(PICO_PER_CREDIT));
        let (whole, mut rest) = (whole.unwrap_or_default(), rest.unwrap_or_default());
        write!(f, "{whole}")?;
        if rest == 0 {
            return Ok(());
        }
        let mut width: usize = 12;
        while rest.checked_rem(10) == Some(0) {
            rest = rest.checked_div(10).unwrap_or_default();
            width = width.saturating_sub(1);
        }
        write!(f, ".{rest:0width$}")
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} credits")
    }
}

impl FromStr for Amount {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = ParseError("an amount of credits with at most 12 decimals, such as 1.25");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 12 {
            return Err(error);
        }
        let scale = u32::try_from(12usize.saturating_sub(fraction.len())).unwrap_or_default();
        let pico = fraction.parse::<u128>().ok().and_then(|f| f.checked_mul(10u128.checked_pow(scale)?));
        let whole = whole.parse::<u128>().ok().and_then(|w| w.checked_mul(PICO_PER_CREDIT));
        whole.zip(pico).and_then(|(w, p)| w.checked_add(p)).map(Self).ok_or(error)
    }
}

impl Sum for Amount {
    /// # Panics
    /// If the sum does not fit: amounts of one state never do (supply is at most 2⁹⁶).
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |a, b| a.plus(b).expect("a sum of amounts exceeds 2¹²⁸"))
    }
}

/// Two rates in pico-credits per token, which is exactly micro-credits per million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Rates {
    /// Per input token.
    pub input: u64,
    /// Per output token.
    pub output: u64,
}

impl Rates {
    /// Royalty 0 is the default and a gift.
    pub const ZERO: Self = Self { input: 0, output: 0 };

    /// True if using it costs nothing.
    pub const fn is_zero(self) -> bool {
        self.input == 0 && self.output == 0
    }

    /// What this many tokens cost at these rates, or `None` above 2¹²⁸.
    pub fn cost(self, usage: Usage) -> Option<Amount> {
        let input = u128::from(self.input).checked_mul(u128::from(usage.input))?;
        let output = u128::from(self.output).checked_mul(u128::from(usage.output))?;
        input.checked_add(output).map(Amount)
    }
}

/// Tokens read and tokens written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Usage {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Usage {
    /// The most tokens one line of a voucher may hold: 2⁴⁸.
    pub const TOKENS_MAX: u64 = 1 << 48;

    /// The sum of two usages, or `None` above the limit of a line.
    pub fn plus(self, other: Self) -> Option<Self> {
        let sum = Self { input: self.input.checked_add(other.input)?, output: self.output.checked_add(other.output)? };
        sum.within_line().then_some(sum)
    }

    /// What was added since `earlier`, or `None` if a count fell.
    pub fn minus(self, earlier: Self) -> Option<Self> {
        Some(Self { input: self.input.checked_sub(earlier.input)?, output: self.output.checked_sub(earlier.output)? })
    }

    /// True if both counts are within the limit of a line.
    pub const fn within_line(self) -> bool {
        self.input <= Self::TOKENS_MAX && self.output <= Self::TOKENS_MAX
    }
}
