//! Access tokens: RS256 JWTs with the claims of real ones.

mod claims;
mod federated;
mod key;
mod key_ring;
mod mint;
mod verify;

pub(crate) use claims::{CERTIFICATE, NONE, Proof, SECRET};
pub(crate) use claims::{Claims, Issuance};
pub(crate) use federated::{FederatedClaims, Timing};
#[cfg(test)]
pub(crate) use key::SigningKey;
pub(crate) use key_ring::KeyRing;
pub use mint::TokenFault;
pub(crate) use mint::{Mint, MintedToken, TokenScript, mint_federated};
pub(crate) use verify::{Api, verify, verify_for};
