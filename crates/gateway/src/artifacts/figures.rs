//! What works earned and how much they were used. Every settlement changes that, so it is not part of the index.

use api::{Ledger, LedgerError, List};
use ledger::{Amount, ArtifactId, Key, Record, Usage};
use std::collections::HashMap;

use super::{library::Index, lineage::COUNT_MAX};

/// What the ledger says of single works.
pub struct Counts {
    earned: HashMap<ArtifactId, Amount>,
    /// Tokens of the answers that each ran itself.
    ran: Vec<(ArtifactId, Usage)>,
}

/// The figures as of one moment. Who is not in them has zero.
#[derive(Default)]
pub struct Figures {
    earned: HashMap<ArtifactId, Amount>,
    used: HashMap<ArtifactId, Usage>,
}

impl Counts {
    pub async fn read(ledger: &dyn Ledger) -> Result<Self, LedgerError> {
        let pot = |(key, record)| match (key, record) {
            (Key::Pot(id), Record::Pot(pot)) => Some((id, pot.lifetime)),
            _ => None,
        };
        let earned = ledger.list(List::Pots).await?.into_iter().filter_map(pot).collect();
        Ok(Self { earned, ran: ledger.used().await? })
    }
}

impl Figures {
    pub fn of(counts: Counts, index: &Index) -> Self {
        let mut used: HashMap<ArtifactId, Usage> = HashMap::new();
        for (id, usage) in counts.ran {
            // The work and each of its ancestors once, however many ways lead there.
            for work in index.closure(&[id], COUNT_MAX) {
                let sum = used.entry(work).or_default();
                sum.input = sum.input.saturating_add(usage.input);
                sum.output = sum.output.saturating_add(usage.output);
            }
        }
        Self { earned: counts.earned, used }
    }

    /// All that its pot ever received.
    pub fn earned(&self, id: ArtifactId) -> Amount {
        self.earned.get(&id).copied().unwrap_or(Amount::ZERO)
    }

    /// Tokens of the settled answers that stand on it: of those that it ran, and of those that anything built on it ran.
    pub fn used(&self, id: ArtifactId) -> Usage {
        self.used.get(&id).copied().unwrap_or_default()
    }
}
