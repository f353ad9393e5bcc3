//! The ledger against the databases that people would use in its place, and against what its signatures cost.
//!
//! `cargo run --release -p benches --bin ledger [transfers] [rounds]`. PostgreSQL takes part if its Debian package is installed.

use anyhow::{Result, ensure};
use benches::{
    double_entry::{Client, KeyedSqlite, Pair, Postgres, Sqlite},
    machine,
    market::{genesis, key, offer, open, publication, register, settle, sign, work},
    median, rate,
};
use chacha20::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use futures::{StreamExt as _, future::join_all};
use ledger::{AccountId, Amount, Digest, Effect, Keypair, Line, Operation, Request, Signed, Usage, Verified};
use replica::Replica;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Signatures in one equation, as the ledger has them.
const TOGETHER: usize = 256;
const BATCHES: [usize; 2] = [1_000, 8_000];
/// Transfers whose answers clients wait for at once, in batches: the ledger decides, hashes, syncs and tells at the same time.
/// A database takes a batch after the other, since its transactions on the same accounts exclude each other.
const IN_FLIGHT: usize = 64_000;
/// Rounds that are made in a row: more than the index may be behind.
const LONG: usize = 8;
/// Who submits at the same time, a batch each.
const CLIENTS: usize = 16;
/// Receipts that one settlement stands for.
const RECEIPTS: u64 = 10_000;
const SETTLEMENTS: u64 = 4_000;

fn main() -> Result<()> {
    let mut numbers = Vec::new();
    for argument in std::env::args().skip(1) {
        numbers.push(argument.parse::<usize>()?);
    }
    let (transfers, rounds) = (numbers.first().copied().unwrap_or(64_000), numbers.get(1).copied().unwrap_or(5));
    let worlds = numbers.get(2..).filter(|worlds| !worlds.is_empty()).unwrap_or(&[1_000, 10_000, 1_000_000]);
    println!("{}, {transfers} transfers, medians of {rounds} rounds", machine());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let postgres = Postgres::start()?;
    for accounts in worlds {
        durable(*accounts, (transfers, rounds), &runtime, postgres.as_ref())?;
    }
    let world = World::new(1_000, transfers);
    let limit = world.signature_limit(rounds);
    world.signed(&runtime, limit, rounds)?;
    receipts(&runtime, rounds)
}

/// Accounts with credits, and transfers among them by chance, signed.
struct World {
    accounts: usize,
    issues: Vec<Signed<Request>>,
    transfers: Vec<(Pair, Signed<Request>)>,
}

impl World {
    fn new(accounts: usize, transfers: usize) -> Self {
        let keys: Vec<Keypair> = (1..=accounts).map(key).collect();
        let ids: Vec<AccountId> = keys.iter().map(|key| key.public().into()).collect();
        let (issuer, reference) = (key(0), Digest([7; 32]));
        let issue = |(at, id): (usize, &AccountId)| {
            sign(&issuer, at as u64, Operation::Issue { to: *id, amount: Amount::credits(1_000), reference })
        };
        let (mut chance, mut sequences) = (ChaCha8Rng::from_seed([7; 32]), vec![0; accounts]);
        let mut somebody = || (chance.next_u64() % accounts as u64) as usize;
        let transfers = (0..transfers).map(|_| {
            let (from, to) = (somebody(), somebody());
            let to = if to == from { (to + 1) % accounts } else { to };
            let sequence = sequences[from];
            sequences[from] += 1;
            let operation = Operation::Transfer { to: ids[to], amount: Amount(1), reference };
            ((from, to), sign(&keys[from], sequence, operation))
        });
        let transfers = transfers.collect();
        Self { accounts, issues: ids.iter().enumerate().map(issue).collect(), transfers }
    }

    /// The accounts.
    fn ids(&self) -> Vec<[u8; 32]> {
        (1..=self.accounts).map(|number| AccountId::from(key(number).public()).0).collect()
    }

    /// A ledger in which every account has credits.
    fn funded(&self, dir: &Path, runtime: &Runtime) -> Result<Replica> {
        let replica = open(dir)?;
        for answer in runtime.block_on(replica.submit_all(self.issues.clone())) {
            answer?;
        }
        settle_down(&replica);
        Ok(replica)
    }

    /// What the ledger's check of operations costs beside the library's of their signatures, both together in hundreds and on all
    /// cores. Gives the library's rate.
    fn signature_limit(&self, rounds: usize) -> f64 {
        use ed25519_zebra::{Signature, VerificationKeyBytes, batch::Verifier};
        use ledger::Signable as _;
        let network = genesis().network();
        let operations: Vec<Signed<Request>> = self.transfers.iter().map(|(_, signed)| signed.clone()).collect();
        let messages: Vec<(VerificationKeyBytes, Signature, Vec<u8>)> = operations
            .iter()
            .map(|signed| (signed.body.key.0.into(), signed.signature.0.into(), signed.body.message(network)))
            .collect();
        let library = || {
            on_all_cores(&messages, |part| {
                let mut verifier = Verifier::new();
                part.iter().for_each(|(key, signature, message)| verifier.queue((*key, *signature, message)));
                verifier.verify(ChaCha8Rng::from_seed([7; 32])).expect("signed above");
            })
        };
        let ours = || {
            on_all_cores(&operations, |part| {
                let verified = Verified::of_many(part.to_vec(), network);
                assert!(verified.iter().all(Result::is_ok), "signed above");
            })
        };
        let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (library(), ours())).collect();
        let limit = median(pairs.iter().map(|pair| pair.0).collect());
        let ratio = median(pairs.iter().map(|(library, ours)| ours / library).collect());
        println!(
            "signatures, {TOGETHER} together, all cores: the library's {limit:.0}/s, whole checks of operations {ratio:.2} of it"
        );
        limit
    }

    /// Signed transfers from submission to their answers, and an audit of the history that they make.
    fn signed(&self, runtime: &Runtime, limit: f64, rounds: usize) -> Result<()> {
        let (mut together, mut alone, mut audited) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            alone.push(self.submitted(runtime, self.accounts, 1)?.0);
            let (rate, dir) = self.submitted(runtime, CLIENTS, 256)?;
            together.push(rate);
            let source = replica::audit::Source::Folder(dir.path().to_owned());
            let begun = Instant::now();
            let report = runtime.block_on(replica::audit(&source, None, |_| {}))?;
            let operations = self.transfers.len() + self.accounts;
            ensure!(report.applied as usize == operations, "the audit saw {}", report.applied);
            audited.push(benches::rate(operations, begun));
        }
        let (together, alone, audited) = (median(together), median(alone), median(audited));
        println!(
            "signed, from submission to durable answer: {together:.0}/s, {:.2} of the library's limit",
            together / limit
        );
        println!(
            "the same, {} senders with one operation at a time: {alone:.0}/s, {:.2}",
            self.accounts,
            alone / limit
        );
        println!("audit of that history: {audited:.0} operations/s, {:.2} of the limit", audited / limit);
        Ok(())
    }

    /// The rate at which some clients submit all transfers, each a batch after the other, and the folder of the ledger.
    fn submitted(&self, runtime: &Runtime, clients: usize, batch: usize) -> Result<(f64, tempfile::TempDir)> {
        let dir = tempfile::tempdir()?;
        let replica = self.funded(dir.path(), runtime)?;
        let mut queues: Vec<Vec<Signed<Request>>> = vec![Vec::new(); clients];
        for ((from, _), operation) in &self.transfers {
            queues[from % clients].push(operation.clone());
        }
        let begun = Instant::now();
        let client = |queue: Vec<Signed<Request>>| {
            let replica = replica.clone();
            runtime.spawn(async move {
                for batch in queue.chunks(batch) {
                    for answer in replica.submit_all(batch.to_vec()).await {
                        answer.expect("a good transfer");
                    }
                }
            })
        };
        for client in runtime.block_on(join_all(queues.into_iter().map(client).collect::<Vec<_>>())) {
            client?;
        }
        let rate = rate(self.transfers.len(), begun);
        replica.close();
        Ok((rate, dir))
    }
}

/// Waits until the index knows what was answered.
fn settle_down(replica: &Replica) {
    while replica.metrics().lines().all(|line| line != "pumasi_ledger_unindexed_operations 0") {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Durable transfers, signatures checked beforehand: rounds with the databases in turns, and then a long one in which the index,
/// which may be some way behind, must follow.
fn durable(
    accounts: usize,
    (transfers, rounds): (usize, usize),
    runtime: &Runtime,
    postgres: Option<&Postgres>,
) -> Result<()> {
    let world = World::new(accounts, transfers * (rounds + LONG) * BATCHES.len());
    let dir = tempfile::tempdir()?;
    let mut contest = Contest {
        replica: world.funded(dir.path(), runtime)?,
        sqlite: Sqlite::new(accounts)?,
        keyed: KeyedSqlite::new(world.ids())?,
        server: postgres.map(|postgres| postgres.books(accounts)).transpose()?,
    };
    let mut rest = &world.transfers[..];
    let mut next = |count| rest.split_off(..count).expect("there are as many as are taken");
    for batch in BATCHES {
        let mut rates = [const { Vec::new() }; 4];
        for _ in 0..rounds {
            let round = contest.round(next(transfers), batch, runtime)?;
            rates.iter_mut().zip(round).for_each(|(rates, rate)| rates.push(rate));
        }
        told(&format!("durable, {accounts} accounts, batches of {batch}"), rates.map(median));
        let long = contest.round(next(transfers * LONG), batch, runtime)?;
        told(&format!("{} in a row", transfers * LONG), long);
    }
    if postgres.is_none() {
        println!("PostgreSQL is not installed (apt-get install postgresql)");
    }
    contest.replica.close();
    Ok(())
}

fn told(what: &str, [ours, sqlite, keyed, server]: [f64; 4]) {
    println!(
        "{what}: ledger {ours:.0}/s, SQLite {sqlite:.0}/s ({:.2} of it), by keys {keyed:.0}/s ({:.2} of it), \
         PostgreSQL {server:.0}/s ({:.1} of it)",
        ours / sqlite,
        ours / keyed,
        ours / server
    );
}

/// The ledger and the databases, which keep the same transfers.
struct Contest {
    replica: Replica,
    sqlite: Sqlite,
    keyed: KeyedSqlite,
    server: Option<Client>,
}

impl Contest {
    /// The rates at which each makes transfers durable.
    fn round(&mut self, part: &[(Pair, Signed<Request>)], batch: usize, runtime: &Runtime) -> Result<[f64; 4]> {
        let (pairs, verified) = (part.iter().map(|(pair, _)| *pair).collect::<Vec<_>>(), verified(part));
        let (mut verified, mut batches) = (verified.into_iter(), Vec::new());
        while verified.len() > 0 {
            batches.push(verified.by_ref().take(batch).collect::<Vec<_>>());
        }
        let begun = Instant::now();
        runtime.block_on(async {
            let batches = futures::stream::iter(batches).map(|batch| self.replica.submit_verified(batch));
            let mut answers = batches.buffered(IN_FLIGHT / batch);
            while let Some(answers) = answers.next().await {
                answers.into_iter().try_for_each(|answer| answer.map(drop))?;
            }
            anyhow::Ok(())
        })?;
        let ours = rate(part.len(), begun);
        settle_down(&self.replica);
        let begun = Instant::now();
        pairs.chunks(batch).try_for_each(|batch| self.sqlite.transfer(batch))?;
        let sqlite = rate(part.len(), begun);
        let begun = Instant::now();
        pairs.chunks(batch).try_for_each(|batch| self.keyed.transfer(batch))?;
        let keyed = rate(part.len(), begun);
        let Some(server) = &mut self.server else { return Ok([ours, sqlite, keyed, f64::NAN]) };
        let begun = Instant::now();
        pairs.chunks(batch).try_for_each(|batch| server.transfer(batch))?;
        Ok([ours, sqlite, keyed, rate(part.len(), begun)])
    }
}

/// Transfers whose signatures were checked.
fn verified(transfers: &[(Pair, Signed<Request>)]) -> Vec<Verified> {
    let network = genesis().network();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let check = |part: &[(Pair, Signed<Request>)]| {
            let verified = Verified::of_many(part.iter().map(|(_, signed)| signed.clone()).collect(), network);
            verified.into_iter().map(|one| one.expect("signed above")).collect::<Vec<_>>()
        };
        let parts = transfers.chunks(transfers.len().div_ceil(cores)).map(|part| scope.spawn(move || check(part)));
        let parts: Vec<_> = parts.collect();
        parts.into_iter().flat_map(|part| part.join().expect("nothing panics")).collect()
    })
}

/// How many things a second `check` goes through, in parts of [`TOGETHER`] on all cores.
fn on_all_cores<T: Sync>(things: &[T], check: impl Fn(&[T]) + Sync) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for share in things.chunks(things.len().div_ceil(cores)) {
            scope.spawn(|| share.chunks(TOGETHER).for_each(&check));
        }
    });
    rate(things.len(), begun)
}

/// Receipts that vouchers settle, ten thousand each, and what each leaves on the disk.
fn receipts(runtime: &Runtime, rounds: usize) -> Result<()> {
    let (mut rates, mut bytes) = (Vec::new(), 0.0);
    for _ in 0..rounds {
        let dir = tempfile::tempdir()?;
        let replica = open(dir.path())?;
        let settlements = runtime.block_on(market(&replica))?;
        let journal = || std::fs::metadata(dir.path().join("journal")).map(|file| file.len());
        let before = journal()?;
        let begun = Instant::now();
        runtime.block_on(async {
            for answer in replica.submit_all(settlements.clone()).await {
                answer?;
            }
            anyhow::Ok(())
        })?;
        rates.push(rate(settlements.len(), begun) * RECEIPTS as f64);
        bytes = (journal()? - before) as f64 / (settlements.len() as f64 * RECEIPTS as f64);
        replica.close();
    }
    println!(
        "receipts settled, one signed voucher for {RECEIPTS}: {:.1} million/s, {bytes:.4} bytes of the log each",
        median(rates) / 1e6
    );
    Ok(())
}

/// A model with a royalty, offered, with a channel; gives the settlements of many vouchers.
async fn market(replica: &Replica) -> Result<Vec<Signed<Request>>> {
    let [payer, maker, provider, gateway] = [1, 2, 3, 4].map(key);
    let run =
        async |operation: Signed<Request>| anyhow::Ok(api::Ledger::submit(replica, &operation).await?.outcome.effect);
    let to = payer.public().into();
    run(sign(&key(0), 0, Operation::Issue { to, amount: Amount::credits(1_000_000_000), reference: Digest([7; 32]) }))
        .await?;
    run(sign(&maker, 0, Operation::Name { name: "maker".into() })).await?;
    run(sign(&maker, 1, publication(0, &maker, Vec::new(), true))).await?;
    run(sign(&provider, 0, register())).await?;
    let Effect::Offered(offer) = run(sign(&provider, 1, offer(work(0)))).await? else { anyhow::bail!("no offer") };
    let gateway_key = gateway.public();
    let provider_id = provider.public().into();
    let deposit = Amount::credits(1_000_000);
    let open = Operation::Open { provider: provider_id, gateway_key, deposit };
    let Effect::Opened(channel) = run(sign(&payer, 0, open)).await? else { anyhow::bail!("no channel") };
    Ok((1..=SETTLEMENTS)
        .map(|at| {
            let number = at * RECEIPTS;
            let usage = vec![Line { offer, usage: Usage { input: 10 * number, output: 5 * number } }];
            sign(&provider, at + 1, settle(&gateway, channel, number, usage))
        })
        .collect())
}
