//! How artifacts are shown. Amounts are text of pico-credits, rates pico-credits per token, times milliseconds since 1970.

use api::view::{Bill, PriceLine};
use blobs::openness::{Class, Openness};
use ledger::{ArtifactId, OfferId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::draft::{DraftFile, DraftPayee, DraftRates, Kind};

/// The answer to `GET /artifacts`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summaries {
    /// A page of them.
    pub artifacts: Vec<Summary>,
    /// How many there are on all pages.
    pub found: usize,
    /// Send it as `after` to see the next page; none at the end.
    pub next: Option<String>,
}

/// An artifact in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    #[serde(with = "api::text")]
    pub id: ArtifactId,
    /// `publisher/name:tag`, or its id once no tag points at it.
    pub name: String,
    /// A name, or an id where there is none.
    pub publisher: String,
    /// What it is.
    pub kind: Kind,
    /// As its card says; known where its manifest is stored here, like the next two.
    pub title: Option<String>,
    /// One paragraph.
    pub description: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Class of the Model Openness Framework; known where its files are stored here.
    pub openness: Option<Class>,
    /// What it asks itself.
    pub royalty: DraftRates,
    /// What its lineage asks altogether, itself included.
    pub royalties: DraftRates,
    /// What the cheapest standing offer costs, everyone's share included; none if nobody offers it.
    pub price: Option<DraftRates>,
    /// How many artifacts name it as a parent.
    pub children: u32,
    /// Tokens of all settled answers that stand on it: of those that it ran, and of those that anything built on it ran.
    pub used: Tokens,
    /// All royalties that its pot ever received.
    pub earned_pico: String,
    /// When it was published.
    pub time: u64,
    /// True if it takes no new children and offers.
    pub retired: bool,
    /// True for somebody's work that another brought here.
    pub unclaimed: bool,
    /// True if its files are here.
    pub stored: bool,
}

/// Tokens of answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
}

impl From<ledger::Usage> for Tokens {
    fn from(usage: ledger::Usage) -> Self {
        Self { input: usage.input, output: usage.output }
    }
}

/// An account by name and id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Owned {
    /// Its name, or its id where it has none.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// The answer to `GET /artifacts/{name or digest}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArtifactView {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: Summary,
    /// Who published it.
    pub by: Owned,
    /// All names that point at it, `publisher/name:tag`.
    pub tags: Vec<String>,
    /// Everything that its publisher ever published under its name, oldest first.
    pub versions: Vec<Version>,
    /// Of weights.
    pub architecture: Option<String>,
    /// Everything that its manifest says of it.
    pub annotations: BTreeMap<String, String>,
    /// README.md, up to 256 KiB of it, if it is stored here.
    pub card: Option<String>,
    /// None if its manifest is not stored here.
    pub files: Option<Vec<DraftFile>>,
    /// Digests of its weight files.
    pub weights: Vec<String>,
    /// What this gateway asks for each byte of them that it serves, in pico-credits; 0 for nothing.
    #[serde(default)]
    pub file_fee: u64,
    /// How open it is, and what is missing, as far as its files and those of its lineage are stored here.
    pub openness_detail: Openness,
    /// What it is built on.
    pub lineage: Lineage,
    /// Who is paid of its royalty.
    pub payees: Vec<DraftPayee>,
    /// Who offers it, cheapest first.
    pub offers: Vec<OfferView>,
    /// What an answer of 1,000 tokens in and 500 out costs: at the cheapest offer, or else without a provider's fee.
    pub typical: Bill,
    /// What of its royalties is not paid out yet.
    pub in_pot_pico: String,
}

/// One of the works of a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    #[serde(with = "api::text")]
    pub id: ArtifactId,
    /// The tags that point at it now.
    pub tags: Vec<String>,
    /// What it asks.
    pub royalty: DraftRates,
    /// When it was published.
    pub time: u64,
    /// True if it takes no new children and offers.
    pub retired: bool,
}

/// What an artifact is built on, as a tree.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// The parents, and theirs.
    pub parents: Vec<Branch>,
    /// Ancestors for which the tree had no more room.
    pub left_out: usize,
}

/// A work in a lineage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Branch {
    /// Its id.
    #[serde(with = "api::text")]
    pub id: ArtifactId,
    /// Its name, or its id.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it asks.
    pub royalty: DraftRates,
    /// True if it takes no new children and offers.
    pub retired: bool,
    /// True if it stands elsewhere in the tree with its own parents: it counts once.
    pub again: bool,
    /// What it is built on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Self>,
}

/// A standing offer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfferView {
    /// Its id.
    #[serde(with = "api::text")]
    pub id: OfferId,
    /// Who offers.
    pub provider: Owned,
    /// What runs it.
    pub engine: String,
    /// Such as `Q4_0`.
    pub quantization: String,
    /// The most tokens of input and output together.
    pub context: u32,
    /// What the provider asks for its work.
    pub fee: DraftRates,
    /// Who is paid at which rates.
    pub lines: Vec<PriceLine>,
}
