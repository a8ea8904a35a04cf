//! RSA keys in a third of the time that the crate `rsa` takes: a suite that starts an emulator for
//! each test waits for up to three of them each time.
//!
//! The difference is in the search for primes: more candidates are sieved out before the first costly test, and
//! the one that passes is tested five times and not twenty, which for random numbers of this size leaves less
//! than one in 2^100 to chance. Good for tokens that only tests believe.

use rsa::rand_core::{OsRng, RngCore as _};
use rsa::{BigUint, RsaPrivateKey};

/// Of each prime: the keys have 2048 bits, as Entra's have.
const PRIME_BYTES: usize = 128;
/// Candidates are sieved by the primes below.
const SIEVE: usize = 1 << 14;
/// How far from a random start to look before another is drawn.
const REACH: usize = 1 << 13;
const EXPONENT: u32 = 65537;

/// A key of 2048 bits.
pub(crate) fn new_rsa_key() -> rsa::Result<RsaPrivateKey> {
    let small = small_primes();
    let (p, q) = std::thread::scope(|scope| {
        let other = scope.spawn(|| prime(&small));
        let one = prime(&small);
        (other.join().unwrap_or_else(|_| prime(&small)), one)
    });
    RsaPrivateKey::from_p_q((&p).max(&q).clone(), p.min(q), BigUint::from(EXPONENT))
}

/// The odd ones below the sieve's limit.
fn small_primes() -> Vec<usize> {
    let mut composite = vec![false; SIEVE];
    let mut primes = Vec::new();
    for number in (3..SIEVE).step_by(2) {
        if composite.get(number) == Some(&false) {
            primes.push(number);
            let multiples = composite.iter_mut().skip(number * number).step_by(number);
            multiples.for_each(|multiple| *multiple = true);
        }
    }
    primes
}

fn prime(small: &[usize]) -> BigUint {
    loop {
        let mut bytes = [0; PRIME_BYTES];
        OsRng.fill_bytes(&mut bytes);
        bytes[0] |= 0xC0; // so that the product of two has all its bits
        bytes[PRIME_BYTES - 1] |= 1;
        let start = BigUint::from_bytes_be(&bytes);
        let found = sieved(&bytes, small).into_iter().map(|step| &start + step).find(is_fit);
        if let Some(prime) = found {
            return prime;
        }
    }
}

/// The even steps from a number to those without a small factor.
fn sieved(start: &[u8], small: &[usize]) -> Vec<usize> {
    let mut composite = vec![false; REACH];
    for prime in small {
        let rest = start.iter().fold(0, |rest, byte| (rest * 256 + usize::from(*byte)) % prime);
        let first = (prime - rest) % prime;
        composite.iter_mut().skip(first).step_by(*prime).for_each(|multiple| *multiple = true);
    }
    composite
        .iter()
        .enumerate()
        .step_by(2)
        .filter(|(_, composite)| !**composite)
        .map(|(step, _)| step)
        .collect()
}

/// Prime, and with an inverse of the exponent.
fn is_fit(candidate: &BigUint) -> bool {
    let invertible = candidate % EXPONENT != BigUint::from(1_u32);
    invertible && [2, 3, 5, 7, 11].into_iter().all(|base| is_probably_prime(candidate, base))
}

/// One round of Miller and Rabin, for odd candidates.
fn is_probably_prime(candidate: &BigUint, base: u32) -> bool {
    let one = BigUint::from(1_u32);
    let minus_one = candidate - &one;
    let twos = minus_one.trailing_zeros().unwrap_or_default();
    let mut power = BigUint::from(base).modpow(&(&minus_one >> twos), candidate);
    if power == one || power == minus_one {
        return true;
    }
    (1..twos).any(|_| {
        power = (&power * &power) % candidate;
        power == minus_one
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::traits::PublicKeyParts as _;

    #[test]
    fn primes_are_told_from_composites() {
        let verdict = |number: u64| is_probably_prime(&BigUint::from(number), 3);
        for prime in [7, 13, 104_729, 2_147_483_647, 18_446_744_073_709_551_557] {
            assert!(verdict(prime), "{prime}");
        }
        // 2^64 - 1, a Carmichael number, a product of two primes
        for composite in [9, 15, 561, 18_446_744_073_709_551_615, 104_729 * 104_723] {
            assert!(!verdict(composite), "{composite}");
        }
        let small = small_primes();
        assert_eq!(small[..5], [3, 5, 7, 11, 13]);
        assert_eq!(small.len(), 1899);
        // From 65537: neither 65541 = 3 · 21847 nor 65545 = 5 · 13109.
        assert_eq!(sieved(&[1, 0, 1], &[3, 5])[..5], [0, 2, 6, 12, 14]);
    }

    #[test]
    fn keys_are_whole_and_of_the_size_that_they_should_have() {
        for _ in 0..5 {
            let key = new_rsa_key().unwrap();
            key.validate().unwrap();
            assert_eq!(key.n().bits(), 2048);
        }
    }
}
