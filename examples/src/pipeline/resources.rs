//! Opens the resources of the pipeline: the database, the output folders, the catalogue and the rules.

use std::time::{Duration, Instant};

use anyhow::Context;
use fieldfen_domain::file::{FileFilter, FileStatus};
use fieldfen_domain::job::{JobFilter, JobKind, JobState, JobStatus};
use fieldfen_domain::store::{Disposition, Store, StoreError};
use fieldfen_domain::{FileId, PageRequest};
use fieldfen_persistence::{SqliteOptions, SqliteStore, SqliteUrl};
use fieldfen_services::Environment;
use fieldfen_services::api_costs::ApiCosts;
use fieldfen_services::api_usage::{ApiUsage, CallRecorder};
use fieldfen_services::files::ShopFiles;
use fieldfen_services::publishing::Publisher;
use fieldfen_services::shop::{Shop as Rules, ShopFile};
use fieldfen_terminal::{DatabaseAddress, Exit, ExitError};

use super::Options;
use super::handlers::LEASE;
use super::output_folders::OutputFolders;
use crate::catalogue::Catalogue;

/// The rules of the example.
const RULES: &str = include_str!("../../pipeline/fieldfen.toml");

/// The longest wait for a lock of another run. A user who starts two runs prefers a wait to an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// The number of rows on a page.
const PAGE: u32 = 500;

/// The kinds of jobs that the pipeline runs.
pub(super) const KINDS: [JobKind; 5] = [
    JobKind::CreateFileRecord,
    JobKind::UpscaleImage,
    JobKind::GenerateMetadata,
    JobKind::CreateListing,
    JobKind::UpdateListing,
];

/// The resources of the pipeline.
#[derive(Clone)]
pub(super) struct Resources {
    pub(super) store: SqliteStore,
    pub(super) environment: Environment,
    pub(super) output: OutputFolders,
    pub(super) files: ShopFiles<SqliteStore>,
    pub(super) costs: ApiCosts<SqliteStore>,
    pub(super) calls: CallRecorder<SqliteStore>,
    pub(super) publisher: Publisher<SqliteStore>,
    pub(super) catalogue: Catalogue,
}

impl Resources {
    /// Opens all resources, and creates the missing ones.
    pub(super) fn open(url: &DatabaseAddress, options: &Options, environment: Environment) -> anyhow::Result<Self> {
        let (file, rules) = rules(options)?;
        let pipeline = rules.pipeline(environment.clone())?;
        let invalid = |error| Exit::Usage.with(file.locate(&error));
        let (prices, budgets) = (rules.prices().map_err(invalid)?, rules.budgets().map_err(invalid)?);
        let store = open_store(url).with_context(|| format!("cannot open the database {url}"))?;
        let output = OutputFolders::open(&options.output).context("cannot make the output folders")?;
        let catalogue =
            Catalogue::open(&options.catalogue, &output.previews(), options.catalogue_access, environment.clone())
                .context("cannot open the catalogue")?;
        let costs = ApiCosts::new(store.clone(), environment.clone()).prices(prices).budgets(budgets)?;
        let calls = CallRecorder::new(ApiUsage::new(store.clone(), environment.clone())).costs(costs.clone());
        let publisher = Publisher::new(store.clone(), pipeline.clone())
            .marketplace(catalogue.clone())
            .record_calls(calls.clone())
            .with_hold(LEASE);
        rules.check_publisher(&publisher).map_err(invalid)?;
        let files = pipeline.files(store.clone());
        let resources = Self { store, environment, output, files, costs, calls, publisher, catalogue };
        resources.sweep()?;
        Ok(resources)
    }

    /// Removes unfinished files of killed programs.
    pub(super) fn sweep(&self) -> anyhow::Result<()> {
        self.output.sweep().context("cannot sweep the output folders")?;
        self.catalogue.sweep().context("cannot sweep the catalogue")?;
        Ok(())
    }

    /// Returns whether a job of the pipeline is pending or running.
    ///
    /// A running job without a lease belongs to another kind of program, and the pipeline does not wait for it.
    pub(super) fn is_busy(&self) -> Result<bool, StoreError> {
        self.store.read(|s| {
            if s.jobs().next_due(&KINDS)?.is_some() {
                return Ok(true);
            }
            for kind in KINDS {
                let filter = JobFilter::new().status(JobStatus::Running).kind(kind);
                let mut request = Some(PageRequest::first(PAGE));
                while let Some(wanted) = request {
                    let page = s.jobs().page(&filter, &wanted)?;
                    if page.items.iter().any(|job| matches!(job.state, JobState::Running { lease: Some(_), .. })) {
                        return Ok(true);
                    }
                    request = page.next.map(|cursor| wanted.after(cursor));
                }
            }
            Ok(false)
        })
    }

    /// The unfinished files, the oldest first.
    pub(super) fn unfinished(&self) -> Result<Vec<FileId>, StoreError> {
        self.store.read(|s| {
            let mut files = Vec::new();
            for &status in FileStatus::ALL.iter().filter(|status| !is_end(**status)) {
                let filter = FileFilter::new().status(status);
                let mut request = Some(PageRequest::first(PAGE));
                while let Some(wanted) = request {
                    let page = s.files().page(&filter, &wanted)?;
                    files.extend(page.items.iter().map(|file| (file.created_at, file.id)));
                    request = page.next.map(|cursor| wanted.after(cursor));
                }
            }
            files.sort();
            Ok(files.into_iter().map(|(_, id)| id).collect())
        })
    }

    /// The progress of these files.
    pub(super) fn progress(&self, files: &[FileId]) -> Result<Progress, StoreError> {
        self.store.read(|s| {
            let mut progress = Progress::default();
            for id in files {
                let (status, upscaled) = match s.files().find(id)? {
                    Some(file) => (file.state.status(), file.processed_filename.is_some()),
                    None => (FileStatus::Failed, false),
                };
                progress.ended += u64::from(is_end(status));
                progress.steps += match status {
                    FileStatus::Ingested => 0,
                    FileStatus::Processing => 1 + u64::from(upscaled),
                    FileStatus::Processed | FileStatus::Approved => 3,
                    FileStatus::Published | FileStatus::Failed => STEPS,
                };
            }
            Ok(progress)
        })
    }
}

/// The progress of some files.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Progress {
    /// The number of files that are published or have failed.
    pub(super) ended: u64,
    /// The number of steps that the files have completed together, of [`STEPS`] each.
    pub(super) steps: u64,
}

/// The steps of each file: recorded, upscaled, described, published.
pub(super) const STEPS: u64 = 4;

/// Returns whether the pipeline does nothing more with a file in this status.
pub(super) const fn is_end(status: FileStatus) -> bool {
    matches!(status, FileStatus::Published | FileStatus::Failed)
}

/// The pause before another attempt to open the database.
const PAUSE: Duration = Duration::from_millis(50);

/// The rules in the user's file or those of the example, and the file.
fn rules(options: &Options) -> Result<(ShopFile, Rules), ExitError> {
    let file = match &options.rules {
        Some(path) => ShopFile::read(path),
        None => Ok(ShopFile::parse(RULES, "examples/pipeline/fieldfen.toml")),
    };
    file.and_then(|file| file.shop().map(|rules| (file, rules))).map_err(|error| Exit::Usage.with(error))
}

/// Opens the database. Creates it if it is missing, and applies the missing migrations.
fn open_store(url: &DatabaseAddress) -> anyhow::Result<SqliteStore> {
    url.parse::<SqliteUrl>()?;
    let mut options = SqliteOptions::default();
    options.busy_timeout = BUSY_TIMEOUT;
    let began = Instant::now();
    loop {
        match SqliteStore::create_with(url, &options) {
            Err(error) if error.disposition() != Disposition::GiveUp && began.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(PAUSE);
            }
            opened => return Ok(opened?),
        }
    }
}
