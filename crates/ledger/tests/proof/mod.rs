//! Proofs: each record is proved, no other is, and none that stands can be denied.

use ledger::{Account, AccountId, Amount, Digest, Key, OfferId, Record, State, encode, state_tree};
use proptest::{prelude::*, test_runner::TestCaseError};

/// The record that stands under the key, with one thing changed.
fn altered(record: &Record) -> Record {
    match record.clone() {
        Record::Totals(mut totals) => {
            totals.operations += 1;
            Record::Totals(totals)
        }
        Record::Account(mut account) => {
            account.balance.0 += 1;
            Record::Account(account)
        }
        _ => Record::Tag(Digest::of(b"altered")),
    }
}

/// Checks the proof of every record, and of something that does not stand.
pub fn assert_proves_all(state: &mut State) -> Result<(), TestCaseError> {
    let root = state.root();
    let records: Vec<_> = state.records().collect();
    for (key, record) in &records {
        let proof = state.prove(key);
        prop_assert!(proof.verify(root, key, Some(record)), "{key:?} is not proved");
        prop_assert!(!proof.verify(root, key, Some(&altered(record))), "another record under {key:?} is proved");
        prop_assert!(!proof.verify(root, key, None), "{key:?} is denied");
        prop_assert!(!proof.verify(Digest::of(b"root"), key, Some(record)), "{key:?} is proved under another root");
        assert_cannot_be_denied(&proof, root, key)?;
        let decoded: state_tree::Proof = ledger::decode(&encode(&proof)).expect("a proof of ours");
        prop_assert_eq!(decoded, proof);
    }
    for number in 0..20u8 {
        let nobody = Key::Offer(OfferId(Digest::of(&[number]).0));
        let proof = state.prove(&nobody);
        prop_assert!(proof.verify(root, &nobody, None), "nothing is not proved");
        for (key, record) in &records {
            prop_assert!(!proof.verify(root, &nobody, Some(record)));
            prop_assert!(proof.end.is_some() || !proof.verify(root, key, Some(record)), "{key:?}");
        }
    }
    Ok(())
}

/// A copy of the tree proves what stood when it was taken, whatever happened since.
#[test]
fn a_copy_of_the_tree_stays_as_it_was() {
    let mut tree = state_tree::Tree::default();
    let record = |number: u8, balance| {
        let id = AccountId(Digest::of(&[number]).0);
        let mut account = Account::new(id);
        account.balance = Amount(balance);
        (Key::Account(id), Record::Account(account))
    };
    for number in 0..50 {
        let (key, record) = record(number, 1);
        tree.put(&key, &record);
    }
    let (root, copy) = (tree.root(), tree.clone());
    for number in 0..50 {
        let (key, record) = record(number, 2);
        if number % 3 == 0 { tree.remove(&key) } else { tree.put(&key, &record) }
    }
    assert_ne!(tree.root(), root);
    for number in 0..50 {
        let (key, before) = record(number, 1);
        assert!(copy.prove(&key).verify(root, &key, Some(&before)), "{number}");
        assert!(!tree.prove(&key).verify(root, &key, Some(&before)), "{number}");
    }
}

/// A proof's end once carried a path and the hash of the leaf, and nothing bound the two: who said that the leaf lay on
/// another path denied a record that stands.
fn assert_cannot_be_denied(proof: &state_tree::Proof, root: Digest, key: &Key) -> Result<(), TestCaseError> {
    let Some((path, digest)) = proof.end else { return Err(TestCaseError::fail("a proof without a leaf")) };
    let mut moved = path;
    moved.0[31] ^= 1;
    for end in [None, Some((moved, digest)), Some((moved, moved))] {
        let forged = state_tree::Proof { siblings: proof.siblings.clone(), end };
        prop_assert!(!forged.verify(root, key, None), "{key:?} was denied");
    }
    Ok(())
}
