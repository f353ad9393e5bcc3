//! What every history begins with: each kind of operation once, applied, and a receipt that is settled.

use api::{
    Ledger as _,
    text::Encoded,
    view::{Bill, ReceiptView, SettlementView, VoucherProof, payee_id},
};
use ledger::{
    Amount, ArtifactId, Bound, ChannelId, Digest, Effect, Kind, Offer, OfferId, Operation, Payee, Publish, Rates,
    Receipt, Register, Signature, Signed, Usage, log_tree,
};

use crate::{
    asks::plain,
    settle,
    world::{Ask, ISSUER, Lane, Outcome, PLAYERS, Then, World},
};

const MAKER: usize = 1;
const PROVIDER: usize = 2;
const PAYER: usize = 3;
/// Its receipts are numbered from 1; the one that is shown, and the one that is refused.
const RECEIPTS: u64 = 5;
const SHOWN: u64 = 3;
const REFUSED: u64 = 4;

/// Plays the scene; gives the view of one receipt.
pub async fn play(world: &mut World) -> Outcome<ReceiptView> {
    let base = found(world).await?;
    let offer = offer(world, base).await?;
    let channel = open(world).await?;
    let receipt = settle(world, offer).await?;
    let rest = [
        plain(PAYER, Operation::TopUp { channel, amount: Amount(5) }),
        plain(PAYER, Operation::Payout { artifacts: vec![base] }),
        plain(PROVIDER, Operation::Withdraw { offer }),
        plain(MAKER, Operation::Retire { artifact: base }),
        plain(PAYER, Operation::Close { channel }),
        plain(PROVIDER, Operation::Release { channel }),
        plain(ISSUER, Operation::Redeem { amount: Amount(7), reference: Digest([3; 32]) }),
    ];
    for ask in rest {
        one(world, ask).await?;
    }
    // A channel that is finished when its dispute window is over.
    let channel = open(world).await?;
    one(world, plain(PAYER, Operation::Close { channel })).await?;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    one(world, plain(MAKER, Operation::Finish { channel })).await?;
    Ok(receipt)
}

async fn one(world: &mut World, ask: Ask) -> Outcome<Effect> {
    let what = format!("{:?}", ask.operation);
    let effect = world.submit(&[ask]).await?.pop().flatten();
    effect.ok_or_else(|| format!("the scene does not play: {what}").into())
}

/// Money for all but the last, who stays poor; a name, a key, a door, a model.
async fn found(world: &mut World) -> Outcome<ArtifactId> {
    for player in 0..PLAYERS {
        let (to, reference) = (world.players[player].id, Digest([1; 32]));
        let amount = if player == PLAYERS - 1 { Amount(100_000) } else { Amount::credits(10) };
        one(world, plain(ISSUER, Operation::Issue { to, amount, reference })).await?;
    }
    let (secret, weight) = (world.chance.bytes(), world.chance.digest());
    let key = world.know(secret);
    let rotate = Operation::Rotate { key, proof: Signature([0; 64]) };
    one(world, Ask { by: PROVIDER, operation: rotate, then: Then::Rotated(secret) }).await?;
    one(world, plain(MAKER, Operation::Name { name: "maker".into() })).await?;
    let door = Register { address: "http://127.0.0.1:7420".into(), tls_key: None };
    one(world, plain(PROVIDER, Operation::Register(door))).await?;
    let manifest = world.chance.digest();
    let payee = |player: usize, weight| Payee { account: world.players[player].id, weight };
    let mut payees = vec![payee(MAKER, 2), payee(ISSUER, 1)];
    payees.sort_unstable_by_key(|payee| payee.account);
    let publish = Publish {
        manifest,
        kind: Kind::Model,
        parents: Vec::new(),
        royalty: Rates { input: 5, output: 7 },
        payees,
        weights: vec![weight],
        name: "base".into(),
        tag: "latest".into(),
    };
    one(world, plain(MAKER, Operation::Publish(publish))).await?;
    let tag = Operation::Tag { name: "base".into(), tag: "v1".into(), artifact: manifest };
    one(world, plain(MAKER, tag)).await?;
    one(world, plain(ISSUER, Operation::Lift { weight })).await?;
    let transfer = Operation::Transfer { to: world.players[PAYER].id, amount: Amount(9), reference: weight };
    one(world, plain(MAKER, transfer)).await?;
    world.weights.push(weight);
    Ok(manifest)
}

async fn offer(world: &mut World, artifact: ArtifactId) -> Outcome<OfferId> {
    let offer = Offer {
        artifact,
        fee: Rates { input: 11, output: 13 },
        engine: "history".into(),
        quantization: "F16".into(),
        context: 2_048,
        default_output: 128,
        bound: Bound { per_byte: 1, per_message: 8, constant: 8 },
    };
    match one(world, plain(PROVIDER, Operation::Offer(offer))).await? {
        Effect::Offered(id) => Ok(id),
        other => Err(format!("no offer but {other:?}").into()),
    }
}

async fn open(world: &mut World) -> Outcome<ChannelId> {
    let gateway = world.chance.bytes();
    let gateway_key = world.know(gateway);
    let (provider, deposit) = (world.players[PROVIDER].id, Amount(1_000_000_000));
    let operation = Operation::Open { provider, gateway_key, deposit };
    match one(world, Ask { by: PAYER, operation, then: Then::Opened(gateway, PROVIDER) }).await? {
        Effect::Opened(id) => Ok(id),
        other => Err(format!("no channel but {other:?}").into()),
    }
}

/// Five answers, one of them refused, settled by one voucher.
async fn settle(world: &mut World, offer: OfferId) -> Outcome<ReceiptView> {
    let head = world.replica.head().await?.head;
    let mut lane = world.lanes[0].clone();
    let (mut leaves, mut shown) = (Vec::new(), None);
    for number in 1..=RECEIPTS {
        let usage = Usage { input: 100 * number, output: 10 * number };
        let receipt = settle::receipt(world, &lane, offer, usage, head);
        let leaf = if number == REFUSED { settle::refusal(world, &lane, &receipt) } else { receipt.digest() };
        if number == REFUSED {
            lane.tally.push_refusal(leaf);
        } else {
            lane.tally.push_receipt(leaf, offer, usage).ok_or("too many tokens")?;
        }
        leaves.push(log_tree::leaf(&leaf.0));
        shown = shown.or_else(|| (number == SHOWN).then_some(receipt));
    }
    let ask = settle::settlement(world, 0, &lane.tally);
    one(world, ask).await?;
    view(world, &lane, &shown.ok_or("no receipt is shown")?, &leaves).await
}

async fn view(world: &World, lane: &Lane, receipt: &Signed<Receipt>, leaves: &[Digest]) -> Outcome<ReceiptView> {
    let order = &receipt.body.order;
    let price = world.replica.price(order.body.offer).await?;
    let settled = world.replica.settled(lane.id, SHOWN).await?.ok_or("the receipt is not settled")?;
    let path = log_tree::prove(leaves, usize::try_from(SHOWN - 1)?).ok_or("the receipt has no path")?;
    let usage = receipt.body.usage;
    let id = order.body.id.to_string();
    Ok(ReceiptView {
        id: id.clone(),
        state: "paid".into(),
        network: world.network.to_string(),
        offer: order.body.offer,
        order: Encoded(order.clone()),
        receipt: Some(Encoded(receipt.clone())),
        input: Some(usage.input),
        output: Some(usage.output),
        bill: Bill::of(id, &price, usage, payee_id),
        voucher: Some(VoucherProof {
            voucher: Encoded(settled.voucher),
            index: SHOWN - 1,
            path: path.iter().map(ToString::to_string).collect(),
        }),
        settlement: Some(SettlementView { entry: settled.entry, time: settled.at.0 }),
        salt: None,
    })
}
