//! What is offered here: a plan is tried once, then stands on the ledger, is written down, and is answered until it is
//! withdrawn. The next start offers it again.
//!
//! An artifact is offered once. Other terms are another offer: it is made first, and the old one is withdrawn after it.

mod again;
mod kept;
mod own;
mod plan;
mod ready;
mod workers;

use api::offers::NewOffer;
use ledger::{ArtifactId, Effect, Offer, OfferId, Operation};
use std::sync::{Arc, PoisonError};

pub use kept::{MIGRATION, Seen};
pub use own::{Own, Tallies};
pub use plan::{Base, By, Plan};
pub use ready::Ready;
pub use workers::Workers;

use crate::{
    Backend, Error, Provider,
    provider::{Seller, Served},
    records,
};

impl Provider {
    /// Has the ledger show the offer with these terms: the one that stands, or a new one. Nothing answers it yet.
    ///
    /// # Errors
    /// If the ledger refuses it, or books or ledger fail.
    pub async fn offer(&self, terms: Offer) -> Result<OfferId, Error> {
        self.0.offer(terms).await
    }

    /// Answers an offer of this provider from now on, until the process ends.
    ///
    /// # Errors
    /// If the ledger does not know the offer.
    pub async fn serve(&self, offer: OfferId, backend: Backend) -> Result<(), Error> {
        self.0.serve(offer, backend, None, Arc::default()).await
    }

    /// The offers that are answered here now.
    pub fn offers(&self) -> Vec<OfferId> {
        self.0.served.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// The plan for what an owner asks: what is left out is as it was before, or as usual.
    ///
    /// # Errors
    /// If it cannot run here.
    pub async fn plan_for(&self, new: NewOffer) -> Result<Plan, Error> {
        self.0.plan(new).await
    }

    /// Tries a plan: its files or its server are checked, and it answers with one token. Nothing is offered yet.
    ///
    /// # Errors
    /// If it does not run here.
    pub async fn ready(&self, plan: Plan) -> Result<Ready, Error> {
        let number = self.0.own().begin(&plan);
        self.0.ready(plan, number).await.inspect_err(|error| self.0.own().fail(number, error.to_string()))
    }

    /// Offers what was tried, and takes back what was offered of the same artifact under other terms.
    ///
    /// # Errors
    /// If the ledger refuses it; then what was offered before stays.
    pub async fn stand(&self, ready: Ready) -> Result<OfferId, Error> {
        let number = ready.number;
        self.0.stand(ready).await.inspect_err(|error| self.0.own().fail(number, error.to_string()))
    }

    /// Takes the offer of an artifact back; its running answers go on.
    ///
    /// # Errors
    /// If ledger or books fail.
    pub async fn withdraw(&self, artifact: ArtifactId) -> Result<(), Error> {
        self.0.withdraw(artifact).await
    }

    /// How an artifact is offered, if it is, or was until it did not run any more.
    ///
    /// # Errors
    /// If the books fail.
    pub fn plan(&self, artifact: ArtifactId) -> Result<Option<Plan>, Error> {
        kept::plan(&self.0.books, artifact)
    }

    /// The artifact that a file became when it was taken in, if it did not change since.
    ///
    /// # Errors
    /// If the books fail.
    pub fn taken_in(&self, seen: &Seen) -> Result<Option<ArtifactId>, Error> {
        kept::file(&self.0.books, seen)
    }

    /// Remembers that a file became an artifact.
    ///
    /// # Errors
    /// If the books fail.
    pub async fn take_in(&self, seen: Seen, artifact: ArtifactId) -> Result<(), Error> {
        Ok(self.0.books.write(move |books| kept::put_file(books, &seen, artifact)).await?)
    }

    /// `publisher/name:tag` of an artifact, or its digest where it has no such name.
    pub async fn name(&self, artifact: ArtifactId) -> String {
        self.0.name(artifact).await
    }

    /// Writes down what is to be offered from the next start on; for what an older version kept elsewhere.
    ///
    /// # Errors
    /// If the books fail.
    pub async fn keep(&self, plan: Plan) -> Result<(), Error> {
        Ok(self.0.books.write_synced(move |books| kept::put(books, &plan)).await?)
    }
}

impl Seller {
    async fn offer(&self, terms: Offer) -> Result<OfferId, Error> {
        if let Some(id) = records::offer(&self.books, &terms)? {
            let standing = self.config.ledger.offer(id).await.is_ok_and(|record| !record.withdrawn);
            if standing {
                return Ok(id);
            }
        }
        // One that was made before the process died, say.
        if let Some((id, _)) = self.standing().await?.into_iter().find(|(_, standing)| *standing == terms) {
            return Ok(id);
        }
        let applied = self.config.account.submit(Operation::Offer(terms.clone())).await?;
        let Effect::Offered(id) = applied.outcome.effect else {
            return Err(Error::Damaged("an offer that became something else"));
        };
        self.books.write(move |books| records::put_offer(books, id, &terms)).await?;
        Ok(id)
    }

    async fn serve(
        &self,
        offer: OfferId,
        backend: Backend,
        base: Option<ArtifactId>,
        tallies: Arc<Tallies>,
    ) -> Result<(), Error> {
        let price = self.price(offer).await?;
        let context = self.config.ledger.offer(offer).await?.offer.context;
        let served = Arc::new(Served { backend, price, context, base, tallies });
        self.served.write().unwrap_or_else(PoisonError::into_inner).insert(offer, served);
        Ok(())
    }

    /// The standing offers of this provider.
    async fn standing(&self) -> Result<Vec<(OfferId, Offer)>, Error> {
        let offers = self.config.ledger.list(api::List::Offers).await?.into_iter();
        let ours = |record: &ledger::OfferRecord| record.provider == self.config.account.id() && !record.withdrawn;
        Ok(offers
            .filter_map(|(key, record)| match (key, record) {
                (ledger::Key::Offer(id), ledger::Record::Offer(record)) if ours(&record) => Some((id, record.offer)),
                _ => None,
            })
            .collect())
    }

    pub async fn stand(&self, ready: Ready) -> Result<OfferId, Error> {
        let Ready { number, plan, terms, backend, .. } = ready;
        let _turn = self.changing.lock().await;
        if !self.own().is_wanted(number) {
            return Err(Error::NotRunnable("it was taken back before it could be offered".into()));
        }
        let (artifact, base) = (plan.artifact, plan.base());
        let before = kept::plan(&self.books, artifact)?;
        // Written first: an offer that stands and that nobody answers would be worse than one that comes with the next start.
        let kept = plan.clone();
        self.books.write_synced(move |books| kept::put(books, &kept)).await?;
        let offered = self.offer(terms).await;
        let Ok(id) = offered else {
            let undo = move |books: &rusqlite::Connection| match &before {
                Some(before) => kept::put(books, before),
                None => kept::remove(books, artifact),
            };
            self.books.write_synced(undo).await?;
            return offered;
        };
        let tallies = self.own().tallies(number);
        self.serve(id, backend, base, tallies).await?;
        self.own().stands(number, id, crate::provider::now());
        // The new one stands already: what cannot be taken back now is taken back with the next change or start.
        if let Err(error) = self.take_back(artifact, Some(id)).await {
            tracing::warn!(%error, %artifact, "the offer with earlier terms was not withdrawn; it is not answered any more");
        }
        Ok(id)
    }

    /// Takes back what is offered of an artifact, but for one offer. New orders of it are refused; answers that run go on.
    async fn take_back(&self, artifact: ArtifactId, but: Option<OfferId>) -> Result<(), Error> {
        for (offer, _) in self.standing().await?.into_iter().filter(|(_, offer)| offer.artifact == artifact) {
            if Some(offer) != but {
                self.config.account.submit(Operation::Withdraw { offer }).await?;
            }
        }
        let gone = self.own().leave(artifact, but);
        self.served.write().unwrap_or_else(PoisonError::into_inner).retain(|id, _| !gone.contains(id));
        self.release_workers();
        Ok(())
    }

    /// The owner does not want to offer an artifact any more.
    pub async fn withdraw(&self, artifact: ArtifactId) -> Result<(), Error> {
        // Where it is being loaded, that comes to nothing.
        self.own().give_up(artifact);
        let _turn = self.changing.lock().await;
        // If the process ends in between, the next start goes on.
        self.books.write_synced(move |books| kept::leave(books, artifact)).await?;
        self.take_back(artifact, None).await?;
        self.own().forget_failed(artifact);
        Ok(self.books.write_synced(move |books| kept::remove(books, artifact)).await?)
    }

    /// `publisher/name:tag` of an artifact, or its digest where it has no such name.
    pub async fn name(&self, artifact: ArtifactId) -> String {
        self.config.ledger.name_of(artifact).await.unwrap_or_else(|_| artifact.to_string())
    }
}
