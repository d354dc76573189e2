//! The jobs of a delivery, found by ids that are derived from its hash.
//!
//! The row of a delivery names no jobs. `Transaction::enqueue_for_delivery` gives the jobs of a delivery these ids.

use fieldfen_domain::JobId;
use fieldfen_domain::job::Job;
use fieldfen_domain::store::{ReadSession, Store, StoreError};
use fieldfen_domain::webhook::PayloadHash;

use super::Deliveries;

/// The largest number of jobs of a delivery that have derived ids.
const MOST: u8 = 16;

/// The derived ids of a delivery, in the order in which its jobs get them.
fn job_ids(hash: &PayloadHash) -> impl Iterator<Item = JobId> {
    let digits: String = hash.to_string().chars().take(32).collect();
    let bits = u128::from_str_radix(&digits, 16).unwrap_or_default();
    (0..MOST).map(move |number| JobId::from_random(bits.wrapping_add(number.into())))
}

/// The first derived id of a delivery that no job has; `None` if all have one. A delivery that was
/// [forgotten](Deliveries::forget) and received again has jobs of its own.
pub(crate) fn free_job_id(s: &mut dyn ReadSession, hash: &PayloadHash) -> Result<Option<JobId>, StoreError> {
    for id in job_ids(hash) {
        match s.jobs().find(&id) {
            Ok(None) => return Ok(Some(id)),
            // A row that cannot be read has the id too.
            Ok(Some(_)) | Err(StoreError::BadRow { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

impl<S: Store> Deliveries<S> {
    /// The jobs of a delivery that were [enqueued for it](crate::Transaction::enqueue_for_delivery), in their order. Jobs
    /// that were deleted are not found.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if a row cannot be read as a job.
    pub fn jobs(&self, hash: &PayloadHash) -> Result<Vec<Job>, StoreError> {
        self.store.read(|s| job_ids(hash).filter_map(|id| s.jobs().find(&id).transpose()).collect())
    }
}
