//! Checks that the row of every domain value reads back as the same value.

#![expect(clippy::unwrap_used, reason = "a failure here must fail the test")]

mod files;
mod jobs;
mod publications;
mod values;
mod webhooks_and_calls;

use std::cell::RefCell;
use std::fmt::Debug;

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use fieldfen_domain::store::{ReadSession, Session, Store as _, StoreError};
use fieldfen_persistence::{Durability, OpenMode, SqliteOptions, SqliteStore, SqliteUrl, connect, migrations};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// A store, and another program's connection to its file.
struct Place {
    store: SqliteStore,
    foreign: RefCell<SqliteConnection>,
}

impl Place {
    fn write<T>(&self, f: impl FnMut(&mut dyn Session) -> Result<T, StoreError>) -> T {
        self.store.write(f).unwrap()
    }

    /// Reads on a connection that has not written.
    fn read<T>(&self, f: impl FnMut(&mut dyn ReadSession) -> Result<T, StoreError>) -> T {
        self.store.read(f).unwrap()
    }
}

/// Tries random values, each in an empty database. `FIELDFEN_ROUND_TRIPS` sets their number, `PROPTEST_RNG_SEED` the
/// seed.
fn each<S: Strategy<Value: Debug>>(values: S, case: impl Fn(&Place, S::Value)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let mut foreign = connect(&SqliteUrl::from(path.as_path()), OpenMode::CreateIfMissing).unwrap();
    migrations::run_pending(&mut foreign).unwrap();
    let mut options = SqliteOptions::default();
    options.durability = Durability::Normal;
    let store = SqliteStore::open_with(&path.display().to_string(), &options).unwrap();
    let place = Place { store, foreign: RefCell::new(foreign) };

    let cases = std::env::var("FIELDFEN_ROUND_TRIPS").ok().map_or(200, |number| number.parse().unwrap());
    let mut config = Config { cases, failure_persistence: None, ..Config::default() };
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(20_261_124);
    }
    println!("{cases} values, PROPTEST_RNG_SEED={}", config.rng_seed);
    TestRunner::new(config)
        .run(&values, |value| {
            let empty = "DELETE FROM files; DELETE FROM jobs; DELETE FROM processed_hashes; DELETE FROM api_usage";
            place.foreign.borrow_mut().batch_execute(empty).unwrap();
            case(&place, value);
            Ok(())
        })
        .unwrap();
}
