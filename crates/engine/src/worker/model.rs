//! Loading: the model, its adapters, its context, and the loop around the scheduler.

use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams},
    llama_backend::LlamaBackend,
    model::{LlamaModel, params::LlamaModelParams},
};
use std::{
    io::Write as _,
    num::NonZeroU32,
    os::unix::net::UnixStream,
    sync::{
        OnceLock,
        mpsc::{Receiver, TryRecvError},
    },
};

use super::{Told, embedder::Embedder, grammar::Grammars, scheduler::Scheduler, template::Template};
use crate::message::{self, FromWorker, Info, Load};

/// Tokens of one step: the most that are read before a running answer gets its next token.
pub const BATCH: u32 = 512;

/// Loads, says so, and answers until the parent is gone. `grammars` is set once the model's vocabulary is known.
pub fn run(
    load: &Load,
    grammars: &OnceLock<Grammars>,
    socket: &mut UnixStream,
    inbox: &Receiver<Told>,
) -> Result<(), String> {
    for path in load.adapters.iter().map(|(_, path)| path).chain([&load.model]) {
        std::fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mut backend = LlamaBackend::init().map_err(|error| error.to_string())?;
    backend.void_logs();
    let parameters = LlamaModelParams::default();
    let mut model = LlamaModel::load_from_file(&backend, &load.model, &parameters)
        .map_err(|_| "llama.cpp does not understand it (unknown architecture, or tensors missing)".to_owned())?;
    let mut adapters = Vec::new();
    for (id, path) in &load.adapters {
        let adapter = model.lora_adapter_init(path).map_err(|_| format!("adapter {id} does not fit this model"))?;
        adapters.push((id.clone(), adapter));
    }
    let model = model;
    let context = new_context(&backend, &model, load)?;
    let template = Template::of(&model);
    grammars.get_or_init(|| Grammars::of(&model));
    send(socket, &[FromWorker::Loaded(info(&model, load, &template))])?;
    let embedder = Embedder::new(&model, &backend, load);
    answer(Scheduler::new(&model, context, adapters, &template, embedder), socket, inbox)
}

fn new_context<'a>(backend: &LlamaBackend, model: &'a LlamaModel, load: &Load) -> Result<LlamaContext<'a>, String> {
    let threads = i32::try_from(load.threads).unwrap_or(1);
    // Flash attention off and one key-value stream per sequence: an answer does not depend on its neighbors, as far as
    // the quantization allows (measured: docs/engine.md).
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(load.context.saturating_mul(load.sequences)))
        .with_n_batch(BATCH)
        .with_n_ubatch(BATCH)
        .with_n_seq_max(load.sequences)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_DISABLED)
        .with_kv_unified(false)
        .with_no_perf(true);
    model.new_context(backend, parameters).map_err(|_| "there is not enough memory for its context".to_owned())
}

fn info(model: &LlamaModel, load: &Load, template: &Template) -> Info {
    let text = |key: &str| model.meta_val_str(key).unwrap_or_default();
    Info {
        architecture: text("general.architecture"),
        name: text("general.name"),
        parameters: model.n_params(),
        context: load.context,
        trained_context: model.n_ctx_train(),
        vocabulary: u32::try_from(model.n_vocab()).unwrap_or(0),
        chat_template: template.is_some(),
        engine: crate::ENGINE.to_owned(),
    }
}

fn answer(mut scheduler: Scheduler<'_>, socket: &mut UnixStream, inbox: &Receiver<Told>) -> Result<(), String> {
    loop {
        if scheduler.is_idle() {
            match inbox.recv() {
                Ok(message) => scheduler.take(message),
                Err(_) => return Ok(()),
            }
        }
        loop {
            match inbox.try_recv() {
                Ok(message) => scheduler.take(message),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        let events = scheduler.step();
        send(socket, &events)?;
    }
}

fn send(socket: &mut UnixStream, messages: &[FromWorker]) -> Result<(), String> {
    let bytes: Vec<u8> = messages.iter().flat_map(message::encode).collect();
    socket.write_all(&bytes).map_err(|error| error.to_string())
}
