//! One fixed value of everything that is encoded: the golden files freeze their bytes.

use ledger::{
    Account, AccountId, Amount, Artifact, Bound, Channel, ChannelId, Charge, Deposits, Digest, Effect, Fees, Finish,
    Genesis, Head, Key, KeyProof, Keypair, Kind, Limits, Line, Offer, OfferId, OfferRecord, Operation, Order, OrderId,
    Outcome, Payee, Pot, PublicKey, Publish, Rates, Receipt, Record, Refusal, RefusalReason, Register, Request,
    Settlement, Signable, Signature, Tally, Time, Totals, Usage, Voucher, Weight, encode, salted,
};

fn d(number: u8) -> Digest {
    Digest([number; 32])
}

fn a(number: u8) -> AccountId {
    AccountId([number; 32])
}

fn fixed_publish() -> Publish {
    Publish {
        manifest: d(0x30),
        kind: Kind::Adapter,
        parents: vec![d(0x31), d(0x32)],
        royalty: Rates { input: 5, output: 7 },
        payees: vec![Payee { account: a(0x33), weight: 2 }, Payee { account: a(0x34), weight: 1 }],
        weights: vec![d(0x35)],
        name: "tune".into(),
        tag: "latest".into(),
    }
}

fn fixed_offer() -> Offer {
    Offer {
        artifact: d(0x30),
        fee: Rates { input: 11, output: 13 },
        engine: "llama.cpp/b1".into(),
        quantization: "Q4_0".into(),
        context: 4_096,
        default_output: 512,
        bound: Bound { per_byte: 1, per_message: 8, constant: 16 },
    }
}

fn fixed_lines() -> Vec<Line> {
    vec![
        Line { offer: OfferId([0x40; 32]), usage: Usage { input: 10, output: 20 } },
        Line { offer: OfferId([0x41; 32]), usage: Usage { input: 0, output: 1 << 48 } },
    ]
}

fn fixed_voucher() -> Voucher {
    Voucher { channel: ChannelId([0x50; 32]), number: 3, usage: fixed_lines(), root: d(0x51) }
}

fn fixed_order() -> Order {
    Order {
        channel: ChannelId([0x50; 32]),
        id: OrderId([0x52; 16]),
        offer: OfferId([0x40; 32]),
        request: salted(&[0x53; 32], b"question"),
        limit: Usage { input: 100, output: 200 },
        expires: Time(9_000),
    }
}

fn fixed_key() -> Keypair {
    Keypair::from_secret(&[0x60; 32])
}

fn fixed_receipt(finish: Finish) -> Receipt {
    Receipt {
        order: fixed_key().sign(d(1), fixed_order()),
        number: 1,
        answer: salted(&[0x54; 32], b"answer"),
        usage: Usage { input: 10, output: 20 },
        finish,
        time: Time(8_000),
        head: Head { size: 5, root: d(0x55) },
    }
}

fn fixed_refusal(reason: RefusalReason) -> Refusal {
    Refusal { channel: ChannelId([0x50; 32]), number: 2, receipt: d(0x56), order: OrderId([0x52; 16]), reason }
}

fn fixed_genesis() -> Genesis {
    Genesis {
        origin: "pumasi.test/golden".into(),
        founded: Time(1_000),
        issuer: a(0x10),
        replicas: vec![PublicKey([0x11; 32]), PublicKey([0x12; 32])],
        beneficiary: a(0x13),
        fees: Fees { operation: Amount(1), byte: Amount(2), pot: Amount(3) },
        deposits: Deposits { name: Amount(4), artifact: Amount(5), offer: Amount(6), channel: Amount(7) },
        royalty_max: 1_000_000,
        dispute_window_ms: 86_400_000,
        limits: Limits::CEILING,
    }
}

fn operations() -> Vec<(&'static str, Operation)> {
    let (amount, reference, channel) = (Amount(1_500_000_000_000), d(0x20), ChannelId([0x50; 32]));
    let door = Register { address: "https://example.org:443".into(), tls_key: Some(d(0x21)) };
    vec![
        ("issue", Operation::Issue { to: a(0x22), amount, reference }),
        ("redeem", Operation::Redeem { amount, reference }),
        ("lift", Operation::Lift { weight: d(0x35) }),
        ("transfer", Operation::Transfer { to: a(0x22), amount, reference }),
        ("name", Operation::Name { name: "alice".into() }),
        ("rotate", Operation::Rotate { key: PublicKey([0x23; 32]), proof: Signature([0x24; 64]) }),
        ("publish", Operation::Publish(fixed_publish())),
        ("tag", Operation::Tag { name: "tune".into(), tag: "stable".into(), artifact: d(0x30) }),
        ("retire", Operation::Retire { artifact: d(0x30) }),
        ("register", Operation::Register(door)),
        ("offer", Operation::Offer(fixed_offer())),
        ("withdraw", Operation::Withdraw { offer: OfferId([0x40; 32]) }),
        ("open", Operation::Open { provider: a(0x25), gateway_key: PublicKey([0x26; 32]), deposit: amount }),
        ("topup", Operation::TopUp { channel, amount }),
        ("settle", Operation::Settle { voucher: fixed_key().sign(d(1), fixed_voucher()) }),
        ("close", Operation::Close { channel }),
        ("release", Operation::Release { channel }),
        ("finish", Operation::Finish { channel }),
        ("payout", Operation::Payout { artifacts: vec![d(0x30), d(0x31)] }),
    ]
}

fn fixed_request(operation: Operation) -> Request {
    let key = fixed_key().public();
    Request { network: d(1), account: key.into(), key, sequence: 7, not_after: Time(10_000), operation }
}

fn keys() -> Vec<(&'static str, Key)> {
    vec![
        ("totals", Key::Totals),
        ("account", Key::Account(a(0x22))),
        ("name", Key::Name("alice".into())),
        ("artifact", Key::Artifact(d(0x30))),
        ("tag", Key::Tag(a(0x22), "tune".into(), "latest".into())),
        ("weight", Key::Weight(d(0x35))),
        ("pot", Key::Pot(d(0x30))),
        ("offer", Key::Offer(OfferId([0x40; 32]))),
        ("channel", Key::Channel(ChannelId([0x50; 32]))),
    ]
}

fn records() -> Vec<Record> {
    let (one, publish) = (Amount(1), fixed_publish());
    let door = Some(Box::new(Register { address: "http://[::1]:7420".into(), tls_key: None }));
    let (key, who) = (PublicKey([0x23; 32]), a(0x22));
    let (time, issued) = (Time(9), Amount(7));
    let totals = Totals { time, operations: 8, issued, redeemed: one, deposits: one, pots: one, artifacts: 1 };
    vec![
        Record::Totals(totals),
        Record::Account(Account { key, sequence: 3, balance: Amount(4), name: Some("alice".into()), door }),
        Record::Name(who),
        Record::Artifact(Box::new(Artifact {
            publisher: who,
            publish,
            time: Time(5),
            ordinal: 2,
            priced: vec![d(0x30)],
            retired: false,
        })),
        Record::Tag(d(0x30)),
        Record::Weight(Weight { first: d(0x30), lifted: true }),
        Record::Pot(Pot { lifetime: Amount(10), paid: vec![Amount(6), Amount(3)] }),
        Record::Offer(Box::new(OfferRecord { provider: a(0x25), offer: fixed_offer(), withdrawn: true })),
        Record::Channel(Box::new(Channel {
            payer: who,
            provider: a(0x25),
            provider_key: PublicKey([0x25; 32]),
            gateway_key: PublicKey([0x26; 32]),
            deposit: Amount(100),
            spent: Amount(10),
            number: 3,
            usage: fixed_lines(),
            root: d(0x51),
            closing: Some(Time(99)),
        })),
    ]
}

fn outcomes() -> Vec<(&'static str, Effect)> {
    let royalties = vec![Charge { artifact: d(0x30), amount: Amount(2) }];
    let settlement = Settlement { fee: Amount(1), royalties, total: Amount(3) };
    vec![
        ("done", Effect::Done),
        ("published", Effect::Published(d(0x30))),
        ("offered", Effect::Offered(OfferId([0x40; 32]))),
        ("opened", Effect::Opened(ChannelId([0x50; 32]))),
        ("settled", Effect::Settled(ChannelId([0x50; 32]), settlement)),
        ("finished", Effect::Finished { channel: ChannelId([0x50; 32]), returned: Amount(9) }),
        ("paid-out", Effect::PaidOut(vec![(a(0x33), Amount(6)), (a(0x34), Amount(3))])),
    ]
}

/// One encoding of everything that can be decoded, by name.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let sign = |operation| encode(&fixed_key().sign(d(1), fixed_request(operation)));
    let mut all: Vec<(String, Vec<u8>)> = vec![("genesis".into(), encode(&fixed_genesis()))];
    all.extend(operations().into_iter().map(|(name, operation)| (format!("operation {name}"), sign(operation))));
    all.push(("order".into(), encode(&fixed_key().sign(d(1), fixed_order()))));
    for finish in [Finish::Stop, Finish::Length, Finish::Cancelled, Finish::ToolCalls] {
        all.push((format!("receipt {finish:?}"), encode(&fixed_key().sign(d(1), fixed_receipt(finish)))));
    }
    use RefusalReason as Why;
    for reason in [Why::OrderUnknown, Why::LimitExceeded, Why::MoreThanStreamed, Why::AnswerDiffers] {
        all.push((format!("refusal {reason:?}"), encode(&fixed_key().sign(d(1), fixed_refusal(reason)))));
    }
    all.push(("voucher".into(), encode(&fixed_key().sign(d(1), fixed_voucher()))));
    for ((name, key), record) in keys().into_iter().zip(records()) {
        all.push((format!("key {name}"), encode(&key)));
        all.push((format!("record {name}"), encode(&record)));
    }
    let outcome = |effect| encode(&Outcome { fee: Amount(5), effect });
    all.extend(outcomes().into_iter().map(|(name, effect)| (format!("outcome {name}"), outcome(effect))));
    let mut tally = Tally::new(ChannelId([0x50; 32]));
    tally.push_receipt(d(0x57), OfferId([0x40; 32]), Usage { input: 10, output: 20 }).expect("within a line");
    tally.push_refusal(d(0x58));
    all.push(("tally".into(), encode(&tally)));
    all
}

/// What is signed for each purpose.
pub fn messages() -> Vec<(String, Vec<u8>)> {
    let proof = KeyProof { account: a(0x22), sequence: 7 };
    let lift = Operation::Lift { weight: d(0x35) };
    vec![
        ("message operation".into(), fixed_request(lift).message(d(1))),
        ("message key-proof".into(), proof.message(d(1))),
        ("message order".into(), fixed_order().message(d(1))),
        ("message receipt".into(), fixed_receipt(Finish::Stop).message(d(1))),
        ("message refusal".into(), fixed_refusal(RefusalReason::AnswerDiffers).message(d(1))),
        ("message voucher".into(), fixed_voucher().message(d(1))),
        ("network".into(), fixed_genesis().network().0.into()),
        ("salted".into(), salted(&[0x53; 32], b"question").0.into()),
    ]
}
