//! The header of a GGUF file, checked before llama.cpp sees it.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3.
//!
//! Every count and length is compared with the bytes that are left before anything is allocated, and the two faults that
//! abort llama.cpp (too many blocks, a vocabulary with a repeated token) are refused here.

use std::{
    collections::{BTreeMap, HashSet},
    io::{BufReader, Read, Seek, SeekFrom},
};

/// llama.cpp's own limit on layers.
const BLOCKS_MAX: u64 = 512;
/// No header is longer: large vocabularies have some 20 MB.
const HEADER_MAX: u64 = 256 << 20;
const DIMENSIONS_MAX: u32 = 4;
const DEPTH_MAX: u8 = 2;

/// What a header says.
#[derive(Debug, Clone)]
pub struct Header {
    /// Simple values by key; arrays are not kept.
    pub metadata: BTreeMap<String, Value>,
    /// How many tensors there are; 0 for a vocabulary alone.
    pub tensors: u64,
    /// Values in all tensors.
    pub parameters: u64,
    /// The type that holds most of the weights, such as `Q4_0`.
    pub quantization: &'static str,
    /// Different tokens; 0 without a vocabulary.
    pub vocabulary: u64,
    /// True if every byte has a token, so that no text has more tokens than bytes.
    pub byte_tokens: bool,
}

/// A simple value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any integer.
    Integer(i128),
    /// Any float.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text; what is not UTF-8 is replaced.
    Text(String),
}

impl Header {
    /// Reads and checks a header.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, String> {
        let size = file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
        file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
        let mut reader =
            Reader { input: BufReader::new(file), at: 0, size: size.min(HEADER_MAX), tokens: Tokens::default() };
        if reader.bytes(4).ok().as_deref() != Some(b"GGUF") {
            return Err("it is not a GGUF file".into());
        }
        let version = reader.u32()?;
        if !matches!(version, 2 | 3) {
            return Err(format!("it is GGUF version {version}, and versions 2 and 3 can be read"));
        }
        let (tensors, pairs) = (reader.u64()?, reader.u64()?);
        // A tensor takes at least 24 bytes here, a pair at least 13.
        reader.expect(tensors, 24)?;
        reader.expect(pairs, 13)?;
        let metadata = reader.metadata(pairs)?;
        let (quantization, parameters) = reader.tensors(tensors, &metadata, size)?;
        let header = Self {
            metadata,
            tensors,
            parameters,
            quantization,
            vocabulary: reader.tokens.count,
            byte_tokens: reader.tokens.bytes.len() == 256 || reader.tokens.byte_level,
        };
        header.check_blocks().map(|()| header)
    }

    fn check_blocks(&self) -> Result<(), String> {
        let key = format!("{}.block_count", self.text("general.architecture").unwrap_or_default());
        match self.integer(&key) {
            Some(blocks) if blocks > BLOCKS_MAX => {
                Err(format!("it claims {blocks} layers, and at most {BLOCKS_MAX} can be run"))
            }
            _ => Ok(()),
        }
    }

    /// A text value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A value that is a natural number.
    pub fn integer(&self, key: &str) -> Option<u64> {
        match self.metadata.get(key)? {
            Value::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A value that is a number with a fraction.
    #[expect(clippy::cast_possible_truncation, reason = "files hold such values as f32")]
    pub fn float(&self, key: &str) -> Option<f32> {
        match self.metadata.get(key)? {
            Value::Float(number) => Some(*number as f32),
            _ => None,
        }
    }

    /// Tokens it was trained with.
    pub fn context_length(&self) -> Option<u64> {
        self.integer(&format!("{}.context_length", self.text("general.architecture")?))
    }

    /// True for an adapter.
    pub fn is_adapter(&self) -> bool {
        self.text("general.type") == Some("adapter")
    }
}

/// What is remembered of the vocabulary while it passes.
#[derive(Default)]
struct Tokens {
    count: u64,
    /// Bytes that have a token of their own, `<0x41>`.
    bytes: HashSet<Vec<u8>>,
    /// A byte-pair vocabulary over bytes, which covers all of them.
    byte_level: bool,
}

struct Reader<R> {
    input: R,
    at: u64,
    size: u64,
    tokens: Tokens,
}

impl<R: Read> Reader<R> {
    /// Refuses a count whose items, of at least `each` bytes, cannot fit into what is left.
    fn expect(&self, count: u64, each: u64) -> Result<(), String> {
        let left = self.size - self.at;
        let fits = count.checked_mul(each).is_some_and(|bytes| bytes <= left);
        if fits {
            Ok(())
        } else {
            Err(format!("it claims {count} items at byte {}, more than the file can hold", self.at))
        }
    }

    fn bytes(&mut self, count: u64) -> Result<Vec<u8>, String> {
        self.expect(count, 1)?;
        let mut bytes = vec![0; usize::try_from(count).map_err(|error| error.to_string())?];
        self.input.read_exact(&mut bytes).map_err(|_| format!("it ends at byte {}", self.at))?;
        self.at += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.expect(N as u64, 1)?;
        self.input.read_exact(&mut bytes).map_err(|_| format!("it ends at byte {}", self.at))?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<Vec<u8>, String> {
        let length = self.u64()?;
        self.bytes(length)
    }

    fn metadata(&mut self, pairs: u64) -> Result<BTreeMap<String, Value>, String> {
        let (mut metadata, mut keys) = (BTreeMap::new(), HashSet::new());
        for _ in 0..pairs {
            let key = String::from_utf8(self.text()?).map_err(|_| "one of its keys is not text")?;
            let kind = self.u32()?;
            if let Some(value) = self.value(kind, &key, 0)? {
                metadata.insert(key.clone(), value);
            }
            if !keys.insert(key.clone()) {
                return Err(format!("it has the key {key:?} twice"));
            }
        }
        self.tokens.byte_level = metadata.get("tokenizer.ggml.model") == Some(&Value::Text("gpt2".into()));
        Ok(metadata)
    }

    /// Reads a value; `None` for an array.
    fn value(&mut self, kind: u32, key: &str, depth: u8) -> Result<Option<Value>, String> {
        Ok(Some(match kind {
            0 => Value::Integer(i128::from(u8::from_le_bytes(self.array()?))),
            1 => Value::Integer(i128::from(i8::from_le_bytes(self.array()?))),
            2 => Value::Integer(i128::from(u16::from_le_bytes(self.array()?))),
            3 => Value::Integer(i128::from(i16::from_le_bytes(self.array()?))),
            4 => Value::Integer(i128::from(self.u32()?)),
            5 => Value::Integer(i128::from(i32::from_le_bytes(self.array()?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.array()?))),
            7 => match self.array::<1>()? {
                [flag @ (0 | 1)] => Value::Bool(flag == 1),
                _ => return Err(format!("the value of {key:?} is neither true nor false")),
            },
            8 => Value::Text(String::from_utf8_lossy(&self.text()?).into_owned()),
            9 if depth < DEPTH_MAX => return self.list(key, depth).map(|()| None),
            10 => Value::Integer(i128::from(self.u64()?)),
            11 => Value::Integer(i128::from(i64::from_le_bytes(self.array()?))),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(format!("the value of {key:?} has an unknown type")),
        }))
    }

    fn list(&mut self, key: &str, depth: u8) -> Result<(), String> {
        let (kind, count) = (self.u32()?, self.u64()?);
        let each = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => 12,
            _ => return Err(format!("the list {key:?} has an unknown type")),
        };
        self.expect(count, each)?;
        if key == "tokenizer.ggml.tokens" && kind == 8 {
            return self.vocabulary(count);
        }
        for _ in 0..count {
            self.value(kind, key, depth + 1)?;
        }
        Ok(())
    }

    /// A repeated token aborts llama.cpp.
    fn vocabulary(&mut self, count: u64) -> Result<(), String> {
        let mut seen = HashSet::new();
        for token in 0..count {
            let text = self.text()?;
            if text.len() == 6 && text.starts_with(b"<0x") && text.ends_with(b">") {
                self.tokens.bytes.insert(text.clone());
            }
            if !seen.insert(text) {
                return Err(format!("token {token} of its vocabulary is there twice"));
            }
        }
        self.tokens.count = count;
        Ok(())
    }

    /// Checks that the tensors lie within the file and apart from each other; gives the type of most weights, and how many
    /// values there are.
    fn tensors(
        &mut self,
        count: u64,
        metadata: &BTreeMap<String, Value>,
        file: u64,
    ) -> Result<(&'static str, u64), String> {
        let (mut extents, mut names, mut by_type) = (Vec::new(), HashSet::new(), BTreeMap::<&str, u64>::new());
        let mut parameters = 0u64;
        for _ in 0..count {
            let name = self.text()?;
            let shape = self.shape()?;
            let (kind, offset) = (self.u32()?, self.u64()?);
            let label = String::from_utf8_lossy(&name).into_owned();
            let (title, bytes) =
                extent(&shape, kind).ok_or_else(|| format!("tensor {label:?} has an impossible shape or type"))?;
            let end = offset.checked_add(bytes).ok_or_else(|| format!("tensor {label:?} lies beyond every file"))?;
            extents.push((offset, end, label));
            *by_type.entry(title).or_default() += bytes;
            parameters = parameters.saturating_add(shape.iter().product());
            if !names.insert(name) {
                return Err("it has two tensors of one name".into());
            }
        }
        let alignment = match metadata.get("general.alignment") {
            None => 32,
            Some(Value::Integer(n)) => {
                u64::try_from(*n).ok().filter(|n| n.is_power_of_two()).ok_or("its alignment is no power of two")?
            }
            Some(_) => return Err("its alignment is no number".into()),
        };
        let begin = self.at.checked_next_multiple_of(alignment).ok_or("its alignment is impossible")?;
        check_extents(extents, file.saturating_sub(begin), alignment)?;
        let most = by_type.into_iter().max_by_key(|(_, bytes)| *bytes);
        Ok((most.map_or("none", |(title, _)| title), parameters))
    }

    fn shape(&mut self) -> Result<Vec<u64>, String> {
        let dimensions = self.u32()?;
        if dimensions > DIMENSIONS_MAX {
            return Err(format!("a tensor has {dimensions} dimensions"));
        }
        (0..dimensions).map(|_| self.u64()).collect()
    }
}

fn check_extents(mut extents: Vec<(u64, u64, String)>, data: u64, alignment: u64) -> Result<(), String> {
    extents.sort_unstable();
    let mut at = 0;
    for (begin, end, name) in extents {
        if begin < at || begin % alignment != 0 {
            return Err(format!("tensor {name:?} overlaps another, or is not aligned"));
        }
        if end > data {
            return Err(format!(
                "tensor {name:?} ends beyond the file: it was cut off, or the download is not complete"
            ));
        }
        at = end;
    }
    Ok(())
}

/// Name of a tensor's type, and its bytes; `None` for unknown types and impossible shapes.
fn extent(shape: &[u64], kind: u32) -> Option<(&'static str, u64)> {
    // Values of a block and its bytes, by ggml's number of the type.
    let (title, block, bytes) = match kind {
        0 => ("F32", 1, 4),
        1 => ("F16", 1, 2),
        2 => ("Q4_0", 32, 18),
        3 => ("Q4_1", 32, 20),
        6 => ("Q5_0", 32, 22),
        7 => ("Q5_1", 32, 24),
        8 => ("Q8_0", 32, 34),
        9 => ("Q8_1", 32, 36),
        10 => ("Q2_K", 256, 84),
        11 => ("Q3_K", 256, 110),
        12 => ("Q4_K", 256, 144),
        13 => ("Q5_K", 256, 176),
        14 => ("Q6_K", 256, 210),
        15 => ("Q8_K", 256, 292),
        16 => ("IQ2_XXS", 256, 66),
        17 => ("IQ2_XS", 256, 74),
        18 => ("IQ3_XXS", 256, 98),
        19 => ("IQ1_S", 256, 50),
        20 => ("IQ4_NL", 32, 18),
        21 => ("IQ3_S", 256, 110),
        22 => ("IQ2_S", 256, 82),
        23 => ("IQ4_XS", 256, 136),
        24 => ("I8", 1, 1),
        25 => ("I16", 1, 2),
        26 => ("I32", 1, 4),
        27 => ("I64", 1, 8),
        28 => ("F64", 1, 8),
        29 => ("IQ1_M", 256, 56),
        30 => ("BF16", 1, 2),
        34 => ("TQ1_0", 256, 54),
        35 => ("TQ2_0", 256, 66),
        39 => ("MXFP4", 32, 17),
        _ => return None,
    };
    let row = shape.first().copied().unwrap_or(1);
    let values = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size))?;
    (row % block == 0).then_some(())?;
    Some((title, (values / block).checked_mul(bytes)?))
}

#[cfg(test)]
mod tests;
