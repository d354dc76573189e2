//! An operator takes a file out of the pipeline.

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
    /// Fails a file that awaits its approval, or that is approved and listed nowhere. The action is refused for a file
    /// with another status.
    ///
    /// Its jobs are cancelled, parked ones too. [`Pipeline::retry`] takes the file up where it was.
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

    /// Fails a file. A file that has failed already stays as it is.
    ///
    /// Its jobs are cancelled: those that wait or are parked fail at once, those that run are asked to stop. A processing job that
    /// succeeds all the same takes the file up again, and so does a platform's confirmation of a listing.
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

    /// Deletes a file with everything that hangs on it, unless listings of it are live and the deletion is not forced.
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
                // No hook hears of it: the file has failed already.
                let _ = s.job_actions().cancel(&job.id, reason, at)?;
            }
        }
        Ok(())
    }
}
