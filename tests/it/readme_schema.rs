//! Compares the tables of the README with the schema that the migrations make.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use rusqlite::Connection;

type Columns = BTreeMap<String, BTreeSet<String>>;

/// The columns of each table of this database.
fn columns(conn: &Connection) -> Columns {
    let sql = "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut columns = Columns::new();
    for (table, column) in rows.map(Result::unwrap) {
        columns.entry(table).or_default().insert(column);
    }
    columns
}

#[test]
fn the_readme_names_every_table_and_column_that_is_not_in_the_specification() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<_> =
        fs::read_dir(repository.join("migrations/sqlite")).unwrap().map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    let conn = Connection::open_in_memory().unwrap();
    let mut specification = Columns::new();
    for (number, folder) in folders.iter().enumerate() {
        conn.execute_batch(&fs::read_to_string(folder.join("up.sql")).unwrap()).unwrap();
        if number == 0 {
            specification = columns(&conn);
        }
    }
    let readme = fs::read_to_string(repository.join("README.md")).unwrap();
    let row_of = |table: &str| {
        let name = format!("`{table}`");
        readme.lines().find(|line| line.split('|').nth(1).is_some_and(|cell| cell.contains(&name)))
    };
    let (mut tables, mut added) = (0, 0);
    for (table, columns) in columns(&conn) {
        let Some(specified) = specification.get(&table) else {
            tables += 1;
            assert!(row_of(&table).is_some(), "README.md has no row for the table {table}");
            continue;
        };
        for column in columns.difference(specified) {
            added += 1;
            let row = row_of(&table).unwrap_or_else(|| panic!("README.md has no row for the columns of {table}"));
            assert!(row.contains(&format!("`{column}`")), "README.md lacks the column {table}.{column}");
        }
    }
    assert!(specification.len() == 6 && tables > 10 && added > 20, "{tables} tables and {added} columns");
}
