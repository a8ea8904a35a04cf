//! What holds for the connections that use a provider's token, whatever client and language they are of.

mod connection;
mod forbidden;
mod ledger;
mod privacy;
mod refusal;

pub use connection::Connection;
pub use forbidden::Forbidden;
pub(crate) use ledger::Ledger;
pub use privacy::check_plaintext;
pub use refusal::Refusal;

use crate::provider::GetToken;
use crate::refresh::DuringOutage;
use std::time::Duration;

/// How a client's hook asks for the token of a connection that it is opening. Clients give a connect a few seconds, and
/// try again by themselves: the first of them waits for a source that is slow, none for one that is known to be down.
pub const WHILE_CONNECTING: GetToken =
    GetToken { timeout: Some(Duration::from_secs(5)), during_outage: DuringOutage::Report };
