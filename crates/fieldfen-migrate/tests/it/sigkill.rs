//! `up` that is killed in each of its phases, on a database with migrations and on one that it adopts: everything is old or
//! everything is new.
//!
//! `FIELDFEN_MIGRATE_KILLS` sets the number of kills, `FIELDFEN_MIGRATE_MIB` the size of the database, and
//! `FIELDFEN_ADOPT_KILLS` and `FIELDFEN_ADOPT_MIB` the same for adoptions. `FIELDFEN_SEED` sets the moments.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use fieldfen_persistence::migrations;
use fieldfen_testkit::sqlalchemy::ShopDatabase;

use crate::adopt::{grow, meanings, shop_of};
use crate::killed_process::{KilledProcess, PHASES};
use crate::rehearsal::{backups, behind, names};
use crate::shop_harness::Shop;

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

/// SQLite's findings, and the number and the bytes of the files.
fn integrity_and_files(shop: &Shop) -> (String, String) {
    let mut conn = SqliteConnection::establish(shop.database()).unwrap();
    let found = diesel::dsl::sql::<Text>("(SELECT integrity_check FROM pragma_integrity_check LIMIT 1)");
    let files = diesel::dsl::sql::<Text>(
        "(SELECT count(*) || ' files, ' || sum(length(id) + length(original_filename) + length(status)) FROM files)",
    );
    (diesel::select(found).get_result(&mut conn).unwrap(), diesel::select(files).get_result(&mut conn).unwrap())
}

/// The moments of the kills, and the phases that were hit.
struct Kills {
    lengths: [Duration; PHASES.len()],
    random: u64,
    hits: [u32; PHASES.len()],
    had_ended: u32,
    had_committed: u32,
}

impl Kills {
    fn new(lengths: [Duration; PHASES.len()], seed: u64) -> Self {
        Self { lengths, random: seed, hits: [0; PHASES.len()], had_ended: 0, had_committed: 0 }
    }

    /// Starts a process and kills it at a random moment of a phase. Returns the phase in which it was.
    fn kill(&mut self, number: u64, shop: &Shop) -> Option<usize> {
        let phase = usize::try_from(number).unwrap() % PHASES.len();
        let share = u32::try_from(next(&mut self.random) % 1000).unwrap();
        let hit = KilledProcess::start(shop).kill_in(phase, self.lengths[phase] * share / 1000);
        match hit {
            Some(hit) => self.hits[hit] += 1,
            None => self.had_ended += 1,
        }
        hit
    }

    fn report(&self, what: &str) {
        let counts: Vec<_> =
            PHASES.iter().zip(self.hits).map(|(phase, hits)| format!("{hits} in the {phase}")).collect();
        let lengths: Vec<_> =
            PHASES.iter().zip(self.lengths).map(|(phase, length)| format!("{phase} {length:.1?}")).collect();
        let (counts, lengths) = (counts.join(", "), lengths.join(", "));
        let Self { had_ended, had_committed, .. } = self;
        eprintln!(
            "{what}: killed {counts}; {had_ended} had ended; {had_committed} found everything new; the phases without a \
             kill: {lengths}"
        );
    }
}

#[test]
fn whenever_up_is_killed_everything_is_old_or_new_and_the_next_up_finishes() {
    let (kills, mib) = (setting("FIELDFEN_MIGRATE_KILLS", 10), setting("FIELDFEN_MIGRATE_MIB", 4));
    let (seed, began) = (setting("FIELDFEN_SEED", 12), Instant::now());
    let shop = behind(u32::try_from(mib * 1024).unwrap());
    // The whole way from the job queue on, so that the run takes long enough to be hit.
    let back = || shop.migrate(&["down", "--to", "0002", "--no-rehearsal", "--no-backup"]).ends_with(0);
    back();
    let (old, new) = ("0002_job_queue".to_owned(), migrations::newest().to_string());
    let expected = integrity_and_files(&shop);
    assert_eq!(expected.0, "ok");
    let mut kills_done = Kills::new(KilledProcess::start(&shop).lengths(), seed);
    for number in 0..kills {
        back();
        let before = hash(shop.database().as_ref());
        let hit = kills_done.kill(number, &shop);
        if hit.is_some_and(|phase| phase < 3) {
            assert_eq!(hash(shop.database().as_ref()), before, "killed in phase {hit:?}: no byte has changed");
        }
        let status = shop.migrate(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        let at = status["at"].as_str().unwrap().to_owned();
        assert!([&old, &new].contains(&&at), "{at}");
        assert!(at == old || hit.is_none_or(|phase| phase == 4), "committed before the commit: {hit:?}");
        assert!(status["differences"].as_array().unwrap().is_empty(), "{status:#}");
        assert_eq!(integrity_and_files(&shop), expected);
        kills_done.had_committed += u32::from(at == new);
        shop.migrate(&["up"]).ends_with(0);
        let left: Vec<_> = names(&shop).into_iter().filter(|name| at == old || !name.contains("-rehearsal")).collect();
        assert_eq!(left, ["fieldfen.db"], "killed in phase {hit:?}");
        let left = backups(&shop);
        let is_backup = |name: &String| name.starts_with("fieldfen-before-migration-") && name.ends_with(".db");
        assert!(at == new || left.iter().all(is_backup), "killed in phase {hit:?}: {left:?}");
        assert_eq!(integrity_and_files(&shop), expected);
        fs::remove_dir_all(shop.folder().join("backups")).ok();
    }
    kills_done.report(&format!("up, seed {seed}, {mib} MiB, {:.0?}", began.elapsed()));
}

#[test]
fn whenever_an_adoption_is_killed_everything_is_old_or_adopted_and_the_next_one_finishes() {
    let (kills, mib) = (setting("FIELDFEN_ADOPT_KILLS", 10), setting("FIELDFEN_ADOPT_MIB", 2));
    let (seed, began) = (setting("FIELDFEN_SEED", 12), Instant::now());
    let fresh = || {
        let shop = shop_of(&ShopDatabase::named("clean"));
        grow(&shop, u32::try_from(mib * 1500).unwrap());
        shop
    };
    let lengths = KilledProcess::start(&fresh()).lengths();
    let mut kills_done = Kills::new(lengths, seed);
    for number in 0..kills {
        let shop = fresh();
        let before = meanings(&mut SqliteConnection::establish(shop.database()).unwrap());
        let bytes = hash(shop.database().as_ref());
        let hit = kills_done.kill(number, &shop);
        if hit.is_some_and(|phase| phase < 3) {
            assert_eq!(hash(shop.database().as_ref()), bytes, "killed in phase {hit:?}: no byte has changed");
        }
        let conn = &mut SqliteConnection::establish(shop.database()).unwrap();
        let is_old = migrations::inspect(conn).unwrap().is_specification;
        let irregular = crate::adopt::irregular_times(conn);
        assert_eq!(irregular > 0, is_old, "killed in phase {hit:?}: {irregular} irregular times");
        assert_eq!(meanings(conn), before, "killed in phase {hit:?}");
        kills_done.had_committed += u32::from(!is_old);
        shop.migrate(&["up"]).ends_with(0);
        assert_eq!((crate::adopt::irregular_times(conn), meanings(conn)), (0, before));
        shop.migrate(&["status"]).ends_with(0);
        if is_old {
            assert_eq!(names(&shop), ["fieldfen.db"], "killed in phase {hit:?}");
        }
    }
    kills_done.report(&format!("adoption, seed {seed}, {mib} MiB, {:.0?}", began.elapsed()));
}
