//! The worker: one handler for each kind of job of the pipeline.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use fieldfen_domain::FileId;
use fieldfen_domain::file::{File, FileEdit};
use fieldfen_domain::job::{
    Backoff, CreateFileRecord, CreateListing, GenerateMetadata, RetryPolicy, UpdateListing, UpscaleImage,
};
use fieldfen_persistence::SqliteStore;
use fieldfen_rate_limits::Charge;
use fieldfen_services::api_usage::NewCall;
use fieldfen_services::pipeline::FileFailureHook;
use fieldfen_services::queue::RetryPolicies;
use fieldfen_services::worker::{Completion, IntoOutcome, Outcome, Task, Worker, WorkerBuilder};
use serde_json::json;

use super::output_folders::print_name;
use super::resources::Resources;
use crate::describe::describe;
use crate::picture::{NotPrinted, Picture, write_preview, write_print};

/// The length of a claim without a heartbeat, and of a reservation. After a crash, a restart waits this long at most.
pub(super) const LEASE: Duration = Duration::from_secs(2);

/// The time that running handlers have after a request to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The number of attempts after which a failing handler gives up.
const TRIES: u32 = 10;

const RETRIES: RetryPolicy = RetryPolicy::new(Backoff::new(Duration::from_millis(200), Duration::from_secs(2)), TRIES);

/// The worker with a handler for each kind, not yet started. The publisher's own handlers run the jobs that need
/// neither the picture nor its description.
pub(super) fn worker(resources: &Resources) -> WorkerBuilder<SqliteStore> {
    let [upscaling, describing] = [resources.clone(), resources.clone()];
    let [listings, updates] = [(); 2].map(|()| resources.publisher.clone());
    let pipeline = resources.publisher.pipeline().clone();
    Worker::builder(resources.store.clone(), resources.environment.clone())
        .lease(LEASE)
        .grace(GRACE)
        // No other version of this program runs beside it, so no other worker could read the job.
        .decline_for(Duration::ZERO)
        .retry_policies(RetryPolicies::new(RETRIES))
        .failure_hook(FileFailureHook)
        .handle(move |task: Task<CreateFileRecord>| pipeline.run_create_file_record(&task))
        .handle(move |task| capped(&task, upscale(&upscaling, &task)))
        .handle(move |task| capped(&task, generate_metadata(&describing, &task)))
        .handle(move |task: Task<CreateListing>| capped(&task, listings.run_create_listing(&task)))
        .handle(move |task: Task<UpdateListing>| capped(&task, updates.run_update_listing(&task)))
}

/// The same outcome, but a failure after enough attempts is permanent.
fn capped<P>(task: &Task<P>, outcome: impl IntoOutcome) -> Outcome {
    match outcome.into_outcome() {
        Outcome::Retry { error } if task.attempt() >= TRIES => Outcome::Fail { error },
        other => other,
    }
}

fn upscale(resources: &Resources, task: &Task<UpscaleImage>) -> Result<Completion, Outcome> {
    let started = Instant::now();
    let file = find(resources, &task.file_id)?;
    let hash = file.content_hash.ok_or_else(|| Outcome::fail("the file has no content hash to find its picture by"))?;
    let original = resources.output.original(&hash);
    let bytes = match fs::read(&original) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Outcome::fail(format!("its original is gone: {}", original.display())));
        }
        read => read?,
    };
    let picture = Picture::decode(&bytes).map_err(Outcome::fail)?;
    drop(bytes);
    let name = print_name(&file.original_filename, task.scale_factor, &hash, picture.format);
    let dpi = u16::try_from(task.target_dpi).map_err(Outcome::fail)?;
    let wanted = || !task.is_cancelled();
    let print = resources.output.print(&name);
    // Stands for the service that upscales pictures: it is called, recorded and paid by the second like one.
    let upscaled = resources.calls.call(&NewCall::new("upscaler", "upscale"), |call| {
        let began = Instant::now();
        let size = write_print(&picture, task.scale_factor, dpi, &print, wanted)?;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let id = format!("{} attempt {}", task.id(), task.attempt());
        call.charge(Charge::new(id, true).amount("predict_time", micros));
        Ok::<_, NotPrinted>(size)
    });
    let size = upscaled.map_err(not_printed)?;
    write_preview(&picture, &resources.output.preview(&name)).map_err(not_printed)?;

    let result = json!({ "print": name, "size": size, "dpi": dpi, "milliseconds": milliseconds(started) });
    let edit = FileEdit::new().processed_filename(name).size(size);
    let (pipeline, id) = (resources.files.pipeline().clone(), task.file_id);
    Ok(Completion::new().result(&result).writing(move |t| pipeline.upscaled(t, &id, &edit).map(drop)))
}

fn generate_metadata(resources: &Resources, task: &Task<GenerateMetadata>) -> Result<Completion, Outcome> {
    let started = Instant::now();
    let file = find(resources, &task.file_id)?;
    let size = file.size.ok_or_else(|| Outcome::fail("the size of the file is not known"))?;
    let metadata = describe(&file.original_filename, size).map_err(Outcome::fail)?;
    let result = json!({ "title": metadata.title, "milliseconds": milliseconds(started) });
    let (pipeline, id) = (resources.files.pipeline().clone(), task.file_id);
    Ok(Completion::new().result(&result).writing(move |t| pipeline.described(t, &id, &metadata).map(drop)))
}

fn find(resources: &Resources, id: &FileId) -> Result<File, Outcome> {
    let file = resources.files.find(id)?;
    file.ok_or_else(|| Outcome::fail("the file is gone"))
}

/// The disk may have space again later. Every other error would come again.
fn not_printed(error: NotPrinted) -> Outcome {
    match error {
        NotPrinted::Write(_) => Outcome::retry(error),
        _ => Outcome::fail(error),
    }
}

fn milliseconds(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
