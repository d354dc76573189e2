//! No room: a limit on the size of files, and a file system that is really full.

use std::fs;

use crate::shop_harness::Shop;

#[test]
fn a_file_that_may_not_grow_is_an_error_and_leaves_the_earlier_backup() {
    let shop = Shop::with_files(10_000);
    shop.backup(&["run"]).ends_with(0);
    let names = shop.names();
    let backup = shop.backups().join(&names[0]);
    let before = fs::read(&backup).unwrap();
    // Blocks of 512 bytes: enough for the log's index, but not for the copy.
    let limited = "ulimit -f 256; exec \"$1\" run";
    let refused = shop.shell(limited);
    refused.ends_with(8);
    assert!(refused.err.contains("no backup of ") && refused.err.lines().count() == 1, "{}", refused.err);
    assert_eq!((shop.names(), fs::read(&backup).unwrap()), (names, before));
}

#[test]
fn under_a_limit_on_the_size_of_files_a_backup_that_fits_is_made() {
    let shop = Shop::with_files(1);
    shop.shell("ulimit -f 100000; exec \"$1\" run").ends_with(0);
    assert_eq!(shop.names().len(), 1);
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn a_full_disk_ends_with_8_and_leaves_the_earlier_backup_and_nothing_else() {
    let shop = Shop::with_files(20_000);
    let small = shop.folder().join("small");
    fs::create_dir(&small).unwrap();
    let mount = "mount -t tmpfs -o size=1m tmpfs small";
    let script = format!(
        "{mount}; mkdir small/b; echo old > small/b/fieldfen-20260101.db; for dir in small/b small/new/deep; do \
         \"$1\" run --dir $dir; echo $?; find small; done"
    );
    let run = shop.shell(&format!("unshare --mount sh -c '{script}' sh \"$1\""));
    let left = "small\nsmall/b\nsmall/b/.fieldfen-backup.lock\nsmall/b/fieldfen-20260101.db\n";
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&run.out), sorted(&format!("8\n{left}8\n{left}")), "{run:?}");
    assert!(run.err.lines().count() == 2 && run.err.contains("no backup of "), "{}", run.err);
}

#[test]
#[ignore = "needs the right to mount a file system: run it as root"]
fn a_database_on_a_full_disk_is_backed_up_to_another_one() {
    let shop = Shop::with_files(1);
    fs::create_dir(shop.folder().join("small")).unwrap();
    let mount = "mount -t tmpfs -o size=1m tmpfs small";
    let script = format!(
        "{mount}; cp \"$2\" small/shop.db; cat /dev/zero > small/ballast 2> no-space; \"$1\" run --database small/shop.db \
         --dir elsewhere > answer; echo $?; ls -A small elsewhere"
    );
    let run = shop.shell(&format!("unshare --mount sh -c '{script}' sh \"$1\" \"$DATABASE_URL\""));
    run.ends_with(0);
    assert!(run.out.starts_with("0\n") && run.out.contains("small:\nballast\nshop.db\n"), "{run:?}");
    assert!(run.out.contains("\nfieldfen-"), "{run:?}");
}
