//! A market of chance: reads operations, good and bad, out of random numbers.

use ledger::{
    AccountId, Amount, Bound, ChannelId, Deposits, Digest, Fees, Genesis, KeyProof, Kind, Limits, Line, Offer, OfferId,
    Operation, Payee, Publish, Rates, Register, Request, State, Time, Usage, Voucher,
};
use proptest::prelude::*;

use crate::cast::{account, genesis, key, request};

/// Everybody there is.
pub const PEOPLE: [&str; 6] = ["issuer", "treasury", "ann", "bob", "pat", "sam"];

/// Random numbers for one operation.
#[derive(Debug, Clone)]
pub struct Step {
    pub by: u8,
    pub verb: u8,
    pub which: u8,
    pub other: u8,
    pub amount: u16,
    pub wait_ms: u8,
    pub spoil: u8,
}

pub fn step() -> impl Strategy<Value = Step> {
    let numbers = (any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>(), any::<u16>(), 0..40u8, any::<u8>());
    numbers.prop_map(|(by, verb, which, other, amount, wait_ms, spoil)| Step {
        by,
        verb,
        which,
        other,
        amount,
        wait_ms,
        spoil,
    })
}

/// Networks with and without fees, deposits and room.
pub fn founding() -> impl Strategy<Value = Genesis> {
    let fees = [0..3u128, 0..2u128, 0..9u128].prop_map(|[operation, byte, pot]| Fees {
        operation: Amount(operation),
        byte: Amount(byte),
        pot: Amount(pot),
    });
    let deposits = [0..50u128, 0..50u128, 0..50u128, 0..50u128].prop_map(|[name, artifact, offer, channel]| Deposits {
        name: Amount(name),
        artifact: Amount(artifact),
        offer: Amount(offer),
        channel: Amount(channel),
    });
    let limits = (1..4u32, 1..3u32, 1..5u32, 1..6u32, 1..4u32, 1..4u32).prop_map(|(a, b, c, d, e, f)| Limits {
        parents: a,
        weights: b,
        priced_works: c,
        lineage_walk: d,
        voucher_offers: e,
        settlement_pots: f,
        payout_pots: a,
    });
    (fees, deposits, limits, 0..100u64).prop_map(|(fees, deposits, limits, dispute_window_ms)| Genesis {
        fees,
        deposits,
        limits,
        dispute_window_ms,
        royalty_max: 9,
        ..genesis()
    })
}

/// Steps that give credits to all but issuer and treasury, as far as they go through.
pub fn funding() -> impl Iterator<Item = Step> {
    let give = |which| Step { by: 1, verb: 0, which, other: 1, amount: 60_000, wait_ms: 0, spoil: 0 };
    (2..6).map(give)
}

/// What was made so far, so that operations can be about it.
#[derive(Default)]
pub struct World {
    pub offers: Vec<OfferId>,
    pub channels: Vec<ChannelId>,
    /// The number of each person's key: it rises with each rotation.
    pub keys: [u32; PEOPLE.len()],
}

fn pick<T: Copy>(list: &[T], which: u8) -> Option<T> {
    list.get(usize::from(which) % list.len().max(1)).copied()
}

fn digest(kind: &str, number: u8) -> Digest {
    Digest::of(format!("{kind} {number}").as_bytes())
}

pub fn artifact(which: u8) -> Digest {
    digest("artifact", which % 14)
}

fn person(which: u8) -> AccountId {
    account(PEOPLE[usize::from(which) % PEOPLE.len()])
}

/// Distinct things in order; now and then not.
fn list<T: Ord + Copy>(things: impl IntoIterator<Item = T>, spoil: u8) -> Vec<T> {
    let mut list: Vec<T> = things.into_iter().collect();
    list.sort();
    list.dedup();
    if spoil % 32 == 5 {
        list.reverse();
    }
    list
}

impl World {
    pub fn key_name(&self, who: usize) -> String {
        match self.keys[who] {
            0 => PEOPLE[who].to_owned(),
            number => format!("{} {number}", PEOPLE[who]),
        }
    }

    /// The request of a step, and the name of the key that signs it.
    pub fn request(&self, state: &State, step: &Step) -> (Request, String) {
        let who = self.asker(state, step);
        let signer = self.key_name(who);
        let operation = self.operation(state, (who, account(PEOPLE[who])), step);
        let mut request = request(state, (PEOPLE[who], &signer), operation);
        match step.spoil {
            1 => request.sequence += 1,
            2 => request.sequence = request.sequence.wrapping_sub(1),
            3 => request.not_after = Time(0),
            4 => request.network = digest("network", 0),
            _ => {}
        }
        (request, signer)
    }

    /// Mostly whoever may ask: the issuer for credits, providers and payers for their channels.
    fn asker(&self, state: &State, step: &Step) -> usize {
        let channel = pick(&self.channels, step.which).and_then(|id| state.channel(&id));
        let right = match step.verb % 32 {
            0..=4 => Some(account("issuer")),
            15 | 17 | 18 => channel.map(|channel| channel.payer),
            19..=26 => channel.map(|channel| channel.provider),
            14 => pick(&self.offers, step.which).and_then(|id| state.offer(&id)).map(|offer| offer.provider),
            8 | 9 => state.artifact(&artifact(step.which)).map(|artifact| artifact.publisher),
            _ => None,
        };
        let right = right.filter(|_| !step.by.is_multiple_of(8));
        let found = PEOPLE.iter().position(|name| right == Some(account(name)));
        found.unwrap_or(usize::from(step.by) % PEOPLE.len())
    }

    fn operation(&self, state: &State, (who, by): (usize, AccountId), step: &Step) -> Operation {
        let (amount, reference) = (Amount(u128::from(step.amount)), digest("reference", step.other));
        let channel = pick(&self.channels, step.which).unwrap_or(ChannelId(digest("channel", step.which).0));
        let offer = pick(&self.offers, step.which).unwrap_or(OfferId(digest("offer", step.which).0));
        match step.verb % 32 {
            0..=2 => Operation::Issue { to: person(step.which), amount, reference },
            3 => Operation::Redeem { amount: Amount(amount.0 % 500), reference },
            4 => Operation::Lift { weight: digest("weight", step.which % 5) },
            5 => Operation::Transfer { to: person(step.which), amount: Amount(amount.0 % 9_000), reference },
            6 => Operation::Name { name: ["ab", "cd", "ef", "gh", "-", "log"][usize::from(step.which) % 6].into() },
            7 if step.which.is_multiple_of(4) => self.rotate(state, (who, by), step),
            7 => Operation::Register(Register {
                address: if step.which.is_multiple_of(3) {
                    "nowhere".into()
                } else {
                    format!("http://door:{}", step.other.max(1))
                },
                tls_key: step.other.is_multiple_of(2).then_some(reference),
            }),
            8 => {
                Operation::Tag { name: "n".into(), tag: format!("t{}", step.other % 3), artifact: artifact(step.which) }
            }
            9 if step.other.is_multiple_of(3) => Operation::Retire { artifact: artifact(step.which) },
            9..=11 => Operation::Publish(publish(state, step)),
            12 | 13 => Operation::Offer(make_offer(state, step)),
            14 => Operation::Withdraw { offer },
            15 => Operation::TopUp { channel, amount: Amount(amount.0 % 900) },
            16 => Operation::Open {
                provider: person(step.which),
                gateway_key: key("gateway").public(),
                deposit: Amount(amount.0 % 9_000),
            },
            17 => Operation::Close { channel },
            18 => Operation::Finish { channel },
            19..=25 => self.settle(state, channel, step),
            26 if step.other.is_multiple_of(4) => Operation::Release { channel },
            _ => payout(state, step),
        }
    }

    fn rotate(&self, state: &State, (who, by): (usize, AccountId), step: &Step) -> Operation {
        let sequence = state.account(&by).sequence;
        let new = format!("{} {}", PEOPLE[who], self.keys[who] + 1);
        let prover = if step.other.is_multiple_of(3) { "mallory" } else { &new };
        let proof = key(prover).sign(state.network(), KeyProof { account: by, sequence }).signature;
        Operation::Rotate { key: key(&new).public(), proof }
    }

    fn settle(&self, state: &State, id: ChannelId, step: &Step) -> Operation {
        let channel = state.channel(&id);
        let mut lines = channel.map(|channel| channel.usage.clone()).unwrap_or_default();
        if lines.is_empty() || step.other.is_multiple_of(4) {
            let mine = |offer: &&OfferId| {
                let provider = state.offer(offer).map(|offer| offer.provider);
                step.spoil % 16 == 7 || provider == channel.map(|channel| channel.provider)
            };
            let mine: Vec<OfferId> = self.offers.iter().filter(mine).copied().collect();
            let new = pick(&mine, step.other).filter(|new| lines.iter().all(|line| line.offer != *new));
            lines.extend(new.map(|offer| Line { offer, usage: Usage::default() }));
        }
        for line in &mut lines {
            line.usage.input += u64::from(step.amount % 17);
            line.usage.output += u64::from(step.amount % 23);
        }
        if step.spoil % 32 == 9 {
            lines.pop();
        }
        if let Some(line) = lines.first_mut().filter(|_| step.spoil % 32 == 10) {
            line.usage.input = line.usage.input.saturating_sub(20);
        }
        lines.sort_by_key(|line| line.offer);
        let number = channel.map_or(0, |channel| channel.number) + u64::from(step.spoil % 16 != 8);
        let signer = if step.spoil % 32 == 11 { "mallory" } else { "gateway" };
        let voucher = Voucher { channel: id, number, usage: lines, root: digest("root", step.other) };
        Operation::Settle { voucher: key(signer).sign(state.network(), voucher) }
    }
}

/// Mostly pots that hold something; otherwise any artifacts.
fn payout(state: &State, step: &Step) -> Operation {
    let full: Vec<_> = state.pots().filter(|(_, pot)| !pot.balance().is_zero()).map(|(id, _)| *id).collect();
    let chosen = (0..=step.other % 3).map(|i| {
        let which = step.which.wrapping_add(i);
        pick(&full, which).filter(|_| !step.by.is_multiple_of(4)).unwrap_or(artifact(which))
    });
    Operation::Payout { artifacts: list(chosen, step.spoil) }
}

fn publish(state: &State, step: &Step) -> Publish {
    let royalty = if step.amount.is_multiple_of(4) {
        0
    } else {
        u64::from(step.amount) % 19 / 2 + u64::from(step.spoil % 32 == 12)
    };
    let payees = [step.by, step.which, step.other].map(person);
    let payee = |account: AccountId| Payee { account, weight: u32::from(account.0[0]) * u32::from(step.other).max(1) };
    let weights =
        (0..5).filter(|i| step.amount & (64 << i) != 0 && i % 3 == step.other % 3).map(|i| digest("weight", i));
    let standing: Vec<_> = state.artifacts().map(|(id, _)| *id).collect();
    let parents = (0..step.other % 4).map(|i| {
        let which = step.which.wrapping_mul(7).wrapping_add(i * 3);
        pick(&standing, which).filter(|_| step.spoil % 8 != 1).unwrap_or(artifact(which))
    });
    Publish {
        manifest: artifact(step.which),
        kind: if step.other % 16 == 15 { Kind::Dataset } else { Kind::Model },
        parents: list(parents, step.spoil),
        royalty: Rates { input: royalty, output: royalty / 2 },
        payees: if royalty == 0 { Vec::new() } else { list(payees.map(payee), step.spoil >> 1) },
        weights: list(weights, step.spoil >> 2),
        name: if step.spoil % 64 == 13 { String::new() } else { "n".into() },
        tag: "latest".into(),
    }
}

fn make_offer(state: &State, step: &Step) -> Offer {
    let standing: Vec<_> = state.artifacts().map(|(id, _)| *id).collect();
    let offered = pick(&standing, step.which).filter(|_| step.spoil % 8 != 1);
    Offer {
        artifact: offered.unwrap_or(artifact(step.which)),
        fee: Rates { input: u64::from(step.amount) % 7, output: u64::from(step.amount) % 5 },
        engine: "engine".into(),
        quantization: "F16".into(),
        context: u32::from(step.other),
        default_output: 16,
        bound: Bound { per_byte: 1, per_message: 4, constant: 8 },
    }
}
