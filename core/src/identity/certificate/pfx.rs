//! PFX (PKCS #12, RFC 7292): keys and certificates in one file, each part encrypted with a password.
//!
//! `p12-keystore` reads them too, but brings a second ASN.1 library and twice the size, and reads neither BER
//! (NSS, older macOS) nor RC2 of 128 bits. So the few structures are here, on RustCrypto's `der`.

use super::oid::oid;
use super::pbe::{self, Password, Purpose};
use super::read_error::ReadError;
use super::x509::skip;
use der::asn1::{AnyRef, ContextSpecific, OctetString};
use der::{Decode, DecodeValue, Encode as _, Header, Reader, Sequence, Tag, TagMode, TagNumber};
use ring::hmac;
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, ObjectIdentifier};
use zeroize::Zeroizing;

const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
const X509: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");

/// The digests of the authentication codes of PFX files.
const HMACS: [(ObjectIdentifier, hmac::Algorithm); 4] = [
    (oid("1.3.14.3.2.26"), hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
    (oid("2.16.840.1.101.3.4.2.1"), hmac::HMAC_SHA256),
    (oid("2.16.840.1.101.3.4.2.2"), hmac::HMAC_SHA384),
    (oid("2.16.840.1.101.3.4.2.3"), hmac::HMAC_SHA512),
];

/// What a PFX holds.
#[derive(Default)]
pub(super) struct Contents {
    /// `PrivateKeyInfo` each.
    pub(super) keys: Vec<Zeroizing<Vec<u8>>>,
    pub(super) certificates: Vec<Vec<u8>>,
}

/// Whether the bytes begin as a PFX does: a SEQUENCE whose first part is the number 3. The first part of a certificate is
/// another SEQUENCE, that of a key the number 0 or 1. The length in between may have any form of BER.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else { return false };
    let more = if *length > 0x80 { usize::from(length & 0x7f) } else { 0 };
    rest.get(more..).is_some_and(|contents| contents.starts_with(&[2, 1, 3]))
}

/// Opens a PFX. No password stands for an empty one, which has two forms.
pub(super) fn open(bytes: &[u8], password: Option<&str>) -> Result<Contents, ReadError> {
    let pfx = Pfx::from_ber(bytes)?;
    let Content::Plain(safes) = &pfx.safes else {
        return Err(ReadError::unsupported("a signature in place of a password"));
    };
    let password = pfx.password(safes.as_bytes(), password.unwrap_or_default())?;
    let mut contents = Contents::default();
    for safe in Vec::<Content>::from_ber(safes.as_bytes())? {
        let bags = match safe {
            Content::Plain(bags) => Zeroizing::new(bags.into_bytes().into_vec()),
            Content::Encrypted(it) => it.decrypt(&password)?,
            Content::Other(it) => {
                return Err(ReadError::unsupported(format_args!("a rare kind of content ({it})")));
            }
        };
        for bag in Vec::<Bag>::from_ber(&bags)? {
            contents.add(bag, &password)?;
        }
    }
    Ok(contents)
}

impl Contents {
    fn add(&mut self, bag: Bag, password: &Password<'_>) -> Result<(), ReadError> {
        match bag {
            Bag::Key(key) => self.keys.push(key),
            Bag::EncryptedKey(it) => self.keys.push(it.decrypt(password)?),
            Bag::Certificate(it) => self.certificates.push(it),
            Bag::Other => {}
        }
        Ok(())
    }
}

/// `PFX` of RFC 7292 §4.
struct Pfx {
    safes: Content,
    mac: Option<Mac>,
}

impl Pfx {
    /// The password in the form that the file's authentication code takes; in the usual one if there is no code.
    fn password<'a>(&self, safes: &[u8], text: &'a str) -> Result<Password<'a>, ReadError> {
        let password = Password::new(text);
        let Some(mac) = &self.mac else { return Ok(password) };
        if mac.fits(safes, &password)? {
            return Ok(password);
        }
        let none = Password::none();
        if text.is_empty() && mac.fits(safes, &none)? { Ok(none) } else { Err(ReadError::Password) }
    }
}

impl<'a> DecodeValue<'a> for Pfx {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        u8::decode(reader)?; // version
        Ok(Self { safes: reader.decode()?, mac: reader.decode()? })
    }
}

impl Sequence<'_> for Pfx {}

/// `MacData`: what tells a wrong password.
struct Mac {
    algorithm: ObjectIdentifier,
    digest: OctetString,
    salt: OctetString,
    rounds: u32,
}

impl Mac {
    fn fits(&self, safes: &[u8], password: &Password<'_>) -> Result<bool, ReadError> {
        let Some((_, algorithm)) = HMACS.iter().find(|(oid, _)| *oid == self.algorithm) else {
            return Err(ReadError::unsupported(format_args!(
                "a rare authentication code ({})",
                self.algorithm
            )));
        };
        let digest = algorithm.digest_algorithm();
        let salt = self.salt.as_bytes();
        let key = pbe::pkcs12_key(digest, Purpose::Mac, password, salt, self.rounds, digest.output_len())?;
        let key = hmac::Key::new(*algorithm, &key);
        Ok(hmac::verify(&key, safes, self.digest.as_bytes()).is_ok())
    }
}

impl<'a> DecodeValue<'a> for Mac {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        let (algorithm, digest) = reader.sequence(|info| {
            let algorithm = AlgorithmIdentifierRef::decode(info)?;
            der::Result::Ok((algorithm.oid, OctetString::decode(info)?))
        })?;
        let salt = reader.decode()?;
        let rounds = Option::<u32>::decode(reader)?.unwrap_or(1);
        Ok(Self { algorithm, digest, salt, rounds })
    }
}

impl Sequence<'_> for Mac {}

/// `ContentInfo` of CMS, as far as a PFX uses it.
enum Content {
    Plain(OctetString),
    Encrypted(Encrypted),
    Other(ObjectIdentifier),
}

impl<'a> DecodeValue<'a> for Content {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        Ok(match reader.decode()? {
            DATA => Self::Plain(tagged(reader)?),
            ENCRYPTED_DATA => Self::Encrypted(tagged::<EncryptedData, _>(reader)?.0),
            other => {
                skip(reader)?;
                Self::Other(other)
            }
        })
    }
}

impl Sequence<'_> for Content {}

/// A ciphertext, and what encrypted it.
struct Encrypted {
    algorithm: AlgorithmIdentifierOwned,
    ciphertext: OctetString,
}

impl Encrypted {
    fn decrypt(&self, password: &Password<'_>) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        pbe::decrypt(&(&self.algorithm).into(), self.ciphertext.as_bytes(), password)
    }
}

/// `EncryptedPrivateKeyInfo`.
impl<'a> DecodeValue<'a> for Encrypted {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        Ok(Self { algorithm: reader.decode()?, ciphertext: reader.decode()? })
    }
}

impl Sequence<'_> for Encrypted {}

/// `EncryptedData` of CMS.
struct EncryptedData(Encrypted);

impl<'a> DecodeValue<'a> for EncryptedData {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        u8::decode(reader)?; // version
        let encrypted = reader.sequence(|info| {
            AnyRef::decode(info)?; // what was encrypted: data
            let algorithm = info.decode()?;
            let ciphertext = info.context_specific(TagNumber(0), TagMode::Implicit)?;
            let ciphertext = ciphertext.ok_or_else(|| Tag::OctetString.value_error())?;
            der::Result::Ok(Encrypted { algorithm, ciphertext })
        })?;
        skip(reader)?; // attributes
        Ok(Self(encrypted))
    }
}

impl Sequence<'_> for EncryptedData {}

/// `SafeBag`: one thing in a PFX.
enum Bag {
    Key(Zeroizing<Vec<u8>>),
    EncryptedKey(Encrypted),
    Certificate(Vec<u8>),
    Other,
}

impl<'a> DecodeValue<'a> for Bag {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        let bag = match reader.decode()? {
            KEY_BAG => Self::Key(Zeroizing::new(tagged::<AnyRef<'_>, _>(reader)?.to_der()?)),
            SHROUDED_KEY_BAG => Self::EncryptedKey(tagged(reader)?),
            CERTIFICATE_BAG => match tagged::<Typed, _>(reader)? {
                Typed { kind: X509, value } => Self::Certificate(value.into_bytes().into_vec()),
                Typed { .. } => Self::Other,
            },
            _ => Self::Other,
        };
        skip(reader)?; // attributes
        Ok(bag)
    }
}

impl Sequence<'_> for Bag {}

/// `CertBag`: a certificate of some kind.
struct Typed {
    kind: ObjectIdentifier,
    value: OctetString,
}

impl<'a> DecodeValue<'a> for Typed {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        Ok(Self { kind: reader.decode()?, value: tagged(reader)? })
    }
}

impl Sequence<'_> for Typed {}

/// What stands in an explicit `[0]`.
fn tagged<'a, T: Decode<'a, Error = der::Error>, R: Reader<'a>>(reader: &mut R) -> der::Result<T> {
    Ok(ContextSpecific::<T>::decode(reader)?.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p12_keystore::{EncryptionAlgorithm, KeyStore};

    /// A PFX without anything in it, and its parts.
    fn empty(password: &str) -> (Vec<u8>, Pfx) {
        let store = KeyStore::new();
        let writer =
            store.writer(password).encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256);
        let bytes = writer.mac_iterations(3).write().unwrap();
        let pfx = Pfx::from_ber(&bytes).unwrap();
        (bytes, pfx)
    }

    fn octets(value: &[u8]) -> Vec<u8> {
        OctetString::new(value).unwrap().to_der().unwrap()
    }

    /// In BER: a length that is not said before, and a string in pieces.
    fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        [&[tag, 0x80], parts.concat().as_slice(), &[0, 0]].concat()
    }

    /// The code of `safes` with a password, made as `mac` says.
    fn code(mac: &Mac, safes: &[u8], password: &Password<'_>) -> hmac::Tag {
        let (digest, salt) = (&ring::digest::SHA256, mac.salt.as_bytes());
        let key = pbe::pkcs12_key(digest, Purpose::Mac, password, salt, mac.rounds, 32).unwrap();
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), safes)
    }

    /// `bytes` with another code.
    fn with_code(bytes: &[u8], mac: &Mac, code: &hmac::Tag) -> Vec<u8> {
        let at = bytes.windows(32).position(|window| window == mac.digest.as_bytes()).unwrap();
        [&bytes[..at], code.as_ref(), &bytes[at + 32..]].concat()
    }

    #[test]
    fn no_password_may_also_be_nothing_at_all() {
        let (bytes, pfx) = empty("");
        let Content::Plain(safes) = &pfx.safes else { panic!() };
        let (mac, safes) = (pfx.mac.unwrap(), safes.as_bytes());
        assert_eq!(code(&mac, safes, &Password::new("")).as_ref(), mac.digest.as_bytes());
        // As Windows may write it: the code's key made from no bytes, where others take the two zeros of "".
        let bytes = with_code(&bytes, &mac, &code(&mac, safes, &Password::none()));
        assert!(open(&bytes, None).is_ok());
        assert!(matches!(open(&bytes, Some("x")), Err(ReadError::Password)));
    }

    #[test]
    fn ber_is_read_too() {
        let (bytes, pfx) = empty("secret");
        let Content::Plain(safes) = &pfx.safes else { panic!() };
        let (mac, safes) = (pfx.mac.unwrap(), safes.as_bytes());
        let inner = indefinite(0x30, &[AnyRef::try_from(safes).unwrap().value()]);
        let (head, tail) = inner.split_at(5);
        let string = indefinite(0x24, &[&octets(head), &octets(tail)]);
        let data = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
        let content = indefinite(0x30, &[data, &indefinite(0xa0, &[&string])]);
        let code = code(&mac, &inner, &Password::new("secret"));
        let at = bytes.windows(safes.len()).position(|window| window == safes).unwrap() + safes.len();
        let mac = with_code(&bytes[at..], &mac, &code);
        let ber = indefinite(0x30, &[b"\x02\x01\x03", &content, &mac]);
        open(&ber, Some("secret")).map(drop).unwrap();
        assert!(matches!(open(&ber, Some("wrong")), Err(ReadError::Password)));
    }

    #[test]
    fn a_file_cannot_keep_us_busy() {
        let (_, mut pfx) = empty("secret");
        pfx.mac.as_mut().unwrap().rounds = 2_000_000_000;
        let refused = pfx.password(b"", "secret").err();
        assert!(matches!(refused, Some(ReadError::Unsupported(it)) if it.contains("rounds")));
    }
}
