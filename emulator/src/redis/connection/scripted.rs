//! What was scripted for a request.

use super::wire::Wire;
use super::{Ended, until};
use crate::redis::clients::Client;
use crate::redis::faults::{Fault, Point};
use crate::redis::plane::Plane;
use crate::redis::reply::Reply;
use crate::redis::session::refusal;
use bytes::Bytes;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What became of the request.
pub(in crate::redis) enum Happened {
    /// It was late; now it is answered as always.
    Nothing,
    Answer(Reply),
    /// Nothing is answered any more.
    Stalled,
    /// To be closed with a reset.
    Reset,
}

impl Plane {
    /// What was scripted for the request.
    pub(in crate::redis) fn fault(&self, words: &[Bytes]) -> Option<Fault> {
        let name = std::str::from_utf8(words.first()?).ok()?;
        let authenticates = name.eq_ignore_ascii_case("AUTH")
            || name.eq_ignore_ascii_case("HELLO")
                && words.iter().any(|word| word.eq_ignore_ascii_case(b"AUTH"));
        self.faults.next(if authenticates { Point::Auth } else { Point::Command }, name)
    }

    /// Does it. `expires` is when the connection's token does.
    pub(in crate::redis) async fn suffer(
        &self,
        fault: &Fault,
        client: &Client,
        expires: Option<Duration>,
        wire: &mut Wire<TlsStream<TcpStream>>,
    ) -> Result<Happened, Ended> {
        self.witness.log.note(format_args!("a scripted fault at {:?}", fault.on));
        if fault.delay_ms > 0 {
            let sent = wire.flush().await.is_ok(); // what was answered before is not late
            tokio::select! {
                () = tokio::time::sleep(fault.delay()), if sent => (),
                () = until(&self.clock, expires) => return Err(Ended::ByToken),
                () = client.ended.notified() => return Err(Ended::Otherwise),
            }
        }
        if fault.close {
            let _ = wire.finish().await;
            return Err(Ended::Otherwise);
        }
        Ok(match (&fault.error, fault) {
            (_, Fault { reset: true, .. }) => Happened::Reset,
            (_, Fault { stall: true, .. }) => Happened::Stalled,
            (_, Fault { refuse: true, .. }) => {
                Happened::Answer(Reply::error(refusal(self.options.dialect())))
            }
            (Some(text), _) => Happened::Answer(Reply::error(text.clone())),
            _ => Happened::Nothing,
        })
    }
}
