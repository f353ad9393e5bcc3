//! Remembered heads: a ledger that grows is followed, one that was rewritten or rolled back is not.

use super::*;
use crate::{
    tile,
    watch::{REMEMBERED, Standing, Watched, contradiction},
};
use api::{Ledger, Link, log::Entry};
use axum::{
    body::{Body, to_bytes},
    extract::{Request as Asked, State},
    response::Response,
};
use ledger::{Effect, Head, Outcome};
use std::sync::Mutex;

/// Shows one replica after the other at the same address, as a machine does whose folder is exchanged.
#[derive(Clone)]
struct Shop(Arc<Mutex<Shown>>);

/// Whose heads and whose everything else are shown.
#[derive(Clone)]
struct Shown {
    heads: String,
    received: String,
    rest: String,
}

impl Shop {
    async fn open(replica: &Replica) -> (Self, Link) {
        api::link::choose_cryptography();
        let base = serve(replica.router()).await;
        let shop = Self(Arc::new(Mutex::new(Shown { heads: base.clone(), received: base.clone(), rest: base })));
        let router = axum::Router::new().fallback(Self::pass_on).with_state(shop.clone());
        (shop, serve(router).await.parse().unwrap())
    }

    async fn show(&self, replica: &Replica) {
        self.show_mixed(replica, replica).await;
    }

    async fn show_mixed(&self, heads: &Replica, rest: &Replica) {
        let rest = serve(rest.router()).await;
        *self.0.lock().unwrap() = Shown { heads: serve(heads.router()).await, received: rest.clone(), rest };
    }

    /// What came in is told as another one knows it, whose log nobody sees.
    async fn tell_received(&self, other: &Replica) {
        let received = serve(other.router()).await;
        self.0.lock().unwrap().received = received;
    }

    async fn pass_on(State(shop): State<Self>, asked: Asked) -> Response {
        let shown = shop.0.lock().unwrap().clone();
        let path = asked.uri().path().to_owned();
        let base = match path.as_str() {
            "/log/checkpoint" => shown.heads,
            path if path.starts_with("/ledger/received/") => shown.received,
            _ => shown.rest,
        };
        let (parts, body) = asked.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let sent =
            reqwest::Client::new().request(parts.method, format!("{base}{path}")).body(body).send().await.unwrap();
        let status = sent.status();
        Response::builder().status(status).body(Body::from(sent.bytes().await.unwrap())).unwrap()
    }
}

async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

/// A replica in a folder of its own with so many operations, each issue to account `to`.
async fn history(operations: u64, to: u8) -> (tempfile::TempDir, Replica) {
    let dir = tempfile::tempdir().unwrap();
    let replica = open(dir.path());
    for sequence in 0..operations {
        replica.submit(&issue(sequence, to, 1)).await.unwrap();
    }
    (dir, replica)
}

/// A replica at an address that answers some paths with something else.
async fn lying(replica: &Replica, lies: &[(&str, Vec<u8>)]) -> Link {
    api::link::choose_cryptography();
    let lies: Arc<Vec<_>> = Arc::new(lies.iter().map(|(path, lie)| ((*path).to_owned(), lie.clone())).collect());
    let lie = axum::middleware::from_fn(move |asked: Asked, next: axum::middleware::Next| {
        let lies = Arc::clone(&lies);
        async move {
            match lies.iter().find(|(path, _)| asked.uri().path().starts_with(path)) {
                Some((_, lie)) => Response::new(Body::from(lie.clone())),
                None => next.run(asked).await,
            }
        }
    });
    serve(replica.router().layer(lie)).await.parse().unwrap()
}

fn distrusted<T: std::fmt::Debug>(answer: Result<T, LedgerError>, word: &str) {
    match answer {
        Err(LedgerError::Distrusted(why)) => assert!(why.contains(word), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grows_is_followed_also_after_a_restart() {
    let (_dir, replica) = history(1, 1).await;
    let (_shop, link) = Shop::open(&replica).await;
    let home = tempfile::tempdir().unwrap();
    let mut watched = Watched::open(link.clone(), home.path()).unwrap();
    let mut sequence = 1;
    // Across the borders of tiles, with and without the edge in memory.
    for more in [0u64, 1, 1, 3, 125, 2, 130, 300, 1] {
        for _ in 0..more {
            replica.submit(&issue(sequence, 1, 1)).await.unwrap();
            sequence += 1;
        }
        let shown = watched.look().await.unwrap();
        assert_eq!(shown.head, replica.head().await.unwrap().head);
        assert_eq!(std::fs::read_to_string(home.path().join(REMEMBERED)).unwrap(), shown.note);
        if more % 2 == 1 {
            watched = Watched::open(link.clone(), home.path()).unwrap();
        }
    }
    assert_eq!(watched.standing(), Standing::Good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_is_done_once_the_log_holds_it() {
    let (_dir, replica) = history(200, 1).await;
    let (_shop, link) = Shop::open(&replica).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link, home.path()).unwrap();
    let operation = transfer(1, 0, 2, 2);
    let applied = watched.submit(&operation).await.unwrap();
    assert_eq!(watched.submit(&operation).await.unwrap(), applied);
    let too_much = watched.submit(&transfer(2, 0, 1, 9)).await;
    assert!(matches!(too_much, Err(LedgerError::Rejected { .. })), "{too_much:?}");
    assert_eq!(watched.standing(), Standing::Good);
}

/// A refused one that is called done, and one that no head is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operation_that_is_only_said_to_be_done_is_not_taken() {
    let (_dir, replica) = history(3, 1).await;
    let operation = transfer(1, 0, 2, 9);
    let Err(LedgerError::Rejected { entry: Some(entry), .. }) = replica.submit(&operation).await else { panic!() };
    let Entry::Operation { at, .. } = replica.0.log_entry(entry).unwrap() else { panic!() };
    let size = replica.head().await.unwrap().head.size;
    for (entry, word) in [(entry, "does not hold it"), (size, "its newest head is over")] {
        let applied = Applied { entry, at, outcome: Outcome { fee: Amount::ZERO, effect: Effect::Done } };
        let done: Result<Applied, (u16, Option<u64>)> = Ok(applied);
        let link = lying(&replica, &[("/ledger/operations", ledger::encode(&done))]).await;
        let home = tempfile::tempdir().unwrap();
        distrusted(Watched::open(link, home.path()).unwrap().submit(&operation).await, word);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_that_was_rewritten_and_signed_again_is_a_contradiction_for_good() {
    for (before, after) in [(5, 5), (5, 9), (300, 301), (1, 600)] {
        let (_one, honest) = history(before, 1).await;
        let (_two, rewritten) = history(after, 2).await;
        let (shop, link) = Shop::open(&honest).await;
        let home = tempfile::tempdir().unwrap();
        let watched = Watched::open(link.clone(), home.path()).unwrap();
        let kept = watched.look().await.unwrap();
        shop.show(&rewritten).await;
        distrusted(watched.look().await, "contradicts itself");
        assert!(matches!(watched.standing(), Standing::Contradicted(_)));
        let proof = std::fs::read_to_string(home.path().join("contradiction.txt")).unwrap();
        let shown = rewritten.head().await.unwrap();
        assert!(proof.contains(&kept.note) && proof.contains(&shown.note), "{proof}");
        shop.show(&honest).await;
        distrusted(watched.look().await, "contradicts itself");
        distrusted(watched.get(&ledger::Key::Totals).await, "contradicts itself");
        distrusted(watched.submit(&issue(before, 1, 1)).await, "contradicts itself");
        distrusted(Watched::open(link, home.path()), "contradicts itself");
        std::fs::remove_file(home.path().join("contradiction.txt")).unwrap();
        assert_eq!(contradiction(home.path()), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shorter_log_is_doubted_until_it_follows_again() {
    let (_one, newer) = history(9, 1).await;
    let (_two, older) = history(4, 1).await;
    let (shop, link) = Shop::open(&newer).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link.clone(), home.path()).unwrap();
    watched.look().await.unwrap();
    shop.show(&older).await;
    distrusted(watched.look().await, "backup");
    distrusted(watched.list(api::List::Accounts).await, "backup");
    assert!(matches!(watched.standing(), Standing::Doubtful(_)));
    assert_eq!(contradiction(home.path()), None);
    // A restart does not forget.
    let watched = Watched::open(link, home.path()).unwrap();
    distrusted(watched.look().await, "backup");
    shop.show(&newer).await;
    watched.look().await.unwrap();
    watched.list(api::List::Accounts).await.unwrap();
    assert_eq!(watched.standing(), Standing::Good);
    // What was rolled back and goes on otherwise contradicts itself as soon as it is longer.
    for sequence in 4..30 {
        older.submit(&issue(sequence, 3, 1)).await.unwrap();
    }
    shop.show(&older).await;
    distrusted(watched.look().await, "rewritten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashes_that_do_not_lead_to_the_head_prove_nothing_and_are_not_taken() {
    let (_one, honest) = history(5, 1).await;
    let (_two, other) = history(8, 2).await;
    let (_three, longer) = history(8, 1).await;
    let (shop, link) = Shop::open(&honest).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link, home.path()).unwrap();
    watched.look().await.unwrap();
    // Its heads, and somebody else's tiles.
    shop.show_mixed(&longer, &other).await;
    distrusted(watched.look().await, "do not lead");
    assert_eq!(contradiction(home.path()), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_others_signed_are_compared() {
    let (_dir, replica) = history(40, 1).await;
    let (_shop, link) = Shop::open(&replica).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link, home.path()).unwrap();
    let early = watched.look().await.unwrap().head;
    for sequence in 40..50 {
        replica.submit(&issue(sequence, 1, 1)).await.unwrap();
    }
    watched.look().await.unwrap();
    watched.hear(early, account(1));
    watched.hear(Head { size: 7, root: Digest([9; 32]) }, account(2));
    watched.hear(Head { size: 7_000, root: Digest([9; 32]) }, account(3));
    watched.compare_heard().await;
    let remarks = watched.remarks();
    assert!(remarks.len() == 1 && remarks[0].contains(&account(2).to_string()), "{remarks:?}");
    assert_eq!(watched.standing(), Standing::Good, "it is one provider's word");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_nobody_of_the_network_signed_is_not_taken() {
    let (_one, honest) = history(3, 1).await;
    let dir = tempfile::tempdir().unwrap();
    let foreign = Arc::new(key(9));
    let genesis = Genesis { replicas: vec![foreign.public()], ..genesis() };
    let other = Replica::open(Config { dir: dir.path().to_owned(), genesis: Some(genesis), key: foreign }).unwrap();
    let (shop, link) = Shop::open(&honest).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link, home.path()).unwrap();
    watched.look().await.unwrap();
    shop.show(&other).await;
    distrusted(watched.look().await, "no replica of the network signed");
    assert_eq!(contradiction(home.path()), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_the_log_does_not_hold_is_not_taken() {
    let (_one, replica) = history(600, 1).await;
    replica.submit(&transfer(1, 0, 2, 5)).await.unwrap();
    replica.submit(&transfer(1, 1, 2, 7)).await.unwrap();
    let (shop, link) = Shop::open(&replica).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link, home.path()).unwrap();
    let true_ones = watched.received(account(2), 0).await.unwrap();
    let amounts: Vec<Amount> = true_ones.iter().map(|one| one.amount).collect();
    assert_eq!(amounts, [Amount::credits(5), Amount::credits(7)]);
    assert_eq!(watched.received(account(2), true_ones[1].entry).await.unwrap(), true_ones[1..]);
    // Another amount at the same place; a place behind the end of the log; another place in it.
    for (operations, amount) in [(600, 6), (900, 5), (20, 5)] {
        let (_two, other) = history(operations, 1).await;
        other.submit(&transfer(1, 0, 2, amount)).await.unwrap();
        shop.tell_received(&other).await;
        distrusted(watched.received(account(2), 0).await, "does not hold it");
        distrusted(watched.received(account(2), 0).await, "does not hold it");
        shop.tell_received(&replica).await;
        watched.look().await.unwrap();
        assert_eq!(watched.received(account(2), 0).await.unwrap(), true_ones);
    }
}

/// One that is told twice would raise a budget twice; one in entries of the liar's own is under no head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_that_is_told_twice_or_under_no_head_is_not_taken() {
    let (_one, honest) = history(3, 1).await;
    honest.submit(&transfer(1, 0, 2, 1)).await.unwrap();
    let (_two, other) = history(3, 1).await;
    other.submit(&transfer(1, 0, 2, 2)).await.unwrap();
    let told = honest.received(account(2), 0).await.unwrap();
    let twice = [("/ledger/received/", ledger::encode(&[told.clone(), told].concat()))];
    let forged = [
        ("/ledger/received/", ledger::encode(&other.received(account(2), 0).await.unwrap())),
        ("/log/tile/entries/", tile::bundle(&other.0.block(0).unwrap())),
    ];
    for (lies, word) in [(&twice[..], "twice"), (&forged, "do not lead to its head")] {
        let home = tempfile::tempdir().unwrap();
        let watched = Watched::open(lying(&honest, lies).await, home.path()).unwrap();
        distrusted(watched.received(account(2), 0).await, word);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_nothing_is_compared_with_nothing() {
    let (_dir, replica) = history(3, 1).await;
    let nothing = Head { size: 0, root: Digest::of(b"") };
    let body = api::log::checkpoint_body(&genesis().origin, &nothing);
    let note = api::log::note(&body, &genesis().origin, &[(key(0).public(), key(0).sign_bytes(body.as_bytes()))]);
    let link = lying(&replica, &[("/log/checkpoint", note.into_bytes())]).await;
    let home = tempfile::tempdir().unwrap();
    let watched = Watched::open(link, home.path()).unwrap();
    watched.look().await.unwrap();
    watched.hear(Head { size: 7, root: Digest([9; 32]) }, account(2));
    watched.compare_heard().await;
    assert_eq!(watched.remarks(), Vec::<String>::new());
}
