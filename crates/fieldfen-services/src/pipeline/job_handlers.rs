//! The handlers for the jobs of a file that need the pipeline alone.

use fieldfen_domain::file::{Deletion, FileDeleteOutcome};
use fieldfen_domain::job::{CreateFileRecord, DeleteFile};
use fieldfen_domain::store::{Store, StoreError};
use serde_json::json;

use super::Pipeline;
use crate::worker::{Completion, Outcome, Task, WorkerBuilder};
use crate::write_retry::write_once;

impl Pipeline {
    /// Registers the handlers of `CreateFileRecord` and `DeleteFile` with a worker on this store.
    pub fn serve<S: Store>(&self, store: &S, worker: WorkerBuilder<S>) -> WorkerBuilder<S> {
        let (pipeline, store) = (self.clone(), store.clone());
        worker
            .handle(move |task: Task<CreateFileRecord>| pipeline.run_create_file_record(&task))
            .handle(move |task: Task<DeleteFile>| run_delete_file(&store, &task))
    }

    /// Confirms the row of an ingested file. The transaction that completes the job also enqueues the processing.
    #[must_use]
    pub fn run_create_file_record(&self, job: &CreateFileRecord) -> Outcome {
        let (pipeline, file_id) = (self.clone(), job.file_id);
        let confirm = Completion::new().writing(move |t| pipeline.record_confirmed(t, &file_id).map(drop));
        Outcome::Complete(confirm)
    }
}

/// Deletes a file. If the file has live listings and the job does not force the deletion, the file is kept.
#[must_use]
pub fn run_delete_file<S: Store>(store: &S, job: &DeleteFile) -> Outcome {
    let deletion = if job.force { Deletion::Forced } else { Deletion::KeepLiveListings };
    let deleted = write_once(store, |s, before| match s.files().delete(&job.file_id, deletion)? {
        FileDeleteOutcome::NotFound if before == Some(&FileDeleteOutcome::Done) => Ok(None),
        deleted => Ok::<_, StoreError>(Some(deleted)),
    });
    match deleted {
        Ok(FileDeleteOutcome::Done) => Outcome::Complete(Completion::new().result(&json!({ "file": "deleted" }))),
        Ok(FileDeleteOutcome::NotFound) => Outcome::Complete(Completion::new().result(&json!({ "file": "was gone" }))),
        Ok(FileDeleteOutcome::Refused(live)) => Outcome::fail(format!(
            "file {} has live listings ({}): take them down first, or force the deletion",
            job.file_id,
            live.join(", ")
        )),
        Err(error) => Outcome::retry(error),
    }
}
