//! Who may owe how much.

use super::*;
use crate::channel::{Lost, Unpaid};
use ledger::{Channel, Digest, Keypair, OfferId, Time, Usage};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const LIMITS: Limits = Limits { payer: Amount(100), unproven: Amount(150) };

fn payer(of: u8) -> AccountId {
    AccountId([of; 32])
}

/// A channel with a deposit of 1,000.
fn channel(payer_of: u8) -> Channel {
    let key = Keypair::from_secret(&[7; 32]).public();
    Channel {
        payer: payer(payer_of),
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

/// A channel for each payer that is named.
fn credit(payers: &[u8]) -> Credit {
    let mut credit = Credit::default();
    for (place, payer) in (0u8..).zip(payers) {
        credit.channels.insert(id(place), Seen::new(id(place), channel(*payer)));
    }
    credit
}

fn id(place: u8) -> ChannelId {
    ChannelId([place; 32])
}

fn reserve(credit: &mut Credit, place: u8, worst: u128, now: u64) -> Result<(), RefusedCode> {
    credit.reserve(id(place), Amount(worst), &LIMITS, now).map_err(|refused| refused.code)
}

fn answer(credit: &mut Credit, place: u8, cost: u128, time: u64) {
    let usage = Usage { input: 1, output: 1 };
    let unpaid = Unpaid { leaf: Digest([0; 32]), offer: OfferId([0; 32]), usage, cost: Amount(cost), time };
    credit.channels.get_mut(&id(place)).unwrap().push(unpaid);
}

#[test]
fn what_is_set_aside_counts_until_it_is_released() {
    let mut credit = credit(&[1]);
    assert_eq!(reserve(&mut credit, 0, 60, 0), Ok(()));
    assert_eq!(reserve(&mut credit, 0, 41, 0), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 0, 40, 0), Ok(()));
    credit.release(id(0), Amount(60));
    assert_eq!(reserve(&mut credit, 0, 61, 0), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 0, 60, 0), Ok(()));
}

#[test]
fn a_deposit_is_never_ordered_beyond() {
    let mut credit = credit(&[1]);
    let seen = credit.channels.get_mut(&id(0)).unwrap();
    (seen.channel.deposit, seen.channel.spent) = (Amount(50), Amount(20));
    assert_eq!(reserve(&mut credit, 0, 31, 0), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 0, 30, 0), Ok(()));
    assert_eq!(reserve(&mut credit, 0, u128::MAX, 0), Err(RefusedCode::CreditExceeded));
}

#[test]
fn many_channels_of_one_payer_share_one_limit() {
    let mut credit = credit(&[1, 1, 1]);
    credit.proven.insert(payer(1));
    assert_eq!(reserve(&mut credit, 0, 50, 0), Ok(()));
    answer(&mut credit, 1, 50, 0);
    assert_eq!(reserve(&mut credit, 2, 1, 0), Err(RefusedCode::CreditExceeded));
}

#[test]
fn unproven_payers_share_a_limit_and_a_settlement_frees_from_it() {
    let mut credit = credit(&[1, 2]);
    assert_eq!(reserve(&mut credit, 0, 100, 0), Ok(()));
    assert_eq!(reserve(&mut credit, 1, 51, 0), Err(RefusedCode::CreditExceeded));
    credit.prove(payer(2), Amount(1));
    assert_eq!(reserve(&mut credit, 1, 51, 0), Ok(()));
}

#[test]
fn a_settlement_of_nothing_proves_nobody() {
    let mut credit = credit(&[1, 2]);
    assert_eq!(reserve(&mut credit, 0, 100, 0), Ok(()));
    credit.prove(payer(2), Amount::ZERO);
    assert_eq!(reserve(&mut credit, 1, 51, 0), Err(RefusedCode::CreditExceeded));
}

#[test]
fn who_refuses_everything_uses_up_the_common_sum_for_a_day_and_its_own_for_ever() {
    let mut credit = credit(&[1, 2]);
    let lost = Lost { cost: Amount(100), time: 1_000 };
    credit.channels.get_mut(&id(0)).unwrap().refused.add(lost);
    assert_eq!(reserve(&mut credit, 1, 51, 1_000), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 1, 51, DAY_MS + 1_000), Ok(()));
    assert_eq!(reserve(&mut credit, 0, 1, DAY_MS * 365), Err(RefusedCode::CreditExceeded));
}

#[test]
fn what_is_unpaid_leaves_the_common_sum_after_a_day() {
    let mut credit = credit(&[1, 2]);
    answer(&mut credit, 0, 100, 1_000);
    assert_eq!(reserve(&mut credit, 1, 51, DAY_MS), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 1, 51, DAY_MS + 1_000), Ok(()));
    assert_eq!(reserve(&mut credit, 0, 1, DAY_MS + 1_000), Err(RefusedCode::CreditExceeded));
}

#[test]
fn a_channel_that_is_gone_does_not_take_its_debt_along() {
    let mut credit = credit(&[1, 1, 2]);
    answer(&mut credit, 0, 100, 1_000);
    let (who, debt) = credit.remove(id(0)).unwrap();
    assert_eq!((who, debt.total), (payer(1), Amount(100)));
    assert_eq!(reserve(&mut credit, 1, 1, 1_000), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 2, 51, 1_000), Err(RefusedCode::CreditExceeded));
    assert_eq!(reserve(&mut credit, 2, 51, DAY_MS + 1_000), Ok(()));
    assert_eq!(reserve(&mut credit, 1, 1, DAY_MS + 1_000), Err(RefusedCode::CreditExceeded));
    assert_eq!(credit.remove(id(1)), None, "nothing is owed in it");
}

#[test]
fn free_answers_without_a_voucher_come_to_an_end() {
    let mut credit = credit(&[1]);
    for _ in 0..UNPAID_MAX {
        answer(&mut credit, 0, 0, 0);
    }
    assert_eq!(reserve(&mut credit, 0, 0, 0), Err(RefusedCode::CreditExceeded));
}

#[test]
fn a_closing_or_broken_channel_takes_nothing() {
    let mut credit = credit(&[1, 2]);
    credit.channels.get_mut(&id(0)).unwrap().channel.closing = Some(Time(1));
    credit.channels.get_mut(&id(1)).unwrap().broken = true;
    assert_eq!(reserve(&mut credit, 0, 1, 0), Err(RefusedCode::ChannelUnknown));
    assert_eq!(reserve(&mut credit, 1, 1, 0), Err(RefusedCode::Busy));
    assert_eq!(reserve(&mut credit, 9, 1, 0), Err(RefusedCode::ChannelUnknown));
}
