//! Offers, prices and bills: price = provider's fee + the royalties of the distinct works in the lineage.

use alloc::vec::Vec;

use crate::{
    AccountId, Amount, Artifact, ArtifactId, Effect, Offer, OfferId, OfferRecord, Rates, Reject, State, Usage,
    id::derive,
};

/// Who is paid by a line of a price or bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payee {
    /// The provider's fee.
    Provider(AccountId),
    /// An artifact's pot.
    Artifact(ArtifactId),
}

/// What an offer costs: the provider's line first, then the priced works in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The lines.
    pub lines: Vec<PriceLine>,
}

/// One line of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceLine {
    /// Who is paid.
    pub payee: Payee,
    /// At which rates.
    pub rates: Rates,
}

/// What some usage costs, line by line. The lines sum to the total exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The lines of the price with their amounts.
    pub lines: Vec<BillLine>,
    /// Their sum.
    pub total: Amount,
}

/// One line of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillLine {
    /// Who is paid.
    pub payee: Payee,
    /// At which rates.
    pub rates: Rates,
    /// How much.
    pub amount: Amount,
}

impl Price {
    /// Puts a price together from an offer and the royalty of each priced work of its artifact.
    ///
    /// # Errors
    /// Whatever `royalty` cannot tell.
    pub fn of<E>(
        offer: &OfferRecord,
        artifact: &Artifact,
        royalty: impl Fn(&ArtifactId) -> Result<Rates, E>,
    ) -> Result<Self, E> {
        let fee = PriceLine { payee: Payee::Provider(offer.provider), rates: offer.offer.fee };
        let royalties =
            artifact.priced.iter().map(|id| Ok(PriceLine { payee: Payee::Artifact(*id), rates: royalty(id)? }));
        core::iter::once(Ok(fee)).chain(royalties).collect::<Result<_, E>>().map(|lines| Self { lines })
    }

    /// The bill for some usage, or `None` above 2¹²⁸, which no usage within [`Usage::TOKENS_MAX`] reaches.
    pub fn bill(&self, usage: Usage) -> Option<Bill> {
        let line = |line: &PriceLine| {
            line.rates.cost(usage).map(|amount| BillLine { payee: line.payee, rates: line.rates, amount })
        };
        let lines = self.lines.iter().map(line).collect::<Option<Vec<_>>>()?;
        let total = lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.amount))?;
        Some(Bill { lines, total })
    }

    /// What some usage costs altogether, or `None` above 2¹²⁸.
    pub fn cost(&self, usage: Usage) -> Option<Amount> {
        self.lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.rates.cost(usage)?))
    }
}

fn visible(text: &str, len_max: usize) -> bool {
    !text.is_empty() && text.len() <= len_max && text.bytes().all(|c| matches!(c, b' '..=b'~'))
}

impl State {
    /// The price of an offer, withdrawn or not.
    ///
    /// # Errors
    /// [`Reject::OfferUnknown`].
    pub fn price(&self, offer: &OfferId) -> Result<Price, Reject> {
        let record = self.offer(offer).ok_or(Reject::OfferUnknown)?;
        let artifact = self.artifact(&record.offer.artifact).ok_or(Reject::ArtifactUnknown)?;
        let royalty = |id: &ArtifactId| self.artifact(id).map(|a| a.publish.royalty).ok_or(Reject::ArtifactUnknown);
        Price::of(record, artifact, royalty)
    }

    pub(crate) fn make_offer(&mut self, provider: AccountId, sequence: u64, offer: &Offer) -> Result<Effect, Reject> {
        let artifact = self.artifact(&offer.artifact).ok_or(Reject::ArtifactUnknown)?;
        if artifact.retired {
            return Err(Reject::ArtifactRetired);
        }
        if !artifact.publish.kind.runs() {
            return Err(Reject::ArtifactNotRunnable);
        }
        let sizes_good = offer.default_output > 0 && offer.default_output <= offer.context;
        if !sizes_good || !visible(&offer.engine, 63) || !visible(&offer.quantization, 31) {
            return Err(Reject::OfferInvalid);
        }
        self.set_aside(provider, self.genesis().deposits.offer)?;
        let id = OfferId(derive("pumasi/offer/1", provider, sequence));
        self.put_offer(id, OfferRecord { provider, offer: offer.clone(), withdrawn: false });
        Ok(Effect::Offered(id))
    }

    pub(crate) fn withdraw(&mut self, account: AccountId, id: &OfferId) -> Result<Effect, Reject> {
        let mut record = self.offer(id).ok_or(Reject::OfferUnknown)?.clone();
        if record.provider != account {
            return Err(Reject::NotProvider);
        }
        if record.withdrawn {
            return Err(Reject::OfferWithdrawn);
        }
        record.withdrawn = true;
        self.put_offer(*id, record);
        self.give_back(account, self.genesis().deposits.offer);
        Ok(Effect::Done)
    }
}
