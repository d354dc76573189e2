//! The backup before a run, which waits for other backups into the same folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fieldfen_backup::{BackupError, back_up_before_migration};
use fieldfen_persistence::SqliteUrl;
use fieldfen_services::Environment;

use crate::folder_lock::PAUSE;

/// Makes a verified backup and returns its path. While another process backs up into this folder, the function waits,
/// and calls `on_wait` once.
///
/// # Errors
/// [`BackupError::AlreadyRunning`] if the wait was too short, and others.
pub(crate) fn back_up_when_free(
    url: &SqliteUrl,
    folder: &Path,
    wait: Duration,
    on_wait: impl FnOnce(),
) -> Result<PathBuf, BackupError> {
    let began = Instant::now();
    let mut on_wait = Some(on_wait);
    loop {
        match back_up_before_migration(url, folder, Environment::system().now()) {
            Err(BackupError::AlreadyRunning { .. }) if began.elapsed() < wait => {
                if let Some(on_wait) = on_wait.take() {
                    on_wait();
                }
                std::thread::sleep(PAUSE);
            }
            made => return made.map(|report| report.backup),
        }
    }
}
