//! What holds for the connections that use a provider's token, whatever client and language they are of.

mod privacy;
mod refusal;

pub use privacy::check_plaintext;
pub use refusal::Refusal;
