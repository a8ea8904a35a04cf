//! What holds for the connections that use a provider's token, whatever client and language they are of.

mod refusal;

pub use refusal::Refusal;
