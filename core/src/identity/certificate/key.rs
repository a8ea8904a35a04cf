//! Private keys in every form that people have: PKCS #1, PKCS #8, PKCS #8 encrypted. RSA only, as Entra wants it.

use super::oid::{RSA, oid};
use super::read_error::ReadError;
use super::x509::skip;
use super::{pbe, pem};
use crate::error::{Error, Result};
use der::asn1::OctetStringRef;
use der::{Decode as _, Reader as _, SliceReader};
use pem::Block;
use ring::rsa::KeyPair;
use spki::{AlgorithmIdentifierRef, ObjectIdentifier};
use zeroize::Zeroizing;

const EC: ObjectIdentifier = oid("1.2.840.10045.2.1");

const WHAT: &str = "The private key";
const CONVERT: &str = "openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem";

/// The first private key among the blocks of a PEM text.
pub(super) fn from_pem(blocks: &[Block<'_>], password: Option<&str>) -> Result<KeyPair> {
    let block = blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")).ok_or_else(|| {
        Error::invalid_config(
            "There is no private key: set private_key_path, or give a PEM file that holds it too.",
        )
    })?;
    if block.has_headers() {
        let old = "OpenSSL's old encryption (Proc-Type: 4,ENCRYPTED)";
        return Err(ReadError::unsupported(old).about(WHAT, password, CONVERT));
    }
    match block.label {
        "RSA PRIVATE KEY" => pkcs1(&block.contents()?),
        "PRIVATE KEY" => pkcs8(&block.contents()?),
        "ENCRYPTED PRIVATE KEY" => encrypted(&block.contents()?, password),
        "EC PRIVATE KEY" => Err(not_rsa("an elliptic curve key")),
        "DSA PRIVATE KEY" => Err(not_rsa("a DSA key")),
        _ => {
            Err(ReadError::unsupported("an unusual format (such as OpenSSH's)")
                .about(WHAT, password, CONVERT))
        }
    }
}

fn encrypted(bytes: &[u8], password: Option<&str>) -> Result<KeyPair> {
    let about = |fault: ReadError| fault.about(WHAT, password, CONVERT);
    let plain = decrypted(bytes, password.unwrap_or_default()).map_err(about)?;
    // One wrong password in 256 leaves a padding that looks right, and nonsense before it.
    if parse(&plain).is_err() {
        return Err(about(ReadError::Password));
    }
    pkcs8(&plain)
}

/// `EncryptedPrivateKeyInfo` of RFC 5958 §3.
fn decrypted(bytes: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    SliceReader::new(bytes)?.sequence(|info| {
        let algorithm = AlgorithmIdentifierRef::decode(info)?;
        let ciphertext = <&OctetStringRef>::decode(info)?;
        pbe::decrypt(&algorithm, ciphertext.as_bytes(), &pbe::Password::new(password))
    })
}

/// A key in `PrivateKeyInfo`.
pub(super) fn pkcs8(bytes: &[u8]) -> Result<KeyPair> {
    let (algorithm, key) = parse(bytes).map_err(|error| error.about(WHAT, None, CONVERT))?;
    match algorithm {
        RSA => pkcs1(key),
        EC => Err(not_rsa("an elliptic curve key")),
        other => Err(not_rsa(&format!("a key of another algorithm ({other})"))),
    }
}

/// `PrivateKeyInfo` of RFC 5958 §2: algorithm and key. Windows adds attributes, which do not matter.
fn parse(bytes: &[u8]) -> Result<(ObjectIdentifier, &[u8]), ReadError> {
    SliceReader::new(bytes)?.sequence(|info| {
        u8::decode(info)?; // version
        let algorithm = AlgorithmIdentifierRef::decode(info)?;
        let key = <&OctetStringRef>::decode(info)?;
        skip(info)?;
        Ok((algorithm.oid, key.as_bytes()))
    })
}

/// A key in `RSAPrivateKey`.
fn pkcs1(bytes: &[u8]) -> Result<KeyPair> {
    KeyPair::from_der(bytes).map_err(|rejected| {
        // ring's reason is one of a few words: InvalidEncoding, TooSmall, InconsistentComponents.
        Error::invalid_config(format!(
            "{WHAT} is not a usable RSA key ({rejected}): it must have 2048 to 4096 bits and an exponent from 65537."
        ))
    })
}

fn not_rsa(what: &str) -> Error {
    Error::invalid_config(format!(
        "{WHAT} is {what}: Entra takes RSA only. Make a new certificate: openssl req -x509 -newkey rsa:2048 ..."
    ))
}
