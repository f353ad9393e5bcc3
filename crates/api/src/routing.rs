//! Which providers may answer a request, and in which order: the `provider` object of OpenRouter's API.

use ledger::Amount;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// A request's wishes. Members that are not known here are ignored, as clients expect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// What counts. None: the gateway's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// No others than these: names or ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// These first, in this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// Not these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// False: if the chosen one does not answer, or those of `order` do not, nobody is asked any more. True if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_fallbacks: Option<bool>,
    /// Nobody who asks more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<MaxPrice>,
}

/// What counts among several providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The cheapest first.
    Price,
    /// The one that writes fastest.
    Throughput,
    /// The one whose first text comes soonest.
    Latency,
}

/// The most that may be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxPrice {
    /// Of input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PerMillion>,
    /// Of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<PerMillion>,
}

/// Credits per million tokens; in JSON a number or decimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerMillion(pub Amount);

impl PerMillion {
    /// The greatest rate, in pico-credits per token, that is not more.
    pub const fn rate_max(self) -> u128 {
        self.0.0 / 1_000_000
    }
}

impl Serialize for PerMillion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PerMillion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(D::Error::custom("a price is a number, in credits per million tokens")),
        };
        // `1.0` is how some languages write 1; the digits after the twelfth are nobody's money.
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom("a price is a decimal number, in credits per million tokens"))
    }
}

impl<'de> Deserialize<'de> for Sort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Newer clients send an object that says by what.
        let by = value.as_str().or_else(|| value["by"].as_str());
        match by {
            Some("price") => Ok(Self::Price),
            Some("throughput") => Ok(Self::Throughput),
            Some("latency") => Ok(Self::Latency),
            _ => Err(D::Error::custom("sort is price, throughput or latency")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_clients_send_is_understood() {
        let read = |value: Value| serde_json::from_value::<Routing>(value).map_err(|error| error.to_string());
        let all = read(json!({
            "sort": "throughput", "only": ["a"], "order": ["a", "b"], "ignore": null, "allow_fallbacks": false,
            "max_price": { "prompt": 0.1, "completion": "2", "image": 3 }, "data_collection": "deny", "zdr": true,
        }));
        let max_price = MaxPrice {
            prompt: Some(PerMillion("0.1".parse().unwrap())),
            completion: Some(PerMillion("2".parse().unwrap())),
        };
        let expected = Routing {
            sort: Some(Sort::Throughput),
            only: Some(vec!["a".into()]),
            order: Some(vec!["a".into(), "b".into()]),
            ignore: None,
            allow_fallbacks: Some(false),
            max_price: Some(max_price),
        };
        assert_eq!(all.as_ref(), Ok(&expected));
        assert_eq!(max_price.prompt.unwrap().rate_max(), 100_000);
        assert_eq!(read(serde_json::to_value(&expected).unwrap()), Ok(expected));
        assert_eq!(
            read(json!({ "sort": { "by": "latency", "partition": "model" } })).unwrap().sort,
            Some(Sort::Latency)
        );
        assert_eq!(
            read(json!({ "max_price": { "prompt": 1.0 } })).unwrap().max_price.unwrap().prompt.unwrap().rate_max(),
            1_000_000
        );
        for bad in [json!({ "sort": "beauty" }), json!({ "only": "a" }), json!({ "max_price": { "prompt": -1 } })] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
