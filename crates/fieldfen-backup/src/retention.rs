//! Removes old backups.

use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};
use fieldfen_persistence::SqliteUrl;

use crate::backup::live_database;
use crate::error::BackupError;
use crate::file_mode::PRIVATE;
use crate::folder::{Folder, refuse_logs};

/// The default number of days for which backups are kept, by the specification.
pub const DEFAULT_KEEP_DAYS: u32 = 30;

/// The old backups that were removed or kept.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RetentionReport {
    /// The paths of the removed backups.
    pub removed: Vec<PathBuf>,
    /// The paths with the name of an old backup that were kept, and the reason: the path is not a regular file
    /// ([`BackupError::Blocked`]), belongs to the database ([`BackupError::Live`]), is open in a program
    /// ([`BackupError::InUse`]), or could not be removed.
    pub skipped: Vec<(PathBuf, BackupError)>,
    /// The number of backups of a later day than today. If there are any, the clock is or was wrong.
    pub later: usize,
}

/// Removes backups that are older than `keep` days, counted from `today`, and returns their paths.
///
/// The newest `keep` backups are kept however old they are, so that neither a gap in the backups nor a wrong clock
/// empties the folder. Files with other names and the database are never touched. A backup that cannot be removed does
/// not stop the removal of others.
///
/// # Errors
/// [`BackupError`] if the folder or the database cannot be read.
pub fn remove_old(url: &SqliteUrl, folder: &Path, today: NaiveDate, keep: u32) -> Result<RetentionReport, BackupError> {
    let live = live_database(url)?;
    let folder = Folder::hold(folder, PRIVATE, &live)?;
    let mut report = RetentionReport::default();
    let (mut backups, mut foreign) = (Vec::new(), Vec::new());
    for (day, path) in folder.backups()? {
        match folder.refuse_foreign(&path) {
            Ok(()) => backups.push((day, path)),
            Err(error) => foreign.push((day, path, error)),
        }
    }
    report.later = backups.iter().filter(|(day, _)| *day > today).count();
    let last_to_go = last_to_go(today, keep);
    let old = |day: &NaiveDate| last_to_go.is_some_and(|last| *day <= last);
    report.skipped.extend(foreign.into_iter().filter(|(day, ..)| old(day)).map(|(_, path, error)| (path, error)));
    for path in too_old(backups, today, keep) {
        match refuse_logs(&path).and_then(|()| folder.remove(&path)) {
            Ok(()) => report.removed.push(path),
            Err(error) => report.skipped.push((path, error)),
        }
    }
    Ok(report)
}

/// The newest day whose backup is too old; `None` if no day is.
fn last_to_go(today: NaiveDate, keep: u32) -> Option<NaiveDate> {
    today.checked_sub_days(Days::new(keep.into()))
}

/// The backups that retention removes. `backups` is sorted, the newest first.
fn too_old(backups: Vec<(NaiveDate, PathBuf)>, today: NaiveDate, keep: u32) -> Vec<PathBuf> {
    let Some(last_to_go) = last_to_go(today, keep) else {
        return Vec::new();
    };
    let spared = usize::try_from(keep).unwrap_or(usize::MAX);
    backups.into_iter().skip(spared).filter(|(day, _)| *day <= last_to_go).map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn backups(days: impl Iterator<Item = NaiveDate>) -> Vec<(NaiveDate, PathBuf)> {
        let mut backups: Vec<_> = days.map(|day| (day, PathBuf::from(day.to_string()))).collect();
        backups.sort_by(|a, b| b.cmp(a));
        backups
    }

    #[test]
    fn of_daily_backups_the_last_days_stay_with_today_among_them() {
        let daily = backups(day("2026-10-01").iter_days().take(55));
        assert_eq!(daily[0].0, day("2026-11-24"));
        let gone = too_old(daily, day("2026-11-24"), 30);
        assert_eq!(gone.len(), 25);
        assert_eq!(gone[0], PathBuf::from("2026-10-25"), "the newest that goes is 30 days old");
    }

    #[test]
    fn a_wrong_clock_or_a_gap_does_not_empty_the_folder() {
        let daily = backups(day("2026-10-26").iter_days().take(30));
        assert!(too_old(daily, day("2099-01-01"), 30).is_empty());
        let weekly = backups(day("2026-01-01").iter_weeks().take(20));
        assert!(too_old(weekly, day("2026-11-24"), 30).is_empty());
    }

    #[test]
    fn backups_of_the_future_do_not_go() {
        let future = backups(day("2030-01-01").iter_days().take(40));
        assert!(too_old(future, day("2026-11-24"), 30).is_empty());
    }
}
