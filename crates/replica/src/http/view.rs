//! Records as JSON for people.

use api::income::{Earnings, Fee, Royalty};
use ledger::{
    Account, AccountId, Amount, Artifact, ArtifactId, Channel, ChannelId, Kind, Line, OfferId, OfferRecord, Rates,
    Usage,
};
use serde_json::{Value, json};

pub(super) fn pico(amount: Amount) -> Value {
    amount.0.to_string().into()
}

pub(super) fn rates(rates: Rates) -> Value {
    json!({ "input": rates.input, "output": rates.output })
}

pub(super) fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

pub(super) fn lines(lines: &[Line]) -> Vec<Value> {
    let line = |line: &Line| json!({ "offer": line.offer.to_string(), "input": line.usage.input, "output": line.usage.output });
    lines.iter().map(line).collect()
}

pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Model => "model",
        Kind::Adapter => "adapter",
        Kind::Dataset => "dataset",
        Kind::Recipe => "recipe",
        Kind::Evaluation => "evaluation",
    }
}

pub(super) fn account(id: AccountId, account: &Account) -> Value {
    json!({
        "id": id.to_string(),
        "name": account.name,
        "key": account.key.to_string(),
        "sequence": account.sequence,
        "balance": pico(account.balance),
        "address": account.door.as_ref().map(|door| &door.address),
        "tls_key": account.door.as_ref().and_then(|door| door.tls_key).map(|key| key.to_string()),
    })
}

pub(super) fn artifact(id: ArtifactId, artifact: &Artifact) -> Value {
    let publish = &artifact.publish;
    let payee = |payee: &ledger::Payee| json!({ "account": payee.account.to_string(), "weight": payee.weight });
    json!({
        "id": id.to_string(),
        "publisher": artifact.publisher.to_string(),
        "name": publish.name,
        "kind": kind(publish.kind),
        "parents": texts(&publish.parents),
        "royalty": rates(publish.royalty),
        "payees": publish.payees.iter().map(payee).collect::<Vec<_>>(),
        "weights": texts(&publish.weights),
        "priced": texts(&artifact.priced),
        "time": artifact.time.0,
        "ordinal": artifact.ordinal,
        "retired": artifact.retired,
    })
}

pub(super) fn day((day, usage, earned): &(u64, Usage, Amount)) -> Value {
    json!({ "day": day, "input": usage.input, "output": usage.output, "earned": pico(*earned) })
}

pub(super) fn earnings(earnings: &Earnings) -> Value {
    let royalty = |royalty: &Royalty| {
        let mut shown = day(&(royalty.day, royalty.usage, royalty.amount));
        shown["artifact"] = royalty.artifact.to_string().into();
        shown
    };
    let fee = |fee: &Fee| day(&(fee.day, fee.usage, fee.amount));
    json!({
        "royalties": earnings.royalties.iter().map(royalty).collect::<Vec<_>>(),
        "fees": earnings.fees.iter().map(fee).collect::<Vec<_>>(),
    })
}

pub(super) fn offer(id: OfferId, record: &OfferRecord) -> Value {
    let offer = &record.offer;
    json!({
        "id": id.to_string(),
        "provider": record.provider.to_string(),
        "artifact": offer.artifact.to_string(),
        "fee": rates(offer.fee),
        "engine": offer.engine,
        "quantization": offer.quantization,
        "context": offer.context,
        "default_output": offer.default_output,
        "withdrawn": record.withdrawn,
    })
}

pub(super) fn channel(id: ChannelId, channel: &Channel) -> Value {
    json!({
        "id": id.to_string(),
        "payer": channel.payer.to_string(),
        "provider": channel.provider.to_string(),
        "provider_key": channel.provider_key.to_string(),
        "gateway_key": channel.gateway_key.to_string(),
        "deposit": pico(channel.deposit),
        "spent": pico(channel.spent),
        "free": pico(channel.free()),
        "receipts_settled": channel.number,
        "usage": lines(&channel.usage),
        "root": channel.root.to_string(),
        "may_finish": channel.closing.map(|time| time.0),
    })
}
