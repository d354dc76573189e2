//! Splits a migration's text into statements, and reads which objects a statement creates and drops.

use super::sql_tokens::{TokenKind, lex};

/// A statement of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// From the first word to the semicolon, which may be missing at the end of the text.
    pub(super) text: &'a str,
    /// The line of the comment that stands last before the statement.
    pub(super) comment: Option<&'a str>,
    /// The normal forms of its tokens.
    pub(super) words: Vec<String>,
}

/// The statements of a text. A statement needs at least one token that is neither a comment nor a semicolon.
pub(super) fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut all = Vec::new();
    let (mut start, mut end, mut comment) = (None, 0, None);
    let mut words: Vec<String> = Vec::new();
    for token in lex(sql) {
        if token.kind == TokenKind::Comment {
            if start.is_none() {
                comment = Some(token.text);
            }
            continue;
        }
        let is_end = token.kind == TokenKind::Sign && token.text == ";";
        if start.is_none() && is_end {
            continue;
        }
        let from = *start.get_or_insert(token.at);
        end = token.at + token.text.len();
        if is_end && !is_within_trigger(&words) {
            all.push(Statement { text: &sql[from..end], comment: comment.take(), words: std::mem::take(&mut words) });
            start = None;
        } else {
            words.push(token.normal());
        }
    }
    if let Some(from) = start {
        all.push(Statement { text: &sql[from..end], comment, words });
    }
    all
}

/// Whether a semicolon after these words stands between the statements of a trigger. The last one of a trigger follows
/// an `END` that follows a semicolon, as in `sqlite3_complete` (<https://sqlite.org/c3ref/complete.html>).
fn is_within_trigger(words: &[String]) -> bool {
    let is = |at: usize, expected: &[&str]| words.get(at).is_some_and(|word| expected.contains(&word.as_str()));
    let is_trigger =
        is(0, &["create"]) && (is(1, &["trigger"]) || is(1, &["temp", "temporary"]) && is(2, &["trigger"]));
    is_trigger && !matches!(words, [.., before, last] if before == ";" && last == "end")
}

/// A change of the schema. Names are in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SchemaChange {
    /// The kind is `table`, `index`, `view` or `trigger`.
    Creates {
        kind: &'static str,
        name: String,
    },
    Drops {
        kind: &'static str,
        name: String,
    },
    AddsColumn {
        table: String,
        column: String,
    },
    DropsColumn {
        table: String,
        column: String,
    },
    /// Stands beside the drop and the creation. SQLite writes the new name of the table or column into the texts of
    /// indexes, triggers and views.
    Renames {
        from: String,
        to: String,
    },
}

/// The changes of a text.
pub(super) fn schema_changes(sql: &str) -> Vec<SchemaChange> {
    statements(sql).iter().flat_map(|statement| changes(&statement.words)).collect()
}

fn changes(words: &[String]) -> Vec<SchemaChange> {
    let mut words = words.iter().map(String::as_str).peekable();
    match words.next() {
        Some(verb @ ("create" | "drop")) => {
            while words.next_if(|word| ["temp", "temporary", "unique", "virtual"].contains(word)).is_some() {}
            let kind = match words.next() {
                Some("table") => "table",
                Some("index") => "index",
                Some("view") => "view",
                Some("trigger") => "trigger",
                _ => return Vec::new(),
            };
            while words.next_if(|word| ["if", "not", "exists"].contains(word)).is_some() {}
            let Some(name) = words.next().map(without_schema) else { return Vec::new() };
            vec![if verb == "create" {
                SchemaChange::Creates { kind, name }
            } else {
                SchemaChange::Drops { kind, name }
            }]
        }
        Some("alter") if words.next() == Some("table") => {
            let Some(table) = words.next().map(without_schema) else { return Vec::new() };
            let action = words.next();
            let named = |column: &str| column.to_owned();
            match action {
                Some("add") => {
                    words.next_if_eq(&"column");
                    words
                        .next()
                        .map(|name| SchemaChange::AddsColumn { table, column: named(name) })
                        .into_iter()
                        .collect()
                }
                Some("drop") => {
                    words.next_if_eq(&"column");
                    let dropped = words.next();
                    dropped.map(|name| SchemaChange::DropsColumn { table, column: named(name) }).into_iter().collect()
                }
                Some("rename") if words.next_if_eq(&"to").is_some() => {
                    let Some(name) = words.next().map(without_schema) else { return Vec::new() };
                    vec![
                        SchemaChange::Renames { from: table.clone(), to: name.clone() },
                        SchemaChange::Drops { kind: "table", name: table },
                        SchemaChange::Creates { kind: "table", name },
                    ]
                }
                Some("rename") => {
                    words.next_if_eq(&"column");
                    let (Some(old), Some("to"), Some(new)) = (words.next(), words.next(), words.next()) else {
                        return Vec::new();
                    };
                    vec![
                        SchemaChange::Renames { from: named(old), to: named(new) },
                        SchemaChange::DropsColumn { table: table.clone(), column: named(old) },
                        SchemaChange::AddsColumn { table, column: named(new) },
                    ]
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// The name of an object without `main.`.
fn without_schema(name: &str) -> String {
    name.strip_prefix("main.").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn semicolons_in_texts_comments_and_triggers_end_no_statement() {
        let trigger =
            "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM b; END;";
        let sql = format!("-- first; one\n-- second\nSELECT ';'; ;; /* ; */ {trigger} SELECT 1");
        assert_eq!(texts(&sql), ["SELECT ';';", trigger, "SELECT 1"]);
        let all = statements(&sql);
        assert_eq!(all.iter().map(|one| one.comment).collect::<Vec<_>>(), [Some("-- second"), Some("/* ; */"), None]);
        assert_eq!(texts("-- nothing\n;;"), [""; 0]);
    }

    #[test]
    fn the_objects_of_a_statement_are_read_in_all_spellings() {
        let creates = |kind, name: &str| SchemaChange::Creates { kind, name: name.to_owned() };
        let drops = |kind, name: &str| SchemaChange::Drops { kind, name: name.to_owned() };
        let column = |table: &str, column: &str| (table.to_owned(), column.to_owned());
        let adds = |(table, column)| SchemaChange::AddsColumn { table, column };
        let takes = |(table, column)| SchemaChange::DropsColumn { table, column };
        let renames = |from: &str, to: &str| SchemaChange::Renames { from: from.to_owned(), to: to.to_owned() };
        for (sql, expected) in [
            ("CREATE TABLE IF NOT EXISTS \"A b\" (n)", vec![creates("table", "a b")]),
            ("CREATE UNIQUE INDEX main.i ON t (n)", vec![creates("index", "i")]),
            ("DROP TRIGGER IF EXISTS [T]", vec![drops("trigger", "t")]),
            ("ALTER TABLE t ADD COLUMN n", vec![adds(column("t", "n"))]),
            ("ALTER TABLE t ADD `n` TEXT", vec![adds(column("t", "n"))]),
            ("ALTER TABLE t DROP n", vec![takes(column("t", "n"))]),
            ("ALTER TABLE t RENAME a TO b", vec![renames("a", "b"), takes(column("t", "a")), adds(column("t", "b"))]),
            ("ALTER TABLE t RENAME TO u", vec![renames("t", "u"), drops("table", "t"), creates("table", "u")]),
            ("UPDATE t SET n = 1", vec![]),
            ("ALTER", vec![]),
        ] {
            assert_eq!(schema_changes(sql), expected, "{sql}");
        }
    }
}
