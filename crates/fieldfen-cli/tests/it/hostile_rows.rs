//! Every reading command on shops whose rows hold the values that other programs may leave in them.
//!
//! `FIELDFEN_HOSTILE_SHOPS=200 cargo test -p fieldfen-cli --test it hostile_rows` tries more shops.
//! `FIELDFEN_HOSTILE_SEED` is the number of the first one.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use fieldfen_persistence::{OpenMode, SqliteUrl, connect};

use crate::output::{all_rows, commands};
use crate::shop_harness::{ProgramOutput, Shop};

/// The exit codes that a bad row may cause in a list: none.
const OF_LISTS: &[i32] = &[0];
/// The exit codes of a command about one row: the row cannot be read, or is not there.
const OF_ROWS: &[i32] = &[0, 6, 11];

/// The commands that read, with the query of their last argument, and the exit codes that a bad row may cause.
const READERS: &[(&str, Option<&str>, &[i32])] = &[
    ("status", None, OF_LISTS),
    // A pause or a limit that cannot be read is named.
    ("pauses", None, &[0, 6]),
    ("usage budget", None, &[0, 6]),
    ("metrics", None, &[0, 6]),
    ("doctor", None, &[0, 14]),
    ("migrate status", None, OF_LISTS),
    ("migrate plan", None, OF_LISTS),
    ("migrate drift", None, OF_LISTS),
    ("files list", None, OF_LISTS),
    ("files show", Some("SELECT id AS text FROM files"), OF_ROWS),
    ("jobs list", None, OF_LISTS),
    ("jobs show", Some("SELECT id AS text FROM jobs"), OF_ROWS),
    ("jobs why", Some("SELECT id AS text FROM jobs"), OF_ROWS),
    ("jobs errors", None, OF_LISTS),
    ("jobs bulk list", None, OF_LISTS),
    ("jobs bulk show", Some("SELECT id AS text FROM bulk_actions"), OF_ROWS),
    ("publications list", None, OF_LISTS),
    ("publications show", Some("SELECT id AS text FROM publications"), OF_ROWS),
    ("listings list", None, OF_LISTS),
    ("listings show", Some("SELECT id AS text FROM listings"), OF_ROWS),
    ("posts list", None, OF_LISTS),
    ("posts show", Some("SELECT id AS text FROM social_posts"), OF_ROWS),
    ("webhooks list", None, OF_LISTS),
    ("webhooks show", Some("SELECT hash AS text FROM processed_hashes"), OF_ROWS),
    ("usage calls", None, OF_LISTS),
    ("usage limits", None, OF_LISTS),
    ("usage report", None, &[0, 6]),
    ("recurring list", None, OF_LISTS),
    ("recurring show", Some("SELECT name AS text FROM recurring_jobs"), OF_ROWS),
    ("workers", None, OF_LISTS),
    ("log", None, OF_LISTS),
];

/// The commands that write, run until they are stopped, or read no row.
const OTHERS: &[&str] = &[
    "backup run",
    "completions",
    "files approve",
    "files delete",
    "files edit",
    "files fail",
    "files ingest",
    "files reject",
    "files retry",
    "jobs bulk resume",
    "jobs cancel",
    "jobs delete",
    "jobs enqueue",
    "jobs kill",
    "jobs kinds",
    "jobs priority",
    "jobs release",
    "jobs requeue",
    "jobs reschedule",
    "jobs retry",
    "jobs run-now",
    "listings reconcile",
    "listings resolve",
    "listings withdraw",
    "man",
    "migrate adopt",
    "migrate down",
    "migrate lint",
    "migrate rehearse",
    "migrate repair",
    "migrate to",
    "migrate up",
    "pause",
    "posts resolve",
    "posts withdraw",
    "publications resolve",
    "recurring pause",
    "recurring remove",
    "recurring resume",
    "recurring run",
    "resume",
    "upkeep run",
    "usage record",
    "watch",
    "webhooks forget",
    "webhooks receive",
    "work",
];

/// The values, as SQL. `$now` is a time of the present, and `$id` the id of a row.
const VALUES: &[&str] = &[
    "NULL",
    "''",
    "' '",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "9e999",
    "-9e999",
    "0.5",
    "x''",
    "x'ff00fe'",
    "CAST(x'80ff41' AS TEXT)",
    "'a' || char(0) || 'b'",
    HOSTILE,
    "'שלום ' || char(8294) || 'עולם'",
    "replace(hex(zeroblob(40)), '00', 'e' || char(769))",
    "replace(hex(zeroblob(30)), '00', '👩‍👩‍👧‍👦')",
    "replace(hex(zeroblob(5000000)), '00', 'xy')",
    "'\"' || replace(hex(zeroblob(5000000)), '00', 'xy') || '\"'",
    "replace(hex(zeroblob(5000)), '00', '[')",
    "'[]'",
    "'{}'",
    "'null'",
    "'{\"a\": NaN}'",
    "'{\"a\": 1e999, \"b\": 123456789012345678901234567890}'",
    "'2026-11-27 10:00:00'",
    "'2026-11-27T10:00:00+02:00'",
    "'2026-02-30 00:00:00'",
    "'0000-00-00 00:00:00'",
    "'0001-01-01 00:00:00.000000'",
    "'1969-12-31 23:59:59.999999'",
    "'2262-04-12 00:00:00.000000'",
    "'9999-12-31 23:59:59.999999'",
    "'99999-01-01 00:00:00.000000'",
    "'-9223372036854775808'",
    "'0b5a4f0e4f5c4b0e9a530c2a6f4f9a11'",
    "'0B5A4F0E-4F5C-4B0E-9A53-0C2A6F4F9A11'",
    "'pending'",
    "'RUNNING'",
    "'JobStatus.failed'",
    "'running'",
    "'failed'",
    "'unknown'",
    "'UpscaleImage'",
    "'etsy'",
    "'etsy/main'",
    "'0 0 31 2 *'",
    "'1.5'",
    "'true'",
    "'-0'",
];

/// A text that clears the screen, sets the title, reverses the direction, ends the line and hides a part of itself.
const HOSTILE: &str = "'fox' || char(27) || '[2J' || char(27) || ']0;owned' || char(7) || char(8238) || 'gpj.' \
                       || char(10) || 'root' || char(155) || '31m' || char(8203)";

/// Numbers that depend on nothing but the seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

fn texts(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows: Vec<Words> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().filter_map(|row| row.text).collect()
}

fn open(shop: &Shop) -> SqliteConnection {
    connect(&SqliteUrl::from(&*shop.database()), OpenMode::ExistingOnly).unwrap()
}

/// Writes hostile values into the shop, and returns the statements.
fn spoil(shop: &Shop, seed: u64) -> Vec<String> {
    let mut conn = open(shop);
    conn.batch_execute("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    let columns = texts(
        &mut conn,
        "SELECT m.name || '.' || c.name AS text FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'
         ORDER BY 1",
    );
    let mut random = Random(seed);
    let (mut statements, wanted) = (Vec::new(), 1 + random.below(6));
    while statements.len() < wanted {
        let (table, column) = random.pick(&columns).split_once('.').unwrap();
        let value = *random.pick(VALUES);
        let rows = match random.below(3) {
            0 => String::new(),
            _ => {
                format!(" WHERE rowid = (SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {})", random.below(8))
            }
        };
        let statement = format!("UPDATE OR IGNORE {table} SET {column} = {value}{rows}");
        // The schema refuses some values.
        if conn.batch_execute(&statement).is_ok() {
            statements.push(statement);
        }
    }
    statements
}

/// The faults of a command on a shop with hostile rows.
fn faults(shop: &Shop, arguments: &[&str], codes: &[i32]) -> Vec<String> {
    let mut faults = Vec::new();
    let is_bad = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}\u{2066}".contains(c);
    for json in [false, true] {
        let mut arguments = arguments.to_vec();
        if json {
            arguments.insert(0, "--json");
        }
        let ProgramOutput { code, out, err } = shop.run(&arguments);
        let mut fault = |what: &str| {
            let start: String = err.chars().chain("; ".chars()).chain(out.chars()).take(400).collect();
            faults.push(format!("{}: {what}: exit code {code}: {start:?}", arguments.join(" ")));
        };
        if err.contains("panicked") || !codes.contains(&code) {
            fault("it must end otherwise");
        }
        if err.contains(is_bad) || (!json && out.contains(is_bad)) {
            fault("control characters");
        }
        if json && serde_json::from_str::<serde_json::Value>(&out).is_err() {
            fault("no document");
        }
        // A table for people shows the beginning of a text.
        if !json && !arguments.iter().any(|word| ["show", "why"].contains(word)) && out.len() > 2_000_000 {
            fault(&format!("{} bytes", out.len()));
        }
    }
    faults
}

/// The text of hexadecimal digits, if a person can type it.
fn typed(hex: &str) -> Option<String> {
    let digits = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
    let text = String::from_utf8(digits.collect::<Result<_, _>>().unwrap()).ok()?;
    (text.len() < 10_000 && !text.contains('\0')).then_some(text)
}

fn faults_of_shop(seed: u64) -> String {
    let shop = Shop::new();
    all_rows(&shop);
    let statements = spoil(&shop, seed);
    let mut found = Vec::new();
    for (command, ids, codes) in READERS {
        let words: Vec<_> = command.split(' ').collect();
        let Some(ids) = ids else {
            found.extend(faults(&shop, &words, codes));
            continue;
        };
        let ids = texts(&mut open(&shop), &format!("SELECT hex(text) AS text FROM ({ids}) LIMIT 12"));
        for id in ids.iter().filter_map(|id| typed(id)) {
            found.extend(faults(&shop, &[&words[..], &["--", &id]].concat(), codes));
        }
    }
    if found.is_empty() {
        return String::new();
    }
    format!("seed {seed}: {statements:#?}\n{}\n", found.join("\n"))
}

#[test]
fn whatever_stands_in_the_rows_every_command_shows_the_others_or_names_the_row() {
    let number = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().unwrap());
    let first = number("FIELDFEN_HOSTILE_SEED", 0);
    let (next, end) = (AtomicU64::new(first), first + number("FIELDFEN_HOSTILE_SHOPS", 2));
    let found = thread::scope(|scope| {
        let shops = || {
            let mut found = String::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return found;
                }
                found.push_str(&faults_of_shop(seed));
            }
        };
        let threads = [scope.spawn(shops), scope.spawn(shops)];
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    assert!(found.is_empty(), "{found}");
}

#[test]
fn every_command_either_reads_hostile_rows_or_is_named_as_one_that_does_not() {
    let known = |command: &str| READERS.iter().any(|(reader, ..)| *reader == command) || OTHERS.contains(&command);
    let unknown: Vec<_> = commands().into_iter().filter(|command| !known(command)).collect();
    assert_eq!(unknown, [""; 0], "name them in READERS or OTHERS");
}

#[test]
fn every_table_of_the_shop_has_rows_to_spoil() {
    let shop = Shop::new();
    all_rows(&shop);
    let mut conn = open(&shop);
    let tables = texts(
        &mut conn,
        "SELECT name AS text FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1",
    );
    let is_empty = |table: &&String| texts(&mut conn, &format!("SELECT 'x' AS text FROM {table} LIMIT 1")).is_empty();
    let empty: Vec<_> = tables.iter().filter(is_empty).collect();
    assert_eq!(empty, [""; 0]);
}
