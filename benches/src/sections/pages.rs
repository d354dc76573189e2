//! Pages of files, of many files and of few.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fieldfen_domain::file::{Arrival, FileFilter, FileStatus};
use fieldfen_domain::store::Store;
use fieldfen_domain::{Cursor, FileId, PageRequest, Timestamp};
use fieldfen_persistence::{Durability, SqliteStore};
use fieldfen_services::environment::{Randomness, SeededRandomness};

use super::{Stage, grouped, micros};
use crate::baseline::{Connection, Value};
use crate::report::{Bound, Report, Row};
use crate::rounds::{self, Contestant};
use crate::{backlog, fieldfen};

const FEW: u32 = 1000;

/// The number of rows of a page. Each filter matches at least as many of the 1,000 files.
const PAGE: u32 = 20;

const SPECIES: [&str; 4] = ["whitetail-deer", "fox", "elk", "owl"];

const STATUSES: [FileStatus; 5] =
    [FileStatus::Ingested, FileStatus::Processing, FileStatus::Processed, FileStatus::Approved, FileStatus::Published];

pub(super) fn run(stage: &Stage, report: &mut Report) -> Result<()> {
    let many = stage.scale.pick(100_000, 1_000_000);
    let folder = tempfile::tempdir_in(&stage.folder)?;
    let mut stores = Vec::new();
    for files in [many, FEW] {
        let path = folder.path().join(format!("{files}.db"));
        create(&path, files)?;
        stores.push((fieldfen::open(&path, Durability::Normal)?, files));
    }
    let mut names = Vec::new();
    let mut contestants: Vec<Contestant<'_>> = Vec::new();
    let filters = |store: &SqliteStore, files: u32| -> Result<Vec<(&'static str, FileFilter, PageRequest)>> {
        let first = PageRequest::first(PAGE);
        let all = FileFilter::default();
        let status = all.clone().status(Some(FileStatus::Approved));
        let species = all.clone().species("elk");
        let both = species.clone().status(status.status);
        let within = |filter: &FileFilter, arrival| filter.clone().arrival(Some(arrival));
        let half = Arrival::between(arrival(files / 4)?, arrival(files / 4 * 3)?);
        let (middle, noon) = (middle(store, &all, files)?, middle(store, &within(&all, Arrival::ANY_TIME), files)?);
        let window = within(&all, half);
        Ok(vec![
            ("the first", all.clone(), first.clone()),
            ("after one in the middle", all.clone(), first.clone().after(middle.clone())),
            ("before one in the middle", all.clone(), first.clone().before(middle)),
            ("by status", status.clone(), first.clone()),
            ("by species", species.clone(), first.clone()),
            ("by species and status", both.clone(), first.clone()),
            ("by date", window.clone(), first.clone()),
            ("by date, after one in the middle", window.clone(), first.clone().after(noon.clone())),
            ("by date, before one in the middle", window, first.clone().before(noon.clone())),
            ("by status and date", within(&status, half), first.clone()),
            ("by status and date, after one in the middle", within(&status, half), first.clone().after(noon.clone())),
            ("by species and date", within(&species, half), first.clone()),
            ("by species and date, after one in the middle", within(&species, half), first.clone().after(noon)),
            ("by species, status and date", within(&both, half), first.clone()),
            ("without a date", within(&all, Arrival::OtherForms), first),
        ])
    };
    for (store, files) in &stores {
        for (name, filter, page) in filters(store, *files)? {
            let newest = page.clone().newest_first();
            for (order, page) in [("oldest first", page), ("newest first", newest)] {
                names.push(format!("{name}, {order}"));
                let filter = filter.clone();
                contestants.push(Box::new(move || read(store, &filter, &page)));
            }
        }
    }
    let figures = rounds::interleave(21, &mut contestants)?;
    drop(contestants);
    let (of_many, of_few) = figures.split_at(figures.len() / 2);
    for ((name, times), few) in names.iter().zip(of_many).zip(of_few) {
        report.row(
            Row::new(
                format!("page of files, {name}, at {} files / at 1,000", grouped(many)),
                rounds::ratio(times, few),
                "x",
                Bound::AtMost(1.5),
            )
            .parts(format!("{:.1} µs / {:.1} µs", rounds::median(times), rounds::median(few))),
        );
    }
    report.note(format!("pages: {PAGE} files each, in a read session of its own."));
    Ok(())
}

/// The median time of 20 reads.
fn read(store: &SqliteStore, filter: &FileFilter, page: &PageRequest) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..20 {
        times.push(micros(|| {
            let files = store.read(|s| s.files().page(filter, page))?.items.len();
            ensure!(files == PAGE as usize, "a page of {PAGE} files has {files}");
            Ok(())
        })?);
    }
    Ok(rounds::median(&times))
}

/// The cursor in the middle of all files, in the order of a filter.
fn middle(store: &SqliteStore, filter: &FileFilter, files: u32) -> Result<Cursor> {
    let step = (files / 2).min(10_000);
    let mut request = PageRequest::first(step);
    for _ in 1..files / 2 / step {
        let page = store.read(|s| s.files().page(filter, &request))?;
        request = request.after(page.next.context("half of the files end early")?);
    }
    let page = store.read(|s| s.files().page(filter, &request))?;
    page.next.context("half of the files are all of them")
}

/// The arrival of a file, a minute after the one before. Every fortieth row has none.
fn arrival(file: u32) -> Result<Timestamp> {
    Ok("2020-01-01T00:00:00Z".parse::<Timestamp>()? + std::time::Duration::from_secs(60 * u64::from(file)))
}

/// A database with this many files, in which all species and statuses are equally frequent.
pub(super) fn create(path: &Path, files: u32) -> Result<()> {
    backlog::migrate(path)?;
    let connection = Connection::open(path, Durability::Normal)?;
    connection.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN IMMEDIATE")?;
    let mut insert = connection.prepare(
        "INSERT INTO files (id, original_filename, species, status, drive_file_id, width, height, aspect_ratio, \
         created_at, updated_at) VALUES (?1, 'IMG_0001.jpg', ?2, ?3, ?1, 6000, 4000, '3:2', ?4, ?4)",
    )?;
    let random = SeededRandomness::new(3);
    for (file, (species, status)) in
        (0..files).zip(SPECIES.iter().flat_map(|species| STATUSES.iter().map(move |status| (species, status))).cycle())
    {
        let id = FileId::from_random(random.bits()).to_string();
        let at = arrival(file)?.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        let at = if file % 40 == 0 { Value::Null } else { Value::Text(&at) };
        insert.run(&[Value::Text(&id), Value::Text(species), Value::Text(status.as_str()), at], |_| {})?;
    }
    connection.execute("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
}
