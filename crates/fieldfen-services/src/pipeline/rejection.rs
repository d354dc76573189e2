//! An operator takes a file out of the pipeline.

use fieldfen_domain::FileId;
use fieldfen_domain::file::{Deleted, Deletion, File, FileEvent, FileStatus, IllegalFileTransition};
use fieldfen_domain::job::JobFilter;
use fieldfen_domain::operator::{Action, ActionKind, ActionOutcome, Subject};
use fieldfen_domain::store::{Session, StoreError};

use super::jobs_of_file::all_jobs;
use super::transition::move_file;
use super::{Followed, Pipeline};
use crate::record::record;

impl Pipeline {
    /// Fails a file that awaits its approval, or that is approved and listed nowhere. `None` when there is no such file.
    ///
    /// Its jobs are cancelled, parked ones too. [`Pipeline::retry`] takes the file up where it was.
    ///
    /// # Errors
    /// [`StoreError::FileTransition`] when the file has another status; other [`StoreError`]s as the store has them.
    pub fn reject(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        action: &Action,
    ) -> Result<Option<Followed>, StoreError> {
        let may_be_rejected = |status| matches!(status, FileStatus::Processed | FileStatus::Approved);
        self.take_out(s, file_id, ActionKind::Reject, action, may_be_rejected)
    }

    /// Fails a file, whatever its status. `None` when there is no such file.
    ///
    /// Its jobs are cancelled: those that wait or are parked fail at once, those that run are asked to stop. A processing job that
    /// succeeds all the same takes the file up again, and so does a platform's confirmation of a listing.
    ///
    /// # Errors
    /// [`StoreError::FileTransition`] when the file has failed already; other [`StoreError`]s as the store has them.
    pub fn fail(&self, s: &mut dyn Session, file_id: &FileId, action: &Action) -> Result<Option<Followed>, StoreError> {
        self.take_out(s, file_id, ActionKind::Fail, action, |status| status != FileStatus::Failed)
    }

    /// Deletes a file with everything that hangs on it, unless listings of it are live and the deletion is not forced.
    ///
    /// # Errors
    /// [`StoreError`]s as the store has them.
    pub fn delete(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        deletion: Deletion,
        action: &Action,
    ) -> Result<Deleted, StoreError> {
        let deleted = s.files().delete(file_id, deletion)?;
        let outcome = match deleted {
            Deleted::Done => ActionOutcome::Done,
            Deleted::Refused(_) => ActionOutcome::Refused,
            Deleted::Gone => ActionOutcome::NotFound,
        };
        record(s, action, ActionKind::Delete, Subject::File(*file_id), outcome, self.environment.now())?;
        Ok(deleted)
    }

    fn take_out(
        &self,
        s: &mut dyn Session,
        file_id: &FileId,
        kind: ActionKind,
        action: &Action,
        is_allowed: impl Fn(FileStatus) -> bool,
    ) -> Result<Option<Followed>, StoreError> {
        let at = self.environment.now();
        let file = s.files().find(file_id)?;
        let (followed, outcome) = match file {
            None => (None, ActionOutcome::NotFound),
            Some(file) if is_allowed(file.state.status()) => {
                let said = format!("{kind} by {}: {}", action.by().name(), action.reason());
                let file = move_file(s, file, FileEvent::Failed, said, at)?;
                self.cancel_jobs(s, &file, action.reason())?;
                (Some(Followed::nothing(file.state.status())), ActionOutcome::Done)
            }
            Some(file) => {
                return Err(IllegalFileTransition { status: file.state.status(), event: FileEvent::Failed }.into());
            }
        };
        record(s, action, kind, Subject::File(*file_id), outcome, at)?;
        Ok(followed)
    }

    fn cancel_jobs(&self, s: &mut dyn Session, file: &File, reason: &str) -> Result<(), StoreError> {
        let at = self.environment.now();
        let filter = JobFilter::new().file_id(file.id);
        for job in all_jobs(s, &filter)? {
            if job.state.is_open() {
                // No hook hears of it: the file has failed already.
                let _ = s.job_admin().cancel(&job.id, reason, at)?;
            }
        }
        Ok(())
    }
}
