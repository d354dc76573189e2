//! Digests of migration files, by which a changed file is noticed.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::sql_tokens::{TokenKind, lex};

/// The SHA-256 of the tokens of an SQL file. Comments, white space and line ends do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlDigest(String);

impl SqlDigest {
    /// The digest of an SQL text.
    #[must_use]
    pub fn of(sql: &str) -> Self {
        // An editor or git may have changed the line ends, also those within literals.
        let sql = sql.replace("\r\n", "\n");
        let mut hasher = Sha256::new();
        for token in lex(&sql).filter(|token| token.kind != TokenKind::Comment) {
            hasher.update((token.text.len() as u64).to_le_bytes());
            hasher.update(token.text);
        }
        Self(hex(&hasher.finalize()))
    }

    /// The digest as 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SqlDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The SHA-256 of a text, as 64 hexadecimal digits.
pub(super) fn text_digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sqlite_reads_counts() {
        let digest = |sql: &str| SqlDigest::of(sql);
        let plain = digest("CREATE TABLE t (a TEXT DEFAULT 'x\ny', b);");
        assert_eq!(plain.as_str().len(), 64);
        assert_eq!(plain, digest("-- why\r\nCREATE  TABLE t(\r\n\ta TEXT /* what */ DEFAULT 'x\r\ny', b\r\n) ;\r\n"));
        for other in ["CREATE TABLE t (a TEXT DEFAULT 'x\ny', c);", "CREATE TABLE t (a TEXT DEFAULT 'X\ny', b);", ""] {
            assert_ne!(plain, digest(other), "{other}");
        }
        // Tokens do not run into each other.
        assert_ne!(digest("SELECT ab"), digest("SELECT a b"));
    }
}
