//! At the start: what was offered before is offered again; what does not run any more is taken back, and tried with each start.

use ledger::{ArtifactId, OfferId};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{By, Plan, kept, workers::Settings};
use crate::{Error, Provider, provider::Seller};

/// A server that did not answer is asked again this often.
const RETRY: Duration = Duration::from_secs(60);

impl Provider {
    /// Ends what an earlier run was taking back, and takes up the offers that stand on the ledger and are not in the books,
    /// because those were lost. Nothing is answered yet: [`Self::again`] does that, for each of [`Self::kept`].
    ///
    /// # Errors
    /// If books or ledger fail.
    pub async fn recall(&self) -> Result<(), Error> {
        let seller = &self.0;
        for artifact in kept::leaving(&seller.books)? {
            seller.withdraw(artifact).await?;
        }
        for (_, offer) in seller.standing().await? {
            if kept::plan(&seller.books, offer.artifact)?.is_none() {
                let mut plan = Plan::model(offer.artifact).with(Some(offer.context), None);
                plan.fee = offer.fee.into();
                seller.books.write(move |books| kept::put(books, &plan)).await?;
            }
        }
        Ok(())
    }

    /// What was offered before, in the order in which it came.
    ///
    /// # Errors
    /// If the books fail.
    pub fn kept(&self) -> Result<Vec<Plan>, Error> {
        kept::plans(&self.0.books)
    }

    /// Loads each model once with all of its adapters, so that it is not loaded anew for each. What is wrong with one of them
    /// shows when it is offered.
    pub async fn load_together(&self, plans: &[Plan]) {
        let mut bases: BTreeMap<ArtifactId, (BTreeSet<ArtifactId>, Settings)> = BTreeMap::new();
        for plan in plans {
            let (By::Worker { context, threads, .. }, Some(base)) = (&plan.by, plan.base()) else { continue };
            let of_none = || (BTreeSet::new(), Settings { context: *context, threads: *threads });
            let (adapters, settings) = bases.entry(base).or_insert_with(of_none);
            adapters.extend(plan.adapter());
            settings.context = settings.context.max(*context);
            settings.threads = settings.threads.or(*threads);
        }
        for (base, (adapters, settings)) in bases.into_iter().filter(|(_, (adapters, _))| !adapters.is_empty()) {
            if let Err(error) = self.0.worker(base, &adapters, settings).await {
                tracing::info!(%error, %base, "a model does not load with all of its adapters; they are tried one by one");
            }
        }
    }

    /// Offers again what was offered before. What does not run is taken back on the ledger, stays in the books, and is tried
    /// again with the next start; a server is asked again every minute.
    ///
    /// # Errors
    /// Why it does not run.
    pub async fn again(&self, plan: Plan) -> Result<OfferId, Error> {
        self.0.again(plan).await
    }
}

impl Seller {
    async fn again(&self, plan: Plan) -> Result<OfferId, Error> {
        let (artifact, number) = (plan.artifact, self.own().begin(&plan));
        let stands = match self.ready(plan, number).await {
            Ok(ready) => self.stand(ready).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &stands {
            self.own().fail(number, error.to_string());
            let _turn = self.changing.lock().await;
            self.take_back(artifact, None).await?;
        }
        stands
    }

    /// Asks servers again that did not answer, for as long as the process runs.
    pub async fn retry_upstreams(self: Arc<Self>) {
        loop {
            tokio::time::sleep(RETRY).await;
            let failed = self.own().failed_upstreams();
            for plan in failed {
                // One that never stood is its owner's to try again.
                let kept = kept::plan(&self.books, plan.artifact);
                if kept.is_ok_and(|kept| kept.as_ref() == Some(&plan)) && self.again(plan).await.is_ok() {
                    tracing::info!("a server that did not answer is back, and offered again");
                }
            }
        }
    }
}
