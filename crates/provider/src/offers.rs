//! Offers: made once for the same terms, and answered by a backend.

use ledger::{Effect, Offer, OfferId, Operation};
use std::sync::{Arc, PoisonError};

use crate::{
    Backend, Error, Provider,
    provider::{Seller, Served},
    records,
};

impl Provider {
    /// The offer with these terms: the one that stands, or a new one.
    ///
    /// # Errors
    /// If the ledger refuses it, or books or ledger fail.
    pub async fn offer(&self, terms: Offer) -> Result<OfferId, Error> {
        let seller = &self.0;
        if let Some(id) = records::offer(&seller.books, &terms)? {
            let standing = seller.config.ledger.offer(id).await.is_ok_and(|record| !record.withdrawn);
            if standing {
                return Ok(id);
            }
        }
        if let Some(id) = seller.find_offer(&terms).await? {
            return Ok(id);
        }
        let applied = seller.config.account.submit(Operation::Offer(terms.clone())).await?;
        let Effect::Offered(id) = applied.outcome.effect else {
            return Err(Error::Damaged("an offer that became something else"));
        };
        seller.books.write(move |books| records::put_offer(books, id, &terms)).await?;
        Ok(id)
    }

    /// Answers an offer of this provider from now on.
    ///
    /// # Errors
    /// If the ledger does not know the offer.
    pub async fn serve(&self, offer: OfferId, backend: Backend) -> Result<(), Error> {
        let price = self.0.price(offer).await?;
        let context = self.0.config.ledger.offer(offer).await?.offer.context;
        let served = Arc::new(Served { backend, price, context });
        self.0.served.write().unwrap_or_else(PoisonError::into_inner).insert(offer, served);
        Ok(())
    }

    /// The offers that are answered here now.
    pub fn offers(&self) -> Vec<OfferId> {
        self.0.served.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

impl Seller {
    /// A standing offer of this provider with these terms: one that was made before the process died, say.
    async fn find_offer(&self, terms: &Offer) -> Result<Option<OfferId>, Error> {
        let offers = self.config.ledger.list(api::List::Offers).await?;
        Ok(offers.into_iter().find_map(|(key, record)| match (key, record) {
            (ledger::Key::Offer(id), ledger::Record::Offer(record)) => {
                let ours = record.provider == self.config.account.id() && !record.withdrawn && record.offer == *terms;
                ours.then_some(id)
            }
            _ => None,
        }))
    }
}
