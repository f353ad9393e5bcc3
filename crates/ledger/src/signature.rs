//! Which signatures are good: by the rule of ZIP 215, under which many that are checked together and each that is checked alone
//! never differ, and by a key that stands for somebody.

use alloc::vec::Vec;
use chacha20::{ChaCha8Rng, rand_core::SeedableRng as _};
use ed25519_zebra::batch::{Item, Verifier};

use crate::{Digest, PublicKey, Signature};

/// The y-coordinates of the eight points of small order, little-endian: of order 1, 2, 4, and two of order 8 with either sign
/// of x.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [0; 32],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];
/// So few are checked one by one.
const FEW: usize = 4;

/// That a key signed a message.
pub(crate) struct Claim {
    /// `None` if the key stands for nobody.
    item: Option<Item>,
    /// Over key, signature and message.
    digest: Digest,
}

impl Claim {
    pub(crate) fn new(key: PublicKey, message: &[u8], signature: Signature) -> Self {
        let item = stands(key).then(|| (key.0.into(), signature.0.into(), message).into());
        Self { item, digest: Digest::of_parts(&[&key.0, &signature.0, message]) }
    }

    fn is_good(&self) -> bool {
        self.item.clone().is_some_and(|item| item.verify_single().is_ok())
    }
}

/// Which of the claims are good.
pub(crate) fn good(claims: &[Claim]) -> Vec<bool> {
    if claims.len() < FEW {
        return claims.iter().map(Claim::is_good).collect();
    }
    if all_good(claims) {
        return alloc::vec![true; claims.len()];
    }
    let (left, right) = claims.split_at(claims.len() >> 1);
    let mut found = good(left);
    found.extend(good(right));
    found
}

/// One equation for all, with coefficients that nobody can fit a claim to: what is wrong passes with a probability of 2⁻¹²⁸, as
/// a signature does that somebody guesses. (Which keys get which coefficients the library leaves to the order of a hash map, so
/// it would not even pass everywhere.)
fn all_good(claims: &[Claim]) -> bool {
    let mut verifier = Verifier::new();
    for claim in claims {
        let Some(item) = &claim.item else { return false };
        verifier.queue(item.clone());
    }
    verifier.verify(coefficients(claims)).is_ok()
}

/// What the coefficients are drawn from follows from everything in all of the claims. Who knew them before the last of it stood
/// could spoil two signatures so that their errors cancel out.
fn coefficients(claims: &[Claim]) -> ChaCha8Rng {
    let digests: Vec<&[u8]> = claims.iter().map(|claim| claim.digest.0.as_slice()).collect();
    ChaCha8Rng::from_seed(Digest::of_parts(&digests).0)
}

/// Checks an Ed25519 signature by the rule of ZIP 215: S below the group's order, A and R points of the curve, and
/// [8][S]B = [8]R + [8][k]A. The key must be in canonical form and not of small order, under which anything is signed.
pub fn verify_signature(key: PublicKey, message: &[u8], signature: Signature) -> bool {
    Claim::new(key, message, signature).is_good()
}

/// True unless the key is of small order, or its y-coordinate is not below 2²⁵⁵ − 19.
fn stands(key: PublicKey) -> bool {
    let mut y = key.0;
    y[31] &= 0x7f;
    let reduced = y[31] != 0x7f || y[0] < 0xed || y[1..31].iter().any(|byte| *byte != 0xff);
    reduced && !SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keypair;
    use alloc::vec;
    use chacha20::rand_core::Rng as _;
    use proptest::prelude::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        core::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    }

    /// Keys and nonces with a part of small order, signing "pumasi"; also in the tests of docs/auditor and of the page.
    fn cofactor() -> Vec<(PublicKey, Signature)> {
        [
            (
                "e53193c2580a5dd8f7ff537d8d2b58b43125d2ebbfc4393652eb26f4375603df",
                "29d31aca8add8f322c52c2fb7855fbde75e036c3f21c73b1a760ea0bb89a6bf0\
                 c080b66f49fcec9c267b4267fb9890245e8002987b722b3b8a7cf921fdbe660c",
            ),
            (
                "e152fd1d9d09cf39a165f81d10fb55f90747c661789860eed27805719e962479",
                "a8b282039212933b71d5ad87d735e51a673dfed5bc4bf6f9857594858e2583d7\
                 79c1b7a654f506733ca8f0f278ef56701b9c2f66e6d763eafb36159443030a04",
            ),
            (
                "93a5674063c640b89c021bad4612b0ea4d2b63f046a1b5d56326a2828bc030a8",
                "780b5c527d764975ee8f2ef4f1d0022586f4f3e8a36685ef4e372cc31c005de0\
                 fdf4a089d4252589dd642ef09f2fc7fe3b9b82f0e85d5451ff9939fd960b790f",
            ),
        ]
        .map(|(key, signature)| (PublicKey(bytes(key)), Signature(bytes(signature))))
        .to_vec()
    }

    #[test]
    fn the_equation_has_the_cofactor() {
        for (key, signature) in cofactor() {
            assert!(verify_signature(key, b"pumasi", signature));
            assert!(!verify_signature(key, b"pumasj", signature));
        }
    }

    #[test]
    fn a_key_stands_if_it_is_canonical_and_not_of_small_order() {
        let mut high = [0xff; 32];
        high[0] = 0xed;
        for sign in [0, 0x80] {
            for mut y in SMALL_ORDER {
                y[31] |= sign;
                assert!(!stands(PublicKey(y)));
            }
            for (low, expected) in [(0xec, false), (0xed, false), (0xff, false), (0xeb, true)] {
                (high[0], high[31]) = (low, 0x7f | sign);
                assert_eq!(stands(PublicKey(high)), expected);
            }
        }
    }

    proptest! {
        /// Together and alone never differ: good ones, wrong ones, and those on which other rules differ.
        #[test]
        fn many_are_as_good_as_each_alone(
            kinds in prop::collection::vec((0usize..8, 0u8..3), 0..40),
        ) {
            let odd = cofactor();
            let claims: Vec<Claim> = kinds
                .into_iter()
                .map(|(kind, who)| {
                    let pair = Keypair::from_secret(&[who; 32]);
                    let (mut key, mut signature) = (pair.public(), pair.sign_bytes(b"pumasi"));
                    match kind {
                        0 => signature.0[usize::from(who) * 20] ^= 1,
                        1 => key = PublicKey(SMALL_ORDER[usize::from(who)]),
                        2 => (key, signature) = odd[usize::from(who)],
                        3 => key = PublicKey([2; 32]),
                        _ => {}
                    }
                    Claim::new(key, b"pumasi", signature)
                })
                .collect();
            let alone: Vec<bool> = claims.iter().map(Claim::is_good).collect();
            prop_assert_eq!(good(&claims), alone);
        }
    }

    /// `number` + `other`, or less it; 32 bytes, little-endian.
    fn add(number: &mut [u8], other: u128, less: bool) {
        let mut carry = 0;
        for (at, byte) in number.iter_mut().enumerate() {
            let other = other.to_le_bytes().get(at).copied().map_or(0, i32::from);
            let sum = i32::from(*byte) + carry + if less { -other } else { other };
            (*byte, carry) = (sum.to_le_bytes()[0], sum.div_euclid(256));
        }
        assert_eq!(carry, 0);
    }

    /// Four claims of one key. Where their coefficients are known, S₁ + z₂ and S₂ − z₁ are as good together as S₁ and S₂: with
    /// a seed that leaves S out, the forged ones would pass.
    #[test]
    fn the_errors_of_two_signatures_do_not_cancel_out() {
        let pair = Keypair::from_secret(&[1; 32]);
        let signed: Vec<Signature> = (0u8..4).map(|message| pair.sign_bytes(&[message])).collect();
        let claims = |signed: &[Signature]| -> Vec<Claim> {
            let claim = |(message, signature): (u8, &Signature)| Claim::new(pair.public(), &[message], *signature);
            (0u8..4).zip(signed).map(claim).collect()
        };
        let together = |signed: &[Signature], rng: ChaCha8Rng| {
            let mut verifier = Verifier::new();
            claims(signed).into_iter().for_each(|claim| verifier.queue(claim.item.unwrap()));
            verifier.verify(rng).is_ok()
        };
        let known = || coefficients(&claims(&signed));
        let (mut drawn, mut z) = (known(), [[0; 16]; 2]);
        z.iter_mut().for_each(|z| drawn.fill_bytes(z));
        let mut forged = signed.clone();
        add(&mut forged[0].0[32..], u128::from_le_bytes(z[1]), false);
        add(&mut forged[1].0[32..], u128::from_le_bytes(z[0]), true);
        assert!(together(&signed, known()) && together(&forged, known()), "these are the coefficients");
        assert_eq!(good(&claims(&forged)), [false, false, true, true]);
    }

    /// Nothing that is claimed may be left out of the seed: key, either half of a signature, message, and each claim's place.
    #[test]
    fn the_coefficients_follow_from_everything() {
        let pair = Keypair::from_secret(&[1; 32]);
        let whole: Vec<(PublicKey, Vec<u8>, Signature)> =
            (0u8..4).map(|message| (pair.public(), vec![message; 40], pair.sign_bytes(&[message; 40]))).collect();
        let seed = |claims: &[(PublicKey, Vec<u8>, Signature)]| {
            let claims: Vec<_> = claims.iter().map(|(key, message, s)| Claim::new(*key, message, *s)).collect();
            coefficients(&claims).get_seed()
        };
        let mut seeds = vec![seed(&whole), seed(&whole[1..]), seed(&whole[..3])];
        for at in 0..4 {
            for byte in 0..136 {
                let mut other = whole.clone();
                let (key, message, signature) = &mut other[at];
                let place = key.0.iter_mut().chain(message).chain(&mut signature.0).nth(byte).unwrap();
                *place ^= 1;
                seeds.push(seed(&other));
            }
            let mut other = whole.clone();
            other.swap(at, (at + 1) % 4);
            seeds.push(seed(&other));
        }
        let all = seeds.len();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), all, "two have the same seed");
    }

    #[test]
    fn nothing_is_all_good() {
        assert_eq!(good(&[]), vec![]);
    }
}
