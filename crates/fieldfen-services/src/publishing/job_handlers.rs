//! Registers the handlers of a publisher with a worker.

use std::time::Duration;

use fieldfen_domain::job::{Backoff, CreateListing, PublishSocial, UpdateListing};
use fieldfen_domain::store::Store;
use fieldfen_domain::with_causes;

use super::error::PublishError;
use super::job_outcome::{outcome_of_error, outcome_of_publishing, outcome_of_update};
use super::publish::{listing_target, post_target};
use super::publisher::Publisher;
use super::reconcile::Reconcile;
use super::withdraw::{TakenDown, record_withdrawal};
use crate::operator::{WithdrawRequest, withdrawal};
use crate::pipeline::FileFailureHook;
use crate::worker::{Completion, Outcome, Task, WorkerBuilder};

/// The retry delays of a withdrawal. They are short, because a person waits for the answer.
const WITHDRAW_BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));

impl<S: Store> Publisher<S> {
    /// Registers with a worker the handlers of this publisher (`CreateListing`, `UpdateListing`, `PublishSocial`,
    /// [`Reconcile`] and [`WithdrawRequest`]), of [its pipeline](crate::pipeline::Pipeline::serve) and of the [requests of
    /// operators](crate::operator), and the [`FileFailureHook`]. The program registers its own handlers that make
    /// pictures and texts.
    pub fn serve(&self, worker: WorkerBuilder<S>) -> WorkerBuilder<S> {
        let [listings, updates, posts, accounts, withdrawals] = [(); 5].map(|()| self.clone());
        let worker = self.pipeline().serve_operators(self.pipeline().serve(self.store(), worker));
        worker
            .failure_hook(FileFailureHook)
            .handle(move |task: Task<CreateListing>| listings.run_create_listing(&task))
            .handle(move |task: Task<UpdateListing>| updates.run_update_listing(&task))
            .handle(move |task: Task<PublishSocial>| posts.run_publish_social(&task))
            .handle(move |task: Task<Reconcile>| accounts.run_reconcile(&task))
            .backoff::<WithdrawRequest>(WITHDRAW_BACKOFF)
            .handle(move |task: Task<WithdrawRequest>| withdrawals.run_withdraw(&task))
    }

    /// Takes a product or post down: [`Publisher::withdraw`] as the outcome of a job, whose result is an
    /// [`OperatorAnswer`](crate::operator::OperatorAnswer). If this publisher has no client for the account, the job is
    /// declined, since another worker may have it.
    #[must_use]
    pub fn run_withdraw(&self, job: &WithdrawRequest) -> Outcome {
        let taken_down = match self.take_row_down(job.row) {
            Ok(TakenDown::NotVisible(until)) => {
                return Outcome::throttled(until, "the row is so new that the platform may not show its product yet");
            }
            Ok(taken_down) => taken_down,
            Err(error @ PublishError::NotConfigured { .. }) => return Outcome::Decline { error: with_causes(&error) },
            Err(error) => return outcome_of_error(error),
        };
        let (environment, job) = (self.environment().clone(), job.clone());
        Outcome::Complete(Completion::new().answering(move |t| {
            record_withdrawal(t.session(), &environment, job.row, &taken_down, &job.action).map(withdrawal::answer)
        }))
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
