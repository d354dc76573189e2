//! The report of a run, for people and as JSON.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use fieldfen_domain::api_cost::{BudgetPeriod, Currency, Money};
use fieldfen_domain::file::FileStatus;
use fieldfen_domain::job::JobFilter;
use fieldfen_domain::publication::ListingStatus;
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::{FileId, PageRequest};
use fieldfen_services::api_report::{ApiFigures, ApiReport, ApiReports, ServiceFigures};
use fieldfen_terminal::{StdoutError, Terminal, TextOutput};
use serde::Serialize;
use serde_json::Value;

use super::Run;
use super::ingest_folder::ScannedFile;
use super::resources::{Resources, is_end};

/// The number of a file's jobs that are read for its processing time.
const JOBS: u32 = 100;

/// The files of one run with their outcomes.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    files: Vec<Line>,
    published: usize,
    failed: usize,
    not_read: usize,
    unfinished: usize,
    /// Whether there was nothing to do.
    idle: bool,
    /// Whether a signal stopped the run before its end.
    interrupted: bool,
    catalogue: PathBuf,
    /// The calls to external services in this month and their costs, of this run and earlier ones.
    api: ApiReport,
    milliseconds: u64,
}

/// One file with its outcome.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    id: Option<FileId>,
    /// The status of the file; `None` if the file could not be read.
    status: Option<FileStatus>,
    /// The reason why it failed or could not be read.
    reason: Option<String>,
    /// The name of another file of the folder with the same bytes.
    same_as: Option<String>,
    species: Option<String>,
    size: Option<(u32, u32)>,
    aspect_ratio: Option<String>,
    print: Option<String>,
    listings: Vec<ListingLine>,
    /// The processing time in this run and before, without failed attempts, in milliseconds.
    milliseconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct ListingLine {
    platform: String,
    id: String,
    status: ListingStatus,
    url: Option<String>,
}

impl Report {
    /// Reads the outcomes of the files of a run.
    pub(super) fn make(resources: &Resources, run: &Run, took: Duration) -> Result<Self, StoreError> {
        let Run { files, scanned, .. } = run;
        let files = resources.store.read(|s| {
            let mut lines = Vec::new();
            for id in files {
                // A file that was unfinished before may also have arrived again. It then gets the line of the scanned
                // file.
                if !scanned.iter().any(|scanned_file| scanned_file.file_id() == Some(*id)) {
                    lines.extend(line_of(s, id)?);
                }
            }
            for scanned_file in scanned {
                let line = scanned_file.file_id().map(|id| line_of(s, &id)).transpose()?.flatten();
                lines.push(match line {
                    Some(line) => Line {
                        name: scanned_file.name.clone(),
                        same_as: scanned_file.same_as().map(str::to_owned),
                        ..line
                    },
                    None => Line::nothing(&scanned_file.name, scanned_file.trouble()),
                });
            }
            Ok(lines)
        })?;
        let month = BudgetPeriod::Month.of(resources.environment.now()).days();
        let api = ApiReports::new(resources.costs.clone()).report(&month)?;
        let count = |wanted: &dyn Fn(&Line) -> bool| files.iter().filter(|line| wanted(line)).count();
        Ok(Self {
            published: count(&|line| line.status == Some(FileStatus::Published)),
            failed: count(&|line| line.status == Some(FileStatus::Failed)),
            not_read: count(&|line| line.status.is_none()),
            unfinished: count(&|line| line.status.is_some_and(|status| !is_end(status))),
            files,
            idle: !run.had_work && !run.interrupted && !scanned.iter().any(ScannedFile::is_new),
            interrupted: run.interrupted,
            catalogue: resources.catalogue.index(),
            api,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Prints the report on stdout.
    pub(super) fn say(&self, terminal: &Terminal) -> Result<(), StdoutError> {
        terminal.print_result(self, |out| self.write(terminal, out))
    }

    fn write(&self, terminal: &Terminal, out: &mut TextOutput<'_>) -> io::Result<()> {
        let mut table = terminal.table(["file", "status", "print", "listing", "work"]);
        for line in &self.files {
            table.add_row([
                line.name.clone(),
                line.status.map_or("not read", FileStatus::as_str).to_owned(),
                line.print_text(),
                line.listing_text(),
                line.milliseconds.map(seconds).unwrap_or_default(),
            ]);
        }
        if !self.files.is_empty() {
            out.table(&table)?;
        }
        for line in &self.files {
            if let Some(reason) = &line.reason {
                writeln!(out, "{}: {reason}", line.name)?;
            }
        }
        let counts = [
            (self.published, "published"),
            (self.failed, "failed"),
            (self.not_read, "not read"),
            (self.unfinished, "still on their way"),
        ];
        let counts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let counts = if counts.is_empty() { "no pictures".to_owned() } else { counts.join(", ") };
        let nothing = if self.idle { "Nothing to do: " } else { "" };
        let stopped = if self.interrupted { "; stopped by a signal, start it again to go on" } else { "" };
        writeln!(out, "{nothing}{counts}; {}{stopped}", seconds(self.milliseconds))?;
        for ServiceFigures { service, figures, .. } in &self.api.services {
            writeln!(
                out,
                "{service} this month: {} calls, {} errors, {}",
                figures.calls,
                figures.errors,
                cost_of(figures)
            )?;
        }
        for budget in &self.api.budgets {
            let status = &budget.status;
            let (left, limit) = (amount(status.left, status.currency), amount(status.limit, status.currency));
            writeln!(out, "budget {}: {left} of {limit} left until {}", budget.name, status.ends_at)?;
        }
        for limit in &self.api.limits {
            if let Some(left) = limit.left {
                writeln!(out, "limit {} {}: {left} left", limit.service, limit.bucket)?;
            }
        }
        writeln!(out, "Catalogue: {}", self.catalogue.display())
    }
}

impl Line {
    fn nothing(name: &str, reason: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            id: None,
            status: None,
            reason: Some(reason.unwrap_or("its row is gone").to_owned()),
            same_as: None,
            species: None,
            size: None,
            aspect_ratio: None,
            print: None,
            listings: Vec::new(),
            milliseconds: None,
        }
    }

    fn print_text(&self) -> String {
        match (&self.print, self.size) {
            (Some(_), Some((width, height))) => format!("{width}×{height}"),
            _ => String::new(),
        }
    }

    fn listing_text(&self) -> String {
        if let Some(other) = &self.same_as {
            return format!("the same picture as {other}");
        }
        // The first characters of an id distinguish the products of one table. The document has the complete id.
        let start = |id: &str| id.chars().take(11).collect::<String>();
        let listings = self.listings.iter().map(|listing| format!("{} {}", start(&listing.id), listing.status));
        listings.collect::<Vec<_>>().join(", ")
    }
}

fn line_of(s: &mut dyn ReadSession, id: &FileId) -> Result<Option<Line>, StoreError> {
    let Some(file) = s.files().find(id)? else { return Ok(None) };
    let filter = JobFilter::new().file_id(*id);
    let mut times: Vec<u64> = Vec::new();
    for job in s.jobs().page(&filter, &PageRequest::first(JOBS))?.items {
        let result = s.jobs().find(&job.id)?.and_then(|job| job.result);
        let result = result.and_then(|result| result.read::<Value>().ok());
        times.extend(result.as_ref().and_then(|result| result.get("milliseconds")?.as_u64()));
    }
    let listings = s.listings().list_by_file(id)?;
    Ok(Some(Line {
        name: file.original_filename,
        id: Some(file.id),
        status: Some(file.state.status()),
        reason: file.state.failure().map(|failure| failure.reason.clone()),
        same_as: None,
        species: file.species,
        size: file.size.map(Into::into),
        aspect_ratio: file.size.map(|size| size.aspect_ratio().to_string()),
        print: file.processed_filename,
        listings: listings
            .into_iter()
            .map(|listing| ListingLine {
                platform: listing.platform.to_string(),
                id: listing.platform_listing_id,
                status: listing.status,
                url: listing.url,
            })
            .collect(),
        milliseconds: (!times.is_empty()).then(|| times.iter().sum()),
    }))
}

/// The costs in each currency. A guess stands for a cost that is not known yet.
fn cost_of(figures: &ApiFigures) -> String {
    let costs = figures.costs.iter().map(|cost| {
        let known = amount(cost.known_micros, Some(cost.currency));
        match cost.guessed_micros {
            0 => known,
            guessed => format!("{known} and perhaps {}", amount(guessed, Some(cost.currency))),
        }
    });
    let costs: Vec<String> = costs.collect();
    if costs.is_empty() { "no cost".to_owned() } else { costs.join(", ") }
}

/// An amount of money, or a number of calls.
fn amount(number: u64, currency: Option<Currency>) -> String {
    match currency {
        Some(currency) => Money::zero(currency).saturating_add_micros(number).to_string(),
        None => format!("{number} calls"),
    }
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}
