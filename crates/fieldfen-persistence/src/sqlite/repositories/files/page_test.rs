//! Tests time windows over files whose rows other programs have inserted or changed.

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::file::{Arrival, File, FileFilter, FileStatus};
use fieldfen_domain::store::{FileReads, Files};
use fieldfen_domain::{Page, PageRequest};
use fieldfen_testkit::fixtures::{at, file};

use crate::sqlite::columns::test_database::{database, session};

/// The rowids of all rows of a filter, read forwards and backwards in pages of this size.
fn walk(conn: &mut SqliteConnection, filter: &FileFilter, limit: u32) -> Vec<u64> {
    let oldest = walk_from(conn, filter, &PageRequest::first(limit));
    let mut newest = walk_from(conn, filter, &PageRequest::first(limit).newest_first());
    newest.reverse();
    assert_eq!(newest, oldest, "{filter:?}");
    oldest
}

fn walk_from(conn: &mut SqliteConnection, filter: &FileFilter, first: &PageRequest) -> Vec<u64> {
    let mut page = |request: &PageRequest| session(conn).page(filter, request).unwrap();
    let mut pages = vec![page(first)];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(page(&first.clone().after(next)));
    }
    for (before, after) in pages.iter().zip(&pages[1..]).rev() {
        let back = page(&first.clone().before(after.previous.clone().unwrap()));
        assert_eq!((&back.items, &back.unreadable), (&before.items, &before.unreadable), "{filter:?}, the way back");
    }
    pages.iter().flat_map(numbers).collect()
}

/// The names of the files, which are their rowids. Unreadable rows follow the other rows of their page.
fn numbers(page: &Page<File>) -> Vec<u64> {
    let items = page.items.iter().map(|file| file.original_filename.parse().unwrap());
    items.chain(page.unreadable.iter().map(|row| u64::from_str_radix(&row.row, 16).unwrap())).collect()
}

fn arriving(arrival: Arrival) -> FileFilter {
    FileFilter::new().arrival(Some(arrival))
}

/// Inserts rows with only a time of arrival. Their ids and names are their rowids.
fn insert(conn: &mut SqliteConnection, arrivals: &[&str]) {
    for arrival in arrivals {
        let row = "INSERT INTO files (original_filename, status, created_at) VALUES ('', 'ingested', ";
        conn.batch_execute(&format!("{row}{arrival})")).unwrap();
    }
    conn.batch_execute("UPDATE files SET id = printf('%032x', rowid), original_filename = rowid").unwrap();
}

#[test]
fn each_row_is_in_a_window_or_among_the_other_forms_whatever_its_time_is() {
    let comparable = [
        "'2026-01-01 10:00:00'",
        "'2026-01-01 10:00:00.5'",
        "'2026-01-01 10:00:00.500000'",
        "'2026-01-01 10:00:00.500000001'",
        "'2026-01-01 24:00:00'",
        "'2026-02-30 10:00:00'",
        "'2026-03-01 10:00:00.'",
    ];
    let others = [
        "NULL",
        "'2026-01-01T10:00:09'",
        "'2026-01-01 10:00:09Z'",
        "'2026-01-01 10:00:09+02:00'",
        "'2026-01-01 10:00:09.1234567891'",
        "'2026-01-01'",
        "' 2026-01-01 10:00:00'",
        "'tomorrow'",
        "''",
        "1767261600",
        "2461042.5",
        "x'323032362d30312d30312031303a30303a3030'",
        "CAST(x'323032362d30312d30312031303a30303a303000' AS TEXT)",
        "CAST(x'323032362d30312d30312031303a30303a303000ff' AS TEXT)",
        "CAST(x'323032362d30312d30312031303a30303a3030ff' AS TEXT)",
    ];
    let mut conn = database();
    // The rows 9 to 15 have comparable times. They stand between the rows with other forms.
    let (above, below) = others.split_at(8);
    insert(&mut conn, &[above, &comparable, below].concat());
    conn.batch_execute("UPDATE files SET species = 'fox' WHERE rowid % 2 = 0").unwrap();
    for (species, status) in [
        (None, None),
        (Some("fox"), None),
        (None, Some(FileStatus::Ingested)),
        (Some("fox"), Some(FileStatus::Ingested)),
    ] {
        let wanted = |rows: Vec<u64>| rows.into_iter().filter(|row| species.is_none() || row % 2 == 0).collect();
        let (in_order, rest): (Vec<u64>, Vec<u64>) =
            (wanted((9..=15).collect()), wanted((1..=8).chain(16..=22).collect()));
        for (arrival, expected) in [(Arrival::ANY_TIME, in_order), (Arrival::OtherForms, rest)] {
            let filter = arriving(arrival).species(species.map(str::to_owned)).status(status);
            assert_eq!(walk(&mut conn, &filter, 1), expected, "{filter:?}");
            // A page of more than one row lists its unreadable rows after the others.
            let mut all = walk_from(&mut conn, &filter, &PageRequest::first(3));
            all.sort_unstable();
            assert_eq!(all, expected, "{filter:?}");
        }
    }
}

#[test]
fn windows_of_every_size_hold_the_same_files_as_a_plain_filter_whatever_their_order() {
    const FILES: u64 = 3000;
    let mut conn = database();
    // Arrivals in the order of insertion, almost in that order, in no order, and with few distinct times.
    for (name, second) in [
        ("in order", (|number| number) as fn(u64) -> u64),
        ("some late", |number| if number % 97 < 20 { number.saturating_sub(40) } else { number }),
        ("in disorder", |number| (number * 7919) % FILES),
        ("ties", |number| (number * 7919) % 5 * 600),
    ] {
        conn.batch_execute("DELETE FROM files; BEGIN").unwrap();
        for number in 0..FILES {
            let mut new = file(number);
            (new.original_filename, new.at) = (number.to_string(), at(i64::try_from(second(number)).unwrap()));
            new.species = Some(if number % 3 == 0 { "fox" } else { "elk" }.to_owned());
            session(&mut conn).insert(&new).unwrap();
        }
        conn.batch_execute("COMMIT; UPDATE files SET status = 'approved' WHERE rowid % 5 = 0").unwrap();
        let approved = |number: u64| (number + 1).is_multiple_of(5);
        for (from, to) in [(0, 3000), (0, 10), (10, 10), (100, 2500), (2990, 3000), (600, 1201), (7000, 8000)] {
            for (fox, approved_only) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut expected: Vec<u64> = (0..FILES)
                    .filter(|&number| (from..to).contains(&second(number)))
                    .filter(|&number| !fox || number % 3 == 0)
                    .filter(|&number| !approved_only || approved(number))
                    .collect();
                expected.sort_by_key(|&number| second(number));
                let filter =
                    arriving(Arrival::between(at(i64::try_from(from).unwrap()), at(i64::try_from(to).unwrap())))
                        .status(approved_only.then_some(FileStatus::Approved))
                        .species(fox.then(|| "fox".to_owned()));
                assert_eq!(walk(&mut conn, &filter, 350), expected, "{name}, {filter:?}");
            }
        }
    }
}

#[test]
fn a_window_knows_the_seconds_of_programs_that_write_no_fraction() {
    let mut conn = database();
    insert(
        &mut conn,
        &[
            "'2026-01-01 00:00:11'",
            "'2026-01-01 00:00:10.5'",
            "'2026-01-01 00:00:10'",
            "'2026-01-01 00:00:09.999'",
            "NULL",
        ],
    );
    let half = chrono::TimeDelta::milliseconds(500);
    let mut window = |arrival| walk(&mut conn, &arriving(arrival), 9);
    assert_eq!(window(Arrival::between(at(10), at(11))), [3, 2]);
    assert_eq!(window(Arrival::between(at(10) + half, at(11))), [2]);
    assert_eq!(window(Arrival::between(at(10), at(10) + half)), [3]);
    assert_eq!(window(Arrival::before(at(10))), [4]);
    assert_eq!(window(Arrival::OtherForms), [5]);
}

#[test]
fn a_file_whose_arrival_was_changed_is_found_in_its_new_window() {
    let mut conn = database();
    let arrivals: Vec<_> = (0..50).map(|minute| format!("'2026-01-01 00:{minute:02}:00'")).collect();
    insert(&mut conn, &arrivals.iter().map(String::as_str).collect::<Vec<_>>());
    conn.batch_execute("UPDATE files SET created_at = '2026-01-01 00:10:30' WHERE rowid = 40").unwrap();
    let mut window = |since, before| walk(&mut conn, &arriving(Arrival::between(at(since), at(before))), 2);
    assert_eq!(window(600, 720), [11, 40, 12]);
    assert_eq!(window(60 * 38, 60 * 41), [39, 41]);
    conn.batch_execute("UPDATE files SET created_at = NULL WHERE rowid = 40").unwrap();
    assert_eq!(walk(&mut conn, &arriving(Arrival::OtherForms), 2), [40]);
}
