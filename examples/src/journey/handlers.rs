//! The worker: one handler for each kind of job of the journey.

use std::error::Error;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use fieldfen_domain::FileId;
use fieldfen_domain::file::{File, FileEdit};
use fieldfen_domain::job::{
    CreateFileRecord, CreateListing, GenerateMetadata, RetryPolicy, UpdateListing, UpscaleImage,
};
use fieldfen_domain::store::Store;
use fieldfen_persistence::SqliteStore;
use fieldfen_services::publishing::{CallError, PublishError, Publishing};
use fieldfen_services::queue::RetryPolicies;
use fieldfen_services::worker::{Completion, Outcome, Task, Worker};
use serde_json::json;

use super::metered::call;
use super::shop::Shop;
use super::workplace::print_name;
use crate::describe::describe;
use crate::picture::{Picture, write_preview, write_print};

/// How long a claim, and a reservation, holds without a sign of life: as long as a restart after a crash waits at most.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// How long running handlers may go on when the journey is asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// After so many tries a handler that fails by itself gives up.
const TRIES: u32 = 10;

const RETRIES: RetryPolicy =
    RetryPolicy { base: Duration::from_millis(200), cap: Duration::from_secs(2), max_retries: TRIES };

/// The worker of a shop, not yet started.
pub(super) fn worker(shop: &Shop) -> Worker<SqliteStore> {
    let with = |shop: &Shop| shop.clone();
    let (record, upscaling, describing, listing, updating) =
        (with(shop), with(shop), with(shop), with(shop), with(shop));
    Worker::builder(shop.store.clone(), shop.environment.clone())
        .lease(LEASE)
        .grace(GRACE)
        .retry_policies(RetryPolicies::new(RETRIES))
        .handle(move |task| create_record(&record, &task))
        .handle(move |task| upscale(&upscaling, &task))
        .handle(move |task| generate_metadata(&describing, &task))
        .handle(move |task| create_listing(&listing, &task))
        .handle(move |task| update_listing(&updating, &task))
}

fn create_record(shop: &Shop, task: &Task<CreateFileRecord>) -> Completion {
    let (pipeline, id) = (shop.pipeline.clone(), task.file_id);
    Completion::new().writing(move |s| pipeline.record_confirmed(s, &id).map(drop))
}

fn upscale(shop: &Shop, task: &Task<UpscaleImage>) -> Result<Completion, Outcome> {
    let started = Instant::now();
    let file = find(shop, &task.file_id)?;
    let hash = file.content_hash.ok_or_else(|| Outcome::fail("the file has no content hash to find its picture by"))?;
    let original = shop.workplace.original(&hash);
    let bytes = match fs::read(&original) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Outcome::fail(format!("its original is gone: {}", original.display())));
        }
        read => read.map_err(|error| again(task, error))?,
    };
    let picture = Picture::decode(&bytes).map_err(Outcome::fail)?;
    drop(bytes);
    let name = print_name(&file.original_filename, task.scale_factor, &hash, picture.format);
    let dpi = u16::try_from(task.target_dpi).map_err(Outcome::fail)?;
    let wanted = || !task.is_cancelled();
    let size = write_print(&picture, task.scale_factor, dpi, &shop.workplace.print(&name), wanted)
        .map_err(|error| not_printed(task, error))?;
    write_preview(&picture, &shop.workplace.preview(&name)).map_err(|error| not_printed(task, error))?;

    let result = json!({ "print": name, "size": size, "dpi": dpi, "milliseconds": milliseconds(started) });
    let edit = FileEdit { processed_filename: Some(name), size: Some(size), ..FileEdit::default() };
    let (pipeline, id, environment) = (shop.pipeline.clone(), task.file_id, shop.environment.clone());
    Ok(Completion::new()
        .result(&result)
        .writing(move |s| s.api_usage().record(&call("upscaler", "upscale", &environment)))
        .writing(move |s| pipeline.upscaled(s, &id, &edit).map(drop)))
}

fn generate_metadata(shop: &Shop, task: &Task<GenerateMetadata>) -> Result<Completion, Outcome> {
    let started = Instant::now();
    let file = find(shop, &task.file_id)?;
    let size = file.size.ok_or_else(|| Outcome::fail("the size of the file is not known"))?;
    let metadata = describe(&file.original_filename, size).map_err(Outcome::fail)?;
    let result = json!({ "title": metadata.title, "milliseconds": milliseconds(started) });
    let (pipeline, id) = (shop.pipeline.clone(), task.file_id);
    Ok(Completion::new().result(&result).writing(move |s| pipeline.described(s, &id, &metadata).map(drop)))
}

fn create_listing(shop: &Shop, task: &Task<CreateListing>) -> Result<Completion, Outcome> {
    let started = Instant::now();
    let done = |platform_id: &str| {
        Completion::new().result(&json!({ "platform_id": platform_id, "milliseconds": milliseconds(started) }))
    };
    match shop.publisher.list(task).map_err(|error| not_published(task, error))? {
        Publishing::Published { platform_id, .. } | Publishing::AlreadyPublished { platform_id } => {
            Ok(done(&platform_id))
        }
        Publishing::Held { until } => Err(Outcome::throttled(until, "an earlier call may still take effect")),
        Publishing::Throttled { until, reason } => Err(Outcome::throttled(until, reason)),
        Publishing::NotApproved { status } => Err(Outcome::fail(format!("the file is {status}, not approved"))),
        Publishing::NoFile => Err(Outcome::fail("the file is gone")),
        Publishing::Refused { reason } => Err(Outcome::fail(reason)),
        Publishing::NotSent { reason } | Publishing::Unknown { reason } => Err(again(task, reason)),
    }
}

fn update_listing(shop: &Shop, task: &Task<UpdateListing>) -> Result<Completion, Outcome> {
    let started = Instant::now();
    shop.publisher.update(task).map_err(|error| not_published(task, error))?;
    Ok(Completion::new().result(&json!({ "milliseconds": milliseconds(started) })))
}

fn find(shop: &Shop, id: &FileId) -> Result<File, Outcome> {
    let file = shop.store.read(|s| s.files().find(id)).map_err(Outcome::retry)?;
    file.ok_or_else(|| Outcome::fail("the file is gone"))
}

/// Another try, unless there were enough.
fn again<P>(task: &Task<P>, error: impl Into<Box<dyn Error + Send + Sync>>) -> Outcome {
    if task.attempt() < TRIES { Outcome::retry(error) } else { Outcome::fail(error) }
}

/// The disk may have room again later; everything else would be the same again.
fn not_printed<P>(task: &Task<P>, error: crate::picture::NotPrinted) -> Outcome {
    match error {
        crate::picture::NotPrinted::Write(_) => again(task, error),
        _ => Outcome::fail(error),
    }
}

fn not_published<P>(task: &Task<P>, error: PublishError) -> Outcome {
    match (&error, error.call()) {
        (PublishError::NotConfigured { .. }, _) | (_, Some(CallError::Refused { .. })) => Outcome::fail(error),
        (PublishError::Store(_), _) => Outcome::retry(error),
        _ => again(task, error),
    }
}

fn milliseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
