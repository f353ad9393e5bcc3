//! Who takes part, what they made so far, and how operations get into the ledger.

use api::{Ledger as _, LedgerError};
use ledger::{
    AccountId, Amount, ArtifactId, ChannelId, Deposits, Digest, Effect, Fees, Genesis, Keypair, Limits, OfferId,
    Operation, PublicKey, Request, Signed, Tally, Time, encode,
};
use replica::{Config, Replica};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use crate::chance::Chance;

/// What stops the program: a fault of the ledger or of the disk.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The player that issues credits and signs tree heads.
pub const ISSUER: usize = 0;
/// Accounts.
pub const PLAYERS: usize = 9;

/// An account and the secret of its current key.
pub struct Player {
    pub id: AccountId,
    pub secret: [u8; 32],
}

/// A channel, as its two ends know it.
#[derive(Clone)]
pub struct Lane {
    pub id: ChannelId,
    pub payer: usize,
    pub provider: usize,
    /// Secrets of the keys that it was opened with.
    pub gateway: [u8; 32],
    pub provider_key: [u8; 32],
    pub tally: Tally,
}

/// What a player asks, and what must be remembered of it if it is done.
pub struct Ask {
    pub by: usize,
    pub operation: Operation,
    pub then: Then,
}

/// What an operation that was applied changes for the players.
#[derive(Clone)]
pub enum Then {
    Nothing,
    /// The player's key is this one's.
    Rotated([u8; 32]),
    /// The channel's vouchers are signed with this secret.
    Opened([u8; 32], usize),
    /// The channel (by its place in the list) has come so far.
    Settled(usize, Tally),
}

pub struct World {
    pub replica: Replica,
    pub network: Digest,
    pub chance: Chance,
    pub players: Vec<Player>,
    pub artifacts: Vec<ArtifactId>,
    pub weights: Vec<Digest>,
    pub offers: Vec<(OfferId, usize)>,
    pub lanes: Vec<Lane>,
    /// Every secret by its public key: who falsifies a history signs with them.
    pub secrets: BTreeMap<String, String>,
    /// Kinds of operations that were applied, by number, and refusals that were given behind the door.
    pub applied: BTreeSet<u8>,
    pub refused: BTreeSet<u16>,
}

/// Small limits, so that each is met.
fn genesis(issuer: PublicKey) -> Genesis {
    let pico = |pico| Amount(pico);
    Genesis {
        origin: "pumasi.example/history".into(),
        founded: Time(1_700_000_000_000),
        issuer: issuer.into(),
        replicas: vec![issuer],
        beneficiary: issuer.into(),
        fees: Fees { operation: pico(1_000), byte: pico(3), pot: pico(500) },
        deposits: Deposits {
            name: pico(1_000_000),
            artifact: pico(2_000_000),
            offer: pico(3_000_000),
            channel: pico(4_000_000),
        },
        royalty_max: 50,
        dispute_window_ms: 20,
        limits: Limits {
            parents: 3,
            weights: 3,
            priced_works: 5,
            lineage_walk: 4,
            voucher_offers: 3,
            settlement_pots: 4,
            payout_pots: 3,
        },
    }
}

impl World {
    pub fn found(dir: &Path, seed: u64) -> Outcome<Self> {
        let mut chance = Chance::new(seed);
        let secrets: Vec<[u8; 32]> = (0..PLAYERS).map(|_| chance.bytes()).collect();
        let key = Keypair::from_secret(&secrets[ISSUER]);
        let genesis = genesis(key.public());
        let network = genesis.network();
        let replica = Replica::open(Config { dir: dir.to_owned(), genesis: Some(genesis), key: Arc::new(key) })?;
        let mut world = Self {
            replica,
            network,
            chance,
            players: Vec::new(),
            artifacts: Vec::new(),
            weights: Vec::new(),
            offers: Vec::new(),
            lanes: Vec::new(),
            secrets: BTreeMap::new(),
            applied: BTreeSet::new(),
            refused: BTreeSet::new(),
        };
        for secret in secrets {
            let id = world.know(secret).into();
            world.players.push(Player { id, secret });
        }
        Ok(world)
    }

    /// Remembers a secret; gives its public key.
    pub fn know(&mut self, secret: [u8; 32]) -> PublicKey {
        let public = Keypair::from_secret(&secret).public();
        self.secrets.insert(public.to_string(), hex::encode(secret));
        public
    }

    /// Submits operations together, so that they come to lie in few groups.
    pub async fn submit(&mut self, asks: &[Ask]) -> Outcome<Vec<Option<Effect>>> {
        let mut sequences = BTreeMap::new();
        let mut signed = Vec::new();
        for ask in asks {
            let account = self.replica.account(self.players[ask.by].id).await?;
            let sequence = sequences.entry(ask.by).or_insert(account.sequence);
            signed.push(self.sign(ask, *sequence));
            *sequence += 1;
        }
        let answers = futures::future::join_all(signed.iter().map(|signed| self.replica.submit(signed))).await;
        asks.iter().zip(answers).map(|(ask, answer)| self.learn(ask, answer)).collect()
    }

    fn sign(&self, ask: &Ask, sequence: u64) -> Signed<Request> {
        let Player { id, secret } = &self.players[ask.by];
        let (key, operation) = (Keypair::from_secret(secret), ask.operation.clone());
        let operation = match operation {
            // A proof is made for one sequence, which only becomes known here.
            Operation::Rotate { key, proof } if proof.0 == [0; 64] => {
                prove(self.network, *id, sequence, key, &ask.then)
            }
            other => other,
        };
        let (network, public, not_after) = (self.network, key.public(), Time(u64::MAX));
        key.sign(network, Request { network, account: *id, key: public, sequence, not_after, operation })
    }

    fn learn(&mut self, ask: &Ask, answer: Result<api::Applied, LedgerError>) -> Outcome<Option<Effect>> {
        let effect = match answer {
            Ok(applied) => applied.outcome.effect,
            Err(LedgerError::Rejected { reject, entry }) => {
                self.refused.extend(entry.map(|_| reject.number()));
                return Ok(None);
            }
            Err(other) => return Err(other.into()),
        };
        self.applied.extend(encode(&ask.operation).first());
        match (&effect, ask.then.clone()) {
            (Effect::Published(id), _) => self.artifacts.push(*id),
            (Effect::Offered(id), _) => self.offers.push((*id, ask.by)),
            (Effect::Opened(id), Then::Opened(gateway, provider)) => {
                let (tally, provider_key) = (Tally::new(*id), self.players[provider].secret);
                self.lanes.push(Lane { id: *id, payer: ask.by, provider, gateway, provider_key, tally });
            }
            (_, Then::Rotated(secret)) => self.players[ask.by].secret = secret,
            (_, Then::Settled(lane, tally)) => self.lanes[lane].tally = tally,
            _ => {}
        }
        Ok(Some(effect))
    }
}

fn prove(network: Digest, account: AccountId, sequence: u64, key: PublicKey, then: &Then) -> Operation {
    let proof = ledger::KeyProof { account, sequence };
    let secret = if let Then::Rotated(secret) = then { *secret } else { [1; 32] };
    Operation::Rotate { key, proof: Keypair::from_secret(&secret).sign(network, proof).signature }
}
