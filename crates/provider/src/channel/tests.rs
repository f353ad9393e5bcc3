//! What a voucher does to a channel, without books and ledger.

use super::*;
use ledger::{Keypair, OrderId, RefusalReason};

fn keys() -> Keypair {
    Keypair::from_secret(&[7; 32])
}

fn id() -> ChannelId {
    ChannelId([1; 32])
}

fn channel() -> Channel {
    let key = keys().public();
    Channel {
        payer: key.into(),
        provider: key.into(),
        provider_key: key,
        gateway_key: key,
        deposit: Amount(1_000),
        spent: Amount::ZERO,
        number: 0,
        usage: Vec::new(),
        root: Digest([0; 32]),
        closing: None,
    }
}

/// A channel with answers that cost 10, 20, 30 and so on, one a second.
fn seen(answers: u8) -> Seen {
    let mut seen = Seen::new(id(), channel());
    for answer in 1..=answers {
        let usage = Usage { input: answer.into(), output: 1 };
        let (cost, time) = (Amount(u128::from(answer) * 10), u64::from(answer) * 1_000);
        seen.push(Unpaid { leaf: Digest([answer; 32]), offer: OfferId([9; 32]), usage, cost, time });
    }
    seen
}

fn refusal(number: u64, leaf: u8) -> Signed<Refusal> {
    let receipt = Digest([leaf; 32]);
    let body =
        Refusal { channel: id(), number, receipt, order: OrderId([0; 16]), reason: RefusalReason::AnswerDiffers };
    keys().sign(Digest([0; 32]), body)
}

fn accept(seen: &mut Seen, number: u64, refusals: &[Signed<Refusal>]) {
    let reached = seen.tally_to(number, refusals).unwrap();
    let voucher = keys().sign(Digest([0; 32]), reached.tally.voucher());
    let channel = Channel { number, spent: Amount(5), deposit: Amount(1), closing: None, ..seen.channel.clone() };
    seen.accept(voucher, channel, reached);
}

#[test]
fn a_voucher_pays_the_first_and_leaves_the_rest() {
    let mut seen = seen(4);
    assert_eq!((seen.owed, seen.next_number()), (Amount(100), 5));
    accept(&mut seen, 3, &[]);
    assert_eq!((seen.owed, seen.next_number(), seen.unpaid.len()), (Amount(40), 5, 1));
    assert_eq!(seen.tally.voucher().usage[0].usage, Usage { input: 6, output: 3 });
    assert_eq!((seen.channel.number, seen.channel.spent), (3, Amount(5)));
    assert_eq!(seen.channel.deposit, Amount(1_000), "what the ledger said of the deposit stands");
    assert_eq!(seen.unsettled(), Amount(5));
}

#[test]
fn a_voucher_beyond_the_last_answer_leads_nowhere() {
    assert!(seen(4).tally_to(5, &[]).is_none());
    assert!(seen(0).tally_to(1, &[]).is_none());
}

#[test]
fn a_refusal_takes_the_place_that_it_names() {
    let mut seen = seen(3);
    let paid = seen.tally_to(3, &[]).unwrap().tally.voucher();
    accept(&mut seen, 3, &[refusal(2, 2)]);
    assert_eq!((seen.owed, seen.refused.total), (Amount::ZERO, Amount(20)));
    let voucher = seen.tally.voucher();
    assert_eq!(voucher.usage[0].usage, Usage { input: 4, output: 2 });
    assert_ne!(voucher.root, paid.root);
}

#[test]
fn a_refusal_of_another_receipt_changes_nothing() {
    let seen = seen(3);
    for wrong in [refusal(2, 3), refusal(3, 2), refusal(7, 2)] {
        let reached = seen.tally_to(3, &[wrong]).unwrap();
        assert!(reached.lost.is_empty());
        assert_eq!(reached.tally.voucher(), seen.tally_to(3, &[]).unwrap().tally.voucher());
    }
}

#[test]
fn what_is_older_than_a_day_is_not_young() {
    let mut seen = seen(3);
    seen.reserved = Amount(500);
    accept(&mut seen, 1, &[refusal(1, 1)]);
    assert_eq!(seen.young(DAY_MS), Amount(500 + 10 + 20 + 30));
    assert_eq!(seen.young(DAY_MS + 1_000), Amount(500 + 20 + 30));
    assert_eq!(seen.young(DAY_MS + 2_000), Amount(500 + 30));
    assert_eq!(seen.refused.total, Amount(10), "but it is not forgiven");
    assert_eq!(seen.exposure(), Amount(500 + 20 + 30));
}
