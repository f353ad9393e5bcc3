//! No credit may appear or vanish.

use ledger::{Amount, State};

/// Checks that issued − redeemed = balances + deposits + pots, and that the totals are what the records sum to.
///
/// # Errors
/// A clause that says what does not agree.
pub(super) fn check(state: &State) -> Result<(), String> {
    let totals = state.totals();
    let balances: Amount = state.accounts().map(|(_, account)| account.balance).sum();
    let pots: Amount = state.pots().map(|(_, pot)| pot.balance()).sum();
    let channels: Amount = state.channels().map(|(_, channel)| channel.free()).sum();
    let supply = totals.issued.minus(totals.redeemed).ok_or("more was redeemed than issued")?;
    let held: Amount = [balances, totals.deposits, totals.pots].into_iter().sum();
    if held != supply {
        return Err(format!(
            "the credits issued and not redeemed are {supply}, and balances, deposits and pots hold {held}"
        ));
    }
    if pots != totals.pots {
        return Err(format!("the pots hold {pots} credits, and the totals say {}", totals.pots));
    }
    if channels > totals.deposits {
        return Err(format!("the channels hold {channels} credits, and all deposits are {}", totals.deposits));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{account, genesis};
    use ledger::{Account, Channel, ChannelId, Digest, Key, Pot, PublicKey, Record, Totals};

    /// 10 credits were issued and 1 redeemed: 4 are somebody's, 3 in a channel, 2 in a pot.
    fn sums() -> Totals {
        let credits = Amount::credits;
        let (issued, redeemed, deposits, pots) = (credits(10), credits(1), credits(3), credits(2));
        Totals { issued, redeemed, deposits, pots, ..Totals::default() }
    }

    fn checked(totals: Totals, balance: u32, free: u32, in_pot: u32) -> Result<(), String> {
        let (payer, key) = (account(1), PublicKey([2; 32]));
        let channel = Channel {
            payer,
            provider: payer,
            provider_key: key,
            gateway_key: key,
            deposit: Amount::credits(free + 1),
            spent: Amount::credits(1),
            number: 1,
            usage: Vec::new(),
            root: Digest([3; 32]),
            closing: None,
        };
        let pot = Pot { lifetime: Amount::credits(in_pot + 1), paid: vec![Amount::credits(1)] };
        let records = [
            (Key::Totals, Record::Totals(totals)),
            (
                Key::Account(payer),
                Record::Account(Account { balance: Amount::credits(balance), ..Account::new(payer) }),
            ),
            (Key::Pot(Digest([4; 32])), Record::Pot(pot)),
            (Key::Channel(ChannelId([5; 32])), Record::Channel(Box::new(channel))),
        ];
        check(&State::from_records(genesis(), records).unwrap())
    }

    /// Asserts that the books do not agree, and what is said of it.
    #[track_caller]
    fn wrong(checked: Result<(), String>, what: &str) {
        let said = checked.unwrap_err();
        assert!(said.contains(what), "{said}");
    }

    #[test]
    fn a_credit_that_is_nowhere_or_twice_is_found() {
        assert_eq!(checked(sums(), 4, 3, 2), Ok(()));
        wrong(checked(sums(), 5, 3, 2), "hold 10");
        wrong(checked(sums(), 3, 3, 2), "hold 8");
        wrong(checked(Totals { issued: Amount::ZERO, ..sums() }, 4, 3, 2), "more was redeemed");
    }

    #[test]
    fn totals_that_are_not_the_sums_of_their_records_are_found() {
        wrong(checked(sums(), 4, 3, 1), "the pots hold 1 ");
        wrong(checked(sums(), 4, 3, 3), "the pots hold 3 ");
        wrong(checked(sums(), 4, 4, 2), "the channels hold 4 ");
        assert_eq!(checked(sums(), 4, 2, 2), Ok(()), "the rest is set aside for names and the like");
    }
}
