//! The jobs of a delivery, found by ids that are derived from its hash.
//!
//! The row of a delivery names no jobs. A program that gives the jobs of a delivery these ids lets operators see them.

use fieldfen_domain::JobId;
use fieldfen_domain::job::Job;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::webhook::PayloadHash;

use super::Deliveries;

/// The largest number of jobs of a delivery that are looked up.
const MOST: u8 = 16;

/// The id for job `number` of a delivery, from 0. A delivery that was [forgotten](Deliveries::forget) and received again
/// has jobs of its own: give them the first numbers whose ids are free.
///
/// ```
/// use fieldfen_domain::webhook::PayloadHash;
/// use fieldfen_services::webhooks::delivery_job_id;
///
/// let hash = PayloadHash::of_body(b"{}");
/// assert_eq!(delivery_job_id(&hash, 0), delivery_job_id(&hash, 0));
/// assert_ne!(delivery_job_id(&hash, 0), delivery_job_id(&hash, 1));
/// ```
#[must_use]
pub fn delivery_job_id(hash: &PayloadHash, number: u8) -> JobId {
    let digits: String = hash.to_string().chars().take(32).collect();
    let bits = u128::from_str_radix(&digits, 16).unwrap_or_default();
    JobId::from_random(bits.wrapping_add(number.into()))
}

impl<S: Store> Deliveries<S> {
    /// The jobs of a delivery that have [derived ids](delivery_job_id), in the order of their numbers, up to the first number
    /// without a job. Jobs that were deleted are not found.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if a row cannot be read as a job.
    pub fn jobs(&self, hash: &PayloadHash) -> Result<Vec<Job>, StoreError> {
        self.store.read(|s| {
            let mut jobs = Vec::new();
            for number in 0..MOST {
                match s.jobs().find(&delivery_job_id(hash, number))? {
                    Some(job) => jobs.push(job),
                    None => break,
                }
            }
            Ok(jobs)
        })
    }

    /// The first [derived id](delivery_job_id) of a delivery that no job has; `None` if all have one.
    pub fn free_job_id(&self, hash: &PayloadHash) -> Result<Option<JobId>, StoreError> {
        let used = self.jobs(hash)?.len();
        Ok(u8::try_from(used).ok().filter(|used| *used < MOST).map(|used| delivery_job_id(hash, used)))
    }
}
