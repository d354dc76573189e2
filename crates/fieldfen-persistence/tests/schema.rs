//! Compares the migrations with the specification, whose own SQL makes the tables for the comparison.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use fieldfen_persistence::migrations;

/// A copy of the SQL in the specification, so that these tests run without it.
const SPECIFICATION: &str = include_str!("specification.sql");

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    r#type: String,
    #[diesel(sql_type = BigInt)]
    notnull: i64,
    #[diesel(sql_type = Nullable<Text>)]
    dflt_value: Option<String>,
    #[diesel(sql_type = BigInt)]
    pk: i64,
    /// 0 except for generated and hidden columns.
    #[diesel(sql_type = BigInt)]
    hidden: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct ForeignKey {
    #[diesel(sql_type = Text)]
    from: String,
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    to: String,
    #[diesel(sql_type = Text)]
    on_update: String,
    #[diesel(sql_type = Text)]
    on_delete: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    unique: i64,
    /// `c` for a separate index, `u` for a UNIQUE constraint, `pk` for a primary key.
    #[diesel(sql_type = Text)]
    origin: String,
    #[diesel(sql_type = BigInt)]
    partial: i64,
    /// The columns with direction and collation.
    #[diesel(sql_type = Text)]
    columns: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    columns: Vec<Column>,
    foreign_keys: BTreeSet<ForeignKey>,
    indexes: BTreeSet<Index>,
}

type Schema = BTreeMap<String, Table>;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

fn lines(conn: &mut SqliteConnection, query: &str) -> Outcome<Vec<String>> {
    Ok(diesel::sql_query(query).load::<Line>(conn)?.into_iter().map(|line| line.line).collect())
}

/// The tables without SQLite's own and diesel's list of migrations.
fn table_names(conn: &mut SqliteConnection) -> Outcome<Vec<String>> {
    lines(
        conn,
        r"SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
          AND name NOT LIKE '\_\_%' ESCAPE '\' ORDER BY name",
    )
}

fn introspect(conn: &mut SqliteConnection) -> Outcome<Schema> {
    let mut schema = Schema::new();
    for name in table_names(conn)? {
        let columns = format!("SELECT * FROM pragma_table_xinfo('{name}') ORDER BY cid");
        let foreign_keys = format!("SELECT * FROM pragma_foreign_key_list('{name}')");
        let indexes = format!(
            "SELECT list.*, (SELECT group_concat(ifnull(name, 'expression') || iif(desc, ' desc ', ' ') || coll, ', ')
                             FROM (SELECT * FROM pragma_index_xinfo(list.name) WHERE key ORDER BY seqno)) AS columns
             FROM pragma_index_list('{name}') AS list"
        );
        let table = Table {
            columns: diesel::sql_query(columns).load(conn)?,
            foreign_keys: diesel::sql_query(foreign_keys).load(conn)?.into_iter().collect(),
            indexes: diesel::sql_query(indexes).load(conn)?.into_iter().collect(),
        };
        schema.insert(name, table);
    }
    Ok(schema)
}

/// The SQL of all objects in `sqlite_schema`, without SQLite's and diesel's own.
fn statements(conn: &mut SqliteConnection) -> Outcome<Vec<String>> {
    lines(
        conn,
        r"SELECT type || ' ' || name || ': ' || coalesce(sql, '') AS line FROM sqlite_schema
          WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_\_%' ESCAPE '\' ORDER BY type, name",
    )
}

/// Every value of every row.
fn rows(conn: &mut SqliteConnection) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for (table, known) in introspect(conn)? {
        let values: Vec<_> = known.columns.iter().map(|column| format!("quote({})", column.name)).collect();
        let values = values.join(" || ' ' || ");
        all.extend(lines(conn, &format!("SELECT '{table} ' || {values} AS line FROM {table} ORDER BY line"))?);
    }
    Ok(all)
}

/// The statement without comments, with single blanks.
fn without_comments(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn memory() -> Outcome<SqliteConnection> {
    let mut conn = SqliteConnection::establish(":memory:")?;
    conn.batch_execute("PRAGMA foreign_keys = ON")?;
    Ok(conn)
}

fn specified() -> Outcome<Schema> {
    let mut conn = memory()?;
    conn.batch_execute(SPECIFICATION)?;
    introspect(&mut conn)
}

/// The folders of the migrations, the oldest first.
fn folders() -> Outcome<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut folders = fs::read_dir(root)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    folders.sort();
    Ok(folders)
}

fn run(conn: &mut SqliteConnection, folder: &Path, direction: &str) -> Outcome {
    conn.batch_execute(&fs::read_to_string(folder.join(direction))?)?;
    Ok(())
}

/// One row in each of the specification's tables, as a program inserts it that knows only the specification.
const SPECIFICATION_ROWS: &str = "
    INSERT INTO files (id, original_filename, species, status, drive_file_id, width)
    VALUES ('c3b1a7a06f0e4a3e9d2a5b8c7d6e5f40', 'buck.jpg', 'whitetail-deer', 'failed', 'drive', 4000);
    INSERT INTO jobs (id, file_id, command_type, status)
    SELECT '7f2d5a9c4f0e4a3e9d2a5b8c7d6e5f40', id, 'UpscaleImage', 'pending' FROM files;
    INSERT INTO processed_hashes (hash, file_id) SELECT 'hash', id FROM files;
    INSERT INTO api_usage (service) VALUES ('replicate');
    INSERT INTO listings (id, file_id, platform, platform_listing_id, status)
    SELECT '0a0b0c0d0e0f4a3e9d2a5b8c7d6e5f40', id, 'etsy', '1', 'active' FROM files;
    INSERT INTO social_posts (id, file_id, platform) SELECT '1a1b0c0d0e0f4a3e9d2a5b8c7d6e5f40', id, 'tiktok' FROM files;";

#[test]
#[ignore = "needs the specification: FIELDFEN_SPECIFICATION is the path of its Markdown file"]
fn the_copy_of_the_specification_is_its_own_sql() -> Outcome {
    let original = std::env::var_os("FIELDFEN_SPECIFICATION").ok_or("FIELDFEN_SPECIFICATION is not set")?;
    let text = fs::read_to_string(original)?;
    let blocks: Vec<&str> = text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.join("\n"), SPECIFICATION);
    Ok(())
}

#[test]
fn the_first_migration_is_the_specification_to_the_letter() -> Outcome {
    let mut conn = memory()?;
    run(&mut conn, &folders()?[0], "up.sql")?;
    let (specified, migrated) = (specified()?, introspect(&mut conn)?);
    assert_eq!(migrated, specified);
    // Properties that no pragma shows: AUTOINCREMENT, CHECK and others.
    let mut by_hand = memory()?;
    by_hand.batch_execute(SPECIFICATION)?;
    let bare = |statements: Vec<String>| statements.iter().map(|sql| without_comments(sql)).collect::<Vec<_>>();
    assert_eq!(bare(statements(&mut conn)?), bare(statements(&mut by_hand)?));
    let own = |schema: &Schema| -> usize {
        schema.values().map(|table| table.indexes.iter().filter(|index| index.origin == "c").count()).sum()
    };
    assert_eq!((specified.len(), own(&specified)), (6, 13), "so many tables and indexes does it have");
    Ok(())
}

#[test]
fn the_newest_schema_adds_only_what_older_programs_need_not_know() -> Outcome {
    let mut conn = memory()?;
    migrations::run_pending(&mut conn)?;
    let migrated = introspect(&mut conn)?;
    for (name, specified) in specified()? {
        let table = migrated.get(&name).ok_or_else(|| format!("table {name} is gone"))?;
        let (kept, added) = table.columns.split_at(specified.columns.len());
        assert_eq!(kept, specified.columns, "{name}");
        for column in added {
            let constant = column.dflt_value.as_deref().is_some_and(|value| {
                value.parse::<f64>().is_ok() || (value.starts_with('\'') && value.ends_with('\''))
            });
            assert!(column.notnull == 0 || constant, "{name}.{} must be nullable or have a constant", column.name);
            assert_eq!((column.pk, column.hidden), (0, 0), "{name}.{}", column.name);
        }
        assert_eq!(table.foreign_keys, specified.foreign_keys, "{name}");
        assert!(table.indexes.is_superset(&specified.indexes), "{name}: {:?}", specified.indexes);
        for index in table.indexes.difference(&specified.indexes) {
            assert_eq!(index.unique, 0, "{name}: {} must not refuse what the specification allows", index.name);
        }
    }
    conn.batch_execute(SPECIFICATION_ROWS)?;
    Ok(())
}

#[test]
fn files_may_share_a_drive_id_as_in_the_specification() -> Outcome {
    for drive_file_id in ["drive", ""] {
        let mut conn = memory()?;
        migrations::run_pending(&mut conn)?;
        for id in ["one", "two"] {
            conn.batch_execute(&format!(
                "INSERT INTO files (id, original_filename, status, drive_file_id)
                 VALUES ('{id}', 'buck.jpg', 'ingested', '{drive_file_id}')"
            ))?;
        }
        assert_eq!(lines(&mut conn, "SELECT count(*) || '' AS line FROM files")?, ["2"]);
    }
    Ok(())
}

#[test]
fn each_migration_and_its_rollback_leave_schema_and_rows_as_they_were() -> Outcome {
    let folders = folders()?;
    for (index, folder) in folders.iter().enumerate() {
        let mut conn = memory()?;
        for earlier in &folders[..index] {
            run(&mut conn, earlier, "up.sql")?;
        }
        if index > 0 {
            conn.batch_execute(SPECIFICATION_ROWS)?;
        }
        let before = (statements(&mut conn)?, introspect(&mut conn)?, rows(&mut conn)?);
        // A migration may insert a row into its own table.
        let of_migrations = ["publication_gap ", "api_usage_rollup "];
        let of_specification = before.2.iter().filter(|row| !of_migrations.iter().any(|table| row.starts_with(table)));
        assert_eq!(of_specification.count(), if index > 0 { 6 } else { 0 });
        run(&mut conn, folder, "up.sql")?;
        let kept = rows(&mut conn)?;
        for (table, _) in before.1.iter() {
            let of_table = |rows: &[String]| rows.iter().filter(|row| row.starts_with(&format!("{table} "))).count();
            assert_eq!(of_table(&kept), of_table(&before.2), "{folder:?} keeps the rows of {table}");
        }
        assert_ne!(statements(&mut conn)?, before.0, "{folder:?} changes the schema");
        run(&mut conn, folder, "down.sql")?;
        let after = (statements(&mut conn)?, introspect(&mut conn)?, rows(&mut conn)?);
        assert_eq!(after, before, "{folder:?}");
        run(&mut conn, folder, "up.sql")?;
        assert_eq!(rows(&mut conn)?, kept, "{folder:?} can be applied again");
    }
    Ok(())
}

#[test]
fn the_runner_goes_all_the_way_up_and_down_through_the_same_schemas() -> Outcome {
    let folders = folders()?;
    let mut by_hand = memory()?;
    let mut stages = vec![introspect(&mut by_hand)?];
    for folder in &folders {
        run(&mut by_hand, folder, "up.sql")?;
        stages.push(introspect(&mut by_hand)?);
    }
    let mut conn = memory()?;
    assert_eq!(migrations::run_pending(&mut conn)?.migrations.len(), folders.len());
    while let Some(stage) = stages.pop() {
        assert_eq!(introspect(&mut conn)?, stage);
        assert_eq!(migrations::revert_last(&mut conn)?.is_some(), !stages.is_empty());
    }
    Ok(())
}
