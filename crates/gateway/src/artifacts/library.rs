//! All artifacts of the ledger in memory: by id, by name, by word, in the order of their publication.
//!
//! The ledger is read again when it has new operations, or the store other artifacts; the maps are built again only if what
//! they hold changed. A name or an id is one look-up. A list passes over all artifacts once, which for 100,000 is nothing beside
//! sending the page. What every settlement changes is kept beside the maps (`figures`).

use api::{Ledger, LedgerError, List};
use blobs::{Public, Store, openness::Class};
use ledger::{AccountId, Artifact, ArtifactId, BillPayee, Digest, Key, Kind, Record};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::{
    facts::Facts,
    figures::{Counts, Figures},
    search::Words,
};
use crate::error::Problem;

/// How old the library may be before it is looked whether there is something new.
const MISS_AGE: Duration = Duration::from_millis(500);
/// The tag of a name without one.
pub const LATEST: &str = "latest";

/// The library, read again from time to time.
pub struct Library {
    ledger: Arc<dyn Ledger>,
    store: Arc<Store>,
    now: RwLock<Arc<Index>>,
    figures: RwLock<Arc<Figures>>,
    seen: tokio::sync::Mutex<Seen>,
}

/// What was there when it was looked last.
#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    operations: u64,
    /// The store's changes.
    listed: u64,
    print: u64,
}

/// A published artifact.
pub struct Work {
    pub id: ArtifactId,
    pub artifact: Artifact,
    /// `publisher/name:tag`, or its id.
    pub name: String,
    /// All names that point at it.
    pub tags: Vec<String>,
    /// What its manifest says, if it is listed here.
    pub facts: Facts,
    pub listed: bool,
    pub children: u32,
    /// Its class, once it was asked for.
    pub class: OnceLock<Option<Class>>,
}

/// The library as of one moment.
#[derive(Default)]
pub struct Index {
    /// In the order of their publication.
    pub works: Vec<Work>,
    pub words: Words,
    by_id: HashMap<ArtifactId, usize>,
    accounts: HashMap<AccountId, String>,
    by_account: HashMap<String, AccountId>,
    /// `publisher/name:tag`.
    tags: BTreeMap<String, ArtifactId>,
    /// `name:tag`, and who has it.
    bare: HashMap<String, Vec<ArtifactId>>,
    /// Repositories of the Hub that were brought here, the newest of each.
    sources: HashMap<String, ArtifactId>,
    versions: HashMap<(AccountId, String), Vec<usize>>,
    evaluations: Vec<usize>,
    /// Weight files, and the first work that has each.
    weights: HashMap<Digest, usize>,
}

impl Library {
    pub fn new(ledger: Arc<dyn Ledger>, store: Arc<Store>) -> Self {
        let (now, figures, seen) = Default::default();
        Self { ledger, store, now, figures, seen }
    }

    /// The newest one that was read.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What works earned and how much they were used, as it was read last.
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.figures.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The library, looked at again unless that was done a moment ago, or is being done: readers do not wait for it.
    pub async fn fresh(&self) -> Result<Arc<Index>, Problem> {
        match self.seen.try_lock() {
            Ok(mut seen) if seen.at.is_none_or(|at| at.elapsed() >= MISS_AGE) => self.look(&mut seen).await,
            _ => Ok(self.index()),
        }
    }

    /// The library as it is now.
    pub async fn refresh(&self) -> Result<Arc<Index>, Problem> {
        let mut seen = self.seen.lock().await;
        self.look(&mut seen).await
    }

    /// The library with a work that was published and listed here just now. Where nothing else changed and nobody reads, that
    /// one is put behind the others, at the same cost however many there are.
    pub async fn published(&self, id: ArtifactId) -> Result<(), Problem> {
        let mut seen = self.seen.lock().await;
        if !self.add(&mut seen, id).await? {
            self.look(&mut seen).await?;
        }
        Ok(())
    }

    async fn add(&self, seen: &mut Seen, id: ArtifactId) -> Result<bool, Problem> {
        let (operations, listed) = self.counts().await?;
        let one = operations == seen.operations + 1 && listed.change() == seen.listed + 1;
        if seen.at.is_none() || !one || !listed.contains(&id) || self.index().get(id).is_some() {
            return Ok(false);
        }
        let (artifact, store) = (self.ledger.artifact(id).await?, Arc::clone(&self.store));
        let facts = blocking(move || facts(id, true, &Index::default(), &store)).await?;
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let added = Arc::get_mut(&mut now).is_some_and(|index| index.add(id, artifact, facts));
        if added {
            // No print is this one: the next change of something else reads everything.
            *seen = Seen { at: Some(Instant::now()), operations, listed: listed.change(), print: 0 };
        }
        Ok(added)
    }

    /// How many operations the ledger has, and what is listed in the store.
    async fn counts(&self) -> Result<(u64, Public), Problem> {
        let operations = match self.ledger.get(&Key::Totals).await? {
            Some(Record::Totals(totals)) => totals.operations,
            _ => 0,
        };
        let store = Arc::clone(&self.store);
        Ok((operations, blocking(move || store.listed_blobs()).await??))
    }

    async fn look(&self, seen: &mut Seen) -> Result<Arc<Index>, Problem> {
        let (operations, listed) = self.counts().await?;
        let change = listed.change();
        if seen.at.is_none() || operations != seen.operations || change != seen.listed {
            let records = Records::read(&*self.ledger).await?;
            let counts = Counts::read(&*self.ledger).await?;
            let print = records.print();
            if seen.at.is_none() || print != seen.print || change != seen.listed {
                let (before, store) = (self.index(), Arc::clone(&self.store));
                let index = blocking(move || Index::of(records, &before, &store, &listed)).await?;
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
            }
            let index = self.index();
            let figures = blocking(move || Figures::of(counts, &index)).await?;
            *self.figures.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(figures);
            *seen = Seen { at: None, operations, listed: change, print };
        }
        seen.at = Some(Instant::now());
        Ok(self.index())
    }
}

/// Runs what waits for the disk beside the others.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal())
}

/// What the ledger says.
struct Records {
    artifacts: Vec<(ArtifactId, Artifact)>,
    accounts: HashMap<AccountId, String>,
    tags: Vec<(AccountId, String, String, ArtifactId)>,
}

impl Records {
    async fn read(ledger: &dyn Ledger) -> Result<Self, LedgerError> {
        let mut records = Self { artifacts: Vec::new(), accounts: HashMap::new(), tags: Vec::new() };
        for (key, record) in ledger.list(List::Accounts).await? {
            if let (Key::Account(id), Record::Account(ledger::Account { name: Some(name), .. })) = (key, record) {
                records.accounts.insert(id, name);
            }
        }
        for (key, record) in ledger.list(List::Artifacts).await? {
            if let (Key::Artifact(id), Record::Artifact(artifact)) = (key, record) {
                records.artifacts.push((id, *artifact));
            }
        }
        for (key, record) in ledger.list(List::Tags).await? {
            if let (Key::Tag(publisher, name, tag), Record::Tag(id)) = (key, record) {
                records.tags.push((publisher, name, tag, id));
            }
        }
        records.artifacts.sort_by_key(|(_, artifact)| artifact.ordinal);
        Ok(records)
    }

    /// Differs once anything that the library holds changed: all else in an artifact is for ever.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.artifacts.iter().for_each(|(id, artifact)| (id, artifact.retired).hash(&mut hasher));
        let mut names: Vec<_> = self.accounts.iter().collect();
        names.sort();
        (names, &self.tags).hash(&mut hasher);
        hasher.finish()
    }
}

impl Index {
    fn of(records: Records, before: &Self, store: &Store, listed: &Public) -> Self {
        let Records { artifacts, accounts, tags } = records;
        let mut index = Self { accounts, ..Self::default() };
        index.by_account = index.accounts.iter().map(|(id, name)| (name.clone(), *id)).collect();
        let mut pointing: HashMap<ArtifactId, Vec<String>> = HashMap::new();
        for (publisher, name, tag, id) in tags {
            let full = format!("{}/{name}:{tag}", index.account(publisher));
            index.bare.entry(format!("{name}:{tag}")).or_default().push(id);
            pointing.entry(id).or_default().push(full.clone());
            index.tags.insert(full, id);
        }
        let mut children: HashMap<ArtifactId, u32> = HashMap::new();
        for parent in artifacts.iter().flat_map(|(_, artifact)| &artifact.publish.parents) {
            let count = children.entry(*parent).or_default();
            *count = count.saturating_add(1);
        }
        for (id, artifact) in artifacts {
            let mut tags = pointing.remove(&id).unwrap_or_default();
            tags.sort();
            let named = tags.iter().find(|tag| tag.ends_with(":latest")).or(tags.first());
            let is_listed = listed.contains(&id);
            index.push(Work {
                name: named.cloned().unwrap_or_else(|| id.to_string()),
                facts: facts(id, is_listed, before, store),
                listed: is_listed,
                children: children.get(&id).copied().unwrap_or_default(),
                class: OnceLock::new(),
                id,
                artifact,
                tags,
            });
        }
        index
    }

    /// Adds the newest artifact; false if it changes more than itself and its parents.
    fn add(&mut self, id: ArtifactId, artifact: Artifact, facts: Facts) -> bool {
        let publish = &artifact.publish;
        let bare = format!("{}:{}", publish.name, publish.tag);
        let name = format!("{}/{bare}", self.account(artifact.publisher));
        if self.tags.contains_key(&name) {
            return false;
        }
        self.bare.entry(bare).or_default().push(id);
        self.tags.insert(name.clone(), id);
        for parent in &publish.parents {
            if let Some(work) = self.by_id.get(parent).and_then(|at| self.works.get_mut(*at)) {
                work.children = work.children.saturating_add(1);
            }
        }
        let (class, tags) = (OnceLock::new(), vec![name.clone()]);
        self.push(Work { id, artifact, name, tags, facts, listed: true, children: 0, class });
        true
    }

    fn push(&mut self, work: Work) {
        let at = self.works.len();
        self.by_id.insert(work.id, at);
        let publish = &work.artifact.publish;
        for weight in &publish.weights {
            self.weights.entry(*weight).or_insert(at);
        }
        if publish.kind == Kind::Evaluation {
            self.evaluations.push(at);
        }
        self.versions.entry((work.artifact.publisher, publish.name.clone())).or_default().push(at);
        if let Some(repository) = work.facts.source.as_deref().and_then(repository).filter(|_| !work.artifact.retired) {
            self.sources.insert(repository, work.id);
        }
        let publisher = self.account(work.artifact.publisher);
        let texts = [publisher.as_str(), publish.name.as_str()].into_iter();
        let said = [&work.facts.title, &work.facts.description].into_iter().flatten().map(String::as_str);
        self.words.push(texts.chain(work.tags.iter().map(String::as_str)).chain(said));
        self.works.push(work);
    }

    /// An artifact by its id.
    pub fn get(&self, id: ArtifactId) -> Option<&Work> {
        self.by_id.get(&id).and_then(|at| self.works.get(*at))
    }

    /// The name of the first work that has these bytes as weights.
    pub fn weights_of(&self, file: Digest) -> Option<&str> {
        self.weights.get(&file).and_then(|at| self.works.get(*at)).map(|work| work.name.as_str())
    }

    /// An account's name, or its id.
    pub fn account(&self, id: AccountId) -> String {
        self.accounts.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// An account by its name or id.
    pub fn account_id(&self, text: &str) -> Option<AccountId> {
        self.by_account.get(text).copied().or_else(|| text.parse().ok())
    }

    /// An artifact's name, or its id.
    pub fn artifact(&self, id: ArtifactId) -> String {
        self.get(id).map_or_else(|| id.to_string(), |work| work.name.clone())
    }

    /// The name of whoever a bill's line pays.
    pub fn payee(&self, payee: &BillPayee) -> String {
        match payee {
            BillPayee::Provider(id) => self.account(*id),
            BillPayee::Artifact(id) => self.artifact(*id),
        }
    }

    /// All evaluations, oldest first.
    pub fn evaluations(&self) -> impl Iterator<Item = &Work> {
        self.evaluations.iter().filter_map(|at| self.works.get(*at))
    }

    /// What a publisher published under a name, oldest first.
    pub fn versions(&self, publisher: AccountId, name: &str) -> impl Iterator<Item = &Work> {
        let found = self.versions.get(&(publisher, name.to_owned())).into_iter().flatten();
        found.filter_map(|at| self.works.get(*at))
    }

    /// The tags of `publisher/name`, and what each points at.
    pub fn tags<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, ArtifactId)> + use<'a> {
        let prefix = format!("{name}:");
        let from = self.tags.range(prefix.clone()..);
        from.map_while(move |(full, id)| full.strip_prefix(prefix.as_str()).map(|tag| (tag, *id)))
    }

    /// What people mean by a digest, `publisher/name[:tag]`, or a bare `name[:tag]` that only one publisher has.
    ///
    /// # Errors
    /// A sentence, if there is no such artifact, or several.
    pub fn resolve(&self, text: &str) -> Result<&Work, String> {
        let shown: String = text.chars().take(200).collect();
        let id = match text.parse::<ArtifactId>() {
            Ok(id) => Some(id),
            Err(_) => self.by_name(text)?,
        };
        id.and_then(|id| self.get(id)).ok_or_else(|| {
            format!("there is no artifact {shown:?} on this ledger; GET /artifacts or `pumasi ls` lists what there is")
        })
    }

    fn by_name(&self, text: &str) -> Result<Option<ArtifactId>, String> {
        let full = if text.contains(':') { text.to_owned() } else { format!("{text}:{LATEST}") };
        if let Some(id) = self.tags.get(&full) {
            return Ok(Some(*id));
        }
        let found = self.bare.get(&full).map(Vec::as_slice).unwrap_or_default();
        let different: HashSet<_> = found.iter().collect();
        if different.len() > 1 {
            let names: Vec<String> = found.iter().take(5).map(|id| self.artifact(*id)).collect();
            return Err(format!("{text:?} can be {}; write the publisher before it", names.join(" or ")));
        }
        Ok(found.first().copied())
    }

    /// What the files of an artifact mean by the name of what it was made from: an artifact here, or a repository of the Hub
    /// that was brought here.
    pub fn resolve_parent(&self, text: &str) -> Option<&Work> {
        let named = self.resolve(text).ok();
        named.or_else(|| self.sources.get(&repository(text)?).and_then(|id| self.get(*id)))
    }

    /// These artifacts and all that they are built on, at most so many.
    pub fn closure(&self, ids: &[ArtifactId], count_max: usize) -> HashSet<ArtifactId> {
        let (mut found, mut waiting) = (HashSet::new(), ids.to_vec());
        while let Some(id) = waiting.pop() {
            if found.len() < count_max && found.insert(id) {
                waiting.extend(self.get(id).into_iter().flat_map(|work| &work.artifact.publish.parents));
            }
        }
        found
    }
}

/// What a manifest says is for ever: it is read once.
fn facts(id: ArtifactId, listed: bool, before: &Index, store: &Store) -> Facts {
    if !listed {
        return Facts::default();
    }
    match before.get(id).filter(|work| work.listed) {
        Some(work) => work.facts.clone(),
        None => store.manifest(id).map(|manifest| Facts::of(&manifest)).unwrap_or_default(),
    }
}

/// `owner/name` of a repository of the Hub, however its address is written.
fn repository(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text.strip_prefix("https://").or(text.strip_prefix("http://")).unwrap_or(&text);
    let hosts = ["huggingface.co/", "www.huggingface.co/", "hf.co/", "hf:"];
    let text = hosts.iter().find_map(|host| text.strip_prefix(host)).unwrap_or(text);
    let text = text.strip_prefix("datasets/").unwrap_or(text);
    let mut parts = text.split('/');
    let (owner, name) = (parts.next()?, parts.next()?);
    let good = |part: &str| {
        !part.is_empty()
            && !part.contains([':', '@'])
            && part != "."
            && part != ".."
            && !part.contains(char::is_whitespace)
    };
    (good(owner) && good(name) && !owner.contains('.')).then(|| format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_repository_is_known_by_any_of_its_addresses() {
        for (text, repository) in [
            ("Qwen/Qwen3-0.6B", Some("qwen/qwen3-0.6b")),
            ("https://huggingface.co/Qwen/Qwen3-0.6B", Some("qwen/qwen3-0.6b")),
            ("https://huggingface.co/Qwen/Qwen3-0.6B/tree/main", Some("qwen/qwen3-0.6b")),
            ("https://huggingface.co/datasets/a/b", Some("a/b")),
            ("hf:a/b", Some("a/b")),
            ("/tmp/model", None),
            ("./model", None),
            ("../x", None),
            ("model", None),
            ("you/model:latest", None),
            ("", None),
        ] {
            assert_eq!(super::repository(text).as_deref(), repository, "{text}");
        }
    }
}
