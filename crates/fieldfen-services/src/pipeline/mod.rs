//! Which event moves a file, and which jobs follow.
//!
//! A [`Pipeline`] is the shop's configuration: who approves, what is wanted where, how much is upscaled. A
//! [`Shop`](crate::shop::Shop) makes one from rules that are data. The methods of a pipeline take an open
//! [`Transaction`](crate::Transaction), so that a job's completion, the file's move and the jobs that follow are one
//! transaction. Outside of a worker, the program with the rules calls them through [`ShopFiles`](crate::files::ShopFiles), and other
//! programs ask by an [`Operator`](crate::operator::Operator).
//!
//! | event | the file moves | jobs that follow |
//! | --- | --- | --- |
//! | a picture arrives ([`Pipeline::ingest`]) | → ingested | `CreateFileRecord` |
//! | a broken one arrives ([`Pipeline::ingest_broken`]) | → ingested → failed | |
//! | other bytes arrive under a known Drive id | | none: the answer and a warning name both hashes |
//! | `CreateFileRecord` is done ([`Pipeline::record_confirmed`]) | ingested → processing | `UpscaleImage` |
//! | `UpscaleImage` is done ([`Pipeline::upscaled`]) | | `GenerateMetadata` |
//! | `GenerateMetadata` is done ([`Pipeline::described`]) | processing → processed, → approved when automatic | as for an approval |
//! | approval ([`Pipeline::approve`]) | processed → approved, → published when something is listed already | `CreateListing` and `PublishSocial` for all that is wanted and not confirmed and those that are parked for an approval, `UpdateListing` for what is out there, after its adoption where no publication knows it |
//! | a publishing job meets a file without an approval | | it is parked for an approval, and runs again with the next one |
//! | a publishing job meets what only a person can tell | | it is parked for a person, and runs again when the person has told |
//! | an edit ([`Pipeline::edit`], also by `UpdateImage`) | approved → processed, unless approval is automatic; a file that failed from approved leads back to processed then | `UpdateListing` for each live listing of a published file |
//! | a platform confirms a listing | approved → published | |
//! | a processing job fails for good ([`FileFailureHook`]) | any → failed | |
//! | the last listing job fails for good, none is parked, nothing is listed ([`FileFailureHook`]) | approved → failed | |
//! | an operator's retry ([`Pipeline::retry`]) | failed → where it failed from | its failed jobs of that status, and what that status needs: `UpdateListing` for what is live too; what was published and has ended is not listed anew |
//! | a listing is sold out, restocked, delisted | | |
//! | a delisted product is listed anew ([`Pipeline::publish`]) | | `CreateListing` |
//!
//! A failed file also returns to where it failed by a success: when somebody retried the one job that it had failed with, and
//! when a platform's late answer shows that a listing given up is there after all.

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
use fieldfen_domain::job::{DEFAULT_MAX_RETRIES, InvalidPayload, JobKind, Payload, UpscaleImage};
use fieldfen_domain::publication::Target;
use serde::Deserialize;

use crate::Environment;

pub(crate) use approval::shows_the_same;
pub use job_failed::FileFailureHook;
pub use job_handlers::run_delete_file;
pub(crate) use listing_confirmed::listing_confirmed;
pub use outcome::{EditOutcome, EventOutcome, FileActionOutcome};

/// Who lets a processed picture go on sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// A person, through [`Pipeline::approve`].
    #[default]
    Operator,
    /// Nobody: what is processed is approved.
    Automatic,
}

type Wanted = dyn Fn(&File) -> Vec<Target> + Send + Sync;

/// What follows what, as one shop wants it. Clones share everything.
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
}

impl Pipeline {
    /// A pipeline that upscales by 4 at 300 dpi, waits for an operator's approval and publishes nowhere.
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
        }
    }

    /// The same pipeline, approved so.
    #[must_use]
    pub const fn approved_by(mut self, approval: Approval) -> Self {
        self.approval = approval;
        self
    }

    /// The same pipeline, which publishes an approved file at the targets that `wanted` names for it.
    ///
    /// A [`Target::Post`] goes out once for each of its post keys, however often the file is approved.
    #[must_use]
    pub fn wanting(mut self, wanted: impl Fn(&File) -> Vec<Target> + Send + Sync + 'static) -> Self {
        self.wanted = Arc::new(wanted);
        self
    }

    /// The same pipeline, which upscales by this factor (1 to 64) and writes this resolution in dots per inch (1 to
    /// 65,535) into the picture.
    ///
    /// # Errors
    /// [`InvalidPayload`] when one of them is outside of its range.
    pub fn upscaling(mut self, scale_factor: u32, target_dpi: u32) -> Result<Self, InvalidPayload> {
        UpscaleImage::new(FileId::from_random(0), scale_factor, target_dpi).check()?;
        self.scale_factor = scale_factor;
        self.target_dpi = target_dpi;
        Ok(self)
    }

    /// The same pipeline, whose jobs have this many retries where their kind has no number of its own.
    #[must_use]
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The same pipeline, whose jobs of this kind have this many retries.
    #[must_use]
    pub fn retries_of(mut self, kind: JobKind, retries: u32) -> Self {
        self.retries_by_kind.insert(kind, retries);
        self
    }
}

impl Pipeline {
    /// What is wanted for a file.
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
