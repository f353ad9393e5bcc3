//! The encoding is canonical: one byte string per value, and whatever is read is written again as it was.

mod chance;
mod sample;

use borsh::{BorshDeserialize, BorshSerialize};
use ledger::{
    Channel, Genesis, Key, Order, Outcome, Receipt, Record, Refusal, Request, Signed, Tally, Voucher, decode, encode,
    state_tree::Proof,
};
use proptest::prelude::*;

/// Decodes bytes as a `T`; if they are one, they must be its encoding.
fn canonical<T: BorshSerialize + BorshDeserialize>(bytes: &[u8]) -> bool {
    match decode::<T>(bytes) {
        Ok(value) => {
            assert!(encode(&value) == bytes, "other bytes of the same value");
            true
        }
        Err(_) => false,
    }
}

/// Tries bytes as everything there is; says as how much they could be read.
fn as_anything(bytes: &[u8]) -> usize {
    let readers: &[fn(&[u8]) -> bool] = &[
        canonical::<Signed<Request>>,
        canonical::<Signed<Receipt>>,
        canonical::<Signed<Order>>,
        canonical::<Signed<Refusal>>,
        canonical::<Signed<Voucher>>,
        canonical::<Genesis>,
        canonical::<Key>,
        canonical::<Record>,
        canonical::<Channel>,
        canonical::<Outcome>,
        canonical::<Tally>,
        canonical::<Proof>,
    ];
    readers.iter().filter(|read| read(bytes)).count()
}

fn all_samples() -> Vec<Vec<u8>> {
    sample::all().into_iter().map(|(_, bytes)| bytes).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_or_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        as_anything(&bytes);
    }

    /// Close to something that can be read: one that can, with some bytes changed, cut or put behind.
    #[test]
    fn damaged_encodings_are_refused_or_canonical(
        which: prop::sample::Index,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop_oneof![4 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)],
        behind in proptest::collection::vec(any::<u8>(), 0..2),
    ) {
        let mut bytes = which.get(&all_samples()).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(behind);
        as_anything(&bytes);
    }

    #[test]
    fn what_is_written_is_read(request in chance::request(), receipt in chance::receipt(), voucher in chance::voucher()) {
        prop_assert_eq!(decode::<Signed<Request>>(&encode(&request)), Ok(request));
        prop_assert_eq!(decode::<Signed<Receipt>>(&encode(&receipt)), Ok(receipt));
        prop_assert_eq!(decode::<Signed<Voucher>>(&encode(&voucher)), Ok(voucher));
    }

    #[test]
    fn records_that_are_written_are_read(record in chance::record(), genesis in chance::genesis()) {
        prop_assert_eq!(decode::<Record>(&encode(&record)), Ok(record));
        prop_assert_eq!(decode::<Genesis>(&encode(&genesis)), Ok(genesis));
    }
}

#[test]
fn every_sample_can_be_read() {
    for (name, bytes) in sample::all() {
        assert!(as_anything(&bytes) > 0, "{name}");
    }
}

#[test]
fn no_signed_message_can_stand_for_another() {
    // Each begins with its purpose and the purpose's length, so none is the beginning of another.
    let messages: Vec<_> = sample::messages().into_iter().filter(|(name, _)| name.starts_with("message")).collect();
    assert_eq!(messages.len(), 6);
    let purpose = |message: &[u8]| {
        let length = usize::from(message[0]);
        assert_eq!(message[1..4], [0, 0, 0]);
        message[..4 + length].to_vec()
    };
    for (name, message) in &messages {
        let same = messages.iter().filter(|(_, other)| other.starts_with(&purpose(message)));
        assert_eq!(same.map(|(other, _)| other).collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn bytes_that_would_be_a_second_form_are_refused() {
    // A bool that is neither 0 nor 1, an Option likewise, text that is not UTF-8, a length beyond the end.
    assert!(decode::<bool>(&[2]).is_err());
    assert!(decode::<Option<u8>>(&[2, 0]).is_err());
    assert!(decode::<String>(&[1, 0, 0, 0, 0xff]).is_err());
    assert!(decode::<Vec<u64>>(&[0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(decode::<Key>(&[9]).is_err(), "there is no tenth kind of key");
}
