//! Replays the log: every entry is checked and applied again. Start and audit are both this.

use api::log::Entry;
use ledger::{Genesis, Reject, State, Verified};

use crate::{
    decide::Done,
    journal::{Damage, Raw},
    verify::verify,
};

/// The state that the log leads to, entry by entry.
pub(crate) struct Replay {
    /// As of the last entry.
    pub state: State,
    /// The index of the next entry.
    pub next: u64,
    /// True right after a root entry.
    pub at_root: bool,
}

impl Replay {
    /// Begins with the first entry, which must be the founding document.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn found(first: &Raw) -> Result<Self, Damage> {
        let genesis = genesis(first)?;
        let state = State::new(genesis).map_err(|reject| wrong(first, reject.to_string()))?;
        Ok(Self { state, next: 1, at_root: false })
    }

    /// Goes on from a state as of `next` entries, the last of which was a root entry.
    pub(crate) const fn resume(state: State, next: u64) -> Self {
        Self { state, next, at_root: true }
    }

    /// Checks and applies entries.
    ///
    /// # Errors
    /// The first entry that is not what the rules make of it.
    pub(crate) fn feed(&mut self, entries: &[Raw]) -> Result<Vec<Done>, Damage> {
        self.feed_watched(entries, |_, _| {})
    }

    /// The same; `watch` sees each operation that left a trace, and the state right after it.
    ///
    /// # Errors
    /// As [`Self::feed`].
    pub(crate) fn feed_watched(
        &mut self,
        entries: &[Raw],
        mut watch: impl FnMut(&State, &Done),
    ) -> Result<Vec<Done>, Damage> {
        // What stands before an entry that cannot be read is checked first: the first wrong entry is told.
        let (mut decoded, mut unreadable) = (Vec::with_capacity(entries.len()), None);
        for raw in entries {
            match decode(raw) {
                Ok(entry) => decoded.push(entry),
                Err(damage) => {
                    unreadable = Some(damage);
                    break;
                }
            }
        }
        let signed = decoded.iter().filter_map(|entry| match entry {
            Entry::Operation { signed, .. } => Some(signed.clone()),
            _ => None,
        });
        let done = verify(self.state.network(), signed.collect(), |verified| {
            entries
                .iter()
                .zip(&decoded)
                .filter_map(|(raw, entry)| self.step(raw, entry, verified, &mut watch).transpose())
                .collect::<Result<Vec<_>, _>>()
        })?;
        unreadable.map_or(Ok(done), Err)
    }

    /// Goes over one entry. Gives what an operation did.
    fn step(
        &mut self,
        raw: &Raw,
        entry: &Entry,
        verified: &mut dyn Iterator<Item = Result<Verified, Reject>>,
        watch: &mut impl FnMut(&State, &Done),
    ) -> Result<Option<Done>, Damage> {
        let began = std::mem::replace(&mut self.at_root, matches!(entry, Entry::Root { .. }));
        let mut done = None;
        match entry {
            Entry::Genesis(_) => return Err(wrong(raw, "a second founding document".into())),
            Entry::Operation { .. } if self.next == 1 => {
                return Err(wrong(raw, "the first group is the founding document and a root".into()));
            }
            Entry::Root { root } if *root != self.state.root() => {
                return Err(wrong(raw, format!("the state's root is {}, and the log says {root}", self.state.root())));
            }
            Entry::Root { .. } if began => return Err(wrong(raw, "a root follows a root".into())),
            Entry::Root { .. } => {}
            Entry::Operation { at, result, .. } => {
                let verified = verified.next().unwrap_or(Err(Reject::BadSignature));
                let applied = self.apply(raw, *at, *result, verified)?;
                watch(&self.state, &applied);
                done = Some(applied);
            }
        }
        self.next += 1;
        Ok(done)
    }

    fn apply(
        &mut self,
        raw: &Raw,
        at: ledger::Time,
        result: u16,
        verified: Result<Verified, Reject>,
    ) -> Result<Done, Damage> {
        let decided = verified.and_then(|operation| Done::decide(&mut self.state, raw.entry, at, &operation));
        let done =
            decided.map_err(|reject| wrong(raw, format!("an operation that must be refused at the door: {reject}")))?;
        if done.result() == result {
            return Ok(done);
        }
        Err(wrong(raw, format!("the log says result {result} of an operation whose result is {}", told(&done))))
    }
}

/// The founding document that the first entry must be.
///
/// # Errors
/// If it is not.
pub(crate) fn genesis(first: &Raw) -> Result<Genesis, Damage> {
    match decode(first)? {
        Entry::Genesis(genesis) if first.entry == 0 => Ok(genesis),
        _ => Err(wrong(first, "the log does not begin with a founding document".into())),
    }
}

pub(crate) fn wrong(raw: &Raw, what: String) -> Damage {
    Damage { entry: raw.entry, offset: raw.offset, what }
}

fn told(done: &Done) -> String {
    done.answer.as_ref().map_or_else(ToString::to_string, |_| "0 (applied)".into())
}

fn decode(raw: &Raw) -> Result<Entry, Damage> {
    ledger::decode(&raw.bytes).map_err(|_| wrong(raw, "the bytes are not the canonical encoding of an entry".into()))
}
