//! A small shop: ann made a base, sam offers it, pat has a channel to sam, and something was paid.

use ledger::{
    Amount, Bound, ChannelId, Deposits, Digest, Effect, Genesis, KeyProof, Kind, Line, Offer, OfferId, Operation,
    Payee, Publish, Rates, Register, State, Time, Usage, Voucher,
};

use crate::cast::{account, genesis, key, request, sign};

/// A ledger on which each of [`good`] can be applied.
pub struct World {
    pub state: State,
    pub offer: OfferId,
    pub withdrawn: OfferId,
    pub foreign: OfferId,
    pub channel: ChannelId,
    pub closing: ChannelId,
}

pub const REFERENCE: Digest = Digest([0; 32]);

pub fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

impl World {
    pub fn new() -> Self {
        let each = Amount(1);
        let deposits = Deposits { name: each, artifact: each, offer: each, channel: each };
        let state = State::new(Genesis { deposits, royalty_max: 10, ..genesis() }).unwrap();
        let (offer, channel) = (OfferId([0; 32]), ChannelId([0; 32]));
        let mut world = Self { state, offer, withdrawn: offer, foreign: offer, channel, closing: channel };
        for name in ["ann", "pat", "sam", "issuer"] {
            world.apply("issuer", issue(name, 1_000));
        }
        for (name, kind) in [("base", Kind::Model), ("gone", Kind::Model), ("data", Kind::Dataset)] {
            world.apply("ann", Operation::Publish(Publish { kind, parents: Vec::new(), ..publish(name) }));
        }
        world.apply("ann", Operation::Retire { artifact: digest("gone") });
        world.apply("ann", Operation::Name { name: "ann".into() });
        world.offer = world.offered("sam");
        world.withdrawn = world.offered("sam");
        world.foreign = world.offered("ann");
        world.apply("sam", Operation::Withdraw { offer: world.withdrawn });
        world.channel = world.opened();
        world.closing = world.opened();
        world.apply("pat", Operation::Close { channel: world.closing });
        let voucher = world.voucher(1, 2);
        world.apply("sam", settle(&world, voucher));
        let theirs =
            Publish { parents: Vec::new(), payees: Vec::new(), royalty: Rates::default(), ..publish("theirs") };
        world.apply("sam", Operation::Publish(theirs));
        world
    }

    fn apply(&mut self, who: &str, operation: Operation) -> Effect {
        let signed = sign(request(&self.state, (who, who), operation), who);
        let verified = signed.into_verified(self.state.network()).unwrap();
        self.state.apply(Time(2_000), &verified).unwrap().effect
    }

    fn offered(&mut self, who: &str) -> OfferId {
        let Effect::Offered(id) = self.apply(who, Operation::Offer(offer())) else { panic!("no offer") };
        id
    }

    fn opened(&mut self) -> ChannelId {
        let Effect::Opened(id) = self.apply("pat", open("sam", 100)) else { panic!("no channel") };
        id
    }

    /// A voucher over `tokens` in and out.
    pub fn voucher(&self, number: u64, tokens: u64) -> Voucher {
        let usage = vec![Line { offer: self.offer, usage: Usage { input: tokens, output: tokens } }];
        Voucher { channel: self.channel, number, usage, root: digest("receipts") }
    }
}

pub fn issue(to: &str, amount: u128) -> Operation {
    Operation::Issue { to: account(to), amount: Amount(amount), reference: REFERENCE }
}

pub fn open(provider: &str, deposit: u128) -> Operation {
    Operation::Open { provider: account(provider), gateway_key: key("gateway").public(), deposit: Amount(deposit) }
}

/// A work of ann's, built on her base.
pub fn publish(name: &str) -> Publish {
    Publish {
        manifest: digest(name),
        kind: Kind::Model,
        parents: vec![digest("base")],
        royalty: Rates { input: 1, output: 1 },
        payees: vec![Payee { account: account("ann"), weight: 1 }],
        weights: vec![digest(&format!("weights of {name}"))],
        name: name.into(),
        tag: "latest".into(),
    }
}

pub fn offer() -> Offer {
    Offer {
        artifact: digest("base"),
        fee: Rates { input: 1, output: 1 },
        engine: "engine".into(),
        quantization: "F16".into(),
        context: 4_096,
        default_output: 512,
        bound: Bound { per_byte: 1, per_message: 8, constant: 16 },
    }
}

pub fn settle(world: &World, voucher: Voucher) -> Operation {
    Operation::Settle { voucher: key("gateway").sign(world.state.network(), voucher) }
}

/// Rotates pat's key; the proof is for a sequence that may not be the request's.
pub fn rotate(world: &World, new: &str, behind: u64) -> Operation {
    let sequence = world.state.account(&account("pat")).sequence + behind;
    let proof = key(new).sign(world.state.network(), KeyProof { account: account("pat"), sequence }).signature;
    Operation::Rotate { key: key(new).public(), proof }
}

/// One of each operation, and who may ask for it.
pub fn good(world: &World) -> Vec<(&'static str, Operation)> {
    let (amount, reference, artifact, channel) = (Amount(5), REFERENCE, digest("base"), world.channel);
    vec![
        ("issuer", issue("pat", 5)),
        ("issuer", Operation::Redeem { amount, reference }),
        ("issuer", Operation::Lift { weight: digest("weights of base") }),
        ("ann", Operation::Transfer { to: account("pat"), amount, reference }),
        ("pat", Operation::Name { name: "pat".into() }),
        ("pat", rotate(world, "pat2", 0)),
        ("ann", Operation::Publish(publish("tune"))),
        ("ann", Operation::Tag { name: "base".into(), tag: "stable".into(), artifact }),
        ("ann", Operation::Retire { artifact }),
        ("ann", Operation::Register(Register { address: "http://door:1".into(), tls_key: Some(REFERENCE) })),
        ("sam", Operation::Offer(offer())),
        ("sam", Operation::Withdraw { offer: world.offer }),
        ("pat", open("sam", 10)),
        ("pat", Operation::TopUp { channel, amount }),
        ("sam", settle(world, world.voucher(2, 3))),
        ("pat", Operation::Close { channel }),
        ("sam", Operation::Release { channel }),
        ("bob", Operation::Finish { channel: world.closing }),
        ("bob", Operation::Payout { artifacts: vec![artifact] }),
    ]
}
