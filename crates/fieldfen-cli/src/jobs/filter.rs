//! The arguments that select jobs.

use fieldfen_domain::job::{ApiAccount, FingerprintFilter, JobFilter, JobKind, JobStatus};
use fieldfen_domain::store::Store;
use fieldfen_domain::{FileId, Timestamp};

use crate::id_argument::{IdArgument, resolve};
use crate::time_argument::TimeArgument;

/// The filter of a list of jobs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FilterArgs {
    /// Only jobs of this status: pending, running, completed or failed
    #[arg(long)]
    status: Option<JobStatus>,
    /// Only jobs of this kind
    #[arg(long)]
    kind: Option<JobKind>,
    /// Only jobs of this file
    #[arg(long, value_name = "ID")]
    file: Option<IdArgument<FileId>>,
    /// Only dead letters: jobs that have failed for good or were cancelled
    #[arg(long, conflicts_with_all = ["status", "parked"])]
    dead: bool,
    /// Only jobs that are parked for an approval or a person
    #[arg(long, conflicts_with = "status")]
    parked: bool,
    /// Only jobs whose last error has this fingerprint, as `jobs errors` shows it; an empty text selects jobs without one
    #[arg(long, value_name = "ERROR")]
    fingerprint: Option<String>,
    /// Only jobs that ended at this time or later: 2026-11-26T09:00:00Z, or 15m, 2h, 3d ago
    #[arg(long, value_name = "TIME")]
    since: Option<TimeArgument>,
    /// Only jobs that ended before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimeArgument>,
    /// Only jobs that were enqueued before this time
    #[arg(long, value_name = "TIME")]
    created_before: Option<TimeArgument>,
    /// Only jobs that this worker runs, or ran as the last one
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Only jobs of this service or account, for example etsy or etsy/main
    #[arg(long, value_name = "SERVICE")]
    account: Option<ApiAccount>,
    /// Only jobs whose payload contains this text
    #[arg(long, value_name = "TEXT")]
    payload: Option<String>,
}

impl FilterArgs {
    /// The same arguments with the whole id of the file, of which the first digits may have been given.
    pub(crate) fn resolved(&self, store: &impl Store) -> anyhow::Result<Self> {
        let file = resolve(self.file.as_ref(), store)?.map(IdArgument::Whole);
        Ok(Self { file, ..self.clone() })
    }

    /// The filter that the [resolved](Self::resolved) arguments describe. Spans count back from now. The first digits of an
    /// id that was not resolved select nothing.
    pub(crate) fn filter(&self, now: Timestamp) -> JobFilter {
        let fingerprint = self.fingerprint.as_ref().map(|fingerprint| match fingerprint.as_str() {
            "" => FingerprintFilter::Missing,
            fingerprint => FingerprintFilter::Is(fingerprint.to_owned()),
        });
        let filter = JobFilter::new()
            .status(self.status)
            .kind(self.kind.clone())
            .file_id(self.file.as_ref().map(IdArgument::first))
            .fingerprint(fingerprint)
            .ended_since(self.since.map(|since| since.before(now)))
            .ended_before(self.until.map(|until| until.before(now)))
            .created_before(self.created_before.map(|before| before.before(now)))
            .worker(self.worker.clone())
            .account(self.account.clone())
            .payload(self.payload.clone());
        match (self.dead, self.parked) {
            (true, _) => filter.dead_letters(),
            (_, true) => filter.parked(),
            _ => filter,
        }
    }
}
