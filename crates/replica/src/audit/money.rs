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
