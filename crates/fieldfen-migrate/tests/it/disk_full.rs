//! A full disk: a limit on the size of files, and a file system that is really full.

use std::fs;

use fieldfen_persistence::migrations;

use crate::shop_harness::{ProgramOutput, Shop};

const UP: &[&str] = &["up"];
const DOWN: &[&str] = &["down", "--to", "none"];
const DOWN_AT_ONCE: &[&str] = &["down", "--to", "none", "--no-rehearsal", "--no-backup"];
const STATUS: &[&str] = &["status", "--json"];

/// A shop with a database of the newest schema, of about 250 KiB.
fn migrated() -> Shop {
    let shop = Shop::new();
    shop.migrate(UP).ends_with(0);
    shop
}

#[track_caller]
fn is_at_newest(status: &ProgramOutput) {
    let report: serde_json::Value = serde_json::from_str(&status.out).unwrap_or_else(|_| panic!("{status:?}"));
    assert_eq!(report["at"], migrations::newest().to_string());
}

#[track_caller]
fn is_full(ended: &ProgramOutput) {
    ended.ends_with(8);
    assert!(ended.err.contains("make room") && ended.err.lines().count() == 1, "{}", ended.err);
}

#[test]
fn at_a_limit_on_the_size_of_files_up_and_down_end_with_8_and_status_reads() {
    // Blocks of 512 bytes: none, less than a page, less than the index of the log, and less than the database. SIGXFSZ
    // may have its default effect, which kills the process, or be ignored.
    for (blocks, trap) in
        [0, 1, 8, 32, 63, 64, 65, 80, 128, 200, 300].into_iter().zip(["", "trap '' XFSZ;"].iter().cycle())
    {
        let limited = |shop: &Shop, arguments: &[&str]| {
            let script = format!("{trap} ulimit -f {blocks}; exec \"$0\" \"$@\"");
            shop.script(&["sh"], &script, arguments)
        };
        let shop = Shop::new();
        is_full(&limited(&shop, UP));
        assert!(shop.listing().is_empty(), "{blocks}: {:?}", shop.listing());
        shop.migrate(UP).ends_with(0);
        let before = shop.listing();
        is_at_newest(&limited(&shop, STATUS));
        assert_eq!(shop.listing(), before, "{blocks}");
        is_full(&limited(&shop, DOWN_AT_ONCE));
        is_at_newest(&shop.migrate(STATUS));
        // SQLite may make its side files anew, with another size.
        let names = |shop: &Shop| shop.listing().into_keys().collect::<Vec<_>>();
        let before = names(&shop);
        is_full(&limited(&shop, DOWN));
        assert_eq!(names(&shop), before, "{blocks}: neither a scratch folder nor a backup remains");
    }
}

#[test]
fn a_limit_that_is_large_enough_is_none() {
    let shop = Shop::new();
    for arguments in [UP, STATUS, DOWN] {
        shop.script(&["sh"], "ulimit -f 100000; exec \"$0\" \"$@\"", arguments).ends_with(0);
    }
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn on_a_full_disk_up_and_down_end_with_8_and_status_reads() {
    /// A shell that can mount a file system, which ends with the shell.
    const SHELL: &[&str] = &["unshare", "--mount", "sh"];
    const MOUNT: &str = "mount -t tmpfs -o size=1m tmpfs data";
    let shop = migrated();
    fs::rename(shop.database(), shop.folder().join("migrated.db")).unwrap();
    let on_full_disk = |before: &str, room_kib: u32, arguments: &[&str], after: &str| {
        let script = format!(
            "{MOUNT} && {before} && cat /dev/zero > data/ballast 2> no-space; truncate -s -{room_kib}K data/ballast; \
             \"$0\" \"$@\"; code=$?; {after}; exit $code"
        );
        shop.script(SHELL, &script, arguments)
    };
    // No page, less than the index of the log, less than the schema, and enough for the schema but not for the index.
    for room in [0, 4, 16, 32, 36, 64, 128, 200, 256] {
        let created = on_full_disk(":", room, UP, "ls -A data");
        is_full(&created);
        assert_eq!(created.out, "ballast\n", "{room} KiB");
        let copy = "cp migrated.db data/fieldfen.db";
        is_at_newest(&on_full_disk(copy, room, STATUS, "ls -A data | grep -v -x -e ballast -e fieldfen.db"));
        // The database is the same as before.
        for down in [DOWN_AT_ONCE, DOWN] {
            let reverted =
                on_full_disk(copy, room, down, "rm data/ballast; \"$0\" status --json --database data/fieldfen.db");
            is_full(&reverted);
            is_at_newest(&reverted);
        }
    }
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn a_full_disk_of_the_backups_or_of_the_copy_stops_the_run_before_it_begins() {
    let shop = migrated();
    fs::create_dir(shop.folder().join("small")).unwrap();
    let before = shop.listing();
    for (places, said) in
        [(["--backups", "small/backups"], "no backup was made"), (["--scratch", "small"], "the rehearsal needs")]
    {
        let script =
            "mount -t tmpfs -o size=128k tmpfs small && { \"$0\" \"$@\"; code=$?; ls -A small >&2; exit $code; }";
        let ended = shop.script(&["unshare", "--mount", "sh"], script, &[DOWN, &places].concat());
        is_full(&ended);
        assert!(ended.err.contains(said), "{}", ended.err);
        assert_eq!(shop.listing(), before);
    }
}
