//! Splits SQL into tokens, so that texts are compared without their layout.

/// The words and signs of a statement, without blanks, comments and the quotes around names. Names and keywords are in
/// lower case. Literals are unchanged.
pub(super) fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if first.is_whitespace() => first.len_utf8(),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' => {
                let length = quoted(rest, '\'');
                tokens.push(rest[..length].to_owned());
                length
            }
            '"' | '`' | '[' => {
                let length = quoted(rest, if first == '[' { ']' } else { first });
                let name = rest[1..length].strip_suffix(['"', '`', ']']).unwrap_or(&rest[1..length]);
                tokens.push(name.to_lowercase());
                length
            }
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(rest[..length].to_lowercase());
                length
            }
            _ => {
                tokens.push(first.to_string());
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of a quoted text. A doubled quote does not end it.
fn quoted(text: &str, end: char) -> usize {
    let mut from = 1;
    while let Some(at) = text[from..].find(end) {
        let behind = from + at + 1;
        if !text[behind..].starts_with(end) || end == ']' {
            return behind;
        }
        from = behind + 1;
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_comments_case_and_quotes_of_names_do_not_count() {
        let plain = "CREATE INDEX i ON jobs(status, \"a b\") WHERE status = 'Pending''s'";
        let other = "create  index [I]\n ON `JOBS` ( Status -- a comment\n , [a b] ) /* ' */ where status='Pending''s'";
        assert_eq!(tokens(plain), tokens(other));
        for different in ["status = 'pending''s'", "status = 'Pending''s' AND 1"] {
            assert_ne!(tokens(plain), tokens(&plain.replace("status = 'Pending''s'", different)));
        }
    }

    #[test]
    fn texts_that_end_within_something_are_read_to_their_end() {
        for text in ["'", "'a''", "\"", "[", "/*", "--", "/", "-", "é'é", "[é"] {
            tokens(text);
        }
        assert_eq!(tokens("'a''b"), ["'a''b"]);
    }
}
