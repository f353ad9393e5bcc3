//! Proofs: each record is proved, no other is, and none that stands can be denied.

use ledger::{Digest, Key, OfferId, Record, State, encode, state_tree};
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

/// A path; half of them differ in their last bits alone.
fn scattered(number: u8) -> Digest {
    let mut path = if number.is_multiple_of(2) { Digest::of(&[number]) } else { Digest([7; 32]) };
    path.0[31] ^= number >> 1;
    path
}

proptest! {
    /// The root depends on what stands, not on the way there: changes made together, apart, and undone.
    #[test]
    fn a_tree_is_what_stands_in_it(
        rounds in prop::collection::vec(prop::collection::btree_map(0u8..60, prop::option::weighted(0.6, 0u8..3), 0..40), 1..6),
    ) {
        let records = [0, 1, 2].map(|record| Record::Tag(Digest::of(&[record])));
        let change = |(number, record): (&u8, &Option<u8>)| {
            (scattered(*number), record.map(|at| Digest::of(&encode(&records[usize::from(at)]))))
        };
        let (mut tree, mut standing) = (state_tree::Tree::default(), std::collections::BTreeMap::new());
        for round in &rounds {
            let record = |at: u8| &records[usize::from(at)];
            let changes = round.iter().map(|(number, at)| (scattered(*number), at.map(record))).collect();
            tree.learn(changes, |left, right| {
                right();
                left();
            });
            standing.extend(round.iter().map(|(number, record)| (*number, *record)));
            standing.retain(|_, record| record.is_some());
            let mut together = state_tree::Tree::default();
            together.update(standing.iter().map(change).collect());
            let mut apart = state_tree::Tree::default();
            standing.iter().for_each(|one| apart.update(vec![change(one)]));
            prop_assert_eq!((tree.root(), tree.root()), (together.root(), apart.root()));
        }
        tree.update(standing.keys().map(|number| (scattered(*number), None)).collect());
        prop_assert_eq!(tree.root(), state_tree::Tree::default().root());
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

/// A root over a leaf that does not lie where its path leads denies nothing: who keeps such a tree could deny whatever stands.
#[test]
fn a_leaf_in_a_place_that_is_not_its_own_denies_nothing() {
    let key = |number| Key::Offer(OfferId(Digest::of(&[number]).0));
    let right = |key: &Key| state_tree::path(key).0[0] & 0x80 != 0;
    let (denied, elsewhere) = (key(0), (1..).map(key).find(|other| right(other) != right(&key(0))).unwrap());
    let (path, record) = (state_tree::path(&elsewhere), Record::Tag(Digest::of(b"moved")));
    let (leaf, sibling) = (state_tree::leaf(path, &record), Digest::of(b"sibling"));
    let (left, right) = if right(&denied) { (sibling, leaf) } else { (leaf, sibling) };
    let root = Digest::of_parts(&[&[1], &left.0, &right.0]);
    let forged = state_tree::Proof { siblings: vec![sibling], end: Some((path, Digest::of(&encode(&record)))) };
    assert!(!forged.verify(root, &denied, None));
}

/// A path has 256 bits, and nothing lies below the last.
#[test]
fn a_proof_deeper_than_a_path_proves_nothing() {
    let proof = |depth| state_tree::Proof { siblings: vec![Digest::of(b"sibling"); depth], end: None };
    assert!(proof(256).root(&Key::Totals, None).is_some());
    assert_eq!(proof(257).root(&Key::Totals, None), None);
}
