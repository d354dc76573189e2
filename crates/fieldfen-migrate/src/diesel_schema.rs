//! Reads the schema file of diesel, and compares it with tables.

use crate::scratch_schema::{ColumnShape, TableShape};

/// A table of the schema file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DieselTable {
    pub(crate) name: String,
    pub(crate) key: Vec<String>,
    pub(crate) columns: Vec<DieselColumn>,
}

/// A column of the schema file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DieselColumn {
    pub(crate) name: String,
    /// The type without `Nullable<…>`.
    pub(crate) kind: String,
    pub(crate) is_nullable: bool,
}

/// A difference of a table from the schema file: the object, what was found, what the file has.
pub(crate) type FileDifference = (String, String, String);

/// The text for a missing object.
const NOTHING: &str = "nothing";

/// The tables of a schema file, as `diesel print-schema` writes it.
pub(crate) fn tables(text: &str) -> Vec<DieselTable> {
    let mut tables: Vec<DieselTable> = Vec::new();
    let mut sql_name = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("#[sql_name = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            sql_name = Some(name.to_owned());
        } else if let Some((name, kind)) = line.strip_suffix(',').and_then(|column| column.split_once(" -> ")) {
            let name = sql_name.take().unwrap_or_else(|| name.to_owned());
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let column = DieselColumn { name, kind: inner.unwrap_or(kind).to_owned(), is_nullable: inner.is_some() };
            if let Some(table) = tables.last_mut() {
                table.columns.push(column);
            }
        } else if let Some((name, key)) = line.strip_suffix(") {").and_then(|head| head.split_once(" (")) {
            let name = sql_name.take().unwrap_or_else(|| name.to_owned());
            let key = key.split(", ").map(str::to_owned).collect();
            tables.push(DieselTable { name, key, columns: Vec::new() });
        }
    }
    tables
}

impl DieselTable {
    /// The differences of a table from this one. Columns that only the table has are not among them.
    pub(crate) fn differences(&self, found: &TableShape) -> Vec<FileDifference> {
        if found.columns.is_empty() {
            return vec![(format!("table {}", self.name), NOTHING.to_owned(), "a table".to_owned())];
        }
        let mut differences = Vec::new();
        for column in &self.columns {
            let what = format!("column {}.{}", self.name, column.name);
            let expected = column.to_string();
            match found.columns.get(&column.name.to_lowercase()) {
                None => differences.push((what, NOTHING.to_owned(), expected)),
                Some(shape) if column.fits(shape) => {}
                Some(shape) => {
                    let null = if shape.not_null || shape.key > 0 { " NOT NULL" } else { "" };
                    differences.push((what, format!("{}{null}", shape.declared), expected));
                }
            }
        }
        let mut key: Vec<_> = found.columns.iter().filter(|(_, column)| column.key > 0).collect();
        key.sort_by_key(|(_, column)| column.key);
        let key: Vec<_> = key.into_iter().map(|(name, _)| name.clone()).collect();
        if key != self.key {
            let [found, expected] = [key, self.key.clone()].map(|key| format!("({})", key.join(", ")));
            differences.push((format!("primary key of {}", self.name), found, expected));
        }
        differences
    }

    /// The columns of a table that this one lacks.
    pub(crate) fn lacks<'a>(&self, found: &'a TableShape) -> impl Iterator<Item = (&'a String, &'a ColumnShape)> {
        let is_here = |name: &String| self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        found.columns.iter().filter(move |(name, _)| !is_here(name))
    }
}

impl DieselColumn {
    /// Whether diesel reads and writes this column with the type of the file. SQLite's primary keys accept NULL, and
    /// `diesel print-schema` takes them as NOT NULL.
    fn fits(&self, found: &ColumnShape) -> bool {
        let declared = |parts: &[&str]| parts.iter().any(|part| found.declared.contains(part));
        let kind = match self.kind.as_str() {
            "SmallInt" | "Integer" | "BigInt" => declared(&["INT"]),
            "Text" => declared(&["CHAR", "CLOB", "TEXT"]),
            "Timestamp" => declared(&["TIMESTAMP", "DATETIME"]),
            "Float" | "Double" => declared(&["REAL", "FLOA", "DOUB"]),
            "Binary" => declared(&["BLOB"]),
            "Bool" => declared(&["BOOL"]),
            _ => false,
        };
        kind && self.is_nullable == (!found.not_null && found.key == 0)
    }
}

impl std::fmt::Display for DieselColumn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_nullable { write!(f, "Nullable<{}>", self.kind) } else { f.write_str(&self.kind) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// @generated automatically by Diesel CLI.\n\ndiesel::table! {\n    pauses (scope, name) {\n        \
                        scope -> Text,\n        #[sql_name = \"type\"]\n        type_ -> Nullable<Timestamp>,\n    }\n}\n\n\
                        diesel::joinable!(a -> b (c));\n";

    #[test]
    fn a_schema_file_is_read() {
        let read = tables(TEXT);
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].name.as_str(), read[0].key.len()), ("pauses", 2));
        let columns: Vec<_> = read[0].columns.iter().map(|one| format!("{} {one}", one.name)).collect();
        assert_eq!(columns, ["scope Text", "type Nullable<Timestamp>"]);
        for text in ["", "a -> B,", "x (", ") {", "diesel::table! {"] {
            tables(text);
        }
    }

    #[test]
    fn a_column_fits_by_type_and_null() {
        let column = |declared: &str, not_null, key| ColumnShape {
            declared: declared.to_owned(),
            not_null,
            default: None,
            key,
            is_generated: false,
        };
        let text = DieselColumn { name: "n".to_owned(), kind: "Text".to_owned(), is_nullable: false };
        assert!(text.fits(&column("VARCHAR(36)", true, 0)) && text.fits(&column("TEXT", false, 1)));
        assert!(!text.fits(&column("TEXT", false, 0)) && !text.fits(&column("INTEGER", true, 0)));
    }
}
