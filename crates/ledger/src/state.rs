//! State and `apply`: the only way anything changes.

use alloc::{boxed::Box, string::String, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    Account, AccountId, Amount, Artifact, ArtifactId, Channel, ChannelId, Digest, Genesis, Key, OfferId, OfferRecord,
    Operation, Pot, Record, Reject, Request, Settlement, Time, Totals, Verified, Weight, state_tree, table::Table,
};

/// Everything the ledger knows: the records, and (until it is taken) the Merkle tree over them.
#[derive(Debug, Clone)]
pub struct State {
    genesis: Genesis,
    network: Digest,
    totals: Totals,
    accounts: Table<AccountId, Account>,
    names: Table<String, AccountId>,
    artifacts: Table<ArtifactId, Artifact>,
    tags: Table<(AccountId, String, String), ArtifactId>,
    weights: Table<Digest, Weight>,
    pots: Table<ArtifactId, Pot>,
    offers: Table<OfferId, OfferRecord>,
    channels: Table<ChannelId, Channel>,
    tree: Option<state_tree::Tree>,
    /// The tables remember what the tree has yet to learn; this is so for the totals.
    totals_changed: bool,
}

/// What an applied operation did.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outcome {
    /// The fee that was taken.
    pub fee: Amount,
    /// What came of it.
    pub effect: Effect,
}

/// What came of an operation beyond what it says itself.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Effect {
    /// Just that.
    Done,
    /// An artifact stands.
    Published(ArtifactId),
    /// An offer stands.
    Offered(OfferId),
    /// A channel is open.
    Opened(ChannelId),
    /// A channel paid.
    Settled(ChannelId, Settlement),
    /// A channel ended.
    Finished {
        /// Which.
        channel: ChannelId,
        /// What its payer got back.
        returned: Amount,
    },
    /// Pots were emptied to these accounts.
    PaidOut(Vec<(AccountId, Amount)>),
}

impl State {
    /// The state of a network that nobody used yet.
    ///
    /// # Errors
    /// [`Reject::GenesisInvalid`].
    pub fn new(genesis: Genesis) -> Result<Self, Reject> {
        let totals = Totals { time: genesis.founded, ..Totals::default() };
        Self::from_records(genesis, [(Key::Totals, Record::Totals(totals))])
    }

    /// Rebuilds a state from its records. Compare [`Self::root`] before believing it.
    ///
    /// # Errors
    /// [`Reject::GenesisInvalid`], or [`Reject::Malformed`] if a record stands under another kind of key.
    pub fn from_records(genesis: Genesis, records: impl IntoIterator<Item = (Key, Record)>) -> Result<Self, Reject> {
        genesis.check()?;
        let mut state = Self {
            network: genesis.network(),
            genesis,
            totals: Totals::default(),
            accounts: Table::default(),
            names: Table::default(),
            artifacts: Table::default(),
            tags: Table::default(),
            weights: Table::default(),
            pots: Table::default(),
            offers: Table::default(),
            channels: Table::default(),
            tree: Some(state_tree::Tree::default()),
            totals_changed: false,
        };
        for (key, record) in records {
            state.insert(key, record)?;
        }
        state.root();
        Ok(state)
    }

    fn insert(&mut self, key: Key, record: Record) -> Result<(), Reject> {
        match (key, record) {
            (Key::Totals, Record::Totals(totals)) => *self.change_totals() = totals,
            (Key::Account(id), Record::Account(account)) => self.accounts.put(&id, account),
            (Key::Name(name), Record::Name(id)) => self.put_name(name, id),
            (Key::Artifact(id), Record::Artifact(artifact)) => self.put_artifact(id, *artifact),
            (Key::Tag(publisher, name, tag), Record::Tag(id)) => self.put_tag(publisher, name, tag, id),
            (Key::Weight(digest), Record::Weight(weight)) => self.put_weight(digest, weight),
            (Key::Pot(id), Record::Pot(pot)) => self.put_pot(id, pot),
            (Key::Offer(id), Record::Offer(offer)) => self.put_offer(id, *offer),
            (Key::Channel(id), Record::Channel(channel)) => self.put_channel(id, *channel),
            _ => return Err(Reject::Malformed),
        }
        Ok(())
    }

    /// Applies one verified operation, or refuses it.
    ///
    /// # Errors
    /// An admission refusal ([`Reject::is_admission`]) changes nothing at all. Any other takes time, sequence and fee, and
    /// changes nothing else.
    pub fn apply(&mut self, at: Time, operation: &Verified) -> Result<Outcome, Reject> {
        let request = operation.request();
        let bytes = operation.bytes();
        let door = Door { genesis: &self.genesis, network: self.network, time: self.totals.time };
        let fee = match self.accounts.find(&request.account) {
            Some(account) => {
                let fee = door.admit(at, request, bytes, account.record())?;
                account.change().count(fee);
                fee
            }
            None => {
                let mut account = Account::new(request.account);
                let fee = door.admit(at, request, bytes, &account)?;
                account.count(fee);
                self.accounts.put(&request.account, account);
                fee
            }
        };
        let totals = self.change_totals();
        totals.time = at;
        totals.operations = totals.operations.saturating_add(1);
        if !fee.is_zero() {
            self.credit(self.genesis.beneficiary, fee);
        }
        let effect = self.perform(request)?;
        Ok(Outcome { fee, effect })
    }

    /// The checks at the door. Returns the fee.
    ///
    /// # Errors
    /// An admission refusal.
    pub fn admit(&self, at: Time, request: &Request, bytes: usize) -> Result<Amount, Reject> {
        let door = Door { genesis: &self.genesis, network: self.network, time: self.totals.time };
        door.admit(at, request, bytes, &self.account(&request.account))
    }

    fn perform(&mut self, request: &Request) -> Result<Effect, Reject> {
        let (by, sequence) = (request.account, request.sequence);
        match &request.operation {
            Operation::Issue { to, amount, .. } => self.issue(by, *to, *amount),
            Operation::Redeem { amount, .. } => self.redeem(by, *amount),
            Operation::Lift { weight } => self.lift(by, weight),
            Operation::Transfer { to, amount, .. } => self.transfer(by, *to, *amount),
            Operation::Name { name } => self.take_name(by, name),
            Operation::Rotate { key, proof } => self.rotate(by, sequence, *key, *proof),
            Operation::Publish(publish) => self.publish(by, publish),
            Operation::Tag { name, tag, artifact } => self.tag(by, name, tag, *artifact),
            Operation::Retire { artifact } => self.retire(by, *artifact),
            Operation::Register(door) => self.register(by, door),
            Operation::Offer(offer) => self.make_offer(by, sequence, offer),
            Operation::Withdraw { offer } => self.withdraw(by, offer),
            Operation::Open { provider, gateway_key, deposit } => {
                self.open((by, sequence), *provider, *gateway_key, *deposit)
            }
            Operation::TopUp { channel, amount } => self.top_up(by, *channel, *amount),
            Operation::Settle { voucher } => self.settle(by, voucher),
            Operation::Close { channel } => self.close(by, *channel),
            Operation::Release { channel } => self.release(by, *channel),
            Operation::Finish { channel } => self.finish(*channel),
            Operation::Payout { artifacts } => self.payout(by, artifacts),
        }
    }

    /// The digest of everything; equal on every honest replica. Hashes what changed since it was last asked for.
    ///
    /// # Panics
    /// If the tree was taken.
    pub fn root(&mut self) -> Digest {
        self.tree().root()
    }

    /// The proof that a record stands under the root, or that none does.
    ///
    /// # Panics
    /// If the tree was taken.
    pub fn prove(&mut self, key: &Key) -> state_tree::Proof {
        self.tree().prove(key)
    }

    /// The tree, as of now.
    fn tree(&mut self) -> &state_tree::Tree {
        let (mut changes, mut bytes) = (Vec::new(), Vec::new());
        // Only digests are kept: at a start this is every record there is.
        self.take_changes(|key, record| {
            changes.push((state_tree::path(&key), record.map(|record| state_tree::digest(&record, &mut bytes))));
        });
        let tree = self.tree.as_mut().expect("the tree was taken");
        tree.update(changes);
        tree
    }

    /// Gives the tree away, as of now. Whoever has it teaches it what [`Self::take_changes`] gives from here on.
    ///
    /// # Panics
    /// If it was taken before.
    pub fn take_tree(&mut self) -> state_tree::Tree {
        self.tree();
        self.tree.take().expect("the tree was taken")
    }

    /// Hands each changed key to `each`, with its record if it has one. Each change is told once: to this, or to the tree when it
    /// was asked for something.
    pub fn take_changes(&mut self, mut each: impl FnMut(Key, Option<Record>)) {
        if core::mem::take(&mut self.totals_changed) {
            each(Key::Totals, Some(Record::Totals(self.totals.clone())));
        }
        self.accounts.take_changes(|id, account| each(Key::Account(*id), account.cloned().map(Record::Account)));
        self.names.take_changes(|name, id| each(Key::Name(name.clone()), id.copied().map(Record::Name)));
        self.artifacts.take_changes(|id, artifact| {
            each(Key::Artifact(*id), artifact.cloned().map(Box::new).map(Record::Artifact))
        });
        self.tags.take_changes(|(publisher, name, tag), id| {
            each(Key::Tag(*publisher, name.clone(), tag.clone()), id.copied().map(Record::Tag));
        });
        self.weights.take_changes(|digest, weight| each(Key::Weight(*digest), weight.copied().map(Record::Weight)));
        self.pots.take_changes(|id, pot| each(Key::Pot(*id), pot.cloned().map(Record::Pot)));
        self.offers.take_changes(|id, offer| each(Key::Offer(*id), offer.cloned().map(Box::new).map(Record::Offer)));
        self.channels
            .take_changes(|id, channel| each(Key::Channel(*id), channel.cloned().map(Box::new).map(Record::Channel)));
    }

    /// The record under a key.
    pub fn get(&self, key: &Key) -> Option<Record> {
        match key {
            Key::Totals => Some(Record::Totals(self.totals.clone())),
            Key::Account(id) => self.accounts.get(id).cloned().map(Record::Account),
            Key::Name(name) => self.named(name).map(Record::Name),
            Key::Artifact(id) => self.artifact(id).cloned().map(Box::new).map(Record::Artifact),
            Key::Tag(publisher, name, tag) => {
                self.tags.get(&(*publisher, name.clone(), tag.clone())).copied().map(Record::Tag)
            }
            Key::Weight(digest) => self.weight(digest).map(Record::Weight),
            Key::Pot(id) => self.pot(id).cloned().map(Record::Pot),
            Key::Offer(id) => self.offer(id).cloned().map(Box::new).map(Record::Offer),
            Key::Channel(id) => self.channel(id).cloned().map(Box::new).map(Record::Channel),
        }
    }

    /// Every record, in the order of the keys.
    pub fn records(&self) -> impl Iterator<Item = (Key, Record)> + '_ {
        let totals = core::iter::once((Key::Totals, Record::Totals(self.totals.clone())));
        totals
            .chain(self.accounts.iter().map(|(id, a)| (Key::Account(*id), Record::Account(a.clone()))))
            .chain(self.names.iter().map(|(name, id)| (Key::Name(name.clone()), Record::Name(*id))))
            .chain(self.artifacts.iter().map(|(id, a)| (Key::Artifact(*id), Record::Artifact(Box::new(a.clone())))))
            .chain(self.tags.iter().map(|((p, n, t), id)| (Key::Tag(*p, n.clone(), t.clone()), Record::Tag(*id))))
            .chain(self.weights.iter().map(|(digest, w)| (Key::Weight(*digest), Record::Weight(*w))))
            .chain(self.pots.iter().map(|(id, pot)| (Key::Pot(*id), Record::Pot(pot.clone()))))
            .chain(self.offers.iter().map(|(id, offer)| (Key::Offer(*id), Record::Offer(Box::new(offer.clone())))))
            .chain(self.channels.iter().map(|(id, c)| (Key::Channel(*id), Record::Channel(Box::new(c.clone())))))
    }
}

/// Reading.
impl State {
    /// What the network was founded on.
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The network's name in every signature.
    pub const fn network(&self) -> Digest {
        self.network
    }

    /// The sums over everything.
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// An account; one without a record reads as [`Account::new`].
    pub fn account(&self, id: &AccountId) -> Account {
        self.accounts.get(id).cloned().unwrap_or_else(|| Account::new(*id))
    }

    /// The sequence that an account's next operation must have.
    pub fn sequence(&self, id: &AccountId) -> u64 {
        self.accounts.get(id).map_or(0, |account| account.sequence)
    }

    /// Who has this name.
    pub fn named(&self, name: &str) -> Option<AccountId> {
        self.names.get(name).copied()
    }

    /// An artifact.
    pub fn artifact(&self, id: &ArtifactId) -> Option<&Artifact> {
        self.artifacts.get(id)
    }

    /// All artifacts.
    pub fn artifacts(&self) -> impl Iterator<Item = (&ArtifactId, &Artifact)> {
        self.artifacts.iter()
    }

    /// All tags: publisher, name and tag, and what they point at.
    pub fn tags(&self) -> impl Iterator<Item = (&(AccountId, String, String), &ArtifactId)> {
        self.tags.iter()
    }

    /// Where a weight file was first published.
    pub fn weight(&self, digest: &Digest) -> Option<Weight> {
        self.weights.get(digest).copied()
    }

    /// An artifact's royalties; none if it asks none.
    pub fn pot(&self, id: &ArtifactId) -> Option<&Pot> {
        self.pots.get(id)
    }

    /// All pots.
    pub fn pots(&self) -> impl Iterator<Item = (&ArtifactId, &Pot)> {
        self.pots.iter()
    }

    /// An offer.
    pub fn offer(&self, id: &OfferId) -> Option<&OfferRecord> {
        self.offers.get(id)
    }

    /// All offers, withdrawn ones included.
    pub fn offers(&self) -> impl Iterator<Item = (&OfferId, &OfferRecord)> {
        self.offers.iter()
    }

    /// An open or closing channel.
    pub fn channel(&self, id: &ChannelId) -> Option<&Channel> {
        self.channels.get(id)
    }

    /// All open and closing channels.
    pub fn channels(&self) -> impl Iterator<Item = (&ChannelId, &Channel)> {
        self.channels.iter()
    }

    /// All accounts that have a record.
    pub fn accounts(&self) -> impl Iterator<Item = (&AccountId, &Account)> {
        self.accounts.iter()
    }
}

/// Writing: the tables remember what the tree has yet to learn.
impl State {
    pub(crate) fn change_totals(&mut self) -> &mut Totals {
        self.totals_changed = true;
        &mut self.totals
    }

    /// An account to be changed; it has a record from now on.
    pub(crate) fn change_account(&mut self, id: AccountId) -> &mut Account {
        self.accounts.change(&id, || Account::new(id))
    }

    pub(crate) fn put_name(&mut self, name: String, id: AccountId) {
        self.names.put(&name, id);
    }

    pub(crate) fn put_artifact(&mut self, id: ArtifactId, artifact: Artifact) {
        self.artifacts.put(&id, artifact);
    }

    pub(crate) fn put_tag(&mut self, publisher: AccountId, name: String, tag: String, id: ArtifactId) {
        self.tags.put(&(publisher, name, tag), id);
    }

    pub(crate) fn put_weight(&mut self, digest: Digest, weight: Weight) {
        self.weights.put(&digest, weight);
    }

    pub(crate) fn put_pot(&mut self, id: ArtifactId, pot: Pot) {
        self.pots.put(&id, pot);
    }

    pub(crate) fn put_offer(&mut self, id: OfferId, offer: OfferRecord) {
        self.offers.put(&id, offer);
    }

    pub(crate) fn put_channel(&mut self, id: ChannelId, channel: Channel) {
        self.channels.put(&id, channel);
    }

    pub(crate) fn remove_channel(&mut self, id: ChannelId) {
        self.channels.remove(&id);
    }
}

/// What an operation must fit before anything else is asked.
struct Door<'a> {
    genesis: &'a Genesis,
    network: Digest,
    time: Time,
}

impl Door<'_> {
    /// The fee of an operation of so many bytes.
    ///
    /// # Errors
    /// An admission refusal.
    fn admit(&self, at: Time, request: &Request, bytes: usize, account: &Account) -> Result<Amount, Reject> {
        if request.network != self.network {
            return Err(Reject::WrongNetwork);
        }
        if at < self.time {
            return Err(Reject::TimeReversed);
        }
        if at > request.not_after {
            return Err(Reject::Expired);
        }
        if account.key != request.key {
            return Err(Reject::KeyNotCurrent);
        }
        if request.sequence < account.sequence {
            return Err(Reject::SequencePast);
        }
        if request.sequence > account.sequence {
            return Err(Reject::SequenceFuture);
        }
        if matches!(request.operation, Operation::Issue { .. }) && request.account == self.genesis.issuer {
            return Ok(Amount::ZERO);
        }
        let fees = &self.genesis.fees;
        let by_size = u128::try_from(bytes).ok().and_then(|n| fees.byte.0.checked_mul(n)).map(Amount);
        let fee = by_size.and_then(|by_size| fees.operation.plus(by_size)).ok_or(Reject::FeeUnpaid)?;
        if fee > account.balance { Err(Reject::FeeUnpaid) } else { Ok(fee) }
    }
}

impl Account {
    /// Counts an operation and takes its fee, which was found to be there.
    fn count(&mut self, fee: Amount) {
        self.sequence = self.sequence.saturating_add(1);
        self.balance = self.balance.minus(fee).unwrap_or_default();
    }
}

/// Moving money.
impl State {
    /// # Panics
    /// If a balance exceeds 2¹²⁸: the supply is at most 2⁹⁶, so we would be wrong.
    pub(crate) fn credit(&mut self, id: AccountId, amount: Amount) {
        let account = self.change_account(id);
        account.balance = account.balance.plus(amount).expect("a balance exceeds the supply");
    }

    pub(crate) fn debit(&mut self, id: AccountId, amount: Amount) -> Result<(), Reject> {
        // Every debit is by whoever made the operation, and so has a record.
        let account = self.accounts.find(&id).ok_or(Reject::BalanceTooLow)?;
        let balance = account.record().balance.minus(amount).ok_or(Reject::BalanceTooLow)?;
        account.change().balance = balance;
        Ok(())
    }

    /// Moves money from an account to the deposits.
    pub(crate) fn set_aside(&mut self, id: AccountId, amount: Amount) -> Result<(), Reject> {
        self.debit(id, amount)?;
        self.move_total(|totals| &mut totals.deposits, amount, Amount::ZERO);
        Ok(())
    }

    /// Moves money from the deposits to an account.
    pub(crate) fn give_back(&mut self, id: AccountId, amount: Amount) {
        self.move_total(|totals| &mut totals.deposits, Amount::ZERO, amount);
        self.credit(id, amount);
    }

    /// # Panics
    /// If a total leaves its range: we would have lost or made money.
    pub(crate) fn move_total(&mut self, total: impl Fn(&mut Totals) -> &mut Amount, plus: Amount, minus: Amount) {
        let sum = total(self.change_totals());
        *sum = sum.plus(plus).and_then(|sum| sum.minus(minus)).expect("a total left its range");
    }

    /// Adds royalties to a pot. Every priced work has one since its publication.
    pub(crate) fn fill_pot(&mut self, id: &ArtifactId, amount: Amount) {
        let pot = self.pots.change(id, Pot::default);
        pot.lifetime = pot.lifetime.plus(amount).expect("a pot exceeds the supply");
    }

    /// Takes the fee for changing pots.
    pub(crate) fn charge_pots(&mut self, by: AccountId, pots: usize) -> Result<(), Reject> {
        let pots = u128::try_from(pots).unwrap_or(u128::MAX);
        let fee = self.genesis.fees.pot.0.checked_mul(pots).map(Amount).ok_or(Reject::BalanceTooLow)?;
        if fee.is_zero() {
            return Ok(());
        }
        self.debit(by, fee)?;
        self.credit(self.genesis.beneficiary, fee);
        Ok(())
    }
}
