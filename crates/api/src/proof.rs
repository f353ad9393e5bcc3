//! Proofs that stand alone: a file that shows what a network's log holds, or what stood in its state, and that whoever knows the
//! network's name checks without asking anybody.
//!
//! The form is C2SP tlog-proof: the place of an entry in the log, its path to the root, and the checkpoint. The `extra` line is
//! base64 of the canonical encoding of the founding document and a [`Claim`], from which the entry is made again. Nothing in the
//! line is believed: the founding document's digest is the network's name, and the entry must lie under the signed root.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{
    Digest, Genesis, Head, Key, Operation, PublicKey, Receipt, Record, Signed, Time, Totals, Voucher, log_tree,
    state_tree,
};
use std::fmt;

use crate::log::{self, Entry};

/// What every proof begins with.
pub const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// No proof is longer: an entry has less than 64 KiB, and a path a few dozen hashes.
pub const BYTES_MAX: usize = 1 << 20;
/// No path in a log of less than 2^64 entries is longer.
const PATH_MAX: usize = 64;

/// A proof as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What the network was founded on: it names those who sign heads.
    pub genesis: Genesis,
    /// What is proved.
    pub claim: Claim,
    /// The entry's place in the log.
    pub index: u64,
    /// The hashes beside its way to the root (RFC 6962).
    pub path: Vec<Digest>,
    /// The signed tree head, perhaps with the cosignatures of witnesses.
    pub checkpoint: String,
}

/// What is proved of an entry.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Claim {
    /// It is this.
    Entry(Box<Entry>),
    /// It is the root of a state in which this stood.
    Stood(Box<Stood>),
    /// It settled a voucher under whose root this receipt is.
    Settled(Box<Settled>),
}

/// What stood under a key.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Stood {
    /// The key.
    pub key: Key,
    /// The record, or that there was none.
    pub record: Option<Record>,
    /// Its path to the state's root.
    pub proof: state_tree::Proof,
    /// The sums of the same state, which hold its time.
    pub totals: Totals,
    /// Their path.
    pub totals_proof: state_tree::Proof,
}

/// A settled receipt.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settled {
    /// The receipt, which holds its order.
    pub receipt: Signed<Receipt>,
    /// Its path to the voucher's root.
    pub path: Vec<Digest>,
    /// The entry: the settlement of the voucher.
    pub settlement: Entry,
}

/// What a good proof says beside its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The log's size and root.
    pub head: Head,
    /// The replicas that signed the head.
    pub signers: Vec<PublicKey>,
    /// The time of what is proved; none of an entry that has none.
    pub time: Option<Time>,
}

impl Proof {
    /// Reads a proof; what it says is not checked yet.
    ///
    /// # Errors
    /// A sentence that says why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err("it is longer than any proof".into());
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or("it has no tree head")?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(format!("it does not begin with {FIRST_LINE}"));
        }
        let extra =
            lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or("it does not say what is proved")?;
        let extra = BASE64.decode(extra).map_err(|_| "what is proved is not base64")?;
        let (genesis, claim) =
            ledger::decode(&extra).map_err(|_| "what is proved is nothing that this program knows")?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")?.parse().ok()).ok_or("it has no index")?;
        let hash = |line: &str| BASE64.decode(line).ok()?.try_into().ok().map(Digest);
        let path: Option<Vec<Digest>> = lines.map(hash).collect();
        let path = path.filter(|path| path.len() <= PATH_MAX).ok_or("its path is not one of hashes")?;
        let proof = Self { genesis, claim, index, path, checkpoint: checkpoint.to_owned() };
        // One file for each proof: no sign before the index, say.
        if proof.to_string() == text { Ok(proof) } else { Err("it is not written as a proof is".into()) }
    }

    /// Checks everything, for the network of this name.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn verify(&self, network: Digest) -> Result<Verified, String> {
        if self.genesis.network() != network {
            return Err(format!("it is of the network {}, not of {network}", self.genesis.network()));
        }
        let (head, signers) = log::signers(&self.checkpoint, &self.genesis.origin, &self.genesis.replicas)?;
        let (entry, time) = self.claim.entry(network)?;
        let leaf = log_tree::leaf(&ledger::encode(&entry));
        if log_tree::follow(leaf, self.index, head.size, &self.path) != Some(head.root) {
            return Err("what is proved is not in the log of its tree head".into());
        }
        Ok(Verified { head, signers, time })
    }
}

/// The file's text.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = BASE64.encode(ledger::encode(&(&self.genesis, &self.claim)));
        writeln!(f, "{FIRST_LINE}\nextra {extra}\nindex {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash.0)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl Claim {
    /// The entry that must be in the log for this to be true, and its time.
    fn entry(&self, network: Digest) -> Result<(Entry, Option<Time>), String> {
        match self {
            Self::Entry(entry) => {
                let time = match &**entry {
                    Entry::Genesis(genesis) => Some(genesis.founded),
                    Entry::Operation { at, signed, .. } => {
                        signed.clone().into_verified(network).map_err(|reject| format!("its operation: {reject}"))?;
                        Some(*at)
                    }
                    Entry::Root { .. } => None,
                };
                Ok(((**entry).clone(), time))
            }
            Self::Stood(stood) => stood.root().map(|root| (Entry::Root { root }, Some(stood.totals.time))),
            Self::Settled(settled) => {
                let (_, at) = settled.voucher(network)?;
                Ok((settled.settlement.clone(), Some(at)))
            }
        }
    }
}

impl Stood {
    /// The root of the state in which record and sums stood.
    fn root(&self) -> Result<Digest, String> {
        let totals = Record::Totals(self.totals.clone());
        let root = self.totals_proof.root(&Key::Totals, Some(&totals));
        let here = self.proof.root(&self.key, self.record.as_ref());
        here.filter(|_| here == root).ok_or_else(|| "its paths do not lead to one root of a state".to_owned())
    }
}

impl Settled {
    /// The voucher that was settled, and when, if the receipt is under its root. Both ends of the channel stand behind that root:
    /// the gateway signed the voucher, which the ledger checked, and the provider the settlement.
    fn voucher(&self, network: Digest) -> Result<(&Signed<Voucher>, Time), String> {
        let Entry::Operation { at, signed, result: 0 } = &self.settlement else {
            return Err("its entry settled nothing".into());
        };
        let Operation::Settle { voucher } = &signed.body.operation else {
            return Err("its entry is not a settlement".into());
        };
        signed.clone().into_verified(network).map_err(|reject| format!("its settlement: {reject}"))?;
        let Receipt { order, number, .. } = &self.receipt.body;
        let leaf = log_tree::leaf(&self.receipt.digest().0);
        let index = number.checked_sub(1).ok_or("receipts are numbered from 1")?;
        let root = log_tree::follow(leaf, index, voucher.body.number, &self.path);
        if voucher.body.channel != order.body.channel || root != Some(voucher.body.root) {
            return Err("the receipt is not under the root of the voucher that was settled".into());
        }
        Ok((voucher, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{AccountId, Amount, Deposits, Fees, Keypair, Limits, State};
    use proptest::prelude::*;

    /// That a new network has no account, under the head over its two entries.
    fn example() -> Proof {
        let key = Keypair::from_secret(&[1; 32]);
        let genesis = Genesis {
            origin: "a.example/log".into(),
            founded: Time(1_700_000_000_000),
            issuer: key.public().into(),
            replicas: vec![key.public()],
            beneficiary: key.public().into(),
            fees: Fees { operation: Amount(1), ..Fees::default() },
            deposits: Deposits::default(),
            royalty_max: 7,
            dispute_window_ms: 8,
            limits: Limits::CEILING,
        };
        let mut state = State::new(genesis.clone()).unwrap();
        let root = state.root();
        let leaf = |entry: &Entry| log_tree::leaf(&ledger::encode(entry));
        let leaves = [leaf(&Entry::Genesis(genesis.clone())), leaf(&Entry::Root { root })];
        let head = Head { size: 2, root: log_tree::root(&leaves) };
        let body = log::checkpoint_body(&genesis.origin, &head);
        let signature = key.sign_bytes(body.as_bytes());
        let absent = Key::Account(AccountId([9; 32]));
        let stood = Stood {
            proof: state.prove(&absent),
            key: absent,
            record: None,
            totals: state.totals().clone(),
            totals_proof: state.prove(&Key::Totals),
        };
        Proof {
            checkpoint: log::note(&body, &genesis.origin, &[(key.public(), signature)]),
            claim: Claim::Stood(Box::new(stood)),
            index: 1,
            path: log_tree::prove(&leaves, 1).unwrap(),
            genesis,
        }
    }

    /// Files of proofs are kept for years: another text is another format, and a decision.
    #[test]
    fn the_format_is_frozen() {
        let text = example().to_string();
        assert_eq!(
            Digest::of(text.as_bytes()).to_string(),
            "sha256:346e9884f1221db27aada78fb2260b6f84238fd81429bfdfba8c79722358969e",
            "{text}"
        );
        let network = example().genesis.network();
        assert_eq!(Proof::parse(&text).unwrap().verify(network).unwrap().time, Some(Time(1_700_000_000_000)));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(extra in any::<Vec<u8>>(), rest in "[ -~\n]{0,200}") {
            let lines = format!("{FIRST_LINE}\nextra {}\n{rest}", BASE64.encode(extra));
            prop_assert!(Proof::parse(&lines).is_err());
            prop_assert!(Proof::parse(&rest).is_err());
        }
    }
}
