//! Slots and requests, and which slot takes which request.

use llama_cpp_2::token::LlamaToken;

use super::{grammar::Grammar, reader::Reader, sampler::Sampler, text::Text};
use crate::{Request, TokenLogprob};

/// No adapter, or the adapter with this index.
pub type Adapter = Option<usize>;

/// A copy moves a whole sequence's memory, which takes as long as reading a few tokens: it must save more.
const COPY_TOKENS_MIN: usize = 64;

/// One sequence of the context.
#[derive(Default)]
pub struct Slot {
    /// What the key-value cache holds.
    pub held: Vec<LlamaToken>,
    /// With which adapter it was read.
    pub adapter: Adapter,
    /// What it answers.
    pub job: Option<Job>,
    /// The step in which it was last given a request, or ended one.
    pub used: u64,
}

/// One request.
pub struct Job {
    pub id: u64,
    pub request: Request,
    pub adapter: Adapter,
    /// Prompt, then what was written.
    pub tokens: Vec<LlamaToken>,
    pub input: u32,
    pub output: u32,
    pub sampler: Sampler,
    pub text: Text,
    /// Reads the calls in it, if it may have any and they are not in the form in which they leave.
    pub reader: Option<Reader>,
    /// Where in the batch its logits will be.
    pub logits_at: Option<i32>,
    pub logprobs: Vec<TokenLogprob>,
    /// What the answer is held to.
    pub grammar: Option<Grammar>,
    /// Of a prompt that is measured: where in the batch which of its tokens are.
    pub measuring: Vec<(i32, usize)>,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub slot: usize,
    /// The slot whose beginning is copied first.
    pub copy_from: Option<usize>,
}

impl Job {
    /// What of new text can be shown.
    pub fn read(&mut self, text: String) -> String {
        match &mut self.reader {
            Some(reader) => reader.push(&text),
            None => text,
        }
    }

    /// What was held back, at the end.
    pub fn flush(&mut self) -> String {
        let text = self.text.flush();
        let text = self.read(text);
        text + &self.reader.as_mut().map(Reader::flush).unwrap_or_default()
    }
}

impl Slot {
    /// How many tokens of this beginning it holds.
    pub fn shared(&self, adapter: Adapter, tokens: &[LlamaToken]) -> usize {
        if self.adapter == adapter { common(&self.held, tokens) } else { 0 }
    }
}

/// The slot for a request; `None` if all are busy. Best is a free slot whose content the request goes on with. A slot that
/// shares only its beginning keeps it, and that is copied to the one that was idle longest, also from a busy one.
pub fn place(slots: &[Slot], adapter: Adapter, tokens: &[LlamaToken]) -> Option<Place> {
    let shared: Vec<usize> = slots.iter().map(|slot| slot.shared(adapter, tokens)).collect();
    let free = || (0..slots.len()).filter(|at| slots[*at].job.is_none());
    let oldest = free().min_by_key(|at| slots[*at].used)?;
    let richest = (0..slots.len()).max_by_key(|at| shared[*at]).unwrap_or(oldest);
    let goes_on = |at: &usize| 2 * shared[*at] >= slots[*at].held.len();
    let slot = free().filter(goes_on).max_by_key(|at| (shared[*at], u64::MAX - slots[*at].used)).unwrap_or(oldest);
    let copies = shared[richest] >= shared[slot] + COPY_TOKENS_MIN;
    // One that goes on with little of its own makes way for the oldest if it would be overwritten anyway.
    let slot = if copies { oldest } else { slot };
    let copies = copies && shared[richest] >= shared[slot] + COPY_TOKENS_MIN;
    Some(Place { slot, copy_from: copies.then_some(richest) })
}

/// How many tokens two sequences have in common at their beginnings.
fn common(a: &[LlamaToken], b: &[LlamaToken]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Prompt, Sampling};

    fn tokens(first: i32, count: i32) -> Vec<LlamaToken> {
        [1].into_iter().chain(first..first + count).map(LlamaToken).collect()
    }

    fn slot(held: Vec<LlamaToken>, used: u64) -> Slot {
        Slot { held, used, ..Slot::default() }
    }

    fn busy(held: Vec<LlamaToken>) -> Slot {
        let request = Request {
            prompt: Prompt::Text(String::new()),
            adapter: None,
            input_max: 0,
            output_max: 0,
            sampling: Sampling::default(),
            stop: Vec::new(),
            logprobs: None,
            measure: None,
            embed: false,
            hold: None,
        };
        let (sampler, text) = (Sampler::new(request.sampling, 0), Text::new(Vec::new()));
        let (tokens, logprobs) = (Vec::new(), Vec::new());
        let job = Job {
            id: 0,
            request,
            adapter: None,
            tokens,
            input: 0,
            output: 0,
            sampler,
            text,
            reader: None,
            logits_at: None,
            logprobs,
            grammar: None,
            measuring: Vec::new(),
        };
        Slot { job: Some(job), ..slot(held, 9) }
    }

    fn placed(slots: &[Slot], tokens: &[LlamaToken]) -> Option<(usize, Option<usize>)> {
        place(slots, None, tokens).map(|place| (place.slot, place.copy_from))
    }

    #[test]
    fn a_conversation_goes_on_in_its_slot() {
        let slots = [slot(tokens(100, 80), 5), slot(tokens(500, 80), 7), slot(Vec::new(), 0)];
        assert_eq!(placed(&slots, &tokens(100, 90)), Some((0, None)));
        assert_eq!(placed(&slots, &tokens(500, 90)), Some((1, None)));
    }

    #[test]
    fn an_unrelated_request_takes_the_slot_that_was_idle_longest() {
        // Every text begins with the same token; that alone must not cost a conversation its place.
        let slots = [slot(tokens(100, 80), 7), slot(tokens(500, 80), 5)];
        assert_eq!(placed(&slots, &tokens(900, 90)), Some((1, None)));
        let slots = [slot(tokens(100, 80), 5), slot(tokens(500, 80), 7), slot(Vec::new(), 0)];
        assert_eq!(placed(&slots, &tokens(900, 90)), Some((2, None)));
    }

    #[test]
    fn a_shared_beginning_is_copied_also_from_a_busy_slot() {
        let long = tokens(100, 400);
        let request: Vec<_> = long[..100].iter().copied().chain(tokens(900, 50)).collect();
        assert_eq!(placed(&[slot(long.clone(), 5), slot(Vec::new(), 0)], &request), Some((1, Some(0))));
        assert_eq!(placed(&[busy(long.clone()), slot(tokens(500, 80), 7)], &request), Some((1, Some(0))));
        // Not worth a copy.
        assert_eq!(placed(&[slot(long, 5), slot(Vec::new(), 0)], &request[..40]), Some((1, None)));
    }

    #[test]
    fn another_adapter_shares_nothing_and_busy_slots_take_nothing() {
        let mut slots = [slot(tokens(100, 80), 5), slot(Vec::new(), 0)];
        slots[0].adapter = Some(0);
        assert_eq!(placed(&slots, &tokens(100, 90)), Some((1, None)));
        assert_eq!(placed(&[busy(tokens(100, 80))], &tokens(100, 90)), None);
    }
}
