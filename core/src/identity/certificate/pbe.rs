//! What a password encrypts: PBES2 as it is written today, and the RC2 and triple DES of old PFX files.
//!
//! ring derives the keys (it is in the library anyway); it has no CBC, so that the ciphers are RustCrypto's.

use super::oid::oid;
use super::read_error::ReadError;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _};
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode as _, Tag};
use ring::digest::{self, Context, SHA1_FOR_LEGACY_USE_ONLY};
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA384, PBKDF2_HMAC_SHA512};
use spki::{AlgorithmIdentifierRef, ObjectIdentifier};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const PBES2: ObjectIdentifier = oid("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = oid("1.2.840.113549.1.5.12");
const HMAC_SHA1: ObjectIdentifier = oid("1.2.840.113549.2.7");
const HMAC_SHA256: ObjectIdentifier = oid("1.2.840.113549.2.9");
const HMAC_SHA384: ObjectIdentifier = oid("1.2.840.113549.2.10");
const HMAC_SHA512: ObjectIdentifier = oid("1.2.840.113549.2.11");
const AES128_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.2");
const AES192_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.22");
const AES256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");
const DES_EDE3_CBC: ObjectIdentifier = oid("1.2.840.113549.3.7");
const SHA_3DES_3KEY: ObjectIdentifier = oid("1.2.840.113549.1.12.1.3");
const SHA_3DES_2KEY: ObjectIdentifier = oid("1.2.840.113549.1.12.1.4");
const SHA_RC2_128: ObjectIdentifier = oid("1.2.840.113549.1.12.1.5");
const SHA_RC2_40: ObjectIdentifier = oid("1.2.840.113549.1.12.1.6");

/// So many rounds take some seconds. A file that asks for more is damaged, or made to keep us busy.
const MAX_ROUNDS: u32 = 10_000_000;

/// A password in the two forms that the standards want.
pub(super) struct Password<'a> {
    utf8: &'a str,
    utf16: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // PKCS #12: UTF-16, the high byte first, with a zero at the end.
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        utf16.extend(text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
        Self { utf8: text, utf16 }
    }

    /// No password: some writers take that for an empty one, which has the zero at its end, others for nothing.
    pub(super) fn none() -> Self {
        Self { utf8: "", utf16: Zeroizing::default() }
    }
}

/// The plain text of what `algorithm` and the password encrypted.
pub(super) fn decrypt(
    algorithm: &AlgorithmIdentifierRef<'_>,
    ciphertext: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let parameters = algorithm.parameters.ok_or_else(|| Tag::Sequence.value_error())?;
    match algorithm.oid {
        PBES2 => pbes2(parameters, ciphertext, password),
        SHA_3DES_3KEY => legacy::<des::TdesEde3>(24, parameters, ciphertext, password),
        SHA_3DES_2KEY => legacy::<des::TdesEde2>(16, parameters, ciphertext, password),
        SHA_RC2_128 => legacy::<rc2::Rc2>(16, parameters, ciphertext, password),
        SHA_RC2_40 => legacy::<rc2::Rc2>(5, parameters, ciphertext, password),
        other => Err(ReadError::unsupported(format_args!("an old or rare encryption (PBES1 or {other})"))),
    }
}

/// RFC 8018 §6.2.
fn pbes2(
    parameters: AnyRef<'_>,
    ciphertext: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let (kdf, cipher) = parameters.sequence(|pair| {
        der::Result::Ok((AlgorithmIdentifierRef::decode(pair)?, AlgorithmIdentifierRef::decode(pair)?))
    })?;
    // Other ciphers have other parameters: what is missing here fails with the cipher.
    let iv = cipher.parameters.and_then(|iv| iv.decode_as::<&OctetStringRef>().ok());
    let iv = iv.map(OctetStringRef::as_bytes).unwrap_or_default();
    let key = |length| derived(&kdf, password.utf8, length);
    match cipher.oid {
        AES128_CBC => cbc::<aes::Aes128>(&key(16)?, iv, ciphertext),
        AES192_CBC => cbc::<aes::Aes192>(&key(24)?, iv, ciphertext),
        AES256_CBC => cbc::<aes::Aes256>(&key(32)?, iv, ciphertext),
        DES_EDE3_CBC => cbc::<des::TdesEde3>(&key(24)?, iv, ciphertext),
        other => Err(ReadError::unsupported(format_args!("a rare cipher ({other})"))),
    }
}

/// A key by PBKDF2 (RFC 8018 §5.2, its parameters in appendix A.2).
fn derived(
    kdf: &AlgorithmIdentifierRef<'_>,
    password: &str,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let parameters = match (kdf.oid, kdf.parameters) {
        (PBKDF2, Some(parameters)) => parameters,
        (other, _) => {
            return Err(ReadError::unsupported(format_args!("a rare key derivation (scrypt or {other})")));
        }
    };
    let (salt, rounds, prf) = parameters.sequence(|parameters| {
        let salt = <&OctetStringRef>::decode(parameters)?.as_bytes();
        let rounds = u32::decode(parameters)?;
        Option::<u32>::decode(parameters)?; // the key's length, which the cipher says too
        let prf = Option::<AlgorithmIdentifierRef<'_>>::decode(parameters)?;
        der::Result::Ok((salt, rounds, prf.map_or(HMAC_SHA1, |prf| prf.oid)))
    })?;
    let algorithm = match prf {
        HMAC_SHA1 => PBKDF2_HMAC_SHA1,
        HMAC_SHA256 => PBKDF2_HMAC_SHA256,
        HMAC_SHA384 => PBKDF2_HMAC_SHA384,
        HMAC_SHA512 => PBKDF2_HMAC_SHA512,
        other => {
            return Err(ReadError::unsupported(format_args!("a rare key derivation (PBKDF2 with {other})")));
        }
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(algorithm, bearable(rounds)?, salt, password.as_bytes(), &mut key);
    Ok(key)
}

/// As many rounds as a file may ask for.
fn bearable(rounds: u32) -> Result<NonZeroU32, ReadError> {
    let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MAX_ROUNDS);
    rounds.ok_or_else(|| ReadError::unsupported("a number of rounds beyond any reason"))
}

/// RFC 7292 appendix C: the password encryption of old PFX files.
fn legacy<C: BlockCipherDecrypt + KeyInit>(
    key_length: usize,
    parameters: AnyRef<'_>,
    ciphertext: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let (salt, rounds) = parameters.sequence(|parameters| {
        let salt = <&OctetStringRef>::decode(parameters)?.as_bytes();
        der::Result::Ok((salt, u32::decode(parameters)?))
    })?;
    let derive =
        |purpose, length| pkcs12_key(&SHA1_FOR_LEGACY_USE_ONLY, purpose, password, salt, rounds, length);
    cbc::<C>(&derive(Purpose::Key, key_length)?, &derive(Purpose::Iv, 8)?, ciphertext)
}

fn cbc<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let cipher = Decryptor::<C>::new_from_slices(key, iv).map_err(|_| Tag::OctetString.length_error())?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let plain = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| ReadError::Password)?;
    let length = plain.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// What a key of PKCS #12 is for: the same password and salt give another one for each.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// RFC 7292 appendix B.2, the letters as there.
pub(super) fn pkcs12_key(
    algorithm: &'static digest::Algorithm,
    purpose: Purpose,
    password: &Password<'_>,
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let rounds = bearable(rounds)?.get();
    let v = algorithm.block_len();
    let mut i = Zeroizing::new(Vec::new());
    let padded = |bytes: &[u8]| bytes.len().next_multiple_of(v);
    i.reserve_exact(padded(salt) + padded(&password.utf16));
    for bytes in [salt, &password.utf16] {
        i.extend(bytes.iter().cycle().take(padded(bytes)));
    }
    let mut key = Zeroizing::new(vec![0; length]);
    for part in key.chunks_mut(algorithm.output_len()) {
        let mut context = Context::new(algorithm);
        context.update(&vec![purpose as u8; v]);
        context.update(&i);
        let mut a = context.finish();
        for _ in 1..rounds {
            a = digest::digest(algorithm, a.as_ref());
        }
        part.copy_from_slice(&a.as_ref()[..part.len()]);
        i.chunks_mut(v).for_each(|block| add_one_and(block, a.as_ref()));
    }
    Ok(key)
}

/// `block` + `a`, repeated to its length, + 1: numbers with the high byte first, what overflows dropped.
fn add_one_and(block: &mut [u8], a: &[u8]) {
    let mut carry = 1;
    for (at, byte) in block.iter_mut().enumerate().rev() {
        let sum = u16::from(*byte) + u16::from(a[at % a.len()]) + carry;
        let [high, low] = sum.to_be_bytes();
        *byte = low;
        carry = u16::from(high);
    }
}
