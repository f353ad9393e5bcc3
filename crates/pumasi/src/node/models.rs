//! The models of a node: taken in from files, published, offered, and run by workers. A model is published only after it
//! ran once.

use anyhow::{Context as _, bail};
use api::{Ledger, List};
use blobs::{Manifest, Store, gguf::Header};
use engine::{Engine, Event, Prompt, Request, Sampling};
use ledger::{ArtifactId, Bound, Digest, Key, Offer, OfferId, OfferRecord, Operation, Rates, Record};
use provider::{Backend, Provider, Settings};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs::File, io::ErrorKind, path::Path, sync::Arc};

use super::{
    Config, blocking,
    publish::{self, Work},
    shelf::{Entry, Seen, Shelf},
};
use crate::{home::Home, print, t};

/// What the provider asks for each token, if nobody says otherwise: 0.1 and 0.2 credits per million.
const FEE: Rates = Rates { input: 100_000, output: 200_000 };
/// Tokens of a conversation and of an answer, if nobody says otherwise and the model can.
const CONTEXT: u32 = 4_096;
const OUTPUT: u32 = 256;
/// Conversations that a worker answers at once.
const SEQUENCES: u32 = 4;

/// What the models of a node are made with.
pub struct Models<'a> {
    pub home: &'a Home,
    pub wallet: &'a wallet::Wallet,
    pub ledger: &'a Arc<dyn Ledger>,
    pub store: &'a Arc<Store>,
    pub provider: &'a Arc<Provider>,
}

/// A file that was just taken in, and is taken out again if it does not run.
struct Taken {
    entry: Entry,
    new: bool,
}

impl Models<'_> {
    /// Offers the given files and everything that was offered before. Gives a sentence for each earlier model that does not
    /// run any more; the others are offered all the same.
    ///
    /// # Errors
    /// If a given file cannot be offered; then nothing of what was given is published.
    pub async fn offer_all(&self, config: &Config) -> anyhow::Result<Vec<String>> {
        let mut shelf = Shelf::read(self.home)?;
        self.recall(&mut shelf).await?;
        // All are looked at before one is taken in.
        for path in &config.models {
            readable(path)?;
        }
        let mut given = Vec::new();
        for path in &config.models {
            let taken = self.take(path, &shelf).await?;
            shelf.put(taken.entry.clone());
            given.push(taken);
        }
        let mut models = Vec::new();
        for entry in &mut shelf.models {
            entry.context = config.context.unwrap_or(entry.context);
            let settings = Settings { context: entry.context, sequences: SEQUENCES, threads: config.threads };
            let model = self.load(entry, settings).await;
            if let (Err(error), true) = (&model, is_given(&given, entry)) {
                self.take_back(&given);
                bail!(t!("{} does not run here: {error:#}", "{}은 여기서 돌지 않습니다: {error:#}", entry.name));
            }
            models.push(model);
        }
        let mut notes = Vec::new();
        for (entry, model) in shelf.models.iter_mut().zip(models) {
            let offered = match model {
                Ok(model) => self.offer(entry.artifact, model).await,
                Err(error) => Err(error),
            };
            match offered {
                Ok(name) => entry.name = name,
                Err(error) if is_given(&given, entry) => {
                    return Err(error.context(t!("{} cannot be offered", "{}을 제공할 수 없습니다", entry.name)));
                }
                Err(error) => {
                    notes.push(t!(
                        "{} does not run any more, and is not offered now: {error:#}",
                        "{}은 이제 돌지 않아서 지금은 제공하지 않습니다: {error:#}",
                        entry.name
                    ));
                    self.withdraw(entry.artifact, None).await?;
                }
            }
        }
        shelf.write(self.home)?;
        Ok(notes)
    }

    /// What stands offered on the ledger and is not in the folder's list, because that was lost.
    async fn recall(&self, shelf: &mut Shelf) -> anyhow::Result<()> {
        for (_, offer) in self.standing().await? {
            let artifact = offer.offer.artifact;
            if !shelf.models.iter().any(|entry| entry.artifact == artifact) {
                let name = publish::full_name(self.ledger, artifact).await?;
                shelf.put(Entry { artifact, name, context: offer.offer.context, file: None });
            }
        }
        Ok(())
    }

    /// The standing offers of this folder's provider.
    async fn standing(&self) -> anyhow::Result<Vec<(OfferId, OfferRecord)>> {
        let provider = self.wallet.account("provider")?.id();
        let offers =
            self.ledger.list(List::Offers).await?.into_iter().filter_map(|(key, record)| match (key, record) {
                (Key::Offer(id), Record::Offer(offer)) if offer.provider == provider && !offer.withdrawn => {
                    Some((id, offer))
                }
                _ => None,
            });
        Ok(offers.collect())
    }

    /// Stores a file, unless it is there. The same weights are the same work, whatever their file is called now.
    async fn take(&self, path: &Path, shelf: &Shelf) -> anyhow::Result<Taken> {
        let title = title(path)?;
        let seen = Seen::at(path).with_context(|| path.display().to_string())?;
        let entry = |artifact| Entry { artifact, name: title.clone(), context: CONTEXT, file: Some(seen.clone()) };
        if let Some(artifact) = shelf.find_file(&seen).filter(|artifact| self.store.contains(*artifact)) {
            let known = shelf.models.iter().find(|entry| entry.artifact == artifact).cloned();
            return Ok(Taken { entry: known.unwrap_or_else(|| entry(artifact)), new: false });
        }
        let (store, file) = (Arc::clone(self.store), path.to_owned());
        let label = t!("taking in {title}", "{title} 들이는 중");
        let put = move || {
            let mut progress = print::Progress::new(label);
            let of = file.metadata().map(|meta| meta.len()).ok();
            Ok(store.put_file(&file, |bytes| progress.tell(bytes, of))?)
        };
        let (weights, bytes) = blocking(put).await?;
        if let Some(artifact) = self.work_with(weights).await? {
            return Ok(Taken { entry: entry(artifact), new: false });
        }
        let manifest =
            Manifest::new(vec![(title.clone(), weights, bytes)], BTreeMap::new()).map_err(anyhow::Error::msg)?;
        let new = !self.store.contains(manifest.digest());
        let artifact = self.store.put_manifest(&manifest, Some(&title))?;
        Ok(Taken { entry: entry(artifact), new })
    }

    /// The work here that has these weights: the one that the ledger calls first, or one that was just taken in.
    async fn work_with(&self, weights: Digest) -> anyhow::Result<Option<ArtifactId>> {
        if let Some(Record::Weight(weight)) = self.ledger.get(&Key::Weight(weights)).await?
            && self.store.contains(weight.first)
        {
            return Ok(Some(weight.first));
        }
        for artifact in self.store.manifests()? {
            if self.store.manifest(artifact)?.weights() == [weights] {
                return Ok(Some(artifact));
            }
        }
        Ok(None)
    }

    fn take_back(&self, given: &[Taken]) {
        for taken in given.iter().filter(|taken| taken.new) {
            if let Err(error) = self.store.remove(taken.entry.artifact) {
                tracing::warn!(%error, "a file that was taken in could not be taken out again");
            }
        }
    }

    async fn load(&self, entry: &Entry, settings: Settings) -> anyhow::Result<(Engine, Header)> {
        let label = t!("checking and loading {}", "{} 확인하고 올리는 중", entry.name);
        let model = print::waiting(label, provider::load(self.store, entry.artifact, &[], settings)).await?;
        Ok(model)
    }

    /// Publishes a model that runs, if that was not done, offers it, and answers the offer. Gives its name.
    async fn offer(&self, artifact: ArtifactId, (engine, header): (Engine, Header)) -> anyhow::Result<String> {
        if self.ledger.get(&Key::Artifact(artifact)).await?.is_none() {
            let manifest = self.store.manifest(artifact)?;
            let file = manifest.files().first().map_or("model", |file| file.path()).to_owned();
            publish::publish(self.wallet, self.ledger, Work { artifact, weights: manifest.weights(), file }).await?;
        }
        let context = engine.info().context;
        let terms = Offer {
            artifact,
            fee: FEE,
            engine: engine::ENGINE.into(),
            quantization: header.quantization.into(),
            context,
            default_output: OUTPUT.min(context / 2).max(1),
            bound: bound(&engine, &header).await,
        };
        let id = self.provider.offer(terms).await?;
        self.provider.serve(id, Backend::Worker { engine, adapter: None }).await?;
        self.withdraw(artifact, Some(id)).await?;
        publish::full_name(self.ledger, artifact).await
    }

    /// Takes back what this provider offered for an artifact under other terms: nobody would answer it.
    async fn withdraw(&self, artifact: ArtifactId, but: Option<OfferId>) -> anyhow::Result<()> {
        let account = self.wallet.account("provider")?;
        for (offer, record) in self.standing().await? {
            if record.offer.artifact == artifact && Some(offer) != but {
                account.submit(Operation::Withdraw { offer }).await?;
            }
        }
        Ok(())
    }
}

fn is_given(given: &[Taken], entry: &Entry) -> bool {
    given.iter().any(|taken| taken.entry.artifact == entry.artifact)
}

/// Refuses what is not a whole GGUF model, with a sentence.
fn readable(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow::anyhow!(t!("there is no file {shown}", "{shown} 파일이 없습니다")),
        _ => unreadable(path, &error),
    })?;
    if meta.is_dir() {
        bail!(t!(
            "{shown} is a folder; name the GGUF file in it",
            "{shown}은 폴더입니다. 그 안의 GGUF 파일을 적으세요"
        ));
    }
    if !meta.is_file() {
        bail!(t!("{shown} is not a file", "{shown}은 파일이 아닙니다"));
    }
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let header = Header::read(&mut file).map_err(|reason| {
        anyhow::anyhow!(t!(
            "{shown} cannot be used: {reason}. Models are GGUF files",
            "{shown}을 쓸 수 없습니다: {reason}. 모델은 GGUF 파일이어야 합니다"
        ))
    })?;
    if header.is_adapter() {
        bail!(t!(
            "{shown} is an adapter; it needs the model it was made for",
            "{shown}은 어댑터입니다. 바탕 모델이 있어야 합니다"
        ));
    }
    if header.tensors == 0 {
        bail!(t!("{shown} is a vocabulary without weights", "{shown}에는 어휘만 있고 가중치가 없습니다"));
    }
    title(path).map(drop)
}

fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!(t!("{} cannot be read: {error}", "{}을 읽을 수 없습니다: {error}", path.display()))
}

/// The name of the file within its artifact, which ends in `.gguf`.
fn title(path: &Path) -> anyhow::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| t!("the name of {} is not text", "{}의 이름이 글자가 아닙니다", path.display()))?;
    let stem = match Path::new(name).extension() {
        Some(extension) if extension.eq_ignore_ascii_case("gguf") => &name[..name.len() - ".gguf".len()],
        _ => name,
    };
    Ok(format!("{stem}.gguf"))
}

/// How many tokens a request can have at most. Text has no more tokens than bytes, or, where the tokenizer rewrites text
/// before it cuts it, than a dozen for each byte (U+FDFA, three bytes, becomes 33). What the chat template adds is measured
/// on the model, and doubled.
async fn bound(engine: &Engine, header: &Header) -> Bound {
    let rewrites = matches!(header.text("tokenizer.ggml.model"), Some("t5" | "bert"));
    let say = |role: &str| json!({ "role": role, "content": "x" });
    let parameters = json!({ "type": "object", "properties": {} });
    let function = json!({ "name": "f", "description": "d", "parameters": parameters });
    let tools = json!([{ "type": "function", "function": function }]);
    let one = count(engine, json!([say("user")]), Value::Null).await;
    let three = count(engine, json!([say("user"), say("assistant"), say("user")]), Value::Null).await;
    let system = count(engine, json!([say("system"), say("user")]), Value::Null).await;
    let with_tools = count(engine, json!([say("user")]), tools).await;
    let constant = one.into_iter().chain(with_tools).max();
    let beyond = |count: Option<u32>, messages| Some(count?.saturating_sub(one?).div_ceil(messages));
    let per_message = beyond(three, 2).into_iter().chain(beyond(system, 1)).max();
    // A template that refuses to be measured can add no more than its own text.
    let text = u32::try_from(header.text("tokenizer.chat_template").map_or(0, str::len)).unwrap_or(u32::MAX);
    let doubled = |measured: Option<u32>| {
        let most = measured.map_or(text, |n| n.saturating_mul(2)).saturating_add(16);
        u16::try_from(most).unwrap_or(u16::MAX)
    };
    Bound { per_byte: if rewrites { 12 } else { 1 }, per_message: doubled(per_message), constant: doubled(constant) }
}

/// Input tokens of a conversation: a request that allows none is refused with their number.
async fn count(engine: &Engine, messages: Value, tools: Value) -> Option<u32> {
    let request = Request {
        prompt: Prompt::Chat { messages, tools },
        adapter: None,
        input_max: 0,
        output_max: 1,
        sampling: Sampling::default(),
        stop: Vec::new(),
        logprobs: None,
    };
    match engine.generate(request).await.ok()?.next().await {
        Some(Event::TooLong { input }) => Some(input),
        _ => None,
    }
}
