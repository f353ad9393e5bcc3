//! How much is put into channels without asking the owner: the size of a deposit, and the most in a day.

use books::Books;
use ledger::Amount;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Problem},
    gateway::{Buyer, Config, now},
    records,
};

/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const DEPOSIT: &str = "deposit";
const PER_DAY: &str = "deposits_per_day";

/// The limits that hold now: what the owner set, or else what the gateway was started with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A channel is opened with this much, and topped up by this much.
    pub deposit: Amount,
    /// And topped up once less than this is free.
    pub below: Amount,
    /// The most that is put into channels in 24 hours.
    pub per_day: Amount,
}

/// The body of `PUT /channels/limits`: what is left out stays. Credits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLimits {
    deposit: Option<String>,
    per_day: Option<String>,
}

/// The limits as their owner sees them. Credits.
#[derive(Debug, Serialize)]
pub struct LimitsView {
    deposit: String,
    per_day: String,
    /// What was put into channels in the last 24 hours.
    used: String,
    /// True if the next deposit would go beyond the limit.
    reached: bool,
    /// When the oldest of these deposits is 24 hours old, in milliseconds since 1970.
    next_free: Option<u64>,
}

impl Limits {
    /// Reads what the owner set.
    pub fn load(books: &Books, config: &Config) -> Result<Self, Error> {
        let amount =
            |name| Ok::<_, Error>(records::setting(books, name)?.map(|bytes| Amount(u128::from_be_bytes(bytes))));
        let usual = Self {
            deposit: config.channel_deposit,
            below: config.top_up_below,
            per_day: amount(PER_DAY)?.unwrap_or(config.top_up_limit_per_day),
        };
        Ok(amount(DEPOSIT)?.map_or(usual, |deposit| usual.with_deposit(deposit)))
    }

    /// A channel is topped up when half of its deposit is gone, and not later than it was before.
    fn with_deposit(self, deposit: Amount) -> Self {
        Self { deposit, below: Amount(deposit.0 / 2).max(Amount(1)), ..self }
    }
}

impl NewLimits {
    /// What holds with these.
    fn over(&self, before: Limits) -> Result<Limits, Problem> {
        let read = |name: &'static str, text: &Option<String>| {
            let read = text.as_ref().map(|text| text.parse::<Amount>()).transpose();
            read.map_err(|error| Problem::field(name, format!("{error}")))
        };
        let mut limits = before;
        if let Some(deposit) = read("deposit", &self.deposit)? {
            limits = limits.with_deposit(deposit);
        }
        if let Some(per_day) = read("per_day", &self.per_day)? {
            limits.per_day = per_day;
        }
        if limits.deposit.is_zero() {
            return Err(Problem::field(
                "deposit",
                "a deposit must be more than 0; to make none at all, set the daily limit to 0",
            ));
        }
        if !limits.per_day.is_zero() && limits.deposit > limits.per_day {
            let message = format!(
                "a deposit of {} would be beyond the daily limit of {}, so none could be made; change both together",
                limits.deposit, limits.per_day
            );
            return Err(Problem::field("deposit", message));
        }
        Ok(limits)
    }
}

impl Buyer {
    /// The limits that hold now.
    pub fn limits(&self) -> Limits {
        *self.limits.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Sets limits: in the books first.
    pub async fn set_limits(&self, new: &NewLimits) -> Result<(), Problem> {
        let limits = new.over(self.limits())?;
        let (deposit, per_day) = (new.deposit.is_some(), new.per_day.is_some());
        let write = move |books: &rusqlite::Connection| {
            if deposit {
                records::put_setting(books, DEPOSIT, &records::money(limits.deposit))?;
            }
            if per_day {
                records::put_setting(books, PER_DAY, &records::money(limits.per_day))?;
            }
            Ok(())
        };
        self.books.write_synced(write).await?;
        *self.limits.write().unwrap_or_else(std::sync::PoisonError::into_inner) = limits;
        Ok(())
    }

    /// The limits, and what of them is used.
    pub fn limits_view(&self) -> Result<LimitsView, Error> {
        let (limits, since) = (self.limits(), now().saturating_sub(DAY_MS));
        let (used, oldest) = records::topped_up(&self.books, since)?;
        Ok(LimitsView {
            deposit: limits.deposit.to_string(),
            per_day: limits.per_day.to_string(),
            used: used.to_string(),
            reached: used.plus(limits.deposit).is_none_or(|sum| sum > limits.per_day),
            next_free: oldest.map(|time| time.saturating_add(DAY_MS)),
        })
    }
}
