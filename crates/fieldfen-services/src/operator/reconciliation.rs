//! The request to reconcile an account, which only a worker with the platform's client can carry out.

use fieldfen_domain::job::{DedupKey, Payload as _};
use fieldfen_domain::store::Store;

use super::{Operator, QueuedRequest};
use crate::publishing::Reconcile;
use crate::queue::QueueError;

impl<S: Store> Operator<S> {
    /// Enqueues the job that compares an account with its rows and repairs the differences. While such a job of the account
    /// that this method has enqueued has not ended, the answer has that job. Wait with
    /// [`Queue::wait_for`](crate::queue::Queue::wait_for): the result of the job is a JSON document of its own.
    ///
    /// # Errors
    /// Any [`QueueError`] of [`Queue::enqueue`](crate::queue::Queue::enqueue).
    pub fn reconcile(&self, account: &Reconcile) -> Result<QueuedRequest, QueueError> {
        let job = self.queue.job(account)?;
        let key = DedupKey::new(format!("{}:{}/{}", Reconcile::KIND, account.platform, account.account))?;
        let job = job.dedup_key(Some(key));
        let workers_alive = self.workers.alive(&job.kind)?.len();
        let enqueued = *self.queue.enqueue(&job)?.id();
        let was_asked_before = enqueued != job.id;
        Ok(QueuedRequest { job: enqueued, kind: job.kind, workers_alive, was_asked_before })
    }
}
