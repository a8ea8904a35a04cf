//! Certificates with their private keys: read in every form that people have, and made into client assertions.

mod assertion;
mod client_certificate;
mod content;
mod key;
mod oid;
mod pbe;
mod pem;
mod pfx;
mod read_error;
mod signer;
#[cfg(test)]
mod tests;
mod x509;

pub(super) use signer::{Signer, stamp};
pub(crate) use x509::Certificate;
