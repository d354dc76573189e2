//! The text of an SQL file: its statements, its comments, and the lines and columns of both.

use sqlite3_parser::FallibleIterator as _;
use sqlite3_parser::ast::Cmd;
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::Scanner;
use sqlite3_parser::lexer::sql::{Error, Parser, Tokenizer};

/// The number of words above which a statement is not parsed: the parser compares each column of a list with all
/// others.
const MAX_WORDS: usize = 20_000;

/// A comment up to the end of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// The comment without its hyphens and blanks around it.
    pub(super) text: &'a str,
    /// The position in bytes.
    pub(super) at: usize,
}

/// A statement, with the comments before and within it.
#[derive(Debug, Default)]
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// The position of its first word in bytes.
    pub(super) at: usize,
    pub(super) comments: Vec<Comment<'a>>,
    /// Its first [`MAX_WORDS`] words and signs in lower case, names without quotes.
    pub(super) words: Vec<String>,
    /// The number of all its words and signs.
    pub(super) count: usize,
}

/// A text that is not SQL, and the position of the problem in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) at: usize,
    pub(super) message: String,
}

/// An SQL text and where its lines begin.
#[derive(Debug)]
pub(super) struct SqlText<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> SqlText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, lines: std::iter::once(0).chain(starts).collect() }
    }

    /// The line and the column of a position, both from 1.
    pub(super) fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines[line - 1];
        let column = self.text.get(start..at).map_or(at - start, |before| before.chars().count());
        (line, column + 1)
    }

    /// The statements, the comments after the last one, and the error that ends the text early.
    pub(super) fn statements(&self) -> (Vec<Statement<'a>>, Vec<Comment<'a>>, Option<SyntaxError>) {
        let mut all = Vec::new();
        let mut scanner = Scanner::new(Tokenizer::new());
        let mut statement = Statement::default();
        let (mut gap, mut last) = (0, LastTokens::default());
        loop {
            let (start, kind, end) = match scanner.scan(self.text.as_bytes()) {
                Ok((start, Some((_, kind)), end)) => (start, kind, end),
                Ok((_, None, _)) => {
                    let after = comments(self.text, gap, self.text.len());
                    let rest = if statement.words.is_empty() {
                        [std::mem::take(&mut statement.comments), after].concat()
                    } else {
                        statement.text = &self.text[statement.at..gap];
                        statement.comments.extend(after);
                        all.push(statement);
                        Vec::new()
                    };
                    return (all, rest, None);
                }
                Err(error) => {
                    // The scanner names the position; what it has not read up to there is blank or a comment.
                    let at = self.offset(&error, 0).unwrap_or(gap);
                    return (all, statement.comments, Some(SyntaxError { at, message: message(&error) }));
                }
            };
            statement.comments.extend(comments(self.text, gap, start));
            gap = end;
            if statement.words.is_empty() {
                if kind == TokenType::TK_SEMI {
                    continue;
                }
                statement.at = start;
            }
            statement.count += 1;
            if statement.count <= MAX_WORDS {
                statement.words.push(normal(&self.text[start..end]));
            }
            if kind == TokenType::TK_SEMI && (last.are_end_of_trigger() || !statement.is_trigger()) {
                statement.text = &self.text[statement.at..end];
                all.push(std::mem::take(&mut statement));
            }
            last.push(kind);
        }
    }

    /// Parses a statement of this text and gives it to `read`.
    pub(super) fn parse<T>(
        &self,
        statement: &Statement<'_>,
        read: impl FnOnce(&Cmd<'_>) -> T,
    ) -> Result<T, SyntaxError> {
        let words = statement.count;
        let refuse = |message: String| SyntaxError { at: statement.at, message };
        if words > MAX_WORDS {
            return Err(refuse(format!("the statement has {words} words: the linter reads at most {MAX_WORDS}")));
        }
        let bump = sqlite3_parser::Bump::new();
        let mut parser = Parser::new(&bump, statement.text.as_bytes());
        match parser.next() {
            // The tree is in `bump`. Its destructor would call itself once for each level of parentheses.
            Ok(Some(command)) => Ok(read(&std::mem::ManuallyDrop::new(command))),
            Ok(None) => Err(refuse("there is no statement".to_owned())),
            Err(error) => {
                let at = self.offset(&error, statement.at).unwrap_or(statement.at);
                Err(SyntaxError { at, message: message(&error) })
            }
        }
    }

    /// The position that an error names, in a text that begins at `from`.
    fn offset(&self, error: &Error, from: usize) -> Option<usize> {
        let position = match error {
            Error::UnrecognizedToken(position)
            | Error::UnterminatedLiteral(position)
            | Error::UnterminatedBracket(position)
            | Error::UnterminatedBlockComment(position)
            | Error::BadVariableName(position)
            | Error::BadNumber(position)
            | Error::ExpectedEqualsSign(position)
            | Error::MalformedBlobLiteral(position)
            | Error::MalformedHexInteger(position)
            | Error::ParserError(_, position) => position.as_ref()?,
            _ => return None,
        };
        let before = self.lines.partition_point(|start| *start <= from) - 1;
        let line = before + position.line.checked_sub(1)?;
        let start = if position.line == 1 { from } else { *self.lines.get(line)? };
        Some((start + position.column.checked_sub(1)?).min(self.text.len()))
    }
}

impl Statement<'_> {
    fn is_trigger(&self) -> bool {
        let is =
            |at: usize, expected: &[&str]| self.words.get(at).is_some_and(|word| expected.contains(&word.as_str()));
        is(0, &["create"]) && (is(1, &["trigger"]) || is(1, &["temp", "temporary"]) && is(2, &["trigger"]))
    }
}

/// The two last tokens. The last semicolon of a trigger follows an `END` that follows a semicolon, as in
/// `sqlite3_complete` (<https://sqlite.org/c3ref/complete.html>).
#[derive(Default)]
struct LastTokens([Option<TokenType>; 2]);

impl LastTokens {
    fn push(&mut self, kind: TokenType) {
        self.0 = [self.0[1].take(), Some(kind)];
    }

    fn are_end_of_trigger(&self) -> bool {
        self.0 == [Some(TokenType::TK_SEMI), Some(TokenType::TK_END)]
    }
}

/// The comments up to the end of their lines between two tokens, where everything is blank or a comment.
fn comments(text: &str, from: usize, to: usize) -> Vec<Comment<'_>> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(rest) = text.get(at..to).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("--") {
            let length = rest.find('\n').unwrap_or(rest.len());
            found.push(Comment { text: rest[2..length].trim(), at });
            at += length;
        } else if let Some(inner) = rest.strip_prefix("/*") {
            at += inner.find("*/").map_or(rest.len(), |end| end + 4);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// A word in lower case and a quoted name without its quotes. A text in single quotes is unchanged.
pub(super) fn normal(word: &str) -> String {
    let inner = |end: char, word: &str| {
        let inner = word.get(1..).unwrap_or_default();
        let inner = inner.strip_suffix(end).unwrap_or(inner);
        inner.replace(&format!("{end}{end}"), &end.to_string()).to_lowercase()
    };
    match word.chars().next() {
        Some('\'') => word.to_owned(),
        Some('[') => inner(']', word),
        Some(quote @ ('"' | '`')) => inner(quote, word),
        _ => word.to_lowercase(),
    }
}

/// The words and signs of a text in their normal form.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut scanner = Scanner::new(Tokenizer::new());
    let mut words = Vec::new();
    while let Ok((start, Some(_), end)) = scanner.scan(text.as_bytes()) {
        words.push(normal(&text[start..end]));
    }
    words
}

fn message(error: &Error) -> String {
    match error {
        Error::ParserError(error, _) => error.to_string(),
        Error::UnterminatedLiteral(_) => "a quote is not closed".to_owned(),
        Error::UnterminatedBracket(_) => "a bracket is not closed".to_owned(),
        Error::UnterminatedBlockComment(_) => "a comment is not closed".to_owned(),
        Error::BadVariableName(_) => "the name of a parameter is not valid".to_owned(),
        Error::BadNumber(_) => "a number is not valid".to_owned(),
        Error::ExpectedEqualsSign(_) => "an equals sign must follow `!`".to_owned(),
        Error::MalformedBlobLiteral(_) => "a BLOB is not valid".to_owned(),
        Error::MalformedHexInteger(_) => "a hexadecimal number is not valid".to_owned(),
        _ => "a character that SQL does not have".to_owned(),
    }
}

/// A `CREATE TABLE … AS SELECT …` that makes the table without its rows.
pub(super) fn without_rows(create: &str) -> String {
    let mut scanner = Scanner::new(Tokenizer::new());
    while let Ok((start, Some((_, kind)), end)) = scanner.scan(create.as_bytes()) {
        if kind == TokenType::TK_AS {
            let select = create[end..].trim_end().trim_end_matches(';');
            return format!("{} AS SELECT * FROM ({select}\n) LIMIT 0", &create[..start]);
        }
    }
    create.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_their_comments_and_places() {
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT ';'; DELETE FROM b; END;";
        let sql = format!("-- one\n/* ; */ SELECT 'é', ';'; -- two\n{trigger}\nSELECT \"A b\" -- three\n");
        let text = SqlText::new(&sql);
        let (all, rest, error) = text.statements();
        let texts: Vec<_> = all.iter().map(|one| one.text).collect();
        assert_eq!(texts, ["SELECT 'é', ';';", trigger, "SELECT \"A b\""]);
        let comments: Vec<_> =
            all.iter().map(|one| one.comments.iter().map(|one| one.text).collect::<Vec<_>>()).collect();
        assert_eq!(comments, [vec!["one"], vec!["two"], vec!["three"]]);
        assert_eq!((rest, error), (Vec::new(), None));
        let places: Vec<_> = all.iter().map(|one| text.line_and_column(one.at)).collect();
        assert_eq!(places, [(2, 9), (3, 1), (4, 1)]);
        assert_eq!(all[2].words, ["select", "a b"]);
    }

    #[test]
    fn the_rest_after_the_last_statement_is_kept() {
        let (all, rest, error) = SqlText::new("SELECT 1;\n-- last").statements();
        assert_eq!((all.len(), rest.len(), error), (1, 1, None));
        let (all, _, error) = SqlText::new("SELECT 1;\n\n  SELECT 'x").statements();
        assert_eq!((all.len(), error.map(|error| error.at)), (1, Some(20)));
    }

    #[test]
    fn a_syntax_error_is_placed_at_its_word() {
        let text = SqlText::new("SELECT 1;\nSELECT 2\n  FROM WHERE;");
        let (all, ..) = text.statements();
        let error = text.parse(&all[1], |_| ()).unwrap_err();
        assert_eq!((text.line_and_column(error.at), error.message.as_str()), ((3, 8), "near \"WHERE\": syntax error"));
    }

    #[test]
    fn a_table_from_a_select_is_made_without_rows() {
        let sql = "CREATE TABLE \"as\" AS WITH a AS (SELECT 1) SELECT * FROM a;";
        assert_eq!(
            without_rows(sql),
            "CREATE TABLE \"as\"  AS SELECT * FROM ( WITH a AS (SELECT 1) SELECT * FROM a\n) LIMIT 0"
        );
    }
}
