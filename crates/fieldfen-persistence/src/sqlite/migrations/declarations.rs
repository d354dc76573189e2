//! Reads the declarations of a migration: `-- fieldfen:changes TABLE because REASON`.

use super::sql_tokens::{TokenKind, lex};

/// The start of a declaration in a comment.
const MARK: &str = "fieldfen:changes";

/// A table whose rows a migration changes on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeclaredChange {
    /// The name of the table in lower case.
    pub table: String,
    /// The reason for the change.
    pub reason: String,
}

/// The declarations of an SQL text. Each is a line comment of its own.
///
/// # Errors
/// The comment of a declaration that lacks the table, the word `because` or the reason.
pub(super) fn declared_changes(sql: &str) -> Result<Vec<DeclaredChange>, String> {
    let mut declared = Vec::new();
    for token in lex(sql).filter(|token| token.kind == TokenKind::Comment) {
        let Some(comment) = token.text.strip_prefix("--").map(str::trim) else { continue };
        let Some(declaration) = comment.strip_prefix(MARK) else { continue };
        let parts = declaration.split_once(" because ").map(|(table, reason)| (table.trim(), reason.trim()));
        match parts {
            Some((table, reason)) if declaration.starts_with(' ') && !table.is_empty() && !reason.is_empty() => {
                let table = table.trim_matches('"').to_lowercase();
                declared.push(DeclaredChange { table, reason: reason.to_owned() });
            }
            _ => return Err(comment.to_owned()),
        }
    }
    Ok(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_names_a_table_and_a_reason() {
        let sql = "-- fieldfen:changes Jobs because times get six digits\nUPDATE jobs SET a = '-- fieldfen:changes x';\n\
                   --fieldfen:changes \"a b\" because it is so, because of this\n-- fieldfen:allow X because Y\n";
        let declared = declared_changes(sql).unwrap();
        let read: Vec<_> = declared.iter().map(|one| (one.table.as_str(), one.reason.as_str())).collect();
        assert_eq!(read, [("jobs", "times get six digits"), ("a b", "it is so, because of this")]);
    }

    #[test]
    fn a_declaration_without_table_or_reason_is_named() {
        for bad in [
            "fieldfen:changes jobs",
            "fieldfen:changes because why",
            "fieldfen:changes jobs because",
            "fieldfen:changesjobs because x",
        ] {
            assert_eq!(declared_changes(&format!("-- {bad}\n")), Err(bad.to_owned()));
        }
    }
}
