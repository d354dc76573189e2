//! Handlers for the jobs that need nothing but a publisher: what each outcome means for its job.

use fieldfen_domain::file::{Deletion, FileDeleteOutcome};
use fieldfen_domain::job::{CreateFileRecord, CreateListing, DeleteFile, ParkedFor, PublishSocial, UpdateListing};
use fieldfen_domain::publication::Target;
use fieldfen_domain::store::{Store, StoreError};
use serde_json::json;

use super::error::PublishError;
use super::news::Updating;
use super::outcome::Publishing;
use super::platforms::CallError;
use super::publisher::Publisher;
use super::reconciling::Reconcile;
use crate::pipeline::FileFailureHook;
use crate::settled::write_once;
use crate::worker::{Completion, Outcome, Task, WorkerBuilder};

impl<S: Store> Publisher<S> {
    /// Gives a worker the handlers of this publisher: `CreateFileRecord`, `CreateListing`, `UpdateListing`,
    /// `PublishSocial`, `DeleteFile`, [`Reconcile`] and the [requests of operators](crate::operator), and the
    /// [`FileFailureHook`]. The handlers that make pictures and words are the program's own.
    pub fn serve(&self, worker: WorkerBuilder<S>) -> WorkerBuilder<S> {
        let [records, listings, updates, posts, deletions, accounts] = [(); 6].map(|()| self.clone());
        let worker = self.pipeline().serve_operators(worker);
        worker
            .failure_hook(FileFailureHook)
            .handle(move |task: Task<CreateFileRecord>| records.run_create_file_record(&task))
            .handle(move |task: Task<CreateListing>| listings.run_create_listing(&task))
            .handle(move |task: Task<UpdateListing>| updates.run_update_listing(&task))
            .handle(move |task: Task<PublishSocial>| posts.run_publish_social(&task))
            .handle(move |task: Task<DeleteFile>| deletions.run_delete_file(&task))
            .handle(move |task: Task<Reconcile>| accounts.run_reconcile(&task))
    }

    /// Confirms the row of an ingested file, and lets its processing begin in the transaction that completes the job.
    #[must_use]
    pub fn run_create_file_record(&self, job: &CreateFileRecord) -> Outcome {
        let (pipeline, file_id) = (self.pipeline().clone(), job.file_id);
        let confirm = Completion::new().writing(move |t| pipeline.record_confirmed(t, &file_id).map(drop));
        Outcome::Complete(confirm)
    }

    /// Lists a file: [`Publisher::list`] as the outcome of a job. One that meets a file without an approval is parked,
    /// and runs again when the file is approved.
    #[must_use]
    pub fn run_create_listing(&self, job: &CreateListing) -> Outcome {
        let (account, variant) = (job.account.clone(), job.variant.clone());
        let target = Target::Listing { platform: job.platform, account, variant };
        outcome(self.list(job), &target)
    }

    /// Posts a file: [`Publisher::post`] as the outcome of a job, as [`Publisher::run_create_listing`] does.
    #[must_use]
    pub fn run_publish_social(&self, job: &PublishSocial) -> Outcome {
        let target = Target::Post {
            platform: job.platform,
            account: job.account.clone(),
            post_key: job.post_key.clone(),
            post_type: job.post_type,
        };
        outcome(self.post(job), &target)
    }

    /// Brings a listing up to date: [`Publisher::update`] as the outcome of a job.
    #[must_use]
    pub fn run_update_listing(&self, job: &UpdateListing) -> Outcome {
        let result = match self.update(job) {
            Ok(Updating::Updated) => "updated",
            Ok(Updating::Delisted) => "delisted",
            Ok(Updating::NotApproved { .. }) => "not approved",
            Ok(Updating::Gone) => "gone",
            Ok(Updating::WaitsForPerson { publication, key }) => {
                let reason = format!(
                    "waits for a person: the product has the key {:?}, which nobody here has given it: is it that of \
                     publication {publication}, or was it made by hand?",
                    key.as_str()
                );
                return Outcome::park(ParkedFor::Person, reason);
            }
            Ok(Updating::NotVisible { until }) => {
                return Outcome::throttled(until, "the listing is so new that the platform may not show it yet");
            }
            Err(error) => return failed(error),
        };
        Outcome::Complete(Completion::new().result(&json!({ "listing": result })))
    }

    /// Deletes a file, unless listings of it are live and the job does not say that it be forced.
    #[must_use]
    pub fn run_delete_file(&self, job: &DeleteFile) -> Outcome {
        let deletion = if job.force { Deletion::Forced } else { Deletion::KeepLiveListings };
        let deleted = write_once(self.store(), |s, before| match s.files().delete(&job.file_id, deletion)? {
            FileDeleteOutcome::NotFound if before == Some(&FileDeleteOutcome::Done) => Ok(None),
            deleted => Ok::<_, StoreError>(Some(deleted)),
        });
        match deleted {
            Ok(FileDeleteOutcome::Done) => Outcome::Complete(Completion::new().result(&json!({ "file": "deleted" }))),
            Ok(FileDeleteOutcome::NotFound) => {
                Outcome::Complete(Completion::new().result(&json!({ "file": "was gone" })))
            }
            Ok(FileDeleteOutcome::Refused(live)) => Outcome::fail(format!(
                "file {} has live listings ({}): take them down first, or force the deletion",
                job.file_id,
                live.join(", ")
            )),
            Err(error) => Outcome::retry(error),
        }
    }
}

fn outcome(published: Result<Publishing, PublishError>, target: &Target) -> Outcome {
    let completion = Completion::new();
    Outcome::Complete(match published {
        Ok(Publishing::Published { platform_id, url }) => {
            completion.result(&json!({ "platform_id": platform_id, "url": url }))
        }
        Ok(Publishing::AlreadyPublished { platform_id }) => {
            completion.result(&json!({ "platform_id": platform_id, "already_published": true }))
        }
        Ok(Publishing::Delisted { platform_id }) => {
            return Outcome::fail(format!(
                "{target}: {platform_id:?} was delisted as soon as it was made; a retry lists another one"
            ));
        }
        Ok(Publishing::WaitsForPerson { reason }) => {
            return Outcome::park(ParkedFor::Person, format!("waits for a person: {target}: {reason}"));
        }
        Ok(Publishing::NotApproved { status }) => {
            return Outcome::park(ParkedFor::Approval, format!("waits for an approval: the file is {status}"));
        }
        Ok(Publishing::NoFile) => completion.result(&json!({ "skipped": "there is no such file" })),
        Ok(Publishing::Held { until }) => {
            let error =
                format!("{target} is reserved, its last call may still take effect, or a lookup may not show it yet");
            return Outcome::throttled(until, error);
        }
        Ok(Publishing::Throttled { until, reason }) => return Outcome::throttled(until, reason),
        Ok(Publishing::Refused { reason }) => return Outcome::fail(format!("{target}: {reason}")),
        Ok(Publishing::NotSent { reason }) => return Outcome::retry(format!("{target} was not reached: {reason}")),
        Ok(Publishing::Unknown { reason }) => {
            return Outcome::retry(format!("{target} may be published, the next try looks it up: {reason}"));
        }
        Err(error) => return failed(error),
    })
}

/// What an error of publishing means for its job.
pub(super) fn failed(error: PublishError) -> Outcome {
    match error.call() {
        Some(CallError::Throttled { until, reason }) => Outcome::throttled(*until, reason.clone()),
        Some(CallError::Refused { .. }) => Outcome::fail(error),
        _ if matches!(
            error,
            PublishError::NotConfigured { .. }
                | PublishError::Endless { .. }
                | PublishError::WhichAccount { .. }
                | PublishError::NoId { .. }
        ) =>
        {
            Outcome::fail(error)
        }
        _ => Outcome::retry(error),
    }
}
