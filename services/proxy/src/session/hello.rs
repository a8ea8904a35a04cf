//! HELLO, whose AUTH is for the proxy and whose rest is for the server.

use super::asking::Request;

/// Its two parts.
pub(super) struct Hello<'a> {
    /// Of each AUTH in it; Redis takes more than one.
    pub(super) passwords: Vec<&'a [u8]>,
    /// All other words.
    pub(super) rest: Vec<&'a [u8]>,
}

/// User and password do not follow an AUTH, or it is longer than any that is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IncompleteAuth;

impl<'a> Hello<'a> {
    pub(super) fn read(request: &'a Request<'_>) -> Result<Self, IncompleteAuth> {
        let mut words = request.words.as_deref().ok_or(IncompleteAuth)?.iter().map(AsRef::as_ref);
        let mut hello = Self { passwords: Vec::new(), rest: words.by_ref().take(2).collect() };
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case(b"auth") {
                let (_user, password) = words.next().zip(words.next()).ok_or(IncompleteAuth)?;
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
