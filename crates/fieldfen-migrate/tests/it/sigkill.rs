//! `up` that is killed at random moments: everything is old or everything is new.
//!
//! `FIELDFEN_MIGRATE_KILLS` sets the number of kills, `FIELDFEN_MIGRATE_MIB` the size of the database, and
//! `FIELDFEN_SEED` the moments.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations;
use fieldfen_testkit::wait::exit_status_within;

use crate::rehearsal::{behind, names};
use crate::shop_harness::Shop;

const PATIENCE: Duration = Duration::from_secs(600);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().unwrap())
}

/// The next number of a linear congruential generator.
fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *random >> 33
}

/// A hash of the file, which is read in parts.
fn hash(path: &Path) -> u64 {
    use std::io::Read as _;
    let (mut file, mut part, mut hasher) = (fs::File::open(path).unwrap(), vec![0; 1 << 20], DefaultHasher::new());
    loop {
        match file.read(&mut part).unwrap() {
            0 => return hasher.finish(),
            n => part[..n].hash(&mut hasher),
        }
    }
}

/// The number of rows, and SQLite's findings.
fn rows_and_integrity(shop: &Shop) -> (i64, String) {
    let mut conn = SqliteConnection::establish(shop.database()).unwrap();
    let rows = diesel::dsl::sql::<BigInt>("(SELECT count(*) FROM files)");
    let found = diesel::dsl::sql::<Text>("(SELECT integrity_check FROM pragma_integrity_check LIMIT 1)");
    (diesel::select(rows).get_result(&mut conn).unwrap(), diesel::select(found).get_result(&mut conn).unwrap())
}

#[test]
fn whenever_up_is_killed_everything_is_old_or_new_and_the_next_up_finishes() {
    let (kills, mib) = (setting("FIELDFEN_MIGRATE_KILLS", 8), setting("FIELDFEN_MIGRATE_MIB", 4));
    let seed = setting("FIELDFEN_SEED", 12);
    let mut random = seed;
    let rows = u32::try_from(mib * 1024).unwrap();
    let shop = behind(rows);
    // The whole way from the job queue on, so that the run takes long enough to be hit.
    let back = ["down", "--to", "0002", "--no-rehearsal", "--no-backup"];
    shop.migrate(&back).ends_with(0);
    let old = "0002_job_queue";
    let began = Instant::now();
    shop.migrate(&["up"]).ends_with(0);
    let whole = began.elapsed();
    let mut hits = [0; 4];
    for _ in 0..kills {
        let at_start = shop.migrate(&["status", "--json"]);
        if !at_start.out.contains(&format!("\"at\": \"{old}\"")) {
            shop.migrate(&back).ends_with(0);
        }
        let before = hash(shop.database().as_ref());
        let mut child = shop.spawn(&["up"]);
        let share = u32::try_from(next(&mut random) % 1000).unwrap();
        thread::sleep(whole * share / 1000);
        child.kill().unwrap();
        let was_killed = exit_status_within(PATIENCE, &mut child).code().is_none();
        let rehearses = names(&shop).iter().any(|name| name.starts_with(".fieldfen-rehearsal-"));
        let backups = fs::read_dir(shop.folder().join("backups")).into_iter().flatten().flatten();
        let backs_up = backups.into_iter().any(|entry| entry.file_name().to_str().unwrap().contains(".db.partial"));
        let phase = match (was_killed, rehearses, backs_up) {
            (false, ..) => 0,
            (true, true, _) => 1,
            (true, false, true) => 2,
            (true, false, false) => 3,
        };
        hits[phase] += 1;
        if phase == 1 || phase == 2 {
            assert_eq!(hash(shop.database().as_ref()), before, "killed in phase {phase}: no byte has changed");
        }
        let status = shop.migrate(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        let at = status["at"].as_str().unwrap();
        assert!(at == old || at == migrations::newest().to_string(), "{at}");
        assert!(status["differences"].as_array().unwrap().is_empty(), "{status:#}");
        assert_eq!(rows_and_integrity(&shop), (i64::from(rows), "ok".to_owned()));
        fs::remove_dir_all(shop.folder().join("backups")).ok();
    }
    let [ended, rehearsal, backup, run] = hits;
    eprintln!(
        "seed {seed}, {mib} MiB, {whole:?} without a kill: killed {rehearsal} times in the rehearsal, {backup} in the \
         backup, {run} in the run, before or between; {ended} had ended"
    );
    shop.migrate(&["up"]).ends_with(0);
    assert_eq!(names(&shop), ["fieldfen.db"]);
    assert_eq!(rows_and_integrity(&shop), (i64::from(rows), "ok".to_owned()));
}
