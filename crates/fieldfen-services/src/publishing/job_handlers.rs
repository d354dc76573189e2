//! Registers the handlers of a publisher with a worker.

use fieldfen_domain::job::{CreateListing, PublishSocial, UpdateListing};
use fieldfen_domain::store::Store;

use super::job_outcome::{outcome_of_publishing, outcome_of_update};
use super::publish::{listing_target, post_target};
use super::publisher::Publisher;
use super::reconcile::Reconcile;
use crate::pipeline::FileFailureHook;
use crate::worker::{Outcome, Task, WorkerBuilder};

impl<S: Store> Publisher<S> {
    /// Registers with a worker the handlers of this publisher (`CreateListing`, `UpdateListing`, `PublishSocial` and
    /// [`Reconcile`]), of [its pipeline](crate::pipeline::Pipeline::serve) and of the [requests of
    /// operators](crate::operator), and the [`FileFailureHook`]. The program registers its own handlers that make
    /// pictures and texts.
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

    /// Lists a file: [`Publisher::list`] as the outcome of a job. If the file is not approved, the job is parked, and
    /// runs again after the approval.
    #[must_use]
    pub fn run_create_listing(&self, job: &CreateListing) -> Outcome {
        outcome_of_publishing(self.list(job), &listing_target(job))
    }

    /// Posts a file: [`Publisher::post`] as the outcome of a job. As in [`Publisher::run_create_listing`], the job may
    /// be parked.
    #[must_use]
    pub fn run_publish_social(&self, job: &PublishSocial) -> Outcome {
        outcome_of_publishing(self.post(job), &post_target(job))
    }

    /// Updates a listing: [`Publisher::update`] as the outcome of a job.
    #[must_use]
    pub fn run_update_listing(&self, job: &UpdateListing) -> Outcome {
        outcome_of_update(self.update(job))
    }
}
