//! What an operation concerns.

use ledger::{AccountId, ArtifactId, ChannelId, Effect, Operation};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::HashMap;

use crate::decide::Done;

/// Something that operations are looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Thing {
    Account(AccountId),
    Artifact(ArtifactId),
    Channel(ChannelId),
}

impl Thing {
    /// As the index keeps it: a letter and the id.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let (letter, id) = match self {
            Self::Account(id) => (b'a', id.0),
            Self::Artifact(id) => (b'w', id.0),
            Self::Channel(id) => (b'c', id.0),
        };
        std::iter::once(letter).chain(id).collect()
    }
}

/// So many numbers are remembered at most: a hundred bytes each.
const NUMBERS_MAX: usize = 1_048_576;

/// The numbers of things that were met lately. Forgotten if what gave them was not kept.
#[derive(Debug, Default)]
pub(crate) struct Numbers(HashMap<Thing, i64>);

impl Numbers {
    pub(super) fn forget(&mut self) {
        self.0 = HashMap::new();
    }

    /// A thing's number; a new one if it has none.
    pub(super) fn of(&mut self, books: &Connection, thing: Thing) -> rusqlite::Result<i64> {
        if let Some(number) = self.0.get(&thing) {
            return Ok(*number);
        }
        let number = match number(books, thing)? {
            Some(number) => number,
            None => {
                books.prepare_cached("INSERT INTO things (thing) VALUES (?)")?.execute([thing.bytes()])?;
                books.last_insert_rowid()
            }
        };
        if self.0.len() >= NUMBERS_MAX {
            self.forget();
        }
        self.0.insert(thing, number);
        Ok(number)
    }
}

/// A thing's number, if an operation concerned it.
pub(super) fn number(books: &Connection, thing: Thing) -> rusqlite::Result<Option<i64>> {
    let select = "SELECT id FROM things WHERE thing = ?";
    books.prepare_cached(select)?.query_row(params![thing.bytes()], |row| row.get(0)).optional()
}

/// What an operation concerns: whoever made it, whom or what it names, and, if it was applied, whom it paid; some of them twice.
pub(super) fn concerns(done: &Done) -> Vec<Thing> {
    let mut things = vec![Thing::Account(done.signed.body.account)];
    named(&done.signed.body.operation, &mut things);
    let Ok(outcome) = &done.answer else {
        return things;
    };
    match &outcome.effect {
        Effect::Opened(channel) | Effect::Finished { channel, .. } => things.push(Thing::Channel(*channel)),
        Effect::Settled(_, settlement) => {
            things.extend(settlement.royalties.iter().map(|charge| Thing::Artifact(charge.artifact)));
        }
        Effect::PaidOut(payments) => things.extend(payments.iter().map(|(account, _)| Thing::Account(*account))),
        Effect::Done | Effect::Published(_) | Effect::Offered(_) => {}
    }
    things.extend(done.used.iter().map(|(artifact, _)| Thing::Artifact(*artifact)));
    things
}

fn named(operation: &Operation, things: &mut Vec<Thing>) {
    match operation {
        Operation::Issue { to, .. } | Operation::Transfer { to, .. } => things.push(Thing::Account(*to)),
        Operation::Publish(publish) => {
            things.push(Thing::Artifact(publish.manifest));
            things.extend(publish.parents.iter().map(|parent| Thing::Artifact(*parent)));
        }
        Operation::Tag { artifact, .. } | Operation::Retire { artifact } => {
            things.push(Thing::Artifact(*artifact));
        }
        Operation::Offer(offer) => things.push(Thing::Artifact(offer.artifact)),
        Operation::Open { provider, .. } => things.push(Thing::Account(*provider)),
        Operation::TopUp { channel, .. }
        | Operation::Close { channel }
        | Operation::Release { channel }
        | Operation::Finish { channel } => things.push(Thing::Channel(*channel)),
        Operation::Settle { voucher } => things.push(Thing::Channel(voucher.body.channel)),
        Operation::Payout { artifacts } => things.extend(artifacts.iter().map(|id| Thing::Artifact(*id))),
        Operation::Redeem { .. }
        | Operation::Lift { .. }
        | Operation::Name { .. }
        | Operation::Rotate { .. }
        | Operation::Register(_)
        | Operation::Withdraw { .. } => {}
    }
}
