//! The sampler: seeded, and rebuilt by anybody from seed, place and logits (docs/engine.md has the formula).
//!
//! Filters in this order: penalties, top-k, top-p, min-p. Then Gumbel-max: the token with the greatest
//! `logit / temperature + g(seed, place, token)` is taken, with `g = -ln(-ln(u))` and `u` from a counter-based generator.
//! That draws from the softmax exactly, needs no state, and each token's draw is independent of which others are looked at
//! (Maddison et al. 2014). Tokens less than e⁻²⁰ as likely as the likeliest are never drawn.

use std::{cmp::Ordering, collections::HashMap};

use crate::Sampling;

/// Natural logarithm of the smallest relative probability that can be drawn.
const CUT: f32 = 20.0;
/// The log-probability of a token that cannot come.
const IMPOSSIBLE: f32 = -9_999.0;

/// The sampler of one answer.
#[derive(Debug)]
pub struct Sampler {
    sampling: Sampling,
    seed: u64,
    /// How many tokens were drawn.
    place: u64,
    written: HashMap<i32, u32>,
}

/// The logits hold no finite number, or one that is not a number: the weights or the arithmetic are broken.
#[derive(Debug, PartialEq, Eq)]
pub struct NotFinite;

impl Sampler {
    pub fn new(sampling: Sampling, seed: u64) -> Self {
        Self { sampling, seed, place: 0, written: HashMap::new() }
    }

    /// Draws the next token.
    pub fn draw(&mut self, logits: &[f32]) -> Result<i32, NotFinite> {
        let token = if self.penalizes() {
            let mut logits = logits.to_vec();
            self.penalize(&mut logits);
            self.choose(&logits)?
        } else {
            self.choose(logits)?
        };
        self.place += 1;
        if self.sampling.frequency_penalty != 0.0 || self.sampling.presence_penalty != 0.0 {
            *self.written.entry(token).or_default() += 1;
        }
        Ok(token)
    }

    fn penalizes(&self) -> bool {
        !self.written.is_empty()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn penalize(&self, logits: &mut [f32]) {
        for (token, count) in &self.written {
            if let Some(logit) = usize::try_from(*token).ok().and_then(|at| logits.get_mut(at)) {
                *logit -= self.sampling.presence_penalty + self.sampling.frequency_penalty * *count as f32;
            }
        }
    }

    fn choose(&self, logits: &[f32]) -> Result<i32, NotFinite> {
        let (best, max) = largest(logits)?;
        let Sampling { temperature, top_k, top_p, min_p, .. } = self.sampling;
        if temperature <= 0.0 {
            return Ok(best);
        }
        let scale = 1.0 / temperature;
        let floor = max - CUT * temperature;
        let likely = (0i32..).zip(logits).filter(|(_, logit)| **logit >= floor);
        let scaled = likely.map(|(token, logit)| (token, (logit - max) * scale));
        let mut draw = Draw::new(self.seed, self.place, best);
        if top_k == 0 && top_p >= 1.0 && min_p <= 0.0 {
            scaled.for_each(|(token, logit)| draw.offer(token, logit));
        } else {
            let mut candidates = scaled.collect();
            self.filter(&mut candidates);
            candidates.iter().for_each(|(token, logit)| draw.offer(*token, *logit));
        }
        Ok(draw.token)
    }

    /// Keeps what top-k, top-p and min-p allow. Logits are scaled, the greatest is 0.
    fn filter(&self, candidates: &mut Vec<(i32, f32)>) {
        let Sampling { top_k, top_p, min_p, .. } = self.sampling;
        let keep = usize::try_from(top_k).unwrap_or(usize::MAX);
        if keep > 0 && keep < candidates.len() {
            candidates.select_nth_unstable_by(keep - 1, likelier);
            candidates.truncate(keep);
        }
        if top_p < 1.0 {
            keep_nucleus(candidates, top_p);
        }
        if min_p > 0.0 {
            let floor = min_p.min(1.0).ln();
            candidates.retain(|(_, logit)| *logit >= floor);
        }
    }
}

/// The likelier first; the lower token among equals.
fn likelier(a: &(i32, f32), b: &(i32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the likeliest tokens that reach `top_p` of all together. Seldom more than a few hundred do: only so many are sorted
/// as are needed.
fn keep_nucleus(candidates: &mut Vec<(i32, f32)>, top_p: f32) {
    candidates.sort_unstable_by_key(|(token, _)| *token);
    let weight = |candidate: &(i32, f32)| f64::from(candidate.1).exp();
    let enough = f64::from(top_p) * candidates.iter().map(weight).sum::<f64>();
    let mut sorted = 256;
    loop {
        let last = sorted >= candidates.len();
        if !last {
            candidates.select_nth_unstable_by(sorted - 1, likelier);
        }
        let head = if last { &mut candidates[..] } else { &mut candidates[..sorted] };
        head.sort_unstable_by(likelier);
        let mut sum = 0.0;
        let reached = head.iter().position(|candidate| {
            sum += weight(candidate);
            sum >= enough
        });
        if let Some(at) = reached {
            return candidates.truncate(at + 1);
        }
        if last {
            return;
        }
        sorted *= 8;
    }
}

/// A Gumbel-max draw: the token with the greatest sum of scaled logit and noise so far, the lowest among equals.
struct Draw {
    key: u64,
    token: i32,
    sum: f64,
}

impl Draw {
    const fn new(seed: u64, place: u64, token: i32) -> Self {
        Self { key: mix(mix(seed).wrapping_add(place)), token, sum: f64::NEG_INFINITY }
    }

    fn offer(&mut self, token: i32, logit: f32) {
        let bits = mix(self.key.wrapping_add(u64::from(token.cast_unsigned())));
        // With n leading ones the noise is below (n + 1) ln 2, because -ln u >= 1 - u. That rules out nearly every token
        // without a logarithm.
        let bound = f64::from(bits.leading_ones() + 1) * std::f64::consts::LN_2 + 1e-6;
        if f64::from(logit) + bound < self.sum {
            return;
        }
        let sum = f64::from(logit) + gumbel(bits);
        if sum > self.sum || (sum == self.sum && token < self.token) {
            (self.sum, self.token) = (sum, token);
        }
    }
}

/// The greatest logit, the lowest token among equals.
fn largest(logits: &[f32]) -> Result<(i32, f32), NotFinite> {
    const LANES: usize = 16;
    // Lanes, because the order of comparisons must not matter for the compiler to use vectors.
    let (mut max, mut numbers) = ([f32::NEG_INFINITY; LANES], true);
    let chunks = logits.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (max, logit) in max.iter_mut().zip(chunk) {
            *max = if *logit > *max { *logit } else { *max };
            numbers &= !logit.is_nan();
        }
    }
    numbers &= !rest.iter().any(|logit| logit.is_nan());
    let max = max.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    if !numbers || !max.is_finite() {
        return Err(NotFinite);
    }
    let at = logits.iter().position(|logit| *logit == max).unwrap_or(0);
    Ok((i32::try_from(at).unwrap_or(0), max))
}

/// Standard Gumbel noise from random bits.
fn gumbel(bits: u64) -> f64 {
    // 53 bits, moved off 0 and 1, so that both logarithms are finite.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let u = ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    -(-u.ln()).ln()
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014) after its increment.
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The log-probability of `token`, and the `top` likeliest tokens with theirs. Never below [`IMPOSSIBLE`], because JSON has
/// no infinity.
pub fn logprobs(logits: &[f32], token: i32, top: usize) -> (f32, Vec<(i32, f32)>) {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - max).exp()).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a sum of at most 2³¹ ones")]
    let norm = max + sum.ln() as f32;
    let of = |token: i32| {
        usize::try_from(token).ok().and_then(|at| logits.get(at)).map_or(IMPOSSIBLE, |l| (l - norm).max(IMPOSSIBLE))
    };
    let mut likeliest: Vec<(i32, f32)> =
        (0i32..).zip(logits.iter().map(|logit| (logit - norm).max(IMPOSSIBLE))).collect();
    if top > 0 && top < likeliest.len() {
        likeliest.select_nth_unstable_by(top - 1, likelier);
    }
    likeliest.truncate(top);
    likeliest.sort_unstable_by(likelier);
    (of(token), likeliest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature: f32, seed: u64) -> Sampler {
        Sampler::new(Sampling { temperature, ..Sampling::default() }, seed)
    }

    #[test]
    fn temperature_zero_takes_the_first_of_the_likeliest() {
        assert_eq!(sampler(0.0, 1).draw(&[0.0, 2.0, 1.0, 2.0]), Ok(1));
    }

    #[test]
    fn the_same_seed_draws_the_same_tokens() {
        let logits = [0.1, 0.2, 0.3, 0.4];
        let draw = |seed| {
            let mut sampler = sampler(1.0, seed);
            (0..64).map(|_| sampler.draw(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn draws_follow_the_softmax() {
        let logits = [0.0, 1.0, 2.0, -1.0];
        let mut counts = [0.0f64; 4];
        let mut sampler = sampler(1.0, 42);
        let draws = 40_000;
        for _ in 0..draws {
            counts[usize::try_from(sampler.draw(&logits).unwrap()).unwrap()] += 1.0;
        }
        let sum: f64 = logits.iter().map(|l: &f32| f64::from(*l).exp()).sum();
        let expected = logits.iter().map(|l| f64::from(*l).exp() / sum * f64::from(draws));
        let chi2: f64 = expected.zip(counts).map(|(expected, n)| (n - expected).powi(2) / expected).sum();
        assert!(chi2 < 16.27, "chi² with 3 degrees of freedom is {chi2}, above the 99.9 % point");
    }

    #[test]
    fn filters_keep_the_likeliest() {
        let logits = [0.0, 3.0, 2.9, -5.0];
        for sampling in [
            Sampling { top_k: 2, ..Sampling::default() },
            Sampling { top_p: 0.9, ..Sampling::default() },
            Sampling { min_p: 0.5, ..Sampling::default() },
        ] {
            let mut sampler = Sampler::new(sampling, 3);
            assert!((0..500).all(|_| [1, 2].contains(&sampler.draw(&logits).unwrap())), "{sampling:?}");
        }
    }

    #[test]
    fn penalties_make_repetition_less_likely() {
        let mut sampler = Sampler::new(Sampling { temperature: 0.0, frequency_penalty: 2.0, ..Sampling::default() }, 0);
        let drawn: Vec<_> = (0..3).map(|_| sampler.draw(&[1.0, 0.0, -0.5]).unwrap()).collect();
        assert_eq!(drawn, [0, 1, 2]);
    }

    #[test]
    fn broken_logits_are_no_token() {
        assert_eq!(sampler(1.0, 1).draw(&[0.0, f32::NAN]), Err(NotFinite));
        assert_eq!(sampler(0.0, 1).draw(&[f32::NEG_INFINITY; 3]), Err(NotFinite));
        assert_eq!(sampler(0.0, 1).draw(&[f32::INFINITY, 0.0]), Err(NotFinite));
    }

    /// Logits of a vocabulary, some of them equal.
    fn many_logits(seed: u64) -> Vec<f32> {
        (0..5_000).map(|token| f32::from(u16::try_from(mix(seed + token) % 1_500).unwrap()) / 100.0).collect()
    }

    /// The formula as the document writes it, without any short cut.
    fn by_the_document(sampling: Sampling, seed: u64, place: u64, logits: &[f32]) -> i32 {
        let max = logits.iter().copied().fold(f32::MIN, f32::max);
        let mut all: Vec<(i32, f32)> =
            (0..).zip(logits.iter().map(|l| (l - max) * (1.0 / sampling.temperature))).collect();
        all.retain(|(_, logit)| *logit >= -CUT);
        let total: f64 = all.iter().map(|(_, logit)| f64::from(*logit).exp()).sum();
        all.sort_by(likelier);
        if sampling.top_p < 1.0 {
            let mut before = 0.0;
            all.retain(|(_, logit)| {
                let keep = before < f64::from(sampling.top_p) * total;
                before += f64::from(*logit).exp();
                keep
            });
        }
        let noise =
            |token: i32| gumbel(mix(mix(mix(seed).wrapping_add(place)).wrapping_add(u64::try_from(token).unwrap())));
        let sums = all.iter().map(|(token, logit)| (*token, f64::from(*logit) + noise(*token)));
        sums.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0
    }

    #[test]
    fn short_cuts_change_no_draw() {
        for top_p in [1.0, 0.999, 0.9, 0.1] {
            for seed in 0..50 {
                let sampling = Sampling { temperature: 1.7, top_p, ..Sampling::default() };
                let (mut sampler, logits) = (Sampler::new(sampling, seed), many_logits(seed));
                let drawn: Vec<_> = (0..4).map(|_| sampler.draw(&logits).unwrap()).collect();
                let expected: Vec<_> = (0..4).map(|place| by_the_document(sampling, seed, place, &logits)).collect();
                assert_eq!(drawn, expected, "top_p {top_p}, seed {seed}");
            }
        }
    }

    #[test]
    fn the_greatest_logit_is_found_anywhere() {
        for at in [0, 15, 16, 4_990, 4_999] {
            let mut logits = many_logits(1);
            logits[at] = 99.0;
            assert_eq!(largest(&logits), Ok((i32::try_from(at).unwrap(), 99.0)));
            logits[at] = f32::NAN;
            assert_eq!(largest(&logits), Err(NotFinite), "at {at}");
        }
    }

    #[test]
    fn impossible_tokens_have_a_number() {
        let (own, top) = logprobs(&[0.0, f32::NEG_INFINITY], 1, 2);
        assert_eq!((own, top[1]), (IMPOSSIBLE, (1, IMPOSSIBLE)));
    }

    #[test]
    fn logprobs_sum_to_one() {
        let (own, top) = logprobs(&[0.0, 1.0, 2.0], 1, 3);
        assert_eq!(top.iter().map(|t| t.0).collect::<Vec<_>>(), [2, 1, 0]);
        assert!((top.iter().map(|t| t.1.exp()).sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(own, top[1].1);
    }
}
