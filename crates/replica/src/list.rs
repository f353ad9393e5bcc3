//! All records of one kind.

use api::List;
use ledger::{AccountId, Digest, Key, OfferId, Record};
use std::ops::Bound;

use crate::view::View;

impl View {
    /// The records that [`List`] asks for, in the order of their keys.
    pub(crate) fn list(&self, list: List) -> Vec<(Key, Record)> {
        let zero = [0; 32];
        let (first, wanted): (Key, fn(&Key) -> bool) = match list {
            List::Accounts => (Key::Account(AccountId(zero)), |key| matches!(key, Key::Account(_))),
            List::Artifacts => (Key::Artifact(Digest(zero)), |key| matches!(key, Key::Artifact(_))),
            List::Tags => (Key::Tag(AccountId(zero), String::new(), String::new()), |key| matches!(key, Key::Tag(..))),
            List::Offers => (Key::Offer(OfferId(zero)), |key| matches!(key, Key::Offer(_))),
            List::Pots => (Key::Pot(Digest(zero)), |key| matches!(key, Key::Pot(_))),
            List::Channels(account) => return self.channels(account),
        };
        self.records_from(first).take_while(|(key, _)| wanted(key)).map(own).collect()
    }

    fn channels(&self, account: AccountId) -> Vec<(Key, Record)> {
        let first = Key::Channel(ledger::ChannelId([0; 32]));
        let of_account = |(_, record): &(&Key, &Record)| match record {
            Record::Channel(channel) => channel.payer == account || channel.provider == account,
            _ => false,
        };
        self.records_from(first)
            .take_while(|(key, _)| matches!(key, Key::Channel(_)))
            .filter(of_account)
            .map(own)
            .collect()
    }

    fn records_from(&self, first: Key) -> impl Iterator<Item = (&Key, &Record)> {
        self.records.range((Bound::Included(first), Bound::Unbounded)).map(|(key, record)| (key, &**record))
    }
}

fn own((key, record): (&Key, &Record)) -> (Key, Record) {
    (key.clone(), record.clone())
}
