//! Backups that are killed.

use std::fs;
use std::thread;
use std::time::Instant;

use fieldfen_testkit::wait::{exit_status, wait_until};

use crate::shop_harness::{Shop, assert_whole};

#[test]
fn a_killed_backup_leaves_the_earlier_one_and_the_next_cleans_up() {
    let shop = Shop::with_files(30_000);
    shop.backup(&["run"]).ends_with(0);
    let [name] = &shop.names()[..] else { panic!("one backup: {:?}", shop.names()) };
    let backup = shop.backups().join(name);
    let before = fs::read(&backup).unwrap();
    shop.add_files(30_000..30_001);

    // The day may change during the test, and the name with it.
    let unfinished = || shop.names().iter().any(|name| name.ends_with(".partial"));
    let killed = (0..1000).any(|_| {
        let mut child = shop.spawn(&["run"]);
        wait_until("the backup is under way or has ended", || unfinished() || child.try_wait().unwrap().is_some());
        child.kill().unwrap();
        exit_status(&mut child);
        unfinished()
    });
    assert!(killed, "not one of 1000 backups was killed in the middle");
    assert_eq!(fs::read(&backup).unwrap(), before);

    let document = shop.backup(&["run", "--json"]).document(0);
    assert_eq!(document["rows"]["files"], 30_001);
    assert!(!unfinished() && shop.names().contains(name), "{:?}", shop.names());
}

#[test]
fn whenever_a_backup_is_killed_each_backup_is_whole_and_the_next_run_leaves_nothing_else() {
    let shop = Shop::with_files(2_000);
    let began = Instant::now();
    shop.backup(&["run"]).ends_with(0);
    let whole = began.elapsed();
    let mut killed = 0;
    for n in 0..20 {
        let mut child = shop.spawn(&["run"]);
        thread::sleep(whole * n / 20);
        child.kill().unwrap();
        killed += u32::from(exit_status(&mut child).code().is_none());
        assert_whole(&shop, 2_000);
        let unfinished = shop.names().iter().filter(|name| name.contains(".partial")).count();
        assert!(unfinished <= 2, "the copy and its journal: {:?}", shop.names());
    }
    assert!(killed > 0, "not one of 20 backups was killed");
    shop.backup(&["run"]).ends_with(0);
    assert!(shop.names().iter().all(|name| !name.contains(".partial")), "{:?}", shop.names());
    assert_whole(&shop, 2_000);
}
