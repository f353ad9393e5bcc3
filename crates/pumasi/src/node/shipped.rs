//! The models that ship with the program: a guide and its two adapters, with everything that they were made from. A network of
//! this folder's own gets each as a published work with a maker of its own, and offers the three. See docs/guide.md.

use anyhow::{Context as _, anyhow};
use api::{Ledger, offers::NewOffer, openai::Model};
use blobs::Store;
use gateway::{
    Gateway,
    artifacts::{Draft, DraftFile, DraftPayee, DraftRates, Kind},
};
use ledger::{ArtifactId, Digest, Operation};
use provider::Provider;
use rust_embed::RustEmbed;
use std::{borrow::Cow, fmt::Write as _, sync::Arc};
use wallet::{Account, Wallet};

use super::blocking;
use crate::{home::Home, print, t};

/// The guide's name.
const GUIDE: &str = "seodang/guide:latest";
/// Says in the data folder which edition was published there, and below it what of it was offered.
const DONE: &str = "shipped";

#[derive(RustEmbed)]
#[folder = "../../models/"]
#[exclude = "*/out/*"]
#[exclude = "LICENSES/*"]
#[exclude = "*/__pycache__/*"]
struct Files;

/// One of them.
struct Work {
    /// Below `models/`.
    folder: &'static str,
    /// Who publishes it: the account's name, and its role after `maker-`.
    maker: &'static str,
    name: &'static str,
    kind: Kind,
    /// Built on these, which stand before it in the list.
    parents: &'static [&'static str],
    /// Micro-credits per million tokens, of input and output.
    royalty: (u64, u64),
    /// Who is paid beside the maker, who has weight 2; each of these has 1.
    others: &'static [&'static str],
    offered: bool,
}

/// In the order of publication: parents first, and every account before it is somebody's payee.
const WORKS: &[Work] = &[
    Work {
        folder: "facts",
        maker: "dure",
        name: "guide-facts",
        kind: Kind::Dataset,
        parents: &[],
        royalty: (20_000, 50_000),
        others: &[],
        offered: false,
    },
    Work {
        folder: "manners",
        maker: "sarangbang",
        name: "guide-manners",
        kind: Kind::Dataset,
        parents: &[],
        royalty: (10_000, 20_000),
        others: &[],
        offered: false,
    },
    Work {
        folder: "recipe",
        maker: "ullyeok",
        name: "guide-recipe",
        kind: Kind::Recipe,
        parents: &[],
        royalty: (10_000, 30_000),
        others: &[],
        offered: false,
    },
    Work {
        folder: "guide",
        maker: "seodang",
        name: "guide",
        kind: Kind::Model,
        parents: &["dure/guide-facts", "sarangbang/guide-manners", "ullyeok/guide-recipe"],
        royalty: (50_000, 100_000),
        others: &["ullyeok"],
        offered: true,
    },
    Work {
        folder: "polite-answers",
        maker: "seonbi",
        name: "polite-answers",
        kind: Kind::Dataset,
        parents: &["dure/guide-facts", "sarangbang/guide-manners"],
        royalty: (10_000, 20_000),
        others: &[],
        offered: false,
    },
    Work {
        folder: "guide-polite",
        maker: "seonbi",
        name: "guide-polite",
        kind: Kind::Adapter,
        parents: &["seodang/guide", "seonbi/polite-answers", "ullyeok/guide-recipe"],
        royalty: (20_000, 40_000),
        others: &[],
        offered: true,
    },
    Work {
        folder: "tales",
        maker: "iyagi",
        name: "village-tales",
        kind: Kind::Dataset,
        parents: &[],
        royalty: (10_000, 40_000),
        others: &[],
        offered: false,
    },
    Work {
        folder: "guide-story",
        maker: "iyagi",
        name: "guide-story",
        kind: Kind::Adapter,
        parents: &["seodang/guide", "iyagi/village-tales", "ullyeok/guide-recipe"],
        royalty: (20_000, 60_000),
        others: &[],
        offered: true,
    },
    Work {
        folder: "exam",
        maker: "gwageo",
        name: "guide-exam",
        kind: Kind::Evaluation,
        parents: &["seodang/guide", "ullyeok/guide-recipe"],
        royalty: (0, 0),
        others: &[],
        offered: false,
    },
];

/// What publishing and offering takes.
pub struct Shipping<'a> {
    pub home: &'a Home,
    pub wallet: &'a Wallet,
    pub ledger: &'a Arc<dyn Ledger>,
    pub store: &'a Arc<Store>,
    pub gateway: &'a Gateway,
    pub provider: &'a Provider,
}

impl Shipping<'_> {
    /// Publishes and offers what this program brings, unless that was done in this folder before, and takes back the offers of
    /// the edition before it; what its owner withdrew or forgot since stays so. Interrupted at any point, the next start goes on.
    ///
    /// # Errors
    /// If ledger, store or disk fail.
    pub async fn publish_all(&self) -> anyhow::Result<()> {
        let edition = edition()?;
        let done = self.home.read(DONE)?.unwrap_or_default();
        let mut done = done.lines();
        if done.next() == Some(&edition) {
            return Ok(());
        }
        let earlier: Vec<ArtifactId> = done.filter_map(|id| id.parse().ok()).collect();
        let label = t!("publishing the models that ship with Pumasi", "품앗이에 딸린 모델 게시하는 중");
        let ids = print::waiting(label, self.publish()).await?;
        let mut plans = Vec::new();
        for &artifact in &ids {
            plans.push(self.provider.plan_for(NewOffer::usual(artifact)).await?);
        }
        self.provider.load_together(&plans).await;
        for plan in plans {
            let ready = self.provider.ready(plan).await?;
            self.provider.stand(ready).await?;
        }
        for artifact in earlier.into_iter().filter(|id| !ids.contains(id)) {
            self.provider.withdraw(artifact).await?;
        }
        let ids: String = ids.iter().map(|id| format!("\n{id}")).collect();
        self.home.write(DONE, &(edition + &ids))
    }

    /// Gives what is to be offered.
    async fn publish(&self) -> anyhow::Result<Vec<ArtifactId>> {
        let mut offered = Vec::new();
        for work in WORKS {
            let maker = self.maker(work.maker).await?;
            let draft = self.draft(work).await?;
            let failed = || t!("{} cannot be published", "{}을 게시할 수 없습니다", work.name);
            let preview =
                self.gateway.publish_as(&maker, &draft).await.map_err(|reason| anyhow!(reason)).with_context(failed)?;
            if work.offered {
                offered.push(preview.id);
            }
        }
        Ok(offered)
    }

    /// A maker's account, with its name on the ledger.
    async fn maker(&self, name: &str) -> anyhow::Result<Account> {
        let account = self.wallet.account(&format!("maker-{name}"))?;
        if self.ledger.account(account.id()).await?.name.is_none() {
            account.submit(Operation::Name { name: name.into() }).await?;
        }
        Ok(account)
    }

    async fn draft(&self, work: &'static Work) -> anyhow::Result<Draft> {
        let store = Arc::clone(self.store);
        let files = blocking(move || {
            let mut files = Vec::new();
            for (path, bytes) in files_of(work.folder) {
                files.push(DraftFile { path, digest: store.put_bytes(&bytes)?, size: u64::try_from(bytes.len())? });
            }
            Ok(files)
        });
        let payee = |name: &str, weight| DraftPayee { account: name.into(), weight };
        // Who asks nothing has nobody to pay.
        let mut payees = Vec::new();
        if work.royalty != (0, 0) {
            payees.push(payee(work.maker, 2));
            payees.extend(work.others.iter().map(|name| payee(name, 1)));
        }
        Ok(Draft {
            name: work.name.into(),
            files: files.await?,
            kind: Some(work.kind),
            parents: Some(work.parents.iter().map(|&name| name.into()).collect()),
            royalty: Some(DraftRates { input: work.royalty.0, output: work.royalty.1 }),
            payees,
            license: None,
            source: None,
        })
    }
}

/// The model that is asked if nobody is named: the guide, or else the first one.
pub fn usual(models: &[Model]) -> Option<&Model> {
    models.iter().find(|model| model.id == GUIDE).or(models.first())
}

/// A work's files, by their paths within it.
fn files_of(folder: &str) -> Vec<(String, Cow<'static, [u8]>)> {
    let inside = |path: &str| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
    Files::iter().filter_map(|path| Some((inside(&path)?, Files::get(&path)?.data))).collect()
}

/// The digest of all files and terms: another edition is published and offered anew.
fn edition() -> anyhow::Result<String> {
    let mut all = String::new();
    for work in WORKS {
        writeln!(all, "{} {} {:?} {:?} {:?}", work.maker, work.name, work.parents, work.royalty, work.others)?;
    }
    for path in Files::iter() {
        let hash = Files::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default();
        writeln!(all, "{} {path}", hex::encode(hash))?;
    }
    Ok(Digest::of(all.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn what_ships_is_small_and_in_order() {
        let bytes: usize = WORKS.iter().flat_map(|work| files_of(work.folder)).map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 14_000_000, "{bytes}");
        let (mut works, mut makers) = (HashSet::new(), HashSet::new());
        for work in WORKS {
            assert!(files_of(work.folder).iter().any(|(path, _)| path == "README.md"), "{} has no card", work.folder);
            makers.insert(work.maker);
            assert!(work.others.iter().all(|name| makers.contains(name)), "{}", work.name);
            assert!(work.parents.iter().all(|name| works.contains(*name)), "{}", work.name);
            works.insert(format!("{}/{}", work.maker, work.name));
        }
        let folders: HashSet<_> = WORKS.iter().map(|work| work.folder).collect();
        let strays: Vec<_> = Files::iter()
            .filter(|path| !path.split_once('/').is_some_and(|(folder, _)| folders.contains(folder)))
            .collect();
        assert_eq!(strays, ["README.md"], "every file but the page about all belongs to a work");
    }
}
