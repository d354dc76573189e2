//! The first screens of an operator's program, at many jobs and files: the overview, lists, and the reason of one job;
//! and the whole program `fieldfen`, if it was built beside this one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use fieldfen_domain::file::{FileFilter, FileStatus};
use fieldfen_domain::job::{JobFilter, JobStatus, Why};
use fieldfen_domain::{JobId, PageRequest};
use fieldfen_persistence::Durability;
use fieldfen_services::Environment;
use fieldfen_services::files::Files;
use fieldfen_services::overview::Overviews;
use fieldfen_services::queue::Queue;

use super::{Stage, grouped, micros};
use crate::baseline::Connection;
use crate::report::{Bound, Report, Row};
use crate::{backlog, fieldfen, rounds};

/// The number of rows of a list.
const ROWS: u32 = 50;

/// The number of measured rounds, after one that warms the cache.
const ROUNDS: u32 = 20;

/// The bound of each screen.
const MOST_MILLISECONDS: f64 = 50.0;

/// A question, and the name of its row.
type Screen<'s> = (&'static str, Box<dyn Fn() -> Result<()> + 's>);

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let (jobs, files) = stage.scale.pick((100_000, 10_000), (1_000_000, 100_000));
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let path = folder.path().join("screens.db");
    create(&path, jobs, files)?;
    let (store, environment) = (fieldfen::open(&path, Durability::Normal)?, Environment::system());
    let overviews = Overviews::new(store.clone(), environment.clone());
    let (queue, all_files) = (Queue::new(store.clone(), environment.clone()), Files::new(store, environment));
    let newest = PageRequest::first(ROWS).newest_first();
    let last = last_pending(&path)?;
    let list = |filter: JobFilter| {
        let (queue, newest) = (&queue, &newest);
        move || {
            ensure!(queue.list(&filter, newest)?.items.len() == ROWS as usize, "a list of jobs is too short");
            Ok(())
        }
    };
    let files_list = |filter: FileFilter| {
        let (files, newest) = (&all_files, &newest);
        move || {
            ensure!(files.list(&filter, newest)?.items.len() == ROWS as usize, "a list of files is too short");
            Ok(())
        }
    };
    let kind = "test.kind-3".parse()?;
    let screens: Vec<Screen<'_>> = vec![
        (
            "overview",
            Box::new(|| {
                let overview = overviews.overview()?;
                ensure!(overview.kinds.len() == 8, "{} kinds", overview.kinds.len());
                ensure!(overview.kinds.iter().any(|kind| kind.waiting.is_capped), "no count is capped");
                Ok(())
            }),
        ),
        ("list of jobs", Box::new(list(JobFilter::new()))),
        ("list of failed jobs", Box::new(list(JobFilter::new().status(JobStatus::Failed)))),
        ("list of jobs of a kind", Box::new(list(JobFilter::new().kind(Some(kind))))),
        ("list of files", Box::new(files_list(FileFilter::new()))),
        ("list of processed files", Box::new(files_list(FileFilter::new().status(FileStatus::Processed)))),
        (
            "reason of a job behind many others",
            Box::new(|| {
                let why = queue.why(&last)?;
                ensure!(matches!(why, Some(Why::FarBehind { .. })), "the reason is {why:?}");
                Ok(())
            }),
        ),
    ];
    let size = format!("at {} jobs and {} files, warm", grouped(jobs), grouped(files));
    for (name, ask) in &screens {
        measure(&format!("{name}, {size}"), ask, report)?;
    }
    match program()? {
        Some(program) => {
            for arguments in [&["status"][..], &["files", "list"], &["jobs", "list"], &["jobs", "errors"]] {
                let name = format!("whole process `fieldfen {}`, {size}", arguments.join(" "));
                measure(&name, || run_program(&program, arguments, &path), report)?;
            }
        }
        None => report.note(
            "screens: whole processes are measured after `cargo build --release -p fieldfen-cli --bin fieldfen`."
                .to_owned(),
        ),
    }
    report.note("screens: of the jobs, 30 % are due, 5 % wait for a place, 20 % are dead letters of 10 errors in each kind, 5 % are parked, and 40 % were completed, a tenth of them in the last hour; a fifth of the files wait for an approval.".to_owned());
    Ok(())
}

/// Measures a question that has been asked once before.
fn measure(name: &str, ask: impl Fn() -> Result<()>, report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    ask()?;
    for _ in 0..ROUNDS {
        times.push(micros(&ask)?);
    }
    let row = Row::new(name.to_owned(), rounds::median(&times) / 1000.0, "ms", Bound::Below(MOST_MILLISECONDS));
    report.row(row.parts(format!("longest of {}: {:.1} ms", times.len(), rounds::quantile(&times, 1.0) / 1000.0)));
    Ok(())
}

/// The program `fieldfen` in the folder of this program; `None` if it was not built.
fn program() -> Result<Option<PathBuf>> {
    let path = std::env::current_exe()?.with_file_name(format!("fieldfen{}", std::env::consts::EXE_SUFFIX));
    Ok(path.exists().then_some(path))
}

/// Runs the program to its end. Its output goes nowhere.
fn run_program(program: &Path, arguments: &[&str], database: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).arg("--database").arg(database).stdin(Stdio::null()).stdout(Stdio::null());
    let ended = command.current_dir(database.parent().context("the folder of the database")?).status()?;
    ensure!(ended.success(), "{command:?} ended with {ended}");
    Ok(())
}

/// Makes a database with these numbers of jobs and files.
fn create(path: &Path, jobs: u32, files: u32) -> Result<()> {
    backlog::migrate(path)?;
    let connection = Connection::open(path, Durability::Normal)?;
    connection
        .execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")?;
    let id = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' \
              || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))";
    let ago = |seconds: &str| format!("strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '-' || ({seconds}) || ' seconds')");
    let (due, ended, long_ago) = (ago("i % 100000"), ago("i % 3500"), ago("3700 + i"));
    connection.execute(&format!(
        "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {files} - 1)
         INSERT INTO files (id, original_filename, species, status, created_at, updated_at)
         SELECT {id}, 'picture-' || i || '.jpg', 'species-' || (i % 7), iif(i % 5, 'published', 'processed'), {due}, {due}
         FROM n;
         WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {jobs} - 1)
         INSERT INTO jobs (id, command_type, status, priority, run_at, waits_for, partition_key, parked_for, last_error, error_fingerprint,
                           completed_at, created_at, payload_json)
         SELECT {id}, 'test.kind-' || (i / 20 % 8),
                CASE WHEN i % 20 < 7 THEN 'pending' WHEN i % 20 < 12 THEN 'failed' ELSE 'completed' END,
                2, {due}, iif(i % 20 = 6, 'account:etsy/' || (i % 100), ''),
                iif(i % 20 = 6, 'account:etsy/' || (i % 100), NULL),
                iif(i % 20 = 11, iif(i % 400 = 11, 'person', 'approval'), NULL),
                iif(i % 20 BETWEEN 7 AND 11, 'tray ' || (i / 160 % 10) || ' has no ink', NULL),
                iif(i % 20 BETWEEN 7 AND 10, 'tray ' || char(97 + i / 160 % 10) || ' has no ink', NULL),
                CASE WHEN i % 20 < 7 THEN NULL WHEN i % 200 BETWEEN 7 AND 26 THEN {ended} ELSE {long_ago} END,
                {long_ago}, '{{}}' FROM n;"
    ))?;
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
}

/// The job that claims of its kind take last.
fn last_pending(path: &Path) -> Result<JobId> {
    let connection = Connection::open(path, Durability::Normal)?;
    let mut found = None;
    let mut last = connection.prepare(
        "SELECT id FROM jobs INDEXED BY idx_jobs_claim WHERE status = 'pending' AND waits_for = '' \
         AND command_type = 'test.kind-3' AND priority = 2 ORDER BY run_at DESC LIMIT 1",
    )?;
    last.run(&[], |row| found = Some(row.text(0).to_owned()))?;
    found.context("no job is due")?.parse().context("the id of a job")
}
