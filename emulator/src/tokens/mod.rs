//! Access tokens: RS256 JWTs with the claims of real ones.

mod claims;
mod key;
mod verify;

pub(crate) use claims::{Claims, for_application, for_managed_identity};
pub(crate) use key::SigningKey;
pub(crate) use verify::verify;
