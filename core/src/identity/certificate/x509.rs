//! What has to be known of a certificate: whose key it has, when it is valid, who issued it. Not whether
//! anybody trusts it: that is for Entra.

use super::oid::RSA;
use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode, Encode as _, FixedTag as _, Reader, SliceReader, Tag, TagMode, TagNumber};
use spki::SubjectPublicKeyInfoRef;
use std::time::Duration;

/// A certificate, taken apart as far as needed.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(super) der: Vec<u8>,
    /// `RSAPublicKey` (PKCS #1); None if the key is of another kind.
    pub(super) public_key: Option<Vec<u8>>,
    /// Since the epoch.
    pub(crate) not_before: Duration,
    pub(crate) not_after: Duration,
    issuer: Vec<u8>,
    subject: Vec<u8>,
}

impl Certificate {
    pub(crate) fn parse(bytes: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(bytes)?;
        let mut certificate = reader.sequence(|outer| {
            let certificate = outer.sequence(to_be_signed)?;
            skip(outer)?; // the signature
            der::Result::Ok(certificate)
        })?;
        reader.finish()?;
        certificate.der = bytes.to_vec();
        Ok(certificate)
    }

    fn issued(&self, other: &Self) -> bool {
        self.subject == other.issuer
    }

    pub(crate) fn is_self_signed(&self) -> bool {
        self.issued(self)
    }

    /// For a sentence: the common name and the organization.
    pub(crate) fn subject_name(&self) -> Option<String> {
        name(&self.subject)
    }

    pub(crate) fn issuer_name(&self) -> Option<String> {
        name(&self.issuer)
    }
}

/// The parts of a name that people know somebody by: CN, O and OU of X.520.
const KNOWN_BY: [&str; 3] = ["2.5.4.3", "2.5.4.10", "2.5.4.11"];

fn name(distinguished: &[u8]) -> Option<String> {
    let attributes = attributes(distinguished).ok()?;
    let of = |oid: &&str| attributes.iter().find(|(found, _)| found == oid).map(|(_, text)| text.as_str());
    let parts: Vec<_> = KNOWN_BY.iter().filter_map(of).take(2).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `RDNSequence` of RFC 5280 §4.1.2.4.
fn attributes(distinguished: &[u8]) -> der::Result<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    let mut reader = SliceReader::new(AnyRef::from_der(distinguished)?.value())?;
    while !reader.is_finished() {
        let mut set = SliceReader::new(AnyRef::decode(&mut reader)?.value())?;
        while !set.is_finished() {
            set.sequence(|attribute| {
                let oid: ObjectIdentifier = Decode::decode(attribute)?;
                let text = String::from_utf8_lossy(AnyRef::decode(attribute)?.value()).into_owned();
                attributes.push((oid.to_string(), text));
                der::Result::Ok(())
            })?;
        }
    }
    Ok(attributes)
}

/// `TBSCertificate` of RFC 5280 §4.1. What is of no use here is not looked at either: a certificate that Entra
/// takes must not fail here for the length of its serial number.
fn to_be_signed<'a>(tbs: &mut SliceReader<'a>) -> der::Result<Certificate> {
    tbs.context_specific::<u8>(TagNumber(0), TagMode::Explicit)?; // version
    AnyRef::decode(tbs)?; // serial number
    AnyRef::decode(tbs)?; // the algorithm of the signature
    let issuer = AnyRef::decode(tbs)?.to_der()?;
    let (not_before, not_after) =
        tbs.sequence(|validity| der::Result::Ok((time(validity)?, time(validity)?)))?;
    let subject = AnyRef::decode(tbs)?.to_der()?;
    let key = SubjectPublicKeyInfoRef::decode(tbs)?;
    skip(tbs)?; // unique ids and extensions
    let public_key = (key.algorithm.oid == RSA).then(|| key.subject_public_key.raw_bytes().to_vec());
    Ok(Certificate { der: Vec::new(), public_key, not_before, not_after, issuer, subject })
}

fn time<'a>(reader: &mut SliceReader<'a>) -> der::Result<Duration> {
    Ok(if Tag::peek(reader)? == UtcTime::TAG {
        UtcTime::decode(reader)?.to_unix_duration()
    } else {
        GeneralizedTime::decode(reader)?.to_unix_duration()
    })
}

/// Passes over whatever is left.
pub(super) fn skip<'a, R: Reader<'a>>(reader: &mut R) -> der::Result<()> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}

/// The leaf first, each certificate after it the issuer of the one before (RFC 7515 §4.1.6). What does not belong
/// to the chain is left out.
pub(super) fn chain(leaf: Certificate, mut others: Vec<Certificate>) -> Vec<Certificate> {
    let mut chain = vec![leaf];
    while let Some(last) = chain.last() {
        others.retain(|other| other.der != last.der);
        let Some(next) = others.iter().position(|other| other.issued(last)) else { break };
        let next = others.remove(next);
        chain.push(next);
    }
    chain
}
