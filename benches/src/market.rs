//! A network to measure: keys by number, and operations signed by them.

use anyhow::Result;
use ledger::{
    ArtifactId, Bound, ChannelId, Deposits, Digest, Fees, Genesis, Keypair, Kind, Limits, Line, Offer, Operation,
    Payee, Publish, Rates, Register, Request, Signed, Time, Voucher,
};
use replica::{Config, Replica};
use std::{path::Path, sync::Arc};

/// A key by number; number 0 is the issuer and the replica.
pub fn key(number: usize) -> Keypair {
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    Keypair::from_secret(&secret)
}

/// A play network without fees.
pub fn genesis() -> Genesis {
    let issuer = key(0);
    Genesis {
        origin: "pumasi.bench/ledger".into(),
        founded: Time(1_000),
        issuer: issuer.public().into(),
        replicas: vec![issuer.public()],
        beneficiary: issuer.public().into(),
        fees: Fees::default(),
        deposits: Deposits::default(),
        royalty_max: 1_000_000,
        dispute_window_ms: 0,
        limits: Limits::CEILING,
    }
}

/// A ledger in a folder.
///
/// # Errors
/// As [`Replica::open`].
pub fn open(dir: &Path) -> Result<Replica> {
    Ok(Replica::open(Config { dir: dir.to_owned(), genesis: Some(genesis()), key: Arc::new(key(0)) })?)
}

/// An operation, signed by the account of a key.
pub fn sign(from: &Keypair, sequence: u64, operation: Operation) -> Signed<Request> {
    let (network, key) = (genesis().network(), from.public());
    from.sign(network, Request { network, account: key.into(), key, sequence, not_after: Time(u64::MAX), operation })
}

/// A publication under its number, with a royalty of 10 and 20 for its publisher if it is `priced`.
pub fn publication(number: u64, maker: &Keypair, parents: Vec<ArtifactId>, priced: bool) -> Operation {
    let payee = Payee { account: maker.public().into(), weight: 1 };
    Operation::Publish(Publish {
        manifest: work(number),
        kind: Kind::Model,
        parents,
        royalty: if priced { Rates { input: 10, output: 20 } } else { Rates::default() },
        payees: if priced { vec![payee] } else { Vec::new() },
        weights: vec![Digest::of(format!("weights {number}").as_bytes())],
        name: format!("work-{number}"),
        tag: "latest".into(),
    })
}

/// The artifact with a number.
pub fn work(number: u64) -> ArtifactId {
    Digest::of(&number.to_be_bytes())
}

/// An offer of an artifact.
pub fn offer(artifact: ArtifactId) -> Operation {
    Operation::Offer(Offer {
        artifact,
        fee: Rates { input: 100, output: 200 },
        engine: "bench".into(),
        quantization: "F16".into(),
        context: 2_048,
        default_output: 128,
        bound: Bound { per_byte: 1, per_message: 8, constant: 8 },
    })
}

/// What a provider says of itself first.
pub fn register() -> Operation {
    Operation::Register(Register { address: "http://127.0.0.1:7420".into(), tls_key: None })
}

/// That a provider settles a voucher of a gateway.
pub fn settle(gateway: &Keypair, channel: ChannelId, number: u64, usage: Vec<Line>) -> Operation {
    let voucher = Voucher { channel, number, usage, root: Digest([7; 32]) };
    Operation::Settle { voucher: gateway.sign(genesis().network(), voucher) }
}
