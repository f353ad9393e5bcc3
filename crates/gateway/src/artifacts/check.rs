//! From a draft to an operation that the ledger will take. Everything that it would refuse is found here first, and said with
//! what to do.

use api::view::Bill;
use blobs::{
    Manifest,
    card::Terms,
    openness::{Openness, Work as Shown},
    recognize::{Recognized, recognize},
};
use ledger::{AccountId, Amount, Artifact, ArtifactId, Digest, Key, Payee, Publish, Rates, Record};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use super::{
    draft::{Draft, DraftFile, DraftPayee, Preview},
    facts::annotations,
    library::{Index, LATEST, blocking},
    list::TYPICAL,
    openness,
    show::royalties,
};
use crate::{error::Problem, gateway::Buyer};

/// Who is paid of one royalty, at most.
const PAYEES_MAX: usize = 16;

/// What would be published.
pub struct Plan {
    pub manifest: Manifest,
    pub publish: Publish,
    pub preview: Preview,
    /// As it stands already.
    pub standing: Option<Artifact>,
}

/// What was found out about a draft.
struct Found {
    license: Option<String>,
    /// Parents that the files name and nobody published here.
    unresolved: Vec<String>,
    openness: Openness,
    published: bool,
}

/// What a draft is checked against.
pub struct Check<'a> {
    pub buyer: &'a Buyer,
    pub index: Arc<Index>,
    pub draft: &'a Draft,
    pub me: AccountId,
}

/// Checks a draft, whose files are stored, of the account `me`.
pub async fn plan(buyer: &Buyer, me: AccountId, draft: &Draft) -> Result<Plan, Problem> {
    let index = buyer.library.refresh().await?;
    let check = Check { buyer, index, draft, me };
    let (name, tag) = check.name()?;
    let mut read = check.read().await?;
    if draft.source.is_some() {
        // What its card says is of somebody else's accounts.
        read.terms = Terms::default();
    }
    let license = check.license(&read)?;
    let facts = annotations(&read, license.as_deref(), draft.source.as_ref());
    let files = draft.files.iter().map(|file| (file.path.clone(), file.digest, file.size)).collect();
    let manifest = Manifest::new(files, facts).map_err(|reason| Problem::field("files", reason))?;
    let id = manifest.digest();
    let standing = check.standing(id)?;
    let kind = draft
        .kind
        .or(standing.as_ref().map(|work| work.publish.kind.into()))
        .or(read.kind.map(Into::into))
        .ok_or_else(|| {
            Problem::field(
                "kind",
                "the files do not tell what this is; say it: model, adapter, dataset, recipe or evaluation",
            )
        })?;
    let (mut parents, unresolved) = check.parents(&read, id)?;
    if let (Some(standing), None) = (&standing, &draft.parents) {
        parents.clone_from(&standing.publish.parents);
    }
    let royalty = check.royalty(&read.terms, standing.as_ref())?;
    let publish = Publish {
        manifest: id,
        kind: kind.into(),
        parents,
        royalty,
        payees: check.payees(royalty, &read.terms, standing.as_ref())?,
        weights: manifest.weights(),
        name,
        tag,
    };
    if let Some(standing) = &standing {
        check.same(standing, &publish)?;
    } else {
        check.understood(&read.terms)?;
        check.limits(&publish)?;
        check.weights(&publish).await?;
        check.money().await?;
    }
    let openness = check.openness(&manifest, &publish).await?;
    let found = Found { license, unresolved, openness, published: standing.is_some() };
    let preview = check.preview(&publish, &read, found)?;
    Ok(Plan { manifest, publish, preview, standing })
}

impl Check<'_> {
    /// The name and the tag, below one's own name or without it.
    fn name(&self) -> Result<(String, String), Problem> {
        let mine = self.index.account(self.me);
        let text = match self.draft.name.split_once('/') {
            Some((publisher, rest)) if publisher == mine => rest,
            Some(_) => {
                let message = format!("you publish under your own name: write {mine}/NAME, or NAME alone");
                return Err(Problem::field("name", message));
            }
            None => &self.draft.name,
        };
        let (name, tag) = text.split_once(':').unwrap_or((text, LATEST));
        label("name", name)?;
        label("name", tag)?;
        Ok((name.to_owned(), tag.to_owned()))
    }

    /// What the files say; all must be stored, with these sizes.
    async fn read(&self) -> Result<Recognized, Problem> {
        if self.draft.files.is_empty() {
            return Err(Problem::field("files", "there is no file in it"));
        }
        let (store, files) = (Arc::clone(&self.buyer.config.store), self.draft.files.clone());
        blocking(move || {
            let mut read = Vec::with_capacity(files.len());
            for DraftFile { path, digest, size } in files {
                let stored = std::fs::metadata(store.path(digest)).map(|meta| meta.len());
                if stored.ok() != Some(size) {
                    return Err(format!("{path} is not stored here with {size} bytes; send PUT /blobs/{digest} first"));
                }
                // They can come from a page, which checks nothing.
                store.check(&path, digest).map_err(|error| error.to_string())?;
                read.push((path, digest, size));
            }
            recognize(&store, &read).map_err(|error| error.to_string())
        })
        .await?
        .map_err(|message| Problem::field("files", message))
    }

    fn license(&self, read: &Recognized) -> Result<Option<String>, Problem> {
        let Some(license) = self.draft.license.as_deref().map(str::trim) else { return Ok(read.license.clone()) };
        let good = |c: char| c.is_ascii_alphanumeric() || " .-+():".contains(c);
        if license.is_empty() || license.len() > 200 || !license.chars().all(good) {
            let message = "a license is an SPDX expression, such as Apache-2.0 or MIT OR Apache-2.0";
            return Err(Problem::field("license", message));
        }
        Ok(Some(license.to_owned()))
    }

    /// The artifact with this manifest, if it stands and is one's own.
    fn standing(&self, id: ArtifactId) -> Result<Option<Artifact>, Problem> {
        match self.index.get(id) {
            None => Ok(None),
            Some(work) if work.artifact.publisher == self.me => Ok(Some(work.artifact.clone())),
            Some(work) => {
                let message = format!(
                    "these very files are published already, as {}; use that, or build on it and name it as a parent",
                    work.name
                );
                Err(Problem::conflict("artifact_exists", message))
            }
        }
    }

    /// Parents in the ledger's order, and what the files name and nobody published here.
    pub fn parents(&self, read: &Recognized, id: ArtifactId) -> Result<(Vec<ArtifactId>, Vec<String>), Problem> {
        let (mut found, mut unresolved) = (BTreeSet::new(), Vec::new());
        if let Some(named) = self.draft.parents.as_ref().or(read.terms.parents.as_ref()) {
            for text in named {
                let work = match self.index.resolve_parent(text) {
                    Some(work) => work,
                    None => self.index.resolve(text).map_err(|message| Problem::field("parents", message))?,
                };
                if work.id == id {
                    return Err(Problem::field("parents", format!("{text} is this very artifact")));
                }
                found.insert(work.id);
            }
        } else {
            for text in read.parents.iter().map(|parent| &parent.text) {
                match self.index.resolve_parent(text) {
                    Some(work) if work.id != id => drop(found.insert(work.id)),
                    Some(_) => {}
                    None => unresolved.push(text.clone()),
                }
            }
        }
        Ok((found.into_iter().collect(), unresolved))
    }

    /// What a card says for good must be understood whole.
    fn understood(&self, terms: &Terms) -> Result<(), Problem> {
        match terms.wrong.first() {
            Some(wrong) => Err(Problem::field("README.md", format!("in README.md, {wrong}"))),
            None => Ok(()),
        }
    }

    pub fn royalty(&self, terms: &Terms, standing: Option<&Artifact>) -> Result<Rates, Problem> {
        let stands = standing.map(|work| work.publish.royalty);
        let royalty = self.draft.royalty.map(Into::into).or(stands).or(terms.royalty).unwrap_or(Rates::ZERO);
        if self.draft.source.is_some() && !royalty.is_zero() {
            let message = "somebody else's work asks no royalty until its author claims it; leave the royalty out";
            return Err(Problem::field("royalty", message));
        }
        Ok(royalty)
    }

    /// Who is paid, in the ledger's order.
    pub fn payees(&self, royalty: Rates, terms: &Terms, standing: Option<&Artifact>) -> Result<Vec<Payee>, Problem> {
        let wrong = |message: String| Err(Problem::field("payees", message));
        let of_card = standing.map_or(terms.payees.as_slice(), |_| &[]).iter();
        let of_card = of_card.map(|(account, weight)| DraftPayee { account: account.clone(), weight: *weight });
        let named = if self.draft.payees.is_empty() { of_card.collect() } else { self.draft.payees.clone() };
        if named.is_empty() {
            let alone = || vec![Payee { account: self.me, weight: 1 }];
            let stands = standing.map(|work| work.publish.payees.clone());
            return Ok(if royalty.is_zero() { Vec::new() } else { stands.unwrap_or_else(alone) });
        }
        if royalty.is_zero() {
            return wrong("payees share a royalty, and this asks none; name a royalty too".into());
        }
        if named.len() > PAYEES_MAX {
            return wrong(format!("a royalty is shared by at most {PAYEES_MAX} accounts"));
        }
        let mut payees = BTreeMap::new();
        for DraftPayee { account, weight } in &named {
            let Some(id) = self.index.account_id(account) else {
                return wrong(format!("nobody has the name {account:?}; an account's id is 64 hexadecimal digits"));
            };
            if *weight == 0 {
                return wrong(format!("the weight of {account} must be at least 1"));
            }
            if payees.insert(id, *weight).is_some() {
                return wrong(format!("{account} is named twice"));
            }
        }
        Ok(payees.into_iter().map(|(account, weight)| Payee { account, weight }).collect())
    }

    /// What is published once is for ever: only the tag may differ.
    fn same(&self, standing: &Artifact, publish: &Publish) -> Result<(), Problem> {
        let (old, name) = (&standing.publish, self.index.artifact(publish.manifest));
        let differs = [
            ("another kind", old.kind != publish.kind),
            ("another royalty", old.royalty != publish.royalty),
            ("other parents", old.parents != publish.parents),
            ("other payees", old.payees != publish.payees),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((what, _)) => {
                let message = format!(
                    "these very files are published already, as {name}, with {what}, and that is for ever; \
                     another version needs a change in its files, such as a line in README.md"
                );
                Err(Problem::conflict("artifact_exists", message))
            }
            None => Ok(()),
        }
    }

    pub fn limits(&self, publish: &Publish) -> Result<(), Problem> {
        let genesis = &self.buyer.genesis;
        let (limits, royalty_max) = (&genesis.limits, genesis.royalty_max);
        if publish.royalty.input.max(publish.royalty.output) > royalty_max {
            let most = Amount(u128::from(royalty_max).saturating_mul(1_000_000));
            let message = format!("on this network a royalty is at most {most} credits per million tokens");
            return Err(Problem::field("royalty", message));
        }
        let beyond = |count: usize, limit: u32| u32::try_from(count).map_or(true, |count| count > limit);
        if beyond(publish.parents.len(), limits.parents) {
            let message = format!("an artifact has at most {} parents", limits.parents);
            return Err(Problem::field("parents", message));
        }
        if beyond(publish.weights.len(), limits.weights) {
            let message = format!("an artifact has at most {} weight files; join some of them", limits.weights);
            return Err(Problem::field("files", message));
        }
        let retired = publish.parents.iter().filter_map(|id| self.index.get(*id)).find(|work| work.artifact.retired);
        if let Some(work) = retired {
            let message = format!("{} was retired by its publisher and takes no new children", work.name);
            return Err(Problem::field("parents", message));
        }
        if beyond(self.priced(publish).len(), limits.priced_works) {
            let message = format!("the lineage has more than {} works with a royalty", limits.priced_works);
            return Err(Problem::field("parents", message));
        }
        Ok(())
    }

    /// The works of the lineage that ask a royalty, without this one.
    pub fn priced_before(&self, publish: &Publish) -> BTreeSet<ArtifactId> {
        let parents = publish.parents.iter().filter_map(|id| self.index.get(*id));
        parents.flat_map(|work| work.artifact.priced.iter().copied()).collect()
    }

    fn priced(&self, publish: &Publish) -> BTreeSet<ArtifactId> {
        let mut works = self.priced_before(publish);
        if !publish.royalty.is_zero() {
            works.insert(publish.manifest);
        }
        works
    }

    /// Weights that were published before oblige: what was published with them must be among the ancestors.
    async fn weights(&self, publish: &Publish) -> Result<(), Problem> {
        let mut ancestors: Option<HashSet<ArtifactId>> = None;
        for weight in &publish.weights {
            let Some(Record::Weight(known)) = self.buyer.config.ledger.get(&Key::Weight(*weight)).await? else {
                continue;
            };
            let Some(first) = self.index.get(known.first).filter(|_| !known.lifted) else { continue };
            let mine = first.artifact.publisher == self.me;
            let owed = if mine { first.artifact.publish.parents.clone() } else { vec![first.id] };
            let count_max = usize::try_from(self.buyer.genesis.limits.lineage_walk).unwrap_or(usize::MAX);
            let ancestors = ancestors.get_or_insert_with(|| self.index.closure(&publish.parents, count_max));
            let Some(missing) = owed.iter().find(|id| !ancestors.contains(*id)) else { continue };
            return Err(self.owes(*weight, &first.name, *missing, mine));
        }
        Ok(())
    }

    fn owes(&self, weight: Digest, first: &str, missing: ArtifactId, mine: bool) -> Problem {
        let (path, parent) = (path_of(&self.draft.files, weight), self.index.artifact(missing));
        let message = match mine {
            true => format!(
                "you published {path} before, in {first}, which is built on {parent}; whoever has that file is too: \
                 add it with --parent {parent}"
            ),
            false => format!(
                "{path} was first published by somebody else, in {first}; what has that file is built on it: \
                 add it with --parent {parent}"
            ),
        };
        let mut problem = Problem::conflict("ancestor_missing", message);
        problem.detail.param = Some("parents".into());
        problem
    }

    async fn money(&self) -> Result<(), Problem> {
        let (fees, deposits) = (&self.buyer.genesis.fees, &self.buyer.genesis.deposits);
        let needed = deposits.artifact.plus(fees.operation).unwrap_or(Amount::SUPPLY_MAX);
        let balance = self.buyer.config.ledger.account(self.me).await?.balance;
        if balance < needed {
            return Err(Problem::money(format!("publishing takes {needed} credits, and this account has {balance}")));
        }
        Ok(())
    }

    /// How open it will be. What is asked reads the manifest, so it is stored; nobody sees it before it is listed.
    async fn openness(&self, manifest: &Manifest, publish: &Publish) -> Result<Openness, Problem> {
        let (store, index, manifest) =
            (Arc::clone(&self.buyer.config.store), Arc::clone(&self.index), manifest.clone());
        let (name, kind, parents) = (publish.name.clone(), publish.kind, publish.parents.clone());
        let computed = blocking(move || {
            let id = store.put_manifest_blob(&manifest)?;
            Ok::<_, blobs::Error>(openness::of(&store, &index, Shown { id, name, kind, parents }))
        });
        Ok(computed.await??)
    }

    fn preview(&self, publish: &Publish, read: &Recognized, found: Found) -> Result<Preview, Problem> {
        let name = format!("{}/{}:{}", self.index.account(self.me), publish.name, publish.tag);
        let before: Vec<ArtifactId> = self.priced_before(publish).into_iter().collect();
        let mut price = royalties(&self.index, &before);
        if !publish.royalty.is_zero() && !before.contains(&publish.manifest) {
            let payee = ledger::BillPayee::Artifact(publish.manifest);
            price.lines.push(ledger::PriceLine { payee, rates: publish.royalty });
        }
        let payee = |payee: &ledger::BillPayee| match payee {
            ledger::BillPayee::Artifact(id) if *id == publish.manifest => name.clone(),
            other => self.index.payee(other),
        };
        let price = Bill::of(String::new(), &price, TYPICAL, payee).ok_or_else(Problem::internal)?;
        let pointed = self.index.resolve(&name).ok().map(|work| work.id);
        let share = |payee: &Payee| DraftPayee { account: self.index.account(payee.account), weight: payee.weight };
        Ok(Preview {
            id: publish.manifest,
            kind: publish.kind.into(),
            title: read.title.clone(),
            architecture: read.architecture.clone(),
            license: found.license,
            openness: found.openness,
            royalty: publish.royalty.into(),
            payees: publish.payees.iter().map(share).collect(),
            files: self.draft.files.len(),
            bytes: self.draft.files.iter().fold(0, |sum, file| sum.saturating_add(file.size)),
            parents: publish.parents.iter().map(|id| self.index.artifact(*id)).collect(),
            unresolved: found.unresolved,
            left_out: self.left_out(publish, read),
            replaces: pointed.filter(|id| *id != publish.manifest),
            price,
            notes: read.notes.clone(),
            published: found.published,
            name,
        })
    }

    /// What the files name, stands here, and is not a parent.
    fn left_out(&self, publish: &Publish, read: &Recognized) -> Vec<String> {
        let named = read.parents.iter().filter_map(|parent| self.index.resolve_parent(&parent.text));
        let missing = named.filter(|work| work.id != publish.manifest && !publish.parents.contains(&work.id));
        missing.map(|work| work.name.clone()).collect()
    }
}

fn label(field: &str, text: &str) -> Result<(), Problem> {
    let good = (1..=64).contains(&text.len())
        && text.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let sentence =
        || format!("{text:?} is no name: 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit");
    if good { Ok(()) } else { Err(Problem::field(field, sentence())) }
}

/// True if a text can be the name of an artifact.
pub fn check_name(text: &str) -> Result<(), Problem> {
    label("name", text)
}

/// True if a text can be a tag.
pub fn check_tag(text: &str) -> Result<(), Problem> {
    label("tag", text)
}

fn path_of(files: &[DraftFile], digest: Digest) -> &str {
    files.iter().find(|file| file.digest == digest).map_or("a file", |file| &file.path)
}
