//! A token source whose answers a test writes, on loopback, and which remembers what it was asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A source on a free port. It answers each request on a thread of its own; ends when dropped.
pub struct Scripted {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Scripted {
    /// A source that answers the n-th request (from 1) with the bytes that `answer` makes for it.
    #[must_use]
    pub fn answering(answer: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(move |number, stream| {
            let _ = stream.write_all(&answer(number)); // a client may go away whenever it likes
        })
    }

    /// A source that does whatever `serve` does with the n-th connection once it has read its request.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn start(serve: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let source = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, serve) = (source.seen.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (seen, serve, mut stream) = (seen.clone(), serve.clone(), stream.unwrap());
                std::thread::spawn(move || {
                    let number = seen.note(head_of(&mut stream));
                    serve(number, &mut stream);
                });
            }
        });
        source
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was asked, heads only.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Seen {
    fn note(&self, request: String) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request);
        requests.len()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.seen.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the thread that accepts, so that it sees the end
    }
}

/// The head of a request; as much as came, if the client went away.
fn head_of(stream: &mut TcpStream) -> String {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.extend(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// The bytes of an answer.
#[must_use]
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} As Scripted\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n"); // into a String: it cannot fail
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

/// A token with these claims, signed by nobody.
#[must_use]
pub fn jwt(claims: &Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// The answer with a good token of "me" that was issued now and lives for `lifetime_s`.
#[must_use]
pub fn token(lifetime_s: u64) -> Vec<u8> {
    let (now, end) = (unix_s(), unix_s() + lifetime_s);
    let claims = json!({"oid": "me", "iat": now, "nbf": now, "exp": end});
    answer(200, &[], &json!({"access_token": jwt(&claims), "expires_in": lifetime_s}).to_string())
}

/// Seconds since the Unix epoch, by this machine's clock.
///
/// # Panics
/// If that clock stands before 1970.
#[must_use]
pub fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
