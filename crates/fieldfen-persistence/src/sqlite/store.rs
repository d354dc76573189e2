//! The store that a program opens.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};

use super::connection::nested_session::SessionGuard;
use super::connection::options::SqliteOptions;
use super::connection::reader_pool::Readers;
use super::connection::tool_connection::{OpenMode, connect};
use super::deadline::Deadline;
use super::file::path_check::require_file;
use super::group_commit::Writer;
use super::watch::{CommitNotifier, LookIntervals, SqliteWatch, WakeFile, Watcher};
use crate::sqlite::migrations;
use crate::sqlite::url::SqliteUrl;

/// A store in one SQLite file, or in memory. A clone is the same store; all threads may use it at once.
///
/// All writes of a process go through one connection, and writers that come at the same time share a commit. Reads have
/// connections of their own and wait for nobody. Several processes may open the same file.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    url: SqliteUrl,
    writer: Arc<Writer>,
    /// `None` for a database in memory, which only its one connection can see.
    readers: Option<Readers>,
    commits: Arc<CommitNotifier>,
    /// `None` without file notifications.
    wake_file: Option<Arc<WakeFile>>,
    look_intervals: LookIntervals,
    /// `None` until somebody watches the store, and for a database in memory.
    watcher: Mutex<Option<Watcher>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a store with the default options, see [`SqliteUrl`] for what the address may be.
    ///
    /// The file must be there, at the newest migration: the program `fieldfen-migrate` and [`SqliteStore::create`] bring it
    /// there.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the file is not there or cannot be had, [`StoreError::ReadOnly`] when this user cannot
    /// write it, [`StoreError::Schema`] when it lacks a migration or has one that this program does not know (an empty
    /// file is at none), [`StoreError::SchemaChanged`] when another program has changed what the migrations made,
    /// [`StoreError::Setting`] when a setting does not hold or SQLite is too old.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_with(url, &SqliteOptions::default())
    }

    /// Opens a store with these options.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with(url: &str, options: &SqliteOptions) -> Result<Self, StoreError> {
        let url = parse(url)?;
        if url.path().is_none() {
            return Self::in_memory();
        }
        require_file(&url)?;
        let deadline = Deadline::after(options.busy_timeout);
        let store = Self::start(url, options, &deadline)?;
        store.shared.writer.with_connection(&deadline, migrations::check)?;
        store.shared.writer.check_writable(&deadline)?;
        Ok(store)
    }

    /// Opens a store with the default options, for the first start of a program: makes the file and its folder where they
    /// are not there, and applies the migrations that the database lacks.
    ///
    /// A program in production [opens](SqliteStore::open) its database, and `fieldfen-migrate up` migrates it, after a backup:
    /// a mistyped address is then an error and no empty database, a new version does not migrate what other processes of
    /// the old one still use, and migrations run at a time that somebody has chosen.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], but for a missing file and missing migrations, and as [`migrations::run_pending`]. If the
    /// outcome of the migrations is unknown, call it again: what has been applied is not applied twice.
    pub fn create(url: &str) -> Result<Self, StoreError> {
        Self::create_with(url, &SqliteOptions::default())
    }

    /// Makes and migrates the database where it has to be, and opens it with these options.
    ///
    /// # Errors
    /// As [`SqliteStore::create`].
    pub fn create_with(url: &str, options: &SqliteOptions) -> Result<Self, StoreError> {
        let parsed = parse(url)?;
        if parsed.path().is_some() {
            migrations::run_pending(&mut connect(&parsed, OpenMode::CreateIfMissing)?)?;
        }
        Self::open_with(url, options)
    }

    /// A new store in memory, migrated to the newest schema. It ends with its last clone.
    ///
    /// # Errors
    /// [`StoreError`]s as SQLite has them.
    pub fn in_memory() -> Result<Self, StoreError> {
        // A commit in memory costs nothing, and readers share the connection: they must not see half a batch.
        let options = SqliteOptions { batch: 1, ..SqliteOptions::default() };
        let deadline = Deadline::after(options.busy_timeout);
        let store = Self::start(SqliteUrl::memory(), &options, &deadline)?;
        store
            .shared
            .writer
            .with_connection(&deadline, |conn| migrations::run_pending(conn).map(drop).map_err(StoreError::from))?;
        Ok(store)
    }

    /// The address that was opened.
    #[must_use]
    pub fn url(&self) -> &SqliteUrl {
        &self.shared.url
    }

    fn start(url: SqliteUrl, options: &SqliteOptions, deadline: &Deadline) -> Result<Self, StoreError> {
        let commits = Arc::new(CommitNotifier::default());
        let writer = Arc::new(Writer::open(&url, options.clone(), Arc::clone(&commits), deadline)?);
        let readers = writer.files().map(|files| Readers::new(files.clone(), options.clone()));
        let wake_file = writer.file().filter(|_| options.file_notifications).map(|file| Arc::new(WakeFile::of(file)));
        if let Some(wake_file) = &wake_file {
            commits.announce_by(Arc::clone(wake_file));
        }
        let (look_intervals, watcher) = (LookIntervals::default(), Mutex::default());
        Ok(Self { shared: Arc::new(Shared { url, writer, readers, commits, wake_file, look_intervals, watcher }) })
    }

    /// The same store with other times for its watcher.
    #[cfg(test)]
    pub(super) fn with_look_intervals(mut self, intervals: LookIntervals) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.look_intervals = intervals;
        }
        self
    }

    #[cfg(test)]
    pub(super) fn writer(&self) -> &Arc<Writer> {
        &self.shared.writer
    }

    fn enter(&self) -> Result<SessionGuard, StoreError> {
        SessionGuard::enter(Arc::as_ptr(&self.shared).addr())
    }
}

fn parse(url: &str) -> Result<SqliteUrl, StoreError> {
    url.parse().map_err(|error: crate::InvalidUrl| StoreError::Open {
        url: error.url.clone(),
        reason: error.rule.to_owned(),
        source: None,
    })
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It uses the writer, whose connection is to be closed when the store is gone.
        drop(self.watcher.get_mut().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Store for SqliteStore {
    fn try_read<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn ReadSession) -> Result<T, E>,
    {
        let _guard = self.enter()?;
        match &self.shared.readers {
            Some(readers) => readers.read(f),
            None => self.shared.writer.write(|session| f(session.reads())),
        }
    }

    fn try_write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        let _guard = self.enter()?;
        self.shared.writer.write(|session| f(session))
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        let Shared { writer, commits, wake_file, look_intervals, watcher, .. } = &*self.shared;
        if let Some(file) = writer.file() {
            let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            if watcher.is_none() {
                let wake_file = wake_file.clone().filter(|_| cfg!(target_os = "linux"));
                *watcher = Some(Watcher::start(commits, writer, file, wake_file, *look_intervals)?);
            }
        }
        Ok(Box::new(SqliteWatch::new(Arc::clone(commits))))
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        let _guard = self.enter()?;
        self.shared.writer.maintain()
    }
}
