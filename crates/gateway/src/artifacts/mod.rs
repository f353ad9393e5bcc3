//! Artifacts through this door: published, tagged, retired, looked for and shown.
//!
//! - `draft`: what is sent to publish something, and the answer.
//! - `read`: what the files say; `facts`: how a manifest keeps that; `openness`: the class that is computed from it.
//! - `understand`: what a card says, in sentences.
//! - `check`: from a draft to an operation that the ledger will take; `publish`: from there to a listed artifact.
//! - `library`: all artifacts in memory, by name and by word; `list` and `show` read it, `lineage` walks it; `figures`: what
//!   they earned and how much they were used.
//! - `bom` and `card`: one of them, in forms that programs of others read.
//! - `verbs`: tag, retire, forget.

mod bom;
mod card;
mod check;
mod draft;
mod facts;
mod figures;
mod library;
mod lineage;
mod list;
mod openness;
mod publish;
mod search;
mod show;
mod understand;
mod verbs;
mod view;

pub use draft::{Draft, DraftFile, DraftPayee, DraftRates, Kind, Preview, Source};
pub use view::{ArtifactView, Branch, Lineage, OfferView, Owned, Summaries, Summary, Tokens, Version};

pub(crate) use check::{check_name, check_tag};
pub(crate) use library::{Index, LATEST, Library, Work, blocking};
pub(crate) use list::{cheapest, list};
pub(crate) use publish::{preview, publish, put_held};
pub(crate) use show::{show, show_named};
pub(crate) use understand::{Understood, understand};
pub(crate) use verbs::{forget, retire, tag};
