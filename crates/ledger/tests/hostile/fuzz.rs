//! Bytes of chance as operations and vouchers. More of them: `PROPTEST_CASES=1000000 cargo test --release -p ledger --test
//! hostile`. What breaks something is printed as small as it gets, and belongs into `tests/corpus/`.

use ledger::{ChannelId, Digest, Line, OfferId, Usage, Voucher, encode};
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use crate::{
    cast::{request, sign},
    corpus,
    shop::good,
    target::{WORLD, operation, voucher},
};

#[test]
fn the_corpus_does_no_harm() {
    corpus::replay("operation", |bytes| {
        operation(bytes);
    });
    corpus::replay("voucher", |bytes| {
        voucher(bytes);
    });
}

/// Of 1,000 inputs of chance, those for which a target says yes.
fn of_1_000(inputs: impl Strategy<Value = Vec<u8>>, target: fn(&[u8]) -> bool) -> usize {
    let mut runner = TestRunner::deterministic();
    (0..1_000).filter(|_| target(&inputs.new_tree(&mut runner).unwrap().current())).count()
}

/// Bytes of chance that are all refused at once would try nothing.
#[test]
fn bytes_of_chance_reach_the_rules() {
    let (read, taken) = (of_1_000(any_operation(), operation), of_1_000(any_voucher(), voucher));
    println!("of 1,000 each: {read} operations can be read, {taken} vouchers are taken");
    assert!(read > 300 && taken > 100, "{read} {taken}");
}

/// Bytes close to something that can be read: some of them changed, cut or put behind.
fn damaged(good: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let cut = prop_oneof![8 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    (good, changes, cut, vec(any::<u8>(), 0..2)).prop_map(|(mut bytes, changes, cut, behind)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        bytes.extend(behind);
        bytes
    })
}

fn any_operation() -> impl Strategy<Value = Vec<u8>> {
    let good = good(&WORLD)
        .into_iter()
        .map(|(who, operation)| encode(&sign(request(&WORLD.state, (who, who), operation), who)));
    damaged(prop::sample::select(good.collect::<Vec<_>>()))
}

fn any_line(offer: impl Strategy<Value = OfferId>) -> impl Strategy<Value = Line> {
    let tokens = || prop_oneof![16 => 2..10u64, 1 => 0..40u64, 1 => Just(1 << 48), 1 => any::<u64>()];
    (offer, tokens(), tokens()).prop_map(|(offer, input, output)| Line { offer, usage: Usage { input, output } })
}

/// Mostly one that is good but for a line, a number or a channel now and then; else some bytes of it are changed.
fn any_voucher() -> impl Strategy<Value = Vec<u8>> {
    let stranger = any::<[u8; 32]>().prop_map(OfferId);
    let anybody =
        prop_oneof![2 => prop::sample::select(vec![WORLD.offer, WORLD.withdrawn, WORLD.foreign]), 1 => stranger];
    let lines = prop_oneof![
        6 => (any_line(Just(WORLD.offer)), prop::option::of(any_line(Just(WORLD.withdrawn))))
            .prop_map(|(settled, other)| [settled].into_iter().chain(other).collect()),
        1 => vec(any_line(anybody), 0..4),
    ];
    let channel = prop_oneof![8 => Just(WORLD.channel), 1 => any::<[u8; 32]>().prop_map(ChannelId)];
    let good = (channel, 1..6u64, lines, any::<[u8; 32]>(), prop::bool::weighted(0.9)).prop_map(
        |(channel, number, mut usage, root, ordered)| {
            if ordered {
                usage.sort_by_key(|line: &Line| line.offer);
            }
            encode(&Voucher { channel, number, usage, root: Digest(root) })
        },
    );
    prop_oneof![good.clone(), damaged(good)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_operation_does_harm(bytes in any_operation()) {
        operation(&bytes);
    }

    #[test]
    fn no_voucher_does_harm(bytes in any_voucher()) {
        voucher(&bytes);
    }
}
