//! How fast offers answered here: moving averages, kept in memory.

use ledger::OfferId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How much the newest answer counts.
const NEWEST: f64 = 0.2;
/// Fewer tokens after the first text tell nothing of the speed.
const TOKENS_MIN: u64 = 8;
/// What was measured longer ago is not known any more.
const FRESH: Duration = Duration::from_secs(600);

/// What is known of an offer's speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// To the first text.
    pub first_ms: f64,
    /// Output tokens from there on; none if no answer was long enough.
    pub per_second: Option<f64>,
}

/// Of all offers.
#[derive(Default)]
pub struct Speeds {
    by_offer: Mutex<HashMap<OfferId, (Speed, Instant)>>,
}

impl Speeds {
    fn lock(&self) -> MutexGuard<'_, HashMap<OfferId, (Speed, Instant)>> {
        self.by_offer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an offer, if it answered lately.
    pub fn get(&self, offer: OfferId) -> Option<Speed> {
        self.lock().get(&offer).filter(|(_, at)| at.elapsed() < FRESH).map(|(speed, _)| *speed)
    }

    /// An answer ended.
    pub fn learn(&self, offer: OfferId, newest: Speed) {
        let mut by_offer = self.lock();
        by_offer.retain(|_, (_, at)| at.elapsed() < FRESH);
        let known = by_offer.get(&offer).map(|(speed, _)| *speed);
        by_offer.insert(offer, (known.map_or(newest, |known| known.with(newest)), Instant::now()));
    }
}

impl Speed {
    fn with(self, newest: Self) -> Self {
        let mix = |old: f64, new: f64| old + (new - old) * NEWEST;
        let per_second = match (self.per_second, newest.per_second) {
            (Some(old), Some(new)) => Some(mix(old, new)),
            (old, new) => new.or(old),
        };
        Self { first_ms: mix(self.first_ms, newest.first_ms), per_second }
    }
}

/// Takes the time of one answer.
pub struct Watch {
    begun: Instant,
    first: Option<(Instant, u64)>,
    last: Option<(Instant, u64)>,
    /// How long the client took to take it: that is not the provider's time.
    client: Duration,
}

impl Watch {
    /// The order goes out now.
    pub fn start() -> Self {
        Self { begun: Instant::now(), first: None, last: None, client: Duration::ZERO }
    }

    /// Text came, with so many output tokens so far.
    pub fn text(&mut self, tokens: u64) {
        let now = (Instant::now(), tokens);
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// The client took its time.
    pub fn waited(&mut self, time: Duration) {
        self.client += time;
    }

    /// What this answer tells, if there was text.
    pub fn speed(&self) -> Option<Speed> {
        let ((first, first_tokens), (last, last_tokens)) = (self.first?, self.last?);
        let seconds = last.duration_since(first).saturating_sub(self.client).as_secs_f64();
        let tokens = last_tokens.saturating_sub(first_tokens);
        let enough = tokens >= TOKENS_MIN && seconds > 0.0;
        let tokens = f64::from(u32::try_from(tokens).unwrap_or(u32::MAX));
        let first_ms = first.duration_since(self.begun).as_secs_f64() * 1e3;
        Some(Speed { first_ms, per_second: enough.then(|| tokens / seconds) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_answers_count_most_and_short_ones_only_for_the_beginning() {
        let (speeds, offer) = (Speeds::default(), OfferId([1; 32]));
        assert_eq!(speeds.get(offer), None);
        speeds.learn(offer, Speed { first_ms: 100.0, per_second: None });
        speeds.learn(offer, Speed { first_ms: 200.0, per_second: Some(50.0) });
        assert_eq!(speeds.get(offer), Some(Speed { first_ms: 120.0, per_second: Some(50.0) }));
        speeds.learn(offer, Speed { first_ms: 120.0, per_second: Some(100.0) });
        speeds.learn(offer, Speed { first_ms: 120.0, per_second: None });
        assert_eq!(speeds.get(offer), Some(Speed { first_ms: 120.0, per_second: Some(60.0) }));
    }

    #[test]
    fn an_answer_without_text_tells_nothing() {
        let mut watch = Watch::start();
        assert_eq!(watch.speed(), None);
        watch.text(1);
        assert!(watch.speed().is_some_and(|speed| speed.per_second.is_none()));
    }
}
