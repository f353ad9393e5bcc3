//! How exact things stand in JSON: ids and amounts as text, signed things as base64 of their canonical encoding. And how a time
//! is written for people.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt::Display, str::FromStr};

/// Writes anything by its `Display`: use as `#[serde(with = "api::text")]`.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads anything by its `FromStr`.
///
/// # Errors
/// If the text is not a `T`.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    read_text(deserializer)?.parse().map_err(D::Error::custom)
}

fn read_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    <String as Deserialize>::deserialize(deserializer)
}

/// A value in JSON as base64 of its canonical encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded<T>(pub T);

impl<T: BorshSerialize> Serialize for Encoded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(ledger::encode(&self.0)))
    }
}

impl<'de, T: BorshDeserialize> Deserialize<'de> for Encoded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = read_text(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
        ledger::decode(&bytes).map(Self).map_err(D::Error::custom)
    }
}

/// The day of a time in milliseconds since 1970, as `2026-11-24` (UTC).
pub fn date(time: u64) -> String {
    let (mut days, mut year) = (time / 86_400_000, 1970);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // Four hundred years have so many days.
    (days, year) = (days % 146_097, year + days / 146_097 * 400);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", days + 1)
}

/// A time in milliseconds since 1970, as `2026-11-24 06:39:51 UTC`.
pub fn time(time: u64) -> String {
    let seconds = time / 1_000 % 86_400;
    format!("{} {:02}:{:02}:{:02} UTC", date(time), seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A time in milliseconds since 1970 as RFC 3339 writes it, such as `2026-11-24T06:39:51.042Z`.
pub fn rfc3339(time: u64) -> String {
    let seconds = time / 1_000 % 86_400;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", date(time), time % 1_000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (68_169_600, "1972-02-29"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_735_689_599, "2024-12-31"),
            (1_795_564_800, "2026-11-25"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(super::date(seconds * 1_000), date);
        }
        super::date(u64::MAX);
    }

    #[test]
    fn a_time_has_its_second() {
        assert_eq!(super::time(1_795_588_791_999), "2026-11-25 06:39:51 UTC");
        assert_eq!(super::rfc3339(1_795_588_791_042), "2026-11-25T06:39:51.042Z");
    }
}
