//! Payout: the one division. Entitlements are floors of lifetime totals, so they never fall and their order is no matter.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    AccountId, Amount, ArtifactId, Effect, Payee, Pot, Reject, State,
    artifact::{ascending, size},
};

/// What a payee is due of a lifetime total: `floor(lifetime × weight ÷ total)`, computed without a product above 2¹²⁸.
fn entitlement(lifetime: Amount, weight: u32, total: u128) -> Option<Amount> {
    let (weight, whole, rest) = (u128::from(weight), lifetime.0.checked_div(total)?, lifetime.0.checked_rem(total)?);
    whole.checked_mul(weight)?.checked_add(rest.checked_mul(weight)?.checked_div(total)?).map(Amount)
}

impl Pot {
    /// What was earned and not yet paid out.
    pub fn balance(&self) -> Amount {
        let paid: Amount = self.paid.iter().copied().sum();
        self.lifetime.minus(paid).unwrap_or_default()
    }

    /// What each payee is due now, in their order.
    pub fn due(&self, payees: &[Payee]) -> Vec<Amount> {
        let total = payees.iter().fold(0u128, |sum, payee| sum.saturating_add(u128::from(payee.weight)));
        let due = |(payee, paid): (&Payee, &Amount)| {
            entitlement(self.lifetime, payee.weight, total)
                .and_then(|entitled| entitled.minus(*paid))
                .unwrap_or_default()
        };
        payees.iter().zip(&self.paid).map(due).collect()
    }
}

impl State {
    pub(crate) fn payout(&mut self, by: AccountId, artifacts: &[ArtifactId]) -> Result<Effect, Reject> {
        if artifacts.is_empty() || !ascending(artifacts) || artifacts.len() > size(self.genesis().limits.payout_pots) {
            return Err(Reject::PayoutInvalid);
        }
        let mut payments: BTreeMap<AccountId, Amount> = BTreeMap::new();
        let mut changed: Vec<(ArtifactId, Pot)> = Vec::new();
        for id in artifacts {
            let artifact = self.artifact(id).ok_or(Reject::ArtifactUnknown)?;
            let Some(pot) = self.pot(id) else { continue };
            let (mut pot, payees) = (pot.clone(), &artifact.publish.payees);
            let due = pot.due(payees);
            if due.iter().all(|amount| amount.is_zero()) {
                continue;
            }
            for ((payee, due), paid) in payees.iter().zip(due).zip(&mut pot.paid) {
                *paid = paid.plus(due).ok_or(Reject::NothingDue)?;
                let payment = payments.entry(payee.account).or_default();
                *payment = payment.plus(due).ok_or(Reject::NothingDue)?;
            }
            changed.push((*id, pot));
        }
        payments.retain(|_, amount| !amount.is_zero());
        if changed.is_empty() {
            return Err(Reject::NothingDue);
        }
        self.charge_pots(by, changed.len())?;
        let sum: Amount = payments.values().copied().sum();
        for (id, pot) in changed {
            self.put_pot(id, pot);
        }
        for (&account, &amount) in &payments {
            self.credit(account, amount);
        }
        self.move_total(|totals| &mut totals.pots, Amount::ZERO, sum);
        Ok(Effect::PaidOut(payments.into_iter().collect()))
    }
}
