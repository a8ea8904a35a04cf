//! Texts of others, shown without the secrets that may be in them: those that are known, however they are written, and
//! what looks like a token. Links, ids and thumbprints stay.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;
use zeroize::Zeroizing;

/// So much of the beginning of a secret tells it, also when the text was cut short; a shorter secret is looked for as
/// a word.
const TELLING: usize = 8;
/// So much of its middle does.
const INNER: usize = 12;
/// Runs of characters that tokens are made of, from this length on, are not shown. Object ids have 36.
const SHORTEST_TOKEN: usize = 40;
/// No message shows more; what is beyond is not looked at.
const MAX_CHARS: usize = 16_384;

/// The text without these secrets, whether they are written plainly, percent- or form-encoded, in JSON, HTML, base64 or
/// hexadecimal, as escapes of a programming language, in small or in capital letters; and without whatever looks like a token.
#[must_use]
pub fn redacted(text: &str, secrets: &[&str]) -> String {
    // Between the letters of UTF-16 that was read as another encoding there are zeros, and no token could be recognised.
    let text: String = text.chars().filter(|c| *c != '\0').take(MAX_CHARS).collect();
    let text = without(&text, "[token]", &known(&text, secrets));
    let text = without(&text, "[token]", &named(&text));
    without(&text, "[token]", &alike(&text))
}

/// `text` with `mark` for each of the ranges, which are in order.
fn without(text: &str, mark: &str, ranges: &[Range<usize>]) -> String {
    let (mut shown, mut end) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        if range.start > end || end == 0 {
            shown.push_str(text.get(end..range.start).unwrap_or_default());
            shown.push_str(mark);
        }
        end = end.max(range.end);
    }
    shown + text.get(end..).unwrap_or_default()
}

/// Where something of these secrets is.
fn known(text: &str, secrets: &[&str]) -> Vec<Range<usize>> {
    let (bytes, places) = plain(text);
    let base64 = one_alphabet(bytes.clone());
    let mut found: Vec<Range<usize>> = Vec::new();
    let place = |index: usize| places.get(index).cloned().unwrap_or(text.len()..text.len());
    let whole = |found: Range<usize>| {
        let (start, end) = (place(found.start).start, place(found.end - 1).end);
        let is_boundary = |at: &usize| text.is_char_boundary(*at);
        (0..=start).rev().find(is_boundary).unwrap_or(0)..(end..).find(is_boundary).unwrap_or(text.len())
    };
    for secret in secrets {
        let (written, encoded) = (forms(secret), base64_forms(secret));
        let of_written = written.iter().flat_map(|pattern| occurrences(&bytes, pattern));
        let of_encoded = encoded.iter().flat_map(|pattern| occurrences(&base64, pattern));
        found.extend(of_written.chain(of_encoded).map(whole));
    }
    found.sort_by_key(|range| range.start);
    found
}

/// Where the pattern, or so much of it that it is told by it, is in `bytes`.
fn occurrences<'a>(bytes: &'a [u8], pattern: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let inner: HashSet<&[u8]> = pattern.windows(INNER).collect();
    let beginning = pattern.get(..TELLING);
    (0..bytes.len()).filter_map(move |at| {
        let begins = |length| bytes.get(at..at + length);
        match beginning {
            None => {
                let is_word = begins(pattern.len()) == Some(pattern)
                    && !bytes.get(at.wrapping_sub(1)).is_some_and(u8::is_ascii_alphanumeric)
                    && !bytes.get(at + pattern.len()).is_some_and(u8::is_ascii_alphanumeric);
                (is_word && !pattern.is_empty()).then(|| at..at + pattern.len())
            }
            Some(_) if begins(INNER).is_some_and(|part| inner.contains(part)) => Some(at..at + INNER),
            Some(_) if begins(TELLING) == beginning => {
                let same = bytes.iter().skip(at).zip(pattern).take_while(|(a, b)| a == b).count();
                Some(at..at + same)
            }
            Some(_) => None,
        }
    })
}

/// How a secret may be written, beside what [`plain`] undoes.
fn forms(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![plain(secret).0];
    if secret.len() >= TELLING {
        let hexadecimal = secret.bytes().fold(Zeroizing::new(String::new()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // into a String: it cannot fail
            text
        });
        forms.push(Zeroizing::new(hexadecimal.as_bytes().to_vec()));
    }
    forms
}

/// Base64 of a longer text depends on how far into it the secret begins. What hangs on its neighbours is left away.
fn base64_forms(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let at = |(before, influenced): (usize, usize)| {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(secret.as_bytes());
        let text = Zeroizing::new(STANDARD_NO_PAD.encode(&bytes));
        let end = text.len() - usize::from(bytes.len() % 3 != 0);
        one_alphabet(plain(text.get(influenced..end).unwrap_or_default()).0)
    };
    let is_told = secret.len() >= TELLING;
    [(0, 0), (1, 2), (2, 3)].into_iter().filter(|_| is_told).map(at).collect()
}

/// The two alphabets of base64 as one, in what [`plain`] gave: a plus sign is a blank there.
fn one_alphabet(mut bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    for byte in bytes.iter_mut() {
        *byte = match *byte {
            b'-' => b' ',
            b'_' => b'/',
            byte => byte,
        };
    }
    bytes
}

/// So often a text is looked at as one that was encoded again.
const MAX_LAYERS: usize = 4;

/// A text as it was before somebody encoded it for a URL, a form, JSON or HTML, once or more often; with the place of
/// each byte in it. Small and capital letters are one, and so are blanks and plus signs; what breaks lines is left away.
fn plain(text: &str) -> (Zeroizing<Vec<u8>>, Vec<Range<usize>>) {
    let mut bytes = Zeroizing::new(text.as_bytes().to_vec());
    let mut places: Vec<_> = (0..bytes.len()).map(|at| at..at + 1).collect();
    for _ in 0..MAX_LAYERS {
        let before = bytes.len();
        (bytes, places) = decoded(&bytes, &places);
        if bytes.len() == before {
            break;
        }
    }
    for byte in bytes.iter_mut() {
        *byte = match *byte {
            b'+' => b' ',
            byte => byte.to_ascii_lowercase(),
        };
    }
    (bytes, places)
}

/// One layer of [`plain`].
fn decoded(bytes: &[u8], places: &[Range<usize>]) -> (Zeroizing<Vec<u8>>, Vec<Range<usize>>) {
    let (mut decoded, mut kept) = (Zeroizing::new(Vec::with_capacity(bytes.len())), Vec::new());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let mut buffer = [0; 4];
        let (units, length) = unit(*first, rest, &mut buffer);
        let at = bytes.len() - rest.len();
        for unit in units {
            decoded.push(*unit);
            kept.push(places[at].start..places[at + length - 1].end);
        }
        rest = &rest[length..];
    }
    (decoded, kept)
}

const ENTITIES: [(&str, char); 5] =
    [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];

/// What is written at the beginning of `rest` (nothing if it only escapes or breaks the line), and its length there.
fn unit<'a>(first: u8, rest: &[u8], buffer: &'a mut [u8; 4]) -> (&'a [u8], usize) {
    if let Some((c, length)) = escaped(rest) {
        return (c.encode_utf8(buffer).as_bytes(), length);
    }
    buffer[0] = first;
    match first {
        // A byte, which may be a part of a character.
        b'%' => match number(rest, 1..3, 16) {
            Some(byte) => {
                buffer[0] = byte as u8;
                (&buffer[..1], 3)
            }
            None => (&buffer[..1], 1),
        },
        b'\\' => (&[], 1),
        byte if byte.is_ascii_control() => (&[], 1),
        _ => (&buffer[..1], 1),
    }
}

/// A character that is written by its number or its name: `\u0041`, `\u{41}`, `\U00000041`, `\x41`, `\101`, `%u0041`, `&#65;`,
/// `&#x41;`, `&amp;`.
fn escaped(rest: &[u8]) -> Option<(char, usize)> {
    let of = |number: u32, length: usize| Some((char::from_u32(number)?, length));
    match (rest.first()?, rest.get(1)?) {
        (b'\\', b'u') if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(10).position(|byte| *byte == b'}')?;
            of(number(rest, 3..end, 16)?, end + 1)
        }
        (b'\\' | b'%', b'u') => of(number(rest, 2..6, 16)?, 6),
        (b'\\', b'U') => of(number(rest, 2..10, 16)?, 10),
        (b'\\', b'0'..=b'3') => of(number(rest, 1..4, 8)?, 4),
        (b'\\', b'x') => of(number(rest, 2..4, 16)?, 4),
        (b'&', b'#') => {
            // The longest numbers have seven digits, and HTML permits zeros before them.
            let end = rest.iter().take(12).position(|byte| *byte == b';')?;
            let number = number(rest, 2..end, 10).or_else(|| {
                let is_hexadecimal = rest.get(2).is_some_and(|x| x.eq_ignore_ascii_case(&b'x'));
                is_hexadecimal.then(|| number(rest, 3..end, 16))?
            });
            of(number?, end + 1)
        }
        (b'&', _) => ENTITIES
            .iter()
            .find(|(name, _)| rest.starts_with(name.as_bytes()))
            .map(|(name, c)| (*c, name.len())),
        _ => None,
    }
}

/// The number that these digits are.
fn number(text: &[u8], range: Range<usize>, base: u32) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(range)?).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, base).ok())?
}

/// What is said to be a secret: `client_secret=…` in a form, `"access_token":"…"` in JSON.
const NAMES: [&str; 6] =
    ["client_secret", "client_assertion", "access_token", "refresh_token", "id_token", "password"];

fn named(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, name) in NAMES.iter().flat_map(|name| lower.match_indices(name)) {
        let Some(rest) = text.get(at + name.len()..) else { continue };
        let is_value = ["=", "\":\"", "\": \"", "\\\":\\\""].iter().find(|sign| rest.starts_with(**sign));
        let Some(sign) = is_value else { continue };
        let value = rest.get(sign.len()..).unwrap_or_default();
        let end = |c: char| c.is_whitespace() || "&\"'\\,;<>()[]".contains(c);
        let length = value.find(end).unwrap_or(value.len());
        let start = at + name.len() + sign.len();
        if length > 0 {
            found.push(start..start + length);
        }
    }
    found.sort_by_key(|range| range.start);
    found
}

/// What looks like a token: JWTs, which begin with `{"` in base64, and whatever is as long and as mixed as only tokens
/// are.
fn alike(text: &str) -> Vec<Range<usize>> {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "_~+/=-".contains(c);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_base64)).map(|next| at + next) {
        let rest = text.get(start..).unwrap_or_default();
        let jwt = rest.find(|c| !is_base64(c) && c != '.').map_or(rest, |end| &rest[..end]);
        let run = rest.find(|c| !is_base64(c)).map_or(rest, |end| &rest[..end]);
        let token = match run.find("eyJ") {
            Some(begin) => Some(start + begin..start + jwt.trim_end_matches('.').len()),
            None => is_mixed(run).then(|| start..start + run.len()),
        };
        at = token.as_ref().map_or(start + run.len(), |token| token.end);
        found.extend(token);
    }
    found
}

/// Whether a run of characters is a token and no path: one of its parts is long and has letters of both cases and
/// digits, or is a long number; or characters of another kind follow each other all the time.
fn is_mixed(run: &str) -> bool {
    let run = without_ids(run);
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_thumbprint = |part: &str| part.len() == 40 && is_number(part);
    let is_long = |part: &str| {
        let kinds = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
        let has_all = kinds.iter().all(|kind| part.as_bytes().iter().any(kind));
        part.len() >= SHORTEST_TOKEN && (has_all || is_number(part)) && !is_thumbprint(part)
    };
    let kind = |byte: u8| (byte.is_ascii_lowercase(), byte.is_ascii_uppercase(), byte.is_ascii_digit());
    let changes = run.as_bytes().windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let is_restless = run.len() >= SHORTEST_TOKEN && !is_thumbprint(&run) && changes * 5 >= run.len() * 2;
    run.split('/').any(is_long) || is_restless
}

/// Without the GUIDs in it, which are as mixed as tokens.
fn without_ids(run: &str) -> String {
    let (mut rest, mut at) = (run.to_owned(), 0);
    while let Some(part) = rest.get(at..at + 36) {
        let is_id = part.char_indices().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        });
        match is_id {
            true => rest.replace_range(at..at + 36, ""),
            false => at += 1,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    /// A secret as long and as odd as Entra's own.
    const SECRET: &str = "x9H8Q~a+b/c\"d&e<f %41.g-h_i=j\\kü'0123456";

    fn percent(text: &str, blank: &str) -> String {
        let shown = |byte: u8| match byte {
            b' ' => blank.to_owned(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(shown).collect()
    }

    #[test]
    fn a_known_secret_is_found_in_every_encoding() {
        let json = serde_json::to_string(SECRET).unwrap();
        let once = percent(SECRET, "+");
        let html =
            SECRET.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;");
        let unicode: String = SECRET.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
        let numbered =
            |write: fn(u32) -> String| SECRET.chars().map(|c| write(u32::from(c))).collect::<String>();
        let hexadecimal: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
        let written = [
            SECRET.to_owned(),
            percent(SECRET, "%20"),
            once.to_lowercase(),
            SECRET.to_uppercase(),
            percent(&once, "+"),
            serde_json::to_string(&json).unwrap(),
            SECRET.replace('/', "\\/"),
            json,
            once,
            html,
            unicode,
            numbered(|number| format!("&#{number};")),
            numbered(|number| format!("&#{number:04};")),
            numbered(|number| format!("&#x{number:X};")),
            numbered(|number| format!("&#x{number:x};")),
            numbered(|number| format!("\\x{number:02x}")),
            numbered(|number| format!("\\{number:03o}")),
            numbered(|number| format!("\\u{{{number:x}}}")),
            numbered(|number| format!("\\U{number:08x}")),
            numbered(|number| format!("%u{number:04X}")),
            hexadecimal.to_uppercase(),
            hexadecimal,
            STANDARD.encode(SECRET),
            URL_SAFE.encode(SECRET),
            STANDARD.encode(format!("a:{SECRET}:b")),
            STANDARD.encode(format!("ab:{SECRET}")),
            STANDARD.encode(format!("abc:{SECRET}!")),
            SECRET[..9].to_owned(),
            SECRET[20..].to_owned(),
        ];
        for written in written {
            let said = redacted(&format!("it was <{written}>, you know"), &[SECRET]);
            assert!(said.starts_with("it was <") && said.ends_with(">, you know"), "{written}: {said}");
            assert!(said.contains("[token]"), "{written}: {said}");
            assert!(said.len() < 60, "{written}: {said}");
        }
    }

    #[test]
    fn words_that_are_alike_but_for_a_hyphen_are_no_secret() {
        let text = "Invalid client secret provided.";
        assert_eq!(redacted(text, &["emulated-client-secret~value"]), text);
        assert_eq!(redacted("EMULATED-Client-secret~x", &["emulated-client-secret~value"]), "[token]x");
    }

    #[test]
    fn a_token_between_zeros_is_one() {
        let utf16 = |text: &str| text.chars().flat_map(|c| [c, '\0']).collect::<String>();
        assert_eq!(redacted(&utf16("a eyJhbGciOi.eyJvaWQiOi.c2ln b"), &[]), "a [token] b");
        assert_eq!(redacted(&utf16("it is hunter2hunter2!"), &["hunter2hunter2"]), "it is [token]!");
    }

    #[test]
    fn a_short_secret_is_found_as_a_word_and_nowhere_else() {
        assert_eq!(
            redacted("header 'h1' of this machine: h12", &["h1", ""]),
            "header '[token]' of this machine: h12"
        );
    }

    #[test]
    fn what_looks_like_a_token_is_not_shown() {
        let random = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83v/xI0Vn+Q";
        for (text, shown) in [
            ("a eyJhbGciOi.eyJvaWQiOi.c2ln. b", "a [token]. b"),
            (
                "form client_assertion_type=urn%3Ax&client_assertion=abc&scope=s",
                "form client_assertion_type=urn%3Ax&client_assertion=[token]&scope=s",
            ),
            (
                "client_secret=x9H8Q~short&grant_type=client_credentials",
                "client_secret=[token]&grant_type=client_credentials",
            ),
            (r#"{"access_token":"opaque","expires_in":5}"#, r#"{"access_token":"[token]","expires_in":5}"#),
            (&format!("got {random}\nnext"), "got [token]\nnext"),
            (&format!("0.{}", "AXoA7b_2".repeat(20)), "0.[token]"),
            (&"eyAi".repeat(32), "[token]"),
        ] {
            assert_eq!(redacted(text, &[]), shown);
        }
    }

    #[test]
    fn links_ids_and_line_breaks_survive() {
        for text in [
            "See https://aka.ms/entra-troubleshooting-aadsts7000215-and-what-to-do.\r\nTrace ID: 0f8fad5b-d9cb-469f-a165-70867728950e",
            "https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token?api-version=2018-02-01",
            "/subscriptions/72f988bf-86f1-41af-91ab-2d7cd011db47/resourceGroups/my-group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me",
            "Thumbprint of key used by client: '0A1B2C3D4E5F60718293A4B5C6D7E8F901234567'",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            "/var/run/secrets/azure/tokens/azure-identity-token of a-rather-long-name-of-something-without-a-secret",
            "line one\nline two\n\n\tthree",
        ] {
            assert_eq!(redacted(text, &["x9H8Q~a-secret-of-some-length"]), text);
        }
    }

    #[test]
    fn odd_texts_are_no_trouble() {
        for text in ["", "%", "%4", "\\u12", "\\", "&", "é%zz", "eyJ", "=".repeat(50).as_str(), "\u{1f511}"]
        {
            assert!(
                !redacted(text, &["", "%", "\u{1f511}\u{1f511}\u{1f511}", "secret-secret"])
                    .contains("secret-")
            );
        }
    }
}
