//! Reads, ingests and changes files.
//!
//! A [`Files`] reads the files of a store and ingests new ones. It needs no rules, so any program may have one.
//!
//! A [`ShopFiles`] also approves, edits and deletes. [`Pipeline::files`] makes it, because the consequences of such an
//! action depend on the rules of the shop. Each action is one transaction with the change of the file, the jobs that
//! follow, and the row of the operator's action. A program without the rules sends a request through an
//! [`Operator`](crate::operator::Operator) to a worker that has them.
//!
//! Both handle unknown outcomes as a [`Queue`](crate::queue) does.
//!
//! ```
//! use fieldfen_domain::PageRequest;
//! use fieldfen_domain::file::{FileEdit, FileFilter, FileStatus, IngestOutcome};
//! use fieldfen_domain::operator::{Action, Actor, Via};
//! use fieldfen_services::{Environment, files::Files, pipeline::EditOutcome, shop::Shop};
//! use fieldfen_testkit::ModelStore;
//!
//! let store = ModelStore::new();
//! let files = Files::new(store.clone(), Environment::system());
//! let arrived = files.new_file("buck.jpg");
//! assert_eq!(files.ingest(&arrived)?, IngestOutcome::Created);
//!
//! let newest = files.list(&FileFilter::default(), &PageRequest::first(20).newest_first())?;
//! let buck = &newest.items[0];
//! assert_eq!(buck.state.status(), FileStatus::Ingested);
//!
//! let shop_files = Shop::new().pipeline(Environment::system())?.files(store);
//! let ann = Actor::new("ann", Via::Console)?;
//! let edit = FileEdit::new().species("whitetail-deer").seen(buck); // Refused if somebody has changed the file.
//! let edited = shop_files.edit(&buck.id, &edit, &Action::new(ann, "the picture shows a deer")?)?;
//! assert!(matches!(edited, EditOutcome::Edited(_)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A program without rules cannot approve:
//!
//! ```compile_fail,E0599
//! # use fieldfen_services::{Environment, files::Files};
//! # use fieldfen_testkit::ModelStore;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let ann = fieldfen_domain::operator::Actor::new("ann", fieldfen_domain::operator::Via::Console)?;
//! # let ann = fieldfen_domain::operator::Action::new(ann, "sharp")?;
//! let files = Files::new(ModelStore::new(), Environment::system());
//! files.approve(&files.new_file("buck.jpg").id, &ann)?;
//! # Ok(())
//! # }
//! ```

use std::ops::Deref;

use fieldfen_domain::file::{
    ContentHash, Deletion, File, FileDeleteOutcome, FileEdit, FileFilter, FileHistoryEntry, FileStatus, IngestOutcome,
    NewFile,
};
use fieldfen_domain::operator::{Action, ActionKind, Subject};
use fieldfen_domain::publication::Target;
use fieldfen_domain::store::{Store, StoreError};
use fieldfen_domain::{FileId, Page, PageRequest};

use crate::action_row::act;
use crate::pipeline::{EditOutcome, FileActionOutcome, Pipeline};
use crate::write_retry::write_once;
use crate::{Environment, Transaction};

/// The files of a store, for programs without rules. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct Files<S> {
    store: S,
    /// Only used for the first job of a new file.
    pipeline: Pipeline,
}

impl<S: Store> Files<S> {
    /// Creates a handle on this store. The jobs of ingested files have the default number of retries.
    #[must_use]
    pub fn new(store: S, environment: Environment) -> Self {
        Self { store, pipeline: Pipeline::new(environment) }
    }

    /// Finds the file with this id.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] if the row cannot be read as a file.
    pub fn find(&self, id: &FileId) -> Result<Option<File>, StoreError> {
        self.store.read(|s| s.files().find(id))
    }

    /// Finds the file of this Google Drive id: the file that arrived with it, or the file whose row has it.
    ///
    /// # Errors
    /// As [`Files::find`].
    pub fn find_by_drive_id(&self, drive_file_id: &str) -> Result<Option<File>, StoreError> {
        self.store.read(|s| s.files().find_by_drive_id(drive_file_id))
    }

    /// Finds the file with these bytes.
    ///
    /// # Errors
    /// As [`Files::find`].
    pub fn find_by_content(&self, hash: &ContentHash) -> Result<Option<File>, StoreError> {
        self.store.read(|s| s.files().find_by_content(hash))
    }

    /// A page of files in the order of insertion; with a filter by arrival, in the order of arrival. The page names the
    /// rows that cannot be read as a file.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a cursor of another list.
    pub fn list(&self, filter: &FileFilter, page: &PageRequest) -> Result<Page<File>, StoreError> {
        self.store.read(|s| s.files().page(filter, page))
    }

    /// The number of files in each status. Statuses without files are left out.
    pub fn count(&self) -> Result<Vec<(FileStatus, u64)>, StoreError> {
        self.store.read(|s| s.files().count())
    }

    /// A page of the file's history: each status that it has had, with the reason and the time of the change. Empty if
    /// the file does not exist.
    ///
    /// # Errors
    /// As [`Files::list`].
    pub fn history(&self, id: &FileId, page: &PageRequest) -> Result<Page<FileHistoryEntry>, StoreError> {
        self.store.read(|s| s.files().history(id, page))
    }

    /// Makes a file with this name and a new id that arrives now, and sets nothing else. The file is not in the store
    /// yet: fill in the known values, then call [`ingest`](Files::ingest).
    #[must_use]
    pub fn new_file(&self, original_filename: impl Into<String>) -> NewFile {
        let environment = self.pipeline.environment();
        NewFile::new(environment.file_id(), original_filename.into(), environment.now())
    }

    /// Ingests a file and enqueues its first job, or returns the file that has its Drive id or its bytes already.
    ///
    /// The id identifies the file: if the outcome is [unknown](StoreError::OutcomeUnknown), ingest the same file again.
    /// [`AlreadyExists`](StoreError::AlreadyExists), or the file itself as [`IngestOutcome::Duplicate`], then shows
    /// that the first attempt took effect.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if the id is taken, or if Drive id and bytes belong to two different files;
    /// [`StoreError::Invalid`] if the Drive id is blank.
    pub fn ingest(&self, file: &NewFile) -> Result<IngestOutcome, StoreError> {
        self.take_in(file, |t| self.pipeline.ingest(t, file))
    }

    /// Ingests a file that cannot be used, so that operators see it and can retry it: the file fails at once, with this
    /// reason. A known file stays as it is.
    ///
    /// # Errors
    /// As [`Files::ingest`].
    pub fn ingest_broken(&self, file: &NewFile, reason: &str) -> Result<IngestOutcome, StoreError> {
        self.take_in(file, |t| self.pipeline.ingest_broken(t, file, reason))
    }

    fn take_in(
        &self,
        file: &NewFile,
        mut ingest: impl FnMut(&mut Transaction<'_>) -> Result<IngestOutcome, StoreError>,
    ) -> Result<IngestOutcome, StoreError> {
        write_once(&self.store, |s, before| match before {
            Some(IngestOutcome::Created) if s.files().find(&file.id)?.is_some() => Ok(None),
            _ => ingest(&mut Transaction::new(s)).map(Some),
        })
    }
}

/// The files of a store, with operators' actions by the rules of one shop. It reads and ingests as [`Files`] does, with
/// the shop's number of retries. A clone is the same handle.
#[derive(Debug, Clone)]
pub struct ShopFiles<S> {
    files: Files<S>,
}

impl Pipeline {
    /// Creates a handle on this store with the rules of this pipeline.
    #[must_use]
    pub fn files<S: Store>(&self, store: S) -> ShopFiles<S> {
        ShopFiles { files: Files { store, pipeline: self.clone() } }
    }
}

impl<S> Deref for ShopFiles<S> {
    type Target = Files<S>;

    fn deref(&self) -> &Files<S> {
        &self.files
    }
}

impl<S: Store> ShopFiles<S> {
    /// The pipeline with the rules of the shop.
    #[must_use]
    pub const fn pipeline(&self) -> &Pipeline {
        &self.files.pipeline
    }

    /// Approves a processed file for sale; see [`Pipeline::approve`].
    pub fn approve(&self, id: &FileId, action: &Action) -> Result<FileActionOutcome, StoreError> {
        self.act(id, action, ActionKind::Approve, |t| self.pipeline().approve(t, id, action))
    }

    /// Fails a file that awaits approval, or an approved file without listings; see [`Pipeline::reject`].
    pub fn reject(&self, id: &FileId, action: &Action) -> Result<FileActionOutcome, StoreError> {
        self.act(id, action, ActionKind::Reject, |t| self.pipeline().reject(t, id, action))
    }

    /// Fails a file in any status and stops its jobs; see [`Pipeline::fail`].
    pub fn fail(&self, id: &FileId, action: &Action) -> Result<FileActionOutcome, StoreError> {
        self.act(id, action, ActionKind::Fail, |t| self.pipeline().fail(t, id, action))
    }

    /// Retries a failed file from the step that failed; see [`Pipeline::retry`].
    pub fn retry(&self, id: &FileId, action: &Action) -> Result<FileActionOutcome, StoreError> {
        self.act(id, action, ActionKind::Retry, |t| self.pipeline().retry(t, id, action))
    }

    /// Edits the details of a file; see [`Pipeline::edit`]. If the edit has a version that the editor has
    /// [seen](FileEdit::seen) and the file has changed since, nothing is written and the answer has the present
    /// details.
    ///
    /// # Errors
    /// As [`FileEdit::check`].
    pub fn edit(&self, id: &FileId, edit: &FileEdit, action: &Action) -> Result<EditOutcome, StoreError> {
        self.act(id, action, ActionKind::Edit, |t| self.pipeline().edit(t, id, edit, action))
    }

    /// Publishes an approved or published file at one target; see [`Pipeline::publish`].
    pub fn publish(&self, id: &FileId, target: &Target, action: &Action) -> Result<FileActionOutcome, StoreError> {
        self.act(id, action, ActionKind::Publish, |t| self.pipeline().publish(t, id, target, action))
    }

    /// Deletes a file with its jobs, history, publications, listings and posts. Unless the deletion is forced, a file
    /// with live listings is kept. The rows of operators' actions remain.
    pub fn delete(&self, id: &FileId, deletion: Deletion, action: &Action) -> Result<FileDeleteOutcome, StoreError> {
        self.act(id, action, ActionKind::Delete, |t| self.pipeline().delete(t, id, deletion, action))
    }

    fn act<T>(
        &self,
        id: &FileId,
        action: &Action,
        kind: ActionKind,
        act_in: impl FnMut(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        act(&self.files.store, (action, kind, Subject::File(*id)), act_in)
    }
}
