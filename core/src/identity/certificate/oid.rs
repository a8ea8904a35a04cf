//! Names of algorithms and of structures (ASN.1 object identifiers).

use spki::ObjectIdentifier;

/// `rsaEncryption` of PKCS #1, which names a key; what it is used for does not matter.
pub(super) const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");

pub(super) const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}
