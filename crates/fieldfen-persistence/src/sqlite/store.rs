//! The store that a program opens.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fieldfen_domain::store::{MaintenanceReport, ReadSession, Session, Store, StoreError, Watch};
use fieldfen_domain::with_causes;

use super::connection::nested_session::SessionGuard;
use super::connection::open::PutIntoWal;
use super::connection::options::SqliteOptions;
use super::connection::reader_pool::{Readers, in_transaction};
use super::connection::tool_connection::{OpenMode, connect};
use super::deadline::Deadline;
use super::file::path_check::require_file;
use super::file::permissions::not_writable;
use super::file::read_only::read_database;
use super::group_commit::Writer;
use super::watch::{CommitNotifier, PollIntervals, SqliteWatch, WakeFile, Watcher};
use crate::sqlite::migrations;
use crate::sqlite::url::SqliteUrl;

/// A store in one SQLite file, or in memory. A clone is the same store. All threads may use it at once.
///
/// All writes of a process go through one connection, and concurrent writers share a commit. Reads have their own
/// connections and do not wait for writers. Several processes may open the same file.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    url: SqliteUrl,
    /// `None` if the store only reads. Each read then opens the database as [`read_database`] does.
    connections: Option<Connections>,
}

/// The connections of a store that writes, and what watches for the commits of other processes.
struct Connections {
    writer: Arc<Writer>,
    /// `None` for a database in memory, which only its own connection can see.
    readers: Option<Readers>,
    commits: Arc<CommitNotifier>,
    /// `None` without file notifications.
    wake_file: Option<Arc<WakeFile>>,
    poll_intervals: PollIntervals,
    /// `None` before the first watch, and for a database in memory.
    watcher: Mutex<Option<Watcher>>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("url", &self.shared.url).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a store with the default options. [`SqliteUrl`] lists the forms of the address.
    ///
    /// The file must exist and have the newest migration. The program `fieldfen-migrate` and [`SqliteStore::create`]
    /// create and migrate it.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the file is missing or cannot be opened, [`StoreError::ReadOnly`] if this user cannot
    /// write it, [`StoreError::Schema`] if it lacks a migration or has one that this program does not know (an empty
    /// file has none), [`StoreError::SchemaChanged`] if another program has changed objects of the migrations,
    /// [`StoreError::Setting`] if SQLite is too old or does not take a setting.
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
        let store = Self::start(url.clone(), options, &deadline).map_err(|error| read_only(error, &url))?;
        let writer = &store.connections()?.writer;
        writer.with_connection(&deadline, migrations::check)?;
        writer.check_writable(&deadline)?;
        Ok(store)
    }

    /// Opens a store with the default options, for the first start of a program. Creates the file and its folder if
    /// they are missing, and applies the missing migrations.
    ///
    /// In production, call [`SqliteStore::open`], and migrate with `fieldfen-migrate up`, which makes a backup. A
    /// mistyped address is then an error and no empty database, a new version of the program does not migrate a database
    /// that processes of the old version still use, and a person chooses the time of the migrations.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], except for a missing file and missing migrations, and as [`migrations::run_pending`].
    /// If the outcome of the migrations is unknown, call this again: no migration is applied twice.
    pub fn create(url: &str) -> Result<Self, StoreError> {
        Self::create_with(url, &SqliteOptions::default())
    }

    /// As [`SqliteStore::create`], with these options.
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

    /// Makes a new store in memory, migrated to the newest schema. The database is lost with the last clone of the
    /// store.
    ///
    /// # Errors
    /// Any [`StoreError`] of SQLite.
    pub fn in_memory() -> Result<Self, StoreError> {
        // A commit in memory costs nothing. Readers share the connection and must not see an unfinished batch.
        let options = SqliteOptions { batch: 1, ..SqliteOptions::default() };
        let deadline = Deadline::after(options.busy_timeout);
        let store = Self::start(SqliteUrl::memory(), &options, &deadline)?;
        store
            .connections()?
            .writer
            .with_connection(&deadline, |conn| migrations::run_pending(conn).map(drop).map_err(StoreError::from))?;
        Ok(store)
    }

    /// The address of the database.
    #[must_use]
    pub fn url(&self) -> &SqliteUrl {
        &self.shared.url
    }

    /// Opens a store that only reads, for a database that this user cannot write. Nothing is created or changed beside
    /// the database. Each read opens the database anew.
    ///
    /// [`Store::try_write`], [`Store::watch`] and [`Store::maintain`] fail with [`StoreError::ReadOnly`]. If the store
    /// reads a database that no program has open, and a program begins to write meanwhile, the closure of the read runs
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the file is missing or cannot be read, if only its owner can recover its log, if its
    /// journal must be rolled back first, or if the database is in memory; [`StoreError::Schema`] and
    /// [`StoreError::SchemaChanged`] as [`SqliteStore::open`].
    ///
    /// ```
    /// use fieldfen_domain::store::{Store, StoreError};
    /// use fieldfen_persistence::SqliteStore;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("shop.db").display().to_string();
    /// drop(SqliteStore::create(&path)?);
    /// let store = SqliteStore::open_read_only(&path)?;
    /// assert!(store.read(|s| s.jobs().count())?.is_empty());
    /// assert!(matches!(store.write(|_| Ok(())), Err(StoreError::ReadOnly(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_read_only(url: &str) -> Result<Self, StoreError> {
        let url = parse(url)?;
        if url.path().is_none() {
            let reason = "a new database in memory holds nothing to read".to_owned();
            return Err(StoreError::Open { url: url.to_string(), reason, source: None });
        }
        read_database(&url, migrations::check)?;
        Ok(Self { shared: Arc::new(Shared { url, connections: None }) })
    }

    fn start(url: SqliteUrl, options: &SqliteOptions, deadline: &Deadline) -> Result<Self, StoreError> {
        let commits = Arc::new(CommitNotifier::default());
        let writer =
            Arc::new(Writer::open(&url, options.clone(), Arc::clone(&commits), deadline, PutIntoWal::WithSchema)?);
        let readers = writer.files().map(|files| Readers::new(files.clone(), options.clone()));
        let wake_file = writer.file().filter(|_| options.file_notifications).map(|file| Arc::new(WakeFile::of(file)));
        if let Some(wake_file) = &wake_file {
            commits.announce_by(Arc::clone(wake_file));
        }
        let (poll_intervals, watcher) = (PollIntervals::default(), Mutex::default());
        let connections = Connections { writer, readers, commits, wake_file, poll_intervals, watcher };
        Ok(Self { shared: Arc::new(Shared { url, connections: Some(connections) }) })
    }

    /// The same store with other times for its watcher.
    #[cfg(test)]
    pub(super) fn with_poll_intervals(mut self, intervals: PollIntervals) -> Self {
        if let Some(connections) = Arc::get_mut(&mut self.shared).and_then(|shared| shared.connections.as_mut()) {
            connections.poll_intervals = intervals;
        }
        self
    }

    #[cfg(test)]
    pub(super) fn writer(&self) -> &Arc<Writer> {
        &self.connections().unwrap().writer
    }

    /// The connections of a store that writes.
    fn connections(&self) -> Result<&Connections, StoreError> {
        self.shared.connections.as_ref().ok_or_else(|| {
            let text = format!("{} was opened for reading only", self.shared.url);
            StoreError::ReadOnly(text.into())
        })
    }

    fn enter(&self) -> Result<SessionGuard, StoreError> {
        SessionGuard::enter(Arc::as_ptr(&self.shared).addr())
    }
}

/// If SQLite may not create or write a file beside the database, it reports an I/O error or that it cannot open a file.
fn read_only(error: StoreError, url: &SqliteUrl) -> StoreError {
    match (&error, url.path().and_then(not_writable)) {
        (StoreError::Io(cause), Some(path)) => {
            let text = format!("this user cannot write {}: {}", path.display(), with_causes(&**cause));
            StoreError::ReadOnly(text.into())
        }
        _ => error,
    }
}

fn parse(url: &str) -> Result<SqliteUrl, StoreError> {
    url.parse().map_err(|error: crate::InvalidUrl| StoreError::Open {
        url: error.url.clone(),
        reason: error.rule.to_owned(),
        source: None,
    })
}

impl Drop for Connections {
    fn drop(&mut self) {
        // The watcher uses the writer, whose connection must be closed after the last handle of the store is gone.
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
        match &self.shared.connections {
            Some(Connections { readers: Some(readers), .. }) => readers.read(f),
            Some(Connections { writer, .. }) => writer.write(|session| f(session.reads())),
            None => read_database(&self.shared.url, |conn| in_transaction(conn, &mut f)),
        }
    }

    fn try_write<T, E, F>(&self, mut f: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnMut(&mut dyn Session) -> Result<T, E>,
    {
        let _guard = self.enter()?;
        self.connections()?.writer.write(|session| f(session))
    }

    fn watch(&self) -> Result<Box<dyn Watch>, StoreError> {
        let Connections { writer, commits, wake_file, poll_intervals, watcher, .. } = self.connections()?;
        if let Some(file) = writer.file() {
            let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            if watcher.is_none() {
                let wake_file = wake_file.clone().filter(|_| cfg!(target_os = "linux"));
                *watcher = Some(Watcher::start(commits, writer, file, wake_file, *poll_intervals)?);
            }
        }
        Ok(Box::new(SqliteWatch::new(Arc::clone(commits))))
    }

    fn maintain(&self) -> Result<MaintenanceReport, StoreError> {
        let _guard = self.enter()?;
        self.connections()?.writer.maintain()
    }
}
