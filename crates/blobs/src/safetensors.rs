//! The header of a safetensors file, checked before anything believes it.
//! Format: <https://huggingface.co/docs/safetensors>: length of the header in 8 bytes, a JSON object, the tensors.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
};

/// No header is longer.
const HEADER_MAX: u64 = 16 << 20;

/// What a header says.
#[derive(Debug, Clone)]
pub struct Header {
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
    /// How many tensors there are.
    pub tensors: usize,
    /// Values in all tensors.
    pub parameters: u64,
    /// The type that holds most of the weights, such as `BF16`.
    pub dtype: String,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl Header {
    /// Reads and checks a header: tensors lie one after the other and fill the file.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, String> {
        let size = file.seek(SeekFrom::End(0)).map_err(|error| error.to_string())?;
        file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| "it is too short for a safetensors file")?;
        let length = u64::from_le_bytes(length);
        let data = size.checked_sub(8).and_then(|rest| rest.checked_sub(length));
        let data = data.filter(|_| length <= HEADER_MAX).ok_or("its header is longer than the file or than 16 MiB")?;
        let mut header = vec![0; usize::try_from(length).map_err(|error| error.to_string())?];
        file.read_exact(&mut header).map_err(|error| error.to_string())?;
        let mut members: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&header).map_err(|error| format!("its header is not a JSON object: {error}"))?;
        let metadata = match members.remove("__metadata__") {
            Some(value) => serde_json::from_value(value).map_err(|_| "its metadata is not text")?,
            None => BTreeMap::new(),
        };
        let tensors = members.len();
        let (dtype, parameters) = check_tensors(members, data)?;
        Ok(Self { metadata, tensors, parameters, dtype })
    }
}

/// The type of most weights, and how many values there are.
fn check_tensors(members: BTreeMap<String, serde_json::Value>, data: u64) -> Result<(String, u64), String> {
    let (mut extents, mut by_type, mut parameters) = (Vec::new(), BTreeMap::<String, u64>::new(), 0u64);
    for (name, value) in members {
        let tensor: Tensor =
            serde_json::from_value(value).map_err(|_| format!("tensor {name:?} is not described well"))?;
        let (begin, end) = tensor.data_offsets;
        let bits = bits(&tensor.dtype).ok_or_else(|| format!("tensor {name:?} has an unknown type"))?;
        let values = tensor.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        let bytes = values.and_then(|values| values.checked_mul(bits)).map(|bits| bits.div_ceil(8));
        if end.checked_sub(begin).is_none_or(|length| Some(length) != bytes) {
            return Err(format!("tensor {name:?} has not the size of its shape"));
        }
        extents.push((begin, end));
        parameters = parameters.saturating_add(values.unwrap_or_default());
        let bytes_of_type = by_type.entry(tensor.dtype).or_default();
        *bytes_of_type = bytes_of_type.saturating_add(end - begin);
    }
    extents.sort_unstable();
    let end = extents.iter().try_fold(0, |at, (begin, end)| (at == *begin).then_some(*end));
    if end != Some(data) {
        return Err("its tensors overlap, leave gaps, or do not fill the file".into());
    }
    let most = by_type.into_iter().max_by_key(|(_, bytes)| *bytes);
    Ok((most.map_or_else(String::new, |(dtype, _)| dtype), parameters))
}

fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn read(bytes: Vec<u8>) -> Result<Header, String> {
        Header::read(&mut Cursor::new(bytes))
    }

    const GOOD: &str = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"U8","shape":[4],"data_offsets":[12,16]}}"#;

    #[test]
    fn a_good_file_is_read() {
        let header = read(file(GOOD, 16)).unwrap();
        assert_eq!((header.tensors, header.metadata["format"].as_str()), (2, "pt"));
        assert_eq!((header.parameters, header.dtype.as_str()), (10, "F16"));
    }

    #[test]
    fn bad_files_are_refused() {
        assert!(read(file(GOOD, 15)).is_err(), "too short");
        assert!(read(file(GOOD, 17)).is_err(), "something follows");
        assert!(read(file(&GOOD.replace("[12,16]", "[11,15]"), 15)).is_err(), "overlap");
        assert!(read(file(&GOOD.replace("[2,3]", "[9223372036854775807,9]"), 16)).is_err(), "overflow");
        assert!(read(vec![255; 8]).is_err(), "a header of 2^64 bytes");
        assert!(read(vec![]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(at in 0usize..200, byte: u8, cut in 0usize..200) {
            let mut bytes = file(GOOD, 16);
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % length);
            drop(read(bytes));
        }
    }
}
