//! Ingests files that arrive.

use fieldfen_domain::file::{FileEvent, IngestOutcome, NewFile};
use fieldfen_domain::store::StoreError;

use super::Pipeline;
use super::transition::move_file;
use crate::Transaction;

impl Pipeline {
    /// Ingests a file and enqueues its first job, or returns the file that has its Drive id or its bytes already.
    ///
    /// If other bytes arrive under a known Drive id, the answer is [`IngestOutcome::ContentDiffers`]: the known file
    /// stays as it is, and a warning names both hashes.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if the id is taken, or if Drive id and bytes belong to two different files.
    pub fn ingest(&self, t: &mut Transaction<'_>, file: &NewFile) -> Result<IngestOutcome, StoreError> {
        let s = t.session();
        let ingested = s.files().insert(file)?;
        warn_of_other_bytes(file, &ingested);
        if ingested == IngestOutcome::Created {
            self.enqueue_record(s, file.id)?;
        }
        Ok(ingested)
    }

    /// Ingests a file that cannot be used, so that operators see it and can retry it: the file fails at once.
    ///
    /// A known file stays as it is, and the answer names it.
    ///
    /// # Errors
    /// As [`Pipeline::ingest`].
    pub fn ingest_broken(
        &self,
        t: &mut Transaction<'_>,
        file: &NewFile,
        reason: impl Into<String>,
    ) -> Result<IngestOutcome, StoreError> {
        let s = t.session();
        let ingested = s.files().insert(file)?;
        warn_of_other_bytes(file, &ingested);
        if ingested == IngestOutcome::Created
            && let Some(row) = s.files().find(&file.id)?
        {
            move_file(s, row, FileEvent::Failed, reason, file.at)?;
        }
        Ok(ingested)
    }
}

fn warn_of_other_bytes(new: &NewFile, ingested: &IngestOutcome) {
    if let IngestOutcome::ContentDiffers { file, known, arrived } = ingested {
        let (id, drive_id) = (&file.id, new.drive_file_id.as_deref().unwrap_or_default());
        log!(WARN, %id, drive_id, %known, %arrived, "other bytes under a known Drive id");
    }
}
