//! A million of everything: what each costs in memory and on the disk, whether a snapshot makes the writers wait, how long a
//! start takes, what ten thousand pots cost to pay out; and what a settlement costs by the lineage that it pays.
//!
//! `cargo run --release -p benches --bin scale [count]`. A million needs about 10 GB of memory and of disk.

use anyhow::{Context as _, Result, bail, ensure};
use benches::{
    machine,
    market::{genesis, key, offer, open, publication, register, settle, sign, work},
    median, rate, resident_bytes,
};
use ledger::{
    AccountId, Amount, ArtifactId, ChannelId, Digest, Effect, Keypair, Line, OfferId, Operation, Request, Signed,
    State, Tally, Time, Usage,
};
use replica::Replica;
use std::{path::Path, time::Instant};

/// Submitted together.
const TOGETHER: usize = 8_192;
const MAKERS: usize = 64;
/// Base models on which most of the others are built.
const HOT: u64 = 8;
const DEPTH: u64 = 1_000;
/// So many works that ask a royalty are behind each of the works whose pots are paid out.
const BEHIND: u64 = 63;

fn main() -> Result<()> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    println!("{}, {count} of each", machine());
    lineages()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let dir = tempfile::tempdir()?;
    let mut world = World { replica: open(dir.path())?, sequences: vec![0; MAKERS + 8], runtime };
    world.accounts(count)?;
    world.artifacts(count)?;
    let provider = world.channels(count)?;
    world.snapshot(dir.path())?;
    world.payouts(count, provider)?;
    world.start(dir.path())
}

/// Keys by what they do; their sequences are kept by number.
const ISSUER: usize = 0;
const PAYER: usize = 1;
const PROVIDER: usize = 2;
const GATEWAY: usize = 3;
const FIRST_MAKER: usize = 4;

struct World {
    replica: Replica,
    sequences: Vec<u64>,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn sign(&mut self, by: usize, operation: Operation) -> Signed<Request> {
        let sequence = self.sequences[by];
        self.sequences[by] += 1;
        sign(&key(by), sequence, operation)
    }

    fn submit(&self, operations: &[Signed<Request>]) -> Result<Vec<Effect>> {
        self.runtime
            .block_on(self.replica.submit_all(operations.to_vec()))
            .into_iter()
            .map(|answer| Ok(answer?.outcome.effect))
            .collect()
    }

    fn one(&mut self, by: usize, operation: Operation) -> Result<Effect> {
        let operation = self.sign(by, operation);
        self.submit(&[operation])?.pop().context("an answer")
    }

    /// Submits many operations, and tells what each of `count` left in memory and in the journal.
    fn many(&mut self, what: &str, count: u64, operation: impl Fn(u64) -> (usize, Operation)) -> Result<()> {
        let (memory, began, mut submitting) = (resident_bytes(), Instant::now(), 0.0);
        for first in (0..count).step_by(TOGETHER) {
            let numbers = first..count.min(first + TOGETHER as u64);
            let part: Vec<_> = numbers.map(&operation).map(|(by, operation)| self.sign(by, operation)).collect();
            let began = Instant::now();
            self.submit(&part)?;
            submitting += began.elapsed().as_secs_f64();
        }
        println!(
            "{count} {what}: {:.0} bytes of memory each, {:.0}/s (with signing them {:.0}/s)",
            (resident_bytes() - memory) / count as f64,
            count as f64 / submitting,
            rate(count as usize, began)
        );
        Ok(())
    }

    fn accounts(&mut self, count: u64) -> Result<()> {
        let reference = Digest([7; 32]);
        self.many("accounts", count, |number| {
            let to = AccountId(Digest::of(format!("account {number}").as_bytes()).0);
            (ISSUER, Operation::Issue { to, amount: Amount::credits(1), reference })
        })
    }

    /// One in twenty asks a royalty. Of a hundred: eighty are made from one of the hot base models, ten from two to sixteen of
    /// those, and ten from the one before in a chain.
    fn artifacts(&mut self, count: u64) -> Result<()> {
        for number in 0..MAKERS {
            self.one(FIRST_MAKER + number, Operation::Name { name: format!("maker-{number}") })?;
        }
        self.many("artifacts", count, |number| {
            let maker = FIRST_MAKER + number as usize % MAKERS;
            let priced = number < HOT || number % 20 == 3;
            (maker, publication(number, &key(maker), parents(number), priced))
        })
    }

    fn channels(&mut self, count: u64) -> Result<AccountId> {
        let credits = Amount::credits(u32::MAX);
        let to = key(PAYER).public().into();
        self.one(ISSUER, Operation::Issue { to, amount: credits, reference: Digest([7; 32]) })?;
        self.one(PROVIDER, register())?;
        let (provider, gateway_key) = (key(PROVIDER).public().into(), key(GATEWAY).public());
        self.many("channels", count, |_| {
            (PAYER, Operation::Open { provider, gateway_key, deposit: Amount::credits(1) })
        })?;
        Ok(provider)
    }

    /// Groups of transfers, one after the other, until a snapshot came between.
    fn snapshot(&mut self, dir: &Path) -> Result<()> {
        let (to, reference) = (AccountId([9; 32]), Digest([7; 32]));
        let written = || std::fs::metadata(dir.join("snapshot")).and_then(|file| file.modified());
        let (last, mut times) = (written()?, Vec::new());
        while written()? == last {
            ensure!(times.len() < 1_000, "no snapshot was written");
            // Signed some at a time, so that the ledger has little rest.
            let one = |_| self.sign(PAYER, Operation::Transfer { to, amount: Amount(1), reference });
            let signed: Vec<_> = (0..16 * TOGETHER).map(one).collect();
            for group in signed.chunks(TOGETHER) {
                let began = Instant::now();
                self.submit(group)?;
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
        let longest = times.iter().copied().fold(0.0, f64::max);
        println!(
            "{} groups of {TOGETHER} transfers until a snapshot of {:.0} MB was written: {:.0} ms each, longest {longest:.0}",
            times.len(),
            std::fs::metadata(dir.join("snapshot"))?.len() as f64 / 1e6,
            median(times),
        );
        Ok(())
    }

    /// Fills ten thousand pots with the settlements of works that each have [`BEHIND`] works behind them, and empties them.
    fn payouts(&mut self, count: u64, provider: AccountId) -> Result<()> {
        let gateway = key(GATEWAY);
        let open = Operation::Open { provider, gateway_key: gateway.public(), deposit: Amount::credits(1_000) };
        let Effect::Opened(channel) = self.one(PAYER, open)? else { bail!("no channel") };
        let (mut pots, mut offers) = (Vec::new(), Vec::new());
        let mut number = count;
        while pots.len() < 10_000 {
            let behind = number..number + BEHIND;
            let mut parents: Vec<ArtifactId> = behind.clone().map(work).collect();
            parents.sort();
            let maker = key(FIRST_MAKER);
            let mut made: Vec<_> = behind.map(|number| publication(number, &maker, Vec::new(), true)).collect();
            made.push(publication(number + BEHIND, &maker, parents, true));
            let made: Vec<_> = made.into_iter().map(|operation| self.sign(FIRST_MAKER, operation)).collect();
            self.submit(&made)?;
            let Effect::Offered(offered) = self.one(PROVIDER, offer(work(number + BEHIND)))? else { bail!("no offer") };
            offers.push(offered);
            pots.extend((number..=number + BEHIND).map(work));
            number += BEHIND + 1;
        }
        offers.sort();
        let mut settlements = Vec::new();
        // A voucher has at most 64 lines, so a channel for each 16 offers keeps below the pots that one settlement may change.
        for (at, part) in offers.chunks(16).enumerate() {
            let channel = if at == 0 {
                channel
            } else {
                let deposit = Amount::credits(1_000);
                let open = Operation::Open { provider, gateway_key: gateway.public(), deposit };
                let Effect::Opened(channel) = self.one(PAYER, open)? else { bail!("no channel") };
                channel
            };
            let usage = part.iter().map(|&offer| Line { offer, usage: Usage { input: 1_000, output: 500 } }).collect();
            settlements.push(self.sign(PROVIDER, settle(&gateway, channel, 1, usage)));
        }
        let began = Instant::now();
        self.submit(&settlements)?;
        let settled = began.elapsed().as_secs_f64() * 1e3;
        pots.sort();
        let payouts: Vec<_> = pots
            .chunks(64)
            .map(|artifacts| self.sign(PAYER, Operation::Payout { artifacts: artifacts.to_vec() }))
            .collect();
        let began = Instant::now();
        let paid = self.submit(&payouts)?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        let emptied = paid
            .iter()
            .all(|effect| matches!(effect, Effect::PaidOut(paid) if paid.iter().all(|(_, amount)| !amount.is_zero())));
        ensure!(emptied, "a payout paid nothing");
        println!(
            "{} pots filled by {} settlements in {settled:.0} ms and paid out by {} operations in {took:.0} ms",
            pots.len(),
            settlements.len(),
            payouts.len()
        );
        Ok(())
    }

    fn start(self, dir: &Path) -> Result<()> {
        let began = Instant::now();
        self.replica.close();
        let closed = began.elapsed().as_secs_f64();
        drop(self.replica);
        let size = |name: &str| std::fs::metadata(dir.join(name)).map_or(0.0, |file| file.len() as f64 / 1e6);
        println!(
            "on the disk: journal {:.0} MB, snapshot {:.0} MB, index {:.0} MB; closed in {closed:.1} s",
            size("journal"),
            size("snapshot"),
            size("index.sqlite")
        );
        let began = Instant::now();
        let replica = open(dir)?;
        println!("start from the snapshot: {:.1} s", began.elapsed().as_secs_f64());
        drop(replica);
        Ok(())
    }
}

/// What the work with a number is made from.
fn parents(number: u64) -> Vec<ArtifactId> {
    let hot = |at: u64| work(at % HOT);
    let mut parents = match number % 100 {
        _ if number < 100 => Vec::new(),
        // Made from hot models' direct children, which ended with 0 to 79.
        80..90 => {
            (0..2 + number / 100 % 15).map(|at| work(number / 100 * 100 - 100 + (number * 7 + at * 5) % 80)).collect()
        }
        // The chain: its links are the numbers that end with 90 to 99, and it begins anew after so many.
        last @ 90.. => {
            let link = number / 100 * 10 + last - 90;
            match link % DEPTH {
                0 => vec![hot(link)],
                _ if last == 90 => vec![work(number - 91)],
                _ => vec![work(number - 1)],
            }
        }
        _ => vec![hot(number)],
    };
    parents.sort();
    parents.dedup();
    parents
}

/// A state in memory with one provider, and operations applied to it.
struct Rules {
    state: State,
    sequences: Vec<u64>,
}

impl Rules {
    fn apply(&mut self, by: &Keypair, number: usize, operation: Operation) -> Result<Effect> {
        let signed = sign(by, self.sequences[number], operation);
        self.sequences[number] += 1;
        let verified = signed.into_verified(genesis().network())?;
        Ok(self.state.apply(Time(2_000), &verified)?.effect)
    }

    fn new() -> Result<Self> {
        let mut rules = Self { state: State::new(genesis())?, sequences: vec![0; 8] };
        let to = key(PAYER).public().into();
        let issue = Operation::Issue { to, amount: Amount::credits(1_000_000), reference: Digest([7; 32]) };
        rules.apply(&key(ISSUER), ISSUER, issue)?;
        rules.apply(&key(FIRST_MAKER), FIRST_MAKER, Operation::Name { name: "maker".into() })?;
        rules.apply(&key(PROVIDER), PROVIDER, register())?;
        Ok(rules)
    }

    /// A work at the end of a chain of `depth` works, of which the last `priced` ask a royalty.
    fn chain(&mut self, depth: u64, priced: u64) -> Result<OfferId> {
        for number in 0..depth {
            let parents = number.checked_sub(1).map(work).into_iter().collect();
            let publication = publication(number, &key(FIRST_MAKER), parents, number + priced >= depth);
            self.apply(&key(FIRST_MAKER), FIRST_MAKER, publication)?;
        }
        match self.apply(&key(PROVIDER), PROVIDER, offer(work(depth - 1)))? {
            Effect::Offered(offer) => Ok(offer),
            other => bail!("{other:?} in place of an offer"),
        }
    }

    /// Microseconds of a receipt (its leaf and its tokens added to the voucher) and of a settlement.
    fn cost(&mut self, offer: OfferId) -> Result<(f64, f64)> {
        let deposit = Amount::credits(1_000);
        let open =
            Operation::Open { provider: key(PROVIDER).public().into(), gateway_key: key(GATEWAY).public(), deposit };
        let Effect::Opened(channel) = self.apply(&key(PAYER), PAYER, open)? else { bail!("no channel") };
        let receipt = receipts(channel, offer);
        let mut settlements = Vec::new();
        for number in 1..=400 {
            let usage = vec![Line { offer, usage: Usage { input: 10 * number, output: 5 * number } }];
            let signed = sign(&key(PROVIDER), self.sequences[PROVIDER], settle(&key(GATEWAY), channel, number, usage));
            self.sequences[PROVIDER] += 1;
            settlements.push(signed.into_verified(genesis().network())?);
        }
        let mut times = Vec::new();
        for operation in &settlements {
            let began = Instant::now();
            self.state.apply(Time(2_000), operation)?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
        Ok((receipt, median(times)))
    }
}

fn receipts(channel: ChannelId, offer: OfferId) -> f64 {
    let mut tally = Tally::new(channel);
    let began = Instant::now();
    for number in 0u64..100_000 {
        let receipt = Digest::of(&number.to_be_bytes());
        tally.push_receipt(receipt, offer, Usage { input: 10, output: 5 }).expect("a few tokens");
    }
    let took = began.elapsed().as_secs_f64() * 1e6 / 1e5;
    std::hint::black_box(tally.voucher());
    took
}

/// The cost of a receipt and of a settlement by the number of works that are paid, and by the depth of the lineage.
fn lineages() -> Result<()> {
    println!("works paid, depth: receipt, settlement");
    for (priced, depth) in
        [(1, 1), (4, 4), (16, 16), (64, 64), (128, 128), (256, 256), (8, 8), (8, 100), (8, 1_000), (8, 10_000)]
    {
        let mut rules = Rules::new()?;
        let offer = rules.chain(depth, priced)?;
        let (receipt, settlement) = rules.cost(offer)?;
        println!("{priced:>5} {depth:>6}: {receipt:.2} µs, {settlement:.1} µs");
    }
    Ok(())
}
