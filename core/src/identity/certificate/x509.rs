//! What has to be known of a certificate: whose key it has, when it is valid, who issued it. Not whether
//! anybody trusts it: that is for Entra.

use super::RSA;
use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode, Encode as _, FixedTag as _, Reader, SliceReader, Tag, TagMode, TagNumber};
use spki::SubjectPublicKeyInfoRef;
use std::time::Duration;

/// A certificate, taken apart as far as needed.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    /// `RSAPublicKey` (PKCS #1); None if the key is of another kind.
    pub(super) public_key: Option<Vec<u8>>,
    /// Since the epoch.
    pub(super) not_before: Duration,
    pub(super) not_after: Duration,
    issuer: Vec<u8>,
    subject: Vec<u8>,
}

impl Certificate {
    pub(super) fn parse(bytes: &[u8]) -> der::Result<Self> {
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

/// Over whatever is left.
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
