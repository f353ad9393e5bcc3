//! A small market: a model with a royalty, an offer, a channel, two settlements, a payout; and what people read of it.

use super::*;
use crate::{
    audit::{Source, audit_watched},
    decide::Done,
    index::MIGRATIONS,
};
use api::Settled;
use ledger::{
    ArtifactId, Bound, ChannelId, Effect, Kind, Line, Offer, OfferId, Payee, Publish, Rates, Register, Reject, Usage,
    Voucher,
};
use std::{fs, path::Path};

pub(super) const PAYER: u8 = 1;
const PUBLISHER: u8 = 2;
pub(super) const PROVIDER: u8 = 3;
pub(super) const GATEWAY: u8 = 4;
pub(super) const MODEL: ArtifactId = Digest([9; 32]);

pub(super) struct Market {
    pub(super) channel: ChannelId,
    pub(super) offer: OfferId,
}

async fn effect(replica: &Replica, operation: Signed<Request>) -> Effect {
    replica.submit(&operation).await.unwrap().outcome.effect
}

pub(super) async fn market(replica: &Replica) -> Market {
    effect(replica, issue(0, PAYER, 1_000)).await;
    effect(replica, sign(PUBLISHER, 0, Operation::Name { name: "maker".into() })).await;
    let publish = Publish {
        manifest: MODEL,
        kind: Kind::Model,
        parents: Vec::new(),
        royalty: Rates { input: 10, output: 20 },
        payees: vec![Payee { account: account(PUBLISHER), weight: 1 }],
        weights: vec![Digest([8; 32])],
        name: "mini".into(),
        tag: "latest".into(),
    };
    assert_eq!(effect(replica, sign(PUBLISHER, 1, Operation::Publish(publish))).await, Effect::Published(MODEL));
    let door = Register { address: "http://127.0.0.1:7420".into(), tls_key: None };
    effect(replica, sign(PROVIDER, 0, Operation::Register(door))).await;
    let offer = Offer {
        artifact: MODEL,
        fee: Rates { input: 100, output: 200 },
        engine: "test".into(),
        quantization: "F16".into(),
        context: 2_048,
        default_output: 128,
        bound: Bound { per_byte: 1, per_message: 8, constant: 8 },
    };
    let Effect::Offered(offer) = effect(replica, sign(PROVIDER, 1, Operation::Offer(offer))).await else { panic!() };
    let gateway_key = key(GATEWAY).public();
    let open = Operation::Open { provider: account(PROVIDER), gateway_key, deposit: Amount::credits(100) };
    let Effect::Opened(channel) = effect(replica, sign(PAYER, 0, open)).await else { panic!() };
    Market { channel, offer }
}

impl Market {
    /// The provider's operation that settles `number` receipts of 1,000 and 500 tokens each.
    fn settle(&self, sequence: u64, number: u64) -> Signed<Request> {
        let usage = vec![Line { offer: self.offer, usage: Usage { input: 1_000 * number, output: 500 * number } }];
        let voucher = Voucher { channel: self.channel, number, usage, root: Digest([number as u8; 32]) };
        let voucher = key(GATEWAY).sign(genesis().network(), voucher);
        sign(PROVIDER, sequence, Operation::Settle { voucher })
    }

    async fn settled(&self, replica: &Replica, number: u64) -> Option<u64> {
        let settled: Option<Settled> = replica.settled(self.channel, number).await.unwrap();
        settled.map(|settled| settled.voucher.body.number)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_settlement_that_covers_a_receipt_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    let market = market(&replica).await;
    let first = replica.submit(&market.settle(2, 3)).await.unwrap();
    replica.submit(&market.settle(3, 7)).await.unwrap();
    let expected = [Some(3), Some(3), Some(7), Some(7), None];
    for (number, expected) in [1, 3, 4, 7, 8].into_iter().zip(expected) {
        assert_eq!(market.settled(&replica, number).await, expected, "fresh or known, receipt {number}");
    }
    drop(replica);
    fs::remove_file(dir.path().join("index.sqlite")).unwrap();
    let replica = open(dir.path());
    for (number, expected) in [1, 3, 4, 7, 8].into_iter().zip(expected) {
        assert_eq!(market.settled(&replica, number).await, expected, "indexed again, receipt {number}");
    }
    assert_eq!(replica.submit(&market.settle(2, 3)).await.unwrap(), first, "the outcome is known again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_read_the_market_as_json() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    served.replica.submit(&market.settle(2, 2)).await.unwrap();
    let payout = sign(PAYER, 1, Operation::Payout { artifacts: vec![MODEL] });
    let entry = served.replica.submit(&payout).await.unwrap().entry;

    let ledger = served.json("/ledger").await.1;
    assert_eq!(ledger["network"], genesis().network().to_string());
    assert_eq!(ledger["supply"], Amount::credits(1_000).0.to_string());
    assert_eq!(served.json("/ledger/accounts/maker").await.1["balance"], "40000");
    let provider = served.json(&format!("/ledger/accounts/{}", account(PROVIDER))).await.1;
    assert_eq!((&provider["balance"], &provider["address"]), (&"400000".into(), &"http://127.0.0.1:7420".into()));
    let channel = served.json(&format!("/ledger/channels/{}", market.channel)).await.1;
    assert_eq!((&channel["spent"], &channel["receipts_settled"]), (&"440000".into(), &2.into()));
    let offers = served.json(&format!("/ledger/offers?artifact={MODEL}")).await.1;
    assert_eq!(offers["offers"][0]["id"], market.offer.to_string());
    let shown = served.json(&format!("/ledger/operations/{entry}")).await.1;
    assert_eq!(shown["outcome"]["effect"]["payments"][0]["amount"], "40000");
    assert_eq!(shown["operation"]["kind"], "payout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_are_listed_by_what_they_concern() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    served.replica.submit(&market.settle(2, 2)).await.unwrap();
    // The index learns behind everybody's back, and has learned all once the replica is closed.
    served.replica.close();
    let kinds = async |query: String| {
        let (status, answer) = served.json(&format!("/ledger/operations?{query}")).await;
        assert_eq!(status, 200, "{answer}");
        let operations = answer["operations"].as_array().unwrap().clone();
        operations.iter().map(|one| one["operation"]["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds("account=maker".into()).await, ["publish", "name"]);
    assert_eq!(kinds(format!("account={}", account(PROVIDER))).await, ["settle", "open", "offer", "register"]);
    assert_eq!(kinds(format!("artifact={MODEL}")).await, ["settle", "offer", "publish"]);
    assert_eq!(kinds(format!("channel={}", market.channel)).await, ["settle", "open"]);
    assert_eq!(kinds("limit=1&before=5".into()).await, ["name"]);
    let artifact = served.json("/ledger/artifacts/maker/mini:latest").await.1;
    assert_eq!((&artifact["earned"], &artifact["in_pot"]), (&"40000".into(), &"40000".into()));
    let day = &artifact["days"][0];
    assert_eq!((&day["input"], &day["output"], &day["earned"]), (&2_000.into(), &1_000.into(), &"40000".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn earnings_are_told_by_day_also_by_an_index_of_before() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    served.replica.submit(&market.settle(2, 2)).await.unwrap();
    served.replica.submit(&market.settle(3, 3)).await.unwrap();
    served.replica.close();
    let http = api::HttpLedger::new(served.link()).unwrap();
    let (works, machine) = (http.earnings(account(PUBLISHER), 2).await.unwrap(), account(PROVIDER));
    let royalties: Vec<_> = works.royalties.iter().map(|day| (day.artifact, day.usage.input, day.amount)).collect();
    assert_eq!((royalties, works.fees.len()), (vec![(MODEL, 3_000, Amount(60_000))], 0));
    let earned = http.earnings(machine, 2).await.unwrap();
    assert_eq!((earned.fees[0].usage.output, earned.fees[0].amount), (1_500, Amount(600_000)));
    assert_eq!(http.earnings(machine, 0).await.unwrap(), api::income::Earnings::default(), "no days, nothing");
    let shown = served.json("/ledger/accounts/maker/earnings?days=1").await.1;
    assert_eq!(
        (&shown["royalties"][0]["earned"], &shown["account"]),
        (&"60000".into(), &account(PUBLISHER).to_string().into())
    );
    let dir = served.dir().to_owned();
    index_of_before(&dir, 1);
    let replica = open(&dir);
    assert_eq!(replica.earnings(machine, 2).await.unwrap(), earned);
    assert_eq!(market.settled(&replica, 3).await, Some(3), "and what it knew before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_artifacts_ran_is_told_fresh_and_by_every_index_of_before() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    let http = api::HttpLedger::new(served.link()).unwrap();
    assert!(http.used().await.unwrap().is_empty());
    let ran = |receipts: u64| vec![(MODEL, Usage { input: 1_000 * receipts, output: 500 * receipts })];
    for (sequence, receipts) in [(2, 2), (3, 3), (4, 7)] {
        served.replica.submit(&market.settle(sequence, receipts)).await.unwrap();
        assert_eq!(served.replica.used().await.unwrap(), ran(receipts), "fresh or known, each answer once");
    }
    served.replica.submit(&market.settle(5, 6)).await.unwrap_err();
    assert_eq!(http.used().await.unwrap(), ran(7), "a refused settlement counts nothing");
    served.replica.close();
    let dir = served.dir();
    for version in 0..=MIGRATIONS.len() {
        index_of_before(dir, version);
        let replica = open(dir);
        assert_eq!(replica.used().await.unwrap(), ran(7), "version {version}");
        replica.close();
        let replica = open(dir);
        assert_eq!(replica.used().await.unwrap(), ran(7), "version {version}, known");
        replica.close();
    }
}

/// Leaves an index as an earlier version of the program made it.
fn index_of_before(dir: &Path, version: usize) {
    fs::remove_file(dir.join("index.sqlite")).unwrap();
    let books = rusqlite::Connection::open(dir.join("index.sqlite")).unwrap();
    MIGRATIONS[..version].iter().for_each(|tables| books.execute_batch(tables).unwrap());
    books.pragma_update(None, "user_version", version as u32).unwrap();
}

/// Also before the index learns of it, which is soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_beyond_the_deposit_counts_no_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let market = market(&open(dir.path())).await;
    let folder = Source::Folder(dir.path().to_owned());
    let (_, mut state) = audit_watched(&folder, None, |_| {}, |_| {}).await.unwrap();
    let beyond = market.settle(2, 1_000_000_000).into_verified(genesis().network()).unwrap();
    let done = Done::decide(&mut state, 99, writer::now(), &beyond).unwrap();
    assert_eq!((done.answer, done.used), (Err(Reject::DepositExceeded), Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said() {
    let served = served(0).await;
    for (path, expected) in [
        ("/ledger/accounts/nobody", 404),
        ("/ledger/artifacts/sha256:00", 400),
        ("/ledger/artifacts/sha256:0000000000000000000000000000000000000000000000000000000000000000", 404),
        ("/ledger/artifacts/nobody/mini:latest", 404),
        ("/ledger/channels/x", 400),
        ("/ledger/operations/0", 404),
        ("/ledger/operations/99", 404),
        ("/ledger/operations?accuont=maker", 400),
        ("/ledger/operations?limit=x", 400),
        ("/ledger/state/zz", 400),
        ("/ledger/settled/x/1", 400),
        ("/ledger/received/x/1", 400),
        ("/ledger/earnings/x/1", 400),
        ("/ledger/accounts/nobody/earnings", 404),
        ("/ledger/accounts/nobody/earnings?days=x", 400),
    ] {
        let (status, body) = served.json(path).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watched_audit_shows_a_channel_that_is_gone_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    let market = market(&replica).await;
    let settled = replica.submit(&market.settle(2, 3)).await.unwrap();
    effect(&replica, sign(PROVIDER, 3, Operation::Release { channel: market.channel })).await;
    // A refused operation changes nothing, and is not shown.
    replica.submit(&sign(PROVIDER, 4, Operation::Release { channel: market.channel })).await.unwrap_err();
    replica.close();

    let (mut opened, mut seen) = (None, Vec::new());
    let source = Source::Folder(dir.path().to_owned());
    let watch = |step: crate::audit::Step<'_>| {
        if matches!(step.outcome.effect, Effect::Opened(_)) {
            opened = step.state.channel(&market.channel).cloned();
        }
        seen.push((step.entry, step.request.sequence));
    };
    let (report, state) = audit_watched(&source, None, |_| {}, watch).await.unwrap();
    assert_eq!(opened.unwrap().gateway_key, key(GATEWAY).public());
    assert_eq!(state.channel(&market.channel), None);
    assert!(seen.contains(&(settled.entry, 2)));
    assert_eq!((seen.len() as u64, report.refused), (report.applied, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    market(&replica).await;
    let (metrics, head) = (replica.metrics(), replica.head().await.unwrap().head);
    for line in [
        format!("pumasi_ledger_entries {}", head.size),
        "pumasi_ledger_operations_total 6".into(),
        "pumasi_ledger_stopped 0".into(),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}
