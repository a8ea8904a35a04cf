//! What a scripted fault does to a request.

use super::{RedisFault, RedisFaultPoint};
use crate::redis::cache::Cache;
use crate::redis::clients::Client;
use crate::redis::connection::{Ending, Wire, until};
use crate::redis::reply::Reply;
use crate::redis::session::refusal;
use bytes::Bytes;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What becomes of the request.
pub(in crate::redis) enum Effect {
    /// The request was delayed; now it gets its real answer.
    Nothing,
    Answer(Reply),
    /// Nothing is answered any more.
    Stalled,
    /// To be closed with a reset.
    Reset,
}

impl Cache {
    /// What was scripted for the request.
    pub(in crate::redis) fn fault(&self, words: &[Bytes]) -> Option<RedisFault> {
        let name = std::str::from_utf8(words.first()?).ok()?;
        let authenticates = name.eq_ignore_ascii_case("AUTH")
            || name.eq_ignore_ascii_case("HELLO")
                && words.iter().any(|word| word.eq_ignore_ascii_case(b"AUTH"));
        self.faults.next(if authenticates { RedisFaultPoint::Auth } else { RedisFaultPoint::Command }, name)
    }

    /// Carries a fault out. `expires` is when the connection's token expires.
    pub(in crate::redis) async fn perform(
        &self,
        fault: &RedisFault,
        client: &Client,
        expires: Option<Duration>,
        wire: &mut Wire<TlsStream<TcpStream>>,
    ) -> Result<Effect, Ending> {
        self.witness.log.note(format_args!("a scripted fault at {:?}", fault.on));
        if fault.delay_ms > 0 {
            let sent = wire.flush().await.is_ok(); // what was answered before is not late
            tokio::select! {
                () = tokio::time::sleep(fault.delay()), if sent => (),
                () = until(&self.clock, expires) => return Err(Ending::ByToken),
                () = client.ended.notified() => return Err(Ending::Otherwise),
            }
        }
        if fault.close {
            let _ = wire.finish().await;
            return Err(Ending::Otherwise);
        }
        Ok(match (&fault.error, fault) {
            (_, RedisFault { reset: true, .. }) => Effect::Reset,
            (_, RedisFault { stall: true, .. }) => Effect::Stalled,
            (_, RedisFault { refuse: true, .. }) => {
                Effect::Answer(Reply::error(refusal(self.options.dialect())))
            }
            (Some(text), _) => Effect::Answer(Reply::error(text.clone())),
            _ => Effect::Nothing,
        })
    }
}
