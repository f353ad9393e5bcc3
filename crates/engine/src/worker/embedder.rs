//! Embeddings: what a model makes of a text, as a vector. A context of its own, made when the first is asked for, reads one text
//! after the other, a piece beside each step of the answers.

use llama_cpp_2::{
    context::{
        LlamaContext,
        params::{LlamaContextParams, LlamaPoolingType},
    },
    llama_backend::LlamaBackend,
    llama_batch::LlamaBatch,
    model::{LlamaLoraAdapter, LlamaModel},
    token::LlamaToken,
};
use std::{collections::VecDeque, num::NonZeroU32};

use super::slot::Adapter;
use crate::{Event, message::Load};

/// Tokens read in one step. The numbers of all tokens of the vocabulary come with each, so that many would take much memory.
const PIECE: usize = 64;
/// The sequence that is read.
const SEQUENCE: i32 = 0;

/// How a text's vector comes from those of its tokens; as the file says, in llama.cpp's key `pooling_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooling {
    Mean,
    First,
    Last,
}

impl Pooling {
    fn of(model: &LlamaModel) -> Self {
        let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
        match model.meta_val_str(&format!("{architecture}.pooling_type")).as_deref() {
            Ok("2") => Self::First,
            Ok("3") => Self::Last,
            _ => Self::Mean,
        }
    }
}

/// A text of which an embedding is asked.
pub struct Asked {
    pub id: u64,
    pub adapter: Adapter,
    pub tokens: Vec<LlamaToken>,
}

/// Reads texts.
pub struct Embedder<'a> {
    model: &'a LlamaModel,
    backend: &'a LlamaBackend,
    load: &'a Load,
    pooling: Pooling,
    /// Once it is needed.
    context: Option<LlamaContext<'a>>,
    current: Adapter,
    batch: LlamaBatch<'static>,
    waiting: VecDeque<Asked>,
    /// Tokens read of the first one that waits, and their vectors as far as they are pooled.
    read: usize,
    vector: Vec<f32>,
}

impl<'a> Embedder<'a> {
    pub fn new(model: &'a LlamaModel, backend: &'a LlamaBackend, load: &'a Load) -> Self {
        Self {
            model,
            backend,
            load,
            pooling: Pooling::of(model),
            context: None,
            current: None,
            batch: LlamaBatch::new(PIECE, 1),
            waiting: VecDeque::new(),
            read: 0,
            vector: Vec::new(),
        }
    }

    /// How the model is run.
    pub const fn load(&self) -> &'a Load {
        self.load
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn take(&mut self, asked: Asked) {
        self.waiting.push_back(asked);
    }

    pub fn cancel(&mut self, id: u64) {
        if self.waiting.front().is_some_and(|asked| asked.id == id) {
            self.next();
        } else {
            self.waiting.retain(|asked| asked.id != id);
        }
    }

    /// Reads the next piece. Gives a vector, or why there is none, once a text is read.
    pub fn step(&mut self, adapters: &mut [(String, LlamaLoraAdapter)]) -> Option<(u64, Event)> {
        let id = self.waiting.front()?.id;
        let event = match self.piece(adapters) {
            Ok(None) => return None,
            Ok(Some(vector)) => Event::Embedded { vector },
            Err(message) => Event::Failed { message },
        };
        self.next();
        Some((id, event))
    }

    /// Goes on to the next text.
    fn next(&mut self) {
        self.waiting.pop_front();
        (self.read, self.vector) = (0, Vec::new());
    }

    fn piece(&mut self, adapters: &mut [(String, LlamaLoraAdapter)]) -> Result<Option<Vec<f32>>, String> {
        let Some(asked) = self.waiting.front() else { return Ok(None) };
        let (adapter, all) = (asked.adapter, asked.tokens.len());
        let piece: Vec<_> = asked.tokens.iter().skip(self.read).take(PIECE).copied().collect();
        if self.context.is_none() {
            self.context = Some(self.new_context()?);
        }
        let Some(context) = &mut self.context else { return Ok(None) };
        if self.read == 0 {
            drop(context.kv_cache_seq_rm(SEQUENCE, None, None));
            use_adapter(context, adapters, self.current, adapter)?;
            self.current = adapter;
        }
        self.batch.clear();
        for (at, token) in piece.iter().enumerate() {
            let position = i32::try_from(self.read + at).unwrap_or(i32::MAX);
            self.batch.add(*token, position, &[SEQUENCE], true).expect("the batch has room for a piece");
        }
        context.decode(&mut self.batch).map_err(|error| format!("the model could not go on: {error}"))?;
        for at in 0..piece.len() {
            let vector = context.embeddings_ith(i32::try_from(at).unwrap_or(i32::MAX));
            let vector = vector.map_err(|_| "this model gives no embeddings")?;
            pool(self.pooling, &mut self.vector, self.read + at, vector);
        }
        self.read += piece.len();
        if self.read < all {
            return Ok(None);
        }
        normalized(std::mem::take(&mut self.vector)).map(Some)
    }

    fn new_context(&self) -> Result<LlamaContext<'a>, String> {
        let threads = i32::try_from(self.load.threads).unwrap_or(1);
        let piece = u32::try_from(PIECE).unwrap_or(64);
        let parameters = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.load.context))
            .with_n_batch(piece)
            .with_n_ubatch(piece)
            .with_n_seq_max(1)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_DISABLED)
            .with_embeddings(true)
            .with_pooling_type(LlamaPoolingType::None)
            .with_no_perf(true);
        let made = self.model.new_context(self.backend, parameters);
        made.map_err(|_| "there is not enough memory to read for embeddings".to_owned())
    }
}

fn use_adapter(
    context: &mut LlamaContext<'_>,
    adapters: &mut [(String, LlamaLoraAdapter)],
    current: Adapter,
    wanted: Adapter,
) -> Result<(), String> {
    match (wanted, current) {
        _ if wanted == current => Ok(()),
        (Some(at), _) => context.lora_adapter_set(&mut adapters[at].1, 1.0).map_err(|error| error.to_string()),
        (None, Some(at)) => context.lora_adapter_remove(&mut adapters[at].1).map_err(|error| error.to_string()),
        (None, None) => Ok(()),
    }
}

/// Adds the vector of the token at a position.
fn pool(pooling: Pooling, pooled: &mut Vec<f32>, position: usize, vector: &[f32]) {
    match pooling {
        Pooling::Mean if position > 0 => pooled.iter_mut().zip(vector).for_each(|(sum, new)| *sum += new),
        Pooling::First if position > 0 => {}
        _ => vector.clone_into(pooled),
    }
}

/// Of length 1: then the mean of vectors is their sum.
fn normalized(mut vector: Vec<f32>) -> Result<Vec<f32>, String> {
    let length = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length <= 0.0 {
        return Err("the model's numbers are not finite: the file is damaged".into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "a number of magnitude at most 1")]
    vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_pooled_and_have_length_one() {
        for (pooling, expected) in
            [(Pooling::Mean, [0.6, 0.8]), (Pooling::First, [1.0, 0.0]), (Pooling::Last, [0.0, 1.0])]
        {
            let mut pooled = Vec::new();
            for (position, vector) in [[3.0, 0.0], [0.0, 4.0]].iter().enumerate() {
                pool(pooling, &mut pooled, position, vector);
            }
            assert_eq!(normalized(pooled).unwrap(), expected, "{pooling:?}");
        }
        assert!(normalized(vec![0.0, 0.0]).is_err() && normalized(vec![f32::NAN]).is_err());
    }
}
