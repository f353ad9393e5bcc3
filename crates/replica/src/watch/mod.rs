//! A ledger elsewhere that is watched: the newest head that it showed is remembered, and each newer one must follow from it.
//!
//! An operator of a single replica could rewrite its history and sign it again, but not unseen by whoever kept a head. So
//! [`Watched`] is the ledger at somebody's address for doors and wallet, and takes nothing from it that its log does not lead
//! to: a head is accepted if it follows from the remembered one (RFC 6962, 2.1.4, computed from the log's tiles), and an
//! operation, or a transfer that came in, counts once it stands under an accepted head. Two signed heads that cannot both be
//! true are written down as the proof that they are, and from then on nothing is taken any more.

mod files;
mod ledger_impl;
mod walk;
pub mod witness;

use api::{HttpLedger, Ledger as _, LedgerError, Link, log::SignedHead};
use ledger::{AccountId, Head, log_tree::Frontier};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use crate::{
    elsewhere::Log,
    lock::{hold, read, write},
};
use files::Files;
pub use files::{REMEMBERED, contradiction};

/// How often the newest head is asked for when nobody else does.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Heads that others told of and that were not compared yet.
const HEARD_MAX: usize = 256;
/// What others say otherwise is remembered for so many of them.
const REMARKS_MAX: usize = 16;

/// Whether a ledger is taken at its word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// Its newest head follows from the remembered one.
    #[default]
    Good,
    /// Its newest head does not follow, and that may pass: nothing is taken until it follows again. Why, as a sentence.
    Doubtful(String),
    /// It signed two heads that cannot both be true. That never passes. As a sentence.
    Contradicted(String),
}

impl Standing {
    /// The sentence, unless all is well.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Good => None,
            Self::Doubtful(why) | Self::Contradicted(why) => Some(why),
        }
    }
}

/// A ledger at somebody's address, and the newest head that it showed.
#[derive(Debug)]
pub struct Watched {
    ledger: HttpLedger,
    log: Log,
    files: Files,
    /// Held while a head is compared: one at a time, so that they come in the order of their sizes.
    kept: tokio::sync::Mutex<Option<Kept>>,
    standing: RwLock<Standing>,
    /// Heads in what others signed, by their sizes.
    heard: Mutex<BTreeMap<u64, (Head, AccountId)>>,
    remarks: Mutex<Vec<String>>,
}

/// The newest head that was accepted.
#[derive(Debug, Clone)]
struct Kept {
    signed: SignedHead,
    /// The right edge of the tree under it, once that was read.
    frontier: Option<Frontier>,
}

impl Watched {
    /// The ledger at a link, with the head that is remembered in a folder. Nothing is sent yet.
    ///
    /// # Errors
    /// If the folder cannot be read, or the HTTP client not set up. [`LedgerError::Distrusted`] if the ledger contradicted
    /// itself before, until the file that says so is gone.
    pub fn open(link: Link, dir: &Path) -> Result<Self, LedgerError> {
        let files = Files::new(dir);
        if let Some(said) = contradiction(dir) {
            return Err(LedgerError::Distrusted(said));
        }
        let kept = files.remembered()?.map(|signed| Kept { signed, frontier: None });
        Ok(Self {
            log: Log::new(link.clone()).map_err(LedgerError::Nonsense)?,
            ledger: HttpLedger::new(link)?,
            files,
            kept: tokio::sync::Mutex::new(kept),
            standing: RwLock::default(),
            heard: Mutex::default(),
            remarks: Mutex::default(),
        })
    }

    /// Where it is.
    pub const fn link(&self) -> &Link {
        self.ledger.link()
    }

    /// Whether it is taken at its word.
    pub fn standing(&self) -> Standing {
        read(&self.standing).clone()
    }

    /// What others say that does not fit what this ledger showed here.
    pub fn remarks(&self) -> Vec<String> {
        hold(&self.remarks).clone()
    }

    /// Looks at the newest head again and again, for as long as anybody else holds this value.
    pub async fn run(watched: Arc<Self>) {
        let weak = Arc::downgrade(&watched);
        drop(watched);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(watched) = weak.upgrade() else { return };
            // What went wrong stands in the standing, or is over at the next look.
            if watched.look().await.is_ok() {
                watched.compare_heard().await;
            }
        }
    }

    /// Asks for the newest head and accepts it if it follows from the remembered one.
    ///
    /// # Errors
    /// [`LedgerError::Distrusted`] if it does not, or others if it cannot be had.
    pub async fn look(&self) -> Result<SignedHead, LedgerError> {
        let mut kept = self.kept.lock().await;
        self.not_contradicted()?;
        let shown = match self.ledger.head().await {
            // Signed by nobody of this network, say.
            Err(LedgerError::Nonsense(why)) => return Err(self.doubt(&why)),
            shown => shown?,
        };
        let Some(before) = kept.clone() else {
            self.files.remember(&shown)?;
            *kept = Some(Kept { signed: shown.clone(), frontier: None });
            return Ok(shown);
        };
        let frontier = match self.follows(&before, &shown).await {
            Ok(frontier) => frontier,
            Err(Found::Away(error)) => return Err(error),
            Err(Found::Doubt(why)) => return Err(self.doubt(&why)),
            Err(Found::Contradiction(why)) => return Err(self.contradicted(&before.signed, &shown, &why)),
        };
        if shown.head != before.signed.head {
            self.files.remember(&shown)?;
        }
        *kept = Some(Kept { signed: shown.clone(), frontier });
        self.trust();
        Ok(shown)
    }

    /// Whether a head follows from the one before. Gives the right edge of its tree, as far as that was read.
    async fn follows(&self, before: &Kept, shown: &SignedHead) -> Result<Option<Frontier>, Found> {
        let (old, new) = (before.signed.head, shown.head);
        if old.size == new.size {
            let same =
                format!("it signed two heads over {} entries, with the roots {} and {}", old.size, old.root, new.root);
            return if old.root == new.root { Ok(before.frontier.clone()) } else { Err(Found::Contradiction(same)) };
        }
        if new.size < old.size {
            return Err(Found::Doubt(format!(
                "it now shows a log of {} entries, and showed one of {} before: it may have been restored from an old \
                 backup, or somebody shows an old copy",
                new.size, old.size
            )));
        }
        // From the right edge on only what is new has to be read.
        if let Some(edge) = &before.frontier {
            let grown = walk::extend(&self.log, edge.clone(), new.size).await.map_err(|why| self.away(why))?;
            if grown.root() == new.root {
                return Ok(Some(grown));
            }
        }
        let (at, edge) = walk::roots(&self.log, &[old.size], new.size).await.map_err(|why| self.away(why))?;
        if edge.root() != new.root {
            return Err(Found::Doubt(format!(
                "the hashes in its log do not lead to the head over {} entries",
                new.size
            )));
        }
        match at.first() {
            Some(root) if *root == old.root => Ok(Some(edge)),
            Some(root) => Err(Found::Contradiction(format!(
                "its first {} entries had the root {} before, and now have {root}: its history was rewritten",
                old.size, old.root
            ))),
            None => Err(Found::Doubt("its log could not be compared".into())),
        }
    }

    /// Compares the heads that others signed with the accepted one, all at once.
    pub(crate) async fn compare_heard(&self) {
        let accepted = self.kept.lock().await.as_ref().map(|kept| kept.signed.head);
        let Some(accepted) = accepted else { return };
        let not_longer = |heard: &&(Head, AccountId)| (1..=accepted.size).contains(&heard.0.size);
        let heard: Vec<(Head, AccountId)> = hold(&self.heard).values().filter(not_longer).copied().collect();
        let sizes: Vec<u64> = heard.iter().map(|(head, _)| head.size).collect();
        if sizes.is_empty() {
            return;
        }
        match walk::roots(&self.log, &sizes, accepted.size).await {
            Ok((roots, edge)) if edge.root() == accepted.root => {
                hold(&self.heard).retain(|size, _| *size > accepted.size);
                for ((head, from), root) in heard.into_iter().zip(roots) {
                    if head.root != root {
                        self.remark(&head, from);
                    }
                }
            }
            Ok(_) => tracing::warn!("the hashes in the ledger's log do not lead to its head; it is tried again"),
            Err(why) => tracing::warn!(%why, "heads in receipts could not be compared; it is tried again"),
        }
    }

    /// Somebody saw another history, or says so: a receipt's head is its provider's word, not the ledger's.
    fn remark(&self, head: &Head, from: AccountId) {
        let remark = format!(
            "{from} signed that the log's first {} entries have the root {}, and here they have another: either it is \
             wrong, or the ledger shows different histories; compare the heads that both of you remember",
            head.size, head.root
        );
        tracing::warn!("{remark}");
        let mut remarks = hold(&self.remarks);
        if remarks.len() < REMARKS_MAX && !remarks.contains(&remark) {
            remarks.push(remark);
        }
    }

    fn heard(&self, head: Head, from: AccountId) {
        let mut heard = hold(&self.heard);
        heard.entry(head.size).or_insert((head, from));
        if heard.len() > HEARD_MAX {
            // The one that is furthest from being true.
            heard.pop_last();
        }
    }

    fn not_contradicted(&self) -> Result<(), LedgerError> {
        match &*read(&self.standing) {
            Standing::Contradicted(why) => Err(LedgerError::Distrusted(why.clone())),
            _ => Ok(()),
        }
    }

    /// Nothing is taken from a ledger that is in doubt, until it was looked at again.
    fn trusted(&self) -> Result<(), LedgerError> {
        read(&self.standing).trouble().map_or(Ok(()), |why| Err(LedgerError::Distrusted(why.to_owned())))
    }

    fn trust(&self) {
        let mut standing = write(&self.standing);
        if let Standing::Doubtful(why) = &*standing {
            tracing::warn!(%why, "the ledger follows again from what it showed before");
            *standing = Standing::Good;
        }
    }

    fn doubt(&self, why: &str) -> LedgerError {
        let why = format!("the ledger at {} is not taken at its word: {why}", self.link().address);
        let mut standing = write(&self.standing);
        if !matches!(&*standing, Standing::Contradicted(_)) && standing.trouble() != Some(&why) {
            tracing::error!("{why}");
            *standing = Standing::Doubtful(why.clone());
        }
        LedgerError::Distrusted(why)
    }

    fn contradicted(&self, before: &SignedHead, shown: &SignedHead, why: &str) -> LedgerError {
        let why = format!("the ledger at {} contradicts itself: {why}", self.link().address);
        tracing::error!("{why}");
        if let Err(error) = self.files.write_contradiction(&why, before, shown) {
            tracing::error!(%error, "the contradiction could not be written down");
        }
        *write(&self.standing) = Standing::Contradicted(why.clone());
        LedgerError::Distrusted(why)
    }

    fn away(&self, reason: String) -> Found {
        Found::Away(LedgerError::Unreachable { address: self.link().address.clone(), reason })
    }
}

/// Why a head was not accepted.
enum Found {
    /// Its tiles cannot be had.
    Away(LedgerError),
    /// It does not follow, and nothing is proved.
    Doubt(String),
    /// It cannot follow.
    Contradiction(String),
}
