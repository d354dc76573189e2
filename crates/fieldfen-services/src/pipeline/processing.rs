//! Moves a file from its arrival to the finished picture with its description.

use fieldfen_domain::FileId;
use fieldfen_domain::file::{File, FileEdit, FileEvent, FileMetadata, FileState, FileStatus};
use fieldfen_domain::store::{Session, StoreError};

use super::jobs_of_file::processing_job_has_failed;
use super::transition::move_file;
use super::{Approval, EventOutcome, Pipeline};
use crate::Transaction;

impl Pipeline {
    /// Starts the processing of an ingested file whose row is confirmed. Returns `None` if the file does not exist.
    ///
    /// A file that has moved on already stays as it is.
    pub fn record_confirmed(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
    ) -> Result<Option<EventOutcome>, StoreError> {
        let s = t.session();
        let Some(file) = self.resume_if_failed(s, file_id, FileStatus::Ingested)? else { return Ok(None) };
        let mut followed = EventOutcome::nothing(file.state.status());
        if file.state == FileState::Ingested {
            let reason = "its record is confirmed";
            let file = move_file(s, file, FileEvent::ProcessingStarted, reason, self.environment.now())?;
            followed.status = file.state.status();
            followed.add(self.enqueue_upscale(s, file.id)?);
        }
        Ok(Some(followed))
    }

    /// Records the upscaled picture. `edit` has its name and size, whatever version it has [seen](FileEdit::seen).
    /// Returns `None` if the file does not exist.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub fn upscaled(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        edit: &FileEdit,
    ) -> Result<Option<EventOutcome>, StoreError> {
        let s = t.session();
        let mut edit = edit.clone();
        edit.seen = None;
        let Some(file) = self.resume_if_failed(s, file_id, FileStatus::Processing)? else { return Ok(None) };
        if file.state != FileState::Processing {
            return Ok(self.change(s, file_id, &edit, "upscaled again")?.event_outcome());
        }
        edit.check()?;
        s.files().edit(file_id, &edit, self.environment.now())?;
        let mut followed = EventOutcome::nothing(file.state.status());
        followed.add(self.enqueue_metadata(s, file.id)?);
        Ok(Some(followed))
    }

    /// Records the title and the description of the picture, which ends its processing. Returns `None` if the file does
    /// not exist.
    pub fn described(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        metadata: &FileMetadata,
    ) -> Result<Option<EventOutcome>, StoreError> {
        let s = t.session();
        let json = metadata.to_json().map_err(|error| StoreError::unfit_json("metadata", &error))?;
        let edit = FileEdit::new().metadata(json);
        let Some(file) = self.resume_if_failed(s, file_id, FileStatus::Processing)? else { return Ok(None) };
        if file.state != FileState::Processing {
            return Ok(self.change(s, file_id, &edit, "described again")?.event_outcome());
        }
        let at = self.environment.now();
        s.files().edit(file_id, &edit, at)?;
        let file = move_file(s, file, FileEvent::ProcessingFinished, "upscaled and described", at)?;
        match self.approval {
            Approval::Operator => Ok(Some(EventOutcome::nothing(file.state.status()))),
            Approval::Automatic => Ok(self.approve_for(s, file_id, "approved automatically")?.event_outcome()),
        }
    }

    /// Returns the file. If the file failed in `status` and no failed job accounts for that any more, an operator has
    /// retried the calling job, and the file returns to `status`.
    fn resume_if_failed(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        status: FileStatus,
    ) -> Result<Option<File>, StoreError> {
        let Some(file) = s.files().find(file_id)? else { return Ok(None) };
        if file.state.failure().is_some_and(|failure| failure.from == status) && !processing_job_has_failed(s, file_id)?
        {
            let reason = "the job that it had failed with has succeeded";
            return move_file(s, file, FileEvent::Retried, reason, self.environment.now()).map(Some);
        }
        Ok(Some(file))
    }
}
