//! Values of everything that is encoded, at random.

use ledger::{
    Account, AccountId, Amount, Artifact, Bound, Channel, ChannelId, Deposits, Digest, Fees, Finish, Genesis, Head,
    Kind, Limits, Line, Offer, OfferId, OfferRecord, Operation, Order, OrderId, Payee, Pot, PublicKey, Publish, Rates,
    Receipt, Record, Register, Request, Signature, Signed, Time, Totals, Usage, Voucher, Weight,
};
use proptest::{collection::vec, prelude::*};

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}

fn id() -> impl Strategy<Value = AccountId> {
    any::<[u8; 32]>().prop_map(AccountId)
}

fn public_key() -> impl Strategy<Value = PublicKey> {
    any::<[u8; 32]>().prop_map(PublicKey)
}

fn channel_id() -> impl Strategy<Value = ChannelId> {
    any::<[u8; 32]>().prop_map(ChannelId)
}

fn offer_id() -> impl Strategy<Value = OfferId> {
    any::<[u8; 32]>().prop_map(OfferId)
}

fn amount() -> impl Strategy<Value = Amount> {
    any::<u128>().prop_map(Amount)
}

fn rates() -> impl Strategy<Value = Rates> {
    any::<(u64, u64)>().prop_map(|(input, output)| Rates { input, output })
}

fn usage() -> impl Strategy<Value = Usage> {
    any::<(u64, u64)>().prop_map(|(input, output)| Usage { input, output })
}

fn signed<T: core::fmt::Debug>(body: impl Strategy<Value = T>) -> impl Strategy<Value = Signed<T>> {
    (body, any::<[u8; 64]>()).prop_map(|(body, signature)| Signed { body, signature: Signature(signature) })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    vec((offer_id(), usage()).prop_map(|(offer, usage)| Line { offer, usage }), 0..4)
}

pub fn voucher() -> impl Strategy<Value = Signed<Voucher>> {
    let body = (channel_id(), any::<u64>(), lines(), digest());
    signed(body.prop_map(|(channel, number, usage, root)| Voucher { channel, number, usage, root }))
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![Kind::Model, Kind::Adapter, Kind::Dataset, Kind::Recipe, Kind::Evaluation])
}

fn publish() -> impl Strategy<Value = Publish> {
    let payee = (id(), any::<u32>()).prop_map(|(account, weight)| Payee { account, weight });
    let lists = (vec(digest(), 0..4), vec(payee, 0..4), vec(digest(), 0..4));
    (digest(), kind(), rates(), lists, any::<(String, String)>()).prop_map(
        |(manifest, kind, royalty, (parents, payees, weights), (name, tag))| Publish {
            manifest,
            kind,
            parents,
            royalty,
            payees,
            weights,
            name,
            tag,
        },
    )
}

fn offer() -> impl Strategy<Value = Offer> {
    (digest(), rates(), any::<(String, String, u32, u32)>(), any::<(u16, u16, u16)>()).prop_map(
        |(artifact, fee, (engine, quantization, context, default_output), (per_byte, per_message, constant))| Offer {
            artifact,
            fee,
            engine,
            quantization,
            context,
            default_output,
            bound: Bound { per_byte, per_message, constant },
        },
    )
}

fn register() -> impl Strategy<Value = Register> {
    (any::<String>(), prop::option::of(digest())).prop_map(|(address, tls_key)| Register { address, tls_key })
}

fn operation() -> impl Strategy<Value = Operation> {
    let money = prop_oneof![
        (id(), amount(), digest()).prop_map(|(to, amount, reference)| Operation::Issue { to, amount, reference }),
        (amount(), digest()).prop_map(|(amount, reference)| Operation::Redeem { amount, reference }),
        digest().prop_map(|weight| Operation::Lift { weight }),
        (id(), amount(), digest()).prop_map(|(to, amount, reference)| Operation::Transfer { to, amount, reference }),
    ];
    let account = prop_oneof![
        any::<String>().prop_map(|name| Operation::Name { name }),
        (public_key(), any::<[u8; 64]>()).prop_map(|(key, proof)| Operation::Rotate { key, proof: Signature(proof) }),
        register().prop_map(Operation::Register),
    ];
    let artifact = prop_oneof![
        publish().prop_map(Operation::Publish),
        (any::<(String, String)>(), digest()).prop_map(|((name, tag), artifact)| Operation::Tag {
            name,
            tag,
            artifact
        }),
        digest().prop_map(|artifact| Operation::Retire { artifact }),
        offer().prop_map(Operation::Offer),
        offer_id().prop_map(|offer| Operation::Withdraw { offer }),
        vec(digest(), 0..5).prop_map(|artifacts| Operation::Payout { artifacts }),
    ];
    let channel = prop_oneof![
        (id(), public_key(), amount()).prop_map(|(provider, gateway_key, deposit)| Operation::Open {
            provider,
            gateway_key,
            deposit
        }),
        (channel_id(), amount()).prop_map(|(channel, amount)| Operation::TopUp { channel, amount }),
        voucher().prop_map(|voucher| Operation::Settle { voucher }),
        channel_id().prop_map(|channel| Operation::Close { channel }),
        channel_id().prop_map(|channel| Operation::Release { channel }),
        channel_id().prop_map(|channel| Operation::Finish { channel }),
    ];
    prop_oneof![money, account, artifact, channel]
}

pub fn request() -> impl Strategy<Value = Signed<Request>> {
    let body = (digest(), id(), public_key(), any::<(u64, u64)>(), operation());
    signed(body.prop_map(|(network, account, key, (sequence, not_after), operation)| Request {
        network,
        account,
        key,
        sequence,
        not_after: Time(not_after),
        operation,
    }))
}

fn order() -> impl Strategy<Value = Signed<Order>> {
    let body = (channel_id(), any::<[u8; 16]>(), offer_id(), digest(), usage(), any::<u64>());
    signed(body.prop_map(|(channel, id, offer, request, limit, expires)| Order {
        channel,
        id: OrderId(id),
        offer,
        request,
        limit,
        expires: Time(expires),
    }))
}

pub fn receipt() -> impl Strategy<Value = Signed<Receipt>> {
    let finish = prop::sample::select(vec![Finish::Stop, Finish::Length, Finish::Cancelled, Finish::ToolCalls]);
    let body = (order(), any::<(u64, u64, u64)>(), digest(), usage(), finish, digest());
    signed(body.prop_map(|(order, (number, time, size), answer, usage, finish, root)| Receipt {
        order,
        number,
        answer,
        usage,
        finish,
        time: Time(time),
        head: Head { size, root },
    }))
}

fn account() -> impl Strategy<Value = Account> {
    (public_key(), any::<u64>(), amount(), any::<Option<String>>(), prop::option::of(register().prop_map(Box::new)))
        .prop_map(|(key, sequence, balance, name, door)| Account { key, sequence, balance, name, door })
}

fn artifact() -> impl Strategy<Value = Artifact> {
    (id(), publish(), any::<(u64, u64, bool)>(), vec(digest(), 0..3)).prop_map(
        |(publisher, publish, (time, ordinal, retired), priced)| Artifact {
            publisher,
            publish,
            time: Time(time),
            ordinal,
            priced,
            retired,
        },
    )
}

fn channel() -> impl Strategy<Value = Channel> {
    let who = (id(), id(), public_key(), public_key());
    (who, amount(), amount(), any::<(u64, Option<u64>)>(), lines(), digest()).prop_map(
        |((payer, provider, provider_key, gateway_key), deposit, spent, (number, closing), usage, root)| Channel {
            payer,
            provider,
            provider_key,
            gateway_key,
            deposit,
            spent,
            number,
            usage,
            root,
            closing: closing.map(Time),
        },
    )
}

pub fn record() -> impl Strategy<Value = Record> {
    let totals = (any::<(u64, u64, u64)>(), amount(), amount(), amount(), amount());
    let totals = totals.prop_map(|((time, operations, artifacts), issued, redeemed, deposits, pots)| {
        Record::Totals(Totals { time: Time(time), operations, issued, redeemed, deposits, pots, artifacts })
    });
    prop_oneof![
        totals,
        account().prop_map(Record::Account),
        id().prop_map(Record::Name),
        artifact().prop_map(Box::new).prop_map(Record::Artifact),
        digest().prop_map(Record::Tag),
        (digest(), any::<bool>()).prop_map(|(first, lifted)| Record::Weight(Weight { first, lifted })),
        (amount(), vec(amount(), 0..4)).prop_map(|(lifetime, paid)| Record::Pot(Pot { lifetime, paid })),
        (id(), offer(), any::<bool>()).prop_map(|(provider, offer, withdrawn)| {
            Record::Offer(Box::new(OfferRecord { provider, offer, withdrawn }))
        }),
        channel().prop_map(Box::new).prop_map(Record::Channel),
    ]
}

pub fn genesis() -> impl Strategy<Value = Genesis> {
    let who = (id(), vec(public_key(), 0..3), id());
    (any::<(String, u64, u64, u64)>(), who, any::<[u128; 7]>(), any::<[u32; 7]>()).prop_map(
        |((origin, founded, royalty_max, dispute_window_ms), (issuer, replicas, beneficiary), amounts, limits)| {
            Genesis {
                origin,
                founded: Time(founded),
                issuer,
                replicas,
                beneficiary,
                fees: fees(amounts),
                deposits: deposits(amounts),
                royalty_max,
                dispute_window_ms,
                limits: self::limits(limits),
            }
        },
    )
}

fn fees([operation, byte, pot, ..]: [u128; 7]) -> Fees {
    Fees { operation: Amount(operation), byte: Amount(byte), pot: Amount(pot) }
}

fn deposits([_, _, _, name, artifact, offer, channel]: [u128; 7]) -> Deposits {
    Deposits { name: Amount(name), artifact: Amount(artifact), offer: Amount(offer), channel: Amount(channel) }
}

fn limits(
    [parents, weights, priced_works, lineage_walk, voucher_offers, settlement_pots, payout_pots]: [u32; 7],
) -> Limits {
    Limits { parents, weights, priced_works, lineage_walk, voucher_offers, settlement_pots, payout_pots }
}
