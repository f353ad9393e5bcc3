//! Which of several offers of a model is asked first, second, and so on. docs/choosing.md states the rule.
//!
//! The rule itself, [`choose`], is a pure function of what is known and what is wished.

use api::{
    openai::{ChatRequest, Content},
    routing::{MaxPrice, Routing, Sort},
};
use ledger::{AccountId, Amount, Digest, OfferId, Usage};
use std::{
    cmp::Ordering,
    collections::BTreeSet,
    sync::{Arc, atomic},
};

use crate::{catalog::Offered, error::Problem, gateway::Buyer, money::KeyId, speed::Speed};

/// The request by which the default compares prices: the same for the whole conversation, so that it stays where it is.
const TYPICAL: Usage = Usage { input: 1_000, output: 500 };
/// One in so many requests that want the fastest goes to an offer whose speed is not known.
const EXPLORE: u64 = 8;

/// An offer as the rule sees it.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub offer: OfferId,
    pub provider: AccountId,
    /// The provider's name, or its id.
    pub name: String,
    /// What a token costs, everybody and the gateway included.
    pub input: Amount,
    pub output: Amount,
    /// Its provider failed lately.
    pub failed: bool,
    pub speed: Option<Speed>,
}

/// What is wished.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    pub routing: Option<&'a Routing>,
    /// What will be used, as far as it can be told.
    pub size: Usage,
    /// Names the conversation, and who has it.
    pub conversation: Digest,
    /// Counts the requests that want the fastest.
    pub turn: u64,
}

impl Candidate {
    fn cost(&self, size: Usage) -> u128 {
        let of = |rate: Amount, tokens: u64| rate.0.saturating_mul(u128::from(tokens));
        of(self.input, size.input).saturating_add(of(self.output, size.output))
    }

    fn is_one_of(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.is_called(name))
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.provider.to_string() == name
    }

    fn is_within(&self, most: &MaxPrice) -> bool {
        let within =
            |rate: Amount, most: Option<api::routing::PerMillion>| most.is_none_or(|most| rate.0 <= most.rate_max());
        within(self.input, most.prompt) && within(self.output, most.completion)
    }

    /// Of weighted rendezvous hashing: where the smallest of these decides, each offer is chosen with a chance in proportion to
    /// 1 / price², and one that comes or goes moves no conversation between the others.
    fn draw(&self, conversation: Digest) -> f64 {
        let hash = Digest::of_parts(&[&conversation.0, &self.offer.0]).0;
        let [a, b, c, d, e, f, g, ..] = hash;
        // 52 bits and a half: within 0 and 1, and neither.
        let bits = u64::from_be_bytes([0, a, b, c, d, e, f, g]) >> 4;
        let uniform = (as_float(bits.into()) + 0.5) / as_float(1 << 52);
        let price = as_float(self.cost(TYPICAL).max(1));
        -uniform.ln() * price * price
    }
}

#[expect(
    clippy::as_conversions,
    reason = "prices are compared, not paid, by it; there is no conversion without a rounding"
)]
const fn as_float(number: u128) -> f64 {
    number as f64
}

/// The candidates that may be asked, as places in the list, in the order in which they are.
pub fn choose(candidates: &[Candidate], wish: &Wish<'_>) -> Vec<usize> {
    let usual = Routing::default();
    let routing = wish.routing.unwrap_or(&usual);
    let allowed = |candidate: &Candidate| {
        routing.only.as_ref().is_none_or(|only| candidate.is_one_of(only))
            && !routing.ignore.as_ref().is_some_and(|ignore| candidate.is_one_of(ignore))
            && routing.max_price.is_none_or(|most| candidate.is_within(&most))
    };
    let mut places: Vec<usize> = (0..candidates.len()).filter(|at| allowed(&candidates[*at])).collect();
    places.sort_by(|a, b| by_rule(&candidates[*a], &candidates[*b], wish, routing.sort));
    if matches!(routing.sort, Some(Sort::Throughput | Sort::Latency)) {
        explore(candidates, &mut places, wish.turn, routing.sort);
    }
    let order = routing.order.as_deref().unwrap_or_default();
    // A stable sort: what is not named stays in the order of the rule.
    let named = |at: &usize| order.iter().position(|name| candidates[*at].is_called(name)).unwrap_or(order.len());
    places.sort_by_key(named);
    if routing.allow_fallbacks == Some(false) {
        if order.is_empty() {
            places.truncate(1);
        } else {
            places.retain(|at| named(at) < order.len());
        }
    }
    places
}

fn by_rule(a: &Candidate, b: &Candidate, wish: &Wish<'_>, sort: Option<Sort>) -> Ordering {
    let cheaper = || a.cost(wish.size).cmp(&b.cost(wish.size));
    let likelier = || a.draw(wish.conversation).total_cmp(&b.draw(wish.conversation));
    let known = |known: Option<Ordering>| known.unwrap_or(Ordering::Equal);
    let sorted = match sort {
        None => likelier(),
        Some(Sort::Price) => cheaper(),
        Some(Sort::Latency) => {
            let first = |candidate: &Candidate| candidate.speed.map(|speed| speed.first_ms);
            unknown_last(first(a), first(b)).then_with(|| known(first(a).partial_cmp(&first(b))))
        }
        Some(Sort::Throughput) => {
            let rate = |candidate: &Candidate| candidate.speed.and_then(|speed| speed.per_second);
            unknown_last(rate(a), rate(b)).then_with(|| known(rate(b).partial_cmp(&rate(a))))
        }
    };
    a.failed.cmp(&b.failed).then(sorted).then_with(cheaper).then(a.offer.cmp(&b.offer))
}

fn unknown_last(a: Option<f64>, b: Option<f64>) -> Ordering {
    a.is_none().cmp(&b.is_none())
}

/// Now and then an offer whose speed is not known comes first, each of them in turn: it might be the fastest.
fn explore(candidates: &[Candidate], places: &mut [usize], turn: u64, sort: Option<Sort>) {
    let known = |speed: Speed| sort == Some(Sort::Latency) || speed.per_second.is_some();
    let unknown = |at: &usize| !candidates[*at].speed.is_some_and(known) && !candidates[*at].failed;
    let mut at_places: Vec<usize> = (0..places.len()).filter(|place| unknown(&places[*place])).collect();
    at_places.sort_by_key(|place| candidates[places[*place]].offer);
    let all = u64::try_from(at_places.len()).unwrap_or(u64::MAX);
    if all == 0 || !turn.is_multiple_of(EXPLORE) {
        return;
    }
    let next = usize::try_from((turn / EXPLORE) % all).unwrap_or(0);
    if let Some(place) = at_places.get(next) {
        places[..=*place].rotate_right(1);
    }
}

impl Buyer {
    /// The offers for a request, in the order in which they are asked.
    pub async fn offers_for(&self, key: KeyId, request: &ChatRequest) -> Result<Vec<Arc<Offered>>, Problem> {
        let offers = self.catalog.find(&request.model).await?;
        let candidates: Vec<Candidate> = offers.iter().map(|offered| self.candidate(offered)).collect();
        let size = Usage { input: request.text_bytes(), output: request.output_max().unwrap_or(256).into() };
        let routing = request.provider.as_ref();
        let fastest = routing.is_some_and(|routing| matches!(routing.sort, Some(Sort::Throughput | Sort::Latency)));
        let turn = if fastest { self.turns.fetch_add(1, atomic::Ordering::Relaxed) } else { 0 };
        let wish = Wish { routing, size, conversation: conversation(key, request), turn };
        let chosen = choose(&candidates, &wish);
        if chosen.is_empty() && !candidates.is_empty() {
            return Err(nobody_left(&candidates));
        }
        Ok(chosen.into_iter().filter_map(|at| offers.get(at).cloned()).collect())
    }

    /// An offer as the rule sees it.
    pub fn candidate(&self, offered: &Offered) -> Candidate {
        let rate = |one: Usage| {
            let (price, fee) =
                (offered.price.cost(one).unwrap_or_default(), self.config.fee.cost(one).unwrap_or_default());
            price.plus(fee).unwrap_or(Amount(u128::MAX))
        };
        Candidate {
            offer: offered.id,
            provider: offered.record.provider,
            name: self.catalog.shelf().names.account(offered.record.provider),
            input: rate(Usage { input: 1, output: 0 }),
            output: rate(Usage { input: 0, output: 1 }),
            failed: self.catalog.failed_lately(offered.record.provider),
            speed: self.speeds.get(offered.id),
        }
    }
}

/// A conversation is known by its beginning, up to the first words of its user; its later turns begin the same.
fn conversation(key: KeyId, request: &ChatRequest) -> Digest {
    let first = request.messages.iter().position(|message| message.role == "user").unwrap_or(0);
    let mut parts = vec![Digest::of(&key.to_be_bytes()).0];
    for message in request.messages.iter().take(first.saturating_add(1)) {
        parts.push(Digest::of(message.role.as_bytes()).0);
        match &message.content {
            Some(Content::Text(text)) => parts.push(Digest::of(text.as_bytes()).0),
            Some(Content::Parts(texts)) => parts.extend(texts.iter().map(|part| Digest::of(part.text.as_bytes()).0)),
            None => {}
        }
    }
    let parts: Vec<&[u8]> = parts.iter().map(<[u8; 32]>::as_slice).collect();
    Digest::of_parts(&parts)
}

fn nobody_left(candidates: &[Candidate]) -> Problem {
    let names: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().take(5).collect();
    Problem::unknown(
        "provider",
        "provider_not_found",
        format!("no provider of this model fits what is asked for; it is offered by {}", names.join(", ")),
    )
}

#[cfg(test)]
mod tests;
