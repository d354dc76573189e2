//! The adoption of a large database of SQLAlchemy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use fieldfen_migrate::Migrator;
use fieldfen_persistence::{Durability, SqliteUrl};
use fieldfen_testkit::sqlalchemy::ShopDatabase;
use serde::{Deserialize, Serialize};

use super::processes::ChildProcess;
use super::rehearsal::plain_copy;
use super::{Stage, grouped, memory};
use crate::baseline::Connection;
use crate::report::{Bound, Report, Row};

/// The larger database has this many times the rows of the smaller one.
const TIMES: u32 = 8;

/// Copies all rows of the fixture, `{first}` to `{last}` times. A copy keeps the form of each id and each time.
const ROWS: &str = r"
    CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
        SELECT i, printf('%08x', i) AS x FROM n;
    INSERT INTO files SELECT x || substr(id, 9), original_filename, processed_filename, species, status,
        drive_file_id || '-' || i, metadata_json, width, height, aspect_ratio, created_at, updated_at FROM n, old.files;
    INSERT INTO jobs SELECT x || substr(id, 9), x || substr(file_id, 9), command_type, status, attempts, last_error,
        payload_json, result_json, created_at, started_at, completed_at FROM n, old.jobs;
    INSERT INTO processed_hashes SELECT x || substr(hash, 9), x || substr(file_id, 9), created_at
        FROM n, old.processed_hashes;
    INSERT INTO api_usage (service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at)
        SELECT service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at
        FROM n, old.api_usage;
    INSERT INTO listings SELECT x || substr(id, 9), x || substr(file_id, 9), platform, platform_listing_id || '-' || i,
        listing_url, status, created_at, updated_at FROM n, old.listings;
    INSERT INTO social_posts SELECT x || substr(id, 9), x || substr(file_id, 9), platform, post_type,
        platform_post_id || '-' || i, post_url, posted_at FROM n, old.social_posts;
    DROP TABLE n;
";

/// The number of copies of the fixture's rows that one round of inserts makes.
const AT_ONCE: u32 = 500;

/// The process that adopts.
#[derive(Debug, Clone, clap::Args)]
pub struct Adopter {
    /// The database.
    #[arg(long)]
    database: PathBuf,
}

/// The measurements of the process that adopts.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    seconds: f64,
    rewritten_times: u64,
    confirmed: u64,
    peak_kib: u64,
}

impl Adopter {
    /// Reports on stdout that it is ready, waits for a line on stdin, adopts the database with a rehearsal and a backup,
    /// and writes the measurements to stdout.
    ///
    /// # Errors
    /// The errors of the adoption.
    pub fn run(&self) -> Result<()> {
        super::processes::ready()?;
        let migrator = Migrator::new(SqliteUrl::from(self.database.as_path()))?;
        let began = Instant::now();
        let report = migrator.adopt()?;
        let measured = Measured {
            seconds: began.elapsed().as_secs_f64(),
            rewritten_times: report.rewritten.times,
            confirmed: report.publications.confirmed,
            peak_kib: memory::peak()?,
        };
        println!("{}", serde_json::to_string(&measured)?);
        Ok(())
    }
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let bytes = stage.scale.pick(24 << 20, 200 << 20);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let (small, large) = (folder.path().join("small.db"), folder.path().join("large.db"));
    let copies = create(&large, bytes, u32::MAX)?;
    create(&small, u64::MAX, (copies / TIMES).max(1))?;
    let (size, copy) = (fs::metadata(&large)?.len(), plain_copy(&large)?);
    let [small, large] = [adopt(&small)?, adopt(&large)?];
    ensure!(large.rewritten_times > small.rewritten_times, "{small:?} {large:?}");
    let times = large.rewritten_times as f64 / small.rewritten_times as f64;
    let what = format!("adoption of {} MiB of SQLAlchemy's", size >> 20);
    let (rewritten, confirmed) = (large.rewritten_times, large.confirmed);
    report.row(Row::unbounded(format!("{what}: time"), large.seconds, "s").parts(format!(
        "{} times rewritten, {} publications confirmed; a plain copy takes {copy:.2} s",
        grouped(u32::try_from(rewritten)?),
        grouped(u32::try_from(confirmed)?)
    )));
    report.row(
        Row::new(
            format!("{what}: time for each row / with {times:.1} times fewer rows"),
            large.seconds / small.seconds / times,
            "x",
            Bound::AtMost(1.5),
        )
        .parts(format!("{:.2} s / {:.2} s", large.seconds, small.seconds)),
    );
    report.row(Row::new(format!("{what}: memory"), large.peak_kib as f64 / 1024.0, "MiB", Bound::Below(200.0)));
    report.note(
        "adoption: with rehearsal and backup. The rows are those of the fixture messy, again and again: ids of 32 and of 36 \
         characters, times in 12 forms, rows without their file.",
    );
    Ok(())
}

fn adopt(database: &Path) -> Result<Measured> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["adopter", "--database"]).arg(database);
    let mut adopter = ChildProcess::start(&mut command)?;
    adopter.go()?;
    adopter.result()
}

/// Makes a database with at most this many copies of the fixture's rows, and ends when it has this size. Returns the
/// number of copies.
fn create(path: &Path, bytes: u64, most: u32) -> Result<u32> {
    let fixture = path.with_extension("fixture");
    for place in [path, &fixture] {
        let connection = Connection::open(place, Durability::Normal)?;
        let mut made = Ok(());
        ShopDatabase::named("messy").create(place, |sql| made = connection.execute(sql));
        made?;
    }
    let connection = Connection::open(path, Durability::Normal)?;
    connection.execute(&format!(
        "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000; ATTACH '{}' AS old",
        fixture.display()
    ))?;
    let mut copies = 0;
    while copies < most && fs::metadata(path)?.len() < bytes {
        let (first, last) = (copies + 1, (copies + AT_ONCE).min(most));
        let rows = ROWS.replace("{first}", &first.to_string()).replace("{last}", &last.to_string());
        connection.execute(&format!("BEGIN IMMEDIATE; {rows} COMMIT; PRAGMA main.wal_checkpoint(TRUNCATE)"))?;
        copies = last;
    }
    connection.execute("DETACH old")?;
    drop(connection);
    fs::remove_file(&fixture)?;
    Ok(copies)
}
