//! The naive model: what happened, in order. Every number is a sum over all of it, computed again each time.

use ledger::{
    AccountId, Amount, Artifact, ArtifactId, ChannelId, Effect, Genesis, Key, Line, OfferId, Operation, Payee, Publish,
    Request, State, Usage, encode,
};
use proptest::{prelude::*, test_runner::TestCaseError};
use std::collections::{BTreeMap, BTreeSet};

/// Something that happened.
enum Fact {
    Issued(AccountId, u128),
    Burned(AccountId, u128),
    Moved(AccountId, AccountId, u128),
    Fee(AccountId, u128),
    Named(AccountId),
    Published(AccountId),
    Offered(AccountId),
    Withdrawn(AccountId),
    Opened(ChannelId, u128),
    ToppedUp(ChannelId, u128),
    Ended(ChannelId),
}

struct Channel {
    payer: AccountId,
    provider: AccountId,
    /// The last settled voucher's.
    usage: Vec<Line>,
}

/// The model.
pub struct Model {
    genesis: Genesis,
    facts: Vec<Fact>,
    sequences: BTreeMap<AccountId, u64>,
    published: BTreeMap<ArtifactId, Publish>,
    /// Each artifact and all its ancestors.
    lineages: BTreeMap<ArtifactId, BTreeSet<ArtifactId>>,
    offers: BTreeMap<OfferId, (AccountId, ledger::Offer)>,
    channels: BTreeMap<ChannelId, Channel>,
    /// What each pot had ever earned when it was last paid out.
    paid_at: BTreeMap<ArtifactId, u128>,
}

fn priced(rates: ledger::Rates, usage: Usage) -> u128 {
    u128::from(rates.input) * u128::from(usage.input) + u128::from(rates.output) * u128::from(usage.output)
}

/// `floor(lifetime × weight ÷ total)`, with the product that the ledger avoids.
fn share(lifetime: u128, payees: &[Payee], payee: &Payee) -> u128 {
    lifetime * u128::from(payee.weight) / payees.iter().map(|payee| u128::from(payee.weight)).sum::<u128>()
}

impl Model {
    pub fn new(genesis: Genesis) -> Self {
        Self {
            genesis,
            facts: Vec::new(),
            sequences: BTreeMap::new(),
            published: BTreeMap::new(),
            lineages: BTreeMap::new(),
            offers: BTreeMap::new(),
            channels: BTreeMap::new(),
            paid_at: BTreeMap::new(),
        }
    }

    /// Somebody's operation got through the door.
    pub fn charge(&mut self, asked: &Request, bytes: usize) {
        *self.sequences.entry(asked.account).or_default() += 1;
        let free = matches!(asked.operation, Operation::Issue { .. }) && asked.account == self.genesis.issuer;
        if !free {
            let fee = self.genesis.fees.operation.0 + self.genesis.fees.byte.0 * bytes as u128;
            self.facts.push(Fact::Fee(asked.account, fee));
        }
    }

    /// What a pot ever earned: over every line of every channel that was ever settled.
    fn lifetime(&self, work: ArtifactId) -> u128 {
        let royalty = self.published[&work].royalty;
        let lines = self.channels.values().flat_map(|channel| &channel.usage);
        let of_work = lines.filter(|line| self.lineages[&self.offers[&line.offer].1.artifact].contains(&work));
        of_work.map(|line| priced(royalty, line.usage)).sum()
    }

    /// What a line costs altogether.
    fn cost(&self, line: &Line) -> u128 {
        let offer = &self.offers[&line.offer].1;
        let royalties =
            self.lineages[&offer.artifact].iter().map(|work| priced(self.published[work].royalty, line.usage));
        priced(offer.fee, line.usage) + royalties.sum::<u128>()
    }

    fn spent(&self, channel: ChannelId) -> u128 {
        self.channels[&channel].usage.iter().map(|line| self.cost(line)).sum()
    }

    fn locked(&self, channel: ChannelId) -> u128 {
        let locked = |fact: &Fact| match fact {
            Fact::Opened(id, amount) | Fact::ToppedUp(id, amount) if *id == channel => *amount,
            _ => 0,
        };
        self.facts.iter().map(locked).sum()
    }

    fn paid(&self, work: ArtifactId, payee: &Payee) -> u128 {
        share(self.paid_at.get(&work).copied().unwrap_or(0), &self.published[&work].payees, payee)
    }

    /// What somebody has: signed, so that too much spent would show.
    fn balance(&self, who: AccountId) -> i128 {
        let (each, mut plus, mut minus) = (&self.genesis.deposits, 0, 0);
        for fact in &self.facts {
            match fact {
                Fact::Issued(to, amount) if *to == who => plus += amount,
                Fact::Burned(from, amount) if *from == who => minus += amount,
                Fact::Moved(from, to, amount) => {
                    plus += if *to == who { *amount } else { 0 };
                    minus += if *from == who { *amount } else { 0 };
                }
                Fact::Fee(from, amount) => {
                    plus += if self.genesis.beneficiary == who { *amount } else { 0 };
                    minus += if *from == who { *amount } else { 0 };
                }
                Fact::Named(by) if *by == who => minus += each.name.0,
                Fact::Published(by) if *by == who => minus += each.artifact.0,
                Fact::Offered(by) if *by == who => minus += each.offer.0,
                Fact::Withdrawn(by) if *by == who => plus += each.offer.0,
                Fact::Opened(id, amount) if self.channels[id].payer == who => minus += amount + each.channel.0,
                Fact::ToppedUp(id, amount) if self.channels[id].payer == who => minus += amount,
                Fact::Ended(id) if self.channels[id].payer == who => {
                    plus += self.locked(*id) - self.spent(*id) + each.channel.0;
                }
                _ => {}
            }
        }
        let earned =
            self.channels.values().filter(|channel| channel.provider == who).flat_map(|channel| &channel.usage);
        plus += earned.map(|line| priced(self.offers[&line.offer].1.fee, line.usage)).sum::<u128>();
        for (work, publish) in &self.published {
            plus += publish.payees.iter().filter(|p| p.account == who).map(|p| self.paid(*work, p)).sum::<u128>();
        }
        plus as i128 - minus as i128
    }

    /// Remembers what was applied, and checks what the ledger said of it.
    pub fn happened(
        &mut self,
        (old, new): (&State, &State),
        asked: &Request,
        effect: &Effect,
    ) -> Result<(), TestCaseError> {
        let by = asked.account;
        let fact = match &asked.operation {
            Operation::Issue { to, amount, .. } => Fact::Issued(*to, amount.0),
            Operation::Redeem { amount, .. } => Fact::Burned(by, amount.0),
            Operation::Transfer { to, amount, .. } => Fact::Moved(by, *to, amount.0),
            Operation::Name { .. } => Fact::Named(by),
            Operation::Publish(publish) => {
                let above = publish.parents.iter().flat_map(|parent| self.lineages[parent].clone());
                let lineage = above.chain([publish.manifest]).collect();
                self.lineages.insert(publish.manifest, lineage);
                self.published.insert(publish.manifest, publish.clone());
                self.assert_published(new.artifact(&publish.manifest))?;
                Fact::Published(by)
            }
            Operation::Offer(offer) => {
                let Effect::Offered(id) = effect else { return Err(TestCaseError::fail("no offer")) };
                prop_assert!(self.offers.insert(*id, (by, offer.clone())).is_none(), "an id was used again");
                Fact::Offered(by)
            }
            Operation::Withdraw { .. } => Fact::Withdrawn(by),
            Operation::Open { provider, deposit, .. } => {
                let Effect::Opened(id) = effect else { return Err(TestCaseError::fail("no channel")) };
                let channel = Channel { payer: by, provider: *provider, usage: Vec::new() };
                prop_assert!(self.channels.insert(*id, channel).is_none(), "an id was used again");
                Fact::Opened(*id, deposit.0)
            }
            Operation::TopUp { channel, amount } => Fact::ToppedUp(*channel, amount.0),
            Operation::Settle { voucher } => return self.settled(by, &voucher.body, effect, new),
            Operation::Release { channel } | Operation::Finish { channel } => {
                let left = Amount(self.locked(*channel) - self.spent(*channel) + self.genesis.deposits.channel.0);
                prop_assert_eq!(effect, &Effect::Finished { channel: *channel, returned: left });
                Fact::Ended(*channel)
            }
            Operation::Payout { artifacts } => return self.paid_out(by, artifacts, effect),
            Operation::Rotate { .. } | Operation::Tag { .. } | Operation::Retire { .. } => return Ok(()),
            Operation::Register(_) | Operation::Lift { .. } | Operation::Close { .. } => return Ok(()),
        };
        let same = |key: &Key| old.get(key).map(|record| encode(&record)) == new.get(key).map(|record| encode(&record));
        prop_assert!(!same(&Key::Account(by)), "the sequence rose");
        self.facts.push(fact);
        Ok(())
    }

    fn assert_published(&self, artifact: Option<&Artifact>) -> Result<(), TestCaseError> {
        let artifact = artifact.ok_or_else(|| TestCaseError::fail("it does not stand"))?;
        let asks = |work: &ArtifactId| !self.published[work].royalty.is_zero();
        let priced: Vec<_> = self.lineages[&artifact.publish.manifest].iter().copied().filter(asks).collect();
        prop_assert_eq!(&artifact.priced, &priced);
        prop_assert!(priced.len() <= self.genesis.limits.priced_works as usize);
        Ok(())
    }

    fn settled(
        &mut self,
        by: AccountId,
        voucher: &ledger::Voucher,
        effect: &Effect,
        state: &State,
    ) -> Result<(), TestCaseError> {
        let Effect::Settled(id, settlement) = effect else { return Err(TestCaseError::fail("it did not settle")) };
        let before: BTreeMap<_, _> = self.published.keys().map(|work| (*work, self.lifetime(*work))).collect();
        let spent = self.spent(*id);
        self.channels.get_mut(id).expect("an open channel").usage = voucher.usage.clone();
        let rose = before.iter().map(|(work, was)| (*work, self.lifetime(*work) - was)).filter(|(_, more)| *more > 0);
        let rose: Vec<_> = rose.collect();
        let told: Vec<_> = settlement.royalties.iter().map(|charge| (charge.artifact, charge.amount.0)).collect();
        prop_assert_eq!(&told, &rose);
        prop_assert_eq!(settlement.total.0, self.spent(*id) - spent);
        prop_assert!(self.spent(*id) <= self.locked(*id), "more was settled than is locked");
        self.facts.push(Fact::Fee(by, self.genesis.fees.pot.0 * rose.len() as u128));
        for line in &voucher.usage {
            let bill = state.price(&line.offer).unwrap().bill(line.usage).unwrap();
            prop_assert_eq!(bill.total.0, self.cost(line), "the bill of a line");
            prop_assert_eq!(bill.lines.iter().map(|line| line.amount).sum::<Amount>(), bill.total);
        }
        Ok(())
    }

    fn paid_out(&mut self, by: AccountId, works: &[ArtifactId], effect: &Effect) -> Result<(), TestCaseError> {
        let Effect::PaidOut(told) = effect else { return Err(TestCaseError::fail("nothing was paid out")) };
        let (mut paid, mut touched) = (BTreeMap::<AccountId, u128>::new(), 0);
        for work in works {
            let (publish, now) = (&self.published[work], self.lifetime(*work));
            let mut rose = false;
            for payee in &publish.payees {
                let more = share(now, &publish.payees, payee) - self.paid(*work, payee);
                rose |= more > 0;
                *paid.entry(payee.account).or_default() += more;
            }
            touched += u128::from(rose);
            self.paid_at.insert(*work, now);
        }
        paid.retain(|_, amount| *amount > 0);
        prop_assert_eq!(told.iter().map(|(id, amount)| (*id, amount.0)).collect::<BTreeMap<_, _>>(), paid);
        prop_assert!(told.is_sorted() && touched > 0);
        self.facts.push(Fact::Fee(by, self.genesis.fees.pot.0 * touched));
        Ok(())
    }

    /// Compares every number with the ledger's.
    pub fn assert_agrees(&self, state: &State) -> Result<(), TestCaseError> {
        for name in crate::PEOPLE {
            let id = crate::cast::account(name);
            prop_assert_eq!(state.account(&id).balance.0 as i128, self.balance(id), "the balance of {}", name);
            prop_assert_eq!(state.account(&id).sequence, self.sequences.get(&id).copied().unwrap_or(0));
        }
        let mut waiting = 0;
        for (work, publish) in self.published.iter().filter(|(_, publish)| !publish.royalty.is_zero()) {
            let pot = state.pot(work).ok_or_else(|| TestCaseError::fail("a pot is missing"))?;
            prop_assert_eq!(pot.lifetime.0, self.lifetime(*work));
            let paid: Vec<_> = publish.payees.iter().map(|payee| Amount(self.paid(*work, payee))).collect();
            prop_assert_eq!(&pot.paid, &paid);
            waiting += pot.lifetime.0 - paid.iter().map(|paid| paid.0).sum::<u128>();
        }
        prop_assert_eq!(state.totals().pots.0, waiting);
        prop_assert_eq!(state.totals().deposits.0, self.deposits(), "the deposits");
        for (id, channel) in state.channels() {
            prop_assert_eq!(channel.spent.0, self.spent(*id));
            prop_assert_eq!(channel.deposit.0, self.locked(*id));
        }
        Ok(())
    }

    fn deposits(&self) -> u128 {
        let each = &self.genesis.deposits;
        let (mut plus, mut minus) = (0, 0);
        for fact in &self.facts {
            match fact {
                Fact::Named(_) => plus += each.name.0,
                Fact::Published(_) => plus += each.artifact.0,
                Fact::Offered(_) => plus += each.offer.0,
                Fact::Withdrawn(_) => minus += each.offer.0,
                Fact::Opened(id, amount) => {
                    plus += amount + each.channel.0;
                    minus += self.spent(*id);
                }
                Fact::ToppedUp(_, amount) => plus += amount,
                Fact::Ended(id) => minus += self.locked(*id) - self.spent(*id) + each.channel.0,
                _ => {}
            }
        }
        plus - minus
    }
}

/// Pays all pots out in several orders and portions: everybody gets the same.
pub fn assert_payout_has_no_order(state: &State) -> Result<(), TestCaseError> {
    let pots: Vec<(ArtifactId, ledger::Pot)> = state.pots().map(|(id, pot)| (*id, pot.clone())).collect();
    for (id, mut pot) in pots {
        let payees = &state.artifact(&id).expect("a pot's artifact").publish.payees;
        let mut at_once = pot.clone();
        at_once.lifetime = Amount(at_once.lifetime.0 + 1_000);
        at_once.paid = pay(&at_once, payees);
        for portion in [1, 7, 92, 900] {
            pot.paid = pay(&pot, payees);
            pot.lifetime = Amount(pot.lifetime.0 + portion);
        }
        pot.paid = pay(&pot, payees);
        prop_assert_eq!(&pot, &at_once);
        prop_assert!(pot.balance().0 < payees.len() as u128, "less than one pico for each payee waits");
    }
    Ok(())
}

fn pay(pot: &ledger::Pot, payees: &[Payee]) -> Vec<Amount> {
    pot.due(payees).iter().zip(&pot.paid).map(|(due, paid)| Amount(due.0 + paid.0)).collect()
}
