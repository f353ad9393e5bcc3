//! A tiny model with random weights: for tests, and to try an installation where no trained model is at hand.

use std::{fs::File, io, io::BufWriter, io::Write, path::Path};

const WIDTH: u64 = 32;
const FEED_FORWARD: u64 = 64;
const LAYERS: u32 = 2;
const HEADS: u32 = 2;
const CONTEXT: u32 = 512;
const ALIGNMENT: u64 = 32;
/// The token that ends an answer.
const END: u32 = 2;
/// The chat template of the model.
const TEMPLATE: &str = "{% if tools %}<tool_call> one of {{ tools | tojson }}\n{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";

/// Writes a Llama-architecture GGUF of some 100 kB whose tokens are the 256 bytes and a few words. The same seed gives the
/// same file. Its likeliest token is never the one that ends an answer.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, seed: u64) -> io::Result<()> {
    write_with(path, seed, TEMPLATE, &[])
}

/// The same with a chat template of its own, and more control tokens.
///
/// # Errors
/// If the file cannot be written.
pub fn write_with(path: &Path, seed: u64, template: &str, controls: &[&str]) -> io::Result<()> {
    let tokens = vocabulary(controls);
    let mut tensors =
        vec![tensor("token_embd.weight", &[WIDTH, tokens.len() as u64]), tensor("output_norm.weight", &[WIDTH])];
    tensors.push(tensor("output.weight", &[WIDTH, tokens.len() as u64]));
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[u64]| tensors.push(tensor(&format!("blk.{layer}.{name}.weight"), shape));
        ["attn_q", "attn_k", "attn_v", "attn_output"].iter().for_each(|name| add(name, &[WIDTH, WIDTH]));
        ["ffn_gate", "ffn_up"].iter().for_each(|name| add(name, &[WIDTH, FEED_FORWARD]));
        add("ffn_down", &[FEED_FORWARD, WIDTH]);
        ["attn_norm", "ffn_norm"].iter().for_each(|name| add(name, &[WIDTH]));
    }
    let mut metadata = Metadata::default();
    metadata.text("general.architecture", "llama");
    metadata.text("general.name", "random tiny model");
    metadata.number("llama.context_length", CONTEXT);
    metadata.number("llama.embedding_length", WIDTH as u32);
    metadata.number("llama.block_count", LAYERS);
    metadata.number("llama.feed_forward_length", FEED_FORWARD as u32);
    metadata.number("llama.attention.head_count", HEADS);
    metadata.number("llama.rope.dimension_count", WIDTH as u32 / HEADS);
    metadata.float("llama.attention.layer_norm_rms_epsilon", 1e-5);
    metadata.text("tokenizer.ggml.model", "llama");
    metadata.vocabulary(&tokens);
    metadata.number("tokenizer.ggml.bos_token_id", 1);
    metadata.number("tokenizer.ggml.eos_token_id", END);
    metadata.number("tokenizer.ggml.unknown_token_id", 0);
    metadata.text("tokenizer.chat_template", template);
    save(path, &metadata, &tensors, seed)
}

/// Writes a LoRA adapter of rank 4 for [`write`]'s model.
///
/// # Errors
/// If the file cannot be written.
pub fn write_adapter(path: &Path, seed: u64) -> io::Result<()> {
    let mut tensors = Vec::new();
    for layer in 0..LAYERS {
        for name in ["attn_q", "attn_v", "ffn_up"] {
            let out = if name == "ffn_up" { FEED_FORWARD } else { WIDTH };
            tensors.push(tensor(&format!("blk.{layer}.{name}.weight.lora_a"), &[WIDTH, 4]));
            tensors.push(tensor(&format!("blk.{layer}.{name}.weight.lora_b"), &[4, out]));
        }
    }
    let mut metadata = Metadata::default();
    metadata.text("general.architecture", "llama");
    metadata.text("general.type", "adapter");
    metadata.text("adapter.type", "lora");
    metadata.float("adapter.lora.alpha", 64.0);
    save(path, &metadata, &tensors, seed)
}

/// The special tokens, the bytes, some text, and more control tokens, as SentencePiece lists them: text, score, type.
fn vocabulary(controls: &[&str]) -> Vec<(String, f32, u32)> {
    const NORMAL: u32 = 1;
    const UNKNOWN: u32 = 2;
    const CONTROL: u32 = 3;
    const BYTE: u32 = 6;
    let special = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)];
    let special = special.into_iter().map(|(text, kind)| (text.to_owned(), 0.0, kind));
    let bytes = (0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), 0.0, BYTE));
    let words =
        ["\u{2581}", "e", "t", "a", "o", "th", "he", "in", "er", "an", "\u{2581}the", "\u{2581}a", "품", "앗", "이"];
    let words = words.into_iter().zip(1u16..).map(|(text, rank)| (text.to_owned(), -f32::from(rank), NORMAL));
    let controls = controls.iter().map(|text| ((*text).to_owned(), 0.0, CONTROL));
    special.chain(bytes).chain(words).chain(controls).collect()
}

struct Tensor {
    name: String,
    shape: Vec<u64>,
}

fn tensor(name: &str, shape: &[u64]) -> Tensor {
    Tensor { name: name.to_owned(), shape: shape.to_vec() }
}

/// Metadata in GGUF's encoding.
#[derive(Default)]
struct Metadata {
    count: u64,
    bytes: Vec<u8>,
}

impl Metadata {
    fn key(&mut self, key: &str, kind: u32) {
        self.count += 1;
        put_text(&mut self.bytes, key);
        self.bytes.extend(kind.to_le_bytes());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        put_text(&mut self.bytes, value);
    }

    fn number(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.bytes.extend(value.to_le_bytes());
    }

    fn float(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.bytes.extend(value.to_le_bytes());
    }

    fn array(&mut self, key: &str, kind: u32, count: usize) {
        self.key(key, 9);
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((count as u64).to_le_bytes());
    }

    fn vocabulary(&mut self, tokens: &[(String, f32, u32)]) {
        self.array("tokenizer.ggml.tokens", 8, tokens.len());
        tokens.iter().for_each(|(text, ..)| put_text(&mut self.bytes, text));
        self.array("tokenizer.ggml.scores", 6, tokens.len());
        tokens.iter().for_each(|(_, score, _)| self.bytes.extend(score.to_le_bytes()));
        self.array("tokenizer.ggml.token_type", 5, tokens.len());
        tokens.iter().for_each(|(.., kind)| self.bytes.extend(kind.to_le_bytes()));
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Writes header, metadata, tensor list and tensors (GGUF version 3, all F32).
fn save(path: &Path, metadata: &Metadata, tensors: &[Tensor], seed: u64) -> io::Result<()> {
    let mut head = b"GGUF".to_vec();
    head.extend(3u32.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend(metadata.count.to_le_bytes());
    head.extend(&metadata.bytes);
    let mut offset = 0u64;
    for tensor in tensors {
        put_text(&mut head, &tensor.name);
        head.extend((tensor.shape.len() as u32).to_le_bytes());
        tensor.shape.iter().for_each(|size| head.extend(size.to_le_bytes()));
        head.extend(0u32.to_le_bytes());
        head.extend(offset.to_le_bytes());
        offset += (tensor.shape.iter().product::<u64>() * 4).next_multiple_of(ALIGNMENT);
    }
    let mut file = BufWriter::new(File::create(path)?);
    head.resize(head.len().next_multiple_of(ALIGNMENT as usize), 0);
    file.write_all(&head)?;
    let mut random = seed;
    for tensor in tensors {
        let values = tensor.shape.iter().product::<u64>();
        for at in 0..values {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let uniform = (random >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
            let value = match tensor.name.as_str() {
                name if name.contains("norm") => 1.0,
                "output.weight" if at / WIDTH == u64::from(END) => 0.0,
                _ => uniform,
            };
            file.write_all(&value.to_le_bytes())?;
        }
        let padding = (values * 4).next_multiple_of(ALIGNMENT) - values * 4;
        file.write_all(&vec![0; padding as usize])?;
    }
    file.flush()
}
