//! Takes a file out of the pipeline: rejection, failing and deletion by an operator.

use fieldfen_domain::FileId;
use fieldfen_domain::file::{Deletion, File, FileDeleteOutcome, FileEvent, FileStatus};
use fieldfen_domain::job::JobFilter;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::store::{Session, StoreError};

use super::jobs_of_file::all_jobs;
use super::transition::move_file;
use super::{EventOutcome, FileActionOutcome, Pipeline};
use crate::Transaction;
use crate::action_row::record;

impl Pipeline {
    /// Fails a file that awaits approval, or an approved file without listings. The action is refused for a file in
    /// another status.
    ///
    /// The jobs of the file are cancelled, parked ones too. [`Pipeline::retry`] returns the file to its earlier status.
    pub fn reject(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        action: &Action,
    ) -> Result<FileActionOutcome, StoreError> {
        let s = t.session();
        let outcome = match s.files().find(file_id)? {
            None => FileActionOutcome::NotFound,
            Some(file) => match file.state.status() {
                FileStatus::Processed | FileStatus::Approved => {
                    self.fail_and_cancel_jobs(s, file, ActionKind::Reject, action)?
                }
                status => {
                    let rule = "only a processed or approved file can be rejected";
                    FileActionOutcome::Refused { status, rule }
                }
            },
        };
        self.record(s, action, ActionKind::Reject, file_id, &outcome)?;
        Ok(outcome)
    }

    /// Fails a file in any status. A failed file stays as it is.
    ///
    /// The jobs of the file are cancelled: pending and parked jobs fail at once, running jobs are asked to stop. If a
    /// processing job succeeds after that, or a platform confirms a listing, the file returns to its earlier status.
    pub fn fail(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        action: &Action,
    ) -> Result<FileActionOutcome, StoreError> {
        let s = t.session();
        let outcome = match s.files().find(file_id)? {
            None => FileActionOutcome::NotFound,
            Some(file) if file.state.failure().is_some() => FileActionOutcome::Unchanged { status: FileStatus::Failed },
            Some(file) => self.fail_and_cancel_jobs(s, file, ActionKind::Fail, action)?,
        };
        self.record(s, action, ActionKind::Fail, file_id, &outcome)?;
        Ok(outcome)
    }

    /// Deletes a file with all rows that refer to it. If the file has live listings and the deletion is not forced, the
    /// file is kept.
    pub fn delete(
        &self,
        t: &mut Transaction<'_>,
        file_id: &FileId,
        deletion: Deletion,
        action: &Action,
    ) -> Result<FileDeleteOutcome, StoreError> {
        let s = t.session();
        let deleted = s.files().delete(file_id, deletion)?;
        let outcome = match deleted {
            FileDeleteOutcome::Done => ActionOutcome::Done,
            FileDeleteOutcome::Refused(_) => ActionOutcome::Refused,
            FileDeleteOutcome::NotFound => ActionOutcome::NotFound,
        };
        record(s, action, ActionKind::Delete, Subject::File(*file_id), outcome, &self.environment)?;
        Ok(deleted)
    }

    fn fail_and_cancel_jobs(
        &self,
        s: &mut dyn Session,
        file: File,
        kind: ActionKind,
        action: &Action,
    ) -> Result<FileActionOutcome, StoreError> {
        let said = format!("{kind} by {}: {}", action.by().name(), action.reason());
        let file = move_file(s, file, FileEvent::Failed, said, self.environment.now())?;
        self.cancel_jobs(s, &file, action.reason())?;
        Ok(FileActionOutcome::Done(EventOutcome::nothing(file.state.status())))
    }

    fn cancel_jobs(&self, s: &mut dyn Session, file: &File, reason: &str) -> Result<(), StoreError> {
        let at = self.environment.now();
        let filter = JobFilter::new().file_id(file.id);
        for job in all_jobs(s, &filter)? {
            if job.state.is_open() {
                // No failure hook runs for these jobs, since the file has failed already.
                let _ = s.job_actions().cancel(&job.id, reason, at)?;
            }
        }
        Ok(())
    }
}
