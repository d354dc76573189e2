//! The handlers of a publisher for a worker.

use fieldfen_domain::job::{CreateListing, PublishSocial, UpdateListing};
use fieldfen_domain::store::Store;

use super::job_outcome::{outcome_of_publishing, outcome_of_update};
use super::publish::{listing_target, post_target};
use super::publisher::Publisher;
use super::reconcile::Reconcile;
use crate::pipeline::FileFailureHook;
use crate::worker::{Outcome, Task, WorkerBuilder};

impl<S: Store> Publisher<S> {
    /// Gives a worker the handlers of this publisher: `CreateListing`, `UpdateListing`, `PublishSocial` and [`Reconcile`],
    /// those of [its pipeline](crate::pipeline::Pipeline::serve) and of the [requests of operators](crate::operator), and
    /// the [`FileFailureHook`]. The handlers that make pictures and words are the program's own.
    pub fn serve(&self, worker: WorkerBuilder<S>) -> WorkerBuilder<S> {
        let [listings, updates, posts, accounts] = [(); 4].map(|()| self.clone());
        let worker = self.pipeline().serve_operators(self.pipeline().serve(self.store(), worker));
        worker
            .failure_hook(FileFailureHook)
            .handle(move |task: Task<CreateListing>| listings.run_create_listing(&task))
            .handle(move |task: Task<UpdateListing>| updates.run_update_listing(&task))
            .handle(move |task: Task<PublishSocial>| posts.run_publish_social(&task))
            .handle(move |task: Task<Reconcile>| accounts.run_reconcile(&task))
    }

    /// Lists a file: [`Publisher::list`] as the outcome of a job. One that meets a file without an approval is parked,
    /// and runs again when the file is approved.
    #[must_use]
    pub fn run_create_listing(&self, job: &CreateListing) -> Outcome {
        outcome_of_publishing(self.list(job), &listing_target(job))
    }

    /// Posts a file: [`Publisher::post`] as the outcome of a job, as [`Publisher::run_create_listing`] does.
    #[must_use]
    pub fn run_publish_social(&self, job: &PublishSocial) -> Outcome {
        outcome_of_publishing(self.post(job), &post_target(job))
    }

    /// Brings a listing up to date: [`Publisher::update`] as the outcome of a job.
    #[must_use]
    pub fn run_update_listing(&self, job: &UpdateListing) -> Outcome {
        outcome_of_update(self.update(job))
    }
}
