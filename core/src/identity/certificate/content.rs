//! What a certificate's file holds.

use super::x509::Certificate;
use super::{pem, pfx};
use crate::error::{Error, Result};

/// The content of a file, by its format.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Pem(&'a str),
    Pfx(&'a [u8]),
}

/// Tells what a file holds by its content.
pub(super) fn sniff(bytes: &[u8]) -> Result<Content<'_>> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && pem::looks_like(text)
    {
        return Ok(Content::Pem(text));
    }
    if Certificate::parse(bytes).is_ok() {
        return Err(Error::invalid_config(
            "The certificate is in DER form, which has no private key: convert it to PEM, with the key beside it or in \
             private_key_path: openssl x509 -inform der -in old.cer -out new.pem",
        ));
    }
    match bytes.first() {
        Some(0x30) if pfx::looks_like(bytes) => Ok(Content::Pfx(bytes)),
        Some(0x30) => Err(Error::invalid_config(
            "The certificate is in DER form and neither a certificate nor a PFX. If it is the private key, give that in \
             PEM, as private_key_path or private_key, and the certificate here.",
        )),
        Some(0xff | 0xfe) => {
            Err(Error::invalid_config("The certificate's file is in UTF-16: save it as UTF-8 or ASCII."))
        }
        Some(b'"' | b'\'') => Err(Error::invalid_config(
            "The certificate stands in quotes: leave them out (az keyvault secret show ... -o tsv prints none).",
        )),
        _ => Err(Error::invalid_config(
            "The certificate is neither in PEM (-----BEGIN ...) nor a PFX, by itself or in base64.",
        )),
    }
}
