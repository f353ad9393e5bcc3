//! The program killed a hundred times, at random moments of its start and under load. After each the log is audited, and
//! everything that anybody was answered is there, once. More of it: `PUMASI_TEST_KILLS=1000 cargo test --release -p pumasi
//! --test system killed_a_hundred -- --nocapture`.

use api::{Applied, HttpLedger, Ledger as _, LedgerError};
use ledger::{Digest, Keypair, Operation, Register, Request, Signed, Time};
use std::time::Duration;

use crate::harness::{Home, Node};

const STRANGERS: u8 = 4;
const UP: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// Somebody who changes his address as often as he can, and sends again what was not answered.
struct Stranger {
    key: Keypair,
    network: Digest,
    answered: Vec<(Signed<Request>, Applied)>,
    unanswered: Option<Signed<Request>>,
}

impl Stranger {
    fn new(number: u8, network: Digest) -> Self {
        let key = Keypair::from_secret(&[number; 32]);
        Self { key, network, answered: Vec::new(), unanswered: None }
    }

    fn next(&self) -> Signed<Request> {
        let (key, sequence) = (self.key.public(), self.answered.len() as u64);
        let address = format!("http://stranger:{}", sequence % 60_000 + 1);
        let operation = Operation::Register(Register { address, tls_key: None });
        let (network, not_after) = (self.network, Time(u64::MAX));
        self.key.sign(network, Request { network, account: key.into(), key, sequence, not_after, operation })
    }

    /// Submits until nobody answers.
    async fn submit(&mut self, ledger: &HttpLedger) {
        loop {
            let operation = self.unanswered.take().unwrap_or_else(|| self.next());
            match ledger.submit(&operation).await {
                Ok(applied) => self.answered.push((operation, applied)),
                Err(LedgerError::Unreachable { .. }) => {
                    self.unanswered = Some(operation);
                    return;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The last operations are there as they were answered; the one without an answer is next, or was done unseen.
    async fn check(&self, ledger: &HttpLedger) {
        for (operation, answer) in self.answered.iter().rev().take(3) {
            assert_eq!(ledger.submit(operation).await.as_ref(), Ok(answer));
        }
        let (known, sequence) =
            (self.answered.len() as u64, ledger.account(self.key.public().into()).await.unwrap().sequence);
        let unseen = sequence.checked_sub(known).expect("an operation that was answered is gone");
        assert!(unseen <= u64::from(self.unanswered.is_some()), "{unseen} operations that nobody sent");
    }
}

fn ledger(node: &Node) -> HttpLedger {
    HttpLedger::new(node.address.parse().unwrap()).unwrap()
}

/// How often.
fn kills() -> u32 {
    std::env::var("PUMASI_TEST_KILLS").map_or(100, |kills| kills.parse().expect("PUMASI_TEST_KILLS is a number"))
}

/// A moment within so many milliseconds.
fn moment(round: u32, within_ms: u16) -> Duration {
    let [low, high, ..] = Digest::of(&round.to_le_bytes()).0;
    Duration::from_millis(u64::from(u16::from_le_bytes([low, high]) % within_ms))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_a_hundred_times_it_loses_nothing_that_it_answered() {
    let home = Home::new();
    let node = home.start_with(&UP);
    let network = ledger(&node).genesis().await.unwrap().network();
    drop(node);
    let mut strangers: Vec<_> = (1..=STRANGERS).map(|number| Stranger::new(number, network)).collect();
    for round in 0..kills() {
        if round % 4 == 3 {
            home.start_and_kill(&[&UP[..], &["--without-guide"]].concat(), moment(round, 400));
        } else {
            let node = home.start_with(&UP);
            let ledger = ledger(&node);
            for stranger in &strangers {
                stranger.check(&ledger).await;
            }
            let load = futures::future::join_all(strangers.iter_mut().map(|stranger| stranger.submit(&ledger)));
            let kill = async {
                tokio::time::sleep(moment(round, 150)).await;
                node.kill_now();
            };
            tokio::join!(load, kill);
        }
        home.pumasi(&["audit"]).good();
    }
    let answered: usize = strangers.iter().map(|stranger| stranger.answered.len()).sum();
    println!("killed {} times, with {answered} operations answered", kills());
    assert!(answered > kills() as usize, "only {answered} operations were answered");
}
