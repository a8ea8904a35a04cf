//! Makes an authenticated connection to the server: address, TCP, TLS, AUTH.

use crate::credentials::Credentials;
use crate::dial_error::{DialError, DialFailure, ask_the_doctor};
use crate::scan::Frame;
use crate::stream::Stream;
use crate::upstream::Upstream;
use crate::wire;
use entrakey_core::describe_tls_error;
use entrakey_service::keep_alive;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// Bytes that nobody acknowledges for so long were sent to nobody: the system itself waits a quarter of an hour. On Linux a
/// silent server is given up after this time too (tcp(7)).
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(120);
/// Of what answers an AUTH or another question of ours.
const LONGEST_ANSWER: usize = 1 << 20;

/// An address of the server, connected.
pub(crate) async fn connect(
    upstream: &Upstream,
    deadline: Instant,
) -> Result<(Stream, SocketAddr), DialError> {
    let found = timeout_at(deadline, lookup_host((upstream.host.as_str(), upstream.port))).await;
    let found = found.map_err(|_| timed_out(upstream, "the look-up of its name has brought no address"))?;
    let addresses: Vec<_> = found.map_err(|error| unresolved(upstream, &error))?.collect();
    let mut last = unresolved(upstream, &io::ErrorKind::NotFound.into());
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for (at, address) in (0..).zip(addresses) {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = Instant::now() + left / (count - at).max(1);
        match connect_to(upstream, address, share).await {
            Ok(stream) => return Ok((stream, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// This very address of it: the node that another connection is on.
pub(crate) async fn connect_to(
    upstream: &Upstream,
    address: SocketAddr,
    deadline: Instant,
) -> Result<Stream, DialError> {
    let connected = timeout_at(deadline, TcpStream::connect(address)).await;
    let connected =
        connected.map_err(|_| timed_out(upstream, &format!("{address} did not answer a TCP connect")))?;
    let stream = connected.map_err(|error| {
        let advice = "check host, port and firewall (Azure Managed Redis listens on port 10000, Azure Cache for Redis on 6380)";
        DialError::new(DialFailure::Connect, true, format!("{upstream}: no TCP connection to {address}: {error}; {advice}."))
    })?;
    let _ = set_options(&stream); // it works without, if not as well
    match &upstream.tls {
        None => Ok(Stream::Plain(stream)),
        Some((config, name)) => {
            let shaken = timeout_at(deadline, shake(stream, config.clone(), name.clone())).await;
            let silent = "it took a TCP connection but does not answer TLS: check that this is its TLS port";
            shaken.map_err(|_| timed_out(upstream, silent))?.map_err(|error| tls_failed(upstream, &error))
        }
    }
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    keep_alive(stream)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

async fn shake(
    stream: TcpStream,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> io::Result<Stream> {
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(Stream::Tls(Box::new(stream)))
}

/// Signs in. An error is what the server said; of I/O another one.
pub(crate) async fn sign_in(
    stream: &mut Stream,
    credentials: &Credentials,
) -> io::Result<Result<(), String>> {
    stream.write_all(&credentials.request).await?;
    stream.flush().await?;
    let reply = read_reply(stream).await?;
    match wire::error_text(&reply) {
        Some(message) => Ok(Err(message)),
        None if reply == b"+OK\r\n" => Ok(Ok(())),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "what is no answer to it")),
    }
}

/// The connection was lost while this was to be answered.
pub(crate) fn lost(upstream: &Upstream, asked: &str, error: &io::Error) -> DialError {
    let what = match error.kind() {
        _ if is_end(error) => format!("the server ended the connection instead of answering {asked}"),
        io::ErrorKind::InvalidData => format!("the server answered {asked} with {error}"),
        _ => format!("the connection was lost before {asked} was answered ({error})"),
    };
    DialError::new(DialFailure::Tls, true, format!("{upstream}: {what}; {}.", ask_the_doctor(upstream)))
}

/// Asks, and reads the answer. For a connection on which nothing else is going on.
pub(crate) async fn ask<W: AsRef<[u8]>>(stream: &mut Stream, words: &[W]) -> io::Result<Vec<u8>> {
    stream.write_all(&wire::request(words)).await?;
    stream.flush().await?;
    read_reply(stream).await
}

/// One whole reply, and nothing behind it.
pub(crate) async fn read_reply(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let (mut reply, mut at, mut frame) = (Vec::new(), 0, Frame::default());
    loop {
        let wrong = |_| io::Error::new(io::ErrorKind::InvalidData, "what is no reply of a Redis");
        at += frame.advance(reply.get(at..).unwrap_or_default()).map_err(wrong)?;
        if at > 0 && frame.is_complete() {
            return Ok(reply);
        }
        if reply.len() > LONGEST_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than it should"));
        }
        // Byte by byte past the first ones: what is behind a reply belongs to another.
        let byte = stream.read_u8().await?;
        reply.push(byte);
    }
}

/// Whether the other side has ended the connection, in whichever way.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

pub(crate) fn timed_out(upstream: &Upstream, what: &str) -> DialError {
    let seconds = upstream.connect_timeout.as_secs_f64();
    DialError::new(
        DialFailure::Timeout,
        true,
        format!("{upstream}: not connected within {seconds} s: {what}; {}.", ask_the_doctor(upstream)),
    )
}

fn unresolved(upstream: &Upstream, error: &io::Error) -> DialError {
    let message = format!(
        "{upstream}: the name {} has no address: {error}; check its spelling and the DNS.",
        upstream.host
    );
    DialError::new(DialFailure::Resolve, true, message)
}

fn tls_failed(upstream: &Upstream, error: &io::Error) -> DialError {
    let address = upstream.to_string();
    let (failure, may_heal, message) = match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(refused @ rustls::Error::InvalidCertificate(_)) => {
            (DialFailure::Certificate, false, describe_tls_error(refused, &address))
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            let what = "does not speak TLS on this port; Azure Managed Redis does on 10000, Azure Cache for Redis on 6380";
            (DialFailure::NotTls, false, format!("{address} {what}."))
        }
        Some(other) => (DialFailure::Tls, true, describe_tls_error(other, &address)),
        None if is_end(error) => {
            let what = "took a TCP connection and ended it instead of answering TLS: check that this is its TLS port (Azure \
                Managed Redis: 10000, Azure Cache for Redis: 6380)";
            (DialFailure::Tls, true, format!("{address} {what}; {}.", ask_the_doctor(upstream)))
        }
        None => {
            let advice = ask_the_doctor(upstream);
            (DialFailure::Tls, true, format!("TLS with {address} failed: {error}; {advice}."))
        }
    };
    DialError::new(failure, may_heal, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::emulated;
    use rustls::HandshakeKind;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_server_that_has_vanished_is_noticed_and_nothing_waits_to_be_sent_in_larger_pieces() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream::plaintext("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
        let (stream, _) = connect(&upstream, Instant::now() + Duration::from_secs(20)).await.unwrap();
        let Stream::Plain(stream) = stream else { panic!("TLS") };
        let socket = SockRef::from(&stream);
        let options =
            (socket.tcp_user_timeout().unwrap(), socket.keepalive().unwrap(), stream.nodelay().unwrap());
        assert_eq!(options, (Some(Duration::from_secs(120)), true, true));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_second_handshake_with_a_server_resumes_the_first_ones_session() {
        let emulated = emulated::start().await;
        let shared = &emulated.proxy.shared;
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let authenticated = shared.dial(None, &mut None).await.unwrap(); // reads what a session is resumed with, too
            let Stream::Tls(stream) = authenticated.stream else { panic!("no TLS") };
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(expected));
        }
    }
}
