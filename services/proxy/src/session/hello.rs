//! HELLO, whose AUTH is for the proxy and whose rest is for the server.

use super::asking::Request;
use crate::owed::Protocol;

const NO_INTEGER: &[u8] = b"-ERR Protocol version is not an integer or out of range\r\n";
const NO_PROTOCOL: &[u8] = b"-NOPROTO unsupported protocol version\r\n";
const INCOMPLETE_AUTH: &[u8] = b"-ERR Syntax error in HELLO option 'AUTH'\r\n";

/// Its parts.
pub(super) struct Hello<'a> {
    /// The protocol that it changes to, if it does.
    pub(super) protocol: Option<Protocol>,
    /// Of each AUTH in it; Redis takes more than one.
    pub(super) passwords: Vec<&'a [u8]>,
    /// All other words.
    pub(super) rest: Vec<&'a [u8]>,
}

impl<'a> Hello<'a> {
    /// # Errors
    /// What Redis answers: it looks at the version first, and with a wrong one signs nobody in.
    pub(super) fn read(request: &'a Request<'_>) -> Result<Self, &'static [u8]> {
        let words = request.words.as_deref().ok_or(INCOMPLETE_AUTH)?; // longer than any that is read
        let mut words = words.iter().map(AsRef::as_ref);
        let rest: Vec<_> = words.by_ref().take(2).collect();
        let protocol = rest.get(1).map(|version| protocol(version)).transpose()?;
        let mut hello = Self { protocol, passwords: Vec::new(), rest };
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case(b"auth") {
                let (_user, password) = words.next().zip(words.next()).ok_or(INCOMPLETE_AUTH)?;
                hello.passwords.push(password);
                continue;
            }
            hello.rest.push(word);
            if word.eq_ignore_ascii_case(b"setname") {
                hello.rest.extend(words.next());
            }
        }
        Ok(hello)
    }
}

fn protocol(version: &[u8]) -> Result<Protocol, &'static [u8]> {
    // Redis reads no sign and no leading zero.
    let is_exact = |number: &i64| number.to_string().as_bytes() == version;
    let number = std::str::from_utf8(version).ok().and_then(|text| text.parse().ok()).filter(is_exact);
    match number {
        Some(2) => Ok(Protocol::Two),
        Some(3) => Ok(Protocol::Three),
        Some(_) => Err(NO_PROTOCOL),
        None => Err(NO_INTEGER),
    }
}
