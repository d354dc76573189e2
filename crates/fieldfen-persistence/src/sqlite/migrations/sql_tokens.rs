//! Splits SQL into tokens, so that texts are compared without their layout.

/// The kind of a [`Token`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `-- …` up to the end of its line, or `/* … */`.
    Comment,
    /// A text in single quotes.
    Literal,
    /// A name in double quotes, backquotes or brackets.
    QuotedName,
    /// A keyword, a name or a number.
    Word,
    /// Any other character.
    Sign,
}

/// A part of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    /// The token as written, with its quotes.
    pub(super) text: &'a str,
    /// The position of the token in bytes.
    pub(super) at: usize,
}

impl Token<'_> {
    /// The token without the quotes around a name. Names and keywords are in lower case. Literals are unchanged.
    pub(super) fn normal(&self) -> String {
        match self.kind {
            TokenKind::QuotedName => {
                let inner = &self.text[1..];
                inner.strip_suffix(['"', '`', ']']).unwrap_or(inner).to_lowercase()
            }
            TokenKind::Word => self.text.to_lowercase(),
            TokenKind::Comment | TokenKind::Literal | TokenKind::Sign => self.text.to_owned(),
        }
    }
}

/// The words and signs of a statement in their normal form, without blanks and comments.
pub(super) fn tokens(sql: &str) -> Vec<String> {
    lex(sql).filter(|token| token.kind != TokenKind::Comment).map(|token| token.normal()).collect()
}

/// All tokens of a text, with its comments and without blanks.
pub(super) fn lex(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += sql[at..].len() - sql[at..].trim_start().len();
        let rest = &sql[at..];
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '-' if rest.starts_with("--") => (TokenKind::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                (TokenKind::Comment, rest[2..].find("*/").map_or(rest.len(), |end| end + 4))
            }
            '\'' => (TokenKind::Literal, quoted(rest, '\'')),
            '"' | '`' | '[' => (TokenKind::QuotedName, quoted(rest, if first == '[' { ']' } else { first })),
            _ if is_word(first) => (TokenKind::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            _ => (TokenKind::Sign, first.len_utf8()),
        };
        let token = Token { kind, text: &rest[..length], at };
        at += length;
        Some(token)
    })
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
        for text in ["'", "'a''", "\"", "[", "/*", "/*/", "--", "/", "-", "é'é", "[é"] {
            tokens(text);
        }
        assert_eq!(tokens("'a''b"), ["'a''b"]);
        assert_eq!(tokens("/*/ a */ b"), ["b"]);
    }
}
