//! From a plan to something that ran once.

use api::offers::{NewOffer, TokenBound};
use blobs::recognize::word;
use ledger::{ArtifactId, Kind, Offer};
use std::collections::BTreeSet;

use super::{
    Base, By, Plan, kept,
    plan::{CONTEXT_MAX, CONTEXT_MIN},
    workers::{self, Settings},
};
use crate::{Backend, Error, backend, provider::Seller};

/// Tokens of an answer, if nobody says otherwise.
const OUTPUT: u32 = 256;
/// So many works of an adapter's lineage are looked at for its model.
const LINEAGE_MAX: usize = 1_000;
/// What an offer says where a server runs the model.
const UPSTREAM_ENGINE: &str = "OpenAI-compatible server";
const UPSTREAM_QUANTIZATION: &str = "as its server has it";

/// A plan that ran once.
pub struct Ready {
    pub(super) number: u64,
    pub(super) plan: Plan,
    pub(super) terms: Offer,
    pub(super) backend: Backend,
}

impl Seller {
    /// The plan that an owner asks for: what is left out is as it was before, or as usual.
    pub async fn plan(&self, new: NewOffer) -> Result<Plan, Error> {
        let context_good = |context: u32| (CONTEXT_MIN..=CONTEXT_MAX).contains(&context);
        if !new.context.is_none_or(context_good) {
            return Err(Error::NotRunnable(format!("a context is from {CONTEXT_MIN} to {CONTEXT_MAX} tokens")));
        }
        if new.threads.is_some_and(|threads| !(1..=1_024).contains(&threads)) {
            return Err(Error::NotRunnable("threads are from 1 to 1,024".into()));
        }
        let artifact = self.config.ledger.artifact(new.artifact).await?;
        if artifact.retired {
            return Err(Error::NotRunnable("its publisher retired it, so there are no new offers of it".into()));
        }
        let kind = artifact.publish.kind;
        if !kind.runs() {
            return Err(Error::NotRunnable(format!("it is {}, and only models and adapters answer", word(kind))));
        }
        let before = kept::plan(&self.books, new.artifact)?;
        let fee = new.fee.or_else(|| before.as_ref().map(|plan| plan.fee));
        let mut plan = match (new.upstream, before) {
            (Some(server), _) => {
                Plan { by: By::Upstream { server, context: new.context }, ..Plan::model(new.artifact) }
            }
            (None, Some(before)) if before.base().is_some() => before.with(new.context, new.threads),
            (None, _) => {
                let mut plan = Plan::model(new.artifact).with(new.context, new.threads);
                if let (Kind::Adapter, By::Worker { base, .. }) = (kind, &mut plan.by) {
                    *base = Some(Base(self.base_of(new.artifact).await?));
                }
                plan
            }
        };
        plan.fee = fee.unwrap_or(plan.fee);
        Ok(plan)
    }

    /// The nearest model of an adapter's lineage that is stored here with one GGUF file.
    async fn base_of(&self, adapter: ArtifactId) -> Result<ArtifactId, Error> {
        let (mut level, mut seen, mut models) = (vec![adapter], BTreeSet::new(), Vec::new());
        while !level.is_empty() && seen.len() < LINEAGE_MAX {
            let mut next = BTreeSet::new();
            for id in level {
                let artifact = self.config.ledger.artifact(id).await?;
                if artifact.publish.kind == Kind::Model {
                    if workers::weights(&self.config.store, id).is_ok() {
                        return Ok(id);
                    }
                    models.push(id);
                }
                next.extend(artifact.publish.parents.iter().copied().filter(|parent| seen.insert(*parent)));
            }
            level = next.into_iter().collect();
        }
        let mut names = Vec::new();
        for id in models.iter().take(3) {
            names.push(self.name(*id).await);
        }
        Err(Error::NotRunnable(if names.is_empty() {
            "the adapter's lineage names no model to run it on; publish it with its model as a parent".into()
        } else {
            format!("none of the models it was made for is stored here with one GGUF file; pull {}", names.join(" or "))
        }))
    }

    /// Checks and loads what a plan needs, and has it answer with one token.
    pub async fn ready(&self, plan: Plan, number: u64) -> Result<Ready, Error> {
        let ready = match &plan.by {
            By::Worker { .. } => self.ready_worker(plan, number).await,
            By::Upstream { .. } => self.ready_upstream(plan, number).await,
        };
        if ready.is_err() {
            self.release_workers();
        }
        ready
    }

    async fn ready_worker(&self, plan: Plan, number: u64) -> Result<Ready, Error> {
        let (By::Worker { context, threads, .. }, Some(base)) = (&plan.by, plan.base()) else {
            return Err(Error::Damaged("a plan without a worker"));
        };
        let settings = Settings { context: *context, threads: *threads };
        let adapters = plan.adapter().into_iter().collect();
        let loaded = self.worker(base, &adapters, settings).await?;
        let adapter = plan.adapter().map(|adapter| adapter.to_string());
        let context = loaded.engine.info().context.min(*context);
        self.own().runs(number, context, None, Vec::new());
        let terms = Offer {
            artifact: plan.artifact,
            fee: plan.fee.into(),
            engine: engine::ENGINE.into(),
            quantization: loaded.header.quantization.into(),
            context,
            default_output: output(context),
            bound: workers::bound(&loaded.engine, &loaded.header).await,
        };
        let usual = workers::usual(&loaded.header);
        Ok(Ready { number, plan, terms, backend: Backend::Worker { engine: loaded.engine, adapter, usual } })
    }

    async fn ready_upstream(&self, plan: Plan, number: u64) -> Result<Ready, Error> {
        let By::Upstream { server, context } = &plan.by else {
            return Err(Error::Damaged("a plan without a server"));
        };
        let name = self.config.ledger.artifact(plan.artifact).await?.publish.name;
        let folder = self.config.books.parent().unwrap_or(&self.config.books);
        let own = backend::Own { address: &self.config.address, folder };
        let checked = backend::check(server, &name, &own).await?;
        let context = context.or(checked.context).filter(|context| *context >= CONTEXT_MIN).ok_or_else(|| {
            Error::NotRunnable("the server does not tell how long a conversation may be; say it with --context".into())
        })?;
        self.own().runs(number, context, Some(checked.model), checked.notes);
        let terms = Offer {
            artifact: plan.artifact,
            fee: plan.fee.into(),
            engine: UPSTREAM_ENGINE.into(),
            quantization: UPSTREAM_QUANTIZATION.into(),
            context,
            default_output: output(context),
            bound: server.bound.unwrap_or(TokenBound::SAFE).into(),
        };
        Ok(Ready { number, plan, terms, backend: Backend::Upstream(checked.upstream) })
    }
}

fn output(context: u32) -> u32 {
    OUTPUT.min(context / 2).max(1)
}
