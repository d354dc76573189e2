//! Backups while other threads write to the database, and two backups at once.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use diesel::prelude::*;
use diesel::sql_types::Text;
use fieldfen_backup::{BackupReport, PRIVATE, back_up};
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, PageRequest, file::FileFilter};
use fieldfen_persistence::{OpenMode, SqliteStore, SqliteUrl, connect};
use fieldfen_testkit::wait::{RaiseOnDrop, exit_status, scope_with_deadline, wait_until};

use crate::now;
use crate::shop_harness::{Shop, assert_whole, new_file};

const WRITERS: u64 = 4;

#[test]
fn a_copy_made_under_writers_is_of_one_moment_and_misses_nothing_committed_before() {
    let shop = Shop::with_files(2_000);
    let store = SqliteStore::open(shop.database()).unwrap();
    let committed: [AtomicU64; WRITERS as usize] = Default::default();
    let stop = AtomicBool::new(false);
    let mut copies: Vec<(Vec<u64>, BackupReport)> = Vec::new();
    scope_with_deadline("all writers have stopped", |scope| {
        for writer in 0..WRITERS {
            let (store, committed, stop) = (store.clone(), &committed[writer as usize], &stop);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let file = new_file(
                        FileId::from_random(u128::from(writer + 1) << 64 | u128::from(n)),
                        format!("{writer}-{n}"),
                    );
                    store.write(|s| s.files().insert(&file)).unwrap();
                    committed.store(n + 1, Ordering::SeqCst);
                }
            });
        }
        let _stop_at_end = RaiseOnDrop(&stop);
        // All writers have begun before the first copy.
        wait_until("all writers have committed", || committed.iter().all(|n| n.load(Ordering::SeqCst) > 0));
        // Repeated until a writer has written during a backup, however the machine schedules them.
        while copies.len() < 5 || (copies.len() < 1000 && copies.iter().all(|(_, report)| report.compared)) {
            let before: Vec<_> = committed.iter().map(|n| n.load(Ordering::SeqCst)).collect();
            let folder = shop.folder().join(format!("backups-{}", copies.len()));
            copies.push((before, back_up(&shop.url(), &folder, now(), PRIVATE).unwrap()));
        }
    });
    assert!(copies.iter().any(|(_, report)| !report.compared), "nobody wrote during any of the copies");
    for (before, report) in copies {
        let url = report.backup.to_str().unwrap();
        assert_eq!(integrity(&url.parse().unwrap()), "ok");
        let names = names(&SqliteStore::open(url).unwrap());
        assert_eq!(names.len() as i64, report.rows["files"]);
        for (writer, committed) in before.into_iter().enumerate() {
            let held = names.iter().filter(|name| name.starts_with(&format!("{writer}-"))).count() as u64;
            assert!(held >= committed, "writer {writer} had {committed} files committed, {held} are in the copy");
            assert!((0..held).all(|n| names.contains(&format!("{writer}-{n}"))), "a moment has no gaps");
        }
    }
}

#[test]
fn of_backups_that_run_at_once_each_makes_a_whole_one_or_is_refused() {
    let shop = Shop::with_files(2_000);
    for n in 0..10 {
        // Also into a folder that both find missing.
        if n % 2 == 0 {
            fs::remove_dir_all(shop.backups()).ok();
        }
        let children = [shop.spawn(&["run"]), shop.spawn(&["run"])];
        let codes = children.map(|mut child| exit_status(&mut child).code());
        assert!(codes.contains(&Some(0)) && codes.iter().all(|code| [Some(0), Some(4)].contains(code)), "{codes:?}");
        assert!(shop.names().iter().all(|name| !name.contains(".partial")), "{:?}", shop.names());
        assert_whole(&shop, 2_000);
    }
}

fn names(store: &SqliteStore) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut page = PageRequest::first(1_000);
    loop {
        let found = store.read(|s| s.files().page(&FileFilter::default(), &page)).unwrap();
        names.extend(found.items.into_iter().map(|file| file.original_filename));
        match found.next {
            Some(cursor) => page = page.after(cursor),
            None => return names,
        }
    }
}

fn integrity(url: &SqliteUrl) -> String {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    let mut conn = connect(url, OpenMode::ExistingOnly).unwrap();
    diesel::sql_query("PRAGMA integrity_check").get_result::<Answer>(&mut conn).unwrap().integrity_check
}
