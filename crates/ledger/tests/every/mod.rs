//! Every operation there is, as the encoding knows them: tests that say something of each cannot forget a new one.

use borsh::BorshDeserialize as _;
use ledger::Operation;

/// Number and name of each, in order. Any number that stands for an operation reads zeros behind it as one.
pub fn operations() -> Vec<(u8, String)> {
    let read = |number| Operation::deserialize(&mut [&[number][..], &[0; 1_000]].concat().as_slice());
    (0..=u8::MAX).filter_map(|number| Some((number, name(&read(number).ok()?)))).collect()
}

/// An operation's name.
pub fn name(operation: &Operation) -> String {
    format!("{operation:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
}
