//! The rules by which events move a file, and by which jobs follow.
//!
//! A [`Pipeline`] is the shop's configuration: who approves, what is published where, and the factor of the upscaling.
//! A [`Shop`](crate::shop::Shop) makes a pipeline from rules that are data. The methods of a pipeline take an open
//! [`Transaction`](crate::Transaction), so that a job's completion, the move of its file and the jobs that follow are
//! one transaction. Outside of a worker, the program with the rules calls them through
//! [`ShopFiles`](crate::files::ShopFiles). Other programs send requests through an
//! [`Operator`](crate::operator::Operator).
//!
//! | event | the file moves | jobs that follow |
//! | --- | --- | --- |
//! | a picture arrives ([`Pipeline::ingest`]) | → ingested | `CreateFileRecord` |
//! | a broken one arrives ([`Pipeline::ingest_broken`]) | → ingested → failed | |
//! | other bytes arrive under a known Drive id | | none: the answer and a warning name both hashes |
//! | `CreateFileRecord` is done ([`Pipeline::record_confirmed`]) | ingested → processing | `UpscaleImage` |
//! | `UpscaleImage` is done ([`Pipeline::upscaled`]) | | `GenerateMetadata` |
//! | `GenerateMetadata` is done ([`Pipeline::described`]) | processing → processed, → approved when automatic | as for an approval |
//! | approval ([`Pipeline::approve`]) | processed → approved, → published if a listing is live already | `CreateListing` and `PublishSocial` for each wanted target that is not confirmed, and the jobs that are parked for an approval; `UpdateListing` for each live listing, after its adoption if it has no publication |
//! | a publishing job finds its file not approved | | the job is parked for an approval, and runs again after it |
//! | a publishing job needs a person's decision | | the job is parked for a person, and runs again after the decision |
//! | an edit ([`Pipeline::edit`], also by `UpdateImage`) | approved → processed, unless approval is automatic; a file that failed from approved then returns to processed | `UpdateListing` for each live listing of a published file |
//! | a platform confirms a listing | approved → published | |
//! | a processing job fails for good ([`FileFailureHook`]) | any → failed | |
//! | the last listing job fails for good, none is parked, no listing is live ([`FileFailureHook`]) | approved → failed | |
//! | an operator's retry ([`Pipeline::retry`]) | failed → where it failed from | its failed jobs of that status, and the missing jobs of that status, with an `UpdateListing` for each live listing; a product that has ended is not listed again |
//! | a listing is sold out, restocked, delisted | | |
//! | a delisted product is listed again ([`Pipeline::publish`]) | | `CreateListing` |
//!
//! A failed file also returns to the status that it failed from if the one job that it failed with is retried and
//! succeeds, or if a platform's late answer shows that a listing that had failed is live.

mod approval;
mod ingest;
mod job_failed;
mod job_handlers;
mod jobs;
mod jobs_of_file;
mod listing_confirmed;
mod outcome;
mod processing;
mod rejection;
mod retry;
mod transition;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fieldfen_domain::FileId;
use fieldfen_domain::file::File;
use fieldfen_domain::job::{DEFAULT_MAX_RETRIES, InvalidPayload, JobKind, OnWorkerDeath, Payload, UpscaleImage};
use fieldfen_domain::publication::Target;
use serde::Deserialize;

use crate::Environment;

pub(crate) use approval::shows_the_same;
pub use job_failed::FileFailureHook;
pub use job_handlers::run_delete_file;
pub(crate) use listing_confirmed::listing_confirmed;
pub use outcome::{EditOutcome, EventOutcome, FileActionOutcome};

/// Decides who approves a processed file for sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// A person, through [`Pipeline::approve`].
    #[default]
    Operator,
    /// Every processed file is approved at once.
    Automatic,
}

type Wanted = dyn Fn(&File) -> Vec<Target> + Send + Sync;

/// The rules of one shop for the moves of files and the jobs that follow. A clone shares them.
///
/// ```
/// use fieldfen_domain::publication::{Platform, Target};
/// use fieldfen_services::Environment;
/// use fieldfen_services::pipeline::{Approval, Pipeline};
///
/// // One product for each print size that the picture fills without cropping.
/// let pipeline = Pipeline::new(Environment::system())
///     .approved_by(Approval::Automatic)
///     .upscaling(4, 300)?
///     .wanting(|file| {
///         let sizes = file.size.map_or(&[][..], |size| size.aspect_ratio().print_variants());
///         let listing = |size: &&str| Target::listing(Platform::Etsy).with_variant(*size);
///         sizes.iter().map(listing).collect()
///     });
/// # Ok::<(), fieldfen_domain::job::InvalidPayload>(())
/// ```
#[derive(Clone)]
pub struct Pipeline {
    environment: Environment,
    approval: Approval,
    wanted: Arc<Wanted>,
    scale_factor: u32,
    target_dpi: u32,
    max_retries: u32,
    retries_by_kind: BTreeMap<JobKind, u32>,
    on_worker_death: Option<OnWorkerDeath>,
    on_worker_death_by_kind: BTreeMap<JobKind, OnWorkerDeath>,
}

impl Pipeline {
    /// A pipeline that upscales by 4 at 300 dpi, waits for an operator's approval and publishes at no target.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            approval: Approval::Operator,
            wanted: Arc::new(|_| Vec::new()),
            scale_factor: 4,
            target_dpi: 300,
            max_retries: DEFAULT_MAX_RETRIES,
            retries_by_kind: BTreeMap::new(),
            on_worker_death: None,
            on_worker_death_by_kind: BTreeMap::new(),
        }
    }

    /// Sets who approves processed files.
    #[must_use]
    pub const fn approved_by(mut self, approval: Approval) -> Self {
        self.approval = approval;
        self
    }

    /// Sets the targets at which an approved file is published: those that `wanted` returns for it.
    ///
    /// A [`Target::Post`] is posted once for each of its post keys, however often the file is approved.
    #[must_use]
    pub fn wanting(mut self, wanted: impl Fn(&File) -> Vec<Target> + Send + Sync + 'static) -> Self {
        self.wanted = Arc::new(wanted);
        self
    }

    /// Sets the factor of the upscaling (1 to 64) and the resolution in dots per inch (1 to 65,535) that is written
    /// into the picture.
    ///
    /// # Errors
    /// [`InvalidPayload`] if one of them is out of range.
    pub fn upscaling(mut self, scale_factor: u32, target_dpi: u32) -> Result<Self, InvalidPayload> {
        UpscaleImage::new(FileId::from_random(0), scale_factor, target_dpi).check()?;
        self.scale_factor = scale_factor;
        self.target_dpi = target_dpi;
        Ok(self)
    }

    /// Sets the number of retries of all jobs whose kind has no number of its own.
    #[must_use]
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the number of retries of the jobs of this kind.
    #[must_use]
    pub fn retries_of(mut self, kind: JobKind, retries: u32) -> Self {
        self.retries_by_kind.insert(kind, retries);
        self
    }

    /// Sets the consequence of a worker's death for all jobs whose kind has none of its own; by default the worker that
    /// claims the job decides.
    #[must_use]
    pub fn on_worker_death(mut self, consequence: impl Into<Option<OnWorkerDeath>>) -> Self {
        self.on_worker_death = consequence.into();
        self
    }

    /// Sets the consequence of a worker's death for the jobs of this kind.
    #[must_use]
    pub fn on_worker_death_of(mut self, kind: JobKind, consequence: OnWorkerDeath) -> Self {
        self.on_worker_death_by_kind.insert(kind, consequence);
        self
    }
}

impl Pipeline {
    /// The targets at which a file is to be published.
    pub(crate) fn targets(&self, file: &File) -> Vec<Target> {
        (self.wanted)(file)
    }

    pub(crate) const fn environment(&self) -> &Environment {
        &self.environment
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("approval", &self.approval)
            .field("scale_factor", &self.scale_factor)
            .field("target_dpi", &self.target_dpi)
            .field("max_retries", &self.max_retries)
            .field("retries_by_kind", &self.retries_by_kind)
            .finish_non_exhaustive()
    }
}
