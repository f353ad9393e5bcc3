//! Operations and what came of them as JSON for people.

use ledger::{Effect, Operation, Outcome};
use serde_json::{Value, json};

use super::view::{kind, lines, pico, rates, texts};

/// What was asked: `kind` names it as `ledger::Operation` does.
pub(super) fn operation(operation: &Operation) -> Value {
    match operation {
        Operation::Issue { to, amount, reference } => {
            json!({ "kind": "issue", "to": to.to_string(), "amount": pico(*amount), "reference": reference.to_string() })
        }
        Operation::Redeem { amount, reference } => {
            json!({ "kind": "redeem", "amount": pico(*amount), "reference": reference.to_string() })
        }
        Operation::Lift { weight } => json!({ "kind": "lift", "weight": weight.to_string() }),
        Operation::Transfer { to, amount, reference } => {
            json!({ "kind": "transfer", "to": to.to_string(), "amount": pico(*amount), "reference": reference.to_string() })
        }
        Operation::Name { name } => json!({ "kind": "name", "name": name }),
        Operation::Rotate { key, .. } => json!({ "kind": "rotate", "key": key.to_string() }),
        Operation::Publish(publish) => json!({
            "kind": "publish",
            "artifact": publish.manifest.to_string(),
            "artifact_kind": kind(publish.kind),
            "name": publish.name,
            "tag": publish.tag,
            "parents": texts(&publish.parents),
            "royalty": rates(publish.royalty),
        }),
        Operation::Tag { name, tag, artifact } => {
            json!({ "kind": "tag", "name": name, "tag": tag, "artifact": artifact.to_string() })
        }
        Operation::Retire { artifact } => json!({ "kind": "retire", "artifact": artifact.to_string() }),
        Operation::Register(door) => json!({ "kind": "register", "address": door.address }),
        Operation::Offer(offer) => {
            json!({ "kind": "offer", "artifact": offer.artifact.to_string(), "fee": rates(offer.fee) })
        }
        Operation::Withdraw { offer } => json!({ "kind": "withdraw", "offer": offer.to_string() }),
        money => channel_operation(money),
    }
}

fn channel_operation(operation: &Operation) -> Value {
    match operation {
        Operation::Open { provider, gateway_key, deposit } => json!({
            "kind": "open",
            "provider": provider.to_string(),
            "gateway_key": gateway_key.to_string(),
            "deposit": pico(*deposit),
        }),
        Operation::TopUp { channel, amount } => {
            json!({ "kind": "top_up", "channel": channel.to_string(), "amount": pico(*amount) })
        }
        Operation::Settle { voucher } => json!({
            "kind": "settle",
            "channel": voucher.body.channel.to_string(),
            "receipts": voucher.body.number,
            "usage": lines(&voucher.body.usage),
            "root": voucher.body.root.to_string(),
        }),
        Operation::Close { channel } => json!({ "kind": "close", "channel": channel.to_string() }),
        Operation::Release { channel } => json!({ "kind": "release", "channel": channel.to_string() }),
        Operation::Finish { channel } => json!({ "kind": "finish", "channel": channel.to_string() }),
        Operation::Payout { artifacts } => json!({ "kind": "payout", "artifacts": texts(artifacts) }),
        _ => Value::Null,
    }
}

/// What came of an applied operation.
pub(super) fn outcome(outcome: &Outcome) -> Value {
    let effect = match &outcome.effect {
        Effect::Done => Value::Null,
        Effect::Published(artifact) => json!({ "artifact": artifact.to_string() }),
        Effect::Offered(offer) => json!({ "offer": offer.to_string() }),
        Effect::Opened(channel) => json!({ "channel": channel.to_string() }),
        Effect::Settled(channel, settlement) => {
            let royalty = |charge: &ledger::Charge| json!({ "artifact": charge.artifact.to_string(), "amount": pico(charge.amount) });
            json!({
                "channel": channel.to_string(),
                "provider_fee": pico(settlement.fee),
                "royalties": settlement.royalties.iter().map(royalty).collect::<Vec<_>>(),
                "total": pico(settlement.total),
            })
        }
        Effect::Finished { channel, returned } => {
            json!({ "channel": channel.to_string(), "returned": pico(*returned) })
        }
        Effect::PaidOut(payments) => {
            let payment = payments
                .iter()
                .map(|(account, amount)| json!({ "account": account.to_string(), "amount": pico(*amount) }));
            json!({ "payments": payment.collect::<Vec<_>>() })
        }
    };
    json!({ "fee": pico(outcome.fee), "effect": effect })
}
