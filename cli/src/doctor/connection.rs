//! A connection to the server: TCP, TLS, and commands one after the other.

use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Of connecting, and of each answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// No answer that is asked for here is longer: CLIENT LIST of ten thousand connections has a few megabytes.
const LONGEST: usize = 8 << 20;
/// The decoder calls itself for each array in an array: so many at most, nested or not, fit any stack.
const MOST_ARRAYS: usize = 4_000;

pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, Socket>,
    input: Vec<u8>,
    /// In the input that is not decoded yet.
    arrays: usize,
    /// Why an answer did not come. What comes later may be that one: nothing more is asked.
    lost: Option<(io::ErrorKind, String)>,
}

/// Connects; an error is the system's.
pub(super) fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A read waits until a moment and no longer, however many there are until an answer is whole.
struct Socket {
    stream: TcpStream,
    deadline: Instant,
}

impl io::Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => return Err(io::ErrorKind::TimedOut.into()),
            left => self.stream.set_read_timeout(Some(left))?,
        }
        self.stream.read(buffer)
    }
}

impl io::Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Connection {
    /// Connects with TLS to the server of that name.
    pub(crate) fn open(address: SocketAddr, config: Arc<ClientConfig>, name: &str) -> io::Result<Box<Self>> {
        let stream = tcp(address)?;
        let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidInput, error);
        let name = ServerName::try_from(name.to_owned()).map_err(|error| invalid(error.to_string()))?;
        let mut client = ClientConnection::new(config, name).map_err(|error| invalid(error.to_string()))?;
        let mut stream = Socket { stream, deadline: Instant::now() + PATIENCE };
        while client.is_handshaking() {
            client.complete_io(&mut stream).map_err(in_words)?;
        }
        let stream = StreamOwned::new(client, stream);
        Ok(Box::new(Self { stream, input: Vec::new(), arrays: 0, lost: None }))
    }

    /// Of TLS: the version and the cipher, whose certificate it is, and those that the server shows behind it.
    pub(super) fn described(&self) -> Vec<String> {
        let client = &self.stream.conn;
        let version = match client.protocol_version() {
            Some(tokio_rustls::rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(tokio_rustls::rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS",
        };
        let suite = client.negotiated_cipher_suite();
        let cipher = suite.map_or_else(String::new, |suite| format!(", {:?}", suite.suite()));
        let shown = client.peer_certificates().unwrap_or_default();
        let whose: Vec<_> = shown.iter().map(|shown| entrakey_core::describe_certificate(shown)).collect();
        let mut lines = certificates(&whose);
        if let Some(own) = lines.first_mut() {
            own.insert_str(0, &format!("{version}{cipher}, "));
        }
        lines
    }

    /// Sends a command and reads its answer. The error says which command had none; when one had none, that stays the error
    /// of all that follow.
    pub(crate) fn ask(&mut self, words: &[&str]) -> io::Result<OwnedFrame> {
        if let Some((kind, why)) = &self.lost {
            return Err(io::Error::new(*kind, why.clone()));
        }
        self.exchange(words).map_err(|error| {
            let command = words.first().copied().unwrap_or_default();
            let (kind, why) = (error.kind(), format!("{command} had no answer: {error}"));
            self.lost = Some((kind, why.clone()));
            io::Error::new(kind, why)
        })
    }

    fn exchange(&mut self, words: &[&str]) -> io::Result<OwnedFrame> {
        // One of the words may be a token: what holds it does not move.
        let room = words.iter().map(|word| word.len() + 16).sum::<usize>() + 16;
        let mut request = zeroize::Zeroizing::new(Vec::with_capacity(room));
        request.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            request.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            request.extend_from_slice(word.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        self.stream.write_all(&request).map_err(in_words)?;
        self.stream.flush().map_err(in_words)?;
        self.stream.sock.deadline = Instant::now() + PATIENCE;
        self.read()
    }

    fn read(&mut self) -> io::Result<OwnedFrame> {
        let wrong = |error: &str| io::Error::new(io::ErrorKind::InvalidData, error);
        loop {
            if let Some((frame, length)) = decode(&self.input).map_err(|error| wrong(&error.to_string()))? {
                self.input.drain(..length);
                self.arrays = 0; // nothing is behind an answer
                return Ok(frame);
            }
            let mut buffer = [0; 4096];
            let read = match self.stream.read(&mut buffer).map_err(in_words)? {
                0 => return Err(closed(io::ErrorKind::UnexpectedEof)),
                read => buffer.get(..read).unwrap_or_default(),
            };
            self.arrays += read.iter().filter(|byte| **byte == b'*').count();
            self.input.extend_from_slice(read);
            if self.input.len() > LONGEST || self.arrays > MOST_ARRAYS {
                return Err(wrong("the answer is longer than any that was asked for"));
            }
        }
    }

    /// Whether the server has closed it.
    pub(super) fn is_closed(&mut self) -> bool {
        match self.ask(&["PING"]) {
            Ok(_) => false,
            Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
        }
    }
}

fn silent() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the server said nothing for {} s", PATIENCE.as_secs()))
}

fn closed(kind: io::ErrorKind) -> io::Error {
    io::Error::new(kind, "the server closed the connection")
}

/// The system's words for a time-out and for an end say nothing to anybody.
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => silent(),
        kind @ (io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe) => closed(kind),
        _ => error,
    }
}

/// A line for each certificate that a server shows; the first is its own.
pub(super) fn certificates(whose: &[String]) -> Vec<String> {
    let known =
        |whose: &str| if whose.is_empty() { "that cannot be read".to_owned() } else { whose.to_owned() };
    let introduced = ["certificate"].into_iter().chain(std::iter::repeat("with it the certificate"));
    introduced.zip(whose).map(|(introduced, whose)| format!("{introduced} {}", known(whose))).collect()
}

/// The server's error in an answer, as text.
pub(super) fn refusal(frame: &OwnedFrame) -> Option<&str> {
    match frame {
        OwnedFrame::Error(text) => Some(text),
        _ => None,
    }
}

/// What a port without TLS says to a PING that carries no secret; none if it says nothing that Redis would.
pub(super) fn plain_answer(address: SocketAddr) -> Option<String> {
    let mut stream = tcp(address).ok()?;
    stream.write_all(b"PING\r\n").ok()?;
    let mut buffer = [0; 256];
    let read = stream.read(&mut buffer).ok()?;
    let text = String::from_utf8_lossy(buffer.get(..read)?).into_owned();
    let line = text.lines().next()?.to_owned();
    let is_redis = line.starts_with("+PONG") || line.starts_with("-NOAUTH") || line.starts_with("-ERR");
    is_redis.then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_server_that_says_a_byte_now_and_then_is_not_listened_to_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(&[22, 3, 3, 64, 0]).unwrap(); // a record of 16 KiB
            for _ in 0..24 {
                std::thread::sleep(Duration::from_millis(500));
                if stream.write_all(&[2]).is_err() {
                    return;
                }
            }
        });
        let start = Instant::now();
        let config = ClientConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::ring::default_provider(),
        ));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(tokio_rustls::rustls::RootCertStore::empty());
        let config = Arc::new(config.with_no_client_auth());
        let error = Connection::open(address, config, "localhost").err().unwrap();
        assert!(start.elapsed() < 2 * PATIENCE, "{:?}: {error}", start.elapsed());
        assert!(error.to_string().contains("said nothing"), "{error}");
    }
}
