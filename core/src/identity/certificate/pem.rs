//! PEM: base64 between two lines that name what it is. Text around the blocks is ignored, as
//! `openssl pkcs12` writes some.

use crate::error::{Error, Result};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// One block of a PEM text.
pub(super) struct Block<'a> {
    /// What it says to be: `CERTIFICATE`, `RSA PRIVATE KEY`.
    pub(super) label: &'a str,
    body: &'a str,
}

/// Whether a text holds a block at all.
pub(super) fn looks_like(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The bytes of base64 without the lines around it, if they can be a PFX, as Azure Key Vault gives one, or PEM again. None:
/// the text is no such base64.
pub(super) fn unarmoured(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let base64: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let base64 = Zeroizing::new(base64);
    let mut contents = Zeroizing::new(vec![0; base64.len()]);
    let length = LENIENT.decode_slice(&base64, &mut contents).ok().filter(|length| *length > 0)?;
    contents.truncate(length);
    let is_meant = contents.first() == Some(&0x30) || std::str::from_utf8(&contents).is_ok_and(looks_like);
    is_meant.then_some(contents)
}

/// Some tools leave out the padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The blocks of a text, in its order.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (block, tail) = block(after)?;
        blocks.push(block);
        rest = tail;
    }
    Ok(blocks)
}

/// The block whose label `text` begins with, and the text after it.
fn block(text: &str) -> Result<(Block<'_>, &str)> {
    let broken =
        || Error::invalid_config("The PEM text is incomplete: a block has no end line. Give the whole file.");
    let (label, after) = text.split_once(DASHES).ok_or_else(broken)?;
    let end = format!("-----END {label}-----");
    let (body, tail) = after.split_once(end.as_str()).ok_or_else(broken)?;
    Ok((Block { label, body }, tail))
}

impl Block<'_> {
    /// Whether it has the headers of OpenSSL's old way to encrypt.
    pub(super) fn has_headers(&self) -> bool {
        self.body.contains(':')
    }

    /// The bytes that the base64 stands for.
    pub(super) fn contents(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut base64 = Zeroizing::new(Vec::with_capacity(self.body.len()));
        base64.extend(self.body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        // As long as it can get: growing would leave copies behind.
        let mut contents = Zeroizing::new(vec![0; base64.len()]);
        // The decoder's own error would quote the wrong byte.
        let length = STANDARD.decode_slice(&base64, &mut contents).map_err(|_| {
            Error::invalid_config(format!(
                "The PEM block {} is not base64: give the file as it was made.",
                self.label
            ))
        })?;
        contents.truncate(length);
        Ok(contents)
    }
}
