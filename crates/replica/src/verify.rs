//! Signatures of many operations, checked together and on all cores, while what comes of the first ones goes on.

use ledger::{Digest, Reject, Request, Signed, Verified};
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
    mpsc::sync_channel,
};

use crate::lock::hold;

/// So many are one equation; more gain little, and the first would wait for all of them.
const TOGETHER: usize = 256;
/// Fewer are not worth a thread.
const FEW: usize = 32;

/// Checks size, network and signature of operations, and hands what comes of them to `then`, in their order.
pub(crate) fn verify<T>(
    network: Digest,
    operations: Vec<Signed<Request>>,
    then: impl FnOnce(&mut dyn Iterator<Item = Result<Verified, Reject>>) -> T,
) -> T {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if operations.len() < FEW || cores == 1 {
        return then(&mut Verified::of_many(operations, network).into_iter());
    }
    let share = operations.len().div_ceil(cores).min(TOGETHER);
    let mut operations = operations.into_iter();
    let (mut parts, mut answers) = (Vec::new(), Vec::new());
    while operations.len() > 0 {
        let (tell, told) = sync_channel(1);
        parts.push(Mutex::new(Some((operations.by_ref().take(share).collect::<Vec<_>>(), tell))));
        answers.push(told);
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores.min(parts.len()) {
            scope.spawn(|| {
                // Nobody listens any more once a wrong entry was found.
                while let Some(part) = parts.get(next.fetch_add(1, Relaxed))
                    && let Some((operations, tell)) = hold(part).take()
                    && tell.send(Verified::of_many(operations, network)).is_ok()
                {}
            });
        }
        then(&mut answers.into_iter().flat_map(|told| told.recv().expect("a checking thread failed")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{genesis, issue};

    #[test]
    fn each_answer_stands_in_its_place() {
        let mut operations: Vec<_> = (0..700).map(|sequence| issue(sequence, 1, 1)).collect();
        let wrong = [0, 31, 256, 699];
        for at in wrong {
            operations[at].signature.0[3] ^= 1;
        }
        for count in [1, 31, 32, 257, 700] {
            let found = verify(genesis().network(), operations[..count].to_vec(), |found| found.collect::<Vec<_>>());
            assert_eq!(found.len(), count);
            for (at, (found, operation)) in found.iter().zip(&operations).enumerate() {
                match found {
                    Ok(found) => assert!(!wrong.contains(&at) && **found.signed() == *operation),
                    Err(reject) => assert!(wrong.contains(&at) && *reject == Reject::BadSignature),
                }
            }
        }
    }
}
