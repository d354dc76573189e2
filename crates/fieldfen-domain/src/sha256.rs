//! SHA-256 digests in the form of the database: 64 lower-case hex digits.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub(crate) type Bytes = [u8; 32];

/// The digest of the concatenated parts.
pub(crate) fn digest(parts: &[&[u8]]) -> Bytes {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Reads 64 lower-case hex digits.
pub(crate) fn parse(text: &str) -> Option<Bytes> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

/// Writes 64 lower-case hex digits.
pub(crate) fn write(bytes: &Bytes) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
