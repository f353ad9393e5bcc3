//! Bytes of chance as operations and vouchers. More of them: `PROPTEST_CASES=1000000 cargo test --release -p ledger --test
//! hostile`. What breaks something is printed as small as it gets, and belongs into `tests/corpus/`.

use ledger::{
    ChannelId, Digest, Line, OfferId, Operation, Request, Signed, State, Time, Usage, Voucher, decode, encode,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use std::sync::LazyLock;

use crate::{
    cast::{account, assert_conserved, request, sign},
    corpus,
    shop::{World, good, settle},
};

static WORLD: LazyLock<World> = LazyLock::new(World::new);
const PEOPLE: [&str; 5] = ["issuer", "ann", "pat", "sam", "mallory"];

/// Applies an operation of `who` to a copy of the world, and checks what must hold whatever comes of it.
fn apply(who: &str, operation: Operation) -> (bool, State) {
    let mut state = WORLD.state.clone();
    let signed = sign(request(&state, (who, who), operation), who);
    let verified = signed.into_verified(state.network());
    let applied = verified.and_then(|verified| state.apply(Time(9_000), &verified)).is_ok();
    assert_conserved(&state);
    let mut rebuilt = State::from_records(state.genesis().clone(), state.records()).unwrap();
    assert_eq!(rebuilt.root(), state.root());
    (applied, state)
}

/// Target: bytes as an operation. Whatever can be read is written again as it was, is verified or not, and meets the rules
/// once somebody signs it. True if it could be read.
fn operation(bytes: &[u8]) -> bool {
    let Ok(signed) = decode::<Signed<Request>>(bytes) else { return false };
    assert_eq!(encode(&signed), bytes, "a second form");
    drop(signed.clone().into_verified(WORLD.state.network()));
    for who in PEOPLE {
        apply(who, signed.body.operation.clone());
    }
    true
}

/// Target: bytes as a voucher, signed by the gateway. The ledger takes exactly those that are good, and moves what they say.
/// True if it is taken.
fn voucher(bytes: &[u8]) -> bool {
    let Ok(voucher) = decode::<Voucher>(bytes) else { return false };
    assert_eq!(encode(&voucher), bytes, "a second form");
    let expected = cost(&voucher);
    let (applied, state) = apply("sam", settle(&WORLD, voucher.clone()));
    assert_eq!(applied, expected.is_some(), "{voucher:?}");
    let Some(cost) = expected else { return false };
    let (before, after) = (WORLD.state.channel(&WORLD.channel).unwrap(), state.channel(&WORLD.channel).unwrap());
    assert_eq!((after.spent.0 - before.spent.0, after.number, after.root), (cost, voucher.number, voucher.root));
    let sam = |state: &State| state.account(&account("sam")).balance.0;
    assert_eq!(sam(&state) - sam(&WORLD.state), cost / 2, "half is the provider's, half the base's");
    true
}

/// What a voucher costs beyond what is settled, if it is good: written anew, for the one channel and price of the shop.
fn cost(voucher: &Voucher) -> Option<u128> {
    let lines = &voucher.usage;
    let of = |offer: OfferId| lines.iter().find(|line| line.offer == offer).map_or(Usage::default(), |line| line.usage);
    let settled = of(WORLD.offer);
    let good = voucher.channel == WORLD.channel
        && voucher.number > 1
        && lines.len() <= 64
        && lines.windows(2).all(|pair| pair[0].offer < pair[1].offer)
        && lines.iter().all(|line| line.usage.input.max(line.usage.output) <= 1 << 48)
        && settled.input.min(settled.output) >= 2
        && lines.iter().all(|line| [WORLD.offer, WORLD.withdrawn].contains(&line.offer));
    let tokens: u128 = lines.iter().map(|line| u128::from(line.usage.input) + u128::from(line.usage.output)).sum();
    // Two pico-credits a token, one of them the royalty; four tokens of the deposit of 100 are settled.
    (good && (tokens - 4) * 2 <= 92).then(|| (tokens - 4) * 2)
}

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
