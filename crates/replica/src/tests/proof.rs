//! Proofs that stand alone: each thing is proved as it is, and no changed file proves anything.

use super::{
    market::{GATEWAY, MODEL, Market, PAYER, PROVIDER, market},
    *,
};
use api::{
    log::Entry,
    proof::{Claim, Proof, Settled},
};
use ledger::{ChannelId, Finish, Key, Order, OrderId, Receipt, Record, Tally, Usage, log_tree};

fn network() -> Digest {
    genesis().network()
}

async fn proof(served: &Served, path: &str) -> Proof {
    let answer = served.get(&format!("/ledger/proof/{path}")).await;
    assert_eq!(answer.status(), 200, "{path}");
    Proof::parse(&answer.text().await.unwrap()).unwrap()
}

async fn state(served: &Served, key: &Key) -> (Option<Record>, Proof) {
    let proof = proof(served, &format!("state/{}", hex::encode(ledger::encode(key)))).await;
    let verified = proof.verify(network()).unwrap();
    assert_eq!((verified.head.size, verified.signers), (proof.index + 1, vec![super::key(0).public()]));
    let Claim::Stood(stood) = proof.claim.clone() else { panic!("{proof:?}") };
    assert_eq!((&stood.key, verified.time), (key, Some(stood.totals.time)));
    (stood.record, proof)
}

/// The log is short, long, and at each side of a block's end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_entry_is_proved_whatever_the_length_of_the_log() {
    let served = served(0).await;
    for sequence in 0..330u64 {
        served.replica.submit(&issue(sequence, 1, 1)).await.unwrap();
        let size = 2 * (sequence + 2);
        let entries = if size % 64 < 2 || size > 650 { 0..size } else { size - 2..size };
        for index in entries {
            let found = served.replica.0.prove_entry(index).unwrap().unwrap();
            assert_eq!(found.verify(network()).unwrap().head.size, size, "entry {index} of {size}");
            let Claim::Entry(entry) = found.claim else { panic!() };
            assert_eq!(*entry, served.replica.0.log_entry(index).unwrap());
        }
        assert_eq!(served.replica.0.prove_entry(size).unwrap(), None);
    }
    assert_eq!(served.get("/ledger/proof/entry/662").await.status(), 404);
    assert_eq!(served.get("/ledger/proof/entry/-1").await.status(), 400);
    assert_eq!(served.get("/ledger/proof/state/00ff").await.status(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_is_proved_and_what_does_not_stand_too() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    let keys = [
        Key::Account(account(PAYER)),
        Key::Artifact(MODEL),
        Key::Channel(market.channel),
        Key::Offer(market.offer),
        Key::Pot(MODEL),
        Key::Name("maker".into()),
        Key::Totals,
        Key::Account(account(77)),
        Key::Name("nobody".into()),
        Key::Channel(ChannelId([1; 32])),
    ];
    for key in &keys {
        let (record, _) = state(&served, key).await;
        assert_eq!(record, served.replica.get(key).await.unwrap(), "{key:?}");
        assert_eq!(record.is_some(), keys[..7].contains(key), "{key:?}");
    }
    let (before, old) = state(&served, &keys[0]).await;
    served.replica.submit(&transfer(PAYER, 1, 77, 5)).await.unwrap();
    let (after, _) = state(&served, &keys[0]).await;
    assert_ne!(before, after);
    assert!(old.verify(network()).is_ok(), "it goes on to prove what was");
    served.replica.close();
    assert_eq!(state(&served, &keys[0]).await.0, after, "proofs are read, and so go on after the end");
    let again = open(served.dir()).0.prove_state(keys[0].clone()).await.unwrap().unwrap();
    assert!(again.verify(network()).is_ok(), "after a restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_proved_for_another_network_or_by_another_key() {
    let served = served(3).await;
    let good = proof(&served, "entry/2").await;
    let said = good.verify(Digest([1; 32])).unwrap_err();
    assert!(said.contains("network"), "{said}");
    // A stranger's own founding document names the stranger's key: another network.
    let mut forged = good.clone();
    forged.genesis.replicas = vec![key(5).public()];
    assert!(forged.verify(network()).unwrap_err().contains("network"));
    let mut moved = good.clone();
    moved.index = 4;
    assert!(moved.verify(network()).unwrap_err().contains("not in the log"));
    let other = proof(&served, "entry/4").await;
    let swapped = Proof { claim: other.claim, ..good };
    assert!(swapped.verify(network()).unwrap_err().contains("not in the log"));
}

/// Two receipts, settled; and the proof of the first.
async fn settled(served: &Served, market: &Market) -> Proof {
    let order = |id: u8| Order {
        channel: market.channel,
        id: OrderId([id; 16]),
        offer: market.offer,
        request: Digest([3; 32]),
        limit: Usage { input: 10, output: 20 },
        expires: Time(u64::MAX),
    };
    let receipt = |number: u64| {
        let body = Receipt {
            order: key(GATEWAY).sign(network(), order(number as u8)),
            number,
            answer: Digest([4; 32]),
            usage: Usage { input: 7, output: 11 },
            finish: Finish::Stop,
            time: Time(5),
            head: ledger::Head { size: 2, root: Digest([6; 32]) },
        };
        key(PROVIDER).sign(network(), body)
    };
    let (receipts, mut tally) = ([receipt(1), receipt(2)], Tally::new(market.channel));
    for receipt in &receipts {
        tally.push_receipt(receipt.digest(), market.offer, receipt.body.usage).unwrap();
    }
    let voucher = key(GATEWAY).sign(network(), tally.voucher());
    let settlement = sign(PROVIDER, 2, Operation::Settle { voucher });
    let entry = served.replica.submit(&settlement).await.unwrap().entry;
    let proof = proof(served, &format!("entry/{entry}")).await;
    let Claim::Entry(settlement) = proof.claim else { panic!() };
    let leaves = receipts.clone().map(|receipt| log_tree::leaf(&receipt.digest().0));
    let path = log_tree::prove(&leaves, 0).unwrap();
    let [receipt, _] = receipts;
    Proof { claim: Claim::Settled(Box::new(Settled { receipt, path, settlement: *settlement })), ..proof }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settled_receipt_is_proved_and_no_other() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    let good = settled(&served, &market).await;
    let Claim::Settled(claim) = good.claim.clone() else { panic!() };
    let Entry::Operation { at, .. } = claim.settlement else { panic!() };
    assert_eq!(good.verify(network()).unwrap().time, Some(at));
    let wrong = |change: &dyn Fn(&mut Settled)| {
        let mut claim = (*claim).clone();
        change(&mut claim);
        Proof { claim: Claim::Settled(Box::new(claim)), ..good.clone() }.verify(network()).unwrap_err()
    };
    let said = wrong(&|claim| claim.receipt.body.usage.output += 1);
    assert!(said.contains("not under the root"), "{said}");
    let said = wrong(&|claim| claim.receipt.body.number = 2);
    assert!(said.contains("not under the root"), "{said}");
    let said = wrong(&|claim| claim.receipt.body.number = 0);
    assert!(said.contains("numbered from 1"), "{said}");
    let said = wrong(&|claim| claim.path.clear());
    assert!(said.contains("not under the root"), "{said}");
    let said = wrong(&|claim| claim.settlement = Entry::Root { root: Digest([0; 32]) });
    assert!(said.contains("settled nothing"), "{said}");
    let refused = |claim: &mut Settled| {
        let Entry::Operation { result, .. } = &mut claim.settlement else { panic!() };
        *result = 75;
    };
    assert!(wrong(&refused).contains("settled nothing"));
    let published = served.replica.0.log_entry(6).unwrap();
    let said = wrong(&|claim| claim.settlement = published.clone());
    assert!(said.contains("not a settlement"), "{said}");
}

/// No bit of a proof is there for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flipped_bit_is_refused() {
    let served = served(0).await;
    let market = market(&served.replica).await;
    let (_, balance) = state(&served, &Key::Account(account(PAYER))).await;
    let entry = proof(&served, "entry/6").await;
    for good in [balance, entry, settled(&served, &market).await] {
        let text = good.to_string();
        assert!(Proof::parse(&text).unwrap().verify(network()).is_ok());
        for at in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            let refused = Proof::parse(&flipped).and_then(|proof| proof.verify(network()));
            assert!(refused.is_err(), "bit {} of byte {} of {text}", at % 8, at / 8);
        }
        for length in 0..text.len() {
            let refused = text.get(..length).map(|part| Proof::parse(part).and_then(|proof| proof.verify(network())));
            // The line break behind the last signature is not signed, and says nothing.
            assert!(refused.is_none_or(|refused| refused.is_err()) || length + 1 == text.len(), "cut at {length}");
        }
    }
}
