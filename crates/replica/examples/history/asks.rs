//! Operations by chance: mostly good ones, and each kind of bad one from time to time.

use ledger::{
    Amount, ArtifactId, Bound, ChannelId, Digest, Kind, Offer, OfferId, Operation, Payee, Publish, Rates, Register,
    Signature,
};

use crate::{
    settle,
    world::{Ask, ISSUER, PLAYERS, Then, World},
};

const NAMES: &[&str] = &["", "a", "-ab", "a--b", "Upper", "pumasi", "maker", "한글"];
const LABELS: &[&str] = &["mini", "mini.q4_0", "latest", "v1", ".hidden", "", "with blank"];
const ADDRESSES: &[&str] = &[
    "http://127.0.0.1:7420",
    "https://[::1]:443",
    "https://example.org:65535",
    "ftp://example.org:21",
    "http://example.org",
    "http://example.org:080",
    "http://example.org:65536",
    "http://exa mple.org:80",
    "http://[::g]:80",
    "http://example.org:80/",
];
/// Of the labels and addresses, so many are good.
const GOOD_LABELS: usize = 4;
const GOOD_ADDRESSES: usize = 3;

/// The next operation.
pub fn ask(world: &mut World) -> Ask {
    let by = world.chance.index(PLAYERS);
    match world.chance.below(24) {
        0..3 => money(world, by),
        3 => name(world, by),
        4 => rotate(world, by),
        5 => plain(by, Operation::Register(register(world))),
        6..10 => plain(by, Operation::Publish(publish(world, by))),
        10..12 => artifact(world, by),
        12..14 => plain(by, Operation::Offer(offer(world))),
        14 => withdraw(world, by),
        15..17 => open(world, by),
        17..21 => settle::ask(world, by),
        21 => channel(world, by),
        _ => payout(world, by),
    }
}

/// An operation that changes nothing that the players remember.
pub const fn plain(by: usize, operation: Operation) -> Ask {
    Ask { by, operation, then: Then::Nothing }
}

fn amount(world: &mut World) -> Amount {
    Amount(match world.chance.below(12) {
        0 => 0,
        1 => 1 << 95,
        _ => u128::from(world.chance.below(1_000_000_000)) + 1,
    })
}

fn money(world: &mut World, by: usize) -> Ask {
    let (amount, reference) = (amount(world), world.chance.digest());
    let to = world.players[world.chance.index(PLAYERS)].id;
    let issuer = if world.chance.once_in(4) { by } else { ISSUER };
    match world.chance.below(4) {
        0 => plain(issuer, Operation::Issue { to, amount, reference }),
        1 => plain(issuer, Operation::Redeem { amount, reference }),
        2 => {
            let weight = if world.chance.once_in(4) { reference } else { world.chance.pick(&world.weights.clone()) };
            plain(issuer, Operation::Lift { weight })
        }
        _ => plain(by, Operation::Transfer { to, amount, reference }),
    }
}

fn name(world: &mut World, by: usize) -> Ask {
    let name = match world.chance.below(3) {
        0 => format!("name-{}", world.chance.below(100)),
        _ => world.chance.pick(NAMES).to_owned(),
    };
    plain(by, Operation::Name { name })
}

fn rotate(world: &mut World, by: usize) -> Ask {
    let (current, fresh) = (world.players[by].secret, world.chance.bytes());
    let secret = if world.chance.once_in(4) { current } else { fresh };
    let key = world.know(secret);
    let forged = world.chance.once_in(3);
    let operation = Operation::Rotate { key, proof: Signature([u8::from(forged); 64]) };
    Ask { by, operation, then: Then::Rotated(secret) }
}

fn register(world: &mut World) -> Register {
    let good = world.chance.once_in(2);
    let address = world.chance.pick(if good { &ADDRESSES[..GOOD_ADDRESSES] } else { ADDRESSES }).to_owned();
    let tls_key = world.chance.once_in(2).then(|| world.chance.digest());
    Register { address, tls_key }
}

fn label(world: &mut World) -> String {
    let bad = world.chance.once_in(12);
    world.chance.pick(if bad { LABELS } else { &LABELS[..GOOD_LABELS] }).to_owned()
}

fn rates(world: &mut World, bound: u64) -> Rates {
    Rates { input: world.chance.below(bound), output: world.chance.below(bound) }
}

/// A few of some, mostly in ascending order and distinct.
fn some(world: &mut World, from: &[Digest], most: u64) -> Vec<Digest> {
    let count = world.chance.below(most + 1);
    let mut some: Vec<_> = (0..count).map(|_| world.chance.pick(from)).collect();
    if !world.chance.once_in(12) {
        some.sort_unstable();
        some.dedup();
    }
    some
}

fn publish(world: &mut World, by: usize) -> Publish {
    let (artifacts, mut weights) = (world.artifacts.clone(), world.weights.clone());
    let manifest = if world.chance.once_in(16) { world.chance.pick(&artifacts) } else { world.chance.digest() };
    // A pool of weight files that fills up: some are new, some belong to the lineage, some to strangers.
    let fresh = world.chance.digest();
    if weights.len() < 40 {
        world.weights.push(fresh);
        weights.push(fresh);
    }
    let mut parents = some(world, &artifacts, 3);
    if world.chance.once_in(24) {
        parents = vec![world.chance.digest()];
    }
    let royalty = if world.chance.once_in(2) { Rates::ZERO } else { rates(world, 52) };
    Publish {
        manifest,
        kind: [Kind::Model, Kind::Adapter, Kind::Dataset, Kind::Recipe, Kind::Evaluation][world.chance.index(5)],
        parents,
        royalty,
        payees: payees(world, by),
        weights: if world.chance.once_in(3) { some(world, &weights, 3) } else { vec![fresh] },
        name: label(world),
        tag: label(world),
    }
}

fn payees(world: &mut World, by: usize) -> Vec<Payee> {
    let mut payees = vec![Payee { account: world.players[by].id, weight: 1 }];
    for _ in 0..world.chance.below(3) {
        let account = world.players[world.chance.index(PLAYERS)].id;
        let weight = if world.chance.once_in(4) { u32::MAX } else { 7 };
        payees.push(Payee { account, weight });
    }
    if world.chance.once_in(16) {
        payees[0].weight = 0;
    }
    if !world.chance.once_in(16) {
        payees.sort_unstable_by_key(|payee| payee.account);
        payees.dedup_by_key(|payee| payee.account);
    }
    payees
}

fn artifact_of(world: &mut World) -> ArtifactId {
    let artifacts = world.artifacts.clone();
    if world.chance.once_in(12) { world.chance.digest() } else { world.chance.pick(&artifacts) }
}

fn artifact(world: &mut World, by: usize) -> Ask {
    let artifact = artifact_of(world);
    if world.chance.once_in(4) {
        return plain(by, Operation::Retire { artifact });
    }
    plain(by, Operation::Tag { name: label(world), tag: label(world), artifact })
}

fn offer(world: &mut World) -> Offer {
    let artifact = artifact_of(world);
    let context = 512;
    let default_output = if world.chance.once_in(12) { context + 1 } else { 64 };
    Offer {
        artifact,
        fee: rates(world, 200),
        engine: "history".into(),
        quantization: "F16".into(),
        context,
        default_output,
        bound: Bound { per_byte: 1, per_message: 8, constant: 8 },
    }
}

fn withdraw(world: &mut World, by: usize) -> Ask {
    if world.offers.is_empty() || world.chance.once_in(8) {
        return plain(by, Operation::Withdraw { offer: OfferId(world.chance.bytes()) });
    }
    let (offer, provider) = world.offers[world.chance.index(world.offers.len())];
    plain(if world.chance.once_in(4) { by } else { provider }, Operation::Withdraw { offer })
}

fn open(world: &mut World, by: usize) -> Ask {
    let provider = world.chance.index(PLAYERS);
    let gateway = world.chance.bytes();
    let gateway_key = world.know(gateway);
    let operation = Operation::Open { provider: world.players[provider].id, gateway_key, deposit: amount(world) };
    Ask { by, operation, then: Then::Opened(gateway, provider) }
}

fn channel(world: &mut World, by: usize) -> Ask {
    let lane = if world.lanes.is_empty() { 0 } else { world.chance.index(world.lanes.len()) };
    let lane = world.lanes.get(lane).cloned();
    let stranger = world.chance.once_in(6);
    let (channel, payer, provider) =
        lane.map_or_else(|| (ChannelId([9; 32]), by, by), |lane| (lane.id, lane.payer, lane.provider));
    let of = |who| if stranger { by } else { who };
    match world.chance.below(6) {
        0..2 => plain(of(payer), Operation::TopUp { channel, amount: amount(world) }),
        2..4 => plain(of(payer), Operation::Close { channel }),
        4 => plain(of(provider), Operation::Release { channel }),
        _ => plain(by, Operation::Finish { channel }),
    }
}

fn payout(world: &mut World, by: usize) -> Ask {
    let artifacts = world.artifacts.clone();
    let mut artifacts = some(world, &artifacts, 4);
    if world.chance.once_in(12) {
        artifacts = vec![world.chance.digest()];
    }
    plain(by, Operation::Payout { artifacts })
}
