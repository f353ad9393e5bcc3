//! Money at its edges: text, the largest voucher there can be, the split of a pot.

use ledger::{
    AccountId, Amount, BillPayee, Bound, Channel, ChannelId, Digest, Keypair, Limits, Line, OfferId, Payee, Pot, Price,
    PriceLine, PublicKey, Rates, Tally, Usage, Voucher,
};
use proptest::prelude::*;

/// Somebody's key, by name.
fn key(name: &str) -> Keypair {
    Keypair::from_secret(&Digest::of(name.as_bytes()).0)
}

fn account(name: &str) -> AccountId {
    key(name).public().into()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_amount_reads_as_it_is_written(pico: u128) {
        let text = Amount(pico).to_string();
        prop_assert_eq!(text.parse::<Amount>(), Ok(Amount(pico)));
        prop_assert!(!text.contains('.') || !text.ends_with('0'), "{} has a zero to spare", text);
    }

    /// The split avoids a product above 2¹²⁸; below 2⁹⁶ the product fits, and both must agree.
    #[test]
    fn the_split_of_a_pot_is_the_floor(
        lifetime in 0..1u128 << 96,
        weights in proptest::collection::vec(1..=u32::MAX, 1..=16),
    ) {
        let payee = |weight: &u32| Payee { account: AccountId([0; 32]), weight: *weight };
        let payees: Vec<_> = weights.iter().map(payee).collect();
        let pot = Pot { lifetime: Amount(lifetime), paid: vec![Amount::ZERO; payees.len()] };
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        let floors: Vec<_> = weights.iter().map(|weight| Amount(lifetime * u128::from(*weight) / total)).collect();
        prop_assert_eq!(pot.due(&payees), floors);
    }
}

#[test]
fn amounts_are_read_strictly() {
    assert_eq!("0.000012".parse(), Ok(Amount(12_000_000)));
    assert_eq!("340282366920938463463374607.431768211455".parse(), Ok(Amount(u128::MAX)));
    let too_much = "340282366920938463463374607.431768211456";
    for wrong in ["", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1,5", "0.0000000000001", too_much] {
        assert!(wrong.parse::<Amount>().is_err(), "{wrong}");
    }
}

fn channel(deposit: Amount) -> Channel {
    Channel {
        payer: account("pat"),
        provider: account("sam"),
        provider_key: key("sam").public(),
        gateway_key: key("gateway").public(),
        deposit,
        spent: Amount::ZERO,
        number: 0,
        usage: Vec::new(),
        root: Digest::of(b""),
        closing: None,
    }
}

/// 257 rates × (2⁶⁴ − 1) × 2⁴⁸ tokens × 2 directions × 64 lines: every limit at its ceiling.
#[test]
fn the_largest_voucher_stays_below_the_largest_amount() {
    let rates = Rates { input: u64::MAX, output: u64::MAX };
    let royalty = |i: u16| PriceLine { payee: BillPayee::Artifact(Digest::of(&i.to_le_bytes())), rates };
    let fee = PriceLine { payee: BillPayee::Provider(account("sam")), rates };
    let price = Price { lines: std::iter::once(fee).chain((0..256).map(royalty)).collect() };
    let usage = Usage { input: Usage::TOKENS_MAX, output: Usage::TOKENS_MAX };
    let usage = (0..64).map(|i| Line { offer: OfferId([i; 32]), usage }).collect();
    let (network, id) = (Digest([1; 32]), ChannelId([2; 32]));
    let voucher = key("gateway").sign(network, Voucher { channel: id, number: 1, usage, root: Digest([3; 32]) });
    let channel = channel(Amount(u128::MAX));
    let settlement = channel.check_voucher((network, id), &voucher, &Limits::CEILING, |_| Ok(price.clone())).unwrap();
    assert_eq!(settlement.total, Amount(257 * u128::from(u64::MAX) * (1 << 48) * 2 * 64));
    assert_eq!(settlement.royalties.len(), 256);
    assert_eq!(channel.settled(&voucher.body, &settlement).spent, settlement.total);
}

/// A key of small order "signs" everything; it stands for nobody.
#[test]
fn a_key_of_small_order_signs_nothing() {
    // The neutral element as key and as R, and S = 0: [0]B = R + [k]A holds for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(!ledger::verify_signature(PublicKey(neutral), b"anything", ledger::Signature(signature)));
}

/// S + ℓ is the same number to the curve, and another signature to a ledger that hashes it.
#[test]
fn a_signature_has_one_form() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (public, good) = (key("ann").public(), key("ann").sign_bytes(b"text"));
    assert!(ledger::verify_signature(public, b"text", good));
    assert!(!ledger::verify_signature(public, b"text.", good));
    let (mut other, mut carry) = (good.0, 0);
    for (byte, order) in other[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert!(!ledger::verify_signature(public, b"text", ledger::Signature(other)));
}

/// What both ends add up stays what a voucher may hold, from the first answer on.
#[test]
fn a_tally_takes_no_more_tokens_than_a_line_may_hold() {
    let (offer, most) = (OfferId([1; 32]), Usage { input: Usage::TOKENS_MAX, output: Usage::TOKENS_MAX });
    let one = Usage { input: 0, output: 1 };
    let mut tally = Tally::new(ChannelId([2; 32]));
    let beyond = Usage { output: Usage::TOKENS_MAX + 1, ..most };
    assert_eq!(tally.push_receipt(Digest([3; 32]), offer, beyond), None);
    assert_eq!(tally, Tally::new(ChannelId([2; 32])), "nothing changed");
    tally.push_receipt(Digest([3; 32]), offer, most).unwrap();
    let full = tally.clone();
    assert_eq!(tally.push_receipt(Digest([4; 32]), offer, one), None);
    assert_eq!(tally, full, "nothing changed");
    tally.push_receipt(Digest([4; 32]), OfferId([5; 32]), one).unwrap();
    assert_eq!(tally.voucher().usage.len(), 2);
}

#[test]
fn a_bound_counts_bytes_messages_and_what_every_request_has_up_to_the_context() {
    let bound = Bound { per_byte: 2, per_message: 10, constant: 100 };
    assert_eq!(bound.input_max(1_000, 0, 0), 100);
    assert_eq!(bound.input_max(1_000, 7, 3), 144);
    assert_eq!(bound.input_max(143, 7, 3), 143);
    assert_eq!(bound.input_max(1_000, u64::MAX, u64::MAX), 1_000);
}
