//! A small network's whole life, in bytes: what docs/ledger.md shows and what an auditor in another language is tried on.

use ledger::{
    AccountId, Amount, Bound, ChannelId, Deposits, Digest, Effect, Fees, Finish, Genesis, Head, Key, Keypair, Kind,
    Limits, Offer, OfferId, Operation, Order, OrderId, Payee, Publish, Rates, Receipt, Refusal, RefusalReason, Request,
    Signable as _, Signed, State, Tally, Time, Usage, encode, log_tree, salted,
};
use std::fmt::Write as _;

use crate::hex;

const FOUNDED: u64 = 1_700_000_000_000;
const CREDIT: u128 = 1_000_000_000_000;

const ISSUER: u8 = 1;
const REPLICA: u8 = 2;
const AUTHOR: u8 = 3;
const PROVIDER: u8 = 4;
const PAYER: u8 = 5;
const GATEWAY: u8 = 6;

fn key(secret: u8) -> Keypair {
    Keypair::from_secret(&[secret; 32])
}

fn account(secret: u8) -> AccountId {
    key(secret).public().into()
}

fn genesis() -> Genesis {
    Genesis {
        origin: "pumasi.example/main".into(),
        founded: Time(FOUNDED),
        issuer: account(ISSUER),
        replicas: vec![key(REPLICA).public()],
        beneficiary: account(ISSUER),
        fees: Fees { operation: Amount(1_000), byte: Amount(1), pot: Amount(500) },
        deposits: Deposits {
            name: Amount(2_000_000),
            artifact: Amount(1_000_000),
            offer: Amount(500_000),
            channel: Amount(250_000),
        },
        royalty_max: 1_000_000,
        dispute_window_ms: 86_400_000,
        limits: Limits::CEILING,
    }
}

/// The ledger, its log, and what is told of both.
struct Story {
    state: State,
    now: u64,
    log: Vec<Digest>,
    text: String,
}

impl Story {
    fn new() -> Self {
        let state = State::new(genesis()).expect("a good genesis");
        let mut story = Self { state, now: FOUNDED, log: Vec::new(), text: String::new() };
        story.tell("genesis", &encode(&genesis()));
        let network = story.state.network();
        story.tell("network", &network.0);
        story.entry(&[&[0], &encode(&genesis())[..]].concat());
        story.root();
        story
    }

    /// A name, and bytes below it in lines of 48.
    fn tell(&mut self, name: &str, bytes: &[u8]) {
        let _ = writeln!(self.text, "{name}");
        for line in bytes.chunks(48) {
            let _ = writeln!(self.text, "  {}", hex(line));
        }
    }

    fn note(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.text, "{name}: {value}");
    }

    fn entry(&mut self, bytes: &[u8]) {
        let number = self.log.len();
        self.tell(&format!("entry {number}"), bytes);
        self.log.push(log_tree::leaf(bytes));
    }

    /// Ends a group.
    fn root(&mut self) {
        let root = self.state.root();
        self.entry(&[&[2], &root.0[..]].concat());
    }

    fn ask(&mut self, by: u8, operation: Operation) -> Option<Effect> {
        self.now += 1_000;
        let (network, at) = (self.state.network(), Time(self.now));
        let sequence = self.state.account(&account(by)).sequence;
        let (key, not_after) = (key(by), Time(self.now + 60_000));
        let request = Request { network, account: account(by), key: key.public(), sequence, not_after, operation };
        let message = request.message(network);
        let signed = key.sign(network, request);
        let verified = signed.clone().into_verified(network).expect("a good signature");
        let result = self.state.apply(at, &verified);
        if self.log.len() == 2 {
            self.tell("message of entry 2", &message);
        }
        let number = result.as_ref().map_or_else(|reject| reject.number(), |_| 0);
        self.entry(&encode(&(1u8, at, signed, number)));
        result.ok().map(|outcome| outcome.effect)
    }
}

fn issue(to: u8, credits: u128) -> Operation {
    Operation::Issue { to: account(to), amount: Amount(credits * CREDIT), reference: Digest([0; 32]) }
}

fn payees(of: &[(u8, u32)]) -> Vec<Payee> {
    let mut payees: Vec<_> = of.iter().map(|&(who, weight)| Payee { account: account(who), weight }).collect();
    payees.sort();
    payees
}

fn base() -> Digest {
    Digest::of(b"base manifest")
}

fn tune() -> Digest {
    Digest::of(b"tune manifest")
}

fn publish_base() -> Operation {
    Operation::Publish(Publish {
        manifest: base(),
        kind: Kind::Model,
        parents: Vec::new(),
        royalty: Rates { input: 5, output: 7 },
        payees: payees(&[(AUTHOR, 2), (ISSUER, 1)]),
        weights: vec![Digest::of(b"base weights")],
        name: "base".into(),
        tag: "latest".into(),
    })
}

fn publish_tune() -> Operation {
    Operation::Publish(Publish {
        manifest: tune(),
        kind: Kind::Adapter,
        parents: vec![base()],
        royalty: Rates { input: 0, output: 3 },
        payees: payees(&[(PROVIDER, 1)]),
        weights: vec![Digest::of(b"tune weights")],
        name: "tune".into(),
        tag: "latest".into(),
    })
}

fn offer() -> Operation {
    Operation::Offer(Offer {
        artifact: tune(),
        fee: Rates { input: 11, output: 13 },
        engine: "llama.cpp/b1".into(),
        quantization: "Q4_0".into(),
        context: 4_096,
        default_output: 512,
        bound: Bound { per_byte: 1, per_message: 8, constant: 16 },
    })
}

/// One answer: the order, and the receipt with this number.
fn answer(network: Digest, (channel, offer): (ChannelId, OfferId), number: u8, usage: Usage) -> Signed<Receipt> {
    let order = Order {
        channel,
        id: OrderId([number; 16]),
        offer,
        request: salted(&[0x10 + number; 32], b"What is pumasi?"),
        limit: Usage { input: 2_000, output: 1_000 },
        expires: Time(FOUNDED + 3_600_000),
    };
    let receipt = Receipt {
        order: key(GATEWAY).sign(network, order),
        number: u64::from(number),
        answer: salted(&[0x20 + number; 32], b"Work paid back with work."),
        usage,
        finish: Finish::Stop,
        time: Time(FOUNDED + 60_000),
        head: Head { size: 2, root: Digest::of(b"a head") },
    };
    key(PROVIDER).sign(network, receipt)
}

/// Two answers, the second refused, and the voucher that pays the first.
fn trade(story: &mut Story, channel: ChannelId, offer: OfferId) -> Operation {
    let network = story.state.network();
    let usage = Usage { input: 1_000, output: 500 };
    let good = answer(network, (channel, offer), 1, usage);
    let false_one = answer(network, (channel, offer), 2, Usage { input: 1_000, output: 999 });
    let refusal = Refusal {
        channel,
        number: 2,
        receipt: false_one.digest(),
        order: false_one.body.order.body.id,
        reason: RefusalReason::MoreThanStreamed,
    };
    let refusal = key(GATEWAY).sign(network, refusal);
    let mut tally = Tally::new(channel);
    tally.push_receipt(good.digest(), offer, usage).expect("within a line");
    tally.push_refusal(refusal.digest());
    let voucher = key(GATEWAY).sign(network, tally.voucher());
    story.tell("order 1", &encode(&good.body.order));
    story.tell("receipt 1", &encode(&good));
    story.tell("receipt 2", &encode(&false_one));
    story.tell("refusal 2", &encode(&refusal));
    story.tell("leaf 1", &good.digest().0);
    story.tell("leaf 2", &refusal.digest().0);
    story.tell("voucher", &encode(&voucher));
    let bill = story.state.price(&offer).expect("the offer").bill(usage).expect("a small bill");
    for line in &bill.lines {
        let payee = match line.payee {
            ledger::BillPayee::Provider(id) => format!("provider {id}"),
            ledger::BillPayee::Artifact(id) => format!("artifact {id}"),
        };
        story.note("bill of receipt 1", format!("{payee} {} pico-credits", line.amount.0));
    }
    story.note("bill of receipt 1", format!("total {} pico-credits", bill.total.0));
    Operation::Settle { voucher }
}

/// The whole story as text.
pub fn text() -> String {
    let mut story = Story::new();
    for (to, credits) in [(AUTHOR, 1), (PROVIDER, 1), (PAYER, 10)] {
        story.ask(ISSUER, issue(to, credits)).expect("issued");
    }
    story.root();
    story.ask(AUTHOR, publish_base()).expect("published");
    story.ask(PROVIDER, publish_tune()).expect("published");
    story.root();
    let Some(Effect::Offered(offer)) = story.ask(PROVIDER, offer()) else { panic!("not offered") };
    let (provider, gateway_key) = (account(PROVIDER), key(GATEWAY).public());
    let open = Operation::Open { provider, gateway_key, deposit: Amount(2 * CREDIT) };
    let Some(Effect::Opened(channel)) = story.ask(PAYER, open) else { panic!("not opened") };
    story.root();
    story.tell("offer id", &offer.0);
    story.tell("channel id", &channel.0);
    let settle = trade(&mut story, channel, offer);
    story.ask(PROVIDER, settle).expect("settled");
    story.root();
    let mut artifacts = vec![base(), tune()];
    artifacts.sort();
    story.ask(AUTHOR, Operation::Payout { artifacts }).expect("paid out");
    let own = Operation::Transfer { to: account(PAYER), amount: Amount(1), reference: Digest([0; 32]) };
    assert!(story.ask(PAYER, own).is_none(), "a transfer to oneself");
    story.root();
    finish(story)
}

/// The log's root, every record of the last state, and a proof of one.
fn finish(mut story: Story) -> String {
    let root = log_tree::root(&story.log);
    story.tell("root of the log", &root.0);
    let records: Vec<_> = story.state.records().collect();
    for (key, record) in &records {
        story.tell("key", &encode(key));
        story.tell("record", &encode(record));
    }
    let proof = story.state.prove(&Key::Account(account(AUTHOR)));
    story.tell("proof of the author's account", &encode(&proof));
    story.text
}
