//! Names that are nobody else's: of leases, of keys and assignments at Azure, of tokens.

use ring::digest::{SHA256, digest};
use std::fmt::Write as _;
use std::io;
use zeroize::Zeroizing;

/// What keys of ours begin with at Azure.
const OURS: &str = "entrakey";

/// Letters without case, of which none looks like a digit.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Of 5 bits each: 100 bits.
const ID_LETTERS: usize = 20;

/// Random letters.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn random_id(prefix: &str) -> io::Result<String> {
    let mut bytes = [0_u8; ID_LETTERS];
    getrandom::getrandom(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let letters =
        bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied().map(char::from));
    Ok(prefix.chars().chain(letters).collect())
}

/// What the key of a lease is called at Azure: it names the installation and the lease.
pub(crate) fn display_name(installation: &str, lease: &str) -> String {
    format!("{OURS}/{installation}/{lease}")
}

/// What those of an installation begin with.
pub(crate) fn display_prefix(installation: &str) -> String {
    display_name(installation, "")
}

/// What the assignment of a lease is called, by its display name: letters and digits only, 60 at most.
pub(crate) fn assignment_name(display_name: &str) -> String {
    let installation = display_name.split('/').nth(1).unwrap_or_default();
    let hash = hash(display_name);
    format!("{}{}", assignment_prefix(installation), hash.get(..32).unwrap_or_default())
}

/// What those of an installation begin with.
pub(crate) fn assignment_prefix(installation: &str) -> String {
    format!("{OURS}{}", hash(installation).get(..12).unwrap_or_default())
}

/// SHA-256, in hexadecimal.
pub(crate) fn hash(text: &str) -> String {
    let mut shown = String::new();
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        let _ = write!(shown, "{byte:02x}"); // to a string
    }
    shown
}

/// As a part of a query.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for byte in text.bytes() {
        let _ = match byte {
            byte if byte.is_ascii_alphanumeric() => write!(shown, "{}", char::from(byte)),
            byte => write!(shown, "%{byte:02X}"),
        }; // to a string
    }
    shown
}

/// 64 random letters of four classes, so that every password policy takes them.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn random_password() -> io::Result<Zeroizing<String>> {
    const CLASSES: [&[u8]; 4] =
        [b"abcdefghijkmnpqrstuvwxyz", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"23456789", b"-_.~!*+"];
    const LENGTH: usize = 64;
    let mut bytes = Zeroizing::new([0_u8; 2 * LENGTH]);
    getrandom::getrandom(&mut *bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let mut password = Zeroizing::new(String::with_capacity(LENGTH));
    for (at, pair) in bytes.chunks_exact(2).enumerate() {
        let [one, other] = pair else { continue };
        // The first four are of a class each; the rest of any.
        let class = CLASSES.get(if at < CLASSES.len() { at } else { usize::from(*one) % CLASSES.len() });
        let letter = class.and_then(|class| class.get(usize::from(*other) % class.len()));
        password.extend(letter.map(|letter| char::from(*letter)));
    }
    Ok(password)
}

/// What a bearer token begins with: scanners of repositories find it by that.
const TOKEN: &str = "ekl_";

/// A bearer token of 256 random bits.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn random_token() -> io::Result<Zeroizing<String>> {
    random_secret(TOKEN)
}

/// 256 random bits, in hexadecimal behind that.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn random_secret(head: &str) -> io::Result<Zeroizing<String>> {
    const BYTES: usize = 32;
    let mut bytes = Zeroizing::new([0_u8; BYTES]);
    getrandom::getrandom(&mut *bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let mut token = Zeroizing::new(String::with_capacity(head.len() + BYTES * 2));
    token.push_str(head);
    for byte in bytes.iter() {
        let _ = write!(token, "{byte:02x}"); // to a string
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignments_name_is_one_that_azure_takes_and_nobody_elses() {
        let of = |installation, lease| assignment_name(&display_name(installation, lease));
        let name = of("prod-1", "oncall-abc");
        assert!(name.len() <= 60 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        assert!(name.starts_with(&assignment_prefix("prod-1")));
        assert_ne!(name, of("prod-1", "oncall-abd"));
        assert!(!of("prod", "1").starts_with(&assignment_prefix("prod-1")));
    }

    #[test]
    fn ids_and_passwords_are_long_and_never_the_same() {
        let (one, other) = (random_id("x-").unwrap(), random_id("x-").unwrap());
        assert!(one.len() == 22 && one != other && one.starts_with("x-"));
        let password = random_password().unwrap();
        assert_eq!(password.len(), 64);
        let has = |is: fn(&u8) -> bool| password.as_bytes().iter().any(is);
        assert!(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit));
        assert!(has(u8::is_ascii_punctuation));
        assert_ne!(*password, *random_password().unwrap());
        assert_eq!(random_token().unwrap().len(), 68);
    }
}
