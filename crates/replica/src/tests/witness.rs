//! Witnesses: what they cosign, what they do not, and that their signatures travel with the ledger's.

use super::*;
use crate::watch::{Standing, Watched, contradiction, witness};
use api::{
    log::{checkpoint_body, note},
    proof::Proof,
    witness::{AddCheckpoint, Cosigner, cosign},
};
use ledger::Head;

/// A witness at an address, with a folder of its own.
struct Stand {
    watched: Arc<Watched>,
    cosigner: Cosigner,
    base: String,
    dir: tempfile::TempDir,
}

impl Stand {
    async fn open(of: &Served) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let watched = Arc::new(Watched::open(of.link(), dir.path()).unwrap());
        watched.look().await.unwrap();
        let witness = witness::Witness::new(Arc::clone(&watched), Arc::new(key(50)));
        let cosigner = witness.cosigner();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, witness::router(Some(witness))).await });
        Self { watched, cosigner, base, dir }
    }

    /// Status and text of an answer.
    async fn add(&self, old: u64, proof: Vec<Digest>, note: String) -> (u16, String) {
        self.post(AddCheckpoint { old, proof, note }.to_string()).await
    }

    async fn post(&self, body: String) -> (u16, String) {
        let url = format!("{}/add-checkpoint", self.base);
        let answer = reqwest::Client::new().post(url).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

/// A head that some key signed.
fn signed(by: u8, origin: &str, head: Head) -> String {
    let body = checkpoint_body(origin, &head);
    note(&body, origin, &[(key(by).public(), key(by).sign_bytes(body.as_bytes()))])
}

async fn head(served: &Served) -> (Head, String) {
    let signed = served.replica.head().await.unwrap();
    (signed.head, signed.note)
}

async fn grow(served: &Served, from: u64, to: u64) {
    for sequence in from..to {
        served.replica.submit(&issue(sequence, 1, 1)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_cosigns_what_follows_and_remembers_it() {
    let served = served(3).await;
    let stand = Stand::open(&served).await;
    let (old, _) = head(&served).await;
    grow(&served, 3, 140).await;
    let (new, note) = head(&served).await;
    let proof = served.replica.0.prove_growth(old.size, new).unwrap().unwrap();
    assert_eq!(stand.add(0, Vec::new(), note.clone()).await, (409, format!("{}\n", old.size)));
    let (status, line) = stand.add(old.size, proof.clone(), note.clone()).await;
    assert_eq!(status, 200, "{line}");
    assert!(stand.cosigner.cosigned(&(note.clone() + &line)).is_some());
    assert_eq!(
        stand.add(old.size, proof, note.clone()).await,
        (409, format!("{}\n", new.size)),
        "it goes on from there"
    );
    let kept = std::fs::read_to_string(stand.dir.path().join("remembered-head")).unwrap();
    assert_eq!(kept, note, "by that head the ledger is taken at its word, too");
    assert_eq!(stand.add(new.size, Vec::new(), note).await.0, 200, "the same head once more");
    grow(&served, 140, 141).await;
    assert_eq!(stand.watched.look().await.unwrap().head.size, new.size + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_cosigns_nothing_else() {
    let served = served(3).await;
    let stand = Stand::open(&served).await;
    let (old, first) = head(&served).await;
    grow(&served, 3, 9).await;
    let (new, note) = head(&served).await;
    let origin = genesis().origin;
    let proof = served.replica.0.prove_growth(old.size, new).unwrap().unwrap();
    let longer = Head { size: new.size, root: Digest([5; 32]) };
    for (status, old, proof, note) in [
        (404, old.size, proof.clone(), signed(0, "another.example/log", new)),
        (403, old.size, proof.clone(), signed(7, &origin, new)),
        (400, new.size + 1, Vec::new(), note.clone()),
        (422, old.size, Vec::new(), note.clone()),
        (422, old.size, proof.clone(), signed(0, &origin, longer)),
        (422, old.size, vec![Digest([1; 32])], note.clone()),
        (409, new.size, Vec::new(), note.clone()),
        (409, old.size - 1, proof.clone(), note.clone()),
    ] {
        let (answered, said) = stand.add(old, proof, note).await;
        assert_eq!(answered, status, "{said}");
    }
    for body in ["", "old 8", "old +8\n\nx\n", "old 8\nAA==\n\nx\n"] {
        assert_eq!(stand.post(body.into()).await.0, 400, "{body}");
    }
    assert_eq!(stand.watched.standing(), Standing::Good, "nothing of this says anything of the ledger");
    assert_eq!(std::fs::read_to_string(stand.dir.path().join("remembered-head")).unwrap(), first);
    let nobody = axum::serve(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), witness::router(None));
    let base = format!("http://{}", nobody.local_addr().unwrap());
    tokio::spawn(async move { nobody.await });
    assert_eq!(reqwest::get(format!("{base}/witness")).await.unwrap().status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_heads_that_cannot_both_be_true_are_kept_as_proof() {
    let served = served(3).await;
    let stand = Stand::open(&served).await;
    let (old, note) = head(&served).await;
    let other = signed(0, &genesis().origin, Head { root: Digest([5; 32]), ..old });
    assert_eq!(stand.add(old.size, Vec::new(), other.clone()).await.0, 409);
    assert!(matches!(stand.watched.standing(), Standing::Contradicted(_)));
    let kept = std::fs::read_to_string(stand.dir.path().join("contradiction.txt")).unwrap();
    assert!(contradiction(stand.dir.path()).is_some() && kept.contains(&note) && kept.contains(&other), "{kept}");
    assert_eq!(stand.add(old.size, Vec::new(), note).await.0, 403, "it cosigns nothing of that ledger any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cosignatures_travel_with_heads_and_proofs() {
    let served = served(3).await;
    let stands = [Stand::open(&served).await, Stand::open(&served).await];
    grow(&served, 3, 30).await;
    let nowhere = "http://127.0.0.1:1".parse().unwrap();
    let links = [stands[0].base.parse().unwrap(), nowhere, stands[1].base.parse().unwrap()];
    tokio::spawn(served.replica.be_witnessed(&links).unwrap());
    let lines = |note: &str| note.matches('\u{2014}').count();
    let mut note = String::new();
    for _ in 0..200 {
        note = served.get("/log/checkpoint").await.text().await.unwrap();
        if lines(&note) == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(lines(&note), 3, "{note}");
    assert!(stands.iter().all(|stand| stand.cosigner.cosigned(&note).is_some()));
    let remote = api::HttpLedger::new(served.link()).unwrap();
    assert_eq!(remote.head().await.unwrap().note, note, "a head with cosignatures is a head");
    grow(&served, 30, 31).await;
    let newest = served.get("/log/checkpoint").await.text().await.unwrap();
    assert_eq!(lines(&newest), 1, "nobody saw that one yet");
    for (entry, cosigned) in [(5, true), (61, true), (62, false), (63, false)] {
        let text = served.get(&format!("/ledger/proof/entry/{entry}")).await.text().await.unwrap();
        let proof = Proof::parse(&text).unwrap();
        proof.verify(genesis().network()).unwrap();
        assert_eq!(stands[0].cosigner.cosigned(&proof.checkpoint).is_some(), cosigned, "entry {entry}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cosignature_by_another_key_than_the_named_one_is_not_taken() {
    let served = served(3).await;
    let named = Cosigner { name: "pumasi.witness/named".into(), key: key(50).public() };
    let (_, note) = head(&served).await;
    let line = cosign(&key(51), &named.name, &note, 1).unwrap();
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let answer = axum::routing::post(async move || {
        asked.send(()).await.unwrap();
        line
    });
    let who = axum::routing::get(async move || format!("{named}\n"));
    let router = axum::Router::new().route("/witness", who).route("/add-checkpoint", answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::spawn(served.replica.be_witnessed(&[link]).unwrap());
    was_asked.recv().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(served.replica.head().await.unwrap().note, note);
}
