//! Moves the file of a confirmed listing.

use fieldfen_domain::file::{FileEvent, FileStatus};
use fieldfen_domain::job::ParkedFor;
use fieldfen_domain::store::{Session, StoreError};
use fieldfen_domain::{FileId, Timestamp};

use super::jobs_of_file::{processing_job_has_failed, retry_parked};
use super::transition::move_file;

/// Moves a file to published in the transaction that confirms its listing, and returns the file's status; `None` if the
/// file does not exist.
///
/// A file that has failed since its approval, because no listing had succeeded, is approved again: its product is at
/// the platform. The jobs that are parked for an approval run again. A file whose approval was withdrawn meanwhile
/// stays processed, and is published when it is approved again.
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
        file = move_file(s, file, FileEvent::Retried, "a listing that had failed is at the platform", at)?;
        // The file has its approval again. No later approval would wake these jobs.
        retry_parked(s, file_id, ParkedFor::Approval, at)?;
    }
    if file.state.status() == FileStatus::Approved {
        file = move_file(s, file, FileEvent::ListingConfirmed, format!("listed as {listing}"), at)?;
    }
    Ok(Some(file.state.status()))
}
