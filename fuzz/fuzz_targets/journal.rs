//! Bytes as a journal. Three changes of four are to its records, with good checksums: no fuzzer guesses those.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use replica::target::{Forgery, Pieces, journal};

fuzz_target!(|bytes: &[u8]| {
    journal(bytes);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut pieces = Pieces::of(&data[..size]);
    let [kind, at, other, byte] = seed.to_le_bytes().map(usize::from);
    match kind % 8 {
        0 | 1 => return fuzzer_mutate(data, size, max_size),
        2 => pieces.forge(&Forgery::Drop(at)),
        3 => pieces.forge(&Forgery::Swap(at, other)),
        4 => pieces.forge(&Forgery::Repeat(at)),
        5 => pieces.forge(&Forgery::Begin(at)),
        _ => {
            let Some(entry) = pieces.entry(at) else { return fuzzer_mutate(data, size, max_size) };
            let (old, room) = (entry.len(), byte + 1);
            entry.resize(old + room, 0);
            let new = fuzzer_mutate(entry, old, old + room);
            entry.truncate(new.max(1));
        }
    }
    let bytes = pieces.bytes();
    if bytes.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
});
