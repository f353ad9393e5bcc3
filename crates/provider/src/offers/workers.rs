//! Workers: one for each base model, with all of its adapters. Each is started from verified files: digest first, then the
//! header, then the process.

use blobs::{Store, gguf::Header, openness::is_intermediate};
use engine::{Engine, Event, Prompt, Request, Sampling};
use ledger::{ArtifactId, Bound, Digest};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use crate::{
    Backend, Error,
    provider::{Seller, Served},
};

/// Conversations that a worker answers at once.
const SEQUENCES: u32 = 4;

/// The workers that run, by the model that they loaded.
pub type Workers = HashMap<ArtifactId, Loaded>;

/// A worker that runs.
#[derive(Clone)]
pub struct Loaded {
    pub engine: Engine,
    pub header: Arc<Header>,
    adapters: BTreeSet<ArtifactId>,
    settings: Settings,
}

/// What a worker is asked to be.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The most tokens of one conversation; less if the model was trained with less.
    pub context: u32,
    /// Threads; none for what suits the model.
    pub threads: Option<u32>,
}

impl Loaded {
    /// True if it can answer this too, as it is.
    fn serves(&self, adapters: &BTreeSet<ArtifactId>, settings: Settings) -> bool {
        adapters.is_subset(&self.adapters)
            && settings.context <= self.settings.context
            && settings.threads.is_none_or(|threads| Some(threads) == self.settings.threads)
    }

    /// Has the model write one token with each of these adapters, or without any.
    async fn run_once(&self, adapters: &BTreeSet<ArtifactId>) -> Result<(), Error> {
        if adapters.is_empty() {
            return run_once(&self.engine, None).await;
        }
        for adapter in adapters {
            run_once(&self.engine, Some(adapter.to_string())).await?;
        }
        Ok(())
    }
}

impl Seller {
    /// The worker of a model with these adapters at least, after it wrote a token with each. One that lacks something is
    /// replaced: what it serves moves to the new one, and it ends after its last answer.
    pub async fn worker(
        &self,
        base: ArtifactId,
        adapters: &BTreeSet<ArtifactId>,
        wanted: Settings,
    ) -> Result<Loaded, Error> {
        let mut workers = self.workers.lock().await;
        let mut settings = wanted;
        let mut all = adapters.clone();
        if let Some(loaded) = workers.get(&base) {
            if loaded.serves(adapters, wanted) {
                let loaded = loaded.clone();
                loaded.run_once(adapters).await?;
                return Ok(loaded);
            }
            all.extend(self.adapters_on(base));
            settings.context = settings.context.max(loaded.settings.context);
            settings.threads = settings.threads.or(loaded.settings.threads);
        }
        let (engine, header) = load(&self.config.store, base, &all, settings).await?;
        let loaded = Loaded { engine, header: Arc::new(header), adapters: all, settings };
        loaded.run_once(adapters).await?;
        self.move_to(base, &loaded.engine);
        workers.insert(base, loaded.clone());
        Ok(loaded)
    }

    /// The adapters that are served on a model now.
    fn adapters_on(&self, base: ArtifactId) -> BTreeSet<ArtifactId> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        let on_base = served.values().filter(|served| served.base == Some(base));
        let adapter = |served: &Arc<Served>| match &served.backend {
            Backend::Worker { adapter, .. } => adapter.as_ref()?.parse().ok(),
            Backend::Upstream(_) => None,
        };
        on_base.filter_map(adapter).collect()
    }

    /// New answers come from this worker; those that run end where they began.
    fn move_to(&self, base: ArtifactId, engine: &Engine) {
        let mut served = self.served.write().unwrap_or_else(PoisonError::into_inner);
        for served in served.values_mut().filter(|served| served.base == Some(base)) {
            if let Backend::Worker { adapter, usual, .. } = &served.backend {
                let backend = Backend::Worker { engine: engine.clone(), adapter: adapter.clone(), usual: *usual };
                *served = Arc::new(Served { backend, ..Served::clone(served) });
            }
        }
    }

    /// Lets the workers go that serve nothing; each ends after its last answer. While one is being loaded nothing is let go:
    /// that is done once it serves or failed.
    pub fn release_workers(&self) {
        let Ok(mut workers) = self.workers.try_lock() else { return };
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|base, _| served.values().any(|served| served.base == Some(*base)));
    }
}

/// How a model's maker would have its tokens chosen, by the keys of llama.cpp (`general.sampling.…`); what is out of range
/// is left as it usually is.
pub fn usual(header: &Header) -> Sampling {
    let usual = Sampling::default();
    let within = |key: &str, max: f32, usual: f32| {
        let value = header.float(&format!("general.sampling.{key}"));
        value.filter(|value| (0.0..=max).contains(value)).unwrap_or(usual)
    };
    Sampling {
        temperature: within("temp", 2.0, usual.temperature),
        top_p: within("top_p", 1.0, usual.top_p),
        min_p: within("min_p", 1.0, usual.min_p),
        ..usual
    }
}

/// Starts a worker for a model artifact, with adapter artifacts that fit it; requests name an adapter by its digest.
async fn load(
    store: &Arc<Store>,
    model: ArtifactId,
    adapters: &BTreeSet<ArtifactId>,
    settings: Settings,
) -> Result<(Engine, Header), Error> {
    let (file, header) = check(store, model, false).await?;
    let mut config = engine::Config::new(file);
    let trained = header.context_length().and_then(|length| u32::try_from(length).ok()).filter(|length| *length > 0);
    config.context = trained.unwrap_or(settings.context).min(settings.context);
    config.sequences = SEQUENCES;
    config.threads = settings.threads.unwrap_or(config.threads);
    for adapter in adapters {
        let (file, adapters_header) = check(store, *adapter, true).await?;
        let made_for = |header: &Header| header.text("general.architecture").map(str::to_owned);
        if made_for(&adapters_header) != made_for(&header) {
            let message = format!("{adapter} is an adapter for another architecture than that of {model}");
            return Err(Error::NotRunnable(message));
        }
        config.adapters.push((adapter.to_string(), file));
    }
    Ok((Engine::start(config).await?, header))
}

/// The artifact's GGUF file, verified and parsed.
async fn check(store: &Arc<Store>, artifact: ArtifactId, adapter: bool) -> Result<(PathBuf, Header), Error> {
    let store = Arc::clone(store);
    let work = move || {
        let file = weights(&store, artifact)?;
        store.verify(file)?;
        let (path, header) = read(&store, file)?;
        if header.is_adapter() == adapter {
            return Ok((path, header));
        }
        let what =
            if adapter { "a whole model, and no adapter" } else { "an adapter; it needs the model it was made for" };
        Err(Error::NotRunnable(format!("{artifact} is {what}")))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Damaged("a check that did not end")))
}

/// The artifact's one GGUF file, beside those from during its training.
///
/// # Errors
/// If it is not stored here, or has none or several.
pub fn weights(store: &Store, artifact: ArtifactId) -> Result<Digest, Error> {
    let manifest = store.manifest(artifact)?;
    let files: Vec<_> = manifest.files().iter().filter(|file| file.path().ends_with(".gguf")).collect();
    let (on_the_way, finished): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_intermediate(file.path()));
    // A file that is alone is what is meant, whatever it is called.
    let one = match (finished.as_slice(), on_the_way.as_slice()) {
        ([one], _) | ([], [one]) => Some(one),
        _ => None,
    };
    let none = || Error::NotRunnable(format!("{artifact} has not exactly one GGUF file, and only that runs here"));
    one.map(|file| file.digest).ok_or_else(none)
}

fn read(store: &Store, digest: Digest) -> Result<(PathBuf, Header), Error> {
    let path = store.path(digest);
    let header = Header::read(&mut store.open_blob(digest)?);
    let header = header.map_err(|reason| Error::NotRunnable(format!("{}: {reason}", path.display())))?;
    if header.tensors == 0 {
        return Err(Error::NotRunnable(format!("{} is a vocabulary without weights", path.display())));
    }
    Ok((path, header))
}

fn request(messages: Value, tools: Value, adapter: Option<String>) -> Request {
    Request {
        prompt: Prompt::Chat { messages, tools },
        adapter,
        input_max: 0,
        output_max: 1,
        sampling: Sampling::default(),
        stop: Vec::new(),
        logprobs: None,
        measure: None,
        embed: false,
        hold: None,
    }
}

/// Has the model write one token.
async fn run_once(engine: &Engine, adapter: Option<String>) -> Result<(), Error> {
    let mut ask = request(json!([{ "role": "user", "content": "x" }]), Value::Null, adapter);
    ask.input_max = u32::MAX;
    let mut events = engine.generate(ask.clone()).await?;
    loop {
        match events.next().await {
            Some(Event::Finished { .. }) => return Ok(()),
            Some(Event::Accepted { .. } | Event::Piece { .. }) => {}
            Some(Event::Failed { message } | Event::Unanswerable { message, .. }) => {
                return Err(Error::NotRunnable(format!("it cannot answer: {message}")));
            }
            // The template alone is longer than the context: one token without it.
            Some(Event::TooLong { .. }) if matches!(ask.prompt, Prompt::Chat { .. }) => {
                ask.prompt = Prompt::Text("x".into());
                events = engine.generate(ask.clone()).await?;
            }
            _ => return Err(Error::NotRunnable("it cannot answer within this context; allow more tokens".into())),
        }
    }
}

/// How many tokens a request can have at most. Text has no more tokens than bytes, or, where the tokenizer rewrites text
/// before it cuts it, than a dozen for each byte (U+FDFA, three bytes, becomes 33). What the chat template adds is measured
/// on the model, and doubled.
pub async fn bound(engine: &Engine, header: &Header) -> Bound {
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
    match engine.generate(request(messages, tools, None)).await.ok()?.next().await {
        Some(Event::TooLong { input }) => Some(input),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blobs::gguf::Value;

    #[test]
    fn a_file_says_how_its_tokens_are_chosen_within_reason() {
        let of = |values: &[(&str, Value)]| {
            let key = |key: &str| format!("general.sampling.{key}");
            let metadata = values.iter().map(|(name, value)| (key(name), value.clone())).collect();
            let header =
                Header { metadata, tensors: 1, parameters: 1, quantization: "F32", vocabulary: 1, byte_tokens: true };
            let usual = usual(&header);
            (usual.temperature, usual.top_p, usual.min_p)
        };
        assert_eq!(of(&[]), (1.0, 1.0, 0.0));
        let good = [("temp", Value::Float(0.25)), ("top_p", Value::Float(0.5)), ("min_p", Value::Float(0.125))];
        assert_eq!(of(&good), (0.25, 0.5, 0.125));
        let bad = [("temp", Value::Float(f64::NAN)), ("top_p", Value::Float(2.0)), ("min_p", Value::Text("x".into()))];
        assert_eq!(of(&bad), (1.0, 1.0, 0.0));
    }
}
