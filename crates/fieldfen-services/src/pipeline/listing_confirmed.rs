//! A platform has confirmed a listing.

use fieldfen_domain::file::{FileEvent, FileStatus};
use fieldfen_domain::job::ParkedFor;
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::jobs_of_file::{processing_job_has_failed, retry_parked};
use super::transition::move_file;

/// Moves a file to published, in the transaction in which a listing of it is confirmed, and says the status it has then;
/// `None` when there is no such file.
///
/// A file that has failed since it was approved, because no listing had succeeded, is approved again: its product is at the
/// platform. Its jobs that are parked for an approval run again. A file whose approval was withdrawn in the meantime stays
/// processed, and is published when it is approved again.
pub(crate) fn listing_confirmed(
    s: &mut dyn Session,
    file_id: &FileId,
    listing: &str,
    at: Timestamp,
) -> Result<Option<FileStatus>, StoreError> {
    let Some(mut file) = s.files().find(file_id)? else { return Ok(None) };
    if file.state.failure().is_some_and(|failure| failure.from == FileStatus::Approved)
        && !processing_job_has_failed(s, file_id)?
    {
        file = move_file(s, file, FileEvent::Retried, "a listing that was given up is there after all", at)?;
        // The file has its approval back. It gets no other one for which these jobs could wait.
        retry_parked(s, file_id, ParkedFor::Approval, at)?;
    }
    if file.state.status() == FileStatus::Approved {
        file = move_file(s, file, FileEvent::ListingConfirmed, format!("listed as {listing}"), at)?;
    }
    Ok(Some(file.state.status()))
}
