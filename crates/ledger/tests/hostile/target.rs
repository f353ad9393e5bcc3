//! What strangers may send as bytes: each target takes any bytes, and checks what must hold whatever comes of them. Tests try the
//! corpus and bytes of chance on them, and `fuzz/` what measured coverage leads to.

use ledger::{OfferId, Operation, Request, Signed, State, Time, Usage, Voucher, decode, encode};
use std::sync::LazyLock;

use crate::{
    cast::{account, assert_conserved, request, sign},
    shop::{World, settle},
};

pub static WORLD: LazyLock<World> = LazyLock::new(World::new);
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
pub fn operation(bytes: &[u8]) -> bool {
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
pub fn voucher(bytes: &[u8]) -> bool {
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
