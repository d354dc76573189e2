//! `jobs enqueue`: enqueues a job.

use fieldfen_domain::job::{ApiAccount, DedupKey, EnqueueOutcome, JobKind, NewJob, OnWorkerDeath, Priority};
use fieldfen_domain::{FileId, RawJson, with_causes};
use fieldfen_persistence::SqliteStore;
use fieldfen_services::queue::{Queue, QueueError};
use fieldfen_services::shop::Shop;
use fieldfen_services::workers::Workers;
use fieldfen_terminal::Exit;

use super::kinds::{self, KnownKind};
use crate::answer::{Answer, Outcome};
use crate::context::Context;
use crate::id_argument::{IdArgument, resolve};
use crate::shop_file;
use crate::time_argument::TimeArgument;

/// The new job.
#[derive(Debug, clap::Args)]
pub(crate) struct EnqueueArgs {
    /// The kind of the job, for example UpscaleImage
    kind: JobKind,
    /// The arguments of its handler, as a JSON document
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// The file of the job
    #[arg(long, value_name = "ID")]
    file: Option<IdArgument<FileId>>,
    /// The service or account that the job uses, for example etsy or etsy/main
    #[arg(long, value_name = "SERVICE")]
    account: Option<ApiAccount>,
    /// Not before this time, or this span from now: 2026-11-26T09:00:00Z, 15m, 2h, 3d
    #[arg(long, value_name = "TIME")]
    at: Option<TimeArgument>,
    /// 0 is urgent, 1 high, 2 normal, 3 low
    #[arg(long, value_name = "0-3", default_value = "2", value_parser = priority)]
    priority: Priority,
    /// The number of retries before the job fails for good
    #[arg(long, value_name = "NUMBER")]
    retries: Option<u32>,
    /// If its worker dies: retry, hold it for a person, or fail; by default as the worker that runs it
    /// says
    #[arg(long, value_name = "retry|hold|fail")]
    on_worker_death: Option<OnWorkerDeath>,
    /// Enqueue nothing if a job with this key has not ended
    #[arg(long, value_name = "KEY")]
    dedup_key: Option<String>,
}

/// Parses a priority.
pub(super) fn priority(text: &str) -> Result<Priority, String> {
    let level = text.parse().ok().and_then(Priority::from_number);
    level.ok_or_else(|| format!("{text:?} must be 0 (urgent), 1 (high), 2 (normal) or 3 (low)"))
}

impl EnqueueArgs {
    /// The note about a kind that no living worker handles. If neither fieldfen nor the file `fieldfen.toml` knows the
    /// kind, its name may be wrong.
    fn nobody_handles(&self) -> String {
        let waits = "; no living worker handles this kind";
        let has_program = |shop: Shop| shop.handlers().is_ok_and(|all| all.iter().any(|one| one.kind == self.kind));
        if kinds::find(&self.kind).is_some() || shop_file::rules().is_ok_and(has_program) {
            return waits.to_owned();
        }
        let known: Vec<&str> = kinds::known().iter().map(KnownKind::kind).collect();
        format!("{waits}, and no [[handler]] in fieldfen.toml has it; the kinds of fieldfen are {}", known.join(", "))
    }

    pub(super) fn run(&self, queue: &Queue<SqliteStore>, context: &Context<'_>) -> anyhow::Result<()> {
        let now = context.environment.now();
        let payload = self
            .payload
            .as_deref()
            .map(|text| RawJson::parse(text).map_err(|error| Exit::Usage.with(format!("--payload {text}: {error}"))));
        let mut payload = payload.transpose()?;
        if let Some(known) = kinds::find(&self.kind) {
            let given = payload.take().map_or_else(|| RawJson::parse("{}"), Ok)?;
            known.check(&given).map_err(|error| {
                let error = with_causes(&error);
                Exit::Usage.with(format!("{error}; `fieldfen jobs kinds` shows the fields of {}", self.kind))
            })?;
            payload = Some(given);
        }
        let key = self.dedup_key.as_deref().map(DedupKey::new).transpose().map_err(|error| Exit::Usage.with(error))?;
        let mut job = NewJob::untyped(context.environment.job_id(), self.kind.clone(), payload, now)
            .map_err(|error| Exit::Usage.with(error))?
            .account(self.account.clone())
            .priority(self.priority)
            .on_worker_death(self.on_worker_death)
            .dedup_key(key);
        if let Some(file) = resolve(self.file.as_ref(), queue.store())? {
            job = job.file_id(file);
        }
        if let Some(at) = self.at {
            job = job.run_at(at.after(now));
        }
        if let Some(retries) = self.retries {
            job = job.max_retries(retries);
        }
        let enqueued = queue.enqueue(&job).map_err(|error| match error {
            QueueError::Store(error) => error.into(),
            error => anyhow::Error::from(Exit::Usage.with(error)),
        })?;
        let answer = match enqueued {
            EnqueueOutcome::Created(id) => {
                let workers = Workers::new(queue.store().clone(), context.environment.clone()).alive(&self.kind)?;
                let waits = if workers.is_empty() { self.nobody_handles() } else { String::new() };
                Answer::new(format_args!("job {id}"), Outcome::Done, format!("enqueued{waits}"))
            }
            EnqueueOutcome::Duplicate(id) => Answer::new(
                format_args!("job {id}"),
                Outcome::Unchanged,
                "it has the same dedup key and has not ended: nothing was enqueued",
            ),
        };
        answer.print(context)
    }
}
