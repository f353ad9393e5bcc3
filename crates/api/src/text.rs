//! How exact things stand in JSON: ids and amounts as text, signed things as base64 of their canonical encoding.

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
