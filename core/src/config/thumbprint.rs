//! The name of a certificate by its digest.

/// The SHA-1 digest of a certificate.
pub(crate) type Thumbprint = [u8; 20];

/// As portals show it: 40 hexadecimal digits, perhaps with colons or spaces.
pub(crate) fn parse_thumbprint(text: &str) -> Option<Thumbprint> {
    let digits = text.chars().filter(|c| !matches!(c, ':' | ' ')).map(|c| c.to_digit(16));
    let digits = digits.collect::<Option<Vec<u32>>>().filter(|digits| digits.len() == 40)?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    bytes.try_into().ok()
}
