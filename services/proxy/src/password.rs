//! The password that clients give to the proxy: of this machine only, never sent on.

use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What a client's `AUTH` must say. Wiped when dropped; Debug does not show it.
#[derive(Clone)]
pub struct LocalPassword(Zeroizing<Vec<u8>>);

impl LocalPassword {
    /// This very text, as it is.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// Takes a time that says nothing of where the two differ (of their lengths it may).
    pub(crate) fn matches(&self, given: &[u8]) -> bool {
        self.0.as_slice().ct_eq(given).into()
    }
}

impl fmt::Debug for LocalPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalPassword")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_text_is_the_password_and_none_of_it_is_shown() {
        let password = LocalPassword::new(Zeroizing::new("s3cret".to_owned()));
        assert!(password.matches(b"s3cret"));
        for other in [&b""[..], b"s3cre", b"s3cret ", b"S3cret", b"s3cret\0"] {
            assert!(!password.matches(other));
        }
        assert_eq!(format!("{password:?}"), "LocalPassword");
    }
}
