//! The rehearsal of migrations on a large database.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fieldfen_migrate::Migrator;
use fieldfen_persistence::migrations::Target;
use fieldfen_persistence::{Durability, SqliteUrl};
use serde::{Deserialize, Serialize};

use super::processes::ChildProcess;
use super::{Stage, memory};
use crate::baseline::Connection;
use crate::report::{Bound, Report, Row};
use crate::rounds;

/// The schema of the database before the rehearsal. All migrations after it are rehearsed.
const FROM: &str = "0004";

/// The number of files of a round of inserts.
const FILES_AT_ONCE: u32 = 2_000;

/// The number of measured copies.
const COPIES: usize = 3;

/// Inserts files with the jobs, products, posts, calls and webhooks that a shop has for each of them. `{first}` and
/// `{last}` are the numbers of the files.
const ROWS: &str = r#"
    CREATE TEMP TABLE batch AS WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
        SELECT i, lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
               || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))) AS id FROM n;
    INSERT INTO files (id, original_filename, processed_filename, species, status, drive_file_id, metadata_json, width,
        height, aspect_ratio, created_at, updated_at, content_hash)
    SELECT id, 'whitetail-' || i || '.jpg', 'whitetail-' || i || '-upscaled.jpg', 'whitetail-deer', 'published',
        'drive-' || hex(randomblob(16)), '{"title": "Whitetail Buck in Morning Mist ' || i || '", "description": "'
        || hex(randomblob(150)) || '", "hashtags": ["wildlifeart", "whitetaildeer", "naturephotography"]}', 6000, 4000,
        '3:2', '2026-03-02 12:00:00.000000', '2026-03-02 12:00:00.000000', lower(hex(randomblob(32))) FROM batch;
    INSERT INTO file_history (file_id, from_status, to_status, reason, at)
    SELECT id, step.f, step.t, 'pipeline', '2026-03-02 12:00:00.000000' FROM batch,
        (SELECT 'ingested' AS f, 'processing' AS t UNION ALL VALUES ('processing', 'processed'), ('processed', 'approved'),
         ('approved', 'published')) AS step;
    INSERT INTO jobs (id, file_id, command_type, status, attempts, payload_json, result_json, created_at, started_at,
        completed_at, run_at)
    SELECT lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6))), id, kind.name, 'completed', 0,
        '{"file_id":"' || id || '","scale_factor":4,"target_dpi":300}', '{"output":"' || hex(randomblob(60)) || '"}',
        '2026-03-02 12:00:00.000000', '2026-03-02 12:00:01.000000', '2026-03-02 12:00:09.000000',
        '2026-03-02 12:00:00.000000'
    FROM batch, (SELECT 'UpscaleImage' AS name UNION ALL VALUES ('GenerateMetadata'), ('CreateListing'), ('CreateListing'),
                 ('PublishSocial')) AS kind;
    INSERT INTO listings (id, file_id, platform, platform_listing_id, listing_url, status, created_at, updated_at)
    SELECT lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6))), id, place.platform, 'product-' || i,
        'https://shop.example/listing/' || i, 'active', '2026-03-02 12:00:00.000000', '2026-03-02 12:00:00.000000'
    FROM batch, (SELECT 'etsy' AS platform UNION ALL VALUES ('shopify')) AS place;
    INSERT INTO social_posts (id, file_id, platform, post_type, platform_post_id, post_url, posted_at)
    SELECT lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6))), id, 'instagram', 'post', 'post-' || i,
        'https://network.example/p/' || i, '2026-03-02 12:00:00.000000' FROM batch;
    INSERT INTO publications (id, file_id, channel, platform, client_key, state, token, held_until, platform_id,
        created_at, updated_at)
    SELECT lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6))), id, place.channel, place.platform,
        'ff-' || lower(hex(randomblob(13))), 'confirmed', lower(hex(randomblob(4)) || '-0000-4000-8000-' || hex(randomblob(6))),
        '2026-03-02 12:00:00.000000', place.prefix || i, '2026-03-02 12:00:00.000000', '2026-03-02 12:00:00.000000'
    FROM batch, (SELECT 'listing' AS channel, 'etsy' AS platform, 'product-' AS prefix
                 UNION ALL VALUES ('listing', 'shopify', 'product-'), ('post', 'instagram', 'post-')) AS place;
    INSERT INTO api_usage (service, endpoint, request_count, rate_limit_remaining, rate_limit_reset_at, recorded_at)
    SELECT call.service, call.endpoint, 1, i % 5000, '2026-03-02 13:00:00.000000', '2026-03-02 12:00:00.000000'
    FROM batch, (SELECT 'replicate' AS service, 'POST /v1/predictions' AS endpoint UNION ALL
                 VALUES ('replicate', 'GET /v1/predictions'), ('openai', 'POST /v1/responses'),
                        ('etsy', 'POST /v3/application/shops/listings'), ('etsy', 'POST /v3/application/listings/images'),
                        ('shopify', 'POST /graphql.json'), ('instagram', 'POST /media'), ('instagram', 'POST /publish')) AS call;
    INSERT INTO processed_hashes (hash, file_id, created_at)
    SELECT lower(hex(randomblob(32))), id, '2026-03-02 12:00:00.000000' FROM batch;
    DROP TABLE batch;
"#;

/// The process that rehearses.
#[derive(Debug, Clone, clap::Args)]
pub struct Rehearser {
    /// The database.
    #[arg(long)]
    database: PathBuf,
}

/// The measurements of the process that rehearses.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    seconds: f64,
    /// The seconds of the copy, of the run and of the run back.
    parts: [f64; 3],
    migrations: usize,
    peak_kib: u64,
}

impl Rehearser {
    /// Reports on stdout that it is ready, waits for a line on stdin, rehearses all missing migrations, and writes the
    /// measurements to stdout.
    ///
    /// # Errors
    /// The errors of the rehearsal.
    pub fn run(&self) -> Result<()> {
        super::processes::ready()?;
        let migrator = Migrator::new(SqliteUrl::from(self.database.as_path()))?;
        let began = Instant::now();
        let report = migrator.rehearse(&Target::Newest)?.context("the database lacks no migration")?;
        let measured = Measured {
            seconds: began.elapsed().as_secs_f64(),
            parts: [report.copy_ms, report.run_ms, report.back_ms].map(|ms| ms as f64 / 1e3),
            migrations: report.migrations.len(),
            peak_kib: memory::peak()?,
        };
        println!("{}", serde_json::to_string(&measured)?);
        Ok(())
    }
}

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let bytes = stage.scale.pick(64 << 20, 1_u64 << 30);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("rehearsal.db");
    create(&path, bytes)?;
    let size = fs::metadata(&path)?.len();
    let copies: Vec<f64> = (0..COPIES).map(|_| plain_copy(&path)).collect::<Result<_>>()?;
    let copy = rounds::median(&copies);

    let mut command = Command::new(std::env::current_exe()?);
    command.args(["rehearser", "--database"]).arg(&path);
    let mut rehearser = ChildProcess::start(&mut command)?;
    let before = bytes_in(folder.path());
    let has_ended = AtomicBool::new(false);
    let (measured, peak): (Measured, u64) = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = before;
            while !has_ended.load(Ordering::Relaxed) {
                peak = peak.max(bytes_in(folder.path()));
                thread::sleep(Duration::from_millis(10));
            }
            peak
        });
        let measured = rehearser.go().and_then(|()| rehearser.result());
        has_ended.store(true, Ordering::Relaxed);
        let peak = watcher.join().ok().context("the disk could not be watched")?;
        Ok::<_, anyhow::Error>((measured?, peak))
    })?;
    ensure!(measured.migrations > 1, "only {} migrations were rehearsed", measured.migrations);
    let what = format!("rehearsal of {} migrations on {} MiB", measured.migrations, size >> 20);
    let [copied, ran, back] = measured.parts;
    report.row(Row::unbounded(format!("{what}: time / plain copy"), measured.seconds / copy, "x").parts(format!(
        "{:.2} s / {copy:.2} s; copy {copied:.2} s, run {ran:.2} s, run back {back:.2} s",
        measured.seconds
    )));
    report.row(
        Row::new(
            format!("{what}: disk at most / plain copy"),
            (peak - before) as f64 / size as f64,
            "x",
            Bound::AtMost(2.0),
        )
        .parts(format!("{} MiB, looked at every 10 ms", (peak - before) >> 20)),
    );
    report.row(Row::new(format!("{what}: memory"), measured.peak_kib as f64 / 1024.0, "MiB", Bound::Below(200.0)));
    report.note(
        "rehearsal: a plain copy reads the file in order, writes another one and flushes it; both are in the page cache \
         before. The database has rows in files, file_history, jobs, listings, publications, social_posts, api_usage and \
         processed_hashes.",
    );
    Ok(())
}

/// Makes a database of at least this size at the schema [`FROM`].
fn create(path: &Path, bytes: u64) -> Result<()> {
    let migrator = Migrator::new(SqliteUrl::from(path))?;
    migrator.up_to(&Target::Version(FROM.to_owned()))?;
    let connection = Connection::open(path, Durability::Normal)?;
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000")?;
    let mut first = 1;
    while fs::metadata(path)?.len() < bytes {
        let last = first + FILES_AT_ONCE - 1;
        let rows = ROWS.replace("{first}", &first.to_string()).replace("{last}", &last.to_string());
        connection.execute(&format!("BEGIN IMMEDIATE; {rows} COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"))?;
        first = last + 1;
    }
    Ok(())
}

/// The seconds that it takes to copy a file in order and to flush the copy.
pub(super) fn plain_copy(path: &Path) -> Result<f64> {
    let place = path.with_extension("copy");
    let (mut part, began) = (vec![0; 1 << 20], Instant::now());
    let (mut from, mut to) = (File::open(path)?, File::create(&place)?);
    loop {
        match from.read(&mut part)? {
            0 => break,
            n => to.write_all(&part[..n])?,
        }
    }
    to.sync_all()?;
    let seconds = began.elapsed().as_secs_f64();
    fs::remove_file(&place)?;
    Ok(seconds)
}

/// The bytes on the disk of all files in a folder. Files that are removed meanwhile do not count.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_in(&entry.path()),
            Ok(found) => found.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}
