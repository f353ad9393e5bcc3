//! The ledger against the databases that people would use in its place, and against what its signatures cost.
//!
//! `cargo run --release -p benches --bin ledger [transfers] [rounds]`. PostgreSQL takes part if its Debian package is installed.

use anyhow::{Context as _, Result, ensure};
use benches::{
    machine,
    market::{genesis, key, offer, open, publication, register, settle, sign, work},
    median, rate,
};
use futures::future::join_all;
use ledger::{AccountId, Amount, Digest, Effect, Keypair, Line, Operation, Request, Signed, Usage, Verified};
use replica::Replica;
use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

const ACCOUNTS: usize = 1_000;
/// Signatures in one equation, as the ledger has them.
const TOGETHER: usize = 256;
const BATCHES: [usize; 2] = [1_000, 8_000];
/// Receipts that one settlement stands for.
const RECEIPTS: u64 = 10_000;
const SETTLEMENTS: u64 = 4_000;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let transfers: usize = arguments.next().map_or(Ok(48_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(5), |text| text.parse())?;
    println!("{}, {transfers} transfers, medians of {rounds} rounds", machine());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let world = World::new(transfers);
    let limit = world.signature_limit(rounds);
    world.durable(&runtime, rounds)?;
    world.signed(&runtime, limit, rounds)?;
    receipts(&runtime, rounds)
}

/// Accounts with credits, and transfers among them, signed.
struct World {
    issues: Vec<Signed<Request>>,
    /// Sender and receiver by number, and the operation.
    transfers: Vec<(usize, usize, Signed<Request>)>,
}

impl World {
    fn new(transfers: usize) -> Self {
        let keys: Vec<Keypair> = (1..=ACCOUNTS).map(key).collect();
        let ids: Vec<AccountId> = keys.iter().map(|key| key.public().into()).collect();
        let reference = Digest([7; 32]);
        let issue = |(at, id): (usize, &AccountId)| {
            sign(&key(0), at as u64, Operation::Issue { to: *id, amount: Amount::credits(1_000), reference })
        };
        let transfer = |at: usize| {
            let (from, to) = (at % ACCOUNTS, (at * 7 + 1) % ACCOUNTS);
            let to = if to == from { (to + 1) % ACCOUNTS } else { to };
            let operation = Operation::Transfer { to: ids[to], amount: Amount(1), reference };
            (from, to, sign(&keys[from], (at / ACCOUNTS) as u64, operation))
        };
        Self { issues: ids.iter().enumerate().map(issue).collect(), transfers: (0..transfers).map(transfer).collect() }
    }

    /// A ledger in which every account has credits.
    async fn funded(&self, dir: &Path) -> Result<Replica> {
        let replica = open(dir)?;
        for answer in join_all(self.issues.iter().map(|operation| api::Ledger::submit(&replica, operation))).await {
            answer?;
        }
        Ok(replica)
    }

    fn verified(&self) -> Vec<Verified> {
        let network = genesis().network();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let one = |(_, _, signed): &(usize, usize, Signed<Request>)| {
            signed.clone().into_verified(network).expect("signed above")
        };
        std::thread::scope(|scope| {
            let share = self.transfers.len().div_ceil(cores);
            let parts =
                self.transfers.chunks(share).map(|part| scope.spawn(move || part.iter().map(one).collect::<Vec<_>>()));
            let parts: Vec<_> = parts.collect();
            parts.into_iter().flat_map(|part| part.join().expect("nothing panics")).collect()
        })
    }

    /// What the ledger's check of operations costs beside the library's of their signatures, both together in hundreds and on all
    /// cores. Gives the library's rate.
    fn signature_limit(&self, rounds: usize) -> f64 {
        use chacha20::{ChaCha8Rng, rand_core::SeedableRng as _};
        use ed25519_zebra::{Signature, VerificationKeyBytes, batch::Verifier};
        use ledger::Signable as _;
        let network = genesis().network();
        let operations: Vec<Signed<Request>> = self.transfers.iter().map(|(_, _, signed)| signed.clone()).collect();
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

    /// Durable transfers, signatures checked beforehand.
    fn durable(&self, runtime: &tokio::runtime::Runtime, rounds: usize) -> Result<()> {
        let postgres = Postgres::start()?;
        for batch in BATCHES {
            let (mut ours, mut sqlite, mut server) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..rounds {
                ours.push(runtime.block_on(self.ledger(batch))?);
                sqlite.push(self.sqlite(batch)?);
                if let Some(postgres) = &postgres {
                    server.push(self.postgres(postgres, batch)?);
                }
            }
            let (ours, sqlite) = (median(ours), median(sqlite));
            print!(
                "durable, batches of {batch}: ledger {ours:.0}/s, SQLite {sqlite:.0}/s ({:.2} of it)",
                ours / sqlite
            );
            match server.is_empty() {
                true => println!(", PostgreSQL is not installed (apt-get install postgresql)"),
                false => {
                    let server = median(server);
                    println!(", PostgreSQL {server:.0}/s ({:.1} of it)", ours / server);
                }
            }
        }
        Ok(())
    }

    async fn ledger(&self, batch: usize) -> Result<f64> {
        let dir = tempfile::tempdir()?;
        let replica = self.funded(dir.path()).await?;
        let mut batches: Vec<Vec<Verified>> = self.verified().chunks(batch).map(<[_]>::to_vec).collect();
        let begun = Instant::now();
        for batch in batches.drain(..) {
            for answer in join_all(batch.into_iter().map(|operation| replica.submit_verified(operation))).await {
                answer?;
            }
        }
        let found = rate(self.transfers.len(), begun);
        replica.close();
        Ok(found)
    }

    /// The bare double entry: two balances and a row, one transaction a batch, on the disk before the next.
    fn sqlite(&self, batch: usize) -> Result<f64> {
        let dir = tempfile::tempdir()?;
        let mut books = rusqlite::Connection::open(dir.path().join("books"))?;
        books.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
             CREATE TABLE transfers (id INTEGER PRIMARY KEY, payer INTEGER, payee INTEGER, amount INTEGER, reference BLOB);",
        )?;
        for id in 0..ACCOUNTS {
            books.execute("INSERT INTO accounts VALUES (?, 1000000)", [id as i64])?;
        }
        let begun = Instant::now();
        for part in self.transfers.chunks(batch) {
            let transaction = books.transaction()?;
            {
                let mut take = transaction.prepare_cached("UPDATE accounts SET balance = balance - 1 WHERE id = ?")?;
                let mut give = transaction.prepare_cached("UPDATE accounts SET balance = balance + 1 WHERE id = ?")?;
                let mut note = transaction.prepare_cached("INSERT INTO transfers VALUES (NULL, ?, ?, 1, ?)")?;
                for (from, to, _) in part {
                    take.execute([*from as i64])?;
                    give.execute([*to as i64])?;
                    note.execute(rusqlite::params![*from as i64, *to as i64, [7u8; 32]])?;
                }
            }
            transaction.commit()?;
        }
        Ok(rate(self.transfers.len(), begun))
    }

    fn postgres(&self, server: &Postgres, batch: usize) -> Result<f64> {
        let mut client = server.client()?;
        client.run(&format!(
            "DROP TABLE IF EXISTS accounts, transfers;
             CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
             CREATE TABLE transfers (id bigserial PRIMARY KEY, payer int, payee int, amount bigint, reference bytea);
             INSERT INTO accounts SELECT id, 1000000 FROM generate_series(0, {ACCOUNTS} - 1) id;
             CREATE OR REPLACE FUNCTION move(payers int[], payees int[]) RETURNS void LANGUAGE plpgsql AS $$
             BEGIN
               FOR i IN 1 .. array_length(payers, 1) LOOP
                 UPDATE accounts SET balance = balance - 1 WHERE id = payers[i];
                 UPDATE accounts SET balance = balance + 1 WHERE id = payees[i];
                 INSERT INTO transfers (payer, payee, amount, reference)
                   VALUES (payers[i], payees[i], 1, decode(repeat('07', 32), 'hex'));
               END LOOP;
             END $$; CHECKPOINT;"
        ))?;
        let begun = Instant::now();
        for part in self.transfers.chunks(batch) {
            let (mut payers, mut payees) = (String::new(), String::new());
            for (at, (from, to, _)) in part.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                write!(payers, "{comma}{from}")?;
                write!(payees, "{comma}{to}")?;
            }
            client.run(&format!("SELECT move('{{{payers}}}', '{{{payees}}}');"))?;
        }
        Ok(rate(self.transfers.len(), begun))
    }

    /// Signed transfers from the wire to their answers, and an audit of the history that they make.
    fn signed(&self, runtime: &tokio::runtime::Runtime, limit: f64, rounds: usize) -> Result<()> {
        let (mut wire, mut audited) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let dir = tempfile::tempdir()?;
            let replica = runtime.block_on(self.funded(dir.path()))?;
            let mut queues: Vec<Vec<Signed<Request>>> = vec![Vec::new(); ACCOUNTS];
            for (from, _, operation) in &self.transfers {
                queues[*from].push(operation.clone());
            }
            let begun = Instant::now();
            let tasks: Vec<_> = queues
                .into_iter()
                .map(|queue| {
                    let replica = replica.clone();
                    runtime.spawn(async move {
                        for operation in queue {
                            api::Ledger::submit(&replica, &operation).await.expect("a good transfer");
                        }
                    })
                })
                .collect();
            runtime.block_on(join_all(tasks));
            wire.push(rate(self.transfers.len(), begun));
            replica.close();
            let source = replica::audit::Source::Folder(dir.path().to_owned());
            let begun = Instant::now();
            let report = runtime.block_on(replica::audit(&source, None, |_| {}))?;
            ensure!(report.applied as usize == self.transfers.len() + ACCOUNTS, "the audit saw {}", report.applied);
            audited.push(rate(self.transfers.len() + ACCOUNTS, begun));
        }
        let (wire, audited) = (median(wire), median(audited));
        println!("signed, from submission to durable answer: {wire:.0}/s, {:.2} of the library's limit", wire / limit);
        println!("audit of that history: {audited:.0} operations/s, {:.2} of the limit", audited / limit);
        Ok(())
    }
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
fn receipts(runtime: &tokio::runtime::Runtime, rounds: usize) -> Result<()> {
    let (mut rates, mut bytes) = (Vec::new(), 0.0);
    for _ in 0..rounds {
        let dir = tempfile::tempdir()?;
        let replica = open(dir.path())?;
        let settlements = runtime.block_on(market(&replica))?;
        let journal = || std::fs::metadata(dir.path().join("journal")).map(|file| file.len());
        let before = journal()?;
        let begun = Instant::now();
        runtime.block_on(async {
            for answer in join_all(settlements.iter().map(|operation| api::Ledger::submit(&replica, operation))).await {
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

/// A server of Debian's package in a folder of its own, with its usual settings: what it says is done is on the disk.
struct Postgres {
    dir: tempfile::TempDir,
    bin: PathBuf,
    server: Child,
}

struct Client {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Postgres {
    fn start() -> Result<Option<Self>> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let Some(bin) = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").is_file())
        else {
            return Ok(None);
        };
        let dir = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp")?;
        // It does not run as root.
        ensure!(Command::new("chown").arg("postgres").arg(dir.path()).status()?.success(), "chown postgres");
        let data = dir.path().join("data");
        let run = |name: &str| {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(bin.join(name)).arg("-D").arg(&data);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        ensure!(run("initdb").arg("-A").arg("trust").status()?.success(), "initdb");
        let server = run("postgres").args(["-c", "listen_addresses=", "-k"]).arg(dir.path()).spawn()?;
        let found = Self { dir, bin, server };
        for _ in 0..100 {
            std::thread::sleep(std::time::Duration::from_millis(100));
            if found.client().and_then(|mut client| client.run("SELECT 1;")).is_ok() {
                return Ok(Some(found));
            }
        }
        anyhow::bail!("PostgreSQL did not start")
    }

    fn client(&self) -> Result<Client> {
        let mut command = Command::new(self.bin.join("psql"));
        command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(self.dir.path());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = process.stdin.take().context("psql's input")?;
        let output = BufReader::new(process.stdout.take().context("psql's output")?);
        Ok(Client { process, input, output })
    }
}

impl Client {
    /// Runs statements and waits until they are done.
    fn run(&mut self, statements: &str) -> Result<()> {
        writeln!(self.input, "{statements}\n\\echo done")?;
        self.input.flush()?;
        let mut line = String::new();
        while line.trim() != "done" {
            line.clear();
            ensure!(self.output.read_line(&mut line)? > 0, "psql ended");
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGTERM to runuser reaches the server.
        let _ = Command::new("kill").arg(self.server.id().to_string()).status();
        let _ = self.server.wait();
    }
}
