//! Receipts, vouchers over them, and settlements: good ones, and each kind of bad one from time to time.

use ledger::{
    ChannelId, Digest, Finish, Head, Keypair, Line, OfferId, Operation, Order, OrderId, Receipt, Refusal,
    RefusalReason, Signed, Tally, Time, Usage, Voucher,
};

use crate::{
    asks::plain,
    world::{Ask, Lane, Then, World},
};

/// Signs the next receipt of a channel, for an order at this offer.
pub fn receipt(world: &mut World, lane: &Lane, offer: OfferId, usage: Usage, head: Head) -> Signed<Receipt> {
    let network = world.network;
    let mut id = [0; 16];
    id.copy_from_slice(&world.chance.bytes()[..16]);
    let limit = Usage { input: usage.input + 10, output: usage.output + 10 };
    let expires = Time(u64::MAX);
    let order = Order { channel: lane.id, id: OrderId(id), offer, request: world.chance.digest(), limit, expires };
    let order = Keypair::from_secret(&lane.gateway).sign(network, order);
    let (number, answer) = (lane.tally.number() + 1, world.chance.digest());
    let receipt = Receipt { order, number, answer, usage, finish: Finish::Stop, time: Time(1_700_000_000_001), head };
    Keypair::from_secret(&lane.provider_key).sign(network, receipt)
}

/// The refusal of a receipt.
pub fn refusal(world: &World, lane: &Lane, receipt: &Signed<Receipt>) -> Digest {
    let refusal = Refusal {
        channel: lane.id,
        number: receipt.body.number,
        receipt: receipt.digest(),
        order: receipt.body.order.body.id,
        reason: RefusalReason::MoreThanStreamed,
    };
    Keypair::from_secret(&lane.gateway).sign(world.network, refusal).digest()
}

/// The provider's operation that settles what a channel has come to.
pub fn settlement(world: &World, at: usize, tally: &Tally) -> Ask {
    let lane = &world.lanes[at];
    let voucher = Keypair::from_secret(&lane.gateway).sign(world.network, tally.voucher());
    Ask { by: lane.provider, operation: Operation::Settle { voucher }, then: Then::Settled(at, tally.clone()) }
}

/// A settlement of some channel by chance.
pub fn ask(world: &mut World, by: usize) -> Ask {
    if world.lanes.is_empty() {
        let voucher = Voucher { channel: ChannelId([9; 32]), number: 1, usage: Vec::new(), root: Digest([0; 32]) };
        let voucher = Keypair::from_secret(&world.players[by].secret).sign(world.network, voucher);
        return plain(by, Operation::Settle { voucher });
    }
    // Mostly the newest channels, which are likely to be open.
    let newest = world.lanes.len().saturating_sub(6);
    let at = newest + world.chance.index(world.lanes.len() - newest);
    let lane = world.lanes[at].clone();
    let mine = world.offers.iter().filter(|offer| offer.1 == lane.provider);
    let mine: Vec<OfferId> = mine.map(|offer| offer.0).collect();
    let mut tally = lane.tally.clone();
    for _ in 0..=world.chance.below(3) {
        let usage = Usage { input: world.chance.below(2_000), output: world.chance.below(2_000) };
        if !mine.is_empty() {
            let offer = mine[world.chance.index(mine.len())];
            let digest = world.chance.digest();
            // A line that would exceed its limit is left out.
            let _ = tally.push_receipt(digest, offer, usage);
        }
        if mine.is_empty() || world.chance.once_in(4) {
            tally.push_refusal(world.chance.digest());
        }
    }
    if world.chance.once_in(2) {
        return settlement(world, at, &tally);
    }
    let mut voucher = tally.voucher();
    let gateway = if world.chance.once_in(8) { world.chance.bytes() } else { lane.gateway };
    spoil(world, &lane, &mut voucher);
    let voucher = Keypair::from_secret(&gateway).sign(world.network, voucher);
    plain(if world.chance.once_in(8) { by } else { lane.provider }, Operation::Settle { voucher })
}

fn spoil(world: &mut World, lane: &Lane, voucher: &mut Voucher) {
    let foreign = |world: &mut World| world.offers[world.chance.index(world.offers.len())].0;
    match world.chance.below(6) {
        0 => voucher.number = lane.tally.number(),
        1 => voucher.usage.reverse(),
        2 => drop(voucher.usage.pop()),
        3 if !world.offers.is_empty() => {
            let offer = foreign(world);
            if let Err(at) = voucher.usage.binary_search_by_key(&offer, |line| line.offer) {
                voucher.usage.insert(at, Line { offer, usage: Usage { input: 1, output: 1 } });
            }
        }
        4 => voucher.usage.iter_mut().for_each(|line| line.usage.input = Usage::TOKENS_MAX),
        _ => voucher.usage.iter_mut().for_each(|line| line.usage.output = Usage::TOKENS_MAX + 1),
    }
}
